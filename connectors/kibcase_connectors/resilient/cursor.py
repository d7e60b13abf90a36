"""Where a walk through changed incidents goes on next time; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

RECENT: Final = 500
"""Of how many incidents of the last walk the versions are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far all changes are known.

    ``modified`` is the latest modification seen, on the platform's clock; ``first`` is when a walk first came
    so far, on the daemon's; ``settled`` tells that a walk has looked again after the platform's index must
    have caught up. Both are epoch milliseconds. ``recent`` holds the versions told in the last walk by id, so
    that notes of what it will list again need not be read again. ``turn`` is the id of the active incident
    whose notes were looked at last.
    """

    modified: int
    first: int
    settled: bool = False
    recent: Mapping[str, str] = field(default_factory=dict)
    turn: int = 0

    def since(self, overlap: int) -> int:
        """Give the time from which to search: ``overlap`` ms back, until nothing before can turn up any more."""
        return self.modified if self.settled else self.modified - overlap

    def dumps(self) -> str:
        """Give the cursor as text."""
        return json.dumps({
            "modified": self.modified, "first": self.first, "settled": self.settled, "recent": dict(self.recent),
            "turn": self.turn,
        })


def loads(text: str) -> Cursor:
    """Read a cursor; raises ``ValueError`` if the text is none of ours."""
    try:
        raw = json.loads(text)
        return Cursor(
            modified=int(raw["modified"]), first=int(raw["first"]), settled=raw["settled"] is True,
            recent={str(key): str(version) for key, version in raw["recent"].items()}, turn=int(raw["turn"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a cursor") from error


def advanced(
    last: Cursor | None, seen: Sequence[int], *, begun: int, now: int, overlap: int,
    recent: Mapping[str, str], turn: int,
) -> Cursor:
    """Give the cursor after a walk that saw the modifications ``seen``.

    ``begun`` is the start of the walk on the platform's clock: what was changed since then may not have been
    seen, so the cursor never passes it. ``now`` is the start of the walk on the daemon's clock.
    """
    newest = min(max(seen, default=begun), begun)
    kept = dict(list(recent.items())[-RECENT:])
    if last is None or newest > last.modified:
        return Cursor(modified=newest, first=now, recent=kept, turn=turn)
    settled = last.settled or now - last.first > overlap
    return Cursor(modified=last.modified, first=last.first, settled=settled, recent=kept, turn=turn)
