"""Send one request to Kibana and get its answer; nothing else in the library speaks HTTP."""

from __future__ import annotations

import logging
import os
import random
import re
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from json import dumps, loads
from pathlib import Path
from typing import Any, NoReturn, Self
from urllib.parse import urlencode, urlsplit

import requests
import urllib3.exceptions as urllib3_errors
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies, select_proxy
from urllib3 import BaseHTTPResponse

from kibcase.address import base_url, space_id, well_formed
from kibcase.auth import Auth
from kibcase.errors import AnswerTooLarge, ConnectionFailed, InvalidAnswer, KibcaseError, api_error
from kibcase.failures import translate
from kibcase.retry import Policy, parse_http_date, parse_retry_after, wait_before_repeat
from kibcase.streaming import LocalFailure, Sink, StreamedBody, guarded, pour, read_all

log = logging.getLogger(__name__)

MAX_ANSWER_BYTES = 64 * 1024 * 1024
_CHUNK = 64 * 1024
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. ``path`` begins with ``/api`` or ``/internal``, is escaped and leaves out the space.

    The body is ``json``, or ``body`` of ``content_type`` (bytes, or what makes them while they are sent), or none.

    ``idempotent`` marks a request other than GET that may be sent twice without harm. ``internal`` marks
    a route that newer stacks serve only with the internal-origin header. ``accept`` lists error
    statuses that count as an answer.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    json: Any = None
    body: bytes | StreamedBody | None = None
    content_type: str = "application/octet-stream"
    idempotent: bool = False
    internal: bool = False
    accept: frozenset[int] = frozenset()

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again when its outcome is not known."""
        return self.idempotent or self.method == "GET"


Explain = Callable[[Request, KibcaseError], KibcaseError | None]
"""Gives an error that tells more than the one at hand, or None if there is no more to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer. Header names are in lower case; ``date`` is the server's own clock, if it told it."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)
    method: str
    path: str
    date: datetime | None = None

    def json(self) -> Any:
        """Return the decoded body; raises ``InvalidAnswer`` if it is not JSON."""
        try:
            return loads(self.content)
        except ValueError as error:
            raise self.invalid(f"the body is not valid JSON ({error})") from error

    def invalid(self, reason: str) -> InvalidAnswer:
        """Build the error which says that this answer cannot be used, and why."""
        kind = self.headers.get("content-type", "")
        return InvalidAnswer(
            reason, method=self.method, path=self.path, status=self.status, content_type=kind
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wire:
    verify: bool | str
    cert: str | tuple[str, str] | None
    proxies: dict[str, str]
    timeout: tuple[float, float]
    max_bytes: int


_Exchange = Callable[[HTTPAdapter, requests.PreparedRequest, Request, _Wire], Response | KibcaseError]


class _Adapter(HTTPAdapter):
    """An adapter that keeps no cookies; looking for them is a good part of what an answer costs."""

    def build_response(self, req: requests.PreparedRequest, resp: BaseHTTPResponse) -> requests.Response:
        """Give the answer with what is read of it here: status, headers, body."""
        response = requests.Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        response.url = req.url or ""
        response.request = req
        return response


class _Connections:
    """The connections of each thread, behind one ``HTTPAdapter`` each: adapters are not made to be shared.

    A whole ``requests.Session`` would add what is not wanted: cookies, redirects, ``.netrc``.
    """

    def __init__(self) -> None:
        self._local = threading.local()
        self._lock = threading.Lock()
        self._all: weakref.WeakSet[HTTPAdapter] = weakref.WeakSet()

    def of_this_thread(self) -> HTTPAdapter:
        adapter: HTTPAdapter | None = getattr(self._local, "adapter", None)
        if adapter is None:
            adapter = self._local.adapter = _Adapter()
            with self._lock:
                self._all.add(adapter)
        return adapter

    def close(self) -> None:
        with self._lock:
            for adapter in list(self._all):
                adapter.close()


class Transport:
    """The way to one space of one Kibana. Thread-safe.

    ``url`` is Kibana's address with its base path. ``timeout`` is (connect, read) in seconds, the latter
    for each pause in the answer; one number is both. ``verify`` is True, the path of a CA file, or False; False
    is logged once. Answers of more than ``max_answer_bytes`` are refused.

    Deliberately little is taken from the environment, and that once, here: the proxies (``HTTPS_PROXY``,
    ``NO_PROXY``) unless ``proxies`` is given, and the CA file (``REQUESTS_CA_BUNDLE``, ``CURL_CA_BUNDLE``)
    if ``verify`` is True. ``.netrc`` is never read, cookies are not kept, redirects not followed.

    Raises ``ValueError`` for an address that is not http(s) or that holds credentials, and for a space
    id that Kibana would not allow; ``FileNotFoundError`` for a missing CA or client certificate file.
    """

    def __init__(
        self, url: str, *, auth: Auth | None, space: str | None = None, verify: bool | str | Path = True,
        client_cert: str | tuple[str, str] | None = None, timeout: float | tuple[float, float] = (5.0, 30.0),
        retry: Policy | None = None, user_agent: str = "kibcase", proxies: Mapping[str, str] | None = None,
        max_answer_bytes: int = MAX_ANSWER_BYTES, clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep, chance: Callable[[], float] = random.random,
    ) -> None:
        self.url = base_url(url)
        self._address = _ascii(self.url)
        self.space = space_id(space)
        self._auth = auth
        self._policy = retry or Policy()
        self._user_agent = user_agent
        self._clock, self._sleep, self._chance = clock, sleep, chance
        self._connections = _Connections()
        self._explain: Explain | None = None
        self._wire = _Wire(
            verify=_trusted(self.url, verify), cert=_certificate(client_cert),
            proxies=_proxies(self.url, proxies), timeout=_timeout(timeout), max_bytes=max_answer_bytes,
        )

    def __repr__(self) -> str:
        return f"Transport({self.url!r}, space={self.space or 'default'!r})"

    def for_space(self, space: str | None) -> Self:
        """Return the way to another space of the same Kibana; both share their connections."""
        sibling = copy(self)
        sibling.space = space_id(space)
        return sibling

    def explained_by(self, explain: Explain) -> Self:
        """Let ``explain`` put a better error in the place of one to be raised; returns this very transport."""
        # Not a copy: who made the transport, perhaps of a class that keeps notes, goes on reading this one.
        self._explain = explain
        return self

    def close(self) -> None:
        """Close the connections, those of siblings too; a later request opens new ones."""
        self._connections.close()

    def send(self, request: Request) -> Response:
        """Send the request, repeat it where that is safe, and return the answer.

        Raises a subclass of ``ApiError`` for a status of 400 and above that ``request.accept`` does
        not list, of ``NoUsableAnswer`` if there was no answer or not one of Kibana's. What reading a
        streamed body raises is raised as it is.
        """
        return self._repeated(request, _exchange, lambda: True)

    def receive(self, request: Request, sink: Sink) -> Response:
        """Send the request and hand the body of its answer to ``sink`` as it comes; the answer has no content.

        Any type of content will do, but for a page in HTML that is not declared a file: that is a login page.
        The bound on answers does not apply, the sink sets its own. The request is repeated as by
        ``send`` while ``sink.ready``, after half a body too. Raises what ``send`` and the sink raise.
        """
        return self._repeated(request, partial(_exchange, sink=sink), lambda: sink.ready)

    def _repeated(self, request: Request, exchange: _Exchange, ready: Callable[[], bool]) -> Response:
        started = self._clock()
        attempt = 1
        while not isinstance(outcome := self._attempt(request, exchange), Response):
            if isinstance(outcome, LocalFailure):
                raise outcome.error
            wait = wait_before_repeat(
                self._policy, outcome, attempt=attempt, elapsed=self._clock() - started,
                repeatable=request.repeatable and ready(), chance=self._chance(),
            )
            if wait is None:
                self._raise(request, outcome)
            log.info("repeat %s %s in %.2f s: %s", request.method, request.path, wait, type(outcome).__name__)
            self._sleep(wait)
            attempt += 1
        return outcome

    def _raise(self, request: Request, outcome: KibcaseError) -> NoReturn:
        better = self._explain(request, outcome) if self._explain else None
        if better is not None:
            raise better from outcome
        raise outcome

    def _attempt(self, request: Request, exchange: _Exchange) -> Response | KibcaseError | LocalFailure:
        # Errors are returned, not raised, so that none of requests' exceptions, which hold the headers
        # with the credentials, becomes the context of ours.
        try:
            adapter = self._connections.of_this_thread()
            response = exchange(adapter, self._prepare(request), request, self._wire)
        except LocalFailure as failure:
            return failure
        except (requests.RequestException, urllib3_errors.HTTPError) as failure:
            return translate(failure, request.method, request.path, urlsplit(self.url).netloc)
        return response if isinstance(response, KibcaseError) else _judge(response, request)

    def _prepare(self, request: Request) -> requests.PreparedRequest:
        # Put together by hand: what requests would do to a URL was done to the address once and to the path where
        # it was made, and costs more than all the rest of a small request.
        prefix = f"/s/{self.space}" if self.space else ""
        query = urlencode([(name, well_formed(value)) for name, value in request.query])
        prepared = requests.PreparedRequest()
        prepared.method = request.method
        prepared.url = f"{self._address}{prefix}{request.path}{'?' if query else ''}{query}"
        prepared.headers = CaseInsensitiveDict(self._headers(request))
        prepared.body = _body(request)
        if request.body is not None and not isinstance(request.body, bytes):
            _stream_body(prepared, request.body)
        elif prepared.body is not None or request.method in _WRITES:
            prepared.headers["Content-Length"] = str(len(prepared.body or b""))
        return prepared

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": self._user_agent}
        if self._auth is not None:
            headers["Authorization"] = self._auth.header()
        if request.method in _WRITES:
            headers["kbn-xsrf"] = "true"
        if request.json is not None or request.body is not None:
            headers["Content-Type"] = "application/json" if request.body is None else request.content_type
        if request.internal:
            headers["x-elastic-internal-origin"] = "Kibana"
        return headers


def _ascii(url: str) -> str:
    prepared = requests.PreparedRequest()
    prepared.prepare_url(url, None)
    return (prepared.url or url).rstrip("/")


def _body(request: Request) -> bytes | None:
    if request.json is None:
        return request.body if isinstance(request.body, bytes) else None
    return dumps(request.json, separators=(",", ":")).encode()


def _stream_body(prepared: requests.PreparedRequest, body: StreamedBody) -> None:
    size = body.size
    framing = ("Transfer-Encoding", "chunked") if size is None else ("Content-Length", str(size))
    prepared.headers[framing[0]] = framing[1]
    prepared.body = guarded(body.chunks())  # type: ignore[assignment]  # the adapter takes any iterable of bytes


def _exchange(
    adapter: HTTPAdapter, prepared: requests.PreparedRequest, request: Request, wire: _Wire, sink: Sink | None = None
) -> Response | KibcaseError:
    if sink is not None:
        # As it is stored: a length in packed bytes says nothing about the file's.
        prepared.headers.update({"Accept": "*/*", "Accept-Encoding": "identity"})
    with adapter.send(
        prepared, stream=True, timeout=wire.timeout, verify=wire.verify, cert=wire.cert, proxies=wire.proxies
    ) as raw:
        headers = {name.lower(): value for name, value in raw.headers.items()}
        content: bytes | None = b""
        broken = None
        if sink is not None and raw.status_code < 300 and _is_file(headers):
            broken = pour(raw.iter_content(_CHUNK), sink, _length(headers))
        else:
            content = _whole(raw, _length(headers), wire.max_bytes)
        response = Response(
            status=raw.status_code, headers=headers, content=content or b"", method=request.method,
            path=request.path, date=parse_http_date(headers.get("date")),
        )
    if broken:
        return ConnectionFailed(broken, method=request.method, path=request.path)
    if content is not None:
        return response
    reason = f"the body exceeds {wire.max_bytes} bytes"
    return AnswerTooLarge(reason, method=request.method, path=request.path, status=response.status)


def _whole(raw: requests.Response, length: int | None, most: int) -> bytes | None:
    if length is not None and length <= most:
        return bytes(raw.raw.read())
    return read_all(raw.iter_content(_CHUNK), most)


def _is_file(headers: Mapping[str, str]) -> bool:
    return "content-disposition" in headers or _kind(headers) != "text/html"


def _length(headers: Mapping[str, str]) -> int | None:
    told = headers.get("content-length", "")
    return int(told) if told.isdecimal() and "content-encoding" not in headers else None


def _kind(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _judge(response: Response, request: Request) -> Response | KibcaseError:
    if response.status >= 400 and response.status not in request.accept:
        return _refusal(response)
    if 300 <= response.status < 400:
        target = urlsplit(response.headers.get("location", ""))
        return response.invalid(f"redirected ({response.status}) to {target.netloc}{target.path}")
    kind = _kind(response.headers)
    if response.content and kind and not kind.endswith("json"):
        return response.invalid(f"expected JSON, got {kind} with status {response.status}")
    return response


def _refusal(response: Response) -> KibcaseError:
    body, message = _said(response.content)
    now = response.date or datetime.now(UTC)
    return api_error(
        response.status, message, method=response.method, path=response.path, body=body,
        retry_after=parse_retry_after(response.headers.get("retry-after"), now=now),
    )


def _said(content: bytes) -> tuple[Any, str]:
    # Kibana's envelope is {statusCode, error, message}; a proxy, or Kibana while it starts, sends text.
    text = content.decode("utf-8", "replace")
    try:
        body = loads(text)
    except ValueError:
        return text, text
    if not isinstance(body, dict):
        return body, text
    message = body.get("message") or body.get("error") or text
    return body, message if isinstance(message, str) else dumps(message)


def _timeout(timeout: float | tuple[float, float]) -> tuple[float, float]:
    connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    if connect <= 0 or read <= 0:
        raise ValueError("both time-outs are more than 0 seconds")
    return connect, read


def _trusted(url: str, verify: bool | str | Path) -> bool | str:  # noqa: FBT001 - requests' own three-way value
    if not isinstance(verify, bool):
        return _existing(verify)
    if not verify:
        _accept_any_certificate(url)
        return False
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    return _existing(bundle) if bundle else True


def _accept_any_certificate(url: str) -> None:
    host = urlsplit(url).hostname or ""
    log.warning("TLS of %s is NOT verified: anybody on the way can read and change the traffic", host)
    # One loud line of ours instead of one of urllib3's for every request; other hosts keep theirs.
    message = rf"Unverified HTTPS request is being made to host '{re.escape(host)}'"
    warnings.filterwarnings("ignore", message=message, category=urllib3_errors.InsecureRequestWarning)


def _certificate(cert: str | tuple[str, str] | None) -> str | tuple[str, str] | None:
    for path in (cert,) if isinstance(cert, str) else cert or ():
        _existing(path)
    return cert


def _existing(path: str | Path) -> str:
    if not Path(path).exists():
        raise FileNotFoundError(f"no such certificate file: {path}")
    return str(path)


def _proxies(url: str, given: Mapping[str, str] | None) -> dict[str, str]:
    if given is not None:
        return dict(given)
    found = select_proxy(url, get_environ_proxies(url))
    return {urlsplit(url).scheme: found} if found else {}
