"""What of a case's document is kept beside it, to filter and sort by; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

Json = Mapping[str, Any]

COLUMNS: Final = (
    "owner", "title", "category", "status", "severity", "created_at", "updated_at", "closed_at", "reporter",
    "reporter_uid",
)
_PLAIN: Final = COLUMNS[:-2]
TAG: Final = "tag"
ASSIGNEE: Final = "assignee"
UNASSIGNED: Final = "unassigned"
OBSERVABLE: Final = "observable"


def columns_of(doc: Json) -> dict[str, str | None]:
    """Give the values of ``COLUMNS``; what the document does not have is None."""
    reporter = doc.get("created_by") or {}
    return {name: doc.get(name) for name in _PLAIN} | {
        "reporter": reporter.get("username"),
        "reporter_uid": reporter.get("profile_uid"),
    }


def values_of(doc: Json) -> set[tuple[str, str]]:
    """Give what a case has any number of, as (kind, value): tags, assignees (uid), observables."""
    return set(_values_of(doc))


def observable_value(kind: str, value: str) -> str:
    """Give how an observable stands among the values: its type key, a line feed, its value."""
    return f"{kind}\n{value}"


def _values_of(doc: Json) -> Iterator[tuple[str, str]]:
    yield from ((TAG, tag) for tag in doc.get("tags") or ())
    assignees = doc.get("assignees")
    if assignees is not None:
        yield from ((ASSIGNEE, person["uid"]) for person in assignees)
    if assignees == []:
        yield UNASSIGNED, ""
    yield from ((OBSERVABLE, observable_value(each["typeKey"], each["value"])) for each in doc.get("observables") or ())
