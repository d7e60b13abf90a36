"""The remote system: its state, and what people do to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from kibcase_connectors.custom import CustomField
from kibcase_connectors.errors import NotFound
from kibcase_connectors.mapping import FieldMap
from kibcase_connectors.memory.faults import MemoryFaults
from kibcase_connectors.memory.maps import CASE_MAP, FREE, Workflow
from kibcase_connectors.memory.thing import Account, StoredFile, Thing
from kibcase_connectors.model import (
    ASSIGNEE,
    DESCRIPTION,
    OBSERVABLES,
    SEVERITY,
    STATUS,
    TAGS,
    TITLE,
    Comment,
    File,
    Json,
    Touch,
)
from kibcase_connectors.observables import TYPES

_LARGEST: Final = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a system has besides the five fields and comments; as it stands, nothing.

    ``observables`` are the types that it can hold, none for no such field; ``Parts.all()`` has everything but custom
    fields. ``largest`` is the size in bytes of the largest file that it takes.
    """

    assignee: bool = False
    observables: frozenset[str] = frozenset()
    files: bool = False
    custom: Mapping[str, CustomField] = field(default_factory=lambda: MappingProxyType({}))
    largest: int = _LARGEST

    @classmethod
    def all(cls, **custom: CustomField) -> Parts:
        """Give a system everything."""
        return cls(assignee=True, observables=frozenset(TYPES), files=True, custom=custom)

    def empty(self) -> dict[str, Json]:
        """Give the further fields as they are in a new thing."""
        found: dict[str, Json] = dict.fromkeys(self.custom)
        if self.assignee:
            found[ASSIGNEE] = None
        if self.observables:
            found[OBSERVABLES] = []
        return found


class MemorySystem:
    """A remote system in memory.

    ``clock`` gives seconds since the epoch. ``find_lag`` is how long a new thing stays hidden from ``find``,
    ``read_lag`` how long a new comment or file does from ``read``, both in seconds. ``skew`` is how far the stamps
    that it reports are off. ``parts`` are what it has besides, ``accounts`` its directory.

    ``faults`` takes what shall go wrong. For what these cannot say, ``on_write`` and ``on_answer`` are called around
    every write request of the connector with its name, before and after the effect: raise from them to have the
    request fail, or the answer get lost.
    """

    def __init__(
        self, kind: str, *, mapping: FieldMap = CASE_MAP, workflow: Workflow = FREE, first: str = "open",
        clock: Callable[[], float] = lambda: 0.0, find_lag: float = 0.0, read_lag: float = 0.0, skew: float = 0.0,
        parts: Parts | None = None, accounts: Iterable[Account] = (),
    ) -> None:
        self.kind = kind
        self.mapping = mapping
        self.workflow = workflow
        self.first = first
        self.clock = clock
        self.find_lag = find_lag
        self.read_lag = read_lag
        self.skew = skew
        self.parts = Parts() if parts is None else parts
        self.accounts = tuple(accounts)
        self.things: dict[str, Thing] = {}
        self.faults = MemoryFaults(kind, lambda: self.clock())
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
        return datetime.fromtimestamp(self.clock() + self.skew, UTC)

    def add(self, *, by: str = "person", **fields: Json) -> Thing:
        """Make a new thing; fields that are not given get their defaults."""
        number = self.tick()
        severity = self.mapping.native(SEVERITY, "medium")
        full: dict[str, Json] = {TITLE: "", DESCRIPTION: "", STATUS: self.first, TAGS: [], **self.parts.empty()}
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

    def assign(self, key: str, account: str | None, *, by: str = "person") -> None:
        """Give a thing to the account with this id, or to nobody (None). Raises ``NotFound``."""
        found = next((each for each in self.accounts if each.id == account), None)
        if found is None and account is not None:
            raise NotFound(self.kind, f"account {account}")
        self.edit(key, by=by, assignee=None if found is None else found.native)

    def comment(self, key: str, body: str, *, by: str = "person", mark: str | None = None) -> Comment:
        """Add a comment."""
        thing, number = self.thing(key), self.tick()
        comment = Comment(
            key=str(number), body=body, author=by, created=self.now(), digest=_digest(body), mark=mark
        )
        thing.comments.append(comment)
        thing.births[comment.key] = self.clock()
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

    def attach(
        self, key: str, name: str, content: bytes, *, media_type: str = "application/octet-stream", by: str = "person"
    ) -> File:
        """Add a file."""
        thing, number = self.thing(key), self.tick()
        file = File(
            key=f"file-{number}", name=name, size=len(content), media_type=media_type, author=by, created=self.now()
        )
        thing.files.append(StoredFile(file=file, content=content))
        thing.births[file.key] = self.clock()
        thing.version = number
        return file

    def detach(self, key: str, file: str) -> None:
        """Take a file away."""
        thing = self.thing(key)
        thing.files = [one for one in thing.files if one.file.key != file]
        thing.version = self.tick()

    def delete(self, key: str) -> None:
        """Take a thing away."""
        self.things.pop(key)

    def thing(self, key: str) -> Thing:
        """Give a thing. Raises ``NotFound``."""
        if key not in self.things:
            raise NotFound(self.kind, key)
        return self.things[key]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
