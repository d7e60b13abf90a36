"""Read, find, search and count cases (Kibana Cases API)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Unpack

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.client.answers import decode
from kibcase.client.attachments_calls import case_id_of
from kibcase.client.case_calls import CaseCalls
from kibcase.client.features import SEARCHES_DEEP, require_support
from kibcase.client.filters import (
    Filters,
    Many,
    SearchFilters,
    SortField,
    SortOrder,
    filter_keys,
    find_query,
    owner_query,
    search_body,
    search_keys,
    spelled,
)
from kibcase.models.case import (
    BulkGetResult,
    Case,
    FoundCases,
    FoundSimilarCases,
    ResolvedCase,
    SimilarCase,
    StatusCounts,
)
from kibcase.models.user import User
from kibcase.paging import MAX_PER_PAGE, Page, check_page, walk
from kibcase.transport import Request, Response

_FOUND = TypeAdapter(FoundCases)
_SIMILAR = TypeAdapter(FoundSimilarCases)
_RESOLVED = TypeAdapter(ResolvedCase)
_STRINGS = TypeAdapter(list[str])
_USERS = TypeAdapter(list[User])
_SEARCHED = ("title", "description")
_NARROW = "Narrow the search, for example with created_from and created_to."


class CaseReads(CaseCalls):
    """The reading half of ``kibana.cases``."""

    def resolve(self, case_id: str) -> ResolvedCase:
        """Read a case by an id that may be of a Kibana 7 (GET /api/cases/{id}/resolve).

        Raises ``NotFoundError``.
        """
        path = f"/api/cases/{segment(case_id)}/resolve"
        query = [("includeComments", "false")]
        resolved = decode(self._transport.send(Request(method="GET", path=path, query=query, internal=True)), _RESOLVED)
        self._bind([resolved.case])
        return resolved

    def find(
        self, *, page: int = 1, per_page: int = 20, sort_field: SortField = "createdAt",
        sort_order: SortOrder = "desc", **filters: Unpack[Filters],
    ) -> FoundCases:
        """Find cases, one page of at most 100 (GET /api/cases/_find); filters as in ``Filters``.

        Raises ``LimitError`` for a page beyond the first 10,000 cases.
        """
        check_page(page, per_page)
        query = find_query(filters, page=page, per_page=per_page, sort_field=sort_field, sort_order=sort_order)
        require_support(filter_keys(filters), self._status.comparable_version)
        found = decode(self._transport.send(Request(method="GET", path="/api/cases/_find", query=query)), _FOUND)
        self._bind(found.cases)
        return found

    def iter(
        self, *, per_page: int = MAX_PER_PAGE, sort_field: SortField = "createdAt",
        sort_order: SortOrder = "desc", **filters: Unpack[Filters],
    ) -> Iterator[Case]:
        """Yield every case that matches, each once; pages are fetched as they are needed.

        The loop may change the cases: those that do not match any more, and those of others, hide none. A list that
        became shorter meanwhile, or in which cases moved, is read once more for what was not yielded yet.

        Raises ``LimitError`` after the first 10,000 cases if there are more.
        """

        def fetch(page: int, size: int) -> Page[Case]:
            found = self.find(
                page=page, per_page=size, sort_field=sort_field, sort_order=sort_order, **filters
            )
            return Page(items=found.cases, total=found.total)

        return walk(fetch, key=lambda case: case.id, per_page=per_page, advice=_NARROW)

    def search(
        self, *, owner: Many, page: int = 1, per_page: int = 20, sort_field: SortField = "createdAt",
        sort_order: SortOrder = "desc", **filters: Unpack[SearchFilters],
    ) -> FoundCases:
        """Search cases, one page of at most 100 (POST /internal/cases/_search); filters as in ``SearchFilters``.

        Unlike ``find`` it filters by custom and extended fields and, since stack 9.3, looks into comments,
        alert ids and observables: name them in ``search_fields``, for it is title and description that are searched
        without. Filtering by custom fields takes exactly one ``owner``.

        Raises ``LimitError`` for a page beyond the first 10,000 cases, ``UnsupportedByStack``.
        """
        check_page(page, per_page)
        body = search_body(
            filters, owner, page=page, per_page=per_page, sort_field=sort_field, sort_order=sort_order
        )
        if fields := body.get("searchFields") or (_SEARCHED if body.get("search") else ()):
            version = self._status.comparable_version()
            body["searchFields"] = spelled(fields, deep=version is None or version >= SEARCHES_DEEP)
        require_support(search_keys(body), self._status.comparable_version)
        found = decode(self._post("/internal/cases/_search", body), _FOUND)
        self._bind(found.cases)
        return found

    def iter_search(
        self, *, owner: Many, per_page: int = MAX_PER_PAGE, sort_field: SortField = "createdAt",
        sort_order: SortOrder = "desc", **filters: Unpack[SearchFilters],
    ) -> Iterator[Case]:
        """Yield every case that a search finds, each once; like ``iter``, also when the loop changes them."""

        def fetch(page: int, size: int) -> Page[Case]:
            found = self.search(
                owner=owner, page=page, per_page=size, sort_field=sort_field, sort_order=sort_order, **filters
            )
            return Page(items=found.cases, total=found.total)

        return walk(fetch, key=lambda case: case.id, per_page=per_page, advice=_NARROW)

    def similar(self, case: Case | str, *, page: int = 1, per_page: int = 20) -> FoundSimilarCases:
        """Find cases of the same owner that share an observable (POST /internal/cases/{id}/_similar).

        One page of at most 100. Since stack 8.18; Platinum. Raises ``LicenseRequired``, ``NotFoundError``.
        """
        check_page(page, per_page)
        path = f"/internal/cases/{segment(case_id_of(case))}/_similar"
        found = decode(self._post(path, {"page": page, "perPage": per_page}), _SIMILAR)
        self._bind(found.cases)
        return found

    def iter_similar(self, case: Case | str, *, per_page: int = MAX_PER_PAGE) -> Iterator[SimilarCase]:
        """Yield every case that shares an observable with this one; like ``similar``."""

        def fetch(page: int, size: int) -> Page[SimilarCase]:
            found = self.similar(case, page=page, per_page=size)
            return Page(items=found.cases, total=found.total)

        return walk(fetch, key=lambda found: found.id, per_page=per_page)

    def bulk_get(self, ids: Sequence[str]) -> BulkGetResult:
        """Read cases by their ids (POST /internal/cases/_bulk_get), up to 1000 and 1 MiB in one request.

        A case that is missing or not allowed is an entry of ``errors``. Raises ``LimitError`` for an id that fits
        into no request.
        """
        result = self._read_many(ids)
        self._bind(result.cases)
        return result

    def counts(self, **filters: Unpack[Filters]) -> StatusCounts:
        """Count cases by status (from GET /api/cases/_find); filters on status and search do not apply."""
        found = self.find(per_page=1, **filters)
        return StatusCounts(
            open=found.count_open_cases, in_progress=found.count_in_progress_cases, closed=found.count_closed_cases
        )

    def tags(self, *, owner: Many | None = None) -> list[str]:
        """Return the tags in use (GET /api/cases/tags)."""
        return decode(self._list("/api/cases/tags", owner), _STRINGS)

    def reporters(self, *, owner: Many | None = None) -> list[User]:
        """Return who created cases (GET /api/cases/reporters)."""
        return decode(self._list("/api/cases/reporters", owner), _USERS)

    def categories(self, *, owner: Many | None = None) -> list[str]:
        """Return the categories in use (GET /internal/cases/categories)."""
        return decode(self._list("/internal/cases/categories", owner, internal=True), _STRINGS)

    def _list(self, path: str, owner: Many | None, *, internal: bool = False) -> Response:
        return self._transport.send(Request(method="GET", path=path, query=owner_query(owner), internal=internal))
