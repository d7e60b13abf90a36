"""Which step of a workflow to take, and what its screen asks for; pure.

Jira has no "set status": an issue moves by transitions, and only those open from its present status are
visible. The way to a distant status is therefore found step by step, with what was learnt on earlier ways.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from kibcase_connectors.jira.wire import JiraStatus, ScreenField, Transition
from kibcase_connectors.model import STATUSES, Json

STEPS: Final = 8
"""The most transitions that one change of status may take."""

_FAR: Final = 1_000
_NOT_ON_SCREEN: Final = "cannot be set"
_RANKS: Final = {status: rank for rank, status in enumerate(STATUSES)}

Meaning = Callable[[JiraStatus], str | None]
"""Gives the canonical status that a workflow status stands for, None if it stands for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Where to go: the canonical ``status`` and the names of Jira statuses to prefer, best first."""

    status: str
    preferred: tuple[str, ...] = ()

    def preference(self, status: JiraStatus) -> int:
        """Give the place of a status in ``preferred``; behind all of them if it is not there."""
        names = [name.casefold() for name in self.preferred]
        return names.index(status.name.casefold()) if status.name.casefold() in names else len(names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fillings:
    """What to enter on transition screens: the closing ``resolution``, other values by field id."""

    resolution: str
    values: Mapping[str, Json] = field(default_factory=dict)


def choose(
    options: Sequence[Transition], goal: Goal, *, meaning: Meaning, visited: frozenset[str],
    learnt: Mapping[str, Sequence[JiraStatus]], fillings: Fillings,
) -> Transition | None:
    """Choose the transition to take now, or None if none leads on.

    A status that means the goal comes first, the preferred ones before others. Otherwise a step is taken
    that is known to lead to the goal, or may; never back to a status in ``visited`` and never through a
    closed status on the way to another. ``learnt`` gives for a status id where one could go from it.
    """
    fresh = [option for option in options if option.to.id not in visited]
    direct = [option for option in fresh if meaning(option.to) == goal.status]
    if direct:
        return min(direct, key=lambda option: (_obstacles(option, fillings), goal.preference(option.to)))
    steps = [option for option in fresh if not _closes(option.to, meaning)]
    aim = _RANKS[goal.status]

    def cost(option: Transition) -> tuple[int, int, int]:
        distance = _distance(option.to, goal, meaning, visited, learnt)
        rank = _rank(option.to, meaning)
        return _obstacles(option, fillings), distance, abs(rank - aim)

    return min(steps, key=cost, default=None)


def _obstacles(option: Transition, fillings: Fillings) -> int:
    return len(fill(option, fillings)[1])


def _closes(status: JiraStatus, meaning: Meaning) -> bool:
    return status.category == "done" or meaning(status) == "closed"


def _rank(status: JiraStatus, meaning: Meaning) -> int:
    # A status without a meaning is somewhere on the way.
    return _RANKS.get(meaning(status) or "", 1)


def _distance(
    start: JiraStatus, goal: Goal, meaning: Meaning, visited: frozenset[str],
    learnt: Mapping[str, Sequence[JiraStatus]],
) -> int:
    """Count the fewest further steps to the goal; from a status never left before it may be the next."""
    reached, edge = set(visited) | {start.id}, [start]
    for steps in range(1, STEPS + 1):
        if any(status.id not in learnt for status in edge):
            return steps
        ahead = [status for known in edge for status in learnt[known.id] if status.id not in reached]
        if any(meaning(status) == goal.status for status in ahead):
            return steps
        edge = [status for status in ahead if not _closes(status, meaning)]
        reached |= {status.id for status in edge}
    return _FAR


def fill(option: Transition, fillings: Fillings) -> tuple[dict[str, Json], list[ScreenField]]:
    """Give the values for the fields on a transition's screen, and the required ones without any.

    Fields come from ``fillings``; a required one with a single allowed value takes that.
    """
    values: dict[str, Json] = {}
    lacking: list[ScreenField] = []
    for shown in option.screen:
        value = _value(shown, option, fillings)
        if value is not None:
            values[shown.id] = value
        elif shown.id == "resolution" and option.to.category != "done":
            # Reopened with its resolution, a ticket would count as resolved still.
            values[shown.id] = None
        elif shown.required and not shown.has_default:
            lacking.append(shown)
    return values, lacking


def repaired(
    values: Mapping[str, Json], option: Transition, fillings: Fillings, field: str | None, said: str
) -> dict[str, Json] | None:
    """Give other values for a transition that was refused because of ``field``, or None if there are none.

    What Jira lists for a screen is not always what it takes: a field may be listed that "cannot be set", or
    the resolution be demanded though it was not listed. Only the refusal proves it.
    """
    if field is None:
        return None
    if field in values:
        rest = {name: value for name, value in values.items() if name != field}
        return rest if _NOT_ON_SCREEN in said else None
    if field in fillings.values:
        return {**values, field: fillings.values[field]}
    if field == "resolution" and option.to.category == "done":
        return {**values, field: {"name": fillings.resolution}}
    return None


def _value(shown: ScreenField, option: Transition, fillings: Fillings) -> Json:
    if shown.id in fillings.values:
        return fillings.values[shown.id]
    if shown.id == "resolution" and (option.to.category == "done" or shown.required):
        named = [name for name in names(shown) if name.casefold() == fillings.resolution.casefold()]
        if named or not shown.allowed:
            return {"name": named[0] if named else fillings.resolution}
    if shown.required and not shown.has_default and len(shown.allowed) == 1:
        only: Json = {"id": str(shown.allowed[0]["id"])} if "id" in shown.allowed[0] else dict(shown.allowed[0])
        return [only] if shown.many else only
    return None


def names(shown: ScreenField) -> list[str]:
    """Give what people call the values that a screen field takes."""
    return [str(value.get("name") or value.get("value") or value.get("id")) for value in shown.allowed]
