"""The ``Date`` header, which follows the clock of the instance that a stand-in plays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


class Dated:
    """Sends for an application, with a ``Date`` on answers that have none.

    It takes the place of the bound method that uvicorn hands over, whose object ``Faults`` reaches for to
    hang up.
    """

    def __init__(self, send: Send, now: Callable[[], datetime]) -> None:
        self.__self__ = getattr(send, "__self__", None)
        self._send = send
        self._now = now

    async def __call__(self, message: Message) -> None:
        """Send a message."""
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            if all(bytes(name).lower() != b"date" for name, _ in headers):
                headers.append((b"date", format_datetime(self._now(), usegmt=True).encode()))
            message = {**message, "headers": headers}
        await self._send(message)
