"""Making an incident, and changing its fields. Pure: time and ids come in as arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kibcase_connectors.standins.resilient import values
from kibcase_connectors.standins.resilient.catalog import Catalog, Field
from kibcase_connectors.standins.resilient.problem import ResilientProblem
from kibcase_connectors.standins.resilient.records import Change, Incident

_STATUS, _CLOSED = "plan_status", "C"
_OBJECT_KEYS = frozenset({
    "actions", "addr", "admin_id", "artifacts", "comments", "creator", "creator_principal", "draft", "inc_training",
    "is_scenario", "org_handle", "org_id", "perms", "properties", "tasks", "vers",
})
_NEEDS = {"plan_status": "close", "owner_id": "assign", "members": "change_members", "workspace": "change_workspace"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change that a PATCH asks for: a field, what the client believes it holds, what it shall hold."""

    field: Field
    old: Any
    new: Any
    checked: bool = True


class Conflict(Exception):
    """Fields do not hold what the client believed; ``failures`` are those proposals."""

    def __init__(self, failures: Sequence[Proposal]) -> None:
        self.failures = tuple(failures)
        super().__init__(", ".join(each.field.name for each in failures))


class Refused(Exception):
    """The change is understood and not allowed; the platform says so with status 200."""


def proposals(body: Mapping[str, Any], catalog: Catalog) -> list[Proposal]:
    """Read the ``changes`` of a PATCH; raises ``ResilientProblem`` (400)."""
    changes = body.get("changes")
    if not isinstance(changes, list):
        raise ResilientProblem(400)
    return [_proposal(each, catalog) for each in changes]


def _proposal(change: object, catalog: Catalog) -> Proposal:
    if not isinstance(change, Mapping):
        raise ResilientProblem(400)
    named = change.get("field")
    name = named.get("name") if isinstance(named, Mapping) else named
    # Custom fields go by their bare names here; `properties.x` is unknown.
    field = catalog.by_name.get(name) if isinstance(name, str) else None
    if field is None:
        raise ResilientProblem(400, f"Unknown field: {str(name)[:100]}.")
    return Proposal(
        field=field, old=values.untyped(change.get("old_value")), new=values.untyped(change.get("new_value")),
    )


def patched(incident: Incident, changes: Sequence[Proposal], catalog: Catalog) -> dict[str, Any]:
    """Give the values after a PATCH, by path.

    Raises ``Conflict`` if an old value is not the present one, ``Refused`` if a rule forbids it,
    ``ResilientProblem`` (400) for values that make no sense.
    """
    wanted = {each.field.path: values.read(each.field, each.new, catalog) for each in changes}
    failures = [
        each for each in changes
        if each.checked and not values.agrees(each.field, incident.value(each.field.path), each.old, catalog)
    ]
    if failures:
        raise Conflict(failures)
    for each in changes:
        if each.field.read_only:
            raise Refused(f"{each.field.text} can not be changed.")
    after = {**incident.values, **wanted}
    _check_required(incident.values, after, catalog)
    return after


def _check_required(before: Mapping[str, Any], after: Mapping[str, Any], catalog: Catalog) -> None:
    missing = missing_fields(after, catalog, "always")
    if after[_STATUS] == _CLOSED and before[_STATUS] != _CLOSED:
        missing += missing_fields(after, catalog, "close")
    if missing:
        names = ", ".join(each.text for each in missing)
        raise Refused(f"The following fields are required: {names}.")


def missing_fields(held: Mapping[str, Any], catalog: Catalog, when: str) -> list[Field]:
    """Give the fields that are demanded ``"always"`` or on ``"close"`` and hold nothing."""
    return [each for each in catalog.fields if each.required == when and held.get(each.path) in (None, ())]


def created(body: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    """Give the values of a new incident, by path; raises ``ResilientProblem`` (400)."""
    given = _given(body, catalog)
    empty = {each.path: () if each.many else None for each in catalog.fields if not each.read_only}
    workspace = next(choice.value for choice in catalog.by_name["workspace"].choices)
    phase = next(choice.value for choice in catalog.by_name["phase_id"].choices)
    held = empty | {"plan_status": "A", "workspace": workspace, "phase_id": phase} | given
    if missing := missing_fields(held, catalog, "always"):
        raise ResilientProblem(400, f"{missing[0].text} is required.")
    return held


def replaced(incident: Incident, body: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    """Give the values after a PUT of the whole object; what it leaves out is emptied, or kept where it must be."""
    kept = {name: incident.values[name] for name in ("plan_status", "workspace", "phase_id")}
    after = created({**kept, **body}, catalog)
    _check_required(incident.values, after, catalog)
    return after


def _given(body: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    properties = body.get("properties") or {}
    if not isinstance(properties, Mapping):
        raise ResilientProblem(400)
    known = catalog.by_path
    flat = {f"properties.{name}": raw for name, raw in properties.items()}
    flat |= {name: raw for name, raw in body.items() if name not in _OBJECT_KEYS}
    if strange := sorted(set(flat) - set(known)):
        raise ResilientProblem(400, f"Unknown field: {strange[0][:100]}.")
    return {
        path: values.read(known[path], raw, catalog)
        for path, raw in flat.items() if not known[path].read_only and raw is not None
    }


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Give what changed, by path."""
    return tuple(
        Change(field=path, old=before.get(path), new=value)
        for path, value in after.items() if before.get(path) != value
    )


def needed(changes: Sequence[Change]) -> set[str]:
    """Give the permissions that changes take."""
    return {_NEEDS.get(each.field, "write") for each in changes}


def with_values(incident: Incident, after: Mapping[str, Any], now: int) -> Incident:
    """Give the incident with other values; closing dates it, reopening undates it."""
    closing = after[_STATUS] == _CLOSED
    closed = (incident.closed if incident.values[_STATUS] == _CLOSED else now) if closing else None
    return replace(incident, values=dict(after), closed=closed)
