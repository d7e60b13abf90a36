"""Decide what to write to an alert to give it a workflow status. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kibcase.errors import InvalidValue, LimitError

STATUSES = ("open", "acknowledged", "closed")
MAX_REASON = 1024
FIELD = "kibana.alert.workflow_status"
UPDATED_AT = "kibana.alert.workflow_status_updated_at"
REASON = "kibana.alert.workflow_reason"
NEEDED = (FIELD, REASON, "signal.status")
"""The fields that ``partial`` reads."""


def check(status: str, reason: str | None) -> None:
    """Refuse what Kibana's alert endpoint would refuse.

    Raises ``ValueError`` for an unknown status and for a reason with any status but closed, ``LimitError`` for a
    reason that is empty or longer than 1024 characters.
    """
    if status not in STATUSES:
        raise InvalidValue(f"the workflow status of an alert is one of {', '.join(STATUSES)}; not {status[:60]!r}")
    if reason is None:
        return
    if status != "closed":
        raise InvalidValue(f"a reason is stored for closed alerts only, not for {status}")
    if not 1 <= len(reason) <= MAX_REASON:
        raise LimitError("length of a close reason", MAX_REASON, len(reason), advice="It has at least 1 character.")


def has_status(source: Mapping[str, Any]) -> bool:
    """Tell whether the document has a status that Kibana itself would change: dotted, or a legacy signal's."""
    return source.get(FIELD) is not None or _legacy(source) is not None


def partial(
    source: Mapping[str, Any], status: str, *, reason: str | None, now: datetime
) -> dict[str, Any] | None:
    """Give the partial document that sets ``status``, None if the alert has it already.

    Follows the update script of Kibana's case sync: the time of the change is stamped, a close reason is kept with
    closed alerts only (a partial update cannot remove a key, so it becomes null), and an alert that is in the status
    keeps its reason and time.
    """
    change: dict[str, Any] = {}
    if source.get(FIELD) not in (None, status):
        moment = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        change = {FIELD: status, UPDATED_AT: moment}
        if reason is not None or (status != "closed" and source.get(REASON) is not None):
            change[REASON] = reason
    if _legacy(source) not in (None, status):
        change["signal"] = {"status": status}
    return change or None


def _legacy(source: Mapping[str, Any]) -> Any:
    signal = source.get("signal")
    return signal.get("status") if isinstance(signal, Mapping) else None
