"""The activity of a case (Kibana Cases API, /api/cases/{id}/user_actions)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.client.answers import decode
from kibcase.client.filters import SortOrder
from kibcase.models.user_action import FoundUserActions, UserAction
from kibcase.paging import MAX_PER_PAGE, Page, check_page, walk
from kibcase.transport import Request, Transport

_FOUND = TypeAdapter(FoundUserActions)


class UserActionsApi:
    """``kibana.user_actions``. Every method can raise the errors of ``Transport.send``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def find(
        self, case_id: str, *, types: Sequence[str] = (), order: SortOrder = "asc", page: int = 1,
        per_page: int = 20,
    ) -> FoundUserActions:
        """Read one page of at most 100 entries, by time (GET .../user_actions/_find).

        ``types`` keeps to types of entries ("status", "tags", ...) or to the groups "action" (all but
        comments), "user" (new comments), "alert" and "attachment"; none given means all.
        """
        check_page(page, per_page)
        query = [("page", str(page)), ("perPage", str(per_page)), ("sortOrder", order)]
        query += [("types", each) for each in types]
        path = f"/api/cases/{segment(case_id)}/user_actions/_find"
        return decode(self._transport.send(Request(method="GET", path=path, query=query)), _FOUND)

    def iter(
        self, case_id: str, *, types: Sequence[str] = (), order: SortOrder = "asc", per_page: int = MAX_PER_PAGE
    ) -> Iterator[UserAction]:
        """Yield all entries; pages are fetched as they are needed."""

        def fetch(page: int, size: int) -> Page[UserAction]:
            found = self.find(case_id, types=types, order=order, page=page, per_page=size)
            return Page(items=found.user_actions, total=found.total)

        return walk(fetch, key=lambda entry: entry.id, per_page=per_page)
