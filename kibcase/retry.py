"""Decide whether a failed request is sent again, and after how long. Pure: time and chance are arguments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from kibcase.errors import ApiError, CertificateRefused, ConnectionFailed, KibcaseError, RequestTimeout

TRANSIENT_STATUSES = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How often and how patiently a request is repeated.

    ``attempts`` counts the first one too. ``total`` bounds, in seconds, the time from the first attempt
    to the start of the last. The n-th wait is ``base * 2**(n-1)`` seconds, at most ``cap``, of which the
    share ``jitter`` (0..1) is left to chance. A ``Retry-After`` of the server replaces the computed wait.

    Raises ``ValueError`` for values without sense.
    """

    attempts: int = 4
    total: float = 60.0
    base: float = 0.5
    cap: float = 20.0
    jitter: float = 0.5

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError("attempts is at least 1")
        if not 0 <= self.jitter <= 1:
            raise ValueError("jitter is between 0 and 1")
        if min(self.total, self.base, self.cap) < 0:
            raise ValueError("total, base and cap are not negative")


NEVER = Policy(attempts=1)
"""The policy that repeats nothing."""


def wait_before_repeat(
    policy: Policy, error: KibcaseError, *, attempt: int, elapsed: float, repeatable: bool, chance: float
) -> float | None:
    """Return the seconds to wait before the next attempt, or None to give up.

    ``attempt`` is the number of attempts made (from 1), ``elapsed`` the seconds since the first began,
    ``repeatable`` whether sending the request twice does no harm, ``chance`` a number in [0, 1).
    A request that is not repeatable is repeated only if it certainly was not sent.
    """
    if attempt >= policy.attempts or not may_repeat(error, repeatable=repeatable):
        return None
    asked = error.retry_after if isinstance(error, ApiError) else None
    wait = backoff(policy, attempt, chance) if asked is None else asked
    return wait if elapsed + wait <= policy.total else None


def may_repeat(error: KibcaseError, *, repeatable: bool) -> bool:
    """Tell whether the failure may pass by itself and the request may be sent again."""
    if isinstance(error, CertificateRefused):
        return False
    if isinstance(error, ConnectionFailed | RequestTimeout):
        return repeatable or not error.sent
    return repeatable and isinstance(error, ApiError) and error.status in TRANSIENT_STATUSES


def backoff(policy: Policy, attempt: int, chance: float) -> float:
    """Return the computed wait in seconds after ``attempt`` attempts (from 1)."""
    full = min(policy.cap, policy.base * 2.0 ** min(attempt - 1, 60))
    return full * (1 - policy.jitter * chance)


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, or None if it says nothing usable.

    Understands whole and decimal seconds and the HTTP date, which counts from ``now``, the server's
    own ``Date`` if it sent one (RFC 9110, 10.2.3). A moment in the past is 0.
    """
    if value is None:
        return None
    text = value.strip()
    seconds = _number(text)
    if seconds is None:
        date = parse_http_date(text)
        seconds = None if date is None else (date - now).total_seconds()
    return None if seconds is None else max(0.0, seconds)


def parse_http_date(value: str | None) -> datetime | None:
    """Return the moment of an HTTP date header in UTC, or None if it is absent or unreadable."""
    if not value:
        return None
    try:
        date = parsedate_to_datetime(value)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
