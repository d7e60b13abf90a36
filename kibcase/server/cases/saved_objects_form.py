"""Cases, attachments and user actions as Kibana's saved objects, and back; pure.

Saved objects keep statuses and severities as numbers, connector fields as a list, and the ids of other objects as
references.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kibcase.server.cases.store import SORT_RANKS, CaseRecord, DocRecord
from kibcase.server.stack import Stack

Json = dict[str, Any]

CASE: Final = "cases"
COMMENT: Final = "cases-comments"
ACTION: Final = "cases-user-actions"
TYPES: Final = (CASE, COMMENT, ACTION)

# The last migrations before model versions; what newer stacks add is optional, so every stack can read them.
_CORE: Final = "8.8.0"
_MIGRATED: Final = {CASE: "8.7.0", COMMENT: "8.6.0", ACTION: "8.5.0"}
_OPTIONAL: Final = (
    "in_progress_at", "time_to_acknowledge", "time_to_investigate", "time_to_resolve", "template", "extended_fields",
)
_DEFAULTS: Final[Json] = {
    "title": "", "description": "", "tags": [], "owner": "", "severity": "low", "status": "open", "assignees": [],
    "category": None, "customFields": [], "duration": None, "closed_at": None, "closed_by": None, "created_at": "",
    "created_by": None, "external_service": None, "updated_at": None, "updated_by": None,
    "settings": {"syncAlerts": True},
}
_DROPPED: Final = frozenset({"associationType"})
_TEXTS: Final = {
    CASE: ("title", "description", "owner", "created_at"), COMMENT: ("type", "owner", "created_at"),
    ACTION: ("type", "action", "owner", "created_at"),
}
_KINDS: Final[Mapping[str, tuple[type, str]]] = {
    "tags": (list, "array"), "assignees": (list, "array"), "customFields": (list, "array"),
    "observables": (list, "array"), "connector": (dict, "object"), "settings": (dict, "object"),
    "created_by": (dict, "object"), "payload": (dict, "object"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One object of a file to be imported: its attributes, and the ids it refers to by the reference's name."""

    type: str
    id: str
    attributes: Json
    references: Mapping[str, str]

    @property
    def case_id(self) -> str:
        """The case that an attachment or user action belongs to, "" if it does not say."""
        return self.references.get("associated-cases", "")

    @property
    def key(self) -> str:
        """Type and id, as Kibana writes them in messages."""
        return f"{self.type}:{self.id}"


def incoming(value: Json) -> Incoming:
    """Read a decoded line. Raises ``KeyError``, ``TypeError`` or ``AttributeError`` for one of another shape."""
    references = {str(each["name"]): str(each["id"]) for each in value.get("references") or ()}
    return Incoming(
        type=str(value["type"]), id=str(value["id"]), attributes=dict(value["attributes"]), references=references
    )


def problem(found: Incoming) -> str | None:
    """Say what is wrong with the attributes of an object, as Kibana's schemas do; None if nothing is."""
    for name in _TEXTS[found.type]:
        if not isinstance(found.attributes.get(name), str):
            return f"[attributes.{name}]: expected value of type [string]"
    for name, (kind, said) in _KINDS.items():
        if name in found.attributes and not isinstance(found.attributes[name], kind):
            return f"[attributes.{name}]: expected value of type [{said}]"
    if found.type == CASE:
        for name, ranks in SORT_RANKS.items():
            if found.attributes.get(name, 0) not in {*ranks, *ranks.values()}:
                return f"[attributes.{name}]: types that failed validation"
    return None


def case_object(record: CaseRecord) -> Json:
    """Write a case; its number is not exported."""
    doc = {name: value for name, value in record.doc.items() if name != "incremental_id"}
    references: list[Json] = []
    doc["status"] = SORT_RANKS["status"][doc["status"]]
    doc["severity"] = SORT_RANKS["severity"][doc["severity"]]
    doc["connector"] = _persisted_connector(doc["connector"], references)
    if doc["external_service"]:
        doc["external_service"] = _without_connector(doc["external_service"], references)
    doc |= {"total_alerts": record.alerts, "total_comments": record.comments}
    return _envelope(CASE, record.id, record.version, doc, references)


def comment_object(record: DocRecord, case_id: str) -> Json:
    """Write an attachment."""
    doc, references = dict(record.doc), [_reference("associated-cases", CASE, case_id)]
    storage = doc.get("externalReferenceStorage") or {}
    if storage.get("type") == "savedObject":
        references.append(_reference("externalReferenceId", str(storage.get("soType")), doc.pop("externalReferenceId")))
    return _envelope(COMMENT, record.id, record.version, doc, references)


