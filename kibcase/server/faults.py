"""Record requests and make chosen ones go wrong, for any ASGI application."""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(slots=True)
class Seen:
    """One request as the server saw it; ``status`` is 0 until (or unless) it was answered."""

    number: int
    method: str
    path: str
    query: str
    status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What shall go wrong, and for which requests.

    ``when="before"`` acts before the application sees the request; ``when="after"`` acts once the
    application has done its work and before a byte of its answer is sent ("request arrived, answer
    lost"). ``drop`` ends the connection; ``status`` answers in the application's place (only before);
    ``delay`` waits that many seconds; ``call`` runs a function first, on a worker thread.
    ``times`` is how many matching requests are hit; None means all.
    """

    method: str | None = None
    path: str = ".*"
    when: Literal["before", "after"] = "before"
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    drop: bool = False
    delay: float = 0.0
    call: Callable[[Seen], None] | None = None
    times: int | None = 1

    def matches(self, seen: Seen) -> bool:
        """Tell whether the request is of the kind this fault is for; ``path`` is matched in full."""
        return (self.method is None or self.method == seen.method) and bool(re.fullmatch(self.path, seen.path))


@dataclass(slots=True)
class _Armed:
    fault: Fault
    left: int | None


@dataclass(slots=True)
class _Book:
    seen: list[Seen] = field(default_factory=list)
    armed: list[_Armed] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Faults:
    """ASGI middleware, to be put outermost: keeps the list of requests and applies armed faults.

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
        """Those of ``requests`` whose method is POST, PUT, PATCH or DELETE."""
        return [seen for seen in self.requests if seen.method in WRITES]

    def forget(self) -> None:
        """Empty the list of requests; numbering starts at 1 again."""
        with self._book.lock:
            self._book.seen.clear()

    def arm(self, fault: Fault) -> None:
        """Let ``fault`` apply to the next matching requests."""
        with self._book.lock:
            self._book.armed.append(_Armed(fault, fault.times))

    def disarm(self) -> None:
        """Withdraw every armed fault."""
        with self._book.lock:
            self._book.armed.clear()

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
            seen = Seen(len(book.seen) + 1, scope["method"], scope["path"], scope["query_string"].decode("latin-1"))
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
            await _answer(fault, seen, receive, send)
        else:
            await self._app(scope, receive, _noting(seen, send))

    async def _after(self, fault: Fault, seen: Seen, scope: Scope, receive: Receive, send: Send) -> None:
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        await self._app(scope, receive, hold)
        await _act(fault, seen)
        if fault.drop:
            _hang_up(send)
            return
        passing = _noting(seen, send)
        for message in held:
            await passing(message)


async def _act(fault: Fault, seen: Seen) -> None:
    if fault.call is not None:
        await asyncio.to_thread(fault.call, seen)
    if fault.delay:
        await asyncio.sleep(fault.delay)


async def _answer(fault: Fault, seen: Seen, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    seen.status = fault.status or 0
    given = {name.lower() for name, _ in fault.headers}
    headers = [(name.lower().encode(), value.encode()) for name, value in fault.headers]
    if "content-type" not in given:
        headers.append((b"content-type", b"application/json; charset=utf-8"))
    headers.append((b"content-length", str(len(fault.body)).encode()))
    await send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "http.response.body", "body": fault.body})


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
