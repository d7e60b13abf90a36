"""``POST /internal/cases/_search``: as ``_find``, with custom fields and, on newer stacks, more places to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from kibcase.server import limits
from kibcase.server.cases.authorization import readable
from kibcase.server.cases.cases import custom_fields_of
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.find import (
    CaseQuery,
    Sql,
    both,
    case_query,
    find_fields,
    many,
    owner_condition,
    page_codec,
)
from kibcase.server.cases.search_extended import ExtendedFilters
from kibcase.server.cases.search_text import EXTENDED, FIELDS, TextSearch
from kibcase.server.cases.store import CaseRecord
from kibcase.server.cases.templates_library import Library
from kibcase.server.codec import (
    Codec,
    Path,
    Report,
    array,
    as_list,
    boolean,
    decode,
    null,
    number,
    one_of,
    strict,
    string,
    union,
)
from kibcase.server.errors import BadRequest, Forbidden
from kibcase.server.stack import Stack

_COUNTS = {"open": "count_open_cases", "in-progress": "count_in_progress_cases", "closed": "count_closed_cases"}
_VALUES = array(union(string, boolean, number, null))
_EXTENDED_FILTERS = array(strict({"label": string, "value": string}))


def _by_key(value: Any, path: Path, report: Report) -> Any:
    if not isinstance(value, dict):
        report.invalid(value, path)
        return value
    return {key: _VALUES(item, (*path, key), report) for key, item in value.items()}


@cache
def _codec(stack: Stack) -> Codec:
    fields = find_fields(stack) | {"customFields": _by_key}
    if stack.searches_attachments:
        names = FIELDS if not stack.has_extended_fields else (*FIELDS, EXTENDED)
        fields["searchFields"] = many(one_of(*names), "searchFields", high=None)
    if stack.has_extended_fields:
        fields["extendedFieldFilters"] = _EXTENDED_FILTERS
    return page_codec(fields)


@dataclass(frozen=True, slots=True)
class Searching:
    """Searches cases; the answer has the shape of ``_find``, and its counts ignore status and search too."""

    context: Context
    library: Library

    def search(self, caller: Caller, body: Mapping[str, Any]) -> Json:
        """Give a page of cases.

        ``owner`` must be there. ``customFields`` maps keys of toggle fields of the one owner to values, which are
        alternatives. From 9.3 ``search`` looks into ``searchFields`` alone (and finds a case by its id), which may be
        titles, descriptions, numbers, comments, values of observables and custom fields, ids of alerts and events.
        Raises ``BadRequest``, or ``Forbidden`` for assignees below Platinum and for callers who may read no case.
        """
        if "owner" not in body:
            raise BadRequest("Owner is required.")
        stack = self.context.stack
        fields = decode(_codec(stack), dict(body))
        if fields.get("assignees") and not stack.is_platinum:
            raise Forbidden(
                "In order to filter cases by assignees, you must be subscribed to an Elastic Platinum license"
            )
        custom = fields.get("customFields") or {}
        if custom:
            self._check_custom(caller, fields["owner"], custom)
        asked = self._asked(fields)
        allowed: Sql = owner_condition(sorted(readable(caller, "findCases")))
        space: Sql = ("space = ?", [caller.space])
        filters = both(space, allowed, asked.filters, *(_custom(key, each) for key, each in custom.items()))
        condition = both(filters, asked.status)
        # Before the transaction: to look through texts takes long, and nobody else is to wait for it.
        matching = self._matching(fields, asked, condition)
        with self.context.store.transaction():
            narrowed = [matching, self._filtered(caller, fields, condition)]
            total, records = self._page(asked, condition, [found for found in narrowed if found is not None])
            counts = self._counts(filters)
            cases = [self.context.show(record, []) for record in records]
            if stack.has_templates:
                cases = self.library.labelled(caller.space, cases)
        page = {"page": asked.page.number, "per_page": asked.page.size, "total": total}
        return page | {"cases": cases} | counts

    def _asked(self, fields: Json) -> CaseQuery:
        newer = self.context.stack.searches_attachments
        asked = case_query({**fields, "searchFields": None} if newer else fields, self.context.clock())
        # Newer stacks sort only if both field and order are given; else it is the order of creation.
        unsorted = newer and not ("sortField" in fields and "sortOrder" in fields)
        return replace(asked, order="number") if unsorted else asked

    def _check_custom(self, caller: Caller, owner: str | list[str], given: Mapping[str, Sequence[Any]]) -> None:
        owners = as_list(owner)
        if len(owners) != 1 or not owners[0]:
            raise BadRequest("Owner must be provided. Multiple owners are not supported.")
        configured = custom_fields_of(self.context, caller.space).get(owners[0])
        if not configured:
            raise BadRequest("No custom fields configured.")
        if len(given) > limits.CUSTOM_FIELDS:
            raise BadRequest(f"Maximum {limits.CUSTOM_FIELDS} customFields are allowed.")
        kinds = {field["key"]: field["type"] for field in configured}
        for key, values in given.items():
            _check_filter(key, values, kinds)

    def _page(self, asked: CaseQuery, condition: Sql, narrowed: list[set[int]]) -> tuple[int, list[CaseRecord]]:
        store, page = self.context.store, asked.page
        if not narrowed:
            total = int(store.select("count(*) AS n", *condition)[0]["n"])
            return total, store.select_cases(*condition, asked.order, page.limit, page.offset)
        wanted = set.intersection(*narrowed)
        return len(wanted), store.among(wanted, asked.order, page.limit, page.offset)

    def _matching(self, fields: Json, asked: CaseQuery, condition: Sql) -> set[int] | None:
        text = fields.get("search")
        found: set[int] | None = None
        if text and self.context.stack.searches_attachments:
            found = TextSearch(self.context.store, text, as_list(fields.get("searchFields"))).numbers(condition)
        elif asked.search is not None:
            found = set(self.context.store.matching(asked.search.columns, *condition, asked.search.match))
        return found

    def _filtered(self, caller: Caller, fields: Json, condition: Sql) -> set[int] | None:
        given = fields.get("extendedFieldFilters")
        if not given:
            return None
        owners = as_list(fields["owner"]) or sorted(readable(caller, "findCases"))
        return ExtendedFilters(self.context.store, self.library, caller.space, owners).numbers(condition, given)

    def _counts(self, condition: Sql) -> Json:
        rows = self.context.store.select("status, count(*) AS n", *condition, "GROUP BY status")
        found = {row["status"]: row["n"] for row in rows}
        return {name: found.get(status, 0) for status, name in _COUNTS.items()}


def _check_filter(key: str, values: Sequence[Any], kinds: Mapping[str, str]) -> None:
    if key not in kinds:
        raise BadRequest(f"Invalid custom field key: {key}.")
    if kinds[key] != "toggle":
        raise BadRequest(f"Filtering by custom field of type {kinds[key]} is not allowed.")
    if not all(value is None or isinstance(value, bool) for value in values):
        raise BadRequest("Unsupported filtering value for custom field of type toggle.")


def _custom(key: str, values: Sequence[bool | None]) -> Sql:
    if not values:
        return "1", []
    kinds = [{True: "true", False: "false", None: "null"}[value] for value in values]
    marks = ",".join("?" * len(kinds))
    exists = (
        "EXISTS (SELECT 1 FROM json_each(doc, '$.customFields') WHERE json_extract(value, '$.key') = ? "  # noqa: S608
        f"AND coalesce(json_type(value, '$.value'), 'null') IN ({marks}))"
    )
    return exists, [key, *kinds]
