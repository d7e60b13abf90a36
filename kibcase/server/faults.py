"""Record requests and make chosen ones go wrong, for any ASGI application."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
QUERIES = re.compile(
    r".*(/search(/jql)?|/_search|/_find|query_paged|_bulk_get|/list|_suggest_user_profiles|/capabilities|/session"
    r"|_token(\.do)?)"
)
"""Paths of queries and log-ins, of Kibana and of the ticketing systems, that are sent with POST and store nothing."""

REMEMBERED = 100_000
_READ_BYTES = 1_048_576


@dataclass(slots=True)
class Seen:
    """One request as the server saw it; ``status`` is 0 until (or unless) it was answered."""

    number: int
    method: str
    path: str
    query: str
    status: int = 0


def stores(seen: Seen) -> bool:
    """Tell whether a request asks the system to store something."""
    return seen.method in WRITES and not (seen.method == "POST" and QUERIES.fullmatch(seen.path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What shall go wrong, and for which requests.

    ``when="before"`` acts before the application sees the request; ``when="after"`` acts once the
    application has done its work and before a byte of its answer is sent ("request arrived, answer
    lost"). ``drop`` ends the connection; ``status`` answers in the application's place, with ``body`` or with what
    ``text`` makes of the request and its body; ``delay`` waits that many seconds; ``call`` runs a function first, on
    a worker thread. ``times`` is how many matching requests are hit; None means all.
    """

    method: str | None = None
    path: str = ".*"
    when: Literal["before", "after"] = "before"
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    drop: bool = False
    delay: float = 0.0
    call: Callable[[Seen], object] | None = None
    text: Callable[[Seen, bytes], bytes] | None = None
    times: int | None = 1

    def matches(self, seen: Seen) -> bool:
        """Tell whether the request is of the kind this fault is for; ``path`` is matched in full."""
        return (self.method is None or self.method == seen.method) and bool(re.fullmatch(self.path, seen.path))


@dataclass(slots=True)
class Armed:
    """A fault that waits for requests; ``left`` is how many it still hits, None for all to come."""

    number: int
    fault: Fault
    left: int | None


@dataclass(slots=True)
class _Book:
    seen: deque[Seen] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    count: int = 0
    armed: list[Armed] = field(default_factory=list)
    armed_ever: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Faults:
    """ASGI middleware, to be put outermost: keeps the list of requests and applies armed faults.

    The list holds the newest 100,000 requests.
    Thread-safe: tests arm faults and read ``requests`` from other threads than the server's.
    """

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app
        self._book = _Book()

    @property
    def requests(self) -> list[Seen]:
        """The requests so far, oldest first (a copy of the list)."""
        with self._book.lock:
            return list(self._book.seen)

    @property
    def writes(self) -> list[Seen]:
        """Those of ``requests`` that ask to store something: no queries and log-ins that are sent with POST."""
        return [seen for seen in self.requests if stores(seen)]

    def forget(self) -> None:
        """Empty the list of requests; numbering starts at 1 again."""
        with self._book.lock:
            self._book.seen.clear()
            self._book.count = 0

    @property
    def armed(self) -> list[Armed]:
        """The faults that may still hit a request, oldest first (a copy of the list)."""
        with self._book.lock:
            return [armed for armed in self._book.armed if armed.left != 0]

    def arm(self, fault: Fault) -> int:
        """Let ``fault`` apply to the next matching requests; gives its number."""
        with self._book.lock:
            self._book.armed_ever += 1
            self._book.armed.append(Armed(self._book.armed_ever, fault, fault.times))
            return self._book.armed_ever

    def disarm(self, number: int | None = None) -> int:
        """Withdraw one armed fault, or every one; gives how many."""
        with self._book.lock:
            gone = [armed for armed in self._book.armed if armed.left != 0 and number in (None, armed.number)]
            self._book.armed[:] = [armed for armed in self._book.armed if armed.left != 0 and armed not in gone]
            return len(gone)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI event; only HTTP requests are recorded."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen, fault = self._enter(scope)
        if fault is None:
            await self._app(scope, receive, _noting(seen, send))
        elif fault.when == "before":
            await self._before(fault, seen, scope, receive, send)
        else:
            await self._after(fault, seen, scope, receive, send)

    def _enter(self, scope: Scope) -> tuple[Seen, Fault | None]:
        book = self._book
        with book.lock:
            book.count += 1
            seen = Seen(book.count, scope["method"], scope["path"], scope["query_string"].decode("latin-1"))
            book.seen.append(seen)
            for armed in book.armed:
                if armed.left != 0 and armed.fault.matches(seen):
                    if armed.left is not None:
                        armed.left -= 1
                    return seen, armed.fault
        return seen, None

    async def _before(self, fault: Fault, seen: Seen, scope: Scope, receive: Receive, send: Send) -> None:
        await _act(fault, seen)
        if fault.drop:
            _hang_up(send)
        elif fault.status is not None:
            await _answer(fault, seen, await _drained(receive), send)
        else:
            await self._app(scope, receive, _noting(seen, send))

    async def _after(self, fault: Fault, seen: Seen, scope: Scope, receive: Receive, send: Send) -> None:
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        tapped = _Tap(receive)
        await self._app(scope, tapped.receive, hold)
        await _act(fault, seen)
        if fault.drop:
            _hang_up(send)
            return
        if fault.status is not None:
            await _answer(fault, seen, bytes(tapped.body), send)
            return
        passing = _noting(seen, send)
        for message in held:
            await passing(message)


async def _act(fault: Fault, seen: Seen) -> None:
    if fault.call is not None:
        await asyncio.to_thread(fault.call, seen)
    if fault.delay:
        await asyncio.sleep(fault.delay)


class _Tap:
    """Notes the beginning of a body that somebody else reads."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.body = bytearray()

    async def receive(self) -> Message:
        message = await self._receive()
        self.body += message.get("body", b"")[: _READ_BYTES - len(self.body)]
        return message


async def _drained(receive: Receive) -> bytes:
    tapped = _Tap(receive)
    while (await tapped.receive()).get("more_body"):
        pass
    return bytes(tapped.body)


async def _answer(fault: Fault, seen: Seen, asked: bytes, send: Send) -> None:
    body = fault.body if fault.text is None else fault.text(seen, asked)
    seen.status = fault.status or 0
    given = {name.lower() for name, _ in fault.headers}
    headers = [(name.lower().encode(), value.encode()) for name, value in fault.headers]
    if "content-type" not in given:
        headers.append((b"content-type", b"application/json; charset=utf-8"))
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _noting(seen: Seen, send: Send) -> Send:
    async def note(message: Message) -> None:
        if message["type"] == "http.response.start":
            seen.status = message["status"]
        await send(message)

    return note


def _hang_up(send: Send) -> None:
    # uvicorn hands the bound method of its request cycle to the outermost application; the cycle is
    # the only way from an ASGI application to the connection underneath.
    cycle = getattr(send, "__self__", None)
    if cycle is None:
        raise RuntimeError("Faults must be the outermost application of a uvicorn server")
    cycle.disconnected = True
    cycle.transport.abort()
