"""Which of Jira's fields holds what sync speaks of, and both directions of each value; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from kibcase_connectors.jira import indicators, kinds
from kibcase_connectors.jira.dialect import Dialect, Wiki
from kibcase_connectors.jira.kinds import Kind
from kibcase_connectors.jira.wire import NAMES, Edit, account, status, untold
from kibcase_connectors.model import (
    ASSIGNEE,
    DESCRIPTION,
    OBSERVABLES,
    SEVERITY,
    STATUS,
    UNSET,
    Json,
    Unset,
)

OURS: Final = frozenset({*NAMES.values(), "assignee", "project", "issuetype", "comment", "attachment", "status"})
"""The ids of fields that no custom field may stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The fields of one Jira for one configuration.

    ``names`` gives Jira's field id for each field of sync, ``kinds`` the kind of the custom ones. ``problems``
    tells why a configured custom field cannot be used. Priorities in ``priority_ids`` are read by id, others by
    name. ``person`` names the user in a user field. ``aliases`` gives the ids of fields for what changelogs may say
    instead (``wire.untold``).
    """

    dialect: Dialect = field(default_factory=Wiki)
    cloud: bool = False
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType(dict(NAMES)))
    kinds: Mapping[str, Kind] = field(default_factory=lambda: MappingProxyType({}))
    problems: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    priority_ids: frozenset[str] = frozenset()
    person: Callable[[Mapping[str, Any]], str] = lambda raw: account(raw).name
    aliases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def fields(self) -> Mapping[str, str]:
        """The reverse of ``names``."""
        return {name: field_name for field_name, name in self.names.items()}

    def natives(self, fields: Mapping[str, Any]) -> dict[str, Json]:
        """Give the values of an issue's fields in the form of snapshots, as far as they were asked for."""
        return {name: self._native(name, fields[jira]) for name, jira in self.names.items() if jira in fields}

    def _native(self, name: str, raw: Any) -> Json:
        match name:
            case "status":
                return status(raw).native()
            case "severity":
                found = raw or {}
                return str(found["id"]) if found.get("id") in self.priority_ids else found.get("name")
            case "tags":
                return [str(label) for label in raw or ()]
            case "description":
                return self.dialect.native(raw)
            case "assignee":
                return account(raw).native() if raw else None
            case "observables":
                return list[Json](indicators.listed(self.dialect.plain(raw)))
        if name in self.kinds:
            return kinds.shown(self.kinds[name], raw, self.dialect, self.person)
        return "" if raw is None else str(raw)

    def plain(self, fields: Mapping[str, Any]) -> str:
        """Give the whole text of the field that holds the observables, "" if it was not asked for."""
        return self.dialect.plain(fields.get(self.names.get(OBSERVABLES, "")))

    def logged(self, name: str, one_id: str | None, text: str | None) -> Json | Unset:
        """Give the native value for a changelog's id and text; UNSET if these do not tell it exactly."""
        match name:
            case "tags":
                return list[Json]((text or "").split())
            case "severity":
                return one_id if one_id in self.priority_ids else text or None
            case "description":
                return self.dialect.logged(text)
            case "assignee":
                return UNSET if one_id else None
            case "status" | "observables":
                return UNSET
        return kinds.logged(self.kinds[name], text) if name in self.kinds else text or ""

    def changed(self, edit: Edit) -> str | None:
        """Give the field of sync that an edit is about, None if it is another."""
        return self.fields.get(self.aliases.get(edit.field, edit.field))

    def of(self, name: str, edits: Sequence[Edit]) -> list[Edit]:
        """Give the edits of one field."""
        return [edit for edit in edits if self.changed(edit) == name]

    def written(self, values: Mapping[str, Json]) -> dict[str, Json]:
        """Give the ``fields`` of a write request for native values; observables and users come on top."""
        return {
            self.names[name]: self._wire(name, value) for name, value in values.items()
            if name not in (OBSERVABLES, STATUS) and self.kinds.get(name) != "user"
        }

    def _wire(self, name: str, value: Json) -> Json:
        if name == SEVERITY:
            return {"id" if value in self.priority_ids else "name": value}
        if name == DESCRIPTION:
            return self.dialect.wire(str(value))
        if name == ASSIGNEE:
            return self.user(str(value["id"])) if isinstance(value, dict) else None
        if name in self.kinds:
            return kinds.wire(self.kinds[name], value, self.dialect)
        return value

    def user(self, handle: str) -> Json:
        """Give what names a user in a write request."""
        return {"accountId" if self.cloud else "name": handle}


def found_fields(
    wanted: Mapping[str, str], known: Sequence[Mapping[str, Any]], areas: frozenset[str]
) -> tuple[dict[str, str], dict[str, Kind], dict[str, str]]:
    """Find configured fields, by id or name, in the list of all (GET field).

    Gives the ids, the kinds and the problems, each by the field's name in sync. ``areas`` must be text areas.
    """
    ids: dict[str, str] = {}
    found: dict[str, Kind] = {}
    problems: dict[str, str] = {}
    for name, asked in wanted.items():
        hits = _hits(asked, known)
        kind = kinds.kind_of(hits[0].get("schema") or {}) if len(hits) == 1 else None
        if len(hits) != 1 or kind is None or hits[0]["id"] in OURS or (name in areas and kind != "area"):
            problems[name] = _problem(asked, hits, kind, area=name in areas)
            continue
        one = str(hits[0]["id"])
        taken = {field_id: known_as for known_as, field_id in ids.items()}
        if one in taken:
            problems[name] = f"{asked!r} is the field of {taken[one]!r} already"
            continue
        ids[name] = one
        if name not in areas:
            found[name] = kind
    return ids, found, problems


def found_aliases(ids: Iterable[str], known: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Give the fields with these ``ids`` by what a changelog without ids says, as far as only one has that name."""
    count = Counter(str(each["name"]) for each in known)
    wanted = set(ids)
    return {
        untold(str(each["name"])): str(each["id"]) for each in known
        if each["id"] in wanted and count[str(each["name"])] == 1
    }


def _hits(asked: str, known: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    exact = [each for each in known if each["id"] == asked]
    return exact or [each for each in known if str(each.get("name", "")).casefold() == asked.casefold()]


def _problem(asked: str, hits: Sequence[Mapping[str, Any]], kind: Kind | None, *, area: bool) -> str:
    if not hits:
        return f"Jira shows this account no field {asked!r}"
    if len(hits) > 1:
        listed = ", ".join(sorted(str(each["id"]) for each in hits)[:10])
        return f"several fields are called {asked!r}: {listed}; give the id"
    if hits[0]["id"] in OURS:
        return f"kibcase fills {asked!r} itself"
    if area and kind is not None:
        return f"{asked!r} is not a multi-line text field"
    return f"fields like {asked!r} are not carried; those that are: {kinds.CARRIED}"
