"""One request to ServiceNow: one policy for all; the only module that speaks HTTP.

Plain ``requests``: time-outs on every request, nothing repeated but one read after a lost session, no cookies, no
redirects, and from the environment the proxies and the CA file alone.
"""

from __future__ import annotations

import base64
import logging
import os
import uuid
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal
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
from kibcase_connectors.servicenow.signing import GRANT, signer

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
_CHUNK: Final = 64 * 1024
_EARLY: Final = timedelta(seconds=60)
"""How long before its end an OAuth token is replaced, so that none runs out between a read and a write."""
_APART: Final = timedelta(seconds=30)
"""From when on two clocks that differ are the likely reason for a refused assertion."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    value: SecretStr
    until: datetime | None


class ServiceNowClient:
    """The connection of one account to one instance; nothing is sent before the first request.

    Every method waits no longer than the configured time-outs and raises only ``kibcase_connectors.errors`` (and
    ``failures.Cancelled`` for reads). ``clock`` is the daemon's. Not for use from two threads at once. The constructor
    raises ``FileNotFoundError`` for a missing file of certificates or of the client's own certificate, and as
    ``signing.signer`` does.
    """

    def __init__(self, system: str, config: ServiceNowConfig, clock: Callable[[], datetime]) -> None:
        self._system = system
        self._config = config
        self._clock = clock
        self._trusted = trusted(config)
        for file in (config.client_cert, config.client_key):
            if file is not None and not file.is_file():
                raise FileNotFoundError(f"no such file of a client certificate: {file}")
        self._signer = signer(config)
        self._token: _Token | None = None
        self._http: requests.Session | None = None
        self.offset: timedelta = timedelta()
        """How far the daemon's clock is ahead of the instance's, by the last answer."""
        self.date: datetime | None = None
        """The instance's time in the last answer, in whole seconds; None if it gave none."""
        self.sent: int = 0
        """How many requests were sent so far, log-ins among them."""

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
            answer = self._exchange(deed, "GET", path, params=params)
        return self._judged(deed, answer)

    def send(self, deed: Deed, method: str, path: str, params: Mapping[str, Any], body: Any = None) -> Answer:
        """Send a request that writes, with a JSON ``body`` unless it is None, once."""
        return self._once(deed, self._exchange(deed, method, path, params=params, body=body))

    def upload(
        self, deed: Deed, path: str, params: Mapping[str, Any], content: BinaryIO, *, size: int, media_type: str
    ) -> Answer:
        """Send the next ``size`` bytes of ``content`` as the body of a POST, in pieces, once."""
        url, headers = self._address(path), {**self._headers(), "Content-Type": media_type}
        # An empty body has a length only if it is no stream.
        data = Exactly(content, size) if size else b""
        return self._once(deed, self._request(deed, "POST", url, headers=headers, params=dict(params), data=data))

    def download(self, deed: Deed, path: str, into: BinaryIO, size: int) -> None:
        """Write the body of a GET to ``into``, in pieces; anything but exactly ``size`` bytes is an error.

        Redirections are not followed, so credentials go to the instance alone.
        """
        problem = self._downloaded(deed, path, into, size)
        if isinstance(problem, Denied):
            # As with every read, once more: nothing was written yet.
            problem = self._downloaded(deed, path, into, size)
        if isinstance(problem, Denied):
            self.close()
        if problem is not None:
            # Raised outside the handler; see _request.
            raise problem

    def _downloaded(self, deed: Deed, path: str, into: BinaryIO, size: int) -> ConnectorError | None:
        headers = {**self._headers(), "Accept": "*/*"}
        self.sent += 1
        try:
            with self._session().request(
                "GET", self._address(path), timeout=self._config.timeout, allow_redirects=False, stream=True,
                headers=headers,
            ) as raw:
                self._doubt(raw.status_code)
                if raw.status_code != requests.codes.ok:
                    content = read_all(raw.iter_content(_CHUNK), MAX_ANSWER_BYTES)
                    answer = Answer(status=raw.status_code, headers=raw.headers, content=content or b"")
                    return failures.from_answer(deed, answer)
                moved = _poured(raw.iter_content(_CHUNK), into, size)
        except failures.caught() as error:
            return failures.from_exception(deed, error)
        if moved == size:
            return None
        said = f"{size:,} bytes were expected and {'more' if moved > size else f'{moved:,}'} came"
        return Unavailable(self._system, deed.what, said=said)

    def _once(self, deed: Deed, answer: Answer) -> Answer:
        if answer.status == 401:
            # Nothing was written. Whether the credentials are wrong or a session was lost, the next read tells.
            self.get(self.deed("asking whether the account can still log in"), "table/sys_user", {"sysparm_limit": 1})
            raise Unavailable(self._system, deed.what, said=failures.said_in(answer))
        return answer if answer.status == requests.codes.no_content else self._judged(deed, answer)

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
        self, deed: Deed, method: str, path: str, *, params: Mapping[str, Any], body: Any = None
    ) -> Answer:
        headers = self._headers()
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self._request(deed, method, self._address(path), headers=headers, params=dict(params), json=body)

    def _address(self, path: str) -> str:
        """Give the address of an API: relative ones are of the Table API v2, others begin with a slash."""
        return f"{self._config.url}{path if path.startswith('/') else f'/api/now/v2/{path}'}"

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "User-Agent": "kibcase", **self._credentials()}

    def _request(self, deed: Deed, method: str, url: str, **given: Any) -> Answer:
        begun = self._clock()
        self.sent += 1
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
            self._doubt(answer.status)
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
        if config.username is None:
            # The client certificate says who we are.
            return {}
        pair = f"{config.username}:{_open(config.password)}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    def _bearer(self) -> str:
        token = self._token
        if token is None or (token.until is not None and self._clock() >= token.until):
            token = self._token = self._granted()
        return token.value.get_secret_value()

    def _doubt(self, status: int) -> None:
        # With an assertion any refusal may be due to what the token stands for, and Kibana's connector asks anew, too.
        if status == 401 or (self._signer is not None and 400 <= status < 500):
            self._token = None

    def _granted(self) -> _Token:
        deed = self.deed("logging in with OAuth")
        begun, offset = self._clock(), self.offset
        answer = self._asked(deed)
        if self._signer is not None and answer.status in (400, 401) and abs(self.offset - offset) >= _APART:
            # What was refused may be the time in the assertion, and now that of the instance is known.
            begun, answer = self._clock(), self._asked(deed)
        value, lifespan = answer.object.get("access_token"), answer.object.get("expires_in")
        if answer.status >= 300 or not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise self._not_granted(deed, answer)
        seconds = lifespan if isinstance(lifespan, int) and lifespan > 0 else None
        until = None if seconds is None else begun + max(timedelta(seconds=seconds) - _EARLY, timedelta(seconds=1))
        return _Token(value=SecretStr(value), until=until)

    def _asked(self, deed: Deed) -> Answer:
        """Ask for a token (POST /oauth_token.do)."""
        url, headers = f"{self._config.url}/oauth_token.do", {"Accept": "application/json"}
        return self._request(deed, "POST", url, headers=headers, data=self._grant())

    def _grant(self) -> dict[str, str]:
        config = self._config
        form = {"client_id": config.client_id or "", "client_secret": _open(config.client_secret)}
        if self._signer is not None:
            assertion = self._signer.assertion(self._clock() - self.offset, uuid.uuid4().hex)
            return form | {"grant_type": GRANT, "assertion": assertion}
        if config.username is None:
            return form | {"grant_type": "client_credentials"}
        return form | {"grant_type": "password", "username": config.username, "password": _open(config.password)}

    def _not_granted(self, deed: Deed, answer: Answer) -> ConnectorError:
        if self._signer is not None and answer.status in (400, 401, 403) and answer.object:
            return Denied(self._system, deed.what, said=failures.said_in(answer), advice=_JWT)
        if answer.status in (400, 403) and answer.object:
            return Denied(self._system, deed.what, said=failures.said_in(answer), advice=_OAUTH)
        return failures.from_answer(deed, answer)

    def _session(self) -> requests.Session:
        if self._http is None:
            self._http = _session(self._config, self._trusted)
        return self._http


