"""Up to where the cases of a space have been looked through; pure.

Kibana's ``_find`` gives cases by time stamps that Kibana's nodes put on them (``updated_at``,
``created_at``). A write can be found only a while after its stamp, and another node's clock may be
behind; so each search begins a margin before the newest stamp seen. Once a search made at least a margin
after that stamp was first seen has looked through it again, nothing older can still appear, and the
margin is dropped: an idle space costs no more the more cases were written last.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """The newest stamp seen: ``stamp`` by Kibana's clock (None: none yet), first seen at ``since`` by ours.

    ``settled`` says that nothing older than ``stamp`` can appear any more.
    """

    stamp: datetime | None
    since: datetime
    settled: bool = False

    def floor(self, margin: timedelta) -> datetime | None:
        """Give the stamp from which on, itself included, to search; None: from the beginning."""
        if self.stamp is None or self.settled:
            return self.stamp
        return self.stamp - margin

    def after(self, newest: datetime | None, started: datetime, margin: timedelta) -> Self:
        """Give the watermark after a complete search from ``floor`` on.

        ``newest`` is the newest stamp found and ``started`` our time when the search began.
        """
        if newest is not None and (self.stamp is None or newest > self.stamp):
            return type(self)(stamp=newest, since=started)
        settled = self.settled or (self.stamp is not None and started - self.since > margin)
        return type(self)(stamp=self.stamp, since=self.since, settled=settled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Where the round through all cases goes on: the stamp of creation to look at or before (None: the newest).

    ``page`` is above 1 only where more cases than a page holds were created at that one stamp.
    """

    last: datetime | None = None
    page: int = 1

    def after(self, oldest: datetime | None, *, more: bool) -> Self:
        """Give where to go on after a page whose oldest case was created at ``oldest``; ``more`` pages follow."""
        if oldest is None or not more:
            return type(self)()
        return type(self)(last=oldest, page=self.page + 1 if oldest == self.last else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where to go on in the two orders in which changes are looked for, and in the round through all cases."""

    updated: Watermark
    created: Watermark
    round: Round = Round()

    def dump(self) -> str:
        """Write the cursor down as JSON."""
        marks = {"updated": _dumped(self.updated), "created": _dumped(self.created)}
        rest = {} if self.round.last is None else {"round": [iso(self.round.last), self.round.page]}
        return json.dumps({"v": _VERSION, **marks, **rest}, separators=(",", ":"))

    @classmethod
    def load(cls, text: str) -> Self | None:
        """Read a cursor; None if it is not one of ours, so that everything must be looked through again."""
        try:
            read = json.loads(text)
            if read["v"] != _VERSION:
                return None
            last, page = read.get("round") or (None, 1)
            at = Round() if last is None else Round(last=datetime.fromisoformat(str(last)), page=int(page))
            return cls(updated=_loaded(read["updated"]), created=_loaded(read["created"]), round=at)
        except (ValueError, KeyError, TypeError):
            return None


def _dumped(mark: Watermark) -> dict[str, str | bool | None]:
    stamp = None if mark.stamp is None else iso(mark.stamp)
    return {"stamp": stamp, "since": mark.since.isoformat(), "settled": mark.settled}


def _loaded(read: dict[str, str | bool | None]) -> Watermark:
    stamp = read["stamp"]
    return Watermark(
        stamp=None if stamp is None else datetime.fromisoformat(str(stamp)),
        since=datetime.fromisoformat(str(read["since"])),
        settled=read["settled"] is True,
    )


def iso(stamp: datetime, *, up: bool = False) -> str:
    """Write a stamp as Kibana does, in milliseconds; a finer one is moved down, or ``up``."""
    rest = stamp.microsecond % 1000
    if up and rest:
        stamp += timedelta(microseconds=1000 - rest)
    return stamp.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
