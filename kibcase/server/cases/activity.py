"""User actions: what each change leaves in a case's activity; pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

from kibcase.server.cases.changes import difference
from kibcase.server.codec import as_list

Json = dict[str, Any]

_CREATE_FIELDS = (
    "title", "description", "tags", "connector", "settings", "owner", "severity", "status", "assignees",
    "category", "customFields",
)
_PLAIN = ("title", "description", "status", "severity", "category", "connector")
TYPES = (
    "assignees", "category", "comment", "connector", "create_case", "customFields", "delete_case", "description",
    "extended_fields", "observables", "pushed", "settings", "severity", "status", "tags", "template", "title",
)

_CONDITIONS = {
    "action": "comment_type IS NULL OR comment_type <> 'user'",
    "user": "type = 'comment' AND comment_type = 'user'",
    "alert": "type = 'comment' AND comment_type = 'alert'",
    "attachment": "type = 'comment' AND comment_type IN ('persistableState', 'externalReference')",
} | {kind: f"type = '{kind}'" for kind in TYPES}
FILTERS = tuple(_CONDITIONS)


def condition_of(types: Iterable[str], *, edits: bool = False) -> str:
    """Give the SQL condition for ``types``, each one of ``FILTERS``; everything if there are none.

    ``edits`` tells whether ``user`` covers changes and deletions of comments too, as on older stacks.
    """
    conditions = _CONDITIONS if edits else _CONDITIONS | {"user": f"{_CONDITIONS['user']} AND action = 'create'"}
    return " OR ".join(f"({conditions[kind]})" for kind in types) or "1"


def created(case: Mapping[str, Any]) -> Json:
    """Describe the creation of a case."""
    return _action("create_case", "create", {name: case[name] for name in _CREATE_FIELDS if name in case})


def changed(
    before: Mapping[str, Any],
    changes: Mapping[str, Any],
    status_extra: Mapping[str, Any],
    *,
    mirrored: Container[str] = (),
) -> list[Json]:
    """Describe a PATCH, one action per change in the order of ``changes``.

    Tags and assignees give the difference, custom fields one action each but for the ``mirrored`` keys, extended
    fields those that are new or differ, everything else the new value; ``status_extra`` is added to the payload of
    a status action.
    """
    actions: list[Json] = []
    for name, value in changes.items():
        if name in ("tags", "assignees"):
            actions += _lists(name, before[name], value)
        elif name == "customFields":
            actions += _custom_fields(before[name], value, mirrored)
        elif name == "extended_fields":
            actions += extended(changed_values(before.get(name) or {}, value))
        elif name == "template":
            actions.append(applied(value))
        elif name == "settings":
            actions.append(_action(name, "update", {name: _settings(before[name], value)}))
        elif name in _PLAIN:
            extra = dict(status_extra) if name == "status" else {}
            verb = "delete" if name == "category" and value is None else "update"
            actions.append(_action(name, verb, {name: value} | extra))
    return actions


def attachment(verb: str, payload: Mapping[str, Any]) -> Json:
    """Describe the creation, update or deletion of an attachment; ``payload`` is what was attached."""
    return _action("comment", verb, {"comment": dict(payload)})


def extended(values: Mapping[str, str]) -> list[Json]:
    """Describe new values of extended fields; nothing if there are none."""
    return [_action("extended_fields", "update", {"extended_fields": dict(values)})] if values else []


def changed_values(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Give the values that were not there before or were others."""
    return {key: value for key, value in after.items() if before.get(key) != value}


def applied(template: Mapping[str, Any] | None) -> Json:
    """Describe the use of a template, ``{id, version, name?}``; None means that it was taken off."""
    return _action("template", "update", {"template": None if template is None else dict(template)})


def pushed(external_service: Mapping[str, Any]) -> Json:
    """Describe a push; ``external_service`` is what the case remembers of it."""
    return _action("pushed", "push_to_service", {"externalService": dict(external_service)})


def _lists(name: str, before: list[Any], after: list[Any]) -> list[Json]:
    added, removed = difference(before, after)
    return [
        _action(name, verb, {name: items}) for verb, items in (("add", added), ("delete", removed)) if items
    ]


def _custom_fields(before: list[Json], after: list[Json], mirrored: Container[str]) -> list[Json]:
    known = {field["key"] for field in before}
    added, _ = difference(before, after)
    return [
        _action("customFields", "update", {"customFields": [field]})
        for field in added
        if field["key"] not in mirrored and (field["value"] is not None or field["key"] in known)
    ]


def _settings(before: Json, after: Json) -> Json:
    return {name: value for name, value in after.items() if before.get(name) != value}


def _action(kind: str, verb: str, payload: Json) -> Json:
    return {"type": kind, "action": verb, "payload": payload}


def stored(action: Json, *, owner: str, user: Json, at: str, comment_id: str | None = None) -> Json:
    """Complete an action to the document that is stored."""
    return action | {"owner": owner, "created_at": at, "created_by": user, "comment_id": comment_id}


def wanted(types: str | list[str] | None) -> list[str]:
    """Give the requested types as a list, each once."""
    return list(dict.fromkeys(as_list(types)))
