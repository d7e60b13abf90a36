"""Rate limits that count: requests per endpoint, writes per issue, and Data Center's token bucket."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from math import ceil
from typing import Final, Literal

Spelling = Literal["integer", "decimal", "date", "reset", "reset-minutes", "none"]
"""How a 429 says when to come back: ``Retry-After`` as whole seconds, as a decimal, as an HTTP date; or only
``X-RateLimit-Reset`` (ISO time, to the second or to the minute); or not at all."""

Reason = Literal[
    "jira-burst-based", "jira-per-issue-on-write", "jira-quota-global-based", "jira-quota-tenant-based"
]

ISSUE_WRITES: Final = ((20, 2.0), (100, 30.0))
"""Jira Cloud's windows for writes to one issue: (number, seconds)."""

BUCKET: Final = (100_000, 100_000, 60)
"""Data Center's token bucket at first, wide enough for everybody: (capacity, fill, interval in seconds)."""


def waiting(seconds: float, spelling: Spelling, now: datetime) -> dict[str, str]:
    """Write the headers that tell to wait that long."""
    until = now + timedelta(seconds=seconds)
    whole = until.replace(microsecond=0) + timedelta(seconds=bool(until.microsecond))
    minute = whole.replace(second=0) + timedelta(minutes=bool(whole.second))
    match spelling:
        case "integer":
            return {"Retry-After": str(ceil(seconds)), "X-RateLimit-Reset": f"{whole:%Y-%m-%dT%H:%M:%SZ}"}
        case "decimal":
            return {"Retry-After": f"{seconds:.1f}"}
        case "date":
            return {"Retry-After": format_datetime(whole, usegmt=True)}
        case "reset":
            return {"X-RateLimit-Reset": f"{whole:%Y-%m-%dT%H:%M:%SZ}"}
        case "reset-minutes":
            return {"X-RateLimit-Reset": f"{minute:%Y-%m-%dT%H:%MZ}"}
        case "none":
            return {}


class Window:
    """At most ``number`` events in any ``seconds``."""

    def __init__(self, number: int, seconds: float) -> None:
        self.number = number
        self.span = timedelta(seconds=seconds)
        self._events: deque[datetime] = deque()

    def wait(self, now: datetime) -> float:
        """Give the seconds until the next event is allowed, 0.0 if it is now."""
        while self._events and self._events[0] <= now - self.span:
            self._events.popleft()
        if len(self._events) < self.number:
            return 0.0
        return (self._events[len(self._events) - self.number] + self.span - now).total_seconds()

    def note(self, now: datetime) -> None:
        """Count an event."""
        self._events.append(now)


@dataclass(slots=True, kw_only=True)
class Bucket:
    """Data Center's token bucket of one user: ``capacity`` tokens, ``fill`` more every ``interval`` seconds."""

    capacity: int
    fill: int
    interval: int
    tokens: int
    filled: datetime

    def take(self, now: datetime) -> bool:
        """Take a token; tells whether there was one."""
        steps = int((now - self.filled).total_seconds() // self.interval)
        if steps > 0:
            self.tokens = min(self.capacity, self.tokens + steps * self.fill)
            self.filled += timedelta(seconds=steps * self.interval)
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def headers(self, now: datetime, *, refused: bool) -> dict[str, str]:
        """Write the headers that Data Center puts on every answer; ``retry-after`` is 0 while there are tokens."""
        wait = max(1, ceil((self.filled - now).total_seconds() + self.interval)) if refused else 0
        return {
            "X-RateLimit-Limit": str(self.capacity), "X-RateLimit-Remaining": str(self.tokens),
            "X-RateLimit-FillRate": str(self.fill), "X-RateLimit-Interval-Seconds": str(self.interval),
            "retry-after": str(wait),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that is over a limit, and the headers of its 429."""

    headers: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Limits:
    """What is counted, and the counts. ``()`` and None count nothing.

    ``issue_writes`` and ``burst`` are windows of (number, seconds): of writes to one issue, and of
    requests of one user to one endpoint and method. ``bucket`` is Data Center's (capacity, fill,
    interval in seconds). ``spelling`` is how refusals of the windows say when to come back.
    """

    issue_writes: tuple[tuple[int, float], ...] = ()
    burst: tuple[tuple[int, float], ...] = ()
    bucket: tuple[int, int, int] = BUCKET
    spelling: Spelling = "integer"
    _windows: dict[Hashable, list[Window]] = field(default_factory=dict)
    _buckets: dict[str, Bucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self) -> None:
        """Start all counts again."""
        with self._lock:
            self._windows.clear()
            self._buckets.clear()

    def count(self, now: datetime, *, endpoint: tuple[str, str, str], issue: int | None) -> Refusal | None:
        """Count a request; ``endpoint`` is (user, method, route), ``issue`` the one it writes to, if it does."""
        with self._lock:
            groups: list[tuple[Reason, list[Window]]] = [
                ("jira-burst-based", self._of(("burst", *endpoint), self.burst)),
            ]
            if issue is not None:
                groups.append(("jira-per-issue-on-write", self._of(("issue", issue), self.issue_writes)))
            for reason, windows in groups:
                wait = max((each.wait(now) for each in windows), default=0.0)
                if wait > 0:
                    return Refusal(headers={"RateLimit-Reason": reason, **waiting(wait, self.spelling, now)})
            for _, windows in groups:
                for each in windows:
                    each.note(now)
        return None

    def _of(self, key: Hashable, sizes: tuple[tuple[int, float], ...]) -> list[Window]:
        return self._windows.setdefault(key, [Window(*size) for size in sizes]) if sizes else []

    def draw(self, username: str, now: datetime) -> tuple[bool, dict[str, str]]:
        """Take a token for a user of Data Center; gives whether there was one, and the headers of the answer."""
        capacity, fill, interval = self.bucket
        with self._lock:
            bucket = self._buckets.setdefault(username, Bucket(
                capacity=capacity, fill=fill, interval=interval, tokens=capacity, filled=now,
            ))
            allowed = bucket.take(now)
            return allowed, bucket.headers(now, refused=not allowed)
