"""Attach anything to a case, one or many (Kibana Cases API)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.client.answers import decode
from kibcase.client.attachments_calls import AttachmentCalls, case_and_owner, case_id_of
from kibcase.client.attachments_unified import UnifiedAttachmentsApi
from kibcase.client.batches import BatchReport, by_count, carry_out, encoded, split
from kibcase.client.features import require_support
from kibcase.client.limits import (
    ALERTS_PER_CASE,
    BODY_BYTES,
    BULK_CREATE_ATTACHMENTS,
    BULK_GET_ATTACHMENTS,
    COMMENT,
    check_ids,
    check_text,
    trimmed,
)
from kibcase.client.status import StatusApi
from kibcase.errors import InvalidValue
from kibcase.models.attachment import Attachment, BulkGetAttachmentError, BulkGetAttachments
from kibcase.models.attachment_request import (
    ActionsRequest,
    AlertRequest,
    AttachmentRequest,
    CommentRequest,
    EventRequest,
)
from kibcase.models.case import Case, ResolvedCase
from kibcase.models.unified import UnifiedRequest
from kibcase.transport import Request, Transport

Attachable = AttachmentRequest | Mapping[str, Any]
AnyAttachable = Attachable | UnifiedRequest
_CASE = TypeAdapter(Case)
_BULK = TypeAdapter(BulkGetAttachments)
_RESOLVED = TypeAdapter(ResolvedCase)


class AttachmentsApi(AttachmentCalls):
    """``kibana.attachments``. Every method can raise the errors of ``Transport.send``.

    What is to be attached is an ``AttachmentRequest``, or a mapping in Kibana's own spelling. Reading one and
    deleting: ``kibana.comments``; files: ``kibana.files``; ``unified`` is the newer API.
    """

    def __init__(self, transport: Transport, status: StatusApi) -> None:
        super().__init__(transport, status)
        self.unified = UnifiedAttachmentsApi(transport, status)

    def all(self, case: Case | str) -> list[Attachment]:
        """Read every attachment of a case, of all kinds, oldest first (GET /api/cases/{id}/resolve).

        It is the one call of Kibana that lists them on every stack, in one answer. Raises ``NotFoundError``.
        """
        path = f"/api/cases/{segment(case_id_of(case))}/resolve"
        request = Request(method="GET", path=path, query=[("includeComments", "true")], internal=True)
        return list(decode(self._send(request), _RESOLVED).case.comments or ())

    def create(self, case: Case | str, attachment: Attachable, owner: str | None = None) -> Case:
        """Attach one thing and return the case with all attachments (POST /api/cases/{id}/comments).

        ``owner`` is that of the case; it may be left out when a ``Case`` is given. Never repeated by itself.
        Raises ``LimitError``, ``UnsupportedByStack`` (events need 9.2), ``BadRequestError`` for a type that
        is not registered and for alerts and events on a closed case, ``NotFoundError``.
        """
        case_id, owner = case_and_owner(case, owner)
        body = self._body(attachment, owner)
        request = Request(method="POST", path=f"/api/cases/{segment(case_id)}/comments", json=body)
        return decode(self._send(request), _CASE)

    def create_many(
        self, case: Case | str, attachments: Sequence[AnyAttachable], owner: str | None = None, *,
        max_bytes: int = BODY_BYTES,
    ) -> BatchReport[AnyAttachable]:
        """Attach many things and report on each (POST /internal/cases/{id}/attachments/_bulk_create).

        At most 100 go into one request, and at most ``max_bytes`` of JSON: Kibana's ``server.maxPayload``.
        Kibana stores all of one request or none. All are checked before the first is sent. Unified shapes
        (``UnifiedReference``, ``UnifiedValue``) may be among them since stack 9.5.

        What Kibana refuses is in the report, request by request; what would stop every request is raised
        (``PermissionDenied``, ``ConnectionFailed``, ...) if it happens before anything was stored. Raises what
        ``create`` raises before sending.
        """
        case_id, owner = case_and_owner(case, owner)
        parts = [encoded(self._body(each, owner)) for each in attachments]
        path = f"/internal/cases/{segment(case_id)}/attachments/_bulk_create"

        def send(run: range) -> None:
            body = b"[" + b",".join(parts[run.start : run.stop]) + b"]"
            request = Request(method="POST", path=path, body=body, content_type="application/json", internal=True)
            self._send(request)

        runs = split([len(part) for part in parts], most=BULK_CREATE_ATTACHMENTS, room=max_bytes)
        return carry_out(list(attachments), runs, send)

    def get_many(self, case: Case | str, attachment_ids: Sequence[str]) -> BulkGetAttachments:
        """Read attachments by id, 100 in a request (POST /internal/cases/{id}/attachments/_bulk_get).

        Those that are missing, of another case or not allowed are among the ``errors``.
        """
        ids = list(dict.fromkeys(attachment_ids))
        path = f"/internal/cases/{segment(case_id_of(case))}/attachments/_bulk_get"
        found: list[Attachment] = []
        errors: list[BulkGetAttachmentError] = []
        for run in by_count(len(ids), BULK_GET_ATTACHMENTS):
            body = {"ids": ids[run.start : run.stop]}
            request = Request(method="POST", path=path, json=body, internal=True, idempotent=True)
            answer = decode(self._send(request), _BULK)
            found += answer.attachments
            errors += answer.errors
        return BulkGetAttachments(attachments=found, errors=errors)

    def timeline_link(self, title: str, timeline_id: str, *, graph_event_id: str | None = None) -> str:
        """Return a Markdown link to a timeline of Elastic Security in this space, for a comment or description.

        Kibana shows it as a timeline; there is no attachment of its own for it in the legacy API.
        """
        space = f"/s/{self._transport.space}" if self._transport.space else ""
        return timeline_link(f"{self._transport.url}{space}", title, timeline_id, graph_event_id)

    def _body(self, attachment: AnyAttachable, owner: str) -> dict[str, Any]:
        if isinstance(attachment, AttachmentRequest | UnifiedRequest):
            body = attachment.to_request(owner)
        else:
            body = {**attachment, "owner": attachment.get("owner", owner)}
        check_attachment(attachment)
        if isinstance(attachment, UnifiedRequest):
            require_support(["unified attachments"], self._status.comparable_version)
        if body.get("type") == "event":
            require_support(["event"], self._status.comparable_version)
        return body


def check_attachment(attachment: AnyAttachable) -> None:
    """Raise ``LimitError`` or ``InvalidValue`` for what Kibana would refuse. Mappings are left to Kibana. Pure."""
    match attachment:
        case CommentRequest(comment=text) | ActionsRequest(comment=text):
            check_text("comment", text, COMMENT)
        case AlertRequest(alert_ids=ids, indices=indices):
            check_pairs("alerts", ids, indices)
        case EventRequest(event_ids=ids, indices=indices):
            check_pairs("events", ids, indices)


def check_pairs(name: str, ids: Sequence[str], indices: Sequence[str]) -> None:
    """Raise ``InvalidValue`` for none, blank ones, or ids without their index, ``LimitError`` beyond 1000."""
    check_ids(name, ids, ALERTS_PER_CASE)
    if not all(trimmed(each) for each in [*ids, *indices]):
        raise InvalidValue(f"one of the {name} has a blank id or index")
    if len(indices) != len(ids):
        raise InvalidValue(f"{len(ids)} {name} but {len(indices)} indices")


def timeline_link(base: str, title: str, timeline_id: str, graph_event_id: str | None = None) -> str:
    """Return the Markdown link to a timeline; ``base`` is Kibana's address with the space. Pure."""
    graph = f",graphEventId:%27{quote(graph_event_id, safe='')}%27" if graph_event_id else ""
    text = title.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    escaped = quote(timeline_id, safe="")
    return f"[{text}]({base}/app/security/timelines?timeline=(id:%27{escaped}%27{graph},isOpen:!t))"
