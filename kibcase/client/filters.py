"""The query of GET /api/cases/_find, and the body of POST /internal/cases/_search. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypedDict

from kibcase.client.limits import FILTER_VALUES, check_count, text_of
from kibcase.errors import InvalidValue

Many = str | Sequence[str]
Query = list[tuple[str, str]]
SortField = Literal["createdAt", "updatedAt", "closedAt", "title", "category", "status", "severity"]
SortOrder = Literal["asc", "desc"]
SearchField = Literal["title", "description", "incremental_id.text"]
DeepSearchField = Literal[
    "cases.title", "cases.description", "cases.incremental_id.text", "cases.observables.value",
    "cases.customFields.value", "cases-comments.comment", "cases-comments.alertId", "cases-comments.eventId",
    "cases.ef_all_values",
]
Scalar = str | bool | int | float | None


class Filters(TypedDict, total=False):
    """Which cases to find. Values of one filter are alternatives; different filters all apply.

    ``status``, ``severity``, ``tags``, ``category``, ``owner``: one or several. ``reporters``: user names
    or profile uids. ``assignees``: profile uids, or "none" (Platinum). ``created_from``,
    ``created_to``: an aware datetime, or date math such as "now-7d"; both inclusive.
    ``search``: simple query string over ``search_fields`` (title and description; "incremental_id.text" since
    stack 9.2).
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
    search_fields: SearchField | Sequence[SearchField]
    search_operator: Literal["AND", "OR"]


class SearchFilters(TypedDict, total=False):
    """Which cases to search for: as ``Filters``, and more.

    ``custom_fields``: key of a custom field to the values that will do. ``extended_fields``: label of an
    extended field to its value (9.4). ``search_fields`` (title and description unless named) reach into comments,
    alert ids, observables and custom fields (9.3); "title" and "cases.title" mean the same, on every stack.
    """

    status: Many
    severity: Many
    tags: Many
    category: Many
    reporters: Many
    assignees: Many
    created_from: str | datetime
    created_to: str | datetime
    search: str
    search_fields: SearchField | DeepSearchField | Sequence[SearchField | DeepSearchField]
    search_operator: Literal["AND", "OR"]
    custom_fields: Mapping[str, Sequence[Scalar]]
    extended_fields: Mapping[str, str]


_SPELLING = {
    "created_from": "from", "created_to": "to", "search_fields": "searchFields",
    "search_operator": "defaultSearchOperator",
}
_SEARCH_SPELLING = {**_SPELLING, "custom_fields": "customFields", "extended_fields": "extendedFieldFilters"}
_OWN_FIELDS = ("title", "description", "incremental_id.text")
_SINGLE = ("search", "search_operator", "created_from", "created_to")
_BOUNDED = ("tags", "category", "reporters", "assignees")


def find_query(
    filters: Filters, *, page: int, per_page: int, sort_field: SortField, sort_order: SortOrder
) -> Query:
    """Return the query; page and order are always named, for Kibana's defaults differ from its documentation.

    Raises ``TypeError`` for an unknown filter or a value that is no text, ``LimitError`` for more than 100 values
    of one, ``InvalidValue`` for a datetime without a time zone.
    """
    unknown = sorted(set(filters) - set(Filters.__annotations__))
    if unknown:
        raise TypeError(f"not a filter: {', '.join(unknown)}")
    query = [("page", str(page)), ("perPage", str(per_page)), ("sortField", sort_field), ("sortOrder", sort_order)]
    for name, value in filters.items():
        if value is not None:
            query += [(_SPELLING.get(name, name), text) for text in _texts(name, value)]
    return query


def search_body(
    filters: SearchFilters, owner: Many, *, page: int, per_page: int, sort_field: SortField, sort_order: SortOrder
) -> dict[str, Any]:
    """Return the body of a search; raises like ``find_query``."""
    unknown = sorted(set(filters) - set(SearchFilters.__annotations__))
    if unknown:
        raise TypeError(f"not a filter: {', '.join(unknown)}")
    body: dict[str, Any] = {
        "page": page, "perPage": per_page, "sortField": sort_field, "sortOrder": sort_order,
        "owner": _texts("owner", owner),
    }
    for name, value in filters.items():
        if value is not None:
            body[_SEARCH_SPELLING.get(name, name)] = _searched(name, value)
    return body


def spelled(fields: Sequence[str], *, deep: bool) -> list[str]:
    """Spell search fields as POST /internal/cases/_search does: "title" is "cases.title" where it searches ``deep``."""
    if deep:
        return [f"cases.{each}" if each in _OWN_FIELDS else each for each in fields]
    plain = {f"cases.{each}": each for each in _OWN_FIELDS}
    return [plain.get(each, each) for each in fields]


def filter_keys(filters: Filters) -> set[str]:
    """Return the search fields that a stack may refuse."""
    given = filters.get("search_fields") or ()
    return {given} if isinstance(given, str) else set(given)


def search_keys(body: Mapping[str, Any]) -> set[str]:
    """Return the keys and search fields of a body that a stack may refuse."""
    fields = set(body.get("searchFields") or ())
    deep = {"cases-comments.comment"} if any(each.startswith("cases") for each in fields) else set()
    return {*body, *fields, *deep} - {"search"}


def owner_query(owner: Many | None) -> Query:
    """Return the query that keeps to one or several owners; None asks for all."""
    return [] if owner is None else [("owner", text) for text in _texts("owner", owner)]


def moment(value: datetime) -> str:
    """Write a moment as Kibana does: UTC with milliseconds; raises ``InvalidValue`` without a time zone."""
    if value.tzinfo is None:
        raise InvalidValue("a datetime without time zone; use datetime.now(UTC) and the like")
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _searched(name: str, value: Any) -> Any:
    if name == "custom_fields":
        return {key: list(values) for key, values in value.items()}
    if name == "extended_fields":
        return [{"label": label, "value": text} for label, text in value.items()]
    texts = _texts(name, value)
    return texts[0] if name in _SINGLE else texts


def _texts(name: str, value: Any) -> list[str]:
    if isinstance(value, datetime):
        return [moment(value)]
    if isinstance(value, str) or name in _SINGLE:
        return [text_of(name, value)]
    texts = [text_of(f"each of {name}", item) for item in value]
    if name in _BOUNDED:
        check_count(f"values of the filter {name}", texts, FILTER_VALUES)
    return texts
