"""How requests change an issue: values in, a new issue out. No clock, no ids of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from kibcase_connectors.standins.jira.catalog import by_id
from kibcase_connectors.standins.jira.fields import Field, FieldError, Scene, fields_of, operate, parse, wording
from kibcase_connectors.standins.jira.problem import JiraProblem, unknown_field
from kibcase_connectors.standins.jira.records import Change, History, Issue
from kibcase_connectors.standins.jira.workflow import Transition

Edits = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Who does it and when; ``history_id`` is the id for the changelog entry."""

    actor: str
    now: datetime
    history_id: str


def milliseconds(moment: datetime) -> datetime:
    """Cut a time to whole milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def touched(issue: Issue, now: datetime) -> datetime:
    """Give the next ``updated`` of an issue: now, and always later than the one before."""
    return max(milliseconds(now), issue.updated + timedelta(milliseconds=1))


def read_fields(given: Edits, known: Mapping[str, Field], scene: Scene) -> dict[str, Any]:
    """Turn ``fields`` of a request into stored values; raises ``JiraProblem`` with every refusal."""
    values: dict[str, Any] = {}
    refusals: dict[str, str] = {}
    for name, raw in given.items():
        if name not in known:
            refusals[name] = unknown_field(name)
            continue
        try:
            values[name] = parse(known[name], raw, scene)
        except FieldError as error:
            refusals[name] = str(error)
    if refusals:
        raise JiraProblem(400, fields=refusals)
    return values


def read_update(given: Edits, known: Mapping[str, Field], values: Edits, scene: Scene) -> dict[str, Any]:
    """Apply the operations of ``update`` to stored values; raises ``JiraProblem`` with every refusal."""
    after: dict[str, Any] = {}
    refusals: dict[str, str] = {}
    for name, operations in given.items():
        if name not in known:
            refusals[name] = unknown_field(name)
            continue
        try:
            after[name] = _operated(known[name], values.get(name), operations, scene)
        except FieldError as error:
            refusals[name] = str(error)
    if refusals:
        raise JiraProblem(400, fields=refusals)
    return after


def _operated(field: Field, stored: Any, operations: Any, scene: Scene) -> Any:
    if not isinstance(operations, list):
        raise FieldError("data was not an array")
    value = stored if stored is not None or not field.array else []
    for operation in operations:
        if not isinstance(operation, Mapping) or len(operation) != 1:
            raise FieldError("each operation must be an object with one key")
        (verb, raw), = operation.items()
        value = operate(field, str(verb), value, raw, scene)
    return value


def refuse_both(fields: Edits, update: Edits) -> None:
    """Refuse a field that is in ``fields`` and in ``update``."""
    if both := sorted(set(fields) & set(update)):
        raise JiraProblem(400, fields={
            name: f"Field '{name}' cannot appear in both 'fields' and 'update'" for name in both
        })


def edited(issue: Issue, fields: Edits, update: Edits, scene: Scene, stamp: Stamp) -> Issue:
    """Apply an edit to the fields of an issue; the same issue comes back if nothing differs."""
    refuse_both(fields, update)
    known = fields_of(scene.catalog)
    readings = (partial(read_fields, fields, known, scene), partial(read_update, update, known, issue.values, scene))
    changed: dict[str, Any] = {}
    refusals: dict[str, str] = {}
    for reading in readings:
        try:
            changed |= reading()
        except JiraProblem as problem:
            refusals |= problem.fields
    if refusals:
        raise JiraProblem(400, fields=refusals)
    return with_values(issue, changed, scene, stamp)


def with_values(issue: Issue, changed: Edits, scene: Scene, stamp: Stamp, *extra: Change) -> Issue:
    """Store values and write the changelog entry; ``extra`` are further items of that entry."""
    known = fields_of(scene.catalog)
    items = list(extra)
    for name, value in changed.items():
        if value != issue.values[name]:
            old, old_text = wording(known[name], issue.values[name], scene.catalog)
            new, new_text = wording(known[name], value, scene.catalog)
            label = known[name].name if known[name].custom else name
            items.append(Change(
                field=label, field_id=name, old=old, old_text=old_text, new=new, new_text=new_text
            ))
    if not items:
        return issue
    return logged(replace(issue, values={**issue.values, **changed}), tuple(items), stamp)


def logged(issue: Issue, items: tuple[Change, ...], stamp: Stamp) -> Issue:
    """Add a changelog entry and move ``updated``."""
    updated = touched(issue, stamp.now)
    entry = History(id=stamp.history_id, author=stamp.actor, created=updated, items=items)
    return replace(issue, updated=updated, histories=(*issue.histories, entry))


def transitioned(issue: Issue, transition: Transition, fields: Edits, update: Edits, scene: Scene,
                 stamp: Stamp) -> Issue:
    """Take a transition with what its screen was given; raises ``JiraProblem`` (400)."""
    refuse_both(fields, update)
    screen = {each.id: each for each in transition.screen}
    known = {name: field for name, field in fields_of(scene.catalog).items() if name in screen}
    refusals = {name: unknown_field(name) for name in {**fields, **update} if name not in screen}
    if "resolution" in update:
        refusals["resolution"] = "Field 'resolution' does not support 'update' here; use 'fields'."
    given = _with_defaults(fields, update, transition)
    for each in transition.screen:
        if each.required and given.get(each.id) in (None, "", []) and each.id not in update:
            refusals.setdefault(each.id, f"{_title(each.id, scene)} is required.")
    if refusals:
        raise JiraProblem(400, fields=refusals)
    resolution = _resolution(given["resolution"], scene) if "resolution" in given else issue.resolution
    if "resolution" in transition.clears:
        resolution = None
    changed = read_fields({k: v for k, v in given.items() if k != "resolution"}, known, scene)
    changed |= read_update(update, known, issue.values, scene)
    items = _status_items(issue, transition.target, resolution, scene)
    moved = with_values(issue, changed, scene, stamp, *items)
    return _settled(issue, moved, transition, resolution)


def _with_defaults(fields: Edits, update: Edits, transition: Transition) -> dict[str, Any]:
    given = dict(fields)
    for each in transition.screen:
        if each.default is not None and each.id not in given and each.id not in update:
            given[each.id] = {"name": each.default}
    return given


def _title(field_id: str, scene: Scene) -> str:
    known = fields_of(scene.catalog)
    return known[field_id].name if field_id in known else field_id.capitalize()


def _resolution(raw: Any, scene: Scene) -> str | None:
    if raw is None:
        return None
    for each in scene.catalog.resolutions:
        if isinstance(raw, Mapping) and (str(raw.get("id")) == each.id or raw.get("name") == each.name):
            return each.id
    named = raw.get("name", raw.get("id")) if isinstance(raw, Mapping) else raw
    raise JiraProblem(400, fields={"resolution": f"Resolution name '{named}' is not valid"})


def _status_items(issue: Issue, target: str, resolution: str | None, scene: Scene) -> tuple[Change, ...]:
    workflow, resolutions = scene.catalog.workflow, scene.catalog.resolutions
    items = []
    if resolution != issue.resolution:
        items.append(Change(
            field="resolution", field_id="resolution",
            old=issue.resolution, old_text=by_id(resolutions, issue.resolution).name if issue.resolution else None,
            new=resolution, new_text=by_id(resolutions, resolution).name if resolution else None,
        ))
    items.append(Change(
        field="status", field_id="status", old=issue.status, old_text=workflow.status(issue.status).name,
        new=target, new_text=workflow.status(target).name,
    ))
    return tuple(items)


def _settled(before: Issue, moved: Issue, transition: Transition, resolution: str | None) -> Issue:
    resolved = moved.updated if resolution and not before.resolution else before.resolved if resolution else None
    return replace(
        moved, status=transition.target, status_since=moved.updated, resolution=resolution, resolved=resolved
    )
