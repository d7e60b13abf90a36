"""Carrying out actions on a system in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from kibcase_connectors.actions import (
    Action,
    AddComment,
    AddFile,
    Create,
    EditComment,
    LinkBack,
    SetFields,
    SetStatus,
)
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import Conflict, Refused
from kibcase_connectors.mapping import FieldMap, UnmappedError
from kibcase_connectors.memory.system import MemorySystem
from kibcase_connectors.memory.thing import Thing
from kibcase_connectors.model import ASSIGNEE, STATUS, TAGS, Canonical, Json, Receipt
from kibcase_connectors.people import People

_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes one action; each request is announced, may be hit by a fault, and is noted in ``system.writes``.

    ``path`` gives the steps from a native status to a canonical one.
    """

    system: MemorySystem
    name: str
    mapping: FieldMap
    people: People
    fields: frozenset[str]
    path: Callable[[str, str], list[str]]
    announce: Announce

    def write(self, action: Action) -> Receipt:
        """Carry out the action; see ``Connector.apply``."""
        match action:
            case Create():
                return self._create(action)
            case SetFields():
                return self._set_fields(action)
            case SetStatus():
                return self._set_status(action)
            case AddFile():
                return self._add_file(action)
            case LinkBack():
                thing = self.system.thing(action.key)
                with self._request("link", {}):
                    thing.links[action.mark] = action.url
                return Receipt(key=action.key)
            case AddComment():
                self.system.thing(action.key)
                with self._request("add-comment", {}):
                    comment = self.system.comment(action.key, action.body, by="kibcase", mark=action.mark)
                return Receipt(key=action.key, comment=comment)
            case EditComment():
                self.system.thing(action.key)
                with self._request("edit-comment", {}):
                    comment = self.system.edit_comment(action.key, action.comment, action.body)
                return Receipt(key=action.key, comment=comment)

    @contextmanager
    def _request(self, request: str, values: Mapping[str, Json]) -> Iterator[None]:
        self.announce(values)
        with self.system.faults.around(request):
            self.system.on_write(request)
            self.system.writes.append(request)
            yield
            self.system.on_answer(request)

    def _create(self, action: Create) -> Receipt:
        fields = {name: self._native(name, value) for name, value in action.fields.items()}
        tags = fields.get(TAGS, [])
        fields[TAGS] = [*(tags if isinstance(tags, list) else []), action.mark]
        with self._request("create", fields):
            thing = self.system.add(by="kibcase", **fields)
            stored = {name: value for name, value in thing.fields.items() if name in self.fields}
        return Receipt(key=thing.key, label=thing.key.upper(), stored=stored)

    def _set_fields(self, action: SetFields) -> Receipt:
        thing = self._at(action.key, action.version)
        values = {name: self._native(name, value) for name, value in action.fields.items()}
        for name in {*action.add, *action.remove}:
            values[name] = self._merged(name, thing.fields[name], action.add.get(name, ()), action.remove.get(name, ()))
        with self._request("set-fields", values):
            self.system.edit(action.key, by="kibcase", **values)
        return Receipt(key=action.key, stored=values)

    def _merged(self, name: str, held: Json, add: tuple[str, ...], remove: tuple[str, ...]) -> Json:
        """Give the set as it will be; spellings with one identity are one element, the first stays."""
        gone = {self.mapping.key(name, item) for item in remove}
        merged: dict[str, Json] = {}
        for item in held if isinstance(held, list) else []:
            if self.mapping.key(name, str(item)) not in gone:
                merged.setdefault(self.mapping.key(name, str(item)), item)
        for item in add:
            merged.setdefault(self.mapping.key(name, item), item)
        return list(merged.values())

    def _set_status(self, action: SetStatus) -> Receipt:
        thing = self._at(action.key, action.version)
        path = self.path(str(thing.fields[STATUS]), action.status)
        for step in path:
            with self._request("set-status", {STATUS: step}):
                self.system.edit(action.key, by="kibcase", status=step)
        return Receipt(key=action.key, stored={STATUS: path[-1] if path else thing.fields[STATUS]})

    def _add_file(self, action: AddFile) -> Receipt:
        self.system.thing(action.key)
        shown = f"attaching {action.name[:80]!r} to {action.key}"
        if not self.system.parts.files:
            raise Refused(self.name, shown, said="this system holds no files")
        if action.size > self.system.parts.largest:
            raise Refused(self.name, shown, said=f"files may have {self.system.parts.largest} bytes at most")
        if not action.name or len(action.name) > _LONGEST_NAME or "/" in action.name:
            raise Refused(self.name, shown, said=f"a name has 1 to {_LONGEST_NAME} characters and no slash")
        content = b"" if action.content is None else action.content.read(action.size + 1)
        if len(content) != action.size:
            raise Refused(self.name, shown, said=f"{action.size} bytes were promised, {len(content)} came")
        with self._request("add-file", {}):
            file = self.system.attach(
                action.key, action.name, content, media_type=action.media_type, by="kibcase"
            )
        return Receipt(key=action.key, file=file)

    def _native(self, name: str, value: Canonical) -> Json:
        if not isinstance(value, str | tuple):
            raise TypeError(f"{name} must be canonical, not {value!r}")
        if name == ASSIGNEE:
            return self._account(str(value))
        try:
            native = self.mapping.native(name, value)
        except UnmappedError as error:
            raise Refused(self.name, f"setting {name}", said=str(error), field=name) from error
        if not isinstance(native, str | list | None):
            raise TypeError(f"{name} {value!r} has no native form")
        return native

    def _account(self, person: str) -> Json:
        """Look a person up: by the table first, then by the address of one active account."""
        if not person:
            return None
        known = self.people.account(self.system.kind, person)
        found = [
            each for each in self.system.accounts
            if each.active and (each.id == known if known is not None else each.email.casefold() == person)
        ]
        if len(found) != 1:
            number = "no" if not found else "more than one"
            raise Refused(
                self.name, f"assigning to {person[:80]!r}", said=f"{number} active account is this person's",
                advice="Name the account in the table of people.", field=ASSIGNEE,
            )
        return found[0].native

    def _at(self, key: str, version: str) -> Thing:
        thing = self.system.thing(key)
        if str(thing.version) != version:
            raise Conflict(self.name, f"{key} has changed since it was read")
        return thing
