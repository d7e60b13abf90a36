"""Run an ASGI application as a real HTTP server on a thread."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_TICK_SECONDS = 1.0
_TICKS = 10  # uvicorn's own ticks are tenths of a second; it brings its headers up to date at every tenth
_LAST_PORT = 65_535


class _Server(uvicorn.Server):
    """uvicorn, stopped from another thread, and at once: its own loop looks ten times a second, and waits at the end.

    A suite of tests that starts thousands of servers spends a good part of its time there.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()
        self._end = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)
        self.up.set()

    async def main_loop(self) -> None:
        """Serve until ``end``."""
        counter = 0
        while not await self.on_tick(counter):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._end.wait(), _TICK_SECONDS)
            counter += _TICKS

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more requests, let those under way finish for a while, and cancel the rest."""
        for closing in (*self.servers, *(sockets or ())):
            closing.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while self.server_state.connections or self.server_state.tasks:
                    await asyncio.sleep(0.005)
        for task in self.server_state.tasks:
            task.cancel()

    def end(self) -> None:
        """Stop; for any thread."""
        self.should_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._end.set)


class ServerThread:
    """One ASGI application, served over HTTP/1.1 by uvicorn on a thread of its own.

    The socket is bound in the constructor, so ``url`` is final before ``start`` and port 0 means
    "any free port". ``start`` returns once requests are answered; ``stop`` once the thread has ended.

    Raises ``ValueError`` from the constructor for a port that is none, ``OSError`` if the address cannot be bound, and
    ``RuntimeError`` from ``start`` if the server does not come up within 30 seconds, or was started or stopped before.
    """

    def __init__(self, app: Callable[..., Any], *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._socket = _bind(host, port)
        bound = self._socket.getsockname()
        self.host: str = host
        self.port: int = bound[1]
        config = uvicorn.Config(
            app, log_level="warning", lifespan="off", access_log=False, timeout_graceful_shutdown=2,
            server_header=False, proxy_headers=False, ws="none", loop="asyncio", http="h11", interface="asgi3",
        )
        self._server = _Server(config)
        self._used = False
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True,
            name=f"kibcase-http-{self.port}",
        )

    @property
    def url(self) -> str:
        """Where the server answers, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def start(self) -> Self:
        """Serve; returns when the first request can be sent."""
        if self._used:
            raise RuntimeError(f"the server on {self.url} was started or stopped before; make a new one")
        self._used = True
        self._thread.start()
        until = time.monotonic() + _START_SECONDS
        while not self._server.up.wait(0.05):
            if not self._thread.is_alive() or time.monotonic() > until:
                raise RuntimeError(f"the server on {self.url} did not start")
        return self

    def stop(self) -> None:
        """End the server and its thread; calling it twice does no harm."""
        self._used = True
        self._server.end()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)
        self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def check_port(port: int) -> None:
    """Raise ``ValueError`` unless ``port`` is 0 to 65535."""
    if not 0 <= port <= _LAST_PORT:
        raise ValueError(f"not a port: {port}; there are 1 to {_LAST_PORT}, and 0 is any free one")


def _bind(host: str, port: int) -> socket.socket:
    check_port(port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named in full: asyncio switches Nagle's delay off only on sockets that say they are TCP.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
