"""Attachments in the unified shape (Kibana Cases API, /api/cases/{id}/attachments), since stack 9.5."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.client.answers import decode
from kibcase.client.attachments_calls import AttachmentCalls, case_and_owner, case_id_of
from kibcase.client.filters import Many, SortOrder
from kibcase.client.limits import ATTACHMENT_TYPES_FILTER, COMMENT, check_count, check_text
from kibcase.models.case import Case
from kibcase.models.unified import (
    FoundUnifiedAttachments,
    UnifiedAttachment,
    UnifiedReference,
    UnifiedValue,
)
from kibcase.paging import MAX_PER_PAGE, Page, check_page, walk
from kibcase.transport import Request

_ONE = TypeAdapter(UnifiedAttachment)
_FOUND = TypeAdapter(FoundUnifiedAttachments)


class UnifiedAttachmentsApi(AttachmentCalls):
    """``kibana.attachments.unified``: a technical preview since stack 9.5.

    Every method can raise the errors of ``Transport.send``, and ``UnsupportedByStack`` where it is missing.
    """

    def create(
        self, case: Case | str, attachment: UnifiedReference | UnifiedValue, owner: str | None = None
    ) -> UnifiedAttachment:
        """Attach one thing and return it as it is stored (POST). Never repeated by itself.

        Of alerts and events that are on the case already, the attachment that holds them comes back.
        Raises ``LimitError``, ``BadRequestError`` for a type that is not registered, ``NotFoundError``.
        """
        case_id, owner = case_and_owner(case, owner)
        _check(attachment)
        body = attachment.to_request(owner)
        return decode(self._send(Request(method="POST", path=_path(case_id), json=body, internal=True)), _ONE)

    def find(
        self, case: Case | str, *, types: Many | None = None, page: int = 1, per_page: int = 20,
        sort_order: SortOrder = "asc",
    ) -> FoundUnifiedAttachments:
        """Read one page of at most 100 attachments by time of creation (GET), of ``types`` (at most 20) or all.

        A case of an owner that the user may not read gives an empty page, not an error.
        """
        check_page(page, per_page)
        wanted = [types] if isinstance(types, str) else list(types or ())
        check_count("types of attachments", wanted, ATTACHMENT_TYPES_FILTER)
        query = [("page", str(page)), ("perPage", str(per_page)), ("sortOrder", sort_order)]
        query += [("type", each) for each in wanted]
        request = Request(method="GET", path=_path(case), query=query, internal=True)
        return decode(self._send(request), _FOUND)

    def iter(
        self, case: Case | str, *, types: Many | None = None, per_page: int = MAX_PER_PAGE,
        sort_order: SortOrder = "asc",
    ) -> Iterator[UnifiedAttachment]:
        """Yield the attachments of a case, of ``types`` or all, each once, as ``kibana.cases.iter`` does."""

        def fetch(page: int, size: int) -> Page[UnifiedAttachment]:
            found = self.find(case, types=types, page=page, per_page=size, sort_order=sort_order)
            return Page(items=found.attachments, total=found.total)

        return walk(fetch, key=lambda attachment: attachment.id, per_page=per_page)

    def get(self, case: Case | str, attachment_id: str) -> UnifiedAttachment:
        """Read one attachment (GET); raises ``NotFoundError``, also for one of another case."""
        return decode(self._send(Request(method="GET", path=_path(case, attachment_id), internal=True)), _ONE)

    def replace(
        self, case: Case | str, stored: UnifiedAttachment, attachment: UnifiedReference | UnifiedValue
    ) -> UnifiedAttachment:
        """Put ``attachment`` in the place of ``stored`` and return it as it is now (PUT).

        Type and owner are fixed. Raises ``ConflictError`` if it has changed since ``stored`` was read,
        ``BadRequestError`` for another type, ``NotFoundError``, ``LimitError``.
        """
        _check(attachment)
        _, owner = case_and_owner(case, stored.owner)
        body = {**attachment.to_request(owner), "version": stored.version}
        request = Request(method="PUT", path=_path(case, stored.id), json=body, internal=True)
        return decode(self._send(request), _ONE)

    def delete(self, case: Case | str, attachment_id: str) -> None:
        """Delete one attachment (DELETE); raises ``NotFoundError``."""
        self._send(Request(method="DELETE", path=_path(case, attachment_id), internal=True))

    def delete_all(self, case: Case | str) -> None:
        """Delete all attachments of a case (DELETE); raises ``NotFoundError`` if there are none."""
        self._send(Request(method="DELETE", path=_path(case), internal=True))


def _check(attachment: UnifiedReference | UnifiedValue) -> None:
    if isinstance(attachment, UnifiedValue) and attachment.type == "comment":
        check_text("comment", str(attachment.data.get("content", "")), COMMENT)


def _path(case: Case | str, attachment_id: str | None = None) -> str:
    base = f"/api/cases/{segment(case_id_of(case))}/attachments"
    return base if attachment_id is None else f"{base}/{segment(attachment_id)}"
