"""Hourly request budgets (inbound REST API rate limiting)."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime

from kibcase_connectors.standins.servicenow.people import fixed_id

_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRule:
    """How many requests per clock hour each of ``users`` (empty: every user) may send to the API of a name."""

    limit: int
    api: str = "Table API"
    users: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the rule says about a request; ``headers`` go into its answer."""

    allowed: bool
    rule: RateRule
    headers: dict[str, str]


class Budget:
    """Counts requests against one rule, which may be replaced at any time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rule: RateRule | None = None
        self._spent: dict[tuple[str, int], int] = {}

    @property
    def rule(self) -> RateRule | None:
        """The rule in force, None without limits."""
        with self._lock:
            return self._rule

    def set(self, rule: RateRule | None) -> None:
        """Put a rule in force and forget what was counted; None ends limiting."""
        with self._lock:
            self._rule = rule
            self._spent.clear()

    def spend(self, user_name: str, api: str, now: datetime) -> Verdict | None:
        """Count a request; None if no rule covers it."""
        with self._lock:
            rule = self._rule
            if rule is None or rule.api != api or (rule.users and user_name not in rule.users):
                return None
            seconds = int(now.astimezone(UTC).timestamp())
            key = (user_name, seconds // _HOUR)
            self._spent[key] = self._spent.get(key, 0) + 1
            allowed = self._spent[key] <= rule.limit
        reset = (seconds // _HOUR + 1) * _HOUR
        headers = {
            "X-RateLimit-Limit": str(rule.limit), "X-RateLimit-Reset": str(reset),
            "X-RateLimit-Rule": fixed_id("sys_rate_limit_rules", rule.api),
        }
        return Verdict(
            allowed=allowed, rule=rule, headers=headers | ({} if allowed else {"Retry-After": str(reset - seconds)})
        )
