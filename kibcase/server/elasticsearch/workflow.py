"""What a case does to an alert document, as pure functions on ``_source``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

STATUS = "kibana.alert.workflow_status"
UPDATED_AT = "kibana.alert.workflow_status_updated_at"
REASON = "kibana.alert.workflow_reason"
CASE_IDS = "kibana.alert.case_ids"
MAX_CASES_PER_ALERT = 10


class TooManyCases(Exception):
    """An alert would belong to more than 10 cases; the text is Kibana's."""

    def __init__(self) -> None:
        super().__init__(f"You cannot attach more than {MAX_CASES_PER_ALERT} cases to an alert")


def with_status(
    source: dict[str, Any], status: str, *, reason: str | None, stamp: str | None
) -> dict[str, Any] | None:
    """Give the document in its new workflow status, or None where nothing changes.

    Only the dotted key counts, as in Kibana's update script; a legacy ``signal.status`` is kept in step. ``stamp``
    is the time of the change in ISO form, None for stacks that do not record it. The reason is kept for closed
    alerts only.
    """
    changed = dict(source)
    if source.get(STATUS) is not None and source[STATUS] != status:
        _move(changed, status, reason=reason, stamp=stamp)
    signal = source.get("signal")
    if isinstance(signal, dict) and signal.get("status") not in (None, status):
        changed["signal"] = {**signal, "status": status}
    return None if changed == source else changed


def _move(changed: dict[str, Any], status: str, *, reason: str | None, stamp: str | None) -> None:
    changed[STATUS] = status
    if stamp is not None:
        changed[UPDATED_AT] = stamp
    if status != "closed":
        changed.pop(REASON, None)
    elif reason is not None:
        changed[REASON] = reason


def with_case(source: dict[str, Any], case_id: str) -> dict[str, Any] | None:
    """Give the document with the case added, None if it has it.

    Raises ``TooManyCases`` as Kibana counts: stored ids plus the new one, equal ones not removed.
    """
    stored = _case_ids(source)
    if len(stored) + 1 > MAX_CASES_PER_ALERT:
        raise TooManyCases
    return None if case_id in stored else {**source, CASE_IDS: [*stored, case_id]}


def without_cases(source: dict[str, Any], case_ids: Iterable[str]) -> dict[str, Any] | None:
    """Give the document with the cases removed, None if it had none of them."""
    gone = set(case_ids)
    stored = _case_ids(source)
    kept = [case_id for case_id in stored if case_id not in gone]
    return None if len(kept) == len(stored) else {**source, CASE_IDS: kept}


def _case_ids(source: dict[str, Any]) -> list[str]:
    stored = source.get(CASE_IDS)
    if stored is None:
        return []
    return list(stored) if isinstance(stored, list) else [stored]
