"""How long a system wants to be left alone: the one reading of what its answers say about that; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from kibcase.retry import parse_http_date, parse_retry_after

MAX_WAIT: Final = 86_400.0
"""The longest wait, in seconds, that an answer can ask for; whatever is longer counts as this."""

PER_ISSUE: Final = "jira-per-issue-on-write"
"""Jira Cloud's ``RateLimit-Reason`` for too many writes to one issue; other issues are not affected."""

_TOO_MANY: Final = 429
_NUMBER = re.compile(r"\d{1,15}(\.\d{1,9})?", re.ASCII)
_REASON_LIMIT: Final = 100


def asked_wait(headers: Mapping[str, str], now: datetime, *, status: int = _TOO_MANY) -> float | None:
    """Give the seconds (above 0, at most ``MAX_WAIT``) that an answer asks us to stay away, None if it names none.

    ``now`` is an aware datetime. For moments in time the server's own ``Date``, if it sent one, takes its place, so
    that a clock that is off does no harm. Names of headers are compared without case.

    ``Retry-After`` counts from status 400 on, as a whole number, a decimal or an HTTP date (RFC 9110, 10.2.3).
    Where it says nothing, ``X-RateLimit-Reset`` of a 429 does, as ISO time (Jira Cloud) or in seconds since the
    epoch (ServiceNow). Answers below 400 ask for nothing: Jira Data Center puts ``retry-after: 0`` on each of them,
    ServiceNow the reset of the budget.
    """
    if status < 400:
        return None
    said = _folded(headers)
    there = parse_http_date(said.get("date")) or now
    wait = parse_retry_after(said.get("retry-after"), now=there)
    if not wait and status == _TOO_MANY:
        reset = _moment(said.get("x-ratelimit-reset", "").strip())
        wait = None if reset is None else reset - there.timestamp()
    return min(wait, MAX_WAIT) if wait is not None and wait > 0 else None


def rate_limit_reason(headers: Mapping[str, str]) -> str | None:
    """Say which limit was hit, None if the answer does not.

    That is Jira Cloud's ``RateLimit-Reason`` (``jira-burst-based``), else the sys_id of ServiceNow's rule
    (``X-RateLimit-Rule``). At most 100 letters, digits and ``._:-``, whatever the server sent.
    """
    said = _folded(headers)
    reason = _plain(said.get("ratelimit-reason", ""))
    rule = _plain(said.get("x-ratelimit-rule", ""))
    return reason or (f"rule {rule}" if rule else None)


def limits_one_thing(headers: Mapping[str, str]) -> bool:
    """Tell whether a 429 is about one issue alone, so that the others need not wait (Jira Cloud)."""
    return rate_limit_reason(headers) == PER_ISSUE


def _folded(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _moment(text: str) -> float | None:
    """Give seconds since the epoch."""
    if _NUMBER.fullmatch(text):
        return float(text)
    try:
        moment = datetime.fromisoformat(text)
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()
    except (ValueError, OverflowError):
        return None


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._:-]", "", text)[:_REASON_LIMIT]
