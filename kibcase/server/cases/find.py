"""``GET /api/cases/_find``: its parameters, as a condition over the case table and a search over texts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from kibcase.server import limits
from kibcase.server.cases.bodies import SEVERITIES, STATUSES
from kibcase.server.cases.facts import ASSIGNEE, TAG, UNASSIGNED
from kibcase.server.cases.find_search import Search, case_search
from kibcase.server.cases.tables import SEVERITY_RANK
from kibcase.server.codec import Codec, array, as_list, decode, number_from_text, one_of, strict, string, union
from kibcase.server.datemath import resolve, stamp
from kibcase.server.errors import BadRequest
from kibcase.server.stack import Stack

SORT_COLUMNS = {
    "createdAt": "created_at", "updatedAt": "updated_at", "closedAt": "closed_at", "title": "title",
    "category": "category", "status": "status", "severity": "severity",
}
_PAGING: dict[str, Codec] = {"page": number_from_text, "perPage": number_from_text}
_ORDER: dict[str, Codec] = {"sortOrder": one_of("asc", "desc")}
Sql = tuple[str, list[Any]]
# Well below the number of parameters that SQLite takes.
_MARKS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list; ``number`` starts at 1. Both numbers are as the caller gave them: fractions are allowed."""

    number: float
    size: float
    descending: bool

    @property
    def limit(self) -> int:
        """How many items the page has at most; like Elasticsearch it drops what is behind the point."""
        return int(self.size)

    @property
    def offset(self) -> int:
        """How many items come before the page."""
        return int((self.number - 1) * self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseQuery:
    """A decoded ``_find``: filters as SQL, the statuses asked for apart, the search, and the page."""

    filters: Sql
    status: Sql
    search: Search | None
    order: str
    page: Page


def decode_page(fields: Mapping[str, Any], *, default_size: int = 20) -> Page:
    """Read ``page``, ``perPage`` and ``sortOrder``; raises ``BadRequest`` beyond Kibana's limits.

    Ascending unless told otherwise: the saved-objects client passes no order on, and Elasticsearch sorts
    fields ascending then.
    """
    size = fields.get("perPage", 0)
    if size > limits.PER_PAGE:
        raise BadRequest(
            f"The provided perPage value is too high. The maximum allowed perPage value is {limits.PER_PAGE}."
        )
    number = fields.get("page", 0)
    page = Page(
        number=fields.get("page", 1),
        size=fields.get("perPage", default_size),
        descending=fields.get("sortOrder") == "desc",
    )
    offset = float(page.number - 1) * float(page.size)
    if max(number, number * size, offset + page.size) > limits.DOCUMENTS:
        raise BadRequest(
            "The number of documents is too high. Paginating through more than "
            f"{limits.DOCUMENTS} documents is not possible."
        )
    if not math.isfinite(offset):
        # JSON has no infinity: Elasticsearch gets a null.
        raise BadRequest("Unknown key for a VALUE_NULL in [from].")
    if page.offset < 0 or page.limit < 0:
        raise BadRequest(f"[from] parameter cannot be negative but was [{page.offset}]")
    return page


def page_codec(optional: Mapping[str, Codec]) -> Codec:
    """Build the codec of a query with paging, order and ``optional`` parameters."""
    return strict({}, {**_PAGING, **_ORDER, **optional})


def many(codec: Codec, name: str, *, high: int | None = limits.FILTER_VALUES) -> Codec:
    """Accept one value or a list of up to ``high``."""
    return union(array(codec, name, 0, high), codec)


@cache
def find_fields(stack: Stack) -> dict[str, Codec]:
    """Give the codecs of the parameters of ``_find``, paging apart."""
    search_fields = ["title", "description", *(["incremental_id.text"] if stack.has_timings else [])]
    return {
        "sortField": one_of(*SORT_COLUMNS),
        "status": many(one_of(*STATUSES), "status", high=None),
        "severity": many(one_of(*SEVERITIES), "severity", high=None),
        "tags": many(string, "tags"),
        "category": many(string, "category"),
        "reporters": many(string, "reporters"),
        "assignees": many(string, "assignees"),
        "owner": many(string, "owner", high=None),
        "from": string,
        "to": string,
        "search": string,
        "searchFields": many(one_of(*search_fields), "searchFields", high=None),
        "defaultSearchOperator": one_of("AND", "OR"),
    }


@cache
def _codec(stack: Stack) -> Codec:
    return page_codec(find_fields(stack))


def decode_find(query: Mapping[str, Any], stack: Stack, now: datetime) -> CaseQuery:
    """Read the parameters of ``_find``; raises ``BadRequest``."""
    return case_query(decode(_codec(stack), dict(query)), now)


def case_query(fields: Mapping[str, Any], now: datetime) -> CaseQuery:
    """Build the query of decoded parameters; raises ``BadRequest`` for dates and pages beyond the limits."""
    page = decode_page(fields)
    return CaseQuery(
        filters=_all(
            _in("owner", fields.get("owner")),
            _in("severity", fields.get("severity")),
            _in("category", fields.get("category")),
            having(TAG, as_list(fields.get("tags"))),
            _assignees(as_list(fields.get("assignees"))),
            _reporters(as_list(fields.get("reporters"))),
            range_condition(fields.get("from"), fields.get("to"), now),
        ),
        status=_in("status", fields.get("status")),
        search=case_search(fields),
        order=_order(fields.get("sortField", "createdAt"), "DESC" if page.descending else "ASC"),
        page=page,
    )


def range_condition(start: str | None, end: str | None, now: datetime) -> Sql:
    """Give the condition on ``created_at`` between two dates or date maths, both inclusive."""
    try:
        bounds = [
            (f"created_at {sign} ?", stamp(resolve(text, now, up=up)))
            for sign, text, up in ((">=", start, False), ("<=", end, True))
            if text is not None
        ]
    except ValueError as error:
        raise BadRequest('Invalid "from" and/or "to" query parameters') from error
    return _all(*((condition, [value]) for condition, value in bounds))


def owner_condition(owner: str | list[str] | None) -> Sql:
    """Give the condition on the owner."""
    return _in("owner", owner)


def both(*parts: Sql) -> Sql:
    """Give the condition that all ``parts`` hold."""
    return _all(*parts)


def _all(*parts: Sql) -> Sql:
    held = [part for part in parts if part[0] != "1"]
    conditions = " AND ".join(f"({condition})" for condition, _ in held)
    return conditions or "1", [value for _, values in held for value in values]


def _in(column: str, given: str | list[str] | None) -> Sql:
    values = list(dict.fromkeys(as_list(given)))
    if len(values) > _MARKS:
        return f"{column} IN (SELECT value FROM json_each(?))", [json.dumps(values)]  # noqa: S608
    return (f"{column} IN ({_marks(values)})", list(values)) if values else ("1", [])


def having(kind: str, values: list[str]) -> Sql:
    """Give the condition that a case has one of ``values`` among those of ``kind``; no values, no condition."""
    if not values:
        return "1", []
    found = f"SELECT case_number FROM case_values WHERE kind = ? AND value IN ({_marks(values)})"  # noqa: S608
    return f"number IN ({found})", [kind, *values]


def _assignees(given: list[str]) -> Sql:
    condition, values = having(ASSIGNEE, [uid for uid in given if uid != "none"])
    if "none" not in given:
        return condition, values
    nobody, more = having(UNASSIGNED, [""])
    return (f"{condition} OR {nobody}", [*values, *more]) if values else (nobody, more)


def _reporters(given: list[str]) -> Sql:
    if not given:
        return "1", []
    marks = _marks(given)
    return f"reporter IN ({marks}) OR reporter_uid IN ({marks})", [*given, *given]


def _marks(values: list[str]) -> str:
    return ",".join("?" * len(values))


def _order(field: str, direction: str) -> str:
    column = SORT_COLUMNS[field]
    if column == "status":
        # By rank: open, in-progress, closed, which is the alphabet backwards.
        return f"status {'ASC' if direction == 'DESC' else 'DESC'}, number"
    if column == "severity":
        return f"{SEVERITY_RANK} {direction}, number"
    return f"{column} {direction} NULLS LAST, number"
