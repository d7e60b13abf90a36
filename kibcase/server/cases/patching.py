"""``PATCH /api/cases``: the checks in Kibana's order, the write, the alert sync, the user actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kibcase.server import limits
from kibcase.server.cases import activity
from kibcase.server.cases.advanced_settings import AdvancedSettings
from kibcase.server.cases.authorization import authorize, patch_operations
from kibcase.server.cases.bodies import patch_codec
from kibcase.server.cases.cases import custom_fields_of, remember
from kibcase.server.cases.changes import changed_fields, normalised, status_fields, with_bare_assignees
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.customfields import check_fields, fill_missing
from kibcase.server.cases.patching_fields import FieldChanges
from kibcase.server.cases.patching_reasons import REASONS_SETTING, check_reason
from kibcase.server.cases.store import CaseRecord
from kibcase.server.cases.templates_library import Library
from kibcase.server.codec import decode
from kibcase.server.datemath import stamp
from kibcase.server.errors import BadRequest, Conflict, Forbidden, NotAcceptable, NotFound
from kibcase.server.stack import Stack

ALERT_STATUS = {"open": "open", "in-progress": "acknowledged", "closed": "closed"}


@dataclass(frozen=True, slots=True)
class _Update:
    """One entry of a request: what differs from the stored case, before and after it is put in order.

    ``mirrored`` are the custom fields whose change the extended fields record already.
    """

    record: CaseRecord
    changes: Json
    reason: str | None
    final: Json = field(default_factory=dict)
    mirrored: frozenset[str] = frozenset()

    @property
    def starts_sync(self) -> bool:
        return not self.record.doc["settings"]["syncAlerts"] and bool(
            self.changes.get("settings", {}).get("syncAlerts")
        )

    @property
    def moves_alerts(self) -> bool:
        return "status" in self.changes and bool(self.record.doc["settings"]["syncAlerts"])


@dataclass(frozen=True, slots=True)
class Patching:
    """Changes cases. Nothing is written unless every entry of a request passes every check."""

    context: Context
    library: Library
    settings: AdvancedSettings

    def patch(self, caller: Caller, body: Any) -> list[Json]:
        """Change cases; gives those that did change, with their new versions.

        A case that is named twice is changed by its first entry alone: the second loses the race, as it does in
        the one bulk request that Kibana makes. Its user actions are those of the last entry, and its alerts follow
        the last entry that moves the status.

        Raises ``BadRequest`` for the body, ``Forbidden``, ``NotFound``, ``Conflict``, ``NotAcceptable`` (nothing
        differs), then ``BadRequest`` or ``Forbidden`` for what is to be changed, in this order of checks.
        """
        entries = decode(patch_codec(self.context.stack), body)["cases"]
        for entry in entries:
            if "assignees" in entry:
                entry["assignees"] = [person for person in entry["assignees"] if person["uid"]]
        with self.context.store.transaction():
            records = self.context.store.cases(caller.space, [entry["id"] for entry in entries])
            _authorize(caller, entries, records, self.context.stack)
            _check_versions(entries, records)
            updates = [
                update for entry in entries if (update := self._update(records[entry["id"]], entry)).changes
            ]
            if not updates:
                raise NotAcceptable("All update fields are identical to current version.")
            configured = custom_fields_of(self.context, caller.space)
            self._check(caller, updates, configured)
            updates = [self._ordered(caller, update, configured) for update in updates]
            last = {update.record.id: update for update in updates}
            for update in last.values():
                check_activity(self.context, update.record, len(self._actions(caller, update, {})))
            return self._write(caller, updates, last)

    def _update(self, record: CaseRecord, entry: Json) -> _Update:
        request = {name: value for name, value in entry.items() if name != "closeReason"}
        stored = with_bare_assignees(record.doc)
        changes = changed_fields(stored, request, new_objects=self.context.stack.has_extended_fields)
        reason = (entry.get("closeReason") or "").strip() or None
        return _Update(record, changes, reason if changes.get("status") == "closed" else None)

    def _check(self, caller: Caller, updates: Sequence[_Update], configured: dict[str, list[Json]]) -> None:
        owned = [update.record.id for update in updates if "owner" in update.changes]
        if owned:
            raise BadRequest(f"Updating the owner of a case is not allowed ids: [{', '.join(owned)}]")
        assigned = [update.record.id for update in updates if "assignees" in update.changes]
        if assigned and not self.context.stack.is_platinum:
            raise Forbidden(
                "In order to assign users to cases, you must be subscribed to an Elastic Platinum license, "
                f"ids: [{', '.join(assigned)}]"
            )
        custom = self._custom_reasons(caller)
        for update in updates:
            check_reason(update.record, update.changes, update.reason, custom)
        for update in updates:
            if "customFields" in update.changes:
                check_fields(update.changes["customFields"], configured.get(update.record.doc["owner"]))
        for update in updates:
            FieldChanges(self.library, caller.space, update.record, update.changes).check()

    def _custom_reasons(self, caller: Caller) -> list[Any]:
        found = self.settings.value(caller.space, REASONS_SETTING)
        return found if isinstance(found, list) else []

    def _ordered(self, caller: Caller, update: _Update, configured: dict[str, list[Json]]) -> _Update:
        final = normalised(update.changes)
        own = configured.get(update.record.doc["owner"])
        if "customFields" in final:
            final["customFields"] = fill_missing(final["customFields"], own)
        fields = FieldChanges(self.library, caller.space, update.record, update.changes)
        mirrored = fields.settle(final, own or () if self.context.stack.has_templates else ())
        if self.context.stack.has_extended_fields:
            fields.check_closing(final)
        # Kibana puts the assignees behind everything else, which is the order of the user actions.
        final |= {"assignees": final.pop("assignees")} if "assignees" in final else {}
        return _Update(update.record, update.changes, update.reason, final, mirrored)

    def _actions(self, caller: Caller, update: _Update, extra: Json) -> list[Json]:
        changes = update.final
        if changes.get("template") is not None:
            template = changes["template"]
            found = self.library.template(caller.space, template["id"], template["version"])
            named = {} if found is None or found["deletedAt"] else {"name": found["name"]}
            changes = changes | {"template": template | named}
        before = with_bare_assignees(update.record.doc)
        return activity.changed(before, changes, extra, mirrored=update.mirrored)

    def _write(self, caller: Caller, updates: Sequence[_Update], last: dict[str, _Update]) -> list[Json]:
        first = {update.record.id: update for update in reversed(updates)}
        shown = {name: self._apply(caller, first[name]) for name in last}
        synced = self._sync_all(updates)
        for name, update in last.items():
            extra = self._status_extra(update, synced.get(name))
            remember(self.context, caller, update.record, self._actions(caller, update, extra))
            if synced.get(name) and self.context.stack.has_close_reason:
                shown[name]["updateSummary"] = {"syncedAlertCount": synced[name]}
        return list(shown.values())

    def _apply(self, caller: Caller, update: _Update) -> Json:
        context, record, changes = self.context, update.record, update.final
        now = context.clock()
        moved: Json = {"updated_at": stamp(now), "updated_by": caller.user}
        if "status" in changes:
            timings = context.stack.has_timings
            moved |= status_fields(record.doc, changes["status"], now, caller.user, timings=timings)
        if "assignees" in changes:
            moved["assignees"] = context.named(changes["assignees"])
        doc = record.doc | changes | moved
        if "settings" in changes:
            # Saved objects are updated in depth: a setting that is not sent stays, though the answer lacks it.
            doc["settings"] = record.doc["settings"] | changes["settings"]
        context.store.put_case(record.number, doc, reserved=record.reserved)
        if changes.get("template") is not None:
            self.library.count_use(caller.space, changes["template"], stamp(now))
        shown = context.show(context.case(caller, record.id), [])
        return shown | ({"settings": changes["settings"]} if "settings" in changes else {})

    def _sync_all(self, updates: Sequence[_Update]) -> dict[str, int]:
        started = [update for update in updates if update.starts_sync]
        moved = [update for update in updates if update.moves_alerts]
        synced = {}
        for name, update in {update.record.id: update for update in (*started, *moved)}.items():
            targets = alert_targets(self.context, update.record)
            if targets:
                synced[name] = self._sync(update, targets)
        return synced

    def _sync(self, update: _Update, targets: list[tuple[str, str]]) -> int:
        status = ALERT_STATUS[(update.record.doc | update.changes)["status"]]
        return self.context.alerts.set_workflow_status(
            targets, status, reason=update.reason, stamp=self.context.stack.has_timings
        )

    def _status_extra(self, update: _Update, synced: int | None) -> Json:
        if not self.context.stack.has_close_reason:
            return {}
        extra: Json = {} if update.reason is None else {"closeReason": update.reason}
        return extra | ({} if synced is None else {"syncedAlertCount": synced})


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


def _uids(people: Sequence[Json]) -> list[str]:
    return [person["uid"] for person in people]


def _authorize(caller: Caller, entries: Sequence[Json], records: dict[str, CaseRecord], stack: Stack) -> None:
    reopened, assigned = [], []
    for entry in entries:
        record = records.get(entry["id"])
        if record is None:
            continue
        stored = record.doc
        status = entry.get("status", stored["status"])
        if record.version == entry["version"] and stored["status"] == "closed" and status != "closed":
            reopened.append(entry)
        people: list[Json] = (stored | entry)["assignees"]
        if stack.has_assign_privilege and _uids(people) != _uids(stored["assignees"]):
            assigned.append(entry)
    operations = patch_operations(len(entries), reopened, assigned)
    authorize(caller, operations, [record.doc["owner"] for record in records.values()])


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
