"""Create, read, find, change and delete cases (Kibana Cases API, /api/cases)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Unpack

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.client.answers import decode
from kibcase.client.changes import CaseChange, Changes, UpdateResult, fields_to_api, keys_of
from kibcase.client.features import explain, require_support
from kibcase.client.filters import Filters, Many, SortField, SortOrder, find_query, owner_query
from kibcase.client.limits import BULK_GET, BULK_UPDATE, DELETE, check_ids
from kibcase.client.status import StatusApi
from kibcase.errors import BadRequestError, LostRace
from kibcase.models.case import (
    NO_CONNECTOR,
    BulkGetResult,
    Case,
    CaseSettings,
    ConnectorRef,
    CustomField,
    FoundCases,
)
from kibcase.models.user import Assignee, User
from kibcase.paging import MAX_PER_PAGE, Page, check_page, walk
from kibcase.transport import Request, Response, Transport

_CASE = TypeAdapter(Case)
_CASES = TypeAdapter(list[Case])
_FOUND = TypeAdapter(FoundCases)
_BULK = TypeAdapter(BulkGetResult)
_STRINGS = TypeAdapter(list[str])
_USERS = TypeAdapter(list[User])
_NARROW = "Narrow the search, for example with created_from and created_to."


class CasesApi:
    """``kibana.cases``. Every method can raise the errors of ``Transport.send``."""

    def __init__(self, transport: Transport, status: StatusApi) -> None:
        self._transport = transport
        self._status = status

    def create(
        self, *, title: str, description: str, owner: str, tags: Sequence[str] = (), severity: str | None = None,
        assignees: Iterable[str | Assignee] | None = None, category: str | None = None, sync_alerts: bool = True,
        extract_observables: bool | None = None, connector: ConnectorRef | Mapping[str, Any] | None = None,
        custom_fields: Iterable[CustomField | Mapping[str, Any]] | None = None,
    ) -> Case:
        """Create a case and return it (POST /api/cases). Never repeated by itself.

        ``owner`` is "securitySolution", "observability" or "cases". ``assignees`` are profile uids
        (Platinum). What is None is left to Kibana's defaults; so is ``connector``: no connector.

        Raises ``LimitError``, ``UnsupportedByStack``, ``LicenseRequired``.
        """
        settings = CaseSettings(sync_alerts=sync_alerts)
        if extract_observables is not None:
            settings = CaseSettings(sync_alerts=sync_alerts, extract_observables=extract_observables)
        optional = {
            "severity": severity, "assignees": assignees, "category": category, "custom_fields": custom_fields,
        }
        given: dict[str, Any] = {name: value for name, value in optional.items() if value is not None}
        body = fields_to_api({
            "title": title, "description": description, "tags": tags, "connector": connector or NO_CONNECTOR,
            "settings": settings, **given,
        })
        return decode(self._write("POST", {**body, "owner": owner}, keys_of(body)), _CASE)

    def get(self, case_id: str) -> Case:
        """Read a case (GET /api/cases/{id}); raises ``NotFoundError``."""
        return decode(self._transport.send(Request(method="GET", path=f"/api/cases/{segment(case_id)}")), _CASE)

    def find(
        self, *, page: int = 1, per_page: int = 20, sort_field: SortField = "createdAt",
        sort_order: SortOrder = "desc", **filters: Unpack[Filters],
    ) -> FoundCases:
        """Find cases, one page of at most 100 (GET /api/cases/_find); filters as in ``Filters``.

        Raises ``LimitError`` for a page beyond the first 10,000 cases.
        """
        check_page(page, per_page)
        query = find_query(filters, page=page, per_page=per_page, sort_field=sort_field, sort_order=sort_order)
        return decode(self._transport.send(Request(method="GET", path="/api/cases/_find", query=query)), _FOUND)

    def iter(
        self, *, per_page: int = MAX_PER_PAGE, sort_field: SortField = "createdAt",
        sort_order: SortOrder = "desc", **filters: Unpack[Filters],
    ) -> Iterator[Case]:
        """Yield every case that matches, each once; pages are fetched as they are needed.

        Raises ``LimitError`` after the first 10,000 cases if there are more.
        """

        def fetch(page: int, size: int) -> Page[Case]:
            found = self.find(
                page=page, per_page=size, sort_field=sort_field, sort_order=sort_order, **filters
            )
            return Page(items=found.cases, total=found.total)

        return walk(fetch, key=lambda case: case.id, per_page=per_page, advice=_NARROW)

    def update(self, case: Case | str, *, version: str | None = None, **changes: Unpack[Changes]) -> Case:
        """Change one case and return it as it is now (PATCH /api/cases); fields as in ``Changes``.

        The change applies to ``version``, or to that of the ``Case`` given. With an id alone the case is
        read first, and the change applies to what is current then. Never repeated by itself.

        Raises ``ConflictError`` if the case has another version by now (nothing was changed), its
        subclass ``LostRace`` if it changed at that very moment, ``NothingToUpdate`` if every field already
        has its value, ``LimitError``, ``UnsupportedByStack``, ``LicenseRequired``, ``NotFoundError``.
        """
        if isinstance(case, str):
            case_id, known = case, version or self.get(case).version
        else:
            case_id, known = case.id, version or case.version
        result = self.update_many([CaseChange(id=case_id, version=known, changes=changes)])
        for updated in result.updated:
            if updated.id == case_id:
                return updated
        raise LostRace(200, "the answer leaves out the case", "PATCH", "/api/cases")

    def update_many(self, changes: Sequence[CaseChange]) -> UpdateResult:
        """Change 1 to 100 cases in one request (PATCH /api/cases).

        Unknown ids and old versions fail the whole request before anything is written. Cases that the
        answer leaves out are in ``missing_ids``.

        Raises what ``update`` raises, except ``LostRace``; ``ValueError`` if an id is there twice.
        """
        check_ids("cases in one update", changes, BULK_UPDATE)
        ids = [change.id for change in changes]
        if len(set(ids)) < len(ids):
            raise ValueError("the same case is there twice")
        entries = [change.to_api() for change in changes]
        keys = {key for entry in entries for key in keys_of(entry)}
        updated = decode(self._write("PATCH", {"cases": entries}, keys), _CASES)
        answered = {case.id for case in updated}
        return UpdateResult(updated=updated, missing_ids=[each for each in ids if each not in answered])

    def delete(self, ids: str | Case | Iterable[str | Case]) -> None:
        """Delete 1 to 100 cases with all that is attached (DELETE /api/cases).

        Raises ``NotFoundError`` if one of them is missing; then none is deleted.
        """
        single = [ids] if isinstance(ids, str | Case) else ids
        texts = [each if isinstance(each, str) else each.id for each in single]
        check_ids("cases to delete", texts, DELETE)
        self._transport.send(Request(method="DELETE", path="/api/cases", query=[("ids", json.dumps(texts))]))

    def bulk_get(self, ids: Sequence[str]) -> BulkGetResult:
        """Read 1 to 1000 cases in one request (POST /internal/cases/_bulk_get).

        A case that is missing or not allowed is an entry of ``errors``.
        """
        check_ids("cases in one bulk get", ids, BULK_GET)
        request = Request(
            method="POST", path="/internal/cases/_bulk_get", json={"ids": list(ids)}, internal=True,
            idempotent=True,
        )
        return decode(self._transport.send(request), _BULK)

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

    def _write(self, method: str, body: dict[str, Any], keys: set[str]) -> Response:
        require_support(keys, self._status.comparable_version)
        try:
            return self._transport.send(Request(method=method, path="/api/cases", json=body))
        except BadRequestError as refusal:
            explain(refusal, self._status.comparable_version)
            raise
