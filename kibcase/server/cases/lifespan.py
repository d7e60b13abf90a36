"""How long a case was in which status; pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from kibcase.server.datemath import parse_stamp, stamp


def status_info(created_at: str, changes: Iterable[tuple[str, str]], now: datetime) -> dict[str, object]:
    """Give ``{openDuration, inProgressDuration, reopenDates}``, durations in milliseconds.

    ``changes`` are (moment, new status) in order of time, as the status user actions of the case have them; the
    time since the last one counts as well. A case is reopened when it leaves ``closed``.
    """
    spent = {"open": timedelta(), "in-progress": timedelta(), "closed": timedelta()}
    reopened: list[str] = []
    status, since = "open", parse_stamp(created_at)
    for text, after in changes:
        moment = parse_stamp(text)
        spent[status] += abs(moment - since)
        if status == "closed" and after != "closed":
            reopened.append(stamp(moment))
        status, since = after, moment
    spent[status] += abs(now - since)
    millisecond = timedelta(milliseconds=1)
    return {
        "openDuration": spent["open"] // millisecond,
        "inProgressDuration": spent["in-progress"] // millisecond,
        "reopenDates": reopened,
    }
