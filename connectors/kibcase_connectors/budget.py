"""How many calls an hour a system gets: a budget as a value; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from kibcase_connectors.breaker import count, number, versioned
from kibcase_connectors.model import Json

WINDOW: Final = 3600.0
"""The seconds that a budget is for."""

STEP: Final = 60.0
"""Calls are counted per this many seconds; a call counts until its whole step has left the window."""

_VERSION: Final = 1
_CLOCK_SLACK: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """At most ``limit`` calls in any hour, so that never more fall into one of the system's own hours either.

    ``spent`` holds pairs of a step (seconds since the epoch divided by ``STEP``) and a number of calls, oldest first.
    ServiceNow's rules of inbound REST requests (``sys_rate_limit_rules``) are per hour. Raises ``ValueError``
    for a limit below 1.
    """

    limit: int
    spent: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError("an hourly budget must allow at least one call")

    def used(self, now: float) -> int:
        """Count the calls that still count at ``now``."""
        return sum(calls for _, calls in self._live(now))

    def wait(self, now: float) -> float:
        """Give the seconds until another call is within the budget; 0: it is now."""
        live = self._live(now)
        gone = [*accumulate(calls for _, calls in live)]
        over = self.used(now) - self.limit
        if over < 0:
            return 0.0
        return next(_leaves(step) - now for (step, _), calls in zip(live, gone, strict=True) if calls > over)

    def spend(self, now: float, calls: int = 1) -> Budget:
        """Give the budget after as many calls made at ``now``; what no longer counts is forgotten."""
        held, at = dict(self._live(now)), int(now // STEP)
        held[at] = held.get(at, 0) + calls
        return replace(self, spent=tuple(sorted(held.items())))

    def _live(self, now: float) -> list[tuple[int, int]]:
        # Steps far ahead of the clock are from before it was set back: counted, they could block for years.
        end = now + STEP + WINDOW + _CLOCK_SLACK
        return [(step, calls) for step, calls in self.spent if now < _leaves(step) <= end]

    def to_json(self) -> dict[str, Json]:
        """Give what was spent as JSON, with the version of the form; the limit is configured and not kept."""
        return {"version": _VERSION, "spent": [[step, calls] for step, calls in self.spent]}

    def resumed(self, given: Json) -> Budget:
        """Give this budget with what was spent by ``to_json``'s account. Raises ``ValueError`` for anything else."""
        pairs = versioned(given, "an hourly budget", _VERSION).get("spent")
        if not isinstance(pairs, list):
            raise ValueError("spent must be a list")
        return replace(self, spent=tuple(sorted(_pair(each) for each in pairs)))


def _leaves(step: int) -> float:
    return (step + 1) * STEP + WINDOW


def _pair(given: Json) -> tuple[int, int]:
    if not isinstance(given, list) or len(given) != 2:
        raise ValueError("spent must hold pairs")
    step, calls = given
    return int(number({"step": step}, "step")), count({"calls": calls}, "calls")
