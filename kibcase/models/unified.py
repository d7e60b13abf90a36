"""Attachments in the unified shape: one shape for all types (Kibana Cases API, /api/cases/{id}/attachments).

A *reference* names objects that exist elsewhere, a *value* holds its content itself. Since stack 9.5; a
technical preview.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from kibcase.models.base import ApiModel
from kibcase.models.user import User

_ALERT_PREFIXES = {"securitySolution": "security", "observability": "observability", "cases": "stack"}


def alert_type(owner: str) -> str:
    """Return the type of an alert attachment in a case of ``owner``; raises ``ValueError`` for another owner."""
    if owner not in _ALERT_PREFIXES:
        raise ValueError(f"not an owner of cases: {owner!r}")
    return f"{_ALERT_PREFIXES[owner]}.alert"


class UnifiedRequest(ApiModel):
    """The base of ``UnifiedReference`` and ``UnifiedValue``; the owner is that of the case."""

    type: str

    def to_request(self, owner: str) -> dict[str, Any]:
        """Return the body as Kibana takes it: what was given, and the owner."""
        return {**self.to_api(), "type": self.type, "owner": owner}


class UnifiedReference(UnifiedRequest):
    """A reference: "security.alert", "security.event", "file", "dashboard", "security.timeline", ..."""

    attachment_id: Annotated[str | list[str], Field(alias="attachmentId")]
    data: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None

    @classmethod
    def to_alerts(
        cls, owner: str, alert_ids: Sequence[str], indices: Sequence[str], rule: Mapping[str, Any] | None = None
    ) -> Self:
        """Refer to alerts; ``indices`` runs in parallel to ``alert_ids``, ``rule`` is {"id", "name"}."""
        metadata = {"index": list(indices), "rule": {"id": None, "name": None, **(rule or {})}}
        return cls(type=alert_type(owner), attachment_id=list(alert_ids), metadata=metadata)

    @classmethod
    def to_timeline(cls, timeline_id: str, title: str) -> Self:
        """Refer to a timeline of Elastic Security; the title is of at most 160 characters."""
        return cls(type="security.timeline", attachment_id=timeline_id, metadata={"title": title})


class UnifiedValue(UnifiedRequest):
    """A value: "comment", "lens", "ml.anomaly_charts", "aiops.change_point_chart", ..."""

    data: dict[str, Any]
    metadata: dict[str, Any] | None = None

    @classmethod
    def of_comment(cls, text: str) -> Self:
        """Make a comment of Markdown text."""
        return cls(type="comment", data={"content": text})


class UnifiedAttachment(ApiModel):
    """An attachment as it is stored: a reference if it has an ``attachment_id``, else a value."""

    id: str
    version: str | None = None
    type: str
    owner: str | None = None
    attachment_id: Annotated[str | list[str] | None, Field(alias="attachmentId")] = None
    data: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    created_at: datetime | None = None
    created_by: User | None = None
    updated_at: datetime | None = None
    updated_by: User | None = None
    pushed_at: datetime | None = None
    pushed_by: User | None = None

    @property
    def attachment_ids(self) -> list[str]:
        """The ids of what is referred to, as a list; empty for a value."""
        if self.attachment_id is None:
            return []
        return [self.attachment_id] if isinstance(self.attachment_id, str) else self.attachment_id

    @property
    def content(self) -> str | None:
        """The text of a comment, else None."""
        text = (self.data or {}).get("content") if self.type == "comment" else None
        return text if isinstance(text, str) else None


class FoundUnifiedAttachments(ApiModel):
    """One page of the attachments of a case (GET /api/cases/{id}/attachments)."""

    attachments: Annotated[list[UnifiedAttachment], Field(alias="data")]
    page: int = 1
    per_page: int = 20
    total: int = 0
