"""The unified attachment types: which there are, whose they are, and what a payload of each looks like; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kibcase.server import limits
from kibcase.server.cases.unified_checks import (
    Check,
    among,
    either,
    exactly,
    findings_of,
    listing,
    mapping,
    null,
    shape,
    text,
)
from kibcase.server.errors import BadRequest

FILE_SO_TYPE: Final = "file"
PREFIXES: Final = {"securitySolution": "security", "observability": "observability", "cases": "stack"}
# Types of the comments endpoints and their names in the unified shapes.
EXTERNAL_TYPES: Final = {
    ".files": "file",
    "endpoint": "security.endpoint",
    "indicator": "security.indicator",
    "osquery": "osquery",
}
PERSISTABLE_TYPES: Final = {
    ".lens": "lens",
    "ml_anomaly_swimlane": "ml.anomaly_swimlane",
    "ml_anomaly_charts": "ml.anomaly_charts",
    "ml_single_metric_viewer": "ml.single_metric_viewer",
    "aiopsChangePointChart": "aiops.change_point_chart",
    "aiopsPatternAnalysisEmbeddable": "aiops.pattern_analysis",
    "aiopsLogRateAnalysisEmbeddable": "aiops.log_rate_analysis",
}

_ID: Final = text(1)
_NULLABLE_TEXT: Final = either(text(), null)
_TEXTS: Final = either(text(), listing(text()))
_CONTENT: Final = shape(
    {
        "content": text(
            high=limits.COMMENT,
            blank="Comment content must be a non-empty string",
            long=f"Comment content exceeds maximum length of {limits.COMMENT} characters",
        )
    }
)
_ALERT: Final = shape(
    {}, {"index": _TEXTS, "rule": either(null, shape({}, {"id": _NULLABLE_TEXT, "name": _NULLABLE_TEXT}))}
)
_EVENT: Final = shape({}, {"index": _TEXTS})
_AGENTS: Final = ("endpoint", "sentinel_one", "crowdstrike", "microsoft_defender_endpoint")
_ENDPOINT: Final = shape(
    {
        "command": text(1),
        "targets": listing(shape({"endpointId": text(), "hostname": text(), "agentType": among(*_AGENTS)}), 1),
    }
)
_FILE: Final = shape(
    {
        "files": listing(shape({name: text() for name in ("name", "extension", "mimeType", "created")}), 1, 1),
        "soType": exactly(FILE_SO_TYPE),
    }
)
_TIME_RANGE: Final = shape({"from": text(), "to": text()}, {"mode": among("absolute", "relative")})


def _reference(kind: str, identifier: Check, more: Mapping[str, Check], optional: Mapping[str, Check]) -> Check:
    head = {"type": exactly(kind), "owner": text(), "attachmentId": identifier}
    return shape({**head, **more}, optional)


def _value(kind: str, data: Check, optional: Mapping[str, Check] | None = None) -> Check:
    return shape({"type": exactly(kind), "owner": text(), "data": data}, optional)


def _saved_object(kind: str, stored: str, data: Check | None = None) -> Check:
    metadata = shape({"title": text(high=limits.TITLE), "soType": exactly(stored)})
    return _reference(kind, text(), {"metadata": metadata}, {} if data is None else {"data": data})


def _configured(data: Check) -> Check:
    return shape({"config": data}, {"timeRange": _TIME_RANGE})


_STATE: Final = shape({"state": mapping}, loose=True)
_ANY_METADATA: Final[dict[str, Check]] = {"metadata": either(null, mapping)}
_SCHEMAS: Final[dict[str, Check]] = {
    "comment": _value("comment", _CONTENT),
    **{
        f"{prefix}.alert": _reference(f"{prefix}.alert", _TEXTS, {}, {"metadata": _ALERT})
        for prefix in PREFIXES.values()
    },
    "security.event": _reference("security.event", _TEXTS, {}, {"metadata": _EVENT}),
    "security.endpoint": _reference("security.endpoint", _ID, {"data": _CONTENT, "metadata": _ENDPOINT}, {}),
    "security.indicator": _reference("security.indicator", _ID, {}, _ANY_METADATA),
    "security.entity": _reference("security.entity", _TEXTS, {}, _ANY_METADATA),
    "security.timeline": _reference(
        "security.timeline", _ID, {"metadata": shape({"title": text(high=limits.TITLE)})}, {}
    ),
    "osquery": _reference("osquery", _ID, {}, _ANY_METADATA),
    "file": _reference("file", text(), {"metadata": _FILE}, {}),
    "dashboard": _saved_object(
        "dashboard",
        "dashboard",
        _configured(shape({"title": text(high=limits.TITLE), "panels": listing(lambda *_: None)}, loose=True)),
    ),
    "discoverSession": _saved_object("discoverSession", "search"),
    "map": _saved_object("map", "map", mapping),
    "lens": either(
        _value("lens", _STATE),
        _saved_object("lens", "lens", shape({"attributes": mapping}, {"timeRange": _TIME_RANGE})),
    ),
    **{
        kind: _value(kind, mapping, _ANY_METADATA)
        for kind in PERSISTABLE_TYPES.values()
        if kind != "lens"
    },
}


def check_payload(payload: Mapping[str, Any]) -> None:
    """Raise ``BadRequest`` unless a unified payload is of a registered type, of its owner, and of the type's shape."""
    kind = payload["type"]
    schema = _SCHEMAS.get(kind)
    if schema is None:
        raise BadRequest(f"Attachment type {kind} is not registered in unified attachment type registry.")
    prefix = kind.partition(".")[0]
    if prefix in PREFIXES.values() and PREFIXES.get(payload["owner"]) != prefix:
        raise BadRequest(f"Attachment type {kind} cannot be attached to a case with owner {payload['owner']}.")
    check_shape(payload)


def check_shape(payload: Mapping[str, Any]) -> None:
    """Raise ``BadRequest`` unless a unified payload has the shape of its type; unknown types have none."""
    kind = payload["type"]
    found = findings_of(_SCHEMAS[kind], payload) if kind in _SCHEMAS else []
    if found:
        raise BadRequest(f"Invalid attachment payload for type '{kind}': {'; '.join(found)}")
