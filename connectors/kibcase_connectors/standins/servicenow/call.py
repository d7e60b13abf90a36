"""One HTTP request as the handlers see it, and the answers they give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from starlette.requests import Request
from starlette.responses import Response

from kibcase_connectors.standins.servicenow.problem import ServiceNowProblem
from kibcase_connectors.standins.servicenow.render import Display, Renderer, View
from kibcase_connectors.standins.servicenow.state import ServiceNowState
from kibcase_connectors.standins.servicenow.writing import Writing

Mode = Literal["running", "hibernating", "maintenance", "restarting"]

_DISPLAYS: dict[str, Display] = {"true": "true", "all": "all"}


@dataclass(slots=True, kw_only=True)
class Switches:
    """What tests turn on while the stand-in runs.

    ``mode``: how requests are answered at all. ``quota``: the most records that a list can gather before its
    transaction is cancelled (None: no bound).
    """

    mode: Mode = "running"
    quota: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request, its body read and its user known; ``actor`` is a user name."""

    request: Request
    raw: bytes
    state: ServiceNowState
    actor: str
    show: Renderer
    switches: Switches

    def path(self, name: str) -> str:
        """Give a parameter of the path."""
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """Give a query parameter, the last one if it is repeated."""
        return self.request.query_params.get(name, default)

    def flag(self, name: str) -> bool:
        """Give a query parameter that is true or false, in any case of letters."""
        return self.query(name).lower() == "true"

    def number(self, name: str, default: int) -> int:
        """Give a query parameter that is a whole number; the default if it is none, negative or absent."""
        text = self.query(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default

    def view(self) -> View:
        """Read the parameters that say what is shown."""
        return View(
            fields=tuple(name.strip() for name in self.query("sysparm_fields").split(",") if name.strip()),
            display=_DISPLAYS.get(self.query("sysparm_display_value").lower(), "false"),
            links=not self.flag("sysparm_exclude_reference_link"),
        )

    def filter(self) -> str:
        """Give the encoded query; without ``sysparm_query``, other parameters are filters by equality."""
        if given := self.query("sysparm_query"):
            return given
        pairs = [(k, v) for k, v in self.request.query_params.multi_items() if not k.startswith("sysparm_")]
        return "^".join(f"{name}={value.replace('^', '^^')}" for name, value in pairs)

    def writing(self, table: str) -> Writing:
        """Give the write that the request asks for."""
        return Writing(
            state=self.state, actor=self.actor, table=table, display=self.flag("sysparm_input_display_value")
        )

    def json(self) -> Any:
        """Read the body as JSON; raises ``ServiceNowProblem`` (400, 415)."""
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not kind or "accept" not in self.request.headers:
            raise ServiceNowProblem(400, "Bad Request", "The headers Accept and Content-Type are required")
        if kind != "application/json":
            raise ServiceNowProblem(415, "Unsupported media type", kind[:80])
        try:
            return json.loads(self.raw, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise ServiceNowProblem(400, "Exception while reading request", "The payload is not valid JSON") from None

    def document(self) -> dict[str, Any]:
        """Read the body as one JSON object; of a list, all but the first are ignored."""
        body = self.json()
        if isinstance(body, list) and body:
            body = body[0]
        if not isinstance(body, dict):
            raise ServiceNowProblem(400, "Exception while reading request", "The payload must be a JSON object")
        return body


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON."""
    return Response(
        json.dumps(body, ensure_ascii=False).encode(), status, headers=dict(headers or {}),
        media_type="application/json;charset=UTF-8",
    )


def empty() -> Response:
    """Answer 204 without a body."""
    return Response(status_code=204)
