"""Where a walk through changed tickets goes on next time; pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far all changes are known.

    ``updated`` is the latest update seen, on Jira's clock; ``first`` is when a walk first came so far, on the
    daemon's clock; ``settled`` tells that a walk has looked again after the search index must have caught
    up. All are in whole milliseconds since the epoch, or a flag.
    """

    updated: int
    first: int
    settled: bool = False

    def since(self, overlap: int) -> int:
        """Give the time from which to search: ``overlap`` ms back, until nothing before can turn up any more."""
        return self.updated if self.settled else self.updated - overlap

    def dumps(self) -> str:
        """Give the cursor as text."""
        return json.dumps({"updated": self.updated, "first": self.first, "settled": self.settled})


def loads(text: str) -> Cursor:
    """Read a cursor; raises ``ValueError`` if the text is none of ours."""
    try:
        raw = json.loads(text)
        return Cursor(updated=int(raw["updated"]), first=int(raw["first"]), settled=raw["settled"] is True)
    except (KeyError, TypeError) as error:
        raise ValueError("not a cursor") from error


def advanced(
    last: Cursor | None, seen: Sequence[int], *, begun: int, now: int, overlap: int
) -> Cursor:
    """Give the cursor after a walk that saw the updates ``seen``.

    ``begun`` is the start of the walk on Jira's clock: what was changed since then may not have been seen,
    so the cursor never passes it. ``now`` is the start of the walk on the daemon's clock. With the cursor
    ``overlap`` ms old and no later update, everything up to it has been indexed and was seen by this walk.
    """
    newest = min(max(seen, default=begun), begun)
    if last is None or newest > last.updated:
        return Cursor(updated=newest, first=now)
    return replace(last, settled=last.settled or now - last.first > overlap)
