"""One request to ServiceNow: one policy for all; the only module that speaks HTTP.

Plain ``requests``: time-outs on every request, nothing repeated but one read after a lost session, no cookies, no
redirects, and from the environment the proxies and the CA file alone.
"""

from __future__ import annotations

import base64
import logging
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import requests
from pydantic import SecretStr
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import InsecureRequestWarning

from kibcase.retry import parse_http_date
from kibcase.streaming import read_all
from kibcase_connectors.errors import ConnectorError, Denied, Unavailable
from kibcase_connectors.servicenow import failures
from kibcase_connectors.servicenow.config import ServiceNowConfig
from kibcase_connectors.servicenow.failures import Answer, Cancelled, Deed

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
_CHUNK: Final = 64 * 1024
_EARLY: Final = timedelta(seconds=60)
"""How long before its end an OAuth token is replaced, so that none runs out between a read and a write."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    value: SecretStr
    until: datetime | None


class ServiceNowClient:
    """The connection of one account to one instance; nothing is sent before the first request.

    Every method waits no longer than the configured time-outs and raises only ``kibcase_connectors.errors`` (and
    ``failures.Cancelled`` for reads). ``clock`` is the daemon's. Not for use from two threads at once. The constructor
    raises ``FileNotFoundError`` for a missing file of certificates.
    """

    def __init__(self, system: str, config: ServiceNowConfig, clock: Callable[[], datetime]) -> None:
        self._system = system
        self._config = config
        self._clock = clock
        self._trusted = trusted(config)
        self._token: _Token | None = None
        self._http: requests.Session | None = None
        self.offset: timedelta = timedelta()
        """How far the daemon's clock is ahead of the instance's, by the last answer."""
        self.date: datetime | None = None
        """The instance's time in the last answer, in whole seconds; None if it gave none."""

    def close(self) -> None:
        """Let go of the connections and the token; the next request makes new ones."""
        http, self._http, self._token = self._http, None, None
        if http is not None:
            http.close()

    def deed(self, what: str, *, writes: bool = False) -> Deed:
        """Name what is attempted, for errors."""
        return Deed(system=self._system, what=what, writes=writes)

    def get(self, deed: Deed, path: str, params: Mapping[str, Any]) -> Answer:
        """Send a GET. After 401 it logs in anew and asks once more: nodes lose sessions when they restart."""
        answer = self._exchange(deed, "GET", path, params=params)
        if answer.status == 401:
            self._token = None
            answer = self._exchange(deed, "GET", path, params=params)
        return self._judged(deed, answer)

    def send(self, deed: Deed, method: str, path: str, params: Mapping[str, Any], body: Mapping[str, str]) -> Answer:
        """Send a request that writes, once."""
        answer = self._exchange(deed, method, path, params=params, body=body)
        if answer.status == 401:
            self._token = None
            # Nothing was written. Whether the credentials are wrong or a session was lost, the next read tells.
            self.get(self.deed("asking whether the account can still log in"), "table/sys_user", {"sysparm_limit": 1})
            raise Unavailable(self._system, deed.what, said=failures.said_in(answer))
        return self._judged(deed, answer)

    def _judged(self, deed: Deed, answer: Answer) -> Answer:
        if failures.is_cancelled(answer):
            raise failures.odd(deed) if deed.writes else Cancelled(failures.said_in(answer))
        if answer.status >= 300 or "result" not in answer.object:
            problem = failures.from_answer(deed, answer)
            if isinstance(problem, Denied):
                self.close()
            raise problem
        return answer

    def _exchange(
        self, deed: Deed, method: str, path: str, *, params: Mapping[str, Any], body: Mapping[str, str] | None = None
    ) -> Answer:
        headers = {"Accept": "application/json", "User-Agent": "kibcase", **self._credentials()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        url = f"{self._config.url}/api/now/v2/{path}"
        return self._request(deed, method, url, headers=headers, params=dict(params), json=body)

    def _request(self, deed: Deed, method: str, url: str, **given: Any) -> Answer:
        begun = self._clock()
        problem: ConnectorError
        try:
            with self._session().request(
                method, url, timeout=self._config.timeout, allow_redirects=False, stream=True, **given
            ) as raw:
                content = read_all(raw.iter_content(_CHUNK), MAX_ANSWER_BYTES)
                answer = Answer(status=raw.status_code, headers=raw.headers, content=content or b"")
        except failures.caught() as error:
            problem = failures.from_exception(deed, error)
        else:
            if content is None:
                raise failures.odd(deed)
            self._note(answer, begun)
            return answer
        # Raised outside the handler: exceptions of requests hold the Authorization header, which a traceback
        # that shows the context would print.
        raise problem

    def _note(self, answer: Answer, begun: datetime) -> None:
        self.date = parse_http_date(answer.headers.get("Date"))
        if self.date is not None:
            self.offset = clock_offset(begun, self._clock(), self.date)

    # -- logging in ---------------------------------------------------------------------------------

    def _credentials(self) -> dict[str, str]:
        config = self._config
        if config.api_key is not None:
            return {"x-sn-apikey": config.api_key.get_secret_value()}
        if config.token is not None:
            return {"Authorization": f"Bearer {config.token.get_secret_value()}"}
        if config.client_id is not None:
            return {"Authorization": f"Bearer {self._bearer()}"}
        pair = f"{config.username}:{_open(config.password)}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    def _bearer(self) -> str:
        token = self._token
        if token is None or (token.until is not None and self._clock() >= token.until):
            token = self._token = self._granted()
        return token.value.get_secret_value()

    def _granted(self) -> _Token:
        config, begun = self._config, self._clock()
        deed = self.deed("logging in with OAuth")
        form = {"client_id": config.client_id or "", "client_secret": _open(config.client_secret)}
        if config.username is None:
            form["grant_type"] = "client_credentials"
        else:
            form |= {"grant_type": "password", "username": config.username, "password": _open(config.password)}
        answer = self._request(
            deed, "POST", f"{config.url}/oauth_token.do", headers={"Accept": "application/json"}, data=form
        )
        value, lifespan = answer.object.get("access_token"), answer.object.get("expires_in")
        if answer.status >= 300 or not isinstance(value, str) or not value.isascii() or not value.isprintable():
            if answer.status in (400, 403) and answer.object:
                raise Denied(self._system, deed.what, said=failures.said_in(answer), advice=_OAUTH)
            raise failures.from_answer(deed, answer)
        seconds = lifespan if isinstance(lifespan, int) and lifespan > 0 else None
        until = None if seconds is None else begun + max(timedelta(seconds=seconds) - _EARLY, timedelta(seconds=1))
        return _Token(value=SecretStr(value), until=until)

    def _session(self) -> requests.Session:
        if self._http is None:
            self._http = _session(self._config, self._trusted)
        return self._http


_OAUTH = "Check client_id and client_secret, and that the instance allows this grant for the client."


def _session(config: ServiceNowConfig, verify: bool | str) -> requests.Session:  # noqa: FBT001 - requests' own value
    session = requests.Session()
    # .netrc would replace the credentials; what is wanted of the environment is taken from it here.
    session.trust_env = False
    # A session cookie would tie the account to one node, and would go on when the credentials do not.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    proxy = select_proxy(config.url, get_environ_proxies(config.url))
    session.proxies = {urlsplit(config.url).scheme: proxy} if proxy else {}
    session.verify = verify
    return session


def trusted(config: ServiceNowConfig) -> bool | str:
    """Give what certificates are checked against; turning the check off is said loudly, once.

    Raises ``FileNotFoundError``.
    """
    if config.verify is False:
        host = urlsplit(config.url).hostname or ""
        _log.warning("TLS of %s is NOT verified: anybody on the way can read and change the traffic", host)
        # One loud line of ours in place of one of urllib3's for every request.
        warnings.filterwarnings("ignore", message=f".*host '{host}'.*", category=InsecureRequestWarning)
        return False
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    chosen: Path | str | Literal[True] = config.verify if isinstance(config.verify, Path) else bundle or True
    if chosen is True:
        return True
    if not Path(chosen).exists():
        raise FileNotFoundError(f"no such certificate file: {chosen}")
    return str(chosen)


def _open(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


def clock_offset(sent: datetime, received: datetime, date: datetime) -> timedelta:
    """Give how far the daemon's clock is ahead of the instance's, from one answer's ``Date``.

    The header has whole seconds and may be a second old. Zero if the clocks may agree: a measurement no
    better than that must not move times about.
    """
    least, most = sent - (date + timedelta(seconds=2)), received - date
    return timedelta() if least <= timedelta() <= most else (least + most) / 2
