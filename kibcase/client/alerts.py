"""Alerts that are attached to cases (Kibana Cases API). Alert documents themselves: ``kibcase.alerts``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.client.answers import decode
from kibcase.client.filters import Many, owner_query
from kibcase.client.limits import ALERTS_PER_CASE, check_ids
from kibcase.models.alert import AlertOfCase, CaseOfAlert
from kibcase.models.attachment import Rule
from kibcase.models.case import Case
from kibcase.transport import Request, Transport

_CASE = TypeAdapter(Case)
_ALERTS = TypeAdapter(list[AlertOfCase])
_CASES = TypeAdapter(list[CaseOfAlert])


class AlertsApi:
    """``kibana.alerts``. Every method can raise the errors of ``Transport.send``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def attach(
        self, case: Case | str, alert_ids: Many, index: Many, rule: Rule | Mapping[str, Any] | None = None,
        owner: str | None = None,
    ) -> Case:
        """Attach 1 to 1000 alerts and return the case with all attachments (POST /api/cases/{id}/comments).

        ``index`` is one index for all, or as many as there are alerts. ``rule`` is {"id", "name"}.
        ``owner`` may be left out when a ``Case`` is given. Alerts that are attached already are silently
        left out by Kibana. If the case syncs alerts, they take the status that fits the case's.

        Raises ``BadRequestError`` for a closed case, ``LimitError``, ``NotFoundError``.
        """
        ids = [alert_ids] if isinstance(alert_ids, str) else list(alert_ids)
        indices = [index] * len(ids) if isinstance(index, str) else list(index)
        check_ids("alerts", ids, ALERTS_PER_CASE)
        if len(indices) != len(ids):
            raise ValueError(f"{len(ids)} alerts but {len(indices)} indices")
        case_id = case if isinstance(case, str) else case.id
        body = {
            "type": "alert", "alertId": ids, "index": indices, "rule": _rule(rule), "owner": _owner(case, owner),
        }
        request = Request(method="POST", path=f"/api/cases/{segment(case_id)}/comments", json=body)
        return decode(self._transport.send(request), _CASE)

    def of_case(self, case_id: str) -> list[AlertOfCase]:
        """Return the alerts that are attached to a case (GET /api/cases/{id}/alerts)."""
        request = Request(method="GET", path=f"/api/cases/{segment(case_id)}/alerts")
        return decode(self._transport.send(request), _ALERTS)

    def cases_of(self, alert_id: str, *, owner: Many | None = None) -> list[CaseOfAlert]:
        """Return the cases that an alert is attached to (GET /api/cases/alerts/{alert_id})."""
        path = f"/api/cases/alerts/{segment(alert_id)}"
        return decode(self._transport.send(Request(method="GET", path=path, query=owner_query(owner))), _CASES)


def _owner(case: Case | str, owner: str | None) -> str:
    if owner is not None:
        return owner
    if isinstance(case, str):
        raise ValueError("name the owner of the case, or give the Case itself")
    return case.owner


def _rule(rule: Rule | Mapping[str, Any] | None) -> dict[str, Any]:
    if isinstance(rule, Rule):
        return {"id": rule.id, "name": rule.name}
    return {"id": None, "name": None, **(rule or {})}
