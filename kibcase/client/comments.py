"""Comments of a case, and reading and deleting attachments of every kind (/api/cases/{id}/comments)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from kibcase.address import segment, well_formed
from kibcase.client.answers import decode
from kibcase.client.attachments_calls import AttachmentCalls, case_and_owner, case_id_of
from kibcase.client.batches import BatchReport, by_count, carry_out
from kibcase.client.endpoints import endpoint_of
from kibcase.client.filters import SortOrder
from kibcase.client.limits import COMMENT, DELETE_ATTACHMENTS, check_text, trimmed
from kibcase.errors import EndpointNotFound, InvalidAnswer
from kibcase.models.attachment import Attachment, FoundComments, UserComment
from kibcase.models.case import Case
from kibcase.paging import MAX_PER_PAGE, Page, check_page, walk
from kibcase.transport import Request

_CASE = TypeAdapter(Case)
_FOUND = TypeAdapter(FoundComments)
_ATTACHMENT: TypeAdapter[Attachment] = TypeAdapter(Attachment)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class CommentsApi(AttachmentCalls):
    """``kibana.comments``. Every method can raise the errors of ``Transport.send``.

    A case can be given as ``Case`` or by its id. ``find`` and ``iter`` tell of the comments that people wrote, for
    that is what Kibana lists here (everything else: ``kibana.attachments.all``); ``get`` and the ``delete`` methods
    work on attachments of all kinds.
    """

    def add(self, case: Case | str, comment: str, owner: str | None = None) -> UserComment:
        """Comment on a case and return the comment (POST /api/cases/{id}/comments). Never repeated by itself.

        ``owner`` is that of the case; it may be left out when a ``Case`` is given. Kibana answers with
        the whole case and does not say which comment is new: it is found without another request, as the
        newest one with this text by the user who last updated the case.

        Raises ``LimitError`` beyond 30,000 characters, ``NotFoundError``.
        """
        case_id, owner = case_and_owner(case, owner)
        check_text("comment", comment, COMMENT)
        after = self._write("POST", case_id, {"type": "user", "comment": comment, "owner": owner})
        return newest_comment(after, comment)

    def find(
        self, case: Case | str, *, page: int = 1, per_page: int = 20, sort_order: SortOrder = "asc"
    ) -> FoundComments:
        """Read one page of at most 100 user comments (GET .../comments/_find), by time of creation."""
        check_page(page, per_page)
        query = [("page", str(page)), ("perPage", str(per_page)), ("sortOrder", sort_order)]
        request = Request(method="GET", path=f"{_path(case)}/_find", query=query)
        return decode(self._send(request), _FOUND)

    def iter(
        self, case: Case | str, *, per_page: int = MAX_PER_PAGE, sort_order: SortOrder = "asc"
    ) -> Iterator[Attachment]:
        """Yield all user comments of a case, each once, as ``kibana.cases.iter`` does; the loop may delete them."""

        def fetch(page: int, size: int) -> Page[Attachment]:
            found = self.find(case, page=page, per_page=size, sort_order=sort_order)
            return Page(items=found.comments, total=found.total)

        return walk(fetch, key=lambda attachment: attachment.id or repr(attachment), per_page=per_page)

    def get(self, case: Case | str, comment_id: str) -> Attachment:
        """Read one attachment (GET .../comments/{id}); raises ``NotFoundError``."""
        request = Request(method="GET", path=f"{_path(case)}/{segment(comment_id)}")
        return decode(self._send(request), _ATTACHMENT)

    def update(self, case: Case | str, comment: UserComment, text: str) -> UserComment:
        """Replace the text of a comment and return it as it is now (PATCH .../comments).

        Raises ``ConflictError`` if the comment has changed since it was read, ``NotFoundError``,
        ``LimitError``.
        """
        check_text("comment", text, COMMENT)
        body = {
            "id": comment.id, "version": comment.version, "type": "user", "comment": text, "owner": comment.owner,
        }
        after = self._write("PATCH", case_id_of(case), body)
        for each in after.comments or ():
            if isinstance(each, UserComment) and each.id == comment.id:
                return each
        raise _not_told("PATCH", case_id_of(case))

    def delete(self, case: Case | str, comment_id: str) -> None:
        """Delete one attachment (DELETE .../comments/{id}); raises ``NotFoundError``."""
        self._send(Request(method="DELETE", path=f"{_path(case)}/{segment(comment_id)}"))

    def delete_all(self, case: Case | str) -> None:
        """Delete all attachments of a case (DELETE .../comments); raises ``NotFoundError`` if there are none."""
        self._send(Request(method="DELETE", path=_path(case)))

    def delete_many(self, case: Case | str, comment_ids: Sequence[str]) -> BatchReport[str]:
        """Delete attachments by id and report on each.

        Since stack 9.5 with one request for 100 of them (POST .../comments/_bulk_delete), of which Kibana
        deletes none if one is not on the case; on older stacks with a request for each.

        What is wrong with some ids is in the report; what would stop all of them is raised
        (``PermissionDenied``, ``ConnectionFailed``, ...) if it happens before anything was deleted.
        """
        ids = list(dict.fromkeys(comment_ids))

        def one(run: range) -> None:
            self.delete(case, ids[run.start])

        def several(run: range) -> None:
            body = {"ids": ids[run.start : run.stop]}
            self._send(Request(method="POST", path=f"{_path(case)}/_bulk_delete", json=body))

        if ids and self._deletes_in_bulk():
            # A stack that does not tell its version may lack the endpoint; then nothing was deleted yet.
            with suppress(EndpointNotFound):
                return carry_out(ids, by_count(len(ids), DELETE_ATTACHMENTS), several)
        return carry_out(ids, by_count(len(ids), 1), one)

    @staticmethod
    def quote(comment: UserComment | str) -> str:
        """Return the text as a Markdown quotation to which an answer can be added, as Kibana's Quote button does."""
        return quotation(comment if isinstance(comment, str) else comment.comment)

    def _deletes_in_bulk(self) -> bool:
        version = self._status.comparable_version()
        fact = endpoint_of("POST", "/api/cases/x/comments/_bulk_delete")
        return version is None or fact is None or fact.is_in(version)

    def _write(self, method: str, case_id: str, body: dict[str, Any]) -> Case:
        return decode(self._send(Request(method=method, path=_path(case_id), json=body)), _CASE)


