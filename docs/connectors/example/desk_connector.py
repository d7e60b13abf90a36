"""A connector for Desk, a small ticket system with a REST API: tickets with a status, comments and a revision."""
# ruff: noqa: D101, D102
from __future__ import annotations

import hashlib
from datetime import datetime
from typing import BinaryIO, Literal, TypeVar

import requests
from pydantic import BaseModel, SecretStr, ValidationError

from kibcase_connectors.actions import Action, AddComment, Create, EditComment, SetFields, SetStatus
from kibcase_connectors.api import Announce, Capabilities, Context
from kibcase_connectors.errors import Conflict, Denied, NotFound, OutcomeUnknown, Refused, Throttled, Unavailable
from kibcase_connectors.kinds import ConnectorKind
from kibcase_connectors.mapping import FieldMap, Table, Text
from kibcase_connectors.model import Changed, Changes, Comment, File, Finding, Json, Receipt, Snapshot, Touch
from kibcase_connectors.network import cause_of, never_sent
from kibcase_connectors.waiting import asked_wait


class DeskSettings(BaseModel, extra="forbid"):
    type: Literal["desk"] = "desk"
    url: str
    token: SecretStr

class DeskFilter(BaseModel, extra="forbid"):
    word: str = ""  # only tickets with this word in the title may get a case

class Me(BaseModel):  # from here to Page: what Desk answers; anything else is no answer
    user: str

class Note(BaseModel):
    id: int
    author: str
    text: str
    created: datetime
    ref: str | None

    def comment(self) -> Comment:
        return Comment(key=str(self.id), body=self.text, author=self.author, created=self.created, mark=self.ref,
                       digest=hashlib.sha256(self.text.encode()).hexdigest())

class Ticket(BaseModel):
    id: int
    revision: int
    ref: str | None
    fields: dict[str, str]
    author: str
    created: datetime
    touched: dict[str, tuple[datetime, str]]
    comments: list[Note]

class Page(BaseModel):
    tickets: list[Ticket]


Answer = TypeVar("Answer", bound=BaseModel)
ERRORS = {400: Refused, 401: Denied, 403: Refused, 404: NotFound, 412: Conflict}
MEANS = {"new": "open", "working": "in-progress", "done": "closed"}
PLAIN = Text(read=str.strip, write=str.strip, uncut=str.strip, limit=1_000_000)


class DeskConnector:
    kind = "desk"
    mapping = FieldMap({"title": PLAIN, "description": PLAIN,
                        "status": Table("status", MEANS, {meaning: own for own, meaning in MEANS.items()})})
    capabilities = Capabilities(fields=frozenset(mapping.codecs))

    def __init__(self, name: str, settings: DeskSettings, wanted: DeskFilter | None, context: Context) -> None:
        self.name, self._settings, self._wanted, self._clock = name, settings, wanted or DeskFilter(), context.clock
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"

    def check(self) -> list[Finding]:
        try:
            return [Finding(level="ok", subject="account", text=f"I am {self._send(Me, 'GET', '/me').user}")]
        except Denied as error:
            return [Finding(level="problem", subject="account", text=str(error))]

    def changes(self, cursor: str | None) -> Changes:
        # Desk numbers its changes: no clock is involved, and nothing new can get a number that was seen.
        last, items = int(cursor or 0), list[Changed]()
        while page := self._send(Page, "GET", f"/tickets?after={last}").tickets:
            last = page[-1].revision
            items += [Changed(key=str(each.id), version=str(each.revision), marked=each.ref is not None,
                              eligible=self._wanted.word in each.fields["title"]) for each in page]
        return Changes(items=tuple(items), cursor=str(last))

    def read(self, key: str) -> Snapshot:
        return self._snapshot(self._send(Ticket, "GET", f"/tickets/{key}"))

    def fetch(self, key: str, file: File, into: BinaryIO) -> None:  # noqa: ARG002
        raise NotFound(self.name, f"file {file.key} of {key}", said="Desk has no files")

    def find(self, mark: str) -> tuple[str, ...]:
        return tuple(str(each.id) for each in self._send(Page, "GET", f"/tickets?ref={mark}").tickets)

    def apply(self, action: Action, announce: Announce) -> Receipt:
        match action:
            case Create(mark=mark, fields=wanted):
                method, path, rest = "POST", "/tickets", {"ref": mark}
            case SetFields(key=key, version=version, fields=wanted):
                method, path, rest = "PATCH", f"/tickets/{key}", {"revision": version}
            case SetStatus(key=key, version=version, status=status):
                method, path, rest, wanted = "PATCH", f"/tickets/{key}", {"revision": version}, {"status": status}
            case AddComment(key=key) | EditComment(key=key):
                announce({})
                path = f"/tickets/{key}/comments" + (f"/{action.comment}" if isinstance(action, EditComment) else "")
                note = self._send(Note, "POST", path, {"text": action.body, "ref": action.mark})
                return Receipt(key=key, comment=note.comment())
            case _:
                raise Refused(self.name, type(action).__name__, said="Desk cannot do this")
        values = {name: str(self.mapping.native(name, value)) for name, value in wanted.items()}
        announce(values)
        made = self._snapshot(self._send(Ticket, method, path, {"fields": {**values}, **rest}))
        stored = {name: value for name, value in made.fields.items() if method == "POST" or name in values}
        return Receipt(key=made.key, label=made.label, url=made.url, stored=stored)

    def close(self) -> None:
        self._session.close()

    def _snapshot(self, ticket: Ticket) -> Snapshot:
        return Snapshot(
            key=str(ticket.id), label=f"DESK-{ticket.id}", version=str(ticket.revision), fields={**ticket.fields},
            mark=f"kibcase-desk-{ticket.id}", marks=(ticket.ref,) if ticket.ref else (),
            url=f"{self._settings.url}/show/{ticket.id}", comments=tuple(map(Note.comment, ticket.comments)),
            touched={name: Touch(at=at, by=by) for name, (at, by) in ticket.touched.items()},
            created=Touch(at=ticket.created, by=ticket.author),
        )

    def _send(self, shape: type[Answer], method: str, path: str, body: dict[str, Json] | None = None) -> Answer:
        what, unclear = f"{method} {path}", Unavailable if body is None else OutcomeUnknown
        try:
            answer = self._session.request(method, f"{self._settings.url}/api{path}", json=body,
                                           allow_redirects=False, timeout=(5.0, 30.0))
        except requests.RequestException as error:
            raise (Unavailable if never_sent(error) else unclear)(self.name, what, said=cause_of(error)) from error
        if answer.status_code == 429:
            raise Throttled(self.name, what, retry_after=asked_wait(answer.headers, self._clock()))
        if answer.status_code in ERRORS and "json" in answer.headers.get("Content-Type", ""):  # not a proxy's page
            raise ERRORS[answer.status_code](self.name, what, said=answer.text)
        try:
            return shape.model_validate_json(answer.content if answer.ok else b"")
        except ValidationError as error:
            raise unclear(self.name, what, said=f"HTTP {answer.status_code}, not Desk's own answer") from error


desk = ConnectorKind(settings=DeskSettings, filter=DeskFilter, connect=DeskConnector)
