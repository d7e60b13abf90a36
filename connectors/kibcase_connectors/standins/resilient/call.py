"""One HTTP request as the handlers see it, and the answers they give."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from starlette.requests import Request
from starlette.responses import Response

from kibcase_connectors.standins.resilient.problem import ResilientProblem
from kibcase_connectors.standins.resilient.query import PAGE_LIMIT
from kibcase_connectors.standins.resilient.render import HANDLES, TEXTS, Renderer
from kibcase_connectors.standins.resilient.sessions import Sessions
from kibcase_connectors.standins.resilient.state import ResilientState


@dataclass(slots=True, kw_only=True)
class Switches:
    """What tests turn on while the stand-in runs.

    ``maintenance``: the status with which the proxy in front answers everything with an HTML page.
    ``broken_downloads``: contents of files are a page of HTML with status 200. ``page_limit``: the
    most rows of a page. ``rate``: how many requests within how many seconds, and the status of the
    refusal. ``conflicts``: how many PATCH and PUT requests to come are answered 409.
    """

    maintenance: int | None = None
    broken_downloads: bool = False
    page_limit: int = PAGE_LIMIT
    rate: tuple[int, float, int] | None = None
    conflicts: int = 0
    recent: deque[int] = field(default_factory=deque)

    def wait(self, now: int) -> int | None:
        """Count a request at a time (epoch milliseconds); seconds to wait if it is one too many."""
        if self.rate is None:
            return None
        most, window, _ = self.rate
        while self.recent and self.recent[0] <= now - window * 1000:
            self.recent.popleft()
        if len(self.recent) >= most:
            return max(1, math.ceil((self.recent[0] + window * 1000 - now) / 1000))
        self.recent.append(now)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request, its body read and its principal known."""

    request: Request
    raw: bytes
    state: ResilientState
    sessions: Sessions
    actor: int
    switches: Switches

    @property
    def show(self) -> Renderer:
        """Shows records as this request asks; raises ``ResilientProblem`` (400) for formats unknown."""
        return Renderer(
            state=self.state, actor=self.actor, handles=self._format("handle_format", HANDLES),
            text=self._format("text_content_output_format", TEXTS),
        )

    def _format(self, name: str, allowed: tuple[str, ...]) -> str:
        given = self.request.query_params.get(name) or self.request.headers.get(name) or "default"
        if given not in allowed:
            raise ResilientProblem(400)
        return given

    def id(self, name: str = "id") -> int:
        """Give a parameter of the path that is an id; one that is no number is nowhere (404)."""
        text = str(self.request.path_params[name])
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise ResilientProblem(404)
        return int(text)

    def path(self, name: str) -> str:
        """Give a parameter of the path."""
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """Give a query parameter, the last one if it is repeated."""
        return self.request.query_params.get(name, default)

    def json(self) -> Any:
        """Read the body as JSON; raises ``ResilientProblem`` (415, 400)."""
        if self.request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise ResilientProblem(415)
        try:
            return json.loads(self.raw, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise ResilientProblem(400) from None

    def document(self) -> dict[str, Any]:
        """Read the body as a JSON object; raises ``ResilientProblem`` (400)."""
        body = self.json()
        if not isinstance(body, dict):
            raise ResilientProblem(400)
        return body


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON."""
    return Response(
        json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"), status, headers=dict(headers or {}),
        media_type="application/json",
    )


def page(title: str, text: str, status: int) -> Response:
    """Answer with a page of HTML."""
    html = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"
    return Response(html, status, media_type="text/html")
