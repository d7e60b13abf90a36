"""Metrics of one case and across cases (Kibana Cases plugin, /internal/cases/metrics)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from kibcase.models.base import ApiModel


class CountedName(ApiModel):
    """A host or user of the alerts, and in how many alerts it is. Users have no ``id``."""

    id: str | None = None
    name: str | None = None
    count: int = 0


class CountedNames(ApiModel):
    """How many there are, and those that occur most."""

    total: int = 0
    values: list[CountedName] = Field(default_factory=list)


class AlertMetrics(ApiModel):
    """The alerts of a case; what was not asked for is None."""

    count: int | None = None
    users: CountedNames | None = None
    hosts: CountedNames | None = None


class ConnectorMetrics(ApiModel):
    """How many connectors the case was pushed with."""

    total: int = 0


class StatusDurations(ApiModel):
    """How long a case was open and in progress, in milliseconds, and when it was reopened."""

    open_millis: Annotated[float, Field(alias="openDuration")] = 0
    in_progress_millis: Annotated[float, Field(alias="inProgressDuration")] = 0
    reopened_at: Annotated[list[datetime], Field(alias="reopenDates")] = Field(default_factory=list)

    @property
    def open(self) -> timedelta:
        """How long the case was open."""
        return timedelta(milliseconds=self.open_millis)

    @property
    def in_progress(self) -> timedelta:
        """How long the case was in progress; nothing if it never was."""
        return timedelta(milliseconds=self.in_progress_millis)


class Lifespan(ApiModel):
    """When a case was created and closed; ``closed_at`` is None while it is not closed."""

    created_at: Annotated[datetime, Field(alias="creationDate")]
    closed_at: Annotated[datetime | None, Field(alias="closeDate")] = None
    durations: Annotated[StatusDurations, Field(alias="statusInfo")] = StatusDurations()

    @property
    def duration(self) -> timedelta | None:
        """From creation to closing; None while the case is not closed."""
        return None if self.closed_at is None else self.closed_at - self.created_at


class CaseMetrics(ApiModel):
    """The metrics of one case; what was not asked for is None."""

    alerts: AlertMetrics | None = None
    connectors: ConnectorMetrics | None = None
    lifespan: Lifespan | None = None


class CountsByStatus(ApiModel):
    """How many cases are in each status."""

    open: int = 0
    in_progress: Annotated[int, Field(alias="inProgress")] = 0
    closed: int = 0


class CasesMetrics(ApiModel):
    """The metrics across cases: ``mttr`` is the mean time to resolve in seconds, None if none was closed."""

    mttr: float | None = None
    status: CountsByStatus | None = None
