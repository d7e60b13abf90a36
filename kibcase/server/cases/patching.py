"""``PATCH /api/cases``: the checks in Kibana's order, the write, the alert sync, the user actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kibcase.server import limits
from kibcase.server.cases import activity
from kibcase.server.cases.bodies import patch_codec
from kibcase.server.cases.cases import custom_fields_of, remember
from kibcase.server.cases.changes import changed_fields, normalised, status_fields
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.customfields import check_fields, fill_missing
from kibcase.server.cases.store import CaseRecord
from kibcase.server.codec import decode
from kibcase.server.datemath import stamp
from kibcase.server.errors import BadRequest, Conflict, Forbidden, NotAcceptable, NotFound

ALERT_STATUS = {"open": "open", "in-progress": "acknowledged", "closed": "closed"}
_SECURITY_REASONS = frozenset(
    {"false_positive", "duplicate", "true_positive", "benign_positive", "automated_closure", "other"}
)


@dataclass(frozen=True, slots=True)
class _Update:
    record: CaseRecord
    changes: Json
    reason: str | None


@dataclass(frozen=True, slots=True)
class Patching:
    """Changes cases. Nothing is written unless every entry of a request passes every check."""

    context: Context

    def patch(self, caller: Caller, body: Any) -> list[Json]:
        """Change cases; gives those that did change, with their new versions.

        Raises ``NotFound``, ``Conflict``, ``NotAcceptable`` (nothing differs), ``BadRequest`` or ``Forbidden``,
        in this order of checks.
        """
        entries = decode(patch_codec(self.context.stack), body)["cases"]
        with self.context.store.transaction():
            records = self.context.store.cases(caller.space, [entry["id"] for entry in entries])
            _check_versions(entries, records)
            updates = [
                update for entry in entries if (update := self._update(records[entry["id"]], entry)).changes
            ]
            if not updates:
                raise NotAcceptable("All update fields are identical to current version.")
            configured = custom_fields_of(self.context, caller.space)
            self._check(updates, configured)
            self._check_activity(updates)
            return [self._apply(caller, update, configured) for update in _last_of_each(updates)]

    def _update(self, record: CaseRecord, entry: Json) -> _Update:
        request = {name: value for name, value in entry.items() if name != "closeReason"}
        if "assignees" in request:
            request["assignees"] = [person for person in request["assignees"] if person["uid"]]
        changes = changed_fields(record.doc, request)
        reason = (entry.get("closeReason") or "").strip() or None
        return _Update(record, changes, reason if changes.get("status") == "closed" else None)

    def _check(self, updates: Sequence[_Update], configured: dict[str, list[Json]]) -> None:
        owned = [update.record.id for update in updates if "owner" in update.changes]
        if owned:
            raise BadRequest(f"Updating the owner of a case is not allowed ids: [{', '.join(owned)}]")
        assigned = [update.record.id for update in updates if "assignees" in update.changes]
        if assigned and not self.context.stack.is_platinum:
            raise Forbidden(
                "In order to assign users to cases, you must be subscribed to an Elastic Platinum license, "
                f"ids: [{', '.join(assigned)}]"
            )
        for update in updates:
            _check_reason(update)
        for update in updates:
            if "customFields" in update.changes:
                check_fields(update.changes["customFields"], configured.get(update.record.doc["owner"]))

    def _check_activity(self, updates: Sequence[_Update]) -> None:
        for update in updates:
            check_activity(self.context, update.record, len(activity.changed(update.record.doc, update.changes, {})))

    def _apply(self, caller: Caller, update: _Update, configured: dict[str, list[Json]]) -> Json:
        context, record = self.context, update.record
        before, changes = record.doc, normalised(update.changes)
        if "customFields" in changes:
            changes["customFields"] = fill_missing(changes["customFields"], configured.get(before["owner"]))
        now = context.clock()
        moved: Json = {"updated_at": stamp(now), "updated_by": caller.user}
        if "status" in changes:
            timings = context.stack.has_timings
            moved |= status_fields(before, changes["status"], now, caller.user, timings=timings)
        context.store.put_case(record.number, before | changes | moved, reserved=record.reserved)
        synced = self._sync(record, changes, update.reason)
        extra = self._status_extra(update.reason, synced)
        remember(context, caller, record, activity.changed(before, changes, extra))
        shown = context.show(context.case(caller, record.id), [])
        if synced and context.stack.has_close_reason:
            shown["updateSummary"] = {"syncedAlertCount": synced}
        return shown

    def _sync(self, record: CaseRecord, changes: Json, reason: str | None) -> int | None:
        before = record.doc
        moved = "status" in changes and before["settings"]["syncAlerts"]
        switched = not before["settings"]["syncAlerts"] and changes.get("settings", {}).get("syncAlerts", False)
        if not (moved or switched):
            return None
        targets = alert_targets(self.context, record)
        status = ALERT_STATUS[(before | changes)["status"]]
        return self.context.alerts.set_workflow_status(
            targets, status, reason=reason, stamp=self.context.stack.has_timings
        )

    def _status_extra(self, reason: str | None, synced: int | None) -> Json:
        if not self.context.stack.has_close_reason:
            return {}
        extra: Json = {} if reason is None else {"closeReason": reason}
        return extra | ({"syncedAlertCount": synced} if synced else {})


def alert_targets(context: Context, record: CaseRecord) -> list[tuple[str, str]]:
    """Give (index, id) of every alert attached to a case; entries without either are left out."""
    rows = context.store.documents(record.number, "alert")
    return list(dict.fromkeys((row["home"], row["id"]) for row in rows if row["home"] and row["id"]))


def check_activity(context: Context, record: CaseRecord, added: int) -> None:
    """Raise ``BadRequest`` if ``added`` user actions would be too many for the case."""
    if context.store.count_user_actions(record.number) + added > limits.USER_ACTIONS_PER_CASE:
        raise BadRequest(
            f"The case with case id {record.id} has reached the limit of {limits.USER_ACTIONS_PER_CASE} user actions."
        )


def _check_versions(entries: Sequence[Json], records: dict[str, CaseRecord]) -> None:
    missing = [entry["id"] for entry in entries if entry["id"] not in records]
    if missing:
        raise NotFound(
            f"These cases {', '.join(missing)} do not exist. Please check you have the correct ids."
        )
    stale = [entry["id"] for entry in entries if records[entry["id"]].version != entry["version"]]
    if stale:
        raise Conflict(
            f"These cases {', '.join(stale)} have been updated. Please refresh before saving additional updates."
        )


def _check_reason(update: _Update) -> None:
    if update.reason is None:
        return
    if not (update.record.doc | update.changes)["settings"]["syncAlerts"]:
        raise BadRequest(
            f"Cannot provide a close reason for case {update.record.id} when sync alerts is disabled."
        )
    if update.record.doc["owner"] == "securitySolution" and update.reason not in _SECURITY_REASONS:
        raise BadRequest(f'Invalid close reason: "{update.reason}"')


def _last_of_each(updates: Sequence[_Update]) -> list[_Update]:
    # One case twice in one call: both entries are diffs against the same stored case; the last one wins.
    return list({update.record.id: update for update in updates}.values())
