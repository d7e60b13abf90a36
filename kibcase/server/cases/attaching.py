"""Attachments of cases: attach, edit, remove, read; with what that does to the case and to alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kibcase.server.cases import activity
from kibcase.server.cases.attachments import (
    check_limits,
    count_references,
    decode_attachment,
    decode_attachments,
    documents_of,
    without_known,
)
from kibcase.server.cases.authorization import authorize
from kibcase.server.cases.bodies import bulk_get_attachments_codec
from kibcase.server.cases.cases import remember, shown_comments
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.find import decode_page, many, page_codec
from kibcase.server.cases.patching import ALERT_STATUS, check_activity
from kibcase.server.cases.store import CaseRecord, DocRecord
from kibcase.server.codec import decode, strict, string
from kibcase.server.datemath import stamp
from kibcase.server.elasticsearch.state import TooManyCases
from kibcase.server.errors import BadRequest, Conflict, KibanaError, NotFound, saved_object_missing

_OWNER_QUERY = strict({}, {"owner": many(string, "owner", high=None)})
_PAGE_QUERY = page_codec({})
_META = ("created_at", "created_by", "pushed_at", "pushed_by", "updated_at", "updated_by")


@dataclass(frozen=True, slots=True)
class Attachments:
    """The attachments of every case, in the shapes of the comments endpoints.

    Every method raises ``KibanaError`` with the status and text of Kibana Cases API.
    """

    context: Context

    def attach(self, caller: Caller, case_id: str, body: Any) -> Json:
        """Add one attachment (``POST comments``); gives the case with all comments."""
        return self._attach(caller, case_id, [decode_attachment(body, self.context.stack)])

    def attach_many(self, caller: Caller, case_id: str, body: Any) -> Json:
        """Add up to 100 attachments, all or none (``_bulk_create``); gives the case with all comments."""
        return self._attach(caller, case_id, decode_attachments(body, self.context.stack))

    def _attach(self, caller: Caller, case_id: str, payloads: list[Json]) -> Json:
        context = self.context
        with context.store.transaction():
            authorize(caller, "createComment", [payload["owner"] for payload in payloads])
            record = context.case(caller, case_id)
            check_activity(context, record, len(payloads))
            self._check(record, payloads)
            known = {kind: {row["id"] for row in context.store.documents(record.number, kind)}
                     for kind in ("alert", "event")}
            refused = self._write(caller, record, without_known(payloads, known))
        # Kibana stores the attachment before it touches the alerts: a refusal there comes too late to undo it.
        if refused is not None:
            raise refused
        return self._whole(caller, case_id)

    def _check(self, record: CaseRecord, payloads: Sequence[Json]) -> None:
        kinds = {payload["type"] for payload in payloads}
        if record.doc["status"] == "closed":
            for kind, noun in (("alert", "Alert"), ("event", "Event")):
                if kind in kinds:
                    raise BadRequest(f"{noun} cannot be attached to a closed case")
        if any(payload["owner"] != record.doc["owner"] for payload in payloads):
            raise BadRequest("The owner field of the comment must match the case")
        if kinds - {"user", "actions"}:
            docs = [found.doc for found in self.context.store.attachments(record.number)]
            check_limits(payloads, {"alerts": record.alerts, **count_references(docs)})

    def _write(self, caller: Caller, record: CaseRecord, payloads: Sequence[Json]) -> KibanaError | None:
        if not payloads:
            return None
        context, now = self.context, self.context.now()
        written = []
        for payload in payloads:
            meta = {"created_at": now, "created_by": caller.user, "pushed_at": None, "pushed_by": None,
                    "updated_at": None, "updated_by": None}
            written.append(
                context.store.add_attachment(
                    caller.space, record.number, context.new_id(), payload | meta, documents_of(payload)
                )
            )
        touch(context, caller, record)
        for payload, attachment in zip(payloads, written, strict=True):
            remember(context, caller, record, [activity.attachment("create", payload)], attachment.id)
        return self._tell_alerts(record, _alerts(payloads))

    def _tell_alerts(self, record: CaseRecord, targets: list[tuple[str, str]]) -> KibanaError | None:
        if not targets:
            return None
        context = self.context
        try:
            context.alerts.add_case_id(targets, record.id)
        except TooManyCases:
            return BadRequest("You cannot attach more than 10 cases to an alert")
        if record.doc["settings"]["syncAlerts"]:
            status = ALERT_STATUS[record.doc["status"]]
            context.alerts.set_workflow_status(targets, status, stamp=context.stack.has_timings)
        return None

    def edit(self, caller: Caller, case_id: str, body: Any) -> Json:
        """Replace an attachment by id and version (``PATCH comments``); gives the case with all comments."""
        context = self.context
        payload = decode_attachment(body, context.stack, patch=True)
        identifier, version = payload.pop("id"), payload.pop("version")
        with context.store.transaction():
            found = self._existing(caller, identifier)
            record = context.case(caller, case_id)
            check_activity(context, record, 1)
            _check_edit(found, record, payload, version)
            meta = {name: found.doc[name] for name in _META}
            moved = {"updated_at": context.now(), "updated_by": caller.user}
            context.store.put_attachment(found, payload | meta | moved, documents_of(payload))
            touch(context, caller, record)
            remember(context, caller, record, [activity.attachment("update", payload)], identifier)
            return self._whole(caller, case_id)

    def remove(self, caller: Caller, case_id: str, identifier: str) -> None:
        """Remove one attachment (``DELETE comments/{id}``)."""
        with self.context.store.transaction():
            found = self._existing(caller, identifier)
            record = self.context.store.case(caller.space, case_id)
            if record is None or found.case_number != record.number:
                raise NotFound(f"This comment {identifier} does not exist in {case_id}.")
            self._remove(caller, record, [found])

    def remove_all(self, caller: Caller, case_id: str) -> None:
        """Remove every attachment of a case (``DELETE comments``)."""
        with self.context.store.transaction():
            record = self.context.store.case(caller.space, case_id)
            found = [] if record is None else self.context.store.attachments(record.number)
            if record is None or not found:
                raise NotFound(f"No comments found for {case_id}.")
            self._remove(caller, record, found)

    def _remove(self, caller: Caller, record: CaseRecord, found: Sequence[DocRecord]) -> None:
        context = self.context
        context.store.delete_attachments(attachment.number for attachment in found)
        touch(context, caller, record)
        for attachment in found:
            payload = {name: value for name, value in attachment.doc.items() if name not in _META}
            remember(context, caller, record, [activity.attachment("delete", payload)], attachment.id)
        targets = _alerts([attachment.doc for attachment in found])
        if targets:
            context.alerts.remove_case_id(targets, record.id)

    def get(self, caller: Caller, case_id: str, identifier: str) -> Json:
        """Read one attachment (``GET comments/{id}``)."""
        found = self.context.store.attachment(caller.space, identifier)
        if found is None:
            raise saved_object_missing("cases-comments", identifier)
        record = self.context.case(caller, case_id)
        if found.case_number != record.number:
            raise NotFound(f"This attachment {identifier} does not exist in case {case_id}.")
        return _shown(found)

    def find(self, caller: Caller, case_id: str, query: Mapping[str, Any]) -> Json:
        """Read a page of attachments by time of creation (``GET comments/_find``)."""
        page = decode_page(decode(_PAGE_QUERY, dict(query)))
        store = self.context.store
        with store.transaction():
            record = store.case(caller.space, case_id)
            number = 0 if record is None else record.number
            found = store.attachments(number, descending=page.descending, limit=page.size, offset=page.offset)
            total = store.count_attachments(number)
        return {
            "comments": [_shown(attachment) for attachment in found],
            "page": page.number,
            "per_page": page.size,
            "total": total,
        }

    def all(self, caller: Caller, case_id: str) -> list[Json]:
        """Read every attachment, oldest first (``GET comments``, 8.x)."""
        return shown_comments(self.context, self.context.case(caller, case_id))

    def bulk_get(self, caller: Caller, case_id: str, body: Any) -> Json:
        """Read many attachments of a case; those that are not there become error entries."""
        identifiers = decode(bulk_get_attachments_codec, body)["ids"]
        with self.context.store.transaction():
            record = self.context.case(caller, case_id)
            found = {name: self.context.store.attachment(caller.space, name) for name in identifiers}
        attachments, errors = [], []
        for name, attachment in found.items():
            if attachment is None:
                errors.append(_missing(name, "Not Found", saved_object_missing("cases-comments", name).message, 404))
            elif attachment.case_number != record.number:
                errors.append(_missing(name, "Bad Request", f"Attachment is not attached to case id={case_id}", 400))
            else:
                attachments.append(_shown(attachment))
        return {"attachments": attachments, "errors": errors}

    def alerts_of(self, caller: Caller, case_id: str) -> list[Json]:
        """List the alerts of a case (``GET /api/cases/{id}/alerts``)."""
        with self.context.store.transaction():
            rows = self.context.store.documents(self.context.case(caller, case_id).number, "alert")
        return [{"id": row["id"], "index": row["home"], "attached_at": row["attached_at"]} for row in rows]

    def cases_of_alert(self, caller: Caller, alert_id: str, query: Mapping[str, Any]) -> list[Json]:
        """List the cases that an alert is attached to (``GET /api/cases/alerts/{id}``)."""
        wanted = decode(_OWNER_QUERY, dict(query)).get("owner")
        owners = [wanted] if isinstance(wanted, str) else wanted
        with self.context.store.transaction():
            rows = self.context.store.select(
                "id",
                "space = ? AND number IN "
                "(SELECT case_number FROM attached_documents WHERE kind = 'alert' AND id = ?)",
                (caller.space, alert_id),
                "ORDER BY number",
            )
            records = [self.context.case(caller, row["id"]) for row in rows]
        return [self._related(record) for record in records if not owners or record.doc["owner"] in owners]

    def _related(self, record: CaseRecord) -> Json:
        totals = {"alerts": record.alerts, "userComments": record.comments}
        if self.context.stack.has_timings:
            totals["events"] = record.events
        return {
            "id": record.id,
            "title": record.doc["title"],
            "description": record.doc["description"],
            "status": record.doc["status"],
            "createdAt": record.doc["created_at"],
            "totals": totals,
        }

    def _whole(self, caller: Caller, case_id: str) -> Json:
        with self.context.store.transaction():
            record = self.context.case(caller, case_id)
            return self.context.show(record, shown_comments(self.context, record))

    def _existing(self, caller: Caller, identifier: str) -> DocRecord:
        found = self.context.store.attachment(caller.space, identifier)
        if found is None:
            raise NotFound(f"This comment {identifier} does not exist anymore.")
        return found


def touch(context: Context, caller: Caller, record: CaseRecord) -> None:
    """Move a case's ``updated_at``, ``updated_by``, totals and version after its attachments changed."""
    moved = {"updated_at": stamp(context.clock()), "updated_by": caller.user}
    context.store.put_case(record.number, record.doc | moved, reserved=record.reserved)


def _check_edit(found: DocRecord, record: CaseRecord, payload: Json, version: str) -> None:
    if found.doc["type"] != payload["type"]:
        raise BadRequest("You cannot change the type of the comment.")
    if found.doc["owner"] != payload["owner"]:
        raise BadRequest("You cannot change the owner of the comment.")
    storage = [doc.get("externalReferenceStorage", {}).get("type") for doc in (found.doc, payload)]
    if storage[0] != storage[1]:
        raise BadRequest("You cannot change the storage type of an external reference comment.")
    if found.case_number != record.number:
        raise NotFound(f"This comment {found.id} does not exist in {record.id}).")
    if found.version != version:
        raise Conflict("This case has been updated. Please refresh before saving additional updates.")


def _alerts(payloads: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    pairs = [pair for payload in payloads if payload["type"] == "alert" for pair in documents_of(payload)]
    return list(dict.fromkeys((index, identifier) for identifier, index in pairs if identifier and index))


def _shown(found: DocRecord) -> Json:
    return {"id": found.id, "version": found.version} | found.doc


def _missing(identifier: str, error: str, message: str, status: int) -> Json:
    return {"attachmentId": identifier, "error": error, "message": message, "status": status}
