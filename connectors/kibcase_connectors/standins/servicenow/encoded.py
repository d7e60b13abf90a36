"""A parser of encoded queries (``active=true^priority<=2^ORDERBYnumber``)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_OPERATORS = (
    "DOES NOT CONTAIN", "NOT LIKE", "NOT IN", "ISNOTEMPTY", "EMPTYSTRING", "INSTANCEOF", "STARTSWITH", "ENDSWITH",
    "CONTAINS", "ANYTHING", "NOTLIKE", "ISEMPTY", "BETWEEN", "NSAMEAS", "SAMEAS", "LIKE", "IN",
    "!=", ">=", "<=", "=", ">", "<",
)
_SAME = {"NOTLIKE": "NOT LIKE", "DOES NOT CONTAIN": "NOT LIKE", "CONTAINS": "LIKE", "EMPTYSTRING": "ISEMPTY"}
_PATH = r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*"
_CLAUSE = re.compile(rf"({_PATH})({'|'.join(re.escape(each) for each in _OPERATORS)})(.*)", re.DOTALL)
_ORDER = re.compile(rf"ORDERBY(DESC)?({_PATH})")
_ESCAPED = "\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """``field operator value``; ``field`` may walk over references."""

    field: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One field of the order."""

    field: str
    descending: bool


Alternatives = tuple[Clause, ...]
Group = tuple[Alternatives, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A parsed query: any of ``groups`` (``^NQ``), in each all of its parts (``^``), of each part one clause (``^OR``).

    ``malformed`` are the parts that are no condition at all; the instance runs the rest.
    """

    groups: tuple[Group, ...]
    orders: tuple[Order, ...] = ()
    malformed: tuple[str, ...] = ()


def parse(text: str) -> Query:
    """Parse a query; never fails. ``^^`` in a value is one caret; ``^OR`` binds to the condition before it."""
    groups: list[list[list[Clause]]] = [[]]
    orders: list[Order] = []
    malformed: list[str] = []
    for part in text.replace("^^", _ESCAPED).split("^"):
        rest = part
        if rest.startswith("NQ"):
            groups.append([])
            rest = rest[2:]
        alternative = rest.startswith("OR") and not rest.startswith("ORDERBY")
        rest = rest[2:] if alternative else rest
        if order := _ORDER.fullmatch(rest):
            orders.append(Order(field=order[2], descending=bool(order[1])))
        elif clause := _CLAUSE.fullmatch(rest):
            _add(groups[-1], _clause(clause), alternative=alternative)
        elif rest not in ("", "EQ"):
            malformed.append(part.replace(_ESCAPED, "^"))
    return Query(
        groups=tuple(tuple(tuple(each) for each in group) for group in groups), orders=tuple(orders),
        malformed=tuple(malformed),
    )


def _add(group: list[list[Clause]], clause: Clause, *, alternative: bool) -> None:
    if alternative and group:
        group[-1].append(clause)
    else:
        group.append([clause])


def _clause(match: re.Match[str]) -> Clause:
    return Clause(
        field=match[1], operator=_SAME.get(match[2], match[2]), value=match[3].replace(_ESCAPED, "^")
    )
