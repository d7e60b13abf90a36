"""The connector object of a case, and the field mappings of a configured connector."""

from __future__ import annotations

from functools import cache

from kibcase.server.codec import (
    Codec,
    array,
    boolean,
    null,
    nullable,
    number,
    one_of,
    strict,
    string,
    tagged,
)

_TEXT = nullable(string)
_FLAG = nullable(boolean)

_FIELDS: dict[str, tuple[dict[str, Codec], tuple[str, ...]]] = {
    ".jira": ({"issueType": _TEXT, "priority": _TEXT, "parent": _TEXT}, ("otherFields",)),
    ".servicenow": (
        {"impact": _TEXT, "severity": _TEXT, "urgency": _TEXT, "category": _TEXT, "subcategory": _TEXT},
        ("additionalFields",),
    ),
    ".servicenow-sir": (
        {
            "category": _TEXT, "subcategory": _TEXT, "priority": _TEXT,
            "destIp": _FLAG, "sourceIp": _FLAG, "malwareHash": _FLAG, "malwareUrl": _FLAG,
        },
        ("additionalFields",),
    ),
    ".resilient": ({"incidentTypes": nullable(array(string)), "severityCode": _TEXT}, ("additionalFields",)),
    ".swimlane": ({"caseId": _TEXT}, ()),
    ".thehive": ({"tlp": nullable(number)}, ()),
}

# Where each connector type puts title, description, comments and tags (mapping files of Kibana's cases plugin).
_TARGETS: dict[str, tuple[tuple[str, str, str], ...]] = {
    ".jira": (
        ("title", "summary", "overwrite"), ("description", "description", "overwrite"),
        ("tags", "labels", "overwrite"), ("comments", "comments", "append"),
    ),
    ".servicenow": (
        ("title", "short_description", "overwrite"), ("description", "description", "overwrite"),
        ("comments", "work_notes", "append"),
    ),
    ".resilient": (
        ("title", "name", "overwrite"), ("description", "description", "overwrite"),
        ("comments", "comments", "append"),
    ),
    ".swimlane": (
        ("title", "caseName", "overwrite"), ("description", "description", "overwrite"),
        ("comments", "comments", "append"),
    ),
    ".thehive": (
        ("title", "title", "overwrite"), ("description", "description", "overwrite"), ("tags", "tags", "overwrite"),
        ("comments", "comments", "append"),
    ),
}
_TARGETS[".servicenow-sir"] = _TARGETS[".servicenow"]


@cache
def connector_codec(*, extras: bool) -> Codec:
    """Build the codec of ``{id, name, type, fields}``; ``extras`` admits ``otherFields`` and ``additionalFields``."""
    variants = {
        kind: _variant(kind, nullable(strict(fields, dict.fromkeys(more if extras else (), _TEXT))))
        for kind, (fields, more) in _FIELDS.items()
    }
    return tagged("type", variants | {kind: _variant(kind, null) for kind in (".none", ".cases-webhook")})


def mappings_of(kind: str) -> list[dict[str, str]]:
    """Give the default mapping of a connector type; none for ``.none`` and types without one."""
    return [
        {"action_type": action, "source": source, "target": target}
        for source, target, action in _TARGETS.get(kind, ())
    ]


def _variant(kind: str, fields: Codec) -> Codec:
    return strict({"id": string, "name": string, "type": one_of(kind), "fields": fields})
