"""What a person sees of a case and of a ticket, reduced to what both mean; pure.

Deliberately without the connectors' mappings: this is what their work is checked with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

_HIDDEN: Final = re.compile(r"^\[//\]: # \(.*\)$", re.MULTILINE)
_FENCES: Final = re.compile(r"^\s*```.*$|\{(?:code|noformat)[^}\n]*\}|\{\{|\}\}", re.MULTILINE)
_WORDS: Final = re.compile(r"[^\W_]+")
_HEADINGS: Final = re.compile(r"^h[1-6]\. ", re.MULTILINE)
MARK: Final = "kibcase-"
"""What kibcase's own tags and labels begin with."""

PRIORITIES: Final[Mapping[str, str]] = MappingProxyType(
    {"Highest": "critical", "High": "high", "Medium": "medium", "Low": "low", "Lowest": "low"}
)
CATEGORIES: Final[Mapping[str, str]] = MappingProxyType(
    {"new": "open", "indeterminate": "in-progress", "done": "closed"}
)
ALERT_STATUS: Final[Mapping[str, str]] = MappingProxyType(
    {"open": "open", "in-progress": "acknowledged", "closed": "closed"}
)
"""The alert status that goes with a case status (Kibana Cases API, syncAlerts)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One side. ``shown`` is what its own users call things, the rest is what it means.

    ``status``, ``severity`` and ``tags`` are in Kibana's words; ``description`` and ``comments`` are
    reduced to words, markup taken off.
    """

    label: str
    title: str
    status: str
    severity: str
    tags: frozenset[str]
    description: tuple[str, ...]
    comments: tuple[tuple[str, ...], ...]
    shown: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A case and its ticket; ``alerts`` counts the case's alerts by workflow status."""

    case: View
    ticket: View
    alerts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the comparison; ``problem`` is empty where both sides agree."""

    field: str
    case: str
    ticket: str
    problem: str = ""


def words(text: str) -> tuple[str, ...]:
    """Give the words of Markdown or wiki markup, in order; marks and fences are no words."""
    text = _HEADINGS.sub("", _FENCES.sub(" ", _HIDDEN.sub("", text)))
    return tuple(_WORDS.findall(text.casefold()))


def tag_meanings(tags: Iterable[str]) -> frozenset[str]:
    """Give what tags or labels mean: labels hold no blanks, kibcase's own marks do not count."""
    return frozenset("-".join(tag.split()) for tag in tags if not tag.startswith(MARK))


def compare(pair: Pair) -> list[Row]:
    """Hold both sides of a pair against each other, field by field."""
    case, ticket = pair.case, pair.ticket
    return [
        _row("title", pair, "" if case.title == ticket.title else "the titles differ"),
        _row("description", pair, "" if case.description == ticket.description else "the texts differ"),
        _row("status", pair, "" if case.status == ticket.status else f"{case.status} is not {ticket.status}"),
        _row("severity", pair, "" if case.severity == ticket.severity else f"{case.severity} is not {ticket.severity}"),
        _row("tags", pair, _odd_tags(case.tags, ticket.tags)),
        _row("comments", pair, unmatched(case.comments, ticket.comments)),
        Row(field="alerts", case=counted(pair.alerts), ticket="-", problem=_odd_alerts(case.status, pair.alerts)),
    ]


def unmatched(case: tuple[tuple[str, ...], ...], ticket: tuple[tuple[str, ...], ...]) -> str:
    """Tell what keeps the comments from matching one to one, "" if they do.

    A mirror says who wrote the original and when, then repeats it: so of two that match one ends with
    the other.
    """
    if len(case) != len(ticket):
        return f"{len(case)} comments in Kibana, {len(ticket)} in Jira"
    free = list(ticket)
    for comment in sorted(case, key=len, reverse=True):
        partners = [other for other in free if _mirrors(comment, other)]
        if not partners:
            return f"no partner for the comment '{' '.join(comment)[:60]}'"
        free.remove(max(partners, key=len))
    return ""


def _mirrors(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    short, long = sorted((one, other), key=len)
    return bool(short) and long[-len(short):] == short


def _row(field: str, pair: Pair, problem: str) -> Row:
    return Row(field=field, case=pair.case.shown[field], ticket=pair.ticket.shown[field], problem=problem)


def _odd_tags(case: frozenset[str], ticket: frozenset[str]) -> str:
    odd = sorted(case ^ ticket)
    return f"on one side only: {', '.join(odd)}" if odd else ""


def _odd_alerts(status: str, alerts: Mapping[str, int]) -> str:
    wanted = ALERT_STATUS.get(status, "")
    odd = {name: count for name, count in alerts.items() if name != wanted}
    return f"{counted(odd)}, though the case is {status}" if odd or not alerts else ""


def counted(alerts: Mapping[str, int]) -> str:
    """Give how many alerts have which workflow status."""
    return ", ".join(f"{count} {name}" for name, count in sorted(alerts.items())) or "none"
