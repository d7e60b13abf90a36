"""Detection alerts as Elastic Security answers them (POST /api/detection_engine/signals/...)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import Field

from kibcase.alerts.model import Alert
from kibcase.models.base import ApiModel


class UpdatedAlerts(ApiModel):
    """What became of a change to alerts: Elasticsearch's own counts.

    ``total`` alerts matched; ids that match nothing are no error. ``updated`` were written, whether or not that
    changed them; ``noops`` were left as they are. ``version_conflicts`` were changed by somebody else at the same time
    and left. ``failures`` are Elasticsearch's own words. ``took_millis`` is in milliseconds.
    """

    total: int
    updated: int
    noops: int = 0
    version_conflicts: int = 0
    failures: list[dict[str, Any]] = Field(default_factory=list)
    timed_out: bool = False
    took_millis: Annotated[int, Field(alias="took")] = 0

    @property
    def complete(self) -> bool:
        """Whether every alert that matched was changed."""
        return not (self.version_conflicts or self.failures or self.timed_out)

    @classmethod
    def combined(cls, parts: Sequence[UpdatedAlerts]) -> Self:
        """Add up the answers of several requests."""
        return cls(
            total=sum(part.total for part in parts),
            updated=sum(part.updated for part in parts),
            noops=sum(part.noops for part in parts),
            version_conflicts=sum(part.version_conflicts for part in parts),
            failures=[failure for part in parts for failure in part.failures],
            timed_out=any(part.timed_out for part in parts),
            took_millis=sum(part.took_millis for part in parts),
        )


class AlertHit(ApiModel):
    """One hit of a search; ``source`` and ``fields`` are what was asked for of the document, ``sort`` its place."""

    id: Annotated[str, Field(alias="_id")]
    index: Annotated[str, Field(alias="_index")]
    source: Annotated[dict[str, Any], Field(alias="_source")] = Field(default_factory=dict)
    fields_found: Annotated[dict[str, list[Any]], Field(alias="fields")] = Field(default_factory=dict)
    sort: list[Any] = Field(default_factory=list)

    @property
    def alert(self) -> Alert:
        """The hit as an alert document, without ``fields``."""
        return Alert(id=self.id, index=self.index, source=self.source)


class HitsTotal(ApiModel):
    """How many alerts match; ``relation`` is "eq", or "gte" where Elasticsearch stopped counting."""

    value: int
    relation: str = "eq"


class AlertHits(ApiModel):
    """The page of hits, and how many there are in all (None if that was not to be counted)."""

    hits: list[AlertHit] = Field(default_factory=list)
    total: HitsTotal | None = None


class FoundAlerts(ApiModel):
    """The answer to a search for alerts; ``aggregations`` are Elasticsearch's, empty if none were asked for."""

    hits: AlertHits
    aggregations: dict[str, Any] = Field(default_factory=dict)
    timed_out: bool = False
    took_millis: Annotated[int, Field(alias="took")] = 0

    @property
    def alerts(self) -> list[Alert]:
        """The alerts of this page."""
        return [hit.alert for hit in self.hits.hits]

    @property
    def total(self) -> int | None:
        """How many match, None if they were not counted."""
        return None if self.hits.total is None else self.hits.total.value
