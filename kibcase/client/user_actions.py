"""The activity of a case, and who took part in it (Kibana Cases API, /api/cases/{id}/user_actions)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.client.answers import decode
from kibcase.client.attachments_calls import case_id_of
from kibcase.client.features import require_activity, require_support
from kibcase.client.filters import SortOrder
from kibcase.client.limits import USER_ACTION_AUTHORS, USER_ACTION_SEARCH, check_count, check_text
from kibcase.client.status import StatusApi
from kibcase.models.case import Case
from kibcase.models.connector import UsedConnector
from kibcase.models.profile import CaseUsers
from kibcase.models.user_action import FoundUserActions, UserAction, UserActionStats
from kibcase.paging import MAX_PER_PAGE, Page, check_page, walk
from kibcase.transport import Request, Transport

_FOUND = TypeAdapter(FoundUserActions)
_STATS = TypeAdapter(UserActionStats)
_USERS = TypeAdapter(CaseUsers)
_CONNECTORS = TypeAdapter(dict[str, UsedConnector])


class UserActionsApi:
    """``kibana.user_actions``. Every method can raise the errors of ``Transport.send``."""

    def __init__(self, transport: Transport, status: StatusApi) -> None:
        self._transport = transport
        self._status = status

    def find(
        self, case: Case | str, *, types: Sequence[str] = (), sort_order: SortOrder = "asc", page: int = 1,
        per_page: int = 20,
    ) -> FoundUserActions:
        """Read one page of at most 100 entries, by time (GET .../user_actions/_find).

        ``types`` keeps to types of entries ("status", "tags", ...) or to the groups "action" (all but
        comments), "user" (new comments), "alert" and "attachment"; none given means all. Raises
        ``UnsupportedByStack`` for a type that the stack is too old for ("observables": 8.18; "template" and
        "extended_fields": 9.4), ``LimitError``.
        """
        check_page(page, per_page)
        require_activity(types, self._status.comparable_version)
        query = [("page", str(page)), ("perPage", str(per_page)), ("sortOrder", sort_order)]
        query += [("types", each) for each in types]
        path = f"/api/cases/{segment(case_id_of(case))}/user_actions/_find"
        return decode(self._transport.send(Request(method="GET", path=path, query=query)), _FOUND)

    def iter(
        self, case: Case | str, *, types: Sequence[str] = (), sort_order: SortOrder = "asc",
        per_page: int = MAX_PER_PAGE,
    ) -> Iterator[UserAction]:
        """Yield all entries, each once, as ``kibana.cases.iter`` does; raises what ``find`` raises."""

        def fetch(page: int, size: int) -> Page[UserAction]:
            found = self.find(case, types=types, sort_order=sort_order, page=page, per_page=size)
            return Page(items=found.user_actions, total=found.total)

        return walk(fetch, key=lambda entry: entry.id, per_page=per_page)

    def search(
        self, case: Case | str, *, text: str | None = None, authors: Sequence[str] = (), types: Sequence[str] = (),
        sort_order: SortOrder = "asc", page: int = 1, per_page: int = 20,
    ) -> FoundUserActions:
        """Read one page of entries with the comments they are about (GET /internal/cases/{id}/user_actions/_find).

        Since stack 9.5 also by ``text`` (at most 256 characters; Kibana looks at the newest 5000 entries) and
        ``authors`` (at most 100). ``types`` as in ``find``. Raises ``LimitError``, ``UnsupportedByStack``.
        """
        check_page(page, per_page)
        require_activity(types, self._status.comparable_version)
        check_count("authors", authors, USER_ACTION_AUTHORS)
        query = [("page", str(page)), ("perPage", str(per_page)), ("sortOrder", sort_order)]
        query += [("types", each) for each in types]
        query += [("authors", each) for each in authors]
        if text is not None:
            check_text("search", text, USER_ACTION_SEARCH)
            query.append(("search", text))
        if authors or text is not None:
            require_support({"authors"}, self._status.comparable_version)
        path = f"/internal/cases/{segment(case_id_of(case))}/user_actions/_find"
        return decode(self._transport.send(Request(method="GET", path=path, query=query, internal=True)), _FOUND)

    def stats(self, case: Case | str) -> UserActionStats:
        """Count the entries of a case (GET /internal/cases/{id}/user_actions/_stats)."""
        path = f"/internal/cases/{segment(case_id_of(case))}/user_actions/_stats"
        return decode(self._transport.send(Request(method="GET", path=path, internal=True)), _STATS)

    def users(self, case: Case | str) -> CaseUsers:
        """Return who took part in a case, and who is and was assigned (GET /internal/cases/{id}/_users)."""
        path = f"/internal/cases/{segment(case_id_of(case))}/_users"
        return decode(self._transport.send(Request(method="GET", path=path, internal=True)), _USERS)

    def connectors(self, case: Case | str) -> dict[str, UsedConnector]:
        """Return the connectors that a case has or had, by id (GET /internal/cases/{id}/_connectors).

        ``push`` tells whether it was pushed there, and whether something changed since that a push would send.
        """
        path = f"/internal/cases/{segment(case_id_of(case))}/_connectors"
        return decode(self._transport.send(Request(method="GET", path=path, internal=True)), _CONNECTORS)

    def needs_push(self, case: Case | str, connector_id: str) -> bool:
        """Whether a push to the connector would send something new; True if it was never pushed there."""
        used = self.connectors(case).get(connector_id)
        return used is None or used.push.needs_to_be_pushed
