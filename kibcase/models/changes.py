"""What can be changed about a case (Kibana Cases API, PATCH /api/cases)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

from kibcase.models.case import CaseSettings, CaseTemplate, ConnectorRef, CustomField
from kibcase.models.user import Assignee


class Changes(TypedDict, total=False):
    """The fields of a case that can be changed; one that is left out stays as it is.

    ``tags``, ``assignees`` (uids), ``custom_fields`` and ``settings`` replace what was there.
    ``category=None`` takes the category away, ``template=None`` the template. ``close_reason`` goes with
    ``status="closed"``. ``extended_fields`` are merged key by key; ``kibana.fields`` tells the keys. The last
    three came with stack 9.4.
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
    template: CaseTemplate | Mapping[str, Any] | None
    extended_fields: Mapping[str, str]
