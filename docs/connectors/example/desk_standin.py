"""A stand-in of Desk: its REST API over HTTP, with state in memory, people, and faults on demand."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from kibcase.server.faults import Faults
from kibcase.server.threaded import ServerThread

STATUSES = ("new", "working", "done")


@dataclass
class DeskStandin:
    """Desk on a free port of this machine; ``faults`` notes the requests and makes chosen ones go wrong."""

    token: str = "desk-token"  # noqa: S105
    page: int = 50
    now: datetime = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    tickets: dict[int, dict[str, Any]] = field(default_factory=dict)
    revision: int = 0

    def __post_init__(self) -> None:
        self.faults = Faults(Starlette(routes=[
            Route("/api/me", self._me), Route("/api/tickets", self._list), Route("/api/tickets/{id:int}", self._show),
            Route("/api/tickets", self._new, methods=["POST"]),
            Route("/api/tickets/{id:int}", self._edit, methods=["PATCH"]),
            Route("/api/tickets/{id:int}/comments", self._comment, methods=["POST"]),
            Route("/api/tickets/{id:int}/comments/{comment:int}", self._comment, methods=["POST"]),
        ]))
        self._server = ServerThread(self.faults)

    @property
    def url(self) -> str:
        """The address to configure."""
        return self._server.url

    def __enter__(self) -> Self:
        """Start."""
        self._server.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop."""
        self._server.stop()

    def create(self, by: str, ref: str | None = None, **fields: str) -> dict[str, Any]:
        """Make a ticket."""
        number, all_fields = len(self.tickets) + 1, {"title": "", "description": "", "status": "new", **fields}
        self.tickets[number] = {
            "id": number, "ref": ref, "fields": all_fields, "author": by, "created": self._stamp(), "touched": {},
            "comments": [],
        }
        return self._moved(number)

    def edit(self, number: int, by: str, **fields: str) -> dict[str, Any]:
        """Change fields."""
        ticket = self.tickets[number]
        for name, value in fields.items():
            if ticket["fields"][name] != value:
                ticket["touched"][name] = (self._stamp(), by)
        ticket["fields"] |= fields
        return self._moved(number)

    def comment(self, number: int, by: str, text: str, ref: str | None = None) -> dict[str, Any]:
        """Write a comment."""
        notes = self.tickets[number]["comments"]
        notes.append({"id": len(notes) + 1, "author": by, "text": text, "created": self._stamp(), "ref": ref})
        self._moved(number)
        return dict(notes[-1])

    def forward(self, seconds: float) -> None:
        """Move the clock."""
        self.now += timedelta(seconds=seconds)

    def _moved(self, number: int) -> dict[str, Any]:
        self.revision += 1
        self.tickets[number]["revision"] = self.revision
        return self.tickets[number]

    def _stamp(self) -> str:
        return self.now.isoformat()

    def _refused(self, request: Request) -> JSONResponse | None:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"error": "Who are you?"}, 401)
        if request.path_params.get("id", 0) not in {0, *self.tickets}:
            return JSONResponse({"error": "There is no such ticket."}, 404)
        return None

    async def _me(self, request: Request) -> JSONResponse:
        return self._refused(request) or JSONResponse({"user": "kibcase"})

    async def _list(self, request: Request) -> JSONResponse:
        asked = request.query_params
        tickets = sorted(self.tickets.values(), key=lambda ticket: ticket["revision"])
        found = [each for each in tickets if asked.get("ref", each["ref"]) == each["ref"]]
        newer = [each for each in found if each["revision"] > int(asked.get("after", 0))]
        return self._refused(request) or JSONResponse({"tickets": newer[: self.page]})

    async def _show(self, request: Request) -> JSONResponse:
        return self._refused(request) or JSONResponse(self.tickets[request.path_params["id"]])

    async def _new(self, request: Request) -> JSONResponse:
        refused = self._refused(request)
        if refused:
            return refused
        body = json.loads(await request.body())
        return JSONResponse(self.create("kibcase", body["ref"], **body["fields"]), 201)

    async def _edit(self, request: Request) -> JSONResponse:
        refused = self._refused(request)
        if refused:
            return refused
        number, body = request.path_params["id"], json.loads(await request.body())
        if body["fields"].get("status", "new") not in STATUSES:
            return JSONResponse({"error": f"The status is one of {STATUSES}."}, 400)
        if body["revision"] != str(self.tickets[number]["revision"]):
            return JSONResponse({"error": "The ticket has changed."}, 412)
        return JSONResponse(self.edit(number, "kibcase", **body["fields"]))

    async def _comment(self, request: Request) -> JSONResponse:
        refused = self._refused(request)
        if refused:
            return refused
        number, body = request.path_params["id"], json.loads(await request.body())
        if "comment" not in request.path_params:
            return JSONResponse(self.comment(number, "kibcase", body["text"], body["ref"]), 201)
        note = next(each for each in self.tickets[number]["comments"] if each["id"] == request.path_params["comment"])
        note["text"] = body["text"]
        self._moved(number)
        return JSONResponse(note)
