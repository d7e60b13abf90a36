"""Where a walk through changed records goes on next time; pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta

from kibcase_connectors.servicenow.wire import stamp, stamped


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far all changes are known.

    ``at`` is the newest stamp seen, on the instance's clock; ``first`` is when a walk first came so far, in
    milliseconds on the daemon's clock; ``settled`` tells that a walk has looked again after everything up to
    ``at`` must have become visible. ``crowd``, once settled, is the last id of a second that holds so many
    records that they are not all listed again each time.
    """

    at: str
    first: int
    settled: bool = False
    crowd: str = ""

    def since(self, overlap: float) -> str:
        """Give the stamp from which to search: ``overlap`` seconds back, until nothing before can turn up."""
        return self.at if self.settled else stamped(stamp(self.at) - timedelta(seconds=overlap))

    def dumps(self) -> str:
        """Give the cursor as text."""
        return json.dumps({"at": self.at, "first": self.first, "settled": self.settled, "crowd": self.crowd})


def loads(text: str) -> Cursor | None:
    """Read a cursor; None for one from before anything was seen. Raises ``ValueError`` if it is none of ours."""
    try:
        raw = json.loads(text)
        if raw == {}:
            return None
        stamp(raw["at"])
        return Cursor(
            at=str(raw["at"]), first=int(raw["first"]), settled=raw["settled"] is True, crowd=str(raw["crowd"])
        )
    except (KeyError, TypeError) as error:
        raise ValueError("not a cursor") from error


def advanced(
    last: Cursor | None, newest: str | None, *, begun: str | None, now: int, overlap: float, crowd: str
) -> Cursor | None:
    """Give the cursor after a walk; None as long as nothing was ever seen.

    ``newest`` is the newest stamp that the walk saw, ``begun`` its start on the instance's clock (None: not told):
    what was changed since then may not have been seen, so the cursor never passes it. ``now`` is the start in
    milliseconds on the daemon's clock. ``crowd`` is the last id of the second ``newest`` if that is crowded.
    """
    reached = newest if newest is None or begun is None else min(newest, begun)
    if reached is not None and (last is None or reached > last.at):
        return Cursor(at=reached, first=now)
    if last is None or last.settled or now - last.first <= overlap * 1000:
        return last
    return replace(last, settled=True, crowd=crowd if newest == last.at else "")
