"""A complete system in memory, with a connector, people and faults; for tests of sync, ours and yours.

``MemorySystem`` is the remote system: things with fields, comments and a workflow. Its methods ``add``,
``edit``, ``comment`` ... are what people do to it. ``MemoryConnector`` is how kibcase reaches it.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from kibcase_connectors.actions import Action, AddComment, Create, EditComment, LinkBack, SetFields, SetStatus
from kibcase_connectors.api import Announce, Capabilities
from kibcase_connectors.errors import Conflict, NotFound, Refused
from kibcase_connectors.mapping import Elements, FieldMap, Table, Text
from kibcase_connectors.model import (
    DESCRIPTION,
    FIELDS,
    MARK_PREFIX,
    SEVERITIES,
    SEVERITY,
    STATUS,
    STATUSES,
    TAGS,
    TITLE,
    Changed,
    Changes,
    Comment,
    Finding,
    Json,
    Receipt,
    Snapshot,
    Touch,
)

Workflow = Mapping[str, tuple[str, ...]]
"""The statuses that can be reached from each status in one step."""

FREE: Final[Workflow] = {status: tuple(other for other in STATUSES if other != status) for status in STATUSES}
"""Any status from any other, as in Kibana."""

STEPWISE: Final[Workflow] = {
    "To Do": ("In Progress",),
    "In Progress": ("To Do", "In Review"),
    "In Review": ("In Progress", "Done"),
    "Done": ("In Progress",),
}
"""A workflow in which most changes take several steps."""


def _cut(limit: int) -> Callable[[str], str]:
    return lambda text: text.strip() if len(text.strip()) <= limit else text.strip()[: limit - 1] + "…"


def _text(limit: int) -> Text:
    return Text(read=str.strip, write=_cut(limit), uncut=str.strip, limit=limit)


CASE_MAP: Final = FieldMap(
    {
        TITLE: _text(160),
        DESCRIPTION: _text(30_000),
        STATUS: Table(STATUS, {status: status for status in STATUSES}, {status: status for status in STATUSES}),
        SEVERITY: Table(SEVERITY, {name: name for name in SEVERITIES}, {name: name for name in SEVERITIES}),
        TAGS: Elements(),
    }
)
"""A field map for a system like Kibana."""

_STATUS_READS: Final = {"To Do": "open", "In Progress": "in-progress", "In Review": "in-progress", "Done": "closed"}
_STATUS_WRITES: Final = {"open": "To Do", "in-progress": "In Progress", "closed": "Done"}


def _label(tag: str) -> str:
    return "-".join(tag.split())


TICKET_MAP: Final = FieldMap(
    {
        TITLE: _text(40),
        DESCRIPTION: _text(32_767),
        STATUS: Table(STATUS, _STATUS_READS, _STATUS_WRITES),
        SEVERITY: Table(
            SEVERITY, {"High": "high", "Medium": "medium", "Low": "low"},
            {"critical": "High", "high": "High", "medium": "Medium", "low": "Low"},
        ),
        TAGS: Elements(write=_label, key=_label),
    }
)
"""A field map for a narrower system: more statuses, fewer priorities, short titles, labels without blanks."""


@dataclass(slots=True)
class Thing:
    """One case or ticket of a ``MemorySystem``."""

    key: str
    fields: dict[str, Json]
    version: int
    created: Touch
    comments: list[Comment] = field(default_factory=list)
    touched: dict[str, Touch] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    born: float = 0.0


class MemorySystem:
    """A remote system in memory.

    ``clock`` gives seconds since the epoch. ``find_lag`` is how long a new thing stays hidden from ``find``.
    ``on_write`` and ``on_answer`` are called around every write request of the connector with its name, before
    and after the effect: raise from them to have the request fail, or the answer get lost.
    """

    def __init__(
        self, kind: str, *, mapping: FieldMap = CASE_MAP, workflow: Workflow = FREE, first: str = "open",
        clock: Callable[[], float] = lambda: 0.0, find_lag: float = 0.0,
    ) -> None:
        self.kind = kind
        self.mapping = mapping
        self.workflow = workflow
        self.first = first
        self.clock = clock
        self.find_lag = find_lag
        self.things: dict[str, Thing] = {}
        self.on_write: Callable[[str], None] = lambda _: None
        self.on_answer: Callable[[str], None] = lambda _: None
        self.writes: list[str] = []
        self._counter = 0

    def tick(self) -> int:
        """Give the next number; versions and keys come from here."""
        self._counter += 1
        return self._counter

    def now(self) -> datetime:
        """Give the system's own time."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def add(self, *, by: str = "person", **fields: Json) -> Thing:
        """Make a new thing; fields that are not given get their defaults."""
        number = self.tick()
        severity = self.mapping.native(SEVERITY, "medium")
        full: dict[str, Json] = {TITLE: "", DESCRIPTION: "", STATUS: self.first, TAGS: []}
        full[SEVERITY] = severity if isinstance(severity, str) else None
        thing = Thing(
            key=f"{self.kind}-{number}", fields=full | fields, version=number, created=Touch(at=self.now(), by=by),
            born=self.clock(),
        )
        self.things[thing.key] = thing
        return thing

    def edit(self, key: str, *, by: str = "person", **fields: Json) -> None:
        """Change fields; a status may be set to anything, a person knows how."""
        thing = self.thing(key)
        for name, value in fields.items():
            if thing.fields[name] != value:
                thing.fields[name] = value
                thing.touched[name] = Touch(at=self.now(), by=by)
        thing.version = self.tick()

    def comment(self, key: str, body: str, *, by: str = "person", mark: str | None = None) -> Comment:
        """Add a comment."""
        thing, number = self.thing(key), self.tick()
        comment = Comment(
            key=str(number), body=body, author=by, created=self.now(), digest=_digest(body), mark=mark
        )
        thing.comments.append(comment)
        thing.version = number
        return comment

    def edit_comment(self, key: str, comment: str, body: str) -> Comment:
        """Change the text of a comment."""
        thing = self.thing(key)
        for index, old in enumerate(thing.comments):
            if old.key == comment:
                thing.comments[index] = replace(old, body=body, digest=_digest(body), updated=self.now())
                thing.version = self.tick()
                return thing.comments[index]
        raise NotFound(self.kind, f"comment {comment} of {key}")

    def delete_comment(self, key: str, comment: str) -> None:
        """Take a comment away."""
        thing = self.thing(key)
        thing.comments = [one for one in thing.comments if one.key != comment]
        thing.version = self.tick()

    def delete(self, key: str) -> None:
        """Take a thing away."""
        self.things.pop(key)

    def thing(self, key: str) -> Thing:
        """Give a thing. Raises ``NotFound``."""
        if key not in self.things:
            raise NotFound(self.kind, key)
        return self.things[key]


