"""An alert, what points at it, and the outcome of setting the status of many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from kibcase.alerts.fields import read
from kibcase.notebook import facts_table

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRef:
    """Where an alert is: concrete index and ``_id``. Both together are its key; treat the index as opaque."""

    index: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert document as Elasticsearch gave it; ``source`` is its ``_source``.

    The properties read security alerts, other Kibana alerts and legacy signals (``signal.*``) alike; a field that
    is missing is None, or an empty tuple.
    """

    id: str
    index: str
    source: Mapping[str, Any] = field(repr=False, hash=False)

    def _repr_html_(self) -> str:
        return facts_table({
            "Rule": self.rule_name, "Severity": self.severity, "Status": self.status, "When": self.timestamp,
            "Reason": self.reason, "Cases": ", ".join(self.case_ids), "Index": self.index, "Id": self.id,
        })

    @property
    def ref(self) -> AlertRef:
        """Its key."""
        return AlertRef(index=self.index, id=self.id)

    @property
    def rule_name(self) -> str | None:
        """``kibana.alert.rule.name``."""
        return self._first("kibana.alert.rule.name", "signal.rule.name")

    @property
    def rule_id(self) -> str | None:
        """``kibana.alert.rule.uuid``: the id that a case's alert attachment takes as ``rule.id``."""
        return self._first("kibana.alert.rule.uuid", "signal.rule.id")

    @property
    def severity(self) -> str | None:
        """``kibana.alert.severity``; security rules use low, medium, high and critical."""
        return self._first("kibana.alert.severity", "signal.rule.severity")

    @property
    def status(self) -> str | None:
        """Workflow status: open, acknowledged or closed; the deprecated in-progress reads as acknowledged.

        Anything else that a document holds comes as it is.
        """
        found = self._first("kibana.alert.workflow_status", "signal.status")
        return "acknowledged" if found == "in-progress" else found

    @property
    def reason(self) -> str | None:
        """``kibana.alert.reason``: one sentence on why there is an alert."""
        return self._first("kibana.alert.reason")

    @property
    def timestamp(self) -> datetime | None:
        """``@timestamp``, aware: when the alert was written. None if it is missing or not a date."""
        return _moment(next(iter(self.field("@timestamp")), None))

    @property
    def case_ids(self) -> tuple[str, ...]:
        """``kibana.alert.case_ids``; may name cases that no longer exist."""
        return tuple(str(value) for value in self.field("kibana.alert.case_ids"))

    @property
    def space_ids(self) -> tuple[str, ...]:
        """``kibana.space_ids``."""
        return tuple(str(value) for value in self.field("kibana.space_ids"))

    def field(self, name: str) -> list[Any]:
        """List the values of any field, whether its keys are dotted or nested; see ``kibcase.alerts.read``."""
        return read(self.source, name)

    def _first(self, *names: str) -> str | None:
        return next((str(value) for name in names for value in self.field(name)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFailure:
    """An alert that Elasticsearch would not change: HTTP ``status`` of the item, and what was said."""

    ref: AlertRef
    status: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """What became of each alert; every alert that was asked for is in exactly one of the tuples.

    ``changed`` got the status, ``unchanged`` had it, ``missing`` do not exist. ``conflicts`` were written by
    somebody else between our reading and writing and were left as they are: read again, decide again.
    ``without_status`` have no workflow status to set, as Kibana sees it (the dotted key). ``failed`` were refused.
    """

    changed: tuple[AlertRef, ...] = ()
    unchanged: tuple[AlertRef, ...] = ()
    missing: tuple[AlertRef, ...] = ()
    conflicts: tuple[AlertRef, ...] = ()
    without_status: tuple[AlertRef, ...] = ()
    failed: tuple[AlertFailure, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every alert that exists now has the status."""
        return not (self.conflicts or self.without_status or self.failed)


def _moment(value: Any) -> datetime | None:
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, int | float):
            return _EPOCH + timedelta(milliseconds=value)
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
