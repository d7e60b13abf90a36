"""The relation of alerts and cases, as Kibana tells it."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from kibcase.models.base import ApiModel


class AlertOfCase(ApiModel):
    """An alert that is attached to a case (GET /api/cases/{id}/alerts)."""

    id: str
    index: str
    attached_at: datetime | None = None


class CaseTotals(ApiModel):
    """How much is attached to a case."""

    alerts: int = 0
    user_comments: int = Field(default=0, alias="userComments")
    events: int | None = None


class CaseOfAlert(ApiModel):
    """A case that an alert is attached to (GET /api/cases/alerts/{alert_id}).

    Older stacks tell ``id`` and ``title`` only.
    """

    id: str
    title: str
    description: str | None = None
    status: str | None = None
    created_at: datetime | None = Field(default=None, alias="createdAt")
    totals: CaseTotals | None = None
