"""Why a case was closed: which reasons an owner takes."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Final

from kibcase.server.cases.store import CaseRecord
from kibcase.server.errors import BadRequest

REASONS_SETTING: Final = "securitySolution:detectionsCloseReasons"
SECURITY_REASONS: Final = (
    "false_positive", "duplicate", "true_positive", "benign_positive", "automated_closure", "other",
)


def check_reason(
    record: CaseRecord, changes: dict[str, Any], reason: str | None, custom: Container[str]
) -> None:
    """Raise ``BadRequest`` if a case cannot be closed for this reason.

    A reason goes to the alerts, so their status must follow the case. Security takes its own reasons and the
    ``custom`` ones of the space's setting ``securitySolution:detectionsCloseReasons``; other owners take any.
    """
    if reason is None:
        return
    if not (record.doc | changes)["settings"]["syncAlerts"]:
        raise BadRequest(f"Cannot provide a close reason for case {record.id} when sync alerts is disabled.")
    if record.doc["owner"] != "securitySolution" or reason in SECURITY_REASONS:
        return
    if reason not in custom:
        raise BadRequest(f'Invalid close reason: "{reason}"')
