"""One request to Jira: the ``jira`` library held to one policy; the only module that knows that library.

The library logs in, finds out about the server and sends simple requests; what it would page, retry,
follow or print in ways that do not suit a daemon goes through its session as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import requests
from requests.adapters import HTTPAdapter

from kibcase.errors import MissingExtraError
from kibcase.retry import parse_http_date
from kibcase_connectors.errors import ConnectorError, Denied
from kibcase_connectors.jira import failures
from kibcase_connectors.jira.config import JiraConfig
from kibcase_connectors.jira.failures import Deed
from kibcase_connectors.jira.history import clock_offset
from kibcase_connectors.model import Json

try:
    from jira import JIRA
    from jira.exceptions import JIRAError
except ModuleNotFoundError as missing:
    raise MissingExtraError("connectors", "jira") from missing

_LIBRARY: Final = logging.getLogger("jira")
_ROWS: Final = 100
_WALKS: Final = 3
_CAUGHT = (JIRAError, requests.RequestException, ValueError, KeyError, TypeError, AttributeError)

Deployment = Literal["cloud", "datacenter"]
T = TypeVar("T")


class JiraClient:
    """The connection of one account to one Jira; made at the first request (GET serverInfo).

    ``JiraRest`` adds the requests. Every method sends its request once, waits no longer than the configured
    time-outs, and raises only ``kibcase_connectors.errors``. ``clock`` is the daemon's. Not for use from
    two threads at once.
    """

    def __init__(self, system: str, config: JiraConfig, clock: Callable[[], datetime]) -> None:
        self._system = system
        self._config = config
        self._clock = clock
        self._jira: JIRA | None = None
        self._answer: requests.Response | None = None
        self._deployment: Deployment | None = config.deployment
        self._locked: Denied | None = None
        self.sent: int = 0
        """How many HTTP requests were sent so far, the library's own and those to a host for media among them."""
        self.offset: timedelta = timedelta()
        """How far the daemon's clock is ahead of Jira's, by the last answer."""
        self.date: datetime | None = None
        """Jira's time in the last answer, in whole seconds; None if it gave none."""

    @property
    def deployment(self) -> Deployment | None:
        """The kind of Jira, as configured or learnt; None before the first request."""
        return self._deployment

    @property
    def cloud(self) -> bool:
        """Whether this is Jira Cloud; asks the server if need be."""
        if self._deployment is None:
            self._connected()
        return self._deployment == "cloud"

    def close(self) -> None:
        """Let go of the connections; the next request makes new ones."""
        jira, self._jira = self._jira, None
        if jira is not None:
            self._session(jira).close()

    def _deed(self, what: str, *, writes: bool = False) -> Deed:
        return Deed(system=self._system, what=what, writes=writes)

    def _ask(self, what: str, path: str, kind: type[T], params: Mapping[str, Any] | None = None) -> T:
        def send(jira: JIRA) -> T:
            body = self._session(jira).get(self._url(path), params=params).json()
            if not isinstance(body, kind):
                raise TypeError(f"a {kind.__name__} was expected")
            return body

        return self._call(self._deed(what), send)

    def _write(
        self, what: str, method: str, path: str, body: Json,
        decode: Callable[[Mapping[str, Any]], T],
    ) -> T:
        def send(jira: JIRA) -> T:
            answer = self._session(jira).request(method, self._url(path), json=body)
            return decode(answer.json() if answer.content else {})

        return self._call(self._deed(what, writes=True), send)

    def _rows(
        self, what: str, path: str, names: Sequence[str], *, params: Mapping[str, Any] | None = None,
        most: int | None = None,
    ) -> list[Mapping[str, Any]]:
        """Walk a list by startAt; begins again if an entry vanished on the way, so that none is skipped."""
        for _ in range(_WALKS):
            rows = self._walk(what, path, names, dict(params or {}), most)
            if rows is not None:
                return rows
        raise failures.unsteady(self._deed(what))

    def _walk(
        self, what: str, path: str, names: Sequence[str], params: dict[str, Any], most: int | None
    ) -> list[Mapping[str, Any]] | None:
        rows: list[Mapping[str, Any]] = []
        before = 0
        while True:
            page = {"startAt": len(rows), "maxResults": _ROWS, **params}
            raw = self._ask(what, path, dict, params=page)
            found = next((raw[name] for name in names if isinstance(raw.get(name), list)), None)
            if found is None:
                raise failures.odd(self._deed(what))
            total = raw["total"] if isinstance(raw.get("total"), int) else None
            if total is not None and total < before:
                return None
            before = total or 0
            rows += found
            # Some lists are counted, some only say that there is more.
            told = raw.get("isLast") is not False if total is None else len(rows) >= total
            ended = raw.get("isLast") is True or not found or told
            if ended or (most is not None and len(rows) >= most):
                return rows

    def _decode(self, what: str, decode: Callable[[], T]) -> T:
        try:
            return decode()
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        raise failures.odd(self._deed(what))

    def _call(self, deed: Deed, send: Callable[[JIRA], T]) -> T:
        jira = self._connected()
        self._answer = None
        begun = self._clock()
        problem: ConnectorError
        try:
            result = send(jira)
        except _CAUGHT as error:
            problem = self._problem(deed, error)
        else:
            answer = self._answer
            if answer is None or not failures.login_failed(answer.headers):
                self._note(answer, begun)
                return result
            problem = failures.from_answer(deed, answer)
        self._lock(problem, self._answer)
        # Raised outside the handler: the library's exceptions hold cookies and the Authorization header,
        # which a traceback that shows the context would print.
        if isinstance(problem, Denied):
            self.close()
        raise problem

    def _lock(self, problem: ConnectorError, answer: requests.Response | None) -> None:
        if answer is not None and failures.captcha(answer.headers) and isinstance(problem, Denied):
            self._locked = problem

    def _problem(self, deed: Deed, error: Exception) -> ConnectorError:
        answer = getattr(error, "response", None)
        broken = isinstance(error, requests.RequestException) and not isinstance(error, requests.JSONDecodeError)
        if not isinstance(answer, requests.Response):
            # The headers of an answer whose body broke off were seen, but its body cannot be read again.
            answer = None if broken else self._answer
        return failures.from_exception(deed, error) if answer is None else failures.from_answer(deed, answer)

    def _note(self, answer: requests.Response | None, begun: datetime) -> None:
        self.date = parse_http_date(answer.headers.get("Date")) if answer is not None else None
        if self.date is not None:
            self.offset = clock_offset(begun, self._clock(), self.date)

    def _connected(self) -> JIRA:
        if self._locked is not None:
            # Each further try would deepen the lock; a new process begins anew.
            raise failures.again(self._locked)
        if self._jira is not None:
            return self._jira
        self._answer = None
        try:
            jira = self._jira = self._built(self._config.rest)
        except _CAUGHT as error:
            problem = self._problem(self._deed("connecting"), error)
            self._lock(problem, getattr(error, "response", None))
            if self._lacks_version_3(error):
                problem = failures.no_version_3(self._deed("connecting"))
        else:
            found: Deployment = "cloud" if jira.deploymentType == "Cloud" else "datacenter"
            self._deployment = self._deployment or found
            if self._config.rest == 2 or found == "cloud":
                return jira
            self.close()
            problem = failures.no_version_3(self._deed("connecting"))
        raise problem

    def _lacks_version_3(self, error: Exception) -> bool:
        answer = getattr(error, "response", None)
        if self._config.rest != 3 or not isinstance(answer, requests.Response) or answer.status_code != 404:
            return False
        try:
            older = self._built(2)
        except _CAUGHT:
            return False
        self._session(older).close()
        return bool(older.deploymentType != "Cloud")

    def _built(self, rest: int) -> JIRA:
        config, level = self._config, _LIBRARY.level
        try:
            jira = _Jira(
                self._counted, server=config.url, options={"verify": self._verify, "rest_api_version": str(rest)},
                timeout=config.timeout, max_retries=0, logging=False, get_server_info=True, **_credentials(config),
            )
        finally:
            # The library sets it for the whole process.
            _LIBRARY.setLevel(level)
        session = self._session(jira)
        # A session cookie would tie the account to one node of Data Center and could end up in a log.
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.cookies.clear()
        session.max_redirects = 0
        session.hooks["response"].append(self._seen)
        return jira

    @property
    def _verify(self) -> bool | str:
        given = self._config.verify
        return str(given) if isinstance(given, Path) else given

    def _counted(self, session: requests.Session) -> None:
        """Count what ``session`` sends from now on."""
        for scheme in ("https://", "http://"):
            session.mount(scheme, _CountingAdapter(self._count))

    def _count(self) -> None:
        self.sent += 1

    def _seen(self, answer: requests.Response, **_: object) -> None:
        self._answer = answer

    @staticmethod
    def _session(jira: JIRA) -> requests.Session:
        return jira._session  # noqa: SLF001 - the library offers no public way to its session

    def _url(self, path: str) -> str:
        return f"{self._config.url}/rest/api/{self._config.rest}/{path}"


class _Jira(JIRA):
    """The library, with ``prepare`` called for its session before its first request."""

    def __init__(self, prepare: Callable[[requests.Session], None], **options: Any) -> None:
        self._prepare = prepare
        super().__init__(**options)

    def server_info(self) -> dict[str, Any]:
        self._prepare(self._session)
        return super().server_info()


class _CountingAdapter(HTTPAdapter):
    """Says so each time that it sends a request: a redirection is followed by another one."""

    def __init__(self, count: Callable[[], None]) -> None:
        super().__init__()
        self._count = count

    def send(self, *args: Any, **options: Any) -> requests.Response:
        self._count()
        return super().send(*args, **options)


def _credentials(config: JiraConfig) -> dict[str, Any]:
    if config.token is not None:
        return {"token_auth": config.token.get_secret_value()}
    secret = config.api_token or config.password
    name = config.email or config.username
    # As bytes: requests writes texts in Latin-1, which has not every letter of every password.
    return {"basic_auth": ((name or "").encode(), secret.get_secret_value().encode() if secret is not None else b"")}