class MemoryConnector:
    """A ``Connector`` for a ``MemorySystem``; ``eligible`` tells which things may get a copy."""

    def __init__(self, system: MemorySystem, *, eligible: Callable[[Thing], bool] = lambda _: True) -> None:
        self.system = system
        self._eligible = eligible

    @property
    def name(self) -> str:
        """The system's name."""
        return self.system.kind

    @property
    def kind(self) -> str:
        """The system's kind."""
        return self.system.kind

    @property
    def mapping(self) -> FieldMap:
        """The system's field map."""
        return self.system.mapping

    @property
    def capabilities(self) -> Capabilities:
        """Everything; ``find_lag`` is the system's."""
        return Capabilities(fields=frozenset(FIELDS), find_lag=self.system.find_lag, links_back=True)

    def check(self) -> list[Finding]:
        """Find nothing wrong."""
        return [Finding(level="ok", subject=self.name, text=f"{len(self.system.things)} things in memory")]

    def changes(self, cursor: str | None) -> Changes:
        """List things by version; two numbers of overlap, as real feeds overlap in time."""
        since = int(cursor) - 2 if cursor is not None else -1
        items = [
            Changed(
                key=thing.key, version=str(thing.version), eligible=self._eligible(thing), marked=bool(_marks(thing))
            )
            for thing in self.system.things.values()
            if thing.version > since
        ]
        newest = max((thing.version for thing in self.system.things.values()), default=0)
        return Changes(items=tuple(items), cursor=str(max(newest, int(cursor or 0))))

    def read(self, key: str) -> Snapshot:
        """Copy a thing."""
        thing = self.system.thing(key)
        return Snapshot(
            key=key, label=key.upper(), version=str(thing.version), mark=f"{MARK_PREFIX}{key}",
            url=f"https://{self.system.kind}.example/{key}",
            fields={name: list(value) if isinstance(value, list) else value for name, value in thing.fields.items()},
            touched=dict(thing.touched), created=thing.created, comments=tuple(thing.comments), marks=_marks(thing),
        )

    def find(self, mark: str) -> tuple[str, ...]:
        """Give what carries the mark and is no longer hidden by the lag."""
        visible = self.system.clock() - self.system.find_lag
        return tuple(
            thing.key for thing in self.system.things.values() if mark in _marks(thing) and thing.born <= visible
        )

    def apply(self, action: Action, announce: Announce) -> Receipt:
        """Carry out an action on the system."""
        match action:
            case Create():
                return self._create(action, announce)
            case LinkBack():
                announce({})
                with self._request("link"):
                    self.system.thing(action.key).links[action.mark] = action.url
                return Receipt(key=action.key)
            case SetFields():
                return self._set_fields(action, announce)
            case SetStatus():
                return self._set_status(action, announce)
            case AddComment():
                announce({})
                with self._request("add-comment"):
                    comment = self.system.comment(action.key, action.body, by="kibcase", mark=action.mark)
                return Receipt(key=action.key, comment=comment)
            case EditComment():
                announce({})
                with self._request("edit-comment"):
                    comment = self.system.edit_comment(action.key, action.comment, action.body)
                return Receipt(key=action.key, comment=comment)

    def close(self) -> None:
        """Nothing is open."""

    @contextmanager
    def _request(self, name: str) -> Iterator[None]:
        self.system.on_write(name)
        self.system.writes.append(name)
        yield
        self.system.on_answer(name)

    def _native(self, name: str, value: object) -> Json:
        if not isinstance(value, str | tuple):
            raise TypeError(f"{name} must be canonical, not {value!r}")
        native = self.mapping.native(name, value)
        if not isinstance(native, str | list):
            raise TypeError(f"{name} {value!r} has no native form")
        return native

    def _create(self, action: Create, announce: Announce) -> Receipt:
        fields = {name: self._native(name, value) for name, value in action.fields.items()}
        tags = fields.get(TAGS, [])
        fields[TAGS] = [*(tags if isinstance(tags, list) else []), action.mark]
        announce(fields)
        with self._request("create"):
            thing = self.system.add(by="kibcase", **fields)
            stored = dict(thing.fields)
        return Receipt(key=thing.key, label=thing.key.upper(), stored=stored)

    def _set_fields(self, action: SetFields, announce: Announce) -> Receipt:
        thing = self._at(action.key, action.version)
        values = {name: self._native(name, value) for name, value in action.fields.items()}
        for name in {*action.add, *action.remove}:
            held, gone = thing.fields[name], action.remove.get(name, ())
            kept = [item for item in (held if isinstance(held, list) else []) if item not in gone]
            values[name] = [*kept, *(item for item in action.add.get(name, ()) if item not in kept)]
        announce(values)
        with self._request("set-fields"):
            self.system.edit(action.key, by="kibcase", **values)
        return Receipt(key=action.key, stored=values)

    def _set_status(self, action: SetStatus, announce: Announce) -> Receipt:
        thing = self._at(action.key, action.version)
        path = self._path(str(thing.fields[STATUS]), action.status)
        for step in path:
            announce({STATUS: step})
            with self._request("set-status"):
                self.system.edit(action.key, by="kibcase", status=step)
        return Receipt(key=action.key, stored={STATUS: path[-1] if path else thing.fields[STATUS]})

    def _at(self, key: str, version: str) -> Thing:
        thing = self.system.thing(key)
        if str(thing.version) != version:
            raise Conflict(self.name, f"{key} has changed since it was read")
        return thing

    def _path(self, start: str, wanted: str) -> list[str]:
        """Give the shortest way to a status that means ``wanted``."""
        ways = deque([[start]])
        seen = {start}
        while ways:
            way = ways.popleft()
            if self.mapping.same(STATUS, way[-1], wanted):
                return way[1:]
            for step in self.system.workflow.get(way[-1], ()):
                if step not in seen:
                    seen.add(step)
                    ways.append([*way, step])
        raise Refused(self.name, f"no way from {start} to {wanted}", field=STATUS)


def _marks(thing: Thing) -> tuple[str, ...]:
    tags = thing.fields[TAGS]
    return tuple(str(tag) for tag in (tags if isinstance(tags, list) else []) if str(tag).startswith(MARK_PREFIX))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
