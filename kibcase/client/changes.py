"""Changes to cases: what a caller gives, what Kibana is sent. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from kibcase.client.limits import check_fields
from kibcase.models.base import ApiModel
from kibcase.models.case import Case, CaseSettings, ConnectorRef, CustomField
from kibcase.models.user import Assignee


class Changes(TypedDict, total=False):
    """The fields of a case that can be changed; one that is left out stays as it is.

    ``tags``, ``assignees`` (uids), ``custom_fields`` and ``settings`` replace what was there.
    ``category=None`` takes the category away. ``close_reason`` goes with ``status="closed"``.
    """

    title: str
    description: str
    tags: Sequence[str]
    status: str
    severity: str
    category: str | None
    assignees: Iterable[str | Assignee]
    connector: ConnectorRef | Mapping[str, Any]
    settings: CaseSettings | Mapping[str, Any]
    custom_fields: Iterable[CustomField | Mapping[str, Any]]
    close_reason: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateResult:
    """What ``update_many`` did.

    ``missing_ids`` are the cases that Kibana's answer leaves out: either nothing would have changed, or
    somebody else changed them at that moment. Read those again.
    """

    updated: list[Case]
    missing_ids: list[str]


_SPELLING = {"custom_fields": "customFields", "close_reason": "closeReason"}


def fields_to_api(fields: Changes | Mapping[str, Any]) -> dict[str, Any]:
    """Spell the fields as Kibana does and check them against its limits.

    Raises ``TypeError`` for a field that cannot be set, ``LimitError`` or ``ValueError`` for a value that
    Kibana would refuse.
    """
    unknown = sorted(set(fields) - set(Changes.__annotations__))
    if unknown:
        raise TypeError(f"not a field that can be set: {', '.join(unknown)}")
    body = {_SPELLING.get(name, name): _value(name, value) for name, value in fields.items()}
    check_fields(body)
    return body


def keys_of(body: Mapping[str, Any]) -> set[str]:
    """Return the keys that a stack may refuse: those of the body and of its settings."""
    return {*body, *(body.get("settings") or {})}


def _value(name: str, value: Any) -> Any:
    match name:
        case "tags":
            return _strings(name, value)
        case "assignees":
            return [{"uid": item if isinstance(item, str) else item.uid} for item in _items(name, value)]
        case "custom_fields":
            return [_object(item) for item in _items(name, value)]
        case "connector" | "settings":
            return _object(value)
        case "category":
            return None if value is None else str(value)
        case _:
            return str(value)


def _strings(name: str, value: Any) -> list[str]:
    return [str(item) for item in _items(name, value)]


def _items(name: str, value: Any) -> Iterable[Any]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{name} is a list")
    return value


def _object(value: ApiModel | Mapping[str, Any]) -> dict[str, Any]:
    # A connector's fields are required even when there are none, so what was not given is sent as null.
    if isinstance(value, ConnectorRef):
        return {"id": value.id, "name": value.name, "type": value.type, "fields": value.fields}
    return value.to_api() if isinstance(value, ApiModel) else dict(value)
