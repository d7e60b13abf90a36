"""Changes to cases: what a caller gives, what Kibana is sent. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from kibcase.client.batches import BatchReport
from kibcase.client.limits import check_fields, text_of
from kibcase.models.base import ApiModel
from kibcase.models.case import Case, ConnectorRef
from kibcase.models.changes import Changes


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseChange:
    """One case's part of ``update_many``: which case, at which version, and what changes."""

    id: str
    version: str
    changes: Changes

    @classmethod
    def of(cls, case: Case, **changes: Unpack[Changes]) -> CaseChange:
        """Build the change of a case that was read before."""
        return cls(id=case.id, version=case.version, changes=changes)

    def to_api(self) -> dict[str, Any]:
        """Return the entry of PATCH /api/cases; raises like ``fields_to_api``."""
        return {"id": self.id, "version": self.version, **fields_to_api(self.changes)}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class UpdateReport(BatchReport[str]):
    """What ``update_many`` did, case by case (the items are their ids); ``updated`` are the cases as they are now.

    "refused": another version, unknown id, ...; nothing of it was written. "unknown": no usable answer came, or it
    leaves the case out because somebody else changed it at that moment (``LostRace``); read it again.
    """

    updated: list[Case]


_CHANGEABLE = (
    "title", "description", "tags", "status", "severity", "category", "connector", "settings", "custom_fields",
    "extended_fields", "template",
)


def is_same(known: Case, current: Case) -> bool:
    """Whether no field that can be changed differs: only the version moved, by a comment or the number of the case."""
    fields = all((getattr(known, name) or None) == (getattr(current, name) or None) for name in _CHANGEABLE)
    return fields and [each.uid for each in known.assignees] == [each.uid for each in current.assignees]


_SPELLING = {"custom_fields": "customFields", "close_reason": "closeReason"}
_CONNECTOR_KEYS = {"otherFields", "additionalFields"}


def fields_to_api(fields: Changes | Mapping[str, Any]) -> dict[str, Any]:
    """Spell the fields as Kibana does and check them against its limits.

    Raises ``TypeError`` for a field that cannot be set and for what is no text where one belongs, ``LimitError``
    or ``InvalidValue`` for a value that Kibana would refuse.
    """
    unknown = sorted(set(fields) - set(Changes.__annotations__))
    if unknown:
        raise TypeError(f"not a field that can be set: {', '.join(unknown)}")
    body = {_SPELLING.get(name, name): _value(name, value) for name, value in fields.items()}
    check_fields(body)
    return body


def keys_of(body: Mapping[str, Any]) -> set[str]:
    """Return the keys that a stack may refuse: those of the body, its settings and its connector's fields."""
    fields = (body.get("connector") or {}).get("fields") or {}
    return {*body, *(body.get("settings") or {}), *(_CONNECTOR_KEYS & set(fields))}


def _value(name: str, value: Any) -> Any:
    match name:
        case "tags":
            return _texts(name, value)
        case "assignees":
            return [{"uid": item if isinstance(item, str) else item.uid} for item in _items(name, value)]
        case "custom_fields":
            return [_object(item) for item in _items(name, value)]
        case "connector" | "settings":
            return _object(value)
        case "template":
            return None if value is None else _object(value)
        case "extended_fields":
            return {str(key): text_of(f"the extended field {key}", text) for key, text in dict(value).items()}
        case "category":
            return None if value is None else text_of(name, value)
        case _:
            return text_of(name, value)


def _texts(name: str, value: Any) -> list[str]:
    return [text_of(f"each of {name}", item) for item in _items(name, value)]


def _items(name: str, value: Any) -> Iterable[Any]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{name} is a list")
    return value


def _object(value: ApiModel | Mapping[str, Any]) -> dict[str, Any]:
    # A connector's fields are required even when there are none, so what was not given is sent as null.
    if isinstance(value, ConnectorRef):
        return {"id": value.id, "name": value.name, "type": value.type, "fields": value.fields}
    return value.to_api() if isinstance(value, ApiModel) else dict(value)
