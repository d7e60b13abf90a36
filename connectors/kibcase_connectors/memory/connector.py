"""How kibcase reaches a system in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Final

from kibcase_connectors.actions import Action
from kibcase_connectors.api import Announce, Capabilities, Context
from kibcase_connectors.custom import custom_codecs
from kibcase_connectors.errors import NotFound, Refused, Unavailable
from kibcase_connectors.mapping import Codec, FieldMap
from kibcase_connectors.memory.maps import shortest
from kibcase_connectors.memory.system import MemorySystem
from kibcase_connectors.memory.thing import Thing
from kibcase_connectors.memory.writing import Writer
from kibcase_connectors.model import (
    ASSIGNEE,
    FIELDS,
    FILES,
    MARK_PREFIX,
    OBSERVABLES,
    STATUS,
    Changed,
    Changes,
    File,
    Finding,
    Json,
    Receipt,
    Snapshot,
)
from kibcase_connectors.observables import Observables
from kibcase_connectors.people import PersonCodec

_PIECE: Final = 65_536


class MemoryConnector:
    """A ``Connector`` for a ``MemorySystem``; ``eligible`` tells which things may get a copy."""

    def __init__(
        self, system: MemorySystem, *, eligible: Callable[[Thing], bool] = lambda _: True,
        context: Context | None = None,
    ) -> None:
        self.system = system
        self._eligible = eligible
        self._context = Context() if context is None else context
        self._further = self._codecs()
        self._mapping = FieldMap({**system.mapping.codecs, **self._further}) if self._further else None

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
        """The system's field map, with what its ``parts`` add."""
        return self.system.mapping if self._mapping is None else self._mapping

    @property
    def capabilities(self) -> Capabilities:
        """Everything that the system's ``parts`` name and the context wants; the lags are the system's."""
        system = self.system
        return Capabilities(
            fields=frozenset({*FIELDS, *self._further}), find_lag=system.find_lag, read_lag=system.read_lag,
            links_back=True, files=system.parts.files and self._context.wants(FILES),
        )

    def check(self) -> list[Finding]:
        """Say how much there is; in memory nothing can be set up wrongly."""
        with self.system.faults.around("check"):
            return [Finding(level="ok", subject=self.name, text=f"{len(self.system.things)} things in memory")]

    def changes(self, cursor: str | None) -> Changes:
        """List things by version; two numbers of overlap, as real feeds overlap in time."""
        since = int(cursor) - 2 if cursor is not None else -1
        with self.system.faults.around("changes"):
            items = [
                Changed(
                    key=thing.key, version=str(thing.version), eligible=self._eligible(thing), marked=bool(thing.marks)
                )
                for thing in self.system.things.values()
                if thing.version > since
            ]
            newest = max((thing.version for thing in self.system.things.values()), default=0)
        return Changes(items=tuple(items), cursor=str(max(newest, int(cursor or 0))))

    def read(self, key: str) -> Snapshot:
        """Copy a thing; what its lag hides makes it unsettled."""
        with self.system.faults.around("read"):
            thing = self.system.thing(key)
            return self._snapshot(thing)

    def fetch(self, key: str, file: File, into: BinaryIO) -> None:
        """Give the content of a file."""
        with self.system.faults.around("fetch"):
            stored = next((each for each in self.system.thing(key).files if each.file.key == file.key), None)
            if stored is None:
                raise NotFound(self.name, f"file {file.key} of {key}")
            if len(stored.content) != file.size:
                raise Unavailable(self.name, f"file {file.key} has {len(stored.content)} bytes, not {file.size}")
            into.writelines(stored.content[start : start + _PIECE] for start in range(0, file.size, _PIECE))

    def find(self, mark: str) -> tuple[str, ...]:
        """Give what carries the mark and is no longer hidden by the lag."""
        visible = self.system.clock() - self.system.find_lag
        with self.system.faults.around("find"):
            return tuple(
                thing.key for thing in self.system.things.values() if mark in thing.marks and thing.born <= visible
            )

    def apply(self, action: Action, announce: Announce) -> Receipt:
        """Carry out an action on the system."""
        writer = Writer(
            system=self.system, name=self.name, mapping=self.mapping, people=self._context.people, announce=announce,
            fields=self.capabilities.fields, path=self._path,
        )
        return writer.write(action)

    def close(self) -> None:
        """Nothing is open."""

    def _path(self, start: str, wanted: str) -> list[str]:
        """Give the shortest way to a status that means ``wanted``; a system with ways of its own overrides this."""
        way = shortest(self.system.workflow, start, lambda status: self.mapping.same(STATUS, status, wanted))
        if way is None:
            raise Refused(self.name, f"no way from {start} to {wanted}", field=STATUS)
        return way

    def _codecs(self) -> dict[str, Codec]:
        parts, wants = self.system.parts, self._context.wants
        found: dict[str, Codec] = {
            name: codec for name, codec in custom_codecs(parts.custom).items() if wants(name)
        }
        if parts.assignee and wants(ASSIGNEE):
            found[ASSIGNEE] = PersonCodec(self.system.kind, self._context.people)
        if parts.observables and wants(OBSERVABLES):
            found[OBSERVABLES] = Observables(parts.observables)
        return found

    def _snapshot(self, thing: Thing) -> Snapshot:
        fields, visible = self.capabilities.fields, self.system.clock() - self.system.read_lag
        hidden = {key for key, born in thing.births.items() if born > visible}
        files = [each.file for each in thing.files] if self.capabilities.files else []
        shown = {name: _copied(value) for name, value in thing.fields.items() if name in fields}
        return Snapshot(
            key=thing.key, label=thing.key.upper(), version=str(thing.version), mark=f"{MARK_PREFIX}{thing.key}",
            url=f"https://{self.system.kind}.example/{thing.key}", fields=shown,
            touched={name: touch for name, touch in thing.touched.items() if name in fields}, created=thing.created,
            comments=tuple(each for each in thing.comments if each.key not in hidden),
            files=tuple(each for each in files if each.key not in hidden), marks=thing.marks, settled=not hidden,
        )


def _copied(value: Json) -> Json:
    return list(value) if isinstance(value, list) else value
