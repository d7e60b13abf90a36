"""Run an ASGI application as a real HTTP server on a thread."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0


class ServerThread:
    """One ASGI application, served over HTTP/1.1 by uvicorn on a thread of its own.

    The socket is bound in the constructor, so ``url`` is final before ``start`` and port 0 means
    "any free port". ``start`` returns once requests are answered; ``stop`` once the thread has ended.

    Raises ``OSError`` from the constructor if the address cannot be bound, and ``RuntimeError`` from
    ``start`` if the server does not come up within 30 seconds.
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
        self._server = uvicorn.Server(config)
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
        self._thread.start()
        waited = 0.0
        tick = threading.Event()
        while not self._server.started:
            if not self._thread.is_alive() or waited > _START_SECONDS:
                raise RuntimeError(f"the server on {self.url} did not start")
            tick.wait(0.01)
            waited += 0.01
        return self

    def stop(self) -> None:
        """End the server and its thread; calling it twice does no harm."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)
        self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _bind(host: str, port: int) -> socket.socket:
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
