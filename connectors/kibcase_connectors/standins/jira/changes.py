"""How requests change an issue: values in, a new issue out. No clock, no ids of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from kibcase_connectors.standins.jira import documents
from kibcase_connectors.standins.jira.catalog import by_id
from kibcase_connectors.standins.jira.documents import Rich
from kibcase_connectors.standins.jira.fields import (
    Field,
    FieldError,
    Scene,
    fields_of,
    is_blank,
    operate,
    parse,
    wording,
)
from kibcase_connectors.standins.jira.problem import JiraProblem, unknown_field
from kibcase_connectors.standins.jira.records import Change, History, Issue
from kibcase_connectors.standins.jira.screens import refuse_blank
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
    known = scene.known
    resolution = issue.resolution
    extra: tuple[Change, ...] = ()
    if "resolution" in fields and scene.project.resolution_editable:
        resolution = _resolution(fields["resolution"], scene)
        extra = _resolution_items(issue, resolution, scene)
        fields = {name: raw for name, raw in fields.items() if name != "resolution"}
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
    refuse_blank(changed, known)
    after = with_values(issue, changed, scene, stamp, *extra)
    return _resolved(issue, after, resolution) if extra else after


def with_values(issue: Issue, changed: Edits, scene: Scene, stamp: Stamp, *extra: Change) -> Issue:
    """Store values and write the changelog entry; ``extra`` are further items of that entry."""
    known = fields_of(scene.catalog)
    items = list(extra)
    different = {name: value for name, value in changed.items() if _differs(issue, name, value)}
    values, written = split(different)
    for name, value in values.items():
        old, old_text = wording(known[name], issue.values[name], scene.catalog)
        new, new_text = wording(known[name], value, scene.catalog)
        label = known[name].name if known[name].custom else name
        items.append(Change(field=label, field_id=name, old=old, old_text=old_text, new=new, new_text=new_text))
    if not items:
        return issue
    kept = {name: document for name, document in issue.documents.items() if name not in values}
    changed_issue = replace(issue, values={**issue.values, **values}, documents=kept | written)
    return logged(changed_issue, tuple(items), stamp)


def _differs(issue: Issue, name: str, value: Any) -> bool:
    if isinstance(value, Rich):
        return value.adf != documents.shown(issue.values[name], issue.documents.get(name))
    return bool(value != issue.values[name])


def split(values: Edits) -> tuple[dict[str, Any], dict[str, Mapping[str, Any]]]:
    """Part stored values into what v2 shows of them and the documents that were written."""
    plain = {name: value.text if isinstance(value, Rich) else value for name, value in values.items()}
    return plain, {name: value.adf for name, value in values.items() if isinstance(value, Rich) and value.text}


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
        if each.required and _is_empty(given.get(each.id)) and each.id not in update:
            refusals.setdefault(each.id, f"{_title(each.id, scene)} is required.")
    if refusals:
        raise JiraProblem(400, fields=refusals)
    resolution = _resolution(given["resolution"], scene) if "resolution" in given else issue.resolution
    if "resolution" in transition.clears:
        resolution = None
    changed = read_fields({k: v for k, v in given.items() if k != "resolution"}, known, scene)
    changed |= read_update(update, known, issue.values, scene)
    refuse_blank(changed, known)
    _validate(transition, {**issue.values, **changed, "resolution": resolution}, scene)
    items = _status_items(issue, transition.target, resolution, scene)
    moved = with_values(issue, changed, scene, stamp, *items)
    return _settled(issue, moved, transition, resolution)


def _is_empty(raw: Any) -> bool:
    return raw in (None, "", []) or (documents.is_document(raw) and not raw.get("content"))


def _validate(transition: Transition, after: Edits, scene: Scene) -> None:
    messages, refusals = [], {}
    for each in transition.validators:
        value = after.get(each.field)
        if is_blank(value) or (each.values and _texts(each.field, value, scene).isdisjoint(each.values)):
            if each.on_field:
                refusals[each.field] = each.message
            else:
                messages.append(each.message)
    if messages or refusals:
        raise JiraProblem(400, *messages, fields=refusals)


def _texts(field_id: str, value: Any, scene: Scene) -> set[str]:
    if field_id == "resolution":
        return {by_id(scene.catalog.resolutions, value).name}
    plain = value.text if isinstance(value, Rich) else value
    text = wording(fields_of(scene.catalog)[field_id], plain, scene.catalog)[1]
    return {str(text), *(value if isinstance(value, list) else ())}


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


def _resolution_items(issue: Issue, resolution: str | None, scene: Scene) -> tuple[Change, ...]:
    resolutions = scene.catalog.resolutions
    if resolution == issue.resolution:
        return ()
    return (Change(
        field="resolution", field_id="resolution",
        old=issue.resolution, old_text=by_id(resolutions, issue.resolution).name if issue.resolution else None,
        new=resolution, new_text=by_id(resolutions, resolution).name if resolution else None,
    ),)


def _status_items(issue: Issue, target: str, resolution: str | None, scene: Scene) -> tuple[Change, ...]:
    status = scene.catalog.status
    return (*_resolution_items(issue, resolution, scene), Change(
        field="status", field_id="status", old=issue.status, old_text=status(issue.status).name,
        new=target, new_text=status(target).name,
    ))


def _settled(before: Issue, moved: Issue, transition: Transition, resolution: str | None) -> Issue:
    return _resolved(before, replace(moved, status=transition.target, status_since=moved.updated), resolution)


def _resolved(before: Issue, after: Issue, resolution: str | None) -> Issue:
    resolved = after.updated if resolution and not before.resolution else before.resolved if resolution else None
    return replace(after, resolution=resolution, resolved=resolved)
