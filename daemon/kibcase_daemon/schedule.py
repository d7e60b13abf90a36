"""When failed work is tried again; pure."""

from __future__ import annotations

from typing import Final

PAUSES: Final = (2.0, 10.0, 60.0, 300.0, 900.0, 3600.0)
"""Seconds before attempt 2, 3, ... of work that failed for a passing reason."""

PARKED_PAUSES: Final = (3600.0, 4 * 3600.0, 24 * 3600.0)
"""Seconds before a parked link is looked at again although nobody has touched it."""

ATTEMPTS_BEFORE_PARKING: Final = 8


def pause(attempts: int, *, parked: bool, asked: float | None = None) -> float:
    """Give the seconds to wait after the given number of failed attempts (at least 1).

    ``asked`` is what the remote side wants (``Retry-After``); it is never undercut.
    """
    steps = PARKED_PAUSES if parked else PAUSES
    own = steps[min(max(attempts, 1), len(steps)) - 1]
    return max(own, asked or 0.0)


def is_due(retry_at: float | None, now: float) -> bool:
    """Tell whether waiting work may be taken up; None: it waits for nothing but a change."""
    return retry_at is not None and retry_at <= now
