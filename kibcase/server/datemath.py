"""Elasticsearch date math: ``now-7d/d``, ``2025-01-01||+1M``, ISO dates with parts left out."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta, timezone

_LONGEST = 100
_ISO = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d?)(?:-(?P<day>\d\d?)"
    r"(?:T(?:(?P<hour>\d\d?)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?)?)?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d|[+-]\d\d)?)?)?)?"
)
_STEP = re.compile(r"(?:([+-])(\d{0,9})|/)([yMwdhHms])")
_MILLISECOND = timedelta(milliseconds=1)
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "H": "hours", "m": "minutes", "s": "seconds"}
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_ROUNDING = {"y": "year", "M": "month", "d": "day", "h": "hour", "H": "hour", "m": "minute", "s": "second"}


def resolve(text: str, now: datetime, *, up: bool) -> datetime:
    """Give the moment that ``text`` names, in UTC with milliseconds.

    ``up`` tells how rounding and missing parts are filled, as ranges do it: down for ``gte``, up (to the
    last millisecond) for ``lte``. Raises ``ValueError`` for what Elasticsearch would not read.
    """
    if len(text) > _LONGEST:
        raise ValueError("a date of more than 100 characters")
    try:
        if text.startswith("now"):
            moment, steps = now.astimezone(UTC), text[3:]
        else:
            anchor, _, steps = text.partition("||")
            moment = _absolute(anchor, up=up)
        return _truncated(_walk(moment, steps, up=up))
    except OverflowError as error:
        raise ValueError(f"date out of range: {text}") from error


def stamp(moment: datetime) -> str:
    """Write a moment as Kibana does: ``2025-01-01T00:00:00.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_stamp(text: str) -> datetime:
    """Read what ``stamp`` wrote."""
    return datetime.fromisoformat(text)


def _absolute(text: str, *, up: bool) -> datetime:
    if re.fullmatch(r"-?\d{5,15}", text):
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(text))
    found = _ISO.fullmatch(text)
    if found is None:
        raise ValueError(f"not a date: {text}")
    given = [part for part in _PARTS if found[part] is not None]
    values = {part: int(found[part]) for part in given}
    start = datetime(**{"month": 1, "day": 1, **values}, tzinfo=_zone(found["zone"]))
    if found["fraction"]:
        start += timedelta(microseconds=int(found["fraction"].ljust(6, "0")[:6]))
        return start.astimezone(UTC)
    return (_next(start, given[-1]) - _MILLISECOND if up else start).astimezone(UTC)


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _walk(moment: datetime, steps: str, *, up: bool) -> datetime:
    position = 0
    while position < len(steps):
        found = _STEP.match(steps, position)
        if found is None:
            raise ValueError(f"not date math: {steps}")
        sign, amount, unit = found.groups()
        if sign is None:
            moment = _rounded(moment, unit, up=up)
        else:
            count = int(amount or "1")
            moment = _moved(moment, count if sign == "+" else -count, unit)
        position = found.end()
    return moment


def _moved(moment: datetime, count: int, unit: str) -> datetime:
    if unit in _UNITS:
        return moment + timedelta(**{_UNITS[unit]: count})
    months = moment.year * 12 + moment.month - 1 + count * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1]) if 1 <= year <= 9999 else moment.day
    return moment.replace(year=year, month=month + 1, day=day)


def _rounded(moment: datetime, unit: str, *, up: bool) -> datetime:
    if unit == "w":
        start = _floor(moment, "day") - timedelta(days=moment.weekday())
        return start + timedelta(days=7) - _MILLISECOND if up else start
    start = _floor(moment, _ROUNDING[unit])
    return _next(start, _ROUNDING[unit]) - _MILLISECOND if up else start


def _floor(moment: datetime, part: str) -> datetime:
    lower = _PARTS[_PARTS.index(part) + 1 :]
    zeros = {name: 1 if name in ("month", "day") else 0 for name in lower}
    return moment.replace(microsecond=0, **zeros)  # type: ignore[arg-type]


def _next(start: datetime, part: str) -> datetime:
    if part in ("year", "month"):
        return _moved(start, 1, "y" if part == "year" else "M")
    return start + timedelta(**{f"{part}s": 1})


def _truncated(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
