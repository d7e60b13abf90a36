"""Which issues a parsed JQL query selects, and in which order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kibcase_connectors.standins.jira.catalog import Catalog, JiraUser, Named, by_id
from kibcase_connectors.standins.jira.jql import Both, Clause, Node, Not, Operand, Query
from kibcase_connectors.standins.jira.problem import JiraProblem
from kibcase_connectors.standins.jira.records import Issue

_ALIASES = {"issuekey": "key", "type": "issuetype", "createddate": "created", "updateddate": "updated",
            "resolved": "resolutiondate"}
_MOMENTS: dict[str, Callable[[Issue], datetime | None]] = {
    "created": lambda issue: issue.created,
    "updated": lambda issue: issue.updated,
    "resolutiondate": lambda issue: issue.resolved,
}
_FORMATS = ("%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%Y-%m-%d")
_PERIOD = re.compile(r"\s*([+-]?)\s*((?:\d{1,9}[wdhm]\s*){1,8})")
_UNITS = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_EQUALITY = ("=", "!=", "in", "not in", "is", "is not")
_COMPARE: dict[str, Callable[[datetime, datetime], bool]] = {
    "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who asks, when, and of what instance.

    ``known_keys`` and ``known_ids`` are those that resolve. ``lenient`` lets unknown keys, ids and
    names match nothing instead of failing the query (``validateQuery=false``).
    """

    catalog: Catalog
    user: JiraUser
    now: datetime
    known_keys: frozenset[str]
    known_ids: frozenset[str]
    lenient: bool = False


def select(query: Query, issues: Iterable[Issue], asking: Asking) -> list[Issue]:
    """Give the matching issues in the asked order; without an order the newest first.

    Raises ``JiraProblem`` (400) for fields, operators and values that do not exist.
    """
    test = _compile(query.where, asking) if query.where is not None else lambda _: True
    found = sorted((issue for issue in issues if test(issue)), key=lambda issue: -issue.id)
    for order in reversed(query.order):
        name = _ALIASES.get(order.field, order.field)
        descending = order.descending if order.descending is not None else name in _MOMENTS
        found.sort(key=_sort_key(name, asking.catalog), reverse=descending)
    return found


def read_date(field: str, operand: Operand, now: datetime, zone: str) -> datetime:
    """Read a date literal of JQL: epoch milliseconds, a period such as ``-17m``, or minutes in ``zone``."""
    if operand.kind == "function" and operand.text == "now":
        return now
    if operand.kind == "value":
        if not operand.quoted and re.fullmatch(r"\d{1,14}", operand.text):
            return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(operand.text))
        if match := _PERIOD.fullmatch(operand.text):
            return _shifted(now, match)
        for form in _FORMATS:
            try:
                naive = datetime.strptime(operand.text, form)  # noqa: DTZ007 - the zone is put in below
            except ValueError:
                continue
            return naive.replace(tzinfo=ZoneInfo(zone))
    raise JiraProblem(
        400,
        f"Error in the JQL Query: Date value '{operand.text}' for field '{field}' is invalid. Valid formats include: "
        "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.",
    )


