"""Attachments in the unified shapes and in those of the comments endpoints: one into the other; pure.

Every attachment is kept in the shape of the comments endpoints as far as it has one. Types that exist in the
unified shape alone (dashboards, timelines, ...) are kept in it and look the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kibcase.server.cases.unified_types import EXTERNAL_TYPES, FILE_SO_TYPE, PERSISTABLE_TYPES, PREFIXES

Json = dict[str, Any]
META: Final = ("created_at", "created_by", "pushed_at", "pushed_by", "updated_at", "updated_by")
LEGACY_TYPES: Final = frozenset({"user", "alert", "event", "actions", "externalReference", "persistableState"})
_FROM_ACTIONS: Final = "legacy-actions"
_EXTERNAL_IDS: Final = {unified: legacy for legacy, unified in EXTERNAL_TYPES.items()}
_PERSISTABLE_IDS: Final = {unified: legacy for legacy, unified in PERSISTABLE_TYPES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attaching:
    """What is to be attached: ``payload`` as it is kept, and ``original`` where the unified one said more.

    ``asked`` is the payload as it came, if documents that the case has already were taken out of it.
    """

    payload: Json
    original: Json | None = None
    asked: Json | None = None


def attaching_of(unified: Json) -> Attaching:
    """Give what to keep of a unified payload that was checked."""
    payload = to_legacy(unified)
    return Attaching(payload=payload, original=None if to_unified(payload) == unified else unified)


def pointing_to(unified: Json, identifiers: list[str], indices: list[str]) -> Json:
    """Give a unified alert or event payload that refers to other documents."""
    metadata = {**(unified.get("metadata") or {}), "index": indices}
    return unified | {"attachmentId": identifiers, "metadata": metadata}


def to_unified(payload: Mapping[str, Any]) -> Json:
    """Give the unified payload of a kept one; unified ones come back as they are."""
    convert = _TO_UNIFIED.get(payload["type"])
    return dict(payload) if convert is None else convert(payload)


def to_legacy(payload: Mapping[str, Any]) -> Json:
    """Give the payload of the comments endpoints for a unified one; types that have none come back as they are."""
    kind = payload["type"]
    if kind == "comment":
        return {"type": "user", "owner": payload["owner"], "comment": payload["data"]["content"]}
    if kind.endswith(".alert"):
        return _legacy_alert(payload)
    if kind.endswith(".event"):
        ids, index = payload["attachmentId"], (payload.get("metadata") or {}).get("index", "")
        spread = isinstance(ids, list) and isinstance(index, str)
        return {"type": "event", "owner": payload["owner"], "eventId": ids, "index": [index] * len(ids) if spread
                else index}
    if kind in _EXTERNAL_IDS:
        return _legacy_reference(payload)
    if kind in _PERSISTABLE_IDS and "attachmentId" not in payload:
        return _legacy_state(payload)
    return dict(payload)


def view(payload: Mapping[str, Any], original: Json | None = None) -> Json:
    """Give a kept attachment with its meta fields in the unified shape, by its ``original`` if that is known."""
    plain = {name: value for name, value in payload.items() if name not in META}
    meta = {name: payload[name] for name in META if name in payload}
    return (to_unified(plain) if original is None else original) | meta


def _comment(payload: Mapping[str, Any]) -> Json:
    return {"type": "comment", "owner": payload["owner"], "data": {"content": payload["comment"]}}


def _alert(payload: Mapping[str, Any]) -> Json:
    rule = payload.get("rule")
    metadata = {"index": payload["index"]} | ({} if rule is None else {"rule": dict(rule)})
    return _pointing(_scoped("alert", payload), payload, payload["alertId"], metadata)


def _event(payload: Mapping[str, Any]) -> Json:
    return _pointing(_scoped("event", payload), payload, payload["eventId"], {"index": payload["index"]})


def _actions(payload: Mapping[str, Any]) -> Json:
    actions = payload["actions"]
    targets = [{**target, "agentType": "endpoint"} for target in actions["targets"]]
    metadata = {"command": actions["type"], "targets": targets}
    return _pointing("security.endpoint", payload, _FROM_ACTIONS, metadata) | {"data": {"content": payload["comment"]}}


def _reference(payload: Mapping[str, Any]) -> Json:
    kind = EXTERNAL_TYPES.get(payload["externalReferenceAttachmentTypeId"])
    if kind is None:
        return dict(payload)
    metadata = payload["externalReferenceMetadata"]
    found = _pointing(kind, payload, payload["externalReferenceId"], metadata)
    if kind == "file":
        stored = payload["externalReferenceStorage"].get("soType", FILE_SO_TYPE)
        return found | {"metadata": {**(metadata or {}), "soType": stored}}
    if kind == "security.endpoint" and metadata is not None and "comment" in metadata:
        kept = {name: value for name, value in metadata.items() if name != "comment"}
        return found | {"data": {"content": metadata["comment"]}, "metadata": kept}
    return found


def _state(payload: Mapping[str, Any]) -> Json:
    kind = PERSISTABLE_TYPES.get(payload["persistableStateAttachmentTypeId"])
    if kind is None:
        return dict(payload)
    return {"type": kind, "owner": payload["owner"], "data": {"state": payload["persistableStateAttachmentState"]}}


def _pointing(kind: str, payload: Mapping[str, Any], identifier: Any, metadata: Any) -> Json:
    return {"type": kind, "owner": payload["owner"], "attachmentId": identifier, "metadata": metadata}


def _scoped(kind: str, payload: Mapping[str, Any]) -> str:
    prefix = PREFIXES.get(payload["owner"])
    return kind if prefix is None else f"{prefix}.{kind}"


_TO_UNIFIED: Final[dict[str, Callable[[Mapping[str, Any]], Json]]] = {
    "user": _comment,
    "alert": _alert,
    "event": _event,
    "actions": _actions,
    "externalReference": _reference,
    "persistableState": _state,
}


def _legacy_alert(payload: Mapping[str, Any]) -> Json:
    metadata = payload.get("metadata") or {}
    rule = metadata.get("rule") or {}
    return {
        "type": "alert",
        "owner": payload["owner"],
        "alertId": payload["attachmentId"],
        "index": metadata.get("index", ""),
        "rule": {"id": rule.get("id"), "name": rule.get("name")},
    }


def _legacy_reference(payload: Mapping[str, Any]) -> Json:
    kind, metadata = payload["type"], payload.get("metadata")
    storage: Json = {"type": "elasticSearchDoc"}
    if kind == "file":
        metadata = dict(metadata or {})
        storage = {"type": "savedObject", "soType": metadata.pop("soType", FILE_SO_TYPE)}
    elif kind == "security.endpoint":
        metadata = {**(metadata or {}), "comment": payload["data"]["content"]}
    return {
        "type": "externalReference",
        "owner": payload["owner"],
        "externalReferenceId": payload["attachmentId"],
        "externalReferenceStorage": storage,
        "externalReferenceAttachmentTypeId": _EXTERNAL_IDS[kind],
        "externalReferenceMetadata": metadata,
    }


def _legacy_state(payload: Mapping[str, Any]) -> Json:
    data = payload["data"]
    state = data.get("state")
    return {
        "type": "persistableState",
        "owner": payload["owner"],
        "persistableStateAttachmentTypeId": _PERSISTABLE_IDS[payload["type"]],
        "persistableStateAttachmentState": state if isinstance(state, dict) else data,
    }
