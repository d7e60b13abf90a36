"""Attachments of cases: attach, edit, remove, read; with what that does to the case and to alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kibcase.server import limits
from kibcase.server.cases import activity
from kibcase.server.cases.attachments import (
    check_limits,
    check_local,
    decode_attachment,
    decode_attachments,
    decode_edit,
    documents_of,
    named_documents,
    without_known,
)
from kibcase.server.cases.authorization import authorize, readable
from kibcase.server.cases.bodies import bulk_get_attachments_codec
from kibcase.server.cases.cases import remember, shown_comments
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.extraction import auto_extract
from kibcase.server.cases.files_store import FileStore
from kibcase.server.cases.find import decode_page, many, page_codec
from kibcase.server.cases.patching import ALERT_STATUS, check_activity
from kibcase.server.cases.store import CaseRecord, DocRecord
from kibcase.server.cases.unified import META, Attaching, to_unified, view
from kibcase.server.cases.unified_store import UnifiedStore
from kibcase.server.codec import array, decode, strict, string
from kibcase.server.datemath import stamp
from kibcase.server.elasticsearch.state import TooManyCases
from kibcase.server.errors import BadRequest, Conflict, Forbidden, KibanaError, NotFound, saved_object_missing

_OWNER_QUERY = strict({}, {"owner": many(string, "owner", high=None)})
_PAGE_QUERY = page_codec({})
_DELETE = strict({"ids": array(string, "ids", 1, limits.ATTACHMENTS_PER_BULK_DELETE)})


@dataclass(frozen=True, slots=True)
class Attachments:
    """The attachments of every case, in the shapes of the comments endpoints.

    Every method raises ``KibanaError`` with the status and text of Kibana Cases API.
    """

    context: Context

    def attach(self, caller: Caller, case_id: str, body: Any) -> Json:
        """Add one attachment (``POST comments``); gives the case with all comments."""
        self.add(caller, case_id, [decode_attachment(body, self.context.stack)])
        return self.whole(caller, case_id)

    def attach_many(self, caller: Caller, case_id: str, body: Any) -> Json:
        """Add up to 100 attachments, all or none (``_bulk_create``); gives the case with all comments."""
        self.add(caller, case_id, decode_attachments(body, self.context.stack), as_asked=True)
        return self.whole(caller, case_id, unified=self.context.stack.has_unified_attachments)

    def add(
        self, caller: Caller, case_id: str, attaching: Sequence[Attaching], *, as_asked: bool = False
    ) -> list[str]:
        """Add checked attachments, all or none; gives the ids of those that were not there already.

        ``as_asked`` makes activity and alerts see the payloads as they came, with the alerts that the case had.
        """
        context = self.context
        payloads = [each.payload for each in attaching]
        with context.store.transaction():
            authorize(caller, "createComment", [payload["owner"] for payload in payloads])
            record = context.case(caller, case_id)
            check_activity(context, record, len(payloads))
            self._check(caller, record, payloads)
            fresh = without_known(attaching, self._known(record, payloads))
            identifiers, refused = self._write(caller, record, fresh, as_asked=as_asked)
        # Kibana stores the attachment before it touches the alerts: a refusal there comes too late to undo it.
        if refused is not None:
            raise refused
        auto_extract(context, caller, case_id, [each.payload for each in fresh])
        return identifiers

    def _known(self, record: CaseRecord, payloads: Sequence[Json]) -> dict[str, set[str]]:
        found = UnifiedStore(self.context.store)
        asked = {kind: [name for name, _ in named_documents(payloads, kind)] for kind in ("alert", "event")}
        return {
            kind: found.known_documents(record.number, kind, names) if names else set()
            for kind, names in asked.items()
        }

    def _check(self, caller: Caller, record: CaseRecord, payloads: Sequence[Json]) -> None:
        store, kinds = self.context.store, {payload["type"] for payload in payloads}
        if record.doc["status"] == "closed":
            for kind, noun in (("alert", "Alert"), ("event", "Event")):
                if kind in kinds:
                    raise BadRequest(f"{noun} cannot be attached to a closed case")
        if any(payload["owner"] != record.doc["owner"] for payload in payloads):
            raise BadRequest("The owner field of the comment must match the case")
        check_limits(
            payloads,
            {
                "alerts": lambda: record.alerts,
                # Kibana counts uploaded files, not their attachments: one that waits to be attached counts twice.
                "files": lambda: FileStore(store).count_of_case(caller.space, record.id),
                "references": lambda: UnifiedStore(store).count_references(record.number),
            },
        )
        if self.context.stack.refuses_remote_documents:
            check_local(payloads)
            self._check_present(payloads)

    def _check_present(self, payloads: Sequence[Json]) -> None:
        events = named_documents(payloads, "event")
        found = {target for target, _ in self.context.alerts.read((index, name) for name, index in events)}
        missing = [name for name, index in events if name and index and (index, name) not in found]
        if missing:
            raise BadRequest(f"Referenced event(s) not found: {', '.join(missing)}")

    def _write(
        self, caller: Caller, record: CaseRecord, attaching: Sequence[Attaching], *, as_asked: bool
    ) -> tuple[list[str], KibanaError | None]:
        if not attaching:
            return [], None
        context, now = self.context, self.context.now()
        identifiers = []
        for each in attaching:
            meta = {"created_at": now, "created_by": caller.user, "pushed_at": None, "pushed_by": None,
                    "updated_at": None, "updated_by": None}
            written = context.store.add_attachment(
                caller.space, record.number, context.new_id(), each.payload | meta, documents_of(each.payload)
            )
            if each.original is not None:
                UnifiedStore(context.store).keep(written.number, each.original)
            identifiers.append(written.id)
        touch(context, caller, record)
        told = [(as_asked and each.asked) or each.payload for each in attaching]
        for payload, identifier in zip(told, identifiers, strict=True):
            remember(context, caller, record, [activity.attachment("create", payload)], identifier)
        return identifiers, self._tell_alerts(record, _alerts(told))

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
        identifier, version, attaching = decode_edit(body, self.context.stack)
        self.replace(caller, case_id, identifier, version, attaching)
        return self.whole(caller, case_id)

    def replace(self, caller: Caller, case_id: str, identifier: str, version: str, attaching: Attaching) -> None:
        """Put a checked attachment in the place of one of the same type and owner."""
        context, payload = self.context, attaching.payload
        with context.store.transaction():
            found = self._existing(caller, identifier)
            record = context.case(caller, case_id)
            check_activity(context, record, 1)
            authorize(caller, "updateComment", [found.doc["owner"]])
            _check_edit(found, record, payload, version, unified=context.stack.has_unified_attachments)
            meta = {name: found.doc[name] for name in META}
            moved = {"updated_at": context.now(), "updated_by": caller.user}
            context.store.put_attachment(found, payload | meta | moved, documents_of(payload))
            UnifiedStore(context.store).keep(found.number, attaching.original)
            touch(context, caller, record)
            remember(context, caller, record, [activity.attachment("update", payload)], identifier)

    def remove(self, caller: Caller, case_id: str, identifier: str) -> None:
        """Remove one attachment (``DELETE comments/{id}``)."""
        with self.context.store.transaction():
            found = self._existing(caller, identifier)
            authorize(caller, "deleteComment", [found.doc["owner"]])
            record = self.context.store.case(caller.space, case_id)
            if record is None or found.case_number != record.number:
                raise NotFound(f"This comment {identifier} does not exist in {case_id}.")
            self._remove(caller, record, [found])

    def remove_many(self, caller: Caller, case_id: str, body: Any) -> None:
        """Remove 1 to 100 attachments of a case, all or none (``POST comments/_bulk_delete``)."""
        identifiers = list(dict.fromkeys(decode(_DELETE, body)["ids"]))
        with self.context.store.transaction():
            record = self.context.case(caller, case_id)
            found = [self._existing(caller, identifier) for identifier in identifiers]
            authorize(caller, "deleteComment", [attachment.doc["owner"] for attachment in found])
            for attachment in found:
                if attachment.case_number != record.number:
                    raise NotFound(f"This comment {attachment.id} does not exist in {case_id}.")
            self._remove(caller, record, found)

    def remove_all(self, caller: Caller, case_id: str) -> None:
        """Remove every attachment of a case (``DELETE comments``)."""
        with self.context.store.transaction():
            record = self.context.store.case(caller.space, case_id)
            found = [] if record is None else self.context.store.attachments(record.number)
            if record is None or not found:
                raise NotFound(f"No comments found for {case_id}.")
            authorize(caller, "deleteAllComments", [record.doc["owner"]])
            self._remove(caller, record, found)

    def _remove(self, caller: Caller, record: CaseRecord, found: Sequence[DocRecord]) -> None:
        drop(self.context, caller, record, found)
        touch(self.context, caller, record)
        targets = _alerts([attachment.doc for attachment in found])
        if targets:
            self.context.alerts.remove_case_id(targets, record.id)

    def get(self, caller: Caller, case_id: str, identifier: str) -> Json:
        """Read one attachment (``GET comments/{id}``)."""
        return _shown(self.read(caller, case_id, identifier))

    def read(self, caller: Caller, case_id: str, identifier: str) -> DocRecord:
        """Read one attachment of a case as it is kept."""
        with self.context.store.transaction():
            found = self.context.store.attachment(caller.space, identifier)
            if found is None:
                raise saved_object_missing("cases-comments", identifier)
            authorize(caller, "getComment", [found.doc["owner"]])
            record = self.context.case(caller, case_id)
        if found.case_number != record.number:
            raise NotFound(f"This attachment {identifier} does not exist in case {case_id}.")
        return found

    def find(self, caller: Caller, case_id: str, query: Mapping[str, Any]) -> Json:
        """Read a page of the user comments alone, by time of creation (``GET comments/_find``)."""
        page = decode_page(decode(_PAGE_QUERY, dict(query)))
        store = self.context.store
        with store.transaction():
            total, names = UnifiedStore(store).page(self.visible(caller, case_id), ["comment"], page)
            found = [record for name in names if (record := store.attachment(caller.space, name)) is not None]
        return {
            "comments": [_shown(attachment) for attachment in found],
            "page": page.number,
            "per_page": page.size,
            "total": total,
        }

    def visible(self, caller: Caller, case_id: str) -> int:
        """Give the number of a case whose attachments may be listed; 0, which has none, for every other case.

        Raises ``Forbidden`` for a caller who may list none at all.
        """
        owners = readable(caller, "findComments")
        record = self.context.store.case(caller.space, case_id)
        return 0 if record is None or record.doc["owner"] not in owners else record.number

    def all(self, caller: Caller, case_id: str) -> list[Json]:
        """Read every attachment, oldest first (``GET comments``, 8.x); none of a case that is not there or hidden."""
        with self.context.store.transaction():
            found = self.context.store.attachments(self.visible(caller, case_id))
        return [_shown(attachment) for attachment in found]

    def bulk_get(self, caller: Caller, case_id: str, body: Any) -> Json:
        """Read many attachments of a case; those that are not there become error entries."""
        identifiers = decode(bulk_get_attachments_codec, body)["ids"]
        with self.context.store.transaction():
            record = self.context.case(caller, case_id)
            authorize(caller, "getCase", [record.doc["owner"]])
            found = {name: self.context.store.attachment(caller.space, name) for name in identifiers}
            present = [each for each in found.values() if each is not None and each.case_number == record.number]
            refusal = _refusal(caller, record)
            shown = [] if refusal else self.shown(present, unified=self.context.stack.has_unified_attachments)
        missing, elsewhere, forbidden = [], [], []
        for name, attachment in found.items():
            if attachment is None:
                text = saved_object_missing("cases-comments", name).message
                missing.append(_missing(name, "Not Found", text, 404))
            elif attachment.case_number != record.number:
                elsewhere.append(_missing(name, "Bad Request", f"Attachment is not attached to case id={case_id}", 400))
            elif refusal is not None:
                forbidden.append(_missing(name, "Forbidden", refusal, 403))
        return {"attachments": shown, "errors": [*missing, *elsewhere, *forbidden]}

    def alerts_of(self, caller: Caller, case_id: str) -> list[Json]:
        """List the alerts of a case (``GET /api/cases/{id}/alerts``)."""
        with self.context.store.transaction():
            record = self.context.case(caller, case_id)
            authorize(caller, "getAlertsAttachedToCase", [record.doc["owner"]])
            rows = self.context.store.documents(record.number, "alert")
        return [{"id": row["id"], "index": row["home"], "attached_at": row["attached_at"]} for row in rows]

    def cases_of_alert(self, caller: Caller, alert_id: str, query: Mapping[str, Any]) -> list[Json]:
        """List the cases that an alert is attached to (``GET /api/cases/alerts/{id}``)."""
        wanted = decode(_OWNER_QUERY, dict(query)).get("owner")
        owners = readable(caller, "getCaseIDsByAlertID")
        if wanted:
            owners &= frozenset([wanted] if isinstance(wanted, str) else wanted)
        with self.context.store.transaction():
            rows = self.context.store.select(
                "id",
                "space = ? AND number IN "
                "(SELECT case_number FROM attached_documents WHERE kind = 'alert' AND id = ?)",
                (caller.space, alert_id),
                "ORDER BY number",
            )
            records = [self.context.case(caller, row["id"]) for row in rows]
        return [self._related(record) for record in records if record.doc["owner"] in owners]

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

    def whole(self, caller: Caller, case_id: str, *, unified: bool = False) -> Json:
        """Give a case with all attachments, oldest first, in one of the two shapes."""
        with self.context.store.transaction():
            record = self.context.case(caller, case_id)
            if not unified:
                return self.context.show_whole(record, shown_comments(self.context, record))
            return self.context.show_whole(
                record, self.shown(self.context.store.attachments(record.number), unified=True)
            )

    def shown(self, found: Sequence[DocRecord], *, unified: bool) -> list[Json]:
        """Give attachments as the API answers them, in one of the two shapes."""
        if not unified:
            return [_shown(each) for each in found]
        originals = UnifiedStore(self.context.store).originals([each.number for each in found])
        return [
            {"id": each.id, "version": each.version} | view(each.doc, originals.get(each.number)) for each in found
        ]

    def _existing(self, caller: Caller, identifier: str) -> DocRecord:
        found = self.context.store.attachment(caller.space, identifier)
        if found is None:
            raise saved_object_missing("cases-comments", identifier)
        return found


def touch(context: Context, caller: Caller, record: CaseRecord) -> None:
    """Move a case's ``updated_at``, ``updated_by``, totals and version after its attachments changed."""
    moved = {"updated_at": stamp(context.clock()), "updated_by": caller.user}
    context.store.put_case(record.number, record.doc | moved, reserved=record.reserved)


def drop(context: Context, caller: Caller, record: CaseRecord, found: Sequence[DocRecord]) -> None:
    """Delete attachments and remember that; the case itself stays as it is."""
    context.store.delete_attachments(attachment.number for attachment in found)
    for attachment in found:
        payload = {name: value for name, value in attachment.doc.items() if name not in META}
        remember(context, caller, record, [activity.attachment("delete", payload)], attachment.id)


def _refusal(caller: Caller, record: CaseRecord) -> str | None:
    try:
        authorize(caller, "bulkGetAttachments", [record.doc["owner"]])
    except Forbidden as error:
        return error.message
    return None


def _check_edit(found: DocRecord, record: CaseRecord, payload: Json, version: str, *, unified: bool) -> None:
    types = [to_unified(doc)["type"] if unified else doc["type"] for doc in (found.doc, payload)]
    if types[0] != types[1]:
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