def _shifted(now: datetime, match: re.Match[str]) -> datetime:
    try:
        span = sum((int(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+)([wdhm])", match[2])), timedelta())
        return now - span if match[1] == "-" else now + span
    except OverflowError:
        raise JiraProblem(400, "Error in the JQL Query: the period is too long.") from None


Test = Callable[[Issue], bool]


def _compile(node: Node, asking: Asking) -> Test:
    if isinstance(node, Clause):
        return _clause(node, asking)
    if isinstance(node, Not):
        inner = _compile(node.part, asking)
        return lambda issue: not inner(issue)
    tests = [_compile(part, asking) for part in node.parts]
    if isinstance(node, Both):
        return lambda issue: all(test(issue) for test in tests)
    return lambda issue: any(test(issue) for test in tests)


def _clause(clause: Clause, asking: Asking) -> Test:
    name = _ALIASES.get(clause.field, clause.field)
    if name in _MOMENTS:
        return _date_clause(name, clause, asking)
    if name == "summary":
        return _text_clause(clause)
    if name not in _READERS:
        raise JiraProblem(400, f"Field '{clause.field}' does not exist or you do not have permission to view it.")
    if clause.operator not in _EQUALITY:
        raise _bad_operator(clause)
    return _set_clause(name, clause, asking)


def _bad_operator(clause: Clause) -> JiraProblem:
    return JiraProblem(
        400,
        f"Error in the JQL Query: The operator '{clause.operator}' is not supported by the '{clause.field}' field.",
    )


def _date_clause(name: str, clause: Clause, asking: Asking) -> Test:
    moment = _MOMENTS[name]
    if clause.operands[0].kind == "empty" and clause.operator in _EQUALITY:
        wanted = clause.operator in ("=", "is")
        return lambda issue: (moment(issue) is None) is wanted
    if clause.operator not in _COMPARE:
        raise _bad_operator(clause)
    compare = _COMPARE[clause.operator]
    limit = read_date(clause.field, clause.operands[0], asking.now, asking.user.time_zone)

    def holds(issue: Issue) -> bool:
        there = moment(issue)
        return there is not None and compare(there, limit)

    return holds


def _text_clause(clause: Clause) -> Test:
    if clause.operator not in ("~", "!~"):
        raise _bad_operator(clause)
    words = re.findall(r"\w+", clause.operands[0].text.lower())

    def holds(issue: Issue) -> bool:
        there = set(re.findall(r"\w+", str(issue.values["summary"]).lower()))
        return all(word in there for word in words)

    return holds if clause.operator == "~" else lambda issue: not holds(issue)


def _set_clause(name: str, clause: Clause, asking: Asking) -> Test:
    wanted: set[str] = set()
    empty = False
    for operand in clause.operands:
        if operand.kind == "empty":
            empty = True
        else:
            wanted.add(_resolve(name, operand, asking))
    read = _READERS[name]
    negated = clause.operator in ("!=", "not in", "is not")

    def holds(issue: Issue) -> bool:
        values = read(issue, asking.catalog)
        return bool(values & wanted) or (empty and not values)

    if not negated:
        return holds
    # Jira's negative clauses never match an issue whose field is empty, unless EMPTY is named.
    return lambda issue: not holds(issue) and bool(read(issue, asking.catalog))


def _resolve(name: str, operand: Operand, asking: Asking) -> str:
    if operand.kind == "function":
        if operand.text == "currentuser" and name in ("assignee", "reporter", "creator"):
            return asking.user.username
        raise JiraProblem(400, f"Error in the JQL Query: Unable to find JQL function '{operand.text}()'.")
    found = _lookup(name, operand.text, asking)
    if found is None and not asking.lenient:
        raise JiraProblem(400, _no_such(name, operand.text))
    return found if found is not None else "\0unknown"


def _no_such(name: str, text: str) -> str:
    if name == "key":
        return f"An issue with key '{text}' does not exist for field 'key'."
    if name == "id":
        return f"A value with ID '{text}' does not exist for the field 'id'."
    return f"The value '{text}' does not exist for the field '{name}'."


def _lookup(name: str, text: str, asking: Asking) -> str | None:
    catalog = asking.catalog
    if name == "labels":
        return text
    if name in ("key", "issue", "id"):
        return _lookup_issue(name, text, asking)
    if name == "project":
        return next((p.key for p in catalog.projects.values()
                     if text.lower() in (p.key.lower(), p.name.lower(), p.id)), None)
    if name in ("assignee", "reporter", "creator"):
        user = catalog.user_by_ref(text)
        return user.username if user else None
    if name == "statuscategory":
        return _CATEGORIES.get(text.lower())
    things = [Named(id=each.id, name=each.name) for each in _things(name, catalog)]
    return next((each.id for each in things if text.lower() == each.name.lower() or text == each.id), None)


def _lookup_issue(name: str, text: str, asking: Asking) -> str | None:
    if name != "id" and text.upper() in asking.known_keys:
        return text.upper()
    return text if text in asking.known_ids else None


def _things(name: str, catalog: Catalog) -> Iterable[Any]:
    return {"status": catalog.statuses, "priority": catalog.priorities,
            "issuetype": catalog.issue_types, "resolution": catalog.resolutions}[name]


_CATEGORIES = {"to do": "new", "new": "new", "2": "new", "in progress": "indeterminate",
               "indeterminate": "indeterminate", "4": "indeterminate", "done": "done", "3": "done"}


def _one(value: str | None) -> set[str]:
    return set() if value is None else {value}


_READERS: dict[str, Callable[[Issue, Catalog], set[str]]] = {
    "project": lambda i, _: {i.project},
    "key": lambda i, _: {*i.keys, str(i.id)},
    "issue": lambda i, _: {*i.keys, str(i.id)},
    "id": lambda i, _: {*i.keys, str(i.id)},
    "labels": lambda i, _: set(i.values["labels"]),
    "status": lambda i, _: {i.status},
    "statuscategory": lambda i, c: {c.status(i.status).category},
    "priority": lambda i, _: _one(i.values["priority"]),
    "issuetype": lambda i, _: {i.values["issuetype"]},
    "resolution": lambda i, _: _one(i.resolution),
    "assignee": lambda i, _: _one(i.values["assignee"]),
    "reporter": lambda i, _: _one(i.values["reporter"]),
    "creator": lambda i, _: {i.creator},
}


def _sort_key(name: str, catalog: Catalog) -> Callable[[Issue], Any]:
    statuses = [status.id for status in catalog.statuses]
    ranks = [priority.id for priority in reversed(catalog.priorities)]
    keys: dict[str, Callable[[Issue], Any]] = {
        "updated": lambda i: i.updated,
        "created": lambda i: i.created,
        "resolutiondate": lambda i: (i.resolved is not None, i.resolved or i.created),
        "key": lambda i: (i.project, i.number),
        "id": lambda i: i.id,
        "summary": lambda i: str(i.values["summary"]).lower(),
        "status": lambda i: statuses.index(i.status),
        "priority": lambda i: ranks.index(i.values["priority"]) if i.values["priority"] else -1,
        "issuetype": lambda i: by_id(catalog.issue_types, i.values["issuetype"]).name,
    }
    if name not in keys:
        raise JiraProblem(400, f"Not able to sort using field '{name}'.")
    return keys[name]