def action_object(record: DocRecord, case_id: str) -> Json:
    """Write a user action."""
    doc, references = dict(record.doc), [_reference("associated-cases", CASE, case_id)]
    comment_id = doc.pop("comment_id", None)
    if comment_id is not None:
        references.append(_reference("associated-cases-comments", COMMENT, comment_id))
    payload = dict(doc.get("payload") or {})
    if isinstance(payload.get("connector"), dict):
        connector = dict(payload["connector"])
        _refer(references, "connectorId", connector.pop("id", "none"))
        payload["connector"] = connector
    if isinstance(payload.get("externalService"), dict):
        payload["externalService"] = _without_connector(payload["externalService"], references)
    return _envelope(ACTION, record.id, record.version, doc | {"payload": payload}, references)


def details(exported: int) -> Json:
    """Write the last line of an export."""
    return {
        "excludedObjects": [], "excludedObjectsCount": 0, "exportedCount": exported, "missingRefCount": 0,
        "missingReferences": [],
    }


def case_of(found: Incoming, stack: Stack) -> Json:
    """Give the document of an imported case, as this stack keeps it."""
    given = found.attributes
    doc: Json = {name: given.get(name, default) for name, default in _DEFAULTS.items()}
    doc |= {name: given[name] for name in _OPTIONAL if given.get(name) is not None}
    doc["status"] = _named("status", doc["status"])
    doc["severity"] = _named("severity", doc["severity"])
    doc["connector"] = _connector(given.get("connector") or {}, found.references.get("connectorId"))
    if doc["external_service"]:
        doc["external_service"] = {
            "connector_id": found.references.get("pushConnectorId", "none"), **doc["external_service"],
        }
    if stack.has_observables:
        doc["observables"] = given.get("observables") or []
    if stack.counts_observables:
        doc["total_observables"] = len(doc["observables"])
    return doc


def comment_of(found: Incoming) -> Json:
    """Give the document of an imported attachment."""
    doc = {name: value for name, value in found.attributes.items() if name not in _DROPPED}
    if "externalReferenceId" in found.references:
        doc["externalReferenceId"] = found.references["externalReferenceId"]
    return doc


def action_of(found: Incoming, comment_id: str | None) -> Json:
    """Give the document of an imported user action on ``comment_id``."""
    doc = dict(found.attributes)
    payload = dict(doc.get("payload") or {})
    if isinstance(payload.get("connector"), dict):
        payload["connector"] = {"id": found.references.get("connectorId", "none"), **payload["connector"]}
    if isinstance(payload.get("externalService"), dict):
        pushed = found.references.get("pushConnectorId", "none")
        payload["externalService"] = {"connector_id": pushed, **payload["externalService"]}
    return doc | {"payload": payload, "comment_id": comment_id}


def _envelope(kind: str, identifier: str, version: str, doc: Json, references: Sequence[Json]) -> Json:
    return {
        "type": kind, "id": identifier, "version": version, "attributes": doc, "references": list(references),
        "managed": False, "coreMigrationVersion": _CORE, "typeMigrationVersion": _MIGRATED[kind],
        "created_at": doc["created_at"], "updated_at": doc.get("updated_at") or doc["created_at"],
    }


def _reference(name: str, kind: str, identifier: str) -> Json:
    return {"name": name, "type": kind, "id": identifier}


def _refer(references: list[Json], name: str, connector_id: str | None) -> None:
    if connector_id and connector_id != "none":
        references.append(_reference(name, "action", connector_id))


def _persisted_connector(connector: Json, references: list[Json]) -> Json:
    _refer(references, "connectorId", connector["id"])
    fields = [{"key": key, "value": value} for key, value in (connector["fields"] or {}).items()]
    return {"name": connector["name"], "type": connector["type"], "fields": fields}


def _without_connector(service: Json, references: list[Json]) -> Json:
    _refer(references, "pushConnectorId", service.get("connector_id"))
    return {name: value for name, value in service.items() if name != "connector_id"}


def _connector(given: Json, identifier: str | None) -> Json:
    if identifier is None:
        return {"id": "none", "name": "none", "type": ".none", "fields": None}
    fields = {each["key"]: each["value"] for each in given.get("fields") or ()}
    return {
        "id": identifier, "name": given.get("name", ""), "type": given.get("type", ".none"), "fields": fields or None
    }


def _named(field: str, value: Any) -> str:
    # Before 8.7 the names themselves were kept.
    names = {rank: name for name, rank in SORT_RANKS[field].items()}
    return names[value] if isinstance(value, int) else str(value)
