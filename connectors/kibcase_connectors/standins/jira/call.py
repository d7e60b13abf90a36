"""One HTTP request as the handlers see it, and the answers they give."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from starlette.requests import Request
from starlette.responses import Response

from kibcase_connectors.standins.jira.documents import Form
from kibcase_connectors.standins.jira.limits import Limits
from kibcase_connectors.standins.jira.problem import JiraProblem
from kibcase_connectors.standins.jira.render import Renderer
from kibcase_connectors.standins.jira.state import JiraState


@dataclass(slots=True, kw_only=True)
class Switches:
    """What tests turn on while the stand-in runs.

    ``expired``: credentials count as expired, so that callers are anonymous without being told.
    ``page_cap``: the most issues that a page of search results holds (None: the vendor's).
    ``limits``: what is counted. ``captcha_after``: how many wrong passwords lock a login on Data Center
    (None: never); ``captcha``: the locked ones; ``failures``: wrong passwords so far.
    ``media``: where Cloud keeps the bytes of attachments, a function from attachment id to address.
    """

    expired: bool = False
    page_cap: int | None = None
    limits: Limits = field(default_factory=Limits)
    captcha_after: int | None = 3
    captcha: set[str] = field(default_factory=set)
    failures: dict[str, int] = field(default_factory=dict)
    media: Callable[[str], str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request, its body read and its user known; ``actor`` is a user name."""

    request: Request
    raw: bytes
    state: JiraState
    actor: str
    show: Renderer
    switches: Switches = field(default_factory=Switches)

    @property
    def cloud(self) -> bool:
        """Tell whether the instance is a Cloud instance."""
        return self.state.catalog.cloud

    @property
    def form(self) -> Form:
        """How this version of the API writes long texts."""
        return "adf" if self.show.version == 3 else "wiki"

    def held(self, project: str | None = None) -> frozenset[str]:
        """Give the permissions of the caller, in a project if one is named (by key)."""
        return self.state.catalog.held(self.actor, project)

    def path(self, name: str) -> str:
        """Give a parameter of the path."""
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """Give a query parameter, the last one if it is repeated."""
        return self.request.query_params.get(name, default)

    def names(self, name: str) -> list[str]:
        """Give a query parameter that is a list, by commas or by repetition."""
        return split_names(self.request.query_params.getlist(name))

    def number(self, name: str, default: int) -> int:
        """Give a query parameter that is a whole number; raises ``JiraProblem`` (400)."""
        return whole(self.query(name), name, default)

    def window(self, default: int) -> tuple[int, int]:
        """Give ``startAt`` and ``maxResults``; a negative ``maxResults`` means the default."""
        size = self.number("maxResults", default)
        return max(0, self.number("startAt", 0)), default if size < 0 else size

    def json(self) -> Any:
        """Read the body as JSON; raises ``JiraProblem`` (415, 400)."""
        if self.request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise JiraProblem(415, "The Content-Type must be application/json.")
        try:
            read = json.loads(self.raw, parse_constant=_refuse_constant)
            # Half a surrogate pair is no character; Java, and so Jira, writes a question mark in its place.
            escaped = b"\\u" in self.raw
            return json.loads(json.dumps(read, ensure_ascii=False).encode("utf-8", "replace")) if escaped else read
        except (ValueError, RecursionError) as error:
            raise JiraProblem(400, f"The body is not valid JSON: {str(error)[:200]}") from None

    def document(self, *allowed: str) -> dict[str, Any]:
        """Read the body as a JSON object; with ``allowed``, refuse other keys (400)."""
        body = self.json()
        if not isinstance(body, dict):
            raise JiraProblem(400, "The body must be a JSON object.")
        if allowed and (strange := sorted(set(body) - set(allowed))):
            raise JiraProblem(400, f'Unrecognized field "{strange[0]}", not marked as ignorable')
        return body


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def whole(given: object, name: str, default: int) -> int:
    """Read a whole number; empty and None give the default; raises ``JiraProblem`` (400)."""
    if given in ("", None):
        return default
    text = str(given)
    if not text.removeprefix("-").isdecimal() or len(text) > 15:
        raise JiraProblem(400, f"The value of '{name}' must be a whole number.")
    return int(text)


def split_names(given: object) -> list[str]:
    """Read a list of names given as a list, as text with commas, or as a list of such texts."""
    if given is None:
        return []
    parts = given if isinstance(given, list) else [given]
    return [name.strip() for part in parts for name in str(part).split(",") if name.strip()]


def section(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Give an object inside a body, empty if it is absent; raises ``JiraProblem`` (400)."""
    given = body.get(name)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise JiraProblem(400, f"'{name}' must be an object.")
    return given


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON."""
    return Response(
        json.dumps(body, ensure_ascii=False).encode(), status, headers=dict(headers or {}),
        media_type="application/json;charset=UTF-8",
    )


def empty(status: int = 204) -> Response:
    """Answer without a body."""
    return Response(status_code=status)
