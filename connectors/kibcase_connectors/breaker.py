"""When a system is left alone after what it answered: a circuit breaker as a value; pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from kibcase_connectors.errors import ConnectorError, Denied, OutcomeUnknown, Throttled, Unavailable
from kibcase_connectors.model import Json
from kibcase_connectors.waiting import MAX_WAIT

FAILURES_TO_OPEN: Final = 5
"""How many calls in a row must fail before a closed breaker opens."""

FIRST_WAIT: Final = 30.0
LONGEST_WAIT: Final = 900.0
"""Seconds: the waits of an outage double from the first to the longest."""

DENIED_WAIT: Final = 900.0
"""Seconds between tries of an account that was refused; more would lock it."""

_VERSION: Final = 1
_MOST: Final = 1_000_000
_SAID_LIMIT: Final = 300
# A clock that was set back by more than this must not keep a breaker open for as long as it was off.
_CLOCK_SLACK: Final = 300.0


class State(StrEnum):
    """What a breaker does: let calls through, hold them back, let one through to see."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Cause(StrEnum):
    """Why a breaker is not closed."""

    OUTAGE = "outage"
    THROTTLED = "throttled"
    DENIED = "denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """What is known of the health of one system; times are in seconds since the epoch.

    ``failures`` counts the failed calls in a row while it is closed, ``openings`` how often it has opened since the
    last success. ``since`` and ``until`` bound the time for which it is open; ``cause`` is None while it is closed.
    ``said`` is the message of the error that opened it, ``configuration`` the fingerprint of the settings that
    were refused.
    """

    failures: int = 0
    openings: int = 0
    cause: Cause | None = None
    since: float = 0.0
    until: float = 0.0
    said: str = ""
    configuration: str = ""

    def state(self, now: float, configuration: str = "") -> State:
        """Tell what to do with a call that is made at ``now`` with settings of this fingerprint."""
        if self.cause is None:
            return State.CLOSED
        return State.OPEN if self.remaining(now, configuration) > 0 else State.HALF_OPEN

    def remaining(self, now: float, configuration: str = "") -> float:
        """Give the seconds for which calls are still held back.

        Other settings than those that were refused are worth a try at once.
        """
        changed = self.cause is Cause.DENIED and configuration != self.configuration
        if self.cause is None or changed or now < self.since - _CLOCK_SLACK:
            return 0.0
        return max(0.0, self.until - now)

    def after(self, outcome: ConnectorError | None, now: float, configuration: str = "") -> Breaker:
        """Give the breaker after a call that ended at ``now``; ``outcome`` None: it went well.

        ``Denied`` opens it at once, and so does ``Throttled``, for as long as the system asked. ``Unavailable`` and
        ``OutcomeUnknown`` open it when they come ``FAILURES_TO_OPEN`` times in a row, or once when it is half-open.
        All other errors are answers of a system that works, and close it. A call that was let through although it is
        open never shortens the wait, unless it went well.
        """
        match outcome:
            case Denied():
                return self._opened(Cause.DENIED, DENIED_WAIT, now, outcome, configuration)
            case Throttled(whole=True):
                wait = min(outcome.retry_after or self._own_wait(), MAX_WAIT)
                return self._opened(Cause.THROTTLED, wait, now, outcome, "")
            case Unavailable() | OutcomeUnknown() if not isinstance(outcome, Throttled):
                return self._failed(outcome, now, configuration)
        return CLOSED

    def _failed(self, error: ConnectorError, now: float, configuration: str) -> Breaker:
        state = self.state(now, configuration)
        if state is State.OPEN:
            return self
        if state is State.CLOSED and self.failures + 1 < FAILURES_TO_OPEN:
            return replace(self, failures=self.failures + 1)
        return self._opened(Cause.OUTAGE, self._own_wait(), now, error, "")

    def _own_wait(self) -> float:
        return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self.openings, 20))

    def _opened(self, cause: Cause, wait: float, now: float, error: ConnectorError, configuration: str) -> Breaker:
        # What is open and was asked all the same (by a person) has not failed once more by itself.
        again = self.cause is not None and self.since - _CLOCK_SLACK <= now < self.until
        return Breaker(
            failures=0, openings=self.openings if again else min(self.openings + 1, _MOST), cause=cause, since=now,
            until=max(now + wait, self.until if again else 0.0),
            said=str(error)[:_SAID_LIMIT], configuration=configuration,
        )

    def to_json(self) -> dict[str, Json]:
        """Give it as JSON, with the version of the form."""
        return {
            "version": _VERSION, "failures": self.failures, "openings": self.openings,
            "cause": None if self.cause is None else self.cause.value, "since": self.since, "until": self.until,
            "said": self.said, "configuration": self.configuration,
        }

    @classmethod
    def from_json(cls, given: Json) -> Breaker:
        """Read what ``to_json`` gave. Raises ``ValueError`` for anything else, also for the form of a newer kibcase."""
        fields = versioned(given, "a circuit breaker", _VERSION)
        cause, since, until = fields.get("cause"), number(fields, "since"), number(fields, "until")
        return cls(
            failures=count(fields, "failures"), openings=count(fields, "openings"),
            cause=None if cause is None else Cause(str(cause)), since=since, until=min(until, since + MAX_WAIT),
            said=str(fields.get("said", ""))[:_SAID_LIMIT], configuration=str(fields.get("configuration", "")),
        )


CLOSED: Final = Breaker()
"""The breaker of a system that works, and of one that was never asked."""


def versioned(given: Json, what: str, version: int) -> Mapping[str, Json]:
    """Give the fields of a JSON object of exactly this version. Raises ``ValueError``."""
    if not isinstance(given, dict) or given.get("version") != version:
        raise ValueError(f"this is not {what} in form {version}, the one that this kibcase knows")
    return given


def number(fields: Mapping[str, Json], name: str) -> float:
    """Give a finite number out of kept JSON. Raises ``ValueError``."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be a number")
    return float(value)


def count(fields: Mapping[str, Json], name: str) -> int:
    """Give a number of times out of kept JSON. Raises ``ValueError``."""
    value = number(fields, name)
    if not 0 <= value <= _MOST or value != int(value):
        raise ValueError(f"{name} must be a whole number from 0 on")
    return int(value)
