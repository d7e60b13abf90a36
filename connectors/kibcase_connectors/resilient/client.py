"""One request to the platform, under one policy; the only module of this package that speaks HTTP.

IBM's own library ends the process on a 401, repeats creations and waits without a time-out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies, select_proxy

from kibcase.retry import parse_http_date
from kibcase_connectors.errors import ConnectorError, Denied
from kibcase_connectors.model import Json
from kibcase_connectors.resilient import failures
from kibcase_connectors.resilient.config import ResilientConfig
from kibcase_connectors.resilient.failures import Answer, Deed
from kibcase_connectors.resilient.files import CHUNK, Form
from kibcase_connectors.resilient.login import Login

MOST_BYTES: Final = 64 * 1024 * 1024
"""The largest answer that is read."""

_SESSION: Final = "/rest/session"
# OSError: what requests raises for files of certificates that it cannot read.
_CAUGHT = (requests.RequestException, ValueError, OSError)
_SHAPE = (ValueError, KeyError, TypeError, AttributeError)

T = TypeVar("T")
Receive = Callable[[requests.Response], bytes]


def clock_offset(sent: datetime, received: datetime, date: datetime) -> timedelta:
    """Give how far the daemon's clock is ahead of the platform's, from one answer's ``Date``.

    The header has whole seconds. Zero if the clocks may agree: a measurement no better than that must not
    move times about.
    """
    least, most = sent - (date + timedelta(seconds=2)), received - date
    return timedelta() if least <= timedelta() <= most else (least + most) / 2


class ResilientClient:
    """The connection of one account to one platform; nothing is sent before the first request.

    ``ResilientRest`` adds the requests. Every request is sent once, waits no longer than the configured
    time-outs, and raises only ``kibcase_connectors.errors``. After the first 401 nothing is sent any more, since
    wrong keys lock the key or the address: every request raises ``Denied``. Only where a session of a user has
    run out is a request sent again, in a new session: the platform has not carried it out. ``clock`` is the
    daemon's. Not for use from two threads at once.
    """

    def __init__(self, system: str, config: ResilientConfig, clock: Callable[[], datetime]) -> None:
        self._system = system
        self._config = config
        self._clock = clock
        self._session: requests.Session | None = None
        self._refused = ""
        self._login = Login(config)
        self.offset: timedelta = timedelta()
        """How far the daemon's clock is ahead of the platform's, by the last answer."""
        self.date: datetime | None = None
        """The platform's time in the last answer, in whole seconds; None if it gave none."""
        self.sent: int = 0
        """How many requests were sent so far, log-ins among them."""

    def close(self) -> None:
        """Let go of the connections; the next request makes new ones."""
        session, self._session = self._session, None
        self._login.ended()
        if session is not None:
            session.close()

    def _deed(self, what: str, *, writes: bool = False, whole: bool = False, extra: bool = False) -> Deed:
        return Deed(system=self._system, what=what, writes=writes, whole=whole, extra=extra)

    def _call(
        self, deed: Deed, method: str, path: str, decode: Callable[[Any], T], *,
        params: Mapping[str, str] | None = None, body: Json = None, form: Form | None = None,
    ) -> T:
        """Send one request and decode its answer; ``path`` begins with ``/rest``."""
        return self._decoded(deed, self._answer(deed, method, path, params=params, body=body, form=form), decode)

    def _pour(self, deed: Deed, path: str, size: int, into: BinaryIO, *, page: bool) -> None:
        """Write the body of an answer, which must have ``size`` bytes, to ``into``.

        A download that fails can be a page of HTML with status 200; ``page`` tells that the file may be one.
        """
        def receive(response: requests.Response) -> bytes:
            if not 200 <= response.status_code < 300:
                return _bounded(response)
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            told = response.headers.get("content-length", "")
            if (kind == "text/html" and not page) or (told.isdigit() and int(told) != size):
                raise failures.no_file(deed, kind, told, size)
            held = 0
            for piece in response.iter_content(CHUNK):
                held += len(piece)
                if held > size:
                    raise failures.no_file(deed, kind, f"more than {size}", size)
                into.write(piece)
            if held < size:
                raise failures.no_file(deed, kind, str(held), size)
            return b""

        self._answer(deed, "GET", path, receive=receive)

    def _answer(
        self, deed: Deed, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Json = None,
        form: Form | None = None, receive: Receive | None = None,
    ) -> Answer:
        while True:
            if self._refused:
                raise Denied(self._system, deed.what, said=self._refused, advice=failures.LOG_IN)
            if self._login.needs_session and not self._login.ready:
                self._log_in()
            begun = self._clock()
            got = self._tried(deed, lambda: self._sent(method, path, params, body, form, receive or _bounded))
            if isinstance(got, Answer) and 200 <= got.status < 300:
                self._login.tried = True
                self._note(got, begun)
                return got
            if isinstance(got, Answer) and got.status == 401 and self._login.needs_session and self._login.tried:
                self._login.ended()
                continue
            raise self._problem(deed, got)

    def _tried(self, deed: Deed, send: Callable[[], T]) -> T | ConnectorError:
        # Errors are given, to be raised outside of handlers: exceptions of requests hold what signs the request.
        try:
            return send()
        except _CAUGHT as error:
            return failures.from_exception(deed, error)

    def _problem(self, deed: Deed, got: Answer | ConnectorError) -> ConnectorError:
        if isinstance(got, ConnectorError):
            return got
        problem = failures.from_answer(deed, got)
        if got.status == 401:
            self._refused = problem.said
            self.close()
        return problem

    def _log_in(self) -> None:
        """Open a session of the configured user (POST /rest/session)."""
        deed = self._deed("logging in", whole=True)
        password = self._config.password.get_secret_value() if self._config.password is not None else ""
        body = {"email": self._config.email, "password": password}
        got = self._tried(deed, lambda: self._opened(body))
        if isinstance(got, ConnectorError):
            raise got
        answer, cookies = got
        if not 200 <= answer.status < 300:
            raise self._problem(deed, answer)
        try:
            self._login.opened(answer.json(), cookies)
        except _SHAPE:
            pass
        else:
            return
        raise failures.from_answer(deed, answer)

    def _opened(self, body: Mapping[str, Any]) -> tuple[Answer, dict[str, str]]:
        self.sent += 1
        with self._connected().request(
            "POST", f"{self._config.url}{_SESSION}", json=body, timeout=self._config.timeout, allow_redirects=False,
            stream=True,
        ) as response:
            cookies = {cookie.name: cookie.value or "" for cookie in response.cookies}
            return _read(response, _bounded), cookies

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

    def _sent(
        self, method: str, path: str, params: Mapping[str, str] | None, body: Json, form: Form | None, receive: Receive
    ) -> Answer:
        headers = {} if form is None else {"Content-Type": form.content_type}
        self.sent += 1
        with self._connected().request(
            method, f"{self._config.url}{path}", params=params, json=body, data=form, headers=headers,
            timeout=self._config.timeout, allow_redirects=False, stream=True,
        ) as response:
            return _read(response, receive)

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
            session.cert = _certificate(self._config)
            session.auth = self._login
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            session.headers.update({"User-Agent": "kibcase", "Accept": "application/json"})
        return self._session


def _read(response: requests.Response, receive: Receive) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(status=response.status_code, headers=headers, content=receive(response))


def _bounded(response: requests.Response) -> bytes:
    pieces, size = [], 0
    for piece in response.iter_content(CHUNK):
        pieces.append(piece)
        size += len(piece)
        if size > MOST_BYTES:
            raise ValueError("the answer is too large")
    return b"".join(pieces)


def _certificate(config: ResilientConfig) -> str | tuple[str, str] | None:
    if config.client_certificate is None:
        return None
    certificate = str(config.client_certificate)
    return certificate if config.client_key is None else (certificate, str(config.client_key))


def _proxies(url: str) -> dict[str, str]:
    found = select_proxy(url, get_environ_proxies(url))
    return {urlsplit(url).scheme: found} if found else {}


def _trusted(verify: bool | Path) -> bool | str:  # noqa: FBT001 - as configured
    if verify is not True:
        return verify if verify is False else str(verify)
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
