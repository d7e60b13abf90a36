"""What the sub-actions of each connector type take (``params`` of ``_execute``); pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kibcase.server.cases.actions_schema import (
    Schema,
    SchemaError,
    defaulted,
    list_of,
    literal,
    nullable,
    number,
    obj,
    one_of,
    record,
    text,
)

_TEXT = nullable(text)
_COMMENTS = nullable(list_of(obj({"comment": text, "commentId": text})))
_NOTHING = obj({})
_IDENTIFIER = obj({"externalId": text})
_TAGS = nullable(list_of(text))
_VALUES = one_of(list_of(text), text, literal(None), default=None)


def _label(value: Any, path: tuple[str, ...]) -> Any:
    label = text(value, path)
    if any(char.isspace() for char in label):
        raise SchemaError(path, f"The label {label} cannot contain spaces")
    return label


def _push(incident: Mapping[str, Schema]) -> Schema:
    return obj({"incident": obj({"externalId": _TEXT, **incident}), "comments": _COMMENTS})


_JIRA: Final = {
    "summary": text, "description": _TEXT, "issueType": _TEXT, "priority": _TEXT,
    "labels": nullable(list_of(_label)), "parent": _TEXT,
}
_SERVICENOW: Final = {
    "short_description": text, "description": _TEXT, "category": _TEXT, "subcategory": _TEXT,
    "correlation_id": defaulted(_TEXT, "{{rule.id}}:{{alert.id}}"), "correlation_display": _TEXT,
}
_ITSM: Final = {"severity": _TEXT, "urgency": _TEXT, "impact": _TEXT}
_SIR: Final = {
    "dest_ip": _VALUES, "malware_hash": _VALUES, "malware_url": _VALUES, "source_ip": _VALUES, "priority": _TEXT,
}
_RESILIENT: Final = {
    "name": text, "description": _TEXT, "incidentTypes": nullable(list_of(number)), "severityCode": nullable(number),
}
_SWIMLANE: Final = dict.fromkeys(("alertId", "ruleName", "caseId", "caseName", "severity", "description"), _TEXT)
_THEHIVE: Final = {
    "title": text, "description": text, "severity": nullable(number), "tlp": nullable(number), "tags": _TAGS,
}
_WEBHOOK: Final = {
    "title": text, "description": _TEXT, "id": _TEXT, "severity": _TEXT, "status": _TEXT, "tags": _TAGS,
}


def _variant(sub_action: str, params: Schema) -> Schema:
    return obj({"subAction": literal(sub_action), "subActionParams": params})


def _extra(name: str, fields: Mapping[str, Schema], most: int) -> dict[str, Schema]:
    refused = frozenset(fields) | {"externalId", name}
    return {name: nullable(record(name=name, most=most, refused=refused))}


_ADDITIONAL = _extra("additional_fields", _SERVICENOW, 20)
_SHARED: Final = {
    "getFields": _NOTHING, "getIncident": _IDENTIFIER, "handshake": _NOTHING,
    "getChoices": obj({"fields": list_of(text)}),
}
_SUB_ACTIONS: Final[Mapping[str, Mapping[str, Schema]]] = {
    ".jira": {
        "getFields": _NOTHING, "getIncident": _IDENTIFIER, "handshake": _NOTHING,
        "pushToService": _push(_JIRA | _extra("otherFields", _JIRA, 20)),
        "issueTypes": _NOTHING, "fieldsByIssueType": obj({"id": text}), "issues": obj({"title": text}),
        "issue": obj({"id": text}),
    },
    ".servicenow": _SHARED | {
        "pushToService": _push(_SERVICENOW | _ITSM | _ADDITIONAL),
        "closeIncident": obj({"incident": obj({"externalId": _TEXT, "correlation_id": _TEXT})}),
    },
    ".servicenow-sir": _SHARED | {"pushToService": _push(_SERVICENOW | _SIR | _ADDITIONAL)},
    ".swimlane": {"pushToService": _push(_SWIMLANE)},
    ".cases-webhook": {"pushToService": _push(_WEBHOOK)},
    ".resilient": {
        "pushToService": _push(_RESILIENT | _extra("additionalFields", _RESILIENT, 50)), "incidentTypes": _NOTHING,
        "severity": _NOTHING, "getFields": _NOTHING,
    },
    ".thehive": {"pushToService": _push(_THEHIVE), "getIncident": _IDENTIFIER},
}
# These two are built on Kibana's sub-action framework, which looks at parameters later and says it otherwise.
_FRAMEWORK: Final = frozenset({".resilient", ".thehive"})


class RefusedParams(Exception):
    """Parameters that a connector does not take; ``in_run`` if Kibana finds out only while it runs the connector."""

    def __init__(self, message: str, *, in_run: bool) -> None:
        super().__init__(message)
        self.in_run = in_run


def decode_params(kind: str, params: Any, *, connector: str, name: str) -> tuple[str, Any]:
    """Give the sub-action and its checked parameters; raises ``RefusedParams`` in Kibana's words."""
    actions = _SUB_ACTIONS.get(kind, {})
    try:
        if kind in _FRAMEWORK:
            head = obj({"subAction": text, "subActionParams": record()})(params, ())
        else:
            head = one_of(*(_variant(each, schema) for each, schema in actions.items()))(params, ())
    except SchemaError as error:
        raise RefusedParams(f"error validating action params: {error}", in_run=False) from error
    sub_action = head["subAction"]
    if kind not in _FRAMEWORK:
        return sub_action, head["subActionParams"]
    if sub_action not in actions:
        raise RefusedParams(
            f'Sub action "{sub_action}" is not registered. Connector id: {connector}. Connector name: {name}. '
            f"Connector type: {kind}", in_run=True,
        )
    try:
        return sub_action, actions[sub_action](head["subActionParams"], ())
    except SchemaError as error:
        raise RefusedParams(f"Request validation failed (Error: {error})", in_run=True) from error
