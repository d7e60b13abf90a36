"""One request to the platform, under one policy; the only module of this package that speaks HTTP.

IBM's own library ends the process on a 401, repeats creations and waits without a time-out.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from requests.utils import get_environ_proxies, select_proxy

from kibcase.retry import parse_http_date
from kibcase_connectors.errors import ConnectorError, Denied
from kibcase_connectors.model import Json
from kibcase_connectors.resilient import failures
from kibcase_connectors.resilient.config import ResilientConfig
from kibcase_connectors.resilient.failures import Answer, Deed

MOST_BYTES: Final = 64 * 1024 * 1024
"""The largest answer that is read."""

_CHUNK: Final = 64 * 1024
_CAUGHT = (requests.RequestException, ValueError)
_SHAPE = (ValueError, KeyError, TypeError, AttributeError)

T = TypeVar("T")


def clock_offset(sent: datetime, received: datetime, date: datetime) -> timedelta:
    """Give how far the daemon's clock is ahead of the platform's, from one answer's ``Date``.

    The header has whole seconds. Zero if the clocks may agree: a measurement no better than that must not
    move times about.
    """
    least, most = sent - (date + timedelta(seconds=2)), received - date
    return timedelta() if least <= timedelta() <= most else (least + most) / 2


class _Key(AuthBase):
    """HTTP Basic with an API key; its repr tells nothing."""

    def __init__(self, config: ResilientConfig) -> None:
        # Encoded here: requests writes texts in Latin-1, which has not every character of every secret.
        pair = f"{config.api_key_id}:{config.api_key_secret.get_secret_value()}".encode()
        self._header = f"Basic {base64.b64encode(pair).decode('ascii')}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


class ResilientClient:
    """The connection of one API key to one platform; nothing is sent before the first request.

    ``ResilientRest`` adds the requests. Every request is sent once, waits no longer than the configured
    time-outs, and raises only ``kibcase_connectors.errors``. After the first 401 nothing is sent any more, since
    wrong keys lock the key or the address: every request raises ``Denied``. ``clock`` is the daemon's. Not
    for use from two threads at once.
    """

    def __init__(self, system: str, config: ResilientConfig, clock: Callable[[], datetime]) -> None:
        self._system = system
        self._config = config
        self._clock = clock
        self._session: requests.Session | None = None
        self._refused = ""
        self.offset: timedelta = timedelta()
        """How far the daemon's clock is ahead of the platform's, by the last answer."""
        self.date: datetime | None = None
        """The platform's time in the last answer, in whole seconds; None if it gave none."""

    def close(self) -> None:
        """Let go of the connections; the next request makes new ones."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _deed(self, what: str, *, writes: bool = False, whole: bool = False) -> Deed:
        return Deed(system=self._system, what=what, writes=writes, whole=whole)

    def _call(
        self, deed: Deed, method: str, path: str, decode: Callable[[Any], T], *,
        params: Mapping[str, str] | None = None, body: Json = None,
    ) -> T:
        """Send one request and decode its answer; ``path`` begins with ``/rest``."""
        if self._refused:
            raise Denied(self._system, deed.what, said=self._refused, advice=failures.LOG_IN)
        begun = self._clock()
        problem: ConnectorError
        try:
            answer = self._sent(method, path, params, body)
        except _CAUGHT as error:
            problem = failures.from_exception(deed, error)
        else:
            if 200 <= answer.status < 300:
                self._note(answer, begun)
                return self._decoded(deed, answer, decode)
            problem = failures.from_answer(deed, answer)
            if answer.status == 401:
                self._refused = problem.said
                self.close()
        # Raised outside the handler: the exceptions of requests hold the Authorization header.
        raise problem

    def _decoded(self, deed: Deed, answer: Answer, decode: Callable[[Any], T]) -> T:
        try:
            raw = answer.json()
        except ValueError:
            raw = None
        if raw is None:
            raise failures.from_answer(deed, answer)
        try:
            return decode(raw)
        except _SHAPE:
            pass
        raise failures.odd(deed)

    def _sent(self, method: str, path: str, params: Mapping[str, str] | None, body: Json) -> Answer:
        response = self._connected().request(
            method, f"{self._config.url}{path}", params=params, json=body, timeout=self._config.timeout,
            allow_redirects=False, stream=True,
        )
        try:
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(status=response.status_code, headers=headers, content=_bounded(response))
        finally:
            response.close()

    def _note(self, answer: Answer, begun: datetime) -> None:
        self.date = parse_http_date(answer.headers.get("date"))
        if self.date is not None:
            self.offset = clock_offset(begun, self._clock(), self.date)

    def _connected(self) -> requests.Session:
        if self._session is None:
            session = self._session = requests.Session()
            # Of the environment only the proxies and trusted certificates count: a .netrc would replace our key.
            session.trust_env = False
            session.proxies = _proxies(self._config.url)
            session.verify = _trusted(self._config.verify)
            session.auth = _Key(self._config)
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            session.headers.update({"User-Agent": "kibcase", "Accept": "application/json"})
        return self._session


def _bounded(response: requests.Response) -> bytes:
    pieces, size = [], 0
    for piece in response.iter_content(_CHUNK):
        pieces.append(piece)
        size += len(piece)
        if size > MOST_BYTES:
            raise ValueError("the answer is too large")
    return b"".join(pieces)


def _proxies(url: str) -> dict[str, str]:
    found = select_proxy(url, get_environ_proxies(url))
    return {urlsplit(url).scheme: found} if found else {}


def _trusted(verify: bool | Path) -> bool | str:  # noqa: FBT001 - as configured
    if verify is not True:
        return verify if verify is False else str(verify)
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
