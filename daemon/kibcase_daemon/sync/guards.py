"""Refusals: what looks so wrong that a person should see it before anything is written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from kibcase_connectors.model import Side
from kibcase_daemon.sync.types import FieldChange, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One value that kibcase has written: when (seconds since the epoch), where and what it means."""

    at: float
    side: Side
    field: str
    meant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``loop_writes`` writes of one value within ``loop_seconds`` are a loop; ``creations`` is per cycle and rule."""

    loop_writes: int = 4
    loop_seconds: float = 900.0
    creations: int = 50


def loop_suspected(plan: Plan, written: Iterable[Written], now: float, limits: Limits) -> str | None:
    """Tell why the plan looks like a loop, or None.

    Something else that undoes what kibcase writes (another integration, a workflow rule) would have the two
    fight for ever. Writing the same value to the same field again and again is what that looks like.
    """
    recent = Counter(
        (entry.side, entry.field, entry.meant) for entry in written if 0 <= now - entry.at <= limits.loop_seconds
    )
    for change in plan.changes:
        if change.to is None or change.value is None:
            continue
        times = recent[change.to, change.field, outcome(change)]
        if times >= limits.loop_writes:
            return (
                f"{change.field} of the {change.to} was set to the same value {times} times within "
                f"{limits.loop_seconds / 60:.0f} minutes and is different again: something else keeps undoing it"
            )
    return None


def flood_suspected(creations: int, limits: Limits) -> str | None:
    """Tell why so many new things at once look like a mistake in the filter, or None."""
    if creations <= limits.creations:
        return None
    return (
        f"{creations} new copies would be made at once, more than limits.creations ({limits.creations}) allows; "
        "look at `kibcase plan`, then narrow the filter or raise the limit"
    )


def outcome(change: FieldChange) -> str:
    """Give the text under which the result of a change is kept in the audit."""
    if change.add or change.remove:
        return ", ".join([*(f"+{item}" for item in change.add), *(f"-{item}" for item in change.remove)])
    return shown(change.value)


def shown(value: object) -> str:
    """Give the text that people see for a value in a side's own form or in the common one."""
    if isinstance(value, tuple | list):
        return ", ".join(shown(item) for item in value)
    if isinstance(value, dict):
        return str(value.get("name", json.dumps(value, ensure_ascii=False, sort_keys=True)))
    return "" if value is None else str(value)
