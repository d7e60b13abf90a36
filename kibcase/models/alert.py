"""The relation of alerts and cases, as Kibana tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

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
    user_comments: Annotated[int, Field(alias="userComments")] = 0
    events: int | None = None


class CaseOfAlert(ApiModel):
    """A case that an alert is attached to (GET /api/cases/alerts/{alert_id}).

    Older stacks tell ``id`` and ``title`` only.
    """

    id: str
    title: str
    description: str | None = None
    status: str | None = None
    created_at: Annotated[datetime | None, Field(alias="createdAt")] = None
    totals: CaseTotals | None = None


class CasesWithAll(ApiModel):
    """The cases that hold all of some alerts or events."""

    case_ids: Annotated[list[str], Field(alias="casesWithAllAttachments")]
