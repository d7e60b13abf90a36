"""The query of GET /api/cases/_find. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypedDict

from kibcase.client.limits import FILTER_VALUES, check_count

Many = str | Sequence[str]
Query = list[tuple[str, str]]
SortField = Literal["createdAt", "updatedAt", "closedAt", "title", "category", "status", "severity"]
SortOrder = Literal["asc", "desc"]


class Filters(TypedDict, total=False):
    """Which cases to find. Values of one filter are alternatives; different filters all apply.

    ``status``, ``severity``, ``tags``, ``category``, ``owner``: one or several. ``reporters``: user names
    or profile uids. ``assignees``: profile uids, or "none" (Platinum). ``created_from``,
    ``created_to``: an aware datetime, or date math such as "now-7d"; both inclusive.
    ``search``: simple query string over ``search_fields`` ("title", "description").
    """

    status: Many
    severity: Many
    tags: Many
    category: Many
    owner: Many
    reporters: Many
    assignees: Many
    created_from: str | datetime
    created_to: str | datetime
    search: str
    search_fields: Many
    search_operator: Literal["AND", "OR"]


_SPELLING = {
    "created_from": "from", "created_to": "to", "search_fields": "searchFields",
    "search_operator": "defaultSearchOperator",
}
_BOUNDED = ("tags", "category", "reporters", "assignees")


def find_query(
    filters: Filters, *, page: int, per_page: int, sort_field: SortField, sort_order: SortOrder
) -> Query:
    """Return the query; page and order are always named, for Kibana's defaults differ from its documentation.

    Raises ``TypeError`` for an unknown filter, ``LimitError`` for more than 100 values of one,
    ``ValueError`` for a datetime without a time zone.
    """
    unknown = sorted(set(filters) - set(Filters.__annotations__))
    if unknown:
        raise TypeError(f"not a filter: {', '.join(unknown)}")
    query = [("page", str(page)), ("perPage", str(per_page)), ("sortField", sort_field), ("sortOrder", sort_order)]
    for name, value in filters.items():
        if value is not None:
            query += [(_SPELLING.get(name, name), text) for text in _texts(name, value)]
    return query


def owner_query(owner: Many | None) -> Query:
    """Return the query that keeps to one or several owners; None asks for all."""
    return [] if owner is None else [("owner", text) for text in _texts("owner", owner)]


def moment(value: datetime) -> str:
    """Write a moment as Kibana does: UTC with milliseconds; raises ``ValueError`` without a time zone."""
    if value.tzinfo is None:
        raise ValueError("a datetime without time zone; use datetime.now(UTC) and the like")
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _texts(name: str, value: Any) -> list[str]:
    if isinstance(value, datetime):
        return [moment(value)]
    texts = [str(value)] if isinstance(value, str) else [str(item) for item in value]
    if name in _BOUNDED:
        check_count(f"values of the filter {name}", texts, FILTER_VALUES)
    return texts
