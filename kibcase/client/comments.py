"""Comments, and attachments of every kind, of a case (Kibana Cases API, /api/cases/{id}/comments)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.client.answers import decode
from kibcase.client.filters import SortOrder
from kibcase.client.limits import COMMENT, check_text
from kibcase.errors import InvalidAnswer
from kibcase.models.attachment import Attachment, FoundComments, UserComment
from kibcase.models.case import Case
from kibcase.paging import MAX_PER_PAGE, Page, check_page, walk
from kibcase.transport import Request, Transport

_CASE = TypeAdapter(Case)
_FOUND = TypeAdapter(FoundComments)
_ATTACHMENT: TypeAdapter[Attachment] = TypeAdapter(Attachment)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class CommentsApi:
    """``kibana.comments``. Every method can raise the errors of ``Transport.send``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def add(self, case: Case | str, comment: str, owner: str | None = None) -> UserComment:
        """Comment on a case and return the comment (POST /api/cases/{id}/comments). Never repeated by itself.

        ``owner`` is that of the case; it may be left out when a ``Case`` is given. Kibana answers with
        the whole case and does not say which comment is new: it is found without another request, as the
        newest one with this text by the user who last updated the case.

        Raises ``LimitError`` beyond 30,000 characters, ``NotFoundError``.
        """
        case_id, owner = _case_and_owner(case, owner)
        check_text("comment", comment, COMMENT)
        after = self._write("POST", case_id, {"type": "user", "comment": comment, "owner": owner})
        return newest_comment(after, comment)

    def find(
        self, case_id: str, *, page: int = 1, per_page: int = 20, sort_order: SortOrder = "asc"
    ) -> FoundComments:
        """Read one page of at most 100 attachments of every kind (GET .../comments/_find), by time of creation."""
        check_page(page, per_page)
        query = [("page", str(page)), ("perPage", str(per_page)), ("sortOrder", sort_order)]
        request = Request(method="GET", path=f"{_path(case_id)}/_find", query=query)
        return decode(self._transport.send(request), _FOUND)

    def iter(
        self, case_id: str, *, per_page: int = MAX_PER_PAGE, sort_order: SortOrder = "asc"
    ) -> Iterator[Attachment]:
        """Yield all attachments of a case; pages are fetched as they are needed."""

        def fetch(page: int, size: int) -> Page[Attachment]:
            found = self.find(case_id, page=page, per_page=size, sort_order=sort_order)
            return Page(items=found.comments, total=found.total)

        return walk(fetch, key=lambda attachment: attachment.id or id(attachment), per_page=per_page)

    def get(self, case_id: str, comment_id: str) -> Attachment:
        """Read one attachment (GET .../comments/{id}); raises ``NotFoundError``."""
        request = Request(method="GET", path=f"{_path(case_id)}/{segment(comment_id)}")
        return decode(self._transport.send(request), _ATTACHMENT)

    def update(self, case_id: str, comment: UserComment, text: str) -> UserComment:
        """Replace the text of a comment and return it as it is now (PATCH .../comments).

        Raises ``ConflictError`` if the comment has changed since it was read, ``NotFoundError``,
        ``LimitError``.
        """
        check_text("comment", text, COMMENT)
        body = {
            "id": comment.id, "version": comment.version, "type": "user", "comment": text, "owner": comment.owner,
        }
        after = self._write("PATCH", case_id, body)
        for each in after.comments or ():
            if isinstance(each, UserComment) and each.id == comment.id:
                return each
        raise _not_told("PATCH", case_id)

    def delete(self, case_id: str, comment_id: str) -> None:
        """Delete one attachment (DELETE .../comments/{id}); raises ``NotFoundError``."""
        self._transport.send(Request(method="DELETE", path=f"{_path(case_id)}/{segment(comment_id)}"))

    def delete_all(self, case_id: str) -> None:
        """Delete all attachments of a case (DELETE .../comments); raises ``NotFoundError`` if there are none."""
        self._transport.send(Request(method="DELETE", path=_path(case_id)))

    def _write(self, method: str, case_id: str, body: dict[str, Any]) -> Case:
        return decode(self._transport.send(Request(method=method, path=_path(case_id), json=body)), _CASE)


def newest_comment(case: Case, text: str) -> UserComment:
    """Find the comment that was just added in the answer: the newest with this text by the last updater.

    Raises ``InvalidAnswer`` if there is none.
    """
    # Half a surrogate pair cannot be stored; JSON parsers make it the replacement character.
    wanted = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").strip()
    mine = [
        each for each in case.comments or ()
        if isinstance(each, UserComment) and each.comment.strip() == wanted
        and (case.updated_by is None or each.created_by is None or _same_user(case, each))
    ]
    if not mine:
        raise _not_told("POST", case.id)
    # max keeps the first of equals; of two that were made in the same millisecond the later in the list is newer.
    return max(reversed(mine), key=lambda each: each.created_at or _LONG_AGO)


def _same_user(case: Case, comment: UserComment) -> bool:
    updater, author = case.updated_by, comment.created_by
    return updater is not None and author is not None and updater.username == author.username


def _case_and_owner(case: Case | str, owner: str | None) -> tuple[str, str]:
    if isinstance(case, Case):
        return case.id, owner or case.owner
    if owner is None:
        raise ValueError("name the owner of the case, or give the Case itself")
    return case, owner


def _path(case_id: str) -> str:
    return f"/api/cases/{segment(case_id)}/comments"


def _not_told(method: str, case_id: str) -> InvalidAnswer:
    return InvalidAnswer("the answer does not hold the comment", method=method, path=_path(case_id), status=200)
