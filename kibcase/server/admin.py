"""The server's own calls, below ``/_kibcase``: faults, log of requests, numbering, fresh start; for superusers."""

from __future__ import annotations

import json
from collections.abc import Callable, MutableMapping
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from kibcase.server.admin_faults import HEADER, BadFault, Text, from_body, from_header, to_body
from kibcase.server.faults import Fault, Faults, Seen

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from kibcase.server.database import Database

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

Json = dict[str, Any]
PREFIX: Final = "/_kibcase"
_LONGEST_BODY: Final = 65_536
_SHOWN: Final = 1000


class DialIn(Faults):
    """``Faults`` that users of the server dial in over HTTP, with a header or with calls below ``/_kibcase``.

    ``is_superuser`` judges an ``Authorization`` header; ``envelope`` makes the body of an error answer; ``headers`` are
    added to such answers; ``reset`` empties the server's state; ``number`` numbers its cases and tells how many. The
    calls are not in the log.
    """

    def __init__(
        self, app: Callable[..., Any], *, is_superuser: Callable[[str | None], bool], envelope: Text,
        reset: Callable[[], None], number: Callable[[], int], headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(app)
        self._is_superuser = is_superuser
        self._envelope = envelope
        self._reset = reset
        self._number = number
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI event."""
        if scope["type"] == "http" and (scope["path"] == PREFIX or scope["path"].startswith(f"{PREFIX}/")):
            status, body = self._call(scope, await _read(receive))
            await _send(send, status, body, self._headers)
            return
        await super().__call__(scope, receive, send)

    def _enter(self, scope: Scope) -> tuple[Seen, Fault | None]:
        seen, fault = super()._enter(scope)
        text = _header(scope, HEADER)
        return seen, fault if text is None else self._dialled(scope, text)

    def _dialled(self, scope: Scope, text: str) -> Fault:
        if not self._is_superuser(_header(scope, "authorization")):
            return self._refusal(403, f"{HEADER} is for superusers only")
        try:
            fault = from_header(text, self._envelope)
        except BadFault as error:
            return self._refusal(400, str(error))
        return self._marked(fault)

    def _refusal(self, status: int, message: str) -> Fault:
        return self._marked(
            Fault(status=status, text=lambda seen, asked: self._envelope(seen, asked, status, message))
        )

    def _marked(self, fault: Fault) -> Fault:
        return replace(fault, headers=(*fault.headers, *self._headers))

    def _call(self, scope: Scope, raw: bytes | None) -> tuple[int, Json]:
        if not self._is_superuser(_header(scope, "authorization")):
            return 403 if _header(scope, "authorization") else 401, _told("the calls of /_kibcase are for superusers")
        method, path = scope["method"], scope["path"].removeprefix(PREFIX)
        try:
            body = _decoded(raw)
            if path == "/faults":
                return self._faults(method, body)
            if path.startswith("/faults/"):
                return self._one_fault(method, path.removeprefix("/faults/"))
            if path == "/requests":
                return self._requests(method)
            if (method, path) == ("POST", "/reset"):
                return self._start_afresh(body)
            if (method, path) == ("POST", "/number"):
                return 200, {"numbered": self._number()}
        except BadFault as error:
            return 400, _told(str(error))
        return 404, _told("there are /_kibcase/faults, /_kibcase/requests, /_kibcase/number and /_kibcase/reset")

    def _faults(self, method: str, body: Any) -> tuple[int, Json]:
        if method == "GET":
            return 200, {"faults": [to_body(armed) for armed in self.armed]}
        if method == "POST":
            return 201, {"id": self.arm(self._marked(from_body(body, self._envelope)))}
        if method == "DELETE":
            return 200, {"disarmed": self.disarm()}
        return 405, _told("faults are listed with GET, armed with POST and disarmed with DELETE")

    def _one_fault(self, method: str, number: str) -> tuple[int, Json]:
        if method != "DELETE":
            return 405, _told("a fault is disarmed with DELETE")
        gone = self.disarm(int(number)) if number.isascii() and number.isdecimal() else 0
        return (200, {"disarmed": gone}) if gone else (404, _told("there is no such fault"))

    def _requests(self, method: str) -> tuple[int, Json]:
        if method == "DELETE":
            self.forget()
            return 200, {"requests": []}
        if method != "GET":
            return 405, _told("requests are listed with GET and forgotten with DELETE")
        newest = self.requests[-_SHOWN:]
        return 200, {"requests": [_shown(seen) for seen in newest]}

    def _start_afresh(self, body: Any) -> tuple[int, Json]:
        given = {} if body is None else body
        if not isinstance(given, dict) or given.keys() - {"state"} or not isinstance(given.get("state", False), bool):
            raise BadFault('reset takes {"state": true} to empty the state, too')
        self.disarm()
        self.forget()
        if given.get("state", False):
            self._reset()
        return 200, {"reset": True}


def empty(database: Database) -> None:
    """Delete every row of every table but the schema versions."""
    with database.transaction() as db:
        db.execute("PRAGMA defer_foreign_keys=ON")
        tables = db.execute(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') "
            "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'schema_versions'"
        ).fetchall()
        for table in tables:
            db.execute(f'DELETE FROM "{table["name"]}"')  # noqa: S608 - names of our own tables


def _shown(seen: Seen) -> Json:
    return {
        "number": seen.number, "method": seen.method, "path": seen.path, "query": seen.query, "status": seen.status
    }


def _told(message: str) -> Json:
    return {"message": message}


def _header(scope: Scope, name: str) -> str | None:
    wanted = name.encode()
    return next((value.decode("latin-1") for key, value in scope["headers"] if key.lower() == wanted), None)


async def _read(receive: Receive) -> bytes | None:
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        if len(body) <= _LONGEST_BODY:
            body += message.get("body", b"")
        more = message.get("more_body", False)
    return body if len(body) <= _LONGEST_BODY else None


def _decoded(raw: bytes | None) -> Any:
    if raw is None:
        raise BadFault(f"a body has at most {_LONGEST_BODY} bytes")
    if not raw.strip():
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadFault("the body is not JSON") from error


async def _send(send: Send, status: int, body: Json, more: tuple[tuple[str, str], ...]) -> None:
    error = {"statusCode": status, "error": HTTPStatus(status).phrase} if status >= 400 else {}
    content = json.dumps(error | body).encode()
    headers = [
        (b"content-type", b"application/json; charset=utf-8"), (b"content-length", str(len(content)).encode()),
        *((name.encode(), value.encode()) for name, value in more),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
