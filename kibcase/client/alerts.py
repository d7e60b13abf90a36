"""Alerts and events that are attached to cases (Kibana Cases API). Alert documents themselves: ``kibcase.alerts``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.client.answers import decode
from kibcase.client.attachments import check_pairs
from kibcase.client.attachments_calls import AttachmentCalls, case_and_owner, case_id_of
from kibcase.client.batches import BatchReport, carry_out, encoded, split
from kibcase.client.features import require_support
from kibcase.client.filters import Many, owner_query
from kibcase.client.limits import ALERTS_PER_CASE, BODY_BYTES
from kibcase.errors import BadRequestError, InvalidValue, LimitError
from kibcase.models.alert import AlertOfCase, CaseOfAlert, CasesWithAll
from kibcase.models.attachment import Rule
from kibcase.models.case import Case
from kibcase.transport import Request

_CASE = TypeAdapter(Case)
_ALERTS = TypeAdapter(list[AlertOfCase])
_CASES = TypeAdapter(list[CaseOfAlert])
_WITH_ALL = TypeAdapter(CasesWithAll)
_FRAME = 4096  # what surrounds the ids in a body: the case's owner and the rule


class AlertsApi(AttachmentCalls):
    """``kibana.alerts``. Every method can raise the errors of ``Transport.send``, and ``UnsupportedByStack``."""

    def attach(
        self, case: Case | str, alert_ids: Many, index: Many, rule: Rule | Mapping[str, Any] | None = None,
        owner: str | None = None,
    ) -> Case:
        """Attach 1 to 1000 alerts and return the case with all attachments (POST /api/cases/{id}/comments).

        ``index`` is one index for all, or as many as there are alerts. ``rule`` is {"id", "name"}.
        ``owner`` may be left out when a ``Case`` is given. Alerts that are attached already are silently
        left out by Kibana. If the case syncs alerts, they take the status that fits the case's.

        Kibana takes 1000 alerts for a case and counts those given twice. A ``Case`` that would get too many by
        that count is looked at first: alerts that are attached already are then left out, and if it still is
        too much nothing is sent. If nothing is left to attach, the case comes back as it was given. More than
        1 MiB of ids goes in several requests; if a later one fails, the earlier ones stay.

        Raises ``BadRequestError`` for a closed case, ``LimitError``, ``NotFoundError``.
        """
        pairs = _pairs("alerts", alert_ids, index)
        case_id, owner = case_and_owner(case, owner)
        if isinstance(case, Case) and case.total_alerts + len(pairs) > ALERTS_PER_CASE:
            pairs = self._missing(case, pairs)
            if not pairs:
                return case
        common = {"type": "alert", "rule": _rule(rule), "owner": owner}
        parts = [pairs[run.start : run.stop] for run in _runs(pairs)]
        return [self._attach(case_id, {**common, **_columns("alertId", part)}) for part in parts][-1]

    def attach_across(
        self, cases: Sequence[Case], alert_ids: Sequence[str], index: Many,
        rule: Rule | Mapping[str, Any] | None = None,
    ) -> BatchReport[str]:
        """Spread any number of alerts over cases, each up to the 1000 it may hold, and report on each alert.

        The first case is filled first, counting what it holds by ``Case.total_alerts``. Raises ``LimitError``
        before anything is sent if there is not room enough, ``ValueError`` as ``attach`` does.
        """
        ids, indices = _columns_given("alerts", alert_ids, index)
        places = spread([ALERTS_PER_CASE - case.total_alerts for case in cases], len(ids))
        at = {
            range(place.start + run.start, place.start + run.stop): case
            for case, place in zip(cases, places, strict=True)
            for run in _runs([(ids[each], indices[each]) for each in place])
        }

        def send(run: range) -> None:
            part = [(ids[each], indices[each]) for each in run]
            body = {"type": "alert", **_columns("alertId", part), "rule": _rule(rule), "owner": at[run].owner}
            self._attach(at[run].id, body)

        return carry_out(ids, at, send)

    def attach_events(self, case: Case | str, event_ids: Many, index: Many, owner: str | None = None) -> Case:
        """Attach 1 to 1000 events, since stack 9.2, and return the case with all attachments.

        ``index`` as in ``attach``. If one of the events is on the case already, Kibana attaches none of them.
        Raises ``UnsupportedByStack``, ``BadRequestError`` for a closed case, ``LimitError``.
        """
        pairs = _pairs("events", event_ids, index)
        case_id, owner = case_and_owner(case, owner)
        require_support(["event"], self._status.comparable_version)
        return self._attach(case_id, {"type": "event", **_columns("eventId", pairs), "owner": owner})

    def of_case(self, case: Case | str) -> list[AlertOfCase]:
        """Return the alerts that are attached to a case (GET /api/cases/{id}/alerts)."""
        request = Request(method="GET", path=f"/api/cases/{segment(case_id_of(case))}/alerts")
        return decode(self._send(request), _ALERTS)

    def cases_of(self, alert_id: str, *, owner: Many | None = None) -> list[CaseOfAlert]:
        """Return the cases that an alert is attached to (GET /api/cases/alerts/{alert_id})."""
        path = f"/api/cases/alerts/{segment(alert_id)}"
        return decode(self._send(Request(method="GET", path=path, query=owner_query(owner))), _CASES)

    def cases_with_all(self, ids: Iterable[str], cases: Iterable[Case | str]) -> list[str]:
        """Return the ids of those of ``cases`` that hold every one of the alerts, or events.

        POST /internal/cases/case/attachments/_find_containing_all. Nothing given gives nothing. Older stacks
        know alerts alone and name them differently: a refusal for the name is answered with the other. What is
        more than 1 MiB goes in several requests. Raises ``LimitError`` for an id that fits into none.
        """
        wanted, among = list(ids), [case_id_of(each) for each in cases]
        if not wanted or not among:
            return []
        alerts = [wanted[run.start : run.stop] for run in _halved(wanted)]
        found: list[str] = []
        for run in _halved(among):
            left = among[run.start : run.stop]
            for part in alerts:
                left = left and self._holding(part, left)
            found += left
        return found

    def _holding(self, ids: list[str], cases: list[str]) -> list[str]:
        try:
            return self._with_all("documentIds", ids, cases)
        except BadRequestError as refusal:
            if "alertIds" not in refusal.message and "documentIds" not in refusal.message:
                raise
        return self._with_all("alertIds", ids, cases)

    def _with_all(self, name: str, ids: list[str], cases: list[str]) -> list[str]:
        path = "/internal/cases/case/attachments/_find_containing_all"
        body = {name: ids, "caseIds": cases}
        request = Request(method="POST", path=path, json=body, internal=True, idempotent=True)
        return decode(self._send(request), _WITH_ALL).case_ids

    def _attach(self, case_id: str, body: dict[str, Any]) -> Case:
        request = Request(method="POST", path=f"/api/cases/{segment(case_id)}/comments", json=body)
        return decode(self._send(request), _CASE)

    def _missing(self, case: Case, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        attached = {alert.id for alert in self.of_case(case)}
        missing = list({pair[0]: pair for pair in pairs if pair[0] not in attached}.values())
        if len(attached) + len(missing) > ALERTS_PER_CASE:
            advice = f"The case holds {len(attached)} already; attach the others to another case."
            raise LimitError("number of alerts of a case", ALERTS_PER_CASE, len(attached) + len(missing), advice=advice)
        return missing


def spread(rooms: Sequence[int], number: int) -> list[range]:
    """Return which of ``number`` things go to each place, the first filled first.

    Raises ``LimitError`` if the places do not have room for all. Pure.
    """
    free = [max(room, 0) for room in rooms]
    if sum(free) < number:
        raise LimitError("number of alerts that the cases have room for", sum(free), number)
    runs: list[range] = []
    start = 0
    for room in free:
        runs.append(range(start, min(start + room, number)))
        start = runs[-1].stop
    return runs


def _pairs(name: str, ids: Many, index: Many) -> list[tuple[str, str]]:
    columns = _columns_given(name, ids, index)
    check_pairs(name, *columns)
    return list(zip(*columns, strict=True))


def _columns_given(name: str, ids: Many, index: Many) -> tuple[list[str], list[str]]:
    listed = [ids] if isinstance(ids, str) else list(ids)
    indices = [index] * len(listed) if isinstance(index, str) else list(index)
    if not listed:
        raise InvalidValue(f"no {name} given")
    if len(indices) != len(listed):
        raise InvalidValue(f"{len(listed)} {name} but {len(indices)} indices")
    return listed, indices


def _columns(name: str, pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    return {name: [pair[0] for pair in pairs], "index": [pair[1] for pair in pairs]}


def _runs(pairs: Sequence[tuple[str, str]]) -> list[range]:
    # Long ids and index names can make a thousand alerts larger than what Kibana takes at once.
    return split([len(encoded(pair)) for pair in pairs], most=ALERTS_PER_CASE, room=BODY_BYTES - _FRAME)


def _halved(ids: Sequence[str]) -> list[range]:
    # Alerts and cases go into one body: each may take half of it.
    return split([len(encoded(each)) for each in ids], most=len(ids), room=(BODY_BYTES - _FRAME) // 2)


def _rule(rule: Rule | Mapping[str, Any] | None) -> dict[str, Any]:
    if isinstance(rule, Rule):
        return {"id": rule.id, "name": rule.name}
    return {"id": None, "name": None, **(rule or {})}
