"""Faults and switches of a running stand-in over HTTP, below ``/_kibcase``: as the embedded Kibana has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from kibcase.server.admin_faults import BadFault, Text, to_body
from kibcase.server.faults import Faults
from kibcase_connectors.standins.control_faults import decoded, read_fault
from kibcase_connectors.standins.switches import BadSwitch, Switch

if TYPE_CHECKING:
    from kibcase.server.faults import Receive, Scope, Send

Json = dict[str, Any]
PREFIX: Final = "/_kibcase"
_LONGEST_BODY: Final = 65_536
_SHOWN: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What one kind of stand-in puts under control.

    ``is_administrator`` judges the headers of a request, and ``administrators`` says in a refusal who they are.
    ``envelope`` writes the body of an error as the system does. ``switches`` have a value that may be set at any
    time; ``actions`` are things that happen once.
    """

    is_administrator: Callable[[Mapping[str, str]], bool]
    administrators: str
    envelope: Text
    switches: Mapping[str, Switch]
    actions: Mapping[str, Callable[[], None]]


class Control:
    """ASGI application around that of a stand-in: answers what is below ``/_kibcase``, lets the rest through.

    Stands outside of ``Faults``, so that its calls are neither recorded nor hit by faults and switches. ``prefix`` goes
    before ``/_kibcase``. Refusals are ``{"statusCode", "error", "message"}``: 401 and 403 for those who are
    no administrators of the system, 400 for a body that is not understood, 404 and 405.
    """

    def __init__(self, app: Callable[..., Any], faults: Faults, panel: Panel, *, prefix: str = "") -> None:
        self._app = app
        self._faults = faults
        self._panel = panel
        self._root = prefix + PREFIX
        self._first = {name: switch.read() for name, switch in panel.switches.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI event."""
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{self._root}/"):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            raw = await _body(request)
        except ClientDisconnect:
            return
        await self._answer(request, raw)(scope, receive, send)

    def _answer(self, request: Request, raw: bytes | None) -> JSONResponse:
        if not self._panel.is_administrator(request.headers):
            status = 403 if request.headers.get("authorization") else 401
            return _refusal(status, f"the calls of {PREFIX} are for administrators: {self._panel.administrators}")
        if raw is None:
            return _refusal(400, f"a body has at most {_LONGEST_BODY} bytes")
        name, *more = request.scope["path"].removeprefix(self._root).strip("/").split("/")
        try:
            return self._called(request.method, name, more, raw)
        except (BadFault, BadSwitch) as error:
            return _refusal(400, str(error))

    def _called(self, method: str, name: str, more: list[str], raw: bytes) -> JSONResponse:
        match (name, *more):
            case ["faults"]:
                return self._armed(method, raw)
            case ["faults", number]:
                return self._one_fault(method, number)
            case ["requests"]:
                return self._requests(method)
            case ["switches"]:
                return self._all(method)
            case ["reset"]:
                return self._reset(raw) if method == "POST" else _wrong_method("everything is reset with POST")
            case [_] if name in self._panel.switches:
                return self._switch(method, name, raw)
            case [_] if name in self._panel.actions:
                return self._act(method, name)
        known = ("faults", "requests", "switches", "reset", *self._panel.switches, *self._panel.actions)
        return _refusal(404, f"below {PREFIX} there are {', '.join(known)}")

    def _armed(self, method: str, raw: bytes) -> JSONResponse:
        if method == "GET":
            return JSONResponse({"faults": [to_body(armed) for armed in self._faults.armed]})
        if method == "POST":
            return JSONResponse({"id": self._faults.arm(read_fault(decoded(raw), self._panel.envelope))}, 201)
        if method == "DELETE":
            return JSONResponse({"disarmed": self._faults.disarm()})
        return _wrong_method("faults are listed with GET, armed with POST and disarmed with DELETE")

    def _one_fault(self, method: str, number: str) -> JSONResponse:
        if method != "DELETE":
            return _wrong_method("a fault is disarmed with DELETE")
        known = number.isascii() and number.isdecimal() and len(number) < 16
        gone = self._faults.disarm(int(number)) if known else 0
        return JSONResponse({"disarmed": gone}) if gone else _refusal(404, "there is no such fault")

    def _requests(self, method: str) -> JSONResponse:
        if method == "DELETE":
            self._faults.forget()
            return JSONResponse({"requests": []})
        if method != "GET":
            return _wrong_method("requests are listed with GET and forgotten with DELETE")
        newest = self._faults.requests[-_SHOWN:]
        names = ("number", "method", "path", "query", "status")
        return JSONResponse({"requests": [{name: getattr(seen, name) for name in names} for seen in newest]})

    def _all(self, method: str) -> JSONResponse:
        if method != "GET":
            return _wrong_method("switches are listed with GET and set one by one with PUT")
        return JSONResponse({"switches": {name: each.shown() for name, each in self._panel.switches.items()}})

    def _switch(self, method: str, name: str, raw: bytes) -> JSONResponse:
        switch = self._panel.switches[name]
        if method == "PUT":
            try:
                switch.set(raw)
            except ValidationError as error:
                raise BadSwitch(f"{name}: {_first_error(error)}") from error
        elif method != "GET":
            return _wrong_method(f"{name} is read with GET and set with PUT")
        return JSONResponse({name: switch.shown()})

    def _act(self, method: str, name: str) -> JSONResponse:
        if method != "POST":
            return _wrong_method(f"{name} is done with POST")
        self._panel.actions[name]()
        return JSONResponse({name: True})

    def _reset(self, raw: bytes) -> JSONResponse:
        if decoded(raw) not in (None, {}):
            raise BadSwitch("reset takes no body: it ends faults, empties the list of requests and sets all switches "
                            "as they were at the start; tickets stay")
        self._faults.disarm()
        self._faults.forget()
        for name, switch in self._panel.switches.items():
            switch.write(self._first[name])
        return JSONResponse({"reset": True})


async def _body(request: Request) -> bytes | None:
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size <= _LONGEST_BODY:
            pieces.append(piece)
    return b"".join(pieces) if size <= _LONGEST_BODY else None


def _first_error(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part)[:64] for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]


def _wrong_method(message: str) -> JSONResponse:
    return _refusal(405, message)


def _refusal(status: int, message: str) -> JSONResponse:
    return JSONResponse({"statusCode": status, "error": HTTPStatus(status).phrase, "message": message}, status)
