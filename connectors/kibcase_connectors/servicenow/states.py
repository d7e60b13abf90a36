"""Which state to set next on the way to another; pure.

ServiceNow does not tell which moves its state model, process definition and business rules allow. So the goal is
tried first, and where it is refused, the states before it in the order of the process.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

STEPS: Final = 10
"""The most moves that one change of status may take."""

TRIES: Final = 40
"""The most requests, refused ones included, that one change of status may cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is known of a table's states: what each means, their order, and what to set for a case status."""

    meanings: Mapping[str, str]
    order: Sequence[str]
    targets: Mapping[str, str]

    def candidates(
        self, here: str, status: str, *, visited: Collection[str] = (), refused: Collection[tuple[str, str]] = ()
    ) -> list[str]:
        """Give the states to try from ``here``, best first, to come to one that means ``status``.

        First the one to be set for it, then the others with that meaning, then the stones between, the nearest
        first; never one in ``visited``, and no closed one on the way to another. Moves in ``refused``, which
        the instance refused before, come last: it may judge one record otherwise than another.
        """
        target = self.targets[status]
        same = [state for state in self.order if self.meanings.get(state) == status]
        stones = [state for state in self._between(here, target) if self.meanings.get(state) != "closed"]
        options = [
            state for state in dict.fromkeys((target, *stones, *same)) if state not in visited and state != here
        ]
        return sorted(options, key=lambda state: (here, state) in refused)

    def _between(self, here: str, target: str) -> list[str]:
        places = list(self.order)
        if here not in places or target not in places:
            return [state for state in places if state != target]
        start, end = places.index(here), places.index(target)
        return places[start + 1 : end] if start < end else list(reversed(places[end + 1 : start]))