def quotation(text: str) -> str:
    """Put "> " before each line of ``text``, and an empty line after it. Pure."""
    lines = re.split(r"\r\n|\r|\n", text.strip("\r\n"))
    return "".join(f"> {line}".rstrip() + "\n" for line in lines) + "\n"


def newest_comment(case: Case, text: str) -> UserComment:
    """Find the comment that was just added in the answer: the newest with this text by the last updater.

    Raises ``InvalidAnswer`` if there is none.
    """
    wanted = trimmed(well_formed(text))
    mine = [
        each for each in case.comments or ()
        if isinstance(each, UserComment) and trimmed(each.comment) == wanted
        and (case.updated_by is None or each.created_by is None or _same_user(case, each))
    ]
    if not mine:
        raise _not_told("POST", case.id)
    # max keeps the first of equals; of two that were made in the same millisecond the later in the list is newer.
    return max(reversed(mine), key=lambda each: each.created_at or _LONG_AGO)


def _same_user(case: Case, comment: UserComment) -> bool:
    updater, author = case.updated_by, comment.created_by
    return updater is not None and author is not None and updater.username == author.username


def _path(case: Case | str) -> str:
    return f"/api/cases/{segment(case_id_of(case))}/comments"


def _not_told(method: str, case_id: str) -> InvalidAnswer:
    return InvalidAnswer("the answer does not hold the comment", method=method, path=_path(case_id), status=200)