_OAUTH = "Check client_id and client_secret, and that the instance allows this grant for the client."
_JWT = (
    "Check client_id and client_secret, that jwt_key_id names an entry of the client's JWT verifier maps with the "
    "certificate of jwt_private_key, that jwt_user is an active user by the client's user field, and both clocks."
)


def _session(config: ServiceNowConfig, verify: bool | str) -> requests.Session:  # noqa: FBT001 - requests' own value
    session = requests.Session()
    # .netrc would replace the credentials; what is wanted of the environment is taken from it here.
    session.trust_env = False
    # A session cookie would tie the account to one node, and would go on when the credentials do not.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    proxy = select_proxy(config.url, get_environ_proxies(config.url))
    session.proxies = {urlsplit(config.url).scheme: proxy} if proxy else {}
    session.verify = verify
    if config.client_cert is not None:
        certificate, key = str(config.client_cert), config.client_key
        session.cert = certificate if key is None else (certificate, str(key))
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


class Exactly:
    """The next ``size`` bytes of a stream, as the body of a request; a stream that ends before raises ``OSError``."""

    def __init__(self, content: BinaryIO, size: int) -> None:
        self._content = content
        self._size = size
        self._left = size

    def __len__(self) -> int:
        return self._size

    def read(self, amount: int = -1) -> bytes:
        """Give the next bytes; http.client asks for a few kilobytes at a time."""
        wanted = min(amount if amount > 0 else _CHUNK, _CHUNK, self._left)
        piece = self._content.read(wanted) if wanted else b""
        if wanted and not piece:
            raise OSError(f"the content ended {self._left} bytes before its size: it changed meanwhile")
        self._left -= len(piece)
        return piece


def _poured(chunks: Iterable[bytes], into: BinaryIO, size: int) -> int:
    """Write chunks as long as they do not go beyond ``size``; gives how many bytes came until then."""
    moved = 0
    for chunk in chunks:
        moved += len(chunk)
        if moved > size:
            break
        into.write(chunk)
    return moved


def _open(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


def clock_offset(sent: datetime, received: datetime, date: datetime) -> timedelta:
    """Give how far the daemon's clock is ahead of the instance's, from one answer's ``Date``.

    The header has whole seconds and may be a second old. Zero if the clocks may agree: a measurement no
    better than that must not move times about.
    """
    least, most = sent - (date + timedelta(seconds=2)), received - date
    return timedelta() if least <= timedelta() <= most else (least + most) / 2
