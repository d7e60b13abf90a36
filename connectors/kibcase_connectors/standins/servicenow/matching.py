"""Which rows a parsed encoded query selects, and in which order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from kibcase_connectors.standins.servicenow.encoded import Clause, Group, Query
from kibcase_connectors.standins.servicenow.records import STAMP, Row, stamp
from kibcase_connectors.standins.servicenow.schema import Column

Test = Callable[[Row], bool]

_SCRIPT = "javascript:"
_GENERATED = re.compile(r"""javascript:gs\.dateGenerate\((["'])([^"']+)\1(?:,\s*(["'])([^"']+)\3)?\)""")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a query is judged against.

    ``column`` finds a column by path, ``read`` a stored value by path, ``family`` a table with its descendants.
    ``literal_zone`` is the zone in which plain date literals are read, ``user_zone`` that of ``gs.dateGenerate``.
    """

    column: Callable[[str], Column | None]
    read: Callable[[Row, str], str]
    family: Callable[[str], frozenset[str]]
    literal_zone: str
    user_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The rows found, and the parts of the query that were invalid and therefore ignored."""

    rows: list[Row]
    ignored: tuple[str, ...]


def select(query: Query, rows: Iterable[Row], scope: Scope) -> Selection:
    """Run a query; conditions on unknown columns or with unreadable values are ignored, the rest runs."""
    ignored = list(query.malformed)
    tests = [_group(group, scope, ignored) for group in query.groups]
    found = sorted((row for row in rows if any(test(row) for test in tests)), key=lambda row: row.order)
    for order in reversed(query.orders):
        column = scope.column(order.field)
        if column is None:
            ignored.append(f"ORDERBY{order.field}")
            continue
        found.sort(key=_sort_key(column, order.field, scope), reverse=order.descending)
    return Selection(rows=found, ignored=tuple(ignored))


def _sort_key(column: Column, path: str, scope: Scope) -> Callable[[Row], Any]:
    def key(row: Row) -> Any:
        stored = _stored(column, scope.read(row, path))
        return (stored is not None, stored)

    return key


def _group(group: Group, scope: Scope, ignored: list[str]) -> Test:
    parts: list[list[Test]] = []
    for alternatives in group:
        tests = []
        for clause in alternatives:
            try:
                tests.append(_clause(clause, scope))
            except ValueError:
                ignored.append(f"{clause.field}{clause.operator}{clause.value}")
        if tests:
            parts.append(tests)
    return lambda row: all(any(test(row) for test in tests) for tests in parts)


def _clause(clause: Clause, scope: Scope) -> Test:
    column = scope.column(clause.field)
    if column is None:
        raise ValueError("no such column")

    def read(row: Row) -> str:
        return scope.read(row, clause.field)

    match clause.operator:
        case "ISEMPTY":
            return lambda row: not read(row)
        case "ISNOTEMPTY":
            return lambda row: bool(read(row))
        case "ANYTHING":
            return lambda _row: True
        case "INSTANCEOF":
            family = scope.family(clause.value)
            return lambda row: read(row) in family
        case "SAMEAS" | "NSAMEAS":
            return _same_field(clause, scope)
        case "LIKE" | "NOT LIKE" | "STARTSWITH" | "ENDSWITH":
            return _text_test(clause, read)
        case _:
            return _value_test(clause, column, scope, read)


def _same_field(clause: Clause, scope: Scope) -> Test:
    if scope.column(clause.value) is None:
        raise ValueError("no such column")
    equal = clause.operator == "SAMEAS"
    return lambda row: (scope.read(row, clause.field) == scope.read(row, clause.value)) is equal


def _text_test(clause: Clause, read: Callable[[Row], str]) -> Test:
    wanted = clause.value.casefold()
    if wanted.startswith(_SCRIPT):
        raise ValueError("no such script")
    match clause.operator:
        case "LIKE":
            return lambda row: wanted in read(row).casefold()
        case "NOT LIKE":
            return lambda row: wanted not in read(row).casefold()
        case "STARTSWITH":
            return lambda row: read(row).casefold().startswith(wanted)
        case _:
            return lambda row: read(row).casefold().endswith(wanted)


def _value_test(clause: Clause, column: Column, scope: Scope, read: Callable[[Row], str]) -> Test:
    def stored(row: Row) -> Any:
        return _stored(column, read(row))

    if clause.operator in ("IN", "NOT IN"):
        listed = [_given(column, each.strip(), scope) for each in clause.value.split(",")]
        return lambda row: (stored(row) in listed) is (clause.operator == "IN")
    if clause.operator == "BETWEEN":
        low, _, high = clause.value.partition("@")
        first, last = _given(column, low, scope), _given(column, high, scope)
        if first is None or last is None:
            raise ValueError("a range needs two ends")
        return lambda row: stored(row) is not None and first <= stored(row) <= last
    wanted, compare = _given(column, clause.value, scope), _COMPARE[clause.operator]
    if clause.operator in ("=", "!="):
        return lambda row: compare(stored(row), wanted)
    if wanted is None:
        raise ValueError("nothing to compare with")
    return lambda row: stored(row) is not None and compare(stored(row), wanted)


def _stored(column: Column, text: str) -> Any:
    if not text:
        return None
    return int(text) if column.kind == "integer" else text.casefold()


def _given(column: Column, text: str, scope: Scope) -> Any:
    if not text:
        return None
    if column.kind == "glide_date_time":
        return _moment(text, scope)
    if text.casefold().startswith(_SCRIPT):
        raise ValueError("no such script")
    return int(text) if column.kind == "integer" else text.casefold()


def _moment(text: str, scope: Scope) -> str:
    zone = scope.literal_zone
    if generated := _GENERATED.fullmatch(text):
        text, zone = " ".join(part for part in (generated[2], generated[4]) if part), scope.user_zone
    form = STAMP if len(text) > 10 else STAMP[:8]
    return stamp(datetime.strptime(text, form).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC))
