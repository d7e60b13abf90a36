"""Create, change, push and delete cases (Kibana Cases API)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack
from urllib.parse import quote

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.client.answers import decode
from kibcase.client.attachments_calls import case_id_of
from kibcase.client.batches import BatchReport, Fate, Outcome
from kibcase.client.bulk import cut, run
from kibcase.client.case_calls import CASES, CaseCalls
from kibcase.client.changes import CaseChange, UpdateReport, fields_to_api, keys_of
from kibcase.client.features import require_support
from kibcase.client.limits import (
    ADDRESS_BYTES,
    BULK_UPDATE,
    CUSTOM_FIELD_TEXT,
    DELETE,
    check_body,
    check_ids,
    check_number,
    check_text,
    is_number,
)
from kibcase.errors import InvalidValue, KibcaseError, LostRace
from kibcase.models.case import (
    NO_CONNECTOR,
    Case,
    CaseSettings,
    CaseTemplate,
    ConnectorRef,
    CustomField,
)
from kibcase.models.changes import Changes
from kibcase.models.user import Assignee
from kibcase.transport import Request

_CUSTOM_FIELD = TypeAdapter(CustomField)


class CaseWrites(CaseCalls):
    """The writing half of ``kibana.cases``."""

    def create(
        self, *, title: str, description: str, owner: str, tags: Sequence[str] = (), severity: str | None = None,
        assignees: Iterable[str | Assignee] | None = None, category: str | None = None, sync_alerts: bool = True,
        extract_observables: bool | None = None, connector: ConnectorRef | Mapping[str, Any] | None = None,
        custom_fields: Iterable[CustomField | Mapping[str, Any]] | None = None,
        template: CaseTemplate | Mapping[str, Any] | None = None, extended_fields: Mapping[str, str] | None = None,
    ) -> Case:
        """Create a case and return it (POST /api/cases). Never repeated by itself.

        ``owner`` is "securitySolution", "observability" or "cases". ``assignees`` are profile uids
        (Platinum). What is None is left to Kibana's defaults; so is ``connector``: no connector.
        ``template`` is {"id", "version"} of ``kibana.templates``; ``extended_fields`` go beyond its values (9.4).

        Raises ``LimitError``, ``UnsupportedByStack``, ``LicenseRequired``.
        """
        settings = CaseSettings(sync_alerts=sync_alerts)
        if extract_observables is not None:
            settings = CaseSettings(sync_alerts=sync_alerts, extract_observables=extract_observables)
        optional = {
            "severity": severity, "assignees": assignees, "category": category, "custom_fields": custom_fields,
            "template": template, "extended_fields": extended_fields,
        }
        given: dict[str, Any] = {name: value for name, value in optional.items() if value is not None}
        body = fields_to_api({
            "title": title, "description": description, "tags": tags, "connector": connector or NO_CONNECTOR,
            "settings": settings, **given,
        })
        body["owner"] = owner
        check_body(body)
        require_support(keys_of(body), self._status.comparable_version)
        return self._case(Request(method="POST", path="/api/cases", json=body))

    def update(self, case: Case | str, *, version: str | None = None, **changes: Unpack[Changes]) -> Case:
        """Change one case and return it as it is now (PATCH /api/cases); fields as in ``Changes``.

        The change applies to ``version``, or to that of the ``Case`` given. With an id alone the case is
        read first, and the change applies to what is current then. Never repeated by itself.

        Raises ``ConflictError`` if the case has another version by now (nothing was changed), its
        subclass ``LostRace`` if it changed at that very moment, ``NothingToUpdate`` if every field already
        has its value, ``LimitError``, ``UnsupportedByStack``, ``LicenseRequired``, ``NotFoundError``.
        """
        if isinstance(case, str):
            case_id, known = case, version or self.get(case).version
        else:
            case_id, known = case.id, version or case.version
        entry = CaseChange(id=case_id, version=known, changes=changes).to_api()
        check_body({"cases": [entry]})
        for updated in self._patch([entry], keys_of(entry)):
            if updated.id == case_id:
                return updated
        raise LostRace(200, "the answer leaves out the case", "PATCH", "/api/cases")

    def update_many(self, changes: Sequence[CaseChange]) -> UpdateReport:
        """Change cases (PATCH /api/cases), as many in one request as Kibana takes, and report on each.

        A case that Kibana names as the reason of a refusal (other version, unknown id) is reported and the
        others are sent without it. So nothing is raised for single cases: look at ``UpdateReport``, or call
        its ``raise_for_failures()``. Never repeated by itself. Kibana's answer leaves out what was as wanted already
        and what somebody else changed at that moment; which of both it is, is found out by reading those again.

        Raises before anything is sent: ``LimitError``, ``UnsupportedByStack``, ``InvalidValue`` if an id is
        there twice, ``TypeError`` for what is no ``CaseChange``. Raises what stopped the very first request, if it
        concerns all cases alike.
        """
        for change in changes:
            if not isinstance(change, CaseChange):
                wanted = 'CaseChange.of(case, severity="high") or CaseChange(id=..., version=..., changes={...})'
                raise TypeError(f"each change is {wanted}, not {type(change).__name__}")
        entries = {change.id: change.to_api() for change in changes}
        if len(entries) < len(changes):
            raise InvalidValue("the same case is there twice")
        keys = {key for entry in entries.values() for key in keys_of(entry)}
        report, answers = run(
            cut(entries, BULK_UPDATE), lambda batch: self._patch([entries[each] for each in batch], keys)
        )
        updated = [case for answer in answers for case in answer]
        known = {case.id for case in updated}
        sent = {each: str(entries[each]["version"]) for each in report.done if each not in known}
        same = self._unmoved(sent)
        outcomes = [_told(each, same) if each.item in sent else each for each in report.outcomes]
        return UpdateReport(outcomes=outcomes, updated=updated)

    def delete(self, ids: str | Case | Iterable[str | Case]) -> None:
        """Delete 1 to 100 cases with all that is attached (DELETE /api/cases).

        Raises ``NotFoundError`` if one of them is missing; then none is deleted.
        """
        texts = _ids([ids] if isinstance(ids, str | Case) else ids)
        check_ids("cases to delete", texts, DELETE)
        self._delete(texts)

    def delete_many(self, ids: Iterable[str | Case]) -> BatchReport[str]:
        """Delete any number of cases, 100 in one request, and report on each id; a missing one stops no other.

        Raises what stopped the very first request, if it concerns all cases alike.
        """
        texts = dict.fromkeys(_ids(ids))
        # They go into the address, which has less room than a body: it is their escaped length that counts.
        escaped = {each: quote(json.dumps(each), safe="") for each in texts}
        return run(cut(escaped, DELETE, ADDRESS_BYTES), self._delete)[0]

    def set_custom_field(
        self, case: Case, key: str, value: str | bool | float | None,  # noqa: FBT001 - a toggle's value is one
    ) -> CustomField:
        """Set one custom field and leave the others alone (PUT /internal/cases/{id}/custom_fields/{key}).

        The case's version moves; it is not in the answer. Raises ``ConflictError`` if the case has another
        version by now, ``BadRequestError`` for a field that is not configured or must have a value, ``LimitError``,
        ``InvalidValue`` for a number that is not whole.
        """
        if isinstance(value, str):
            check_text("custom field value", value, CUSTOM_FIELD_TEXT)
        elif is_number(value):
            check_number(key, value)
        path = f"/internal/cases/{segment(case.id)}/custom_fields/{segment(key)}"
        body = {"value": value, "caseVersion": case.version}
        request = Request(method="PUT", path=path, json=body, internal=True)
        return decode(self._transport.send(request), _CUSTOM_FIELD)

    def push(self, case: Case | str, connector_id: str | None = None) -> Case:
        """Push a case to an external system and return it with all attachments (POST .../connector/{id}/_push).

        The connector is that of the ``Case``, unless named. Kibana formats by the fields of the case's own
        connector, so set that one first. Never repeated by itself: the incident is written before the case, so
        after a ``ConflictError`` or a lost answer it may be there. ``external_service`` tells the incident.

        Raises ``InvalidValue`` for a case without connector, ``FailedDependency`` if the external system or the
        connector failed, ``ConflictError``, ``NotFoundError``, ``PermissionDenied``.
        """
        target = connector_id or _connector_of(case)
        path = f"/api/cases/{segment(case_id_of(case))}/connector/{segment(target)}/_push"
        return self._case(Request(method="POST", path=path, json={}))

    def sync_external(self, case: Case | str) -> Case:
        """Let Kibana fetch the incident of the last push into the case (POST /api/cases/{id}/_sync).

        A technical preview, in no release yet (Enterprise): raises ``UnsupportedByStack`` where Kibana does not
        have it; ``BadRequestError`` if the case was never pushed, ``FailedDependency``, ``LicenseRequired``.
        """
        return self._case(Request(method="POST", path=f"/api/cases/{segment(case_id_of(case))}/_sync"))

    def _patch(self, entries: list[dict[str, Any]], keys: set[str]) -> list[Case]:
        updated = decode(self._write("PATCH", {"cases": entries}, keys), CASES)
        self._bind(updated)
        return updated

    def _unmoved(self, versions: Mapping[str, str]) -> set[str]:
        """Return which cases still have the version given; none if they cannot be read."""
        ids = list(versions)
        try:
            found = self._read_many(ids)
        except KibcaseError:
            return set()
        return {case.id for case in found.cases if case.version == versions[case.id]}

    def _delete(self, ids: Sequence[str]) -> None:
        query = [("ids", json.dumps(list(ids)))]
        self._transport.send(Request(method="DELETE", path="/api/cases", query=query))


def _ids(cases: Iterable[str | Case]) -> list[str]:
    return [each if isinstance(each, str) else each.id for each in cases]


def _connector_of(case: Case | str) -> str:
    if isinstance(case, str):
        raise InvalidValue("name the connector, or give the Case itself")
    if case.connector is None or case.connector.type == NO_CONNECTOR.type:
        raise InvalidValue(f"the case {case.id} has no connector; set one, or name the connector")
    return case.connector.id


def _told(outcome: Outcome[str], same: Collection[str]) -> Outcome[str]:
    if outcome.item in same:
        return replace(outcome, fate=Fate.UNCHANGED)
    lost = LostRace(200, f"the answer leaves out {outcome.item}", "PATCH", "/api/cases")
    return replace(outcome, fate=Fate.UNKNOWN, error=lost)
