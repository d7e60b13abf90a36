"""Workflows and field maps for systems in memory: one like Kibana, one narrower; pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from kibcase_connectors.mapping import Elements, FieldMap, Table, Text
from kibcase_connectors.model import DESCRIPTION, SEVERITIES, SEVERITY, STATUS, STATUSES, TAGS, TITLE

Workflow = Mapping[str, tuple[str, ...]]
"""The statuses that can be reached from each status in one step."""

FREE: Final[Workflow] = {status: tuple(other for other in STATUSES if other != status) for status in STATUSES}
"""Any status from any other, as in Kibana."""

STEPWISE: Final[Workflow] = {
    "To Do": ("In Progress",),
    "In Progress": ("To Do", "In Review"),
    "In Review": ("In Progress", "Done"),
    "Done": ("In Progress",),
}
"""A workflow in which most changes take several steps."""


def shortest(workflow: Workflow, start: str, arrived: Callable[[str], bool]) -> list[str] | None:
    """Give the statuses of the shortest way from ``start`` to one that will do, without ``start``; None: no way."""
    ways, seen = deque[list[str]]([[]]), {start}
    while ways:
        way = ways.popleft()
        here = way[-1] if way else start
        if arrived(here):
            return way
        steps = [step for step in workflow.get(here, ()) if step not in seen]
        seen.update(steps)
        ways.extend([*way, step] for step in steps)
    return None


def _cut(limit: int) -> Callable[[str], str]:
    return lambda text: text.strip() if len(text.strip()) <= limit else text.strip()[: limit - 1] + "…"


def _text(limit: int) -> Text:
    return Text(read=str.strip, write=_cut(limit), uncut=str.strip, limit=limit)


CASE_MAP: Final = FieldMap(
    {
        TITLE: _text(160),
        DESCRIPTION: _text(30_000),
        STATUS: Table(STATUS, {status: status for status in STATUSES}, {status: status for status in STATUSES}),
        SEVERITY: Table(SEVERITY, {name: name for name in SEVERITIES}, {name: name for name in SEVERITIES}),
        TAGS: Elements(),
    }
)
"""A field map for a system like Kibana."""

_STATUS_READS: Final = {"To Do": "open", "In Progress": "in-progress", "In Review": "in-progress", "Done": "closed"}
_STATUS_WRITES: Final = {"open": "To Do", "in-progress": "In Progress", "closed": "Done"}


def _label(tag: str) -> str:
    return "-".join(tag.split())


TICKET_MAP: Final = FieldMap(
    {
        TITLE: _text(40),
        DESCRIPTION: _text(32_767),
        STATUS: Table(STATUS, _STATUS_READS, _STATUS_WRITES),
        SEVERITY: Table(
            SEVERITY, {"High": "high", "Medium": "medium", "Low": "low"},
            {"critical": "High", "high": "High", "medium": "Medium", "low": "Low"},
        ),
        TAGS: Elements(write=_label, key=_label),
    }
)
"""A field map for a narrower system: more statuses, fewer priorities, short titles, labels without blanks."""
