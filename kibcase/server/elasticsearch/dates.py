"""Dates as Elasticsearch reads them: ISO with missing parts, epoch milliseconds, and date math."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_ISO = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(?:(\d{2})(?::(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?)?)?"
)
_STEP = re.compile(r"([+-])(\d{1,9})?([yMwdhHms])|/([yMwdhHms])")
_EPOCH = re.compile(r"-?\d{5,18}")
_FULL_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(T.*)?")
_SPANS = {"w": "weeks", "d": "days", "h": "hours", "H": "hours", "m": "minutes", "s": "seconds"}
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


def millis(moment: datetime) -> int:
    """Count milliseconds since 1970 for an aware date."""
    return (moment - _ZERO) // timedelta(milliseconds=1)


def iso(moment: datetime) -> str:
    """Write an aware date as Kibana stores it: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def looks_like_date(text: str) -> bool:
    """Tell whether dynamic mapping would take this string for a date (a full day at least)."""
    return bool(_FULL_DAY.fullmatch(text)) and date_millis(text) is not None


def date_millis(value: object) -> int | None:
    """Read a stored date: ISO text or epoch milliseconds; None if it is neither."""
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, int | float):
            return int(value)
        return _absolute(value, round_up=False, zone=UTC) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def boundary_millis(value: object, now: Callable[[], datetime], *, round_up: bool, zone: tzinfo = UTC) -> int:
    """Read one bound of a range: a date, epoch milliseconds, ``now-24h/d`` or ``2024-05-01||+1M``.

    ``round_up`` fills missing parts and rounds to the end of the unit, as ``gt`` and ``lte`` do. Raises
    ``ValueError`` if the text is no date.
    """
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return int(value)
        return _boundary(str(value), now, round_up=round_up, zone=zone)
    except OverflowError as error:
        raise ValueError(f"date out of range [{str(value)[:64]}]") from error


def time_zone(name: str) -> tzinfo:
    """Read ``+02:00`` or ``Europe/Oslo``; raises ``ValueError`` for neither."""
    if re.fullmatch(r"[+-]\d{2}:?\d{2}", name):
        return _offset(name)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time-zone ID: {name[:64]}") from error


def _boundary(text: str, now: Callable[[], datetime], *, round_up: bool, zone: tzinfo) -> int:
    if text.startswith("now"):
        return _math(now().astimezone(zone), text[3:], round_up=round_up)
    base, separator, steps = text.partition("||")
    start = _absolute(base, round_up=round_up and not separator, zone=zone)
    if not separator:
        return start
    return _math((_ZERO + timedelta(milliseconds=start)).astimezone(zone), steps, round_up=round_up)


def _absolute(text: str, *, round_up: bool, zone: tzinfo) -> int:
    if _EPOCH.fullmatch(text):
        return int(text)
    found = _ISO.fullmatch(text)
    if found is None:
        raise ValueError(f"failed to parse date field [{text[:64]}]")
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    fill = (23, 59, 59, 999) if round_up else (0, 0, 0, 0)
    where = zone if offset is None else UTC if offset == "Z" else _offset(offset)
    moment = datetime(
        int(year), int(month or 1), int(day or 1), int(hour or fill[0]), int(minute or fill[1]),
        int(second or fill[2]), tzinfo=where,
    )
    return millis(moment) + (int(fraction[:3].ljust(3, "0")) if fraction else fill[3] if second is None else 0)


def _offset(text: str) -> timezone:
    digits = text[1:].replace(":", "").ljust(4, "0")
    span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-span if text[0] == "-" else span)


def _math(moment: datetime, steps: str, *, round_up: bool) -> int:
    position = 0
    extra = 0
    while position < len(steps):
        found = _STEP.match(steps, position)
        if found is None:
            raise ValueError(f"operator not supported for date math [{steps[:64]}]")
        sign, count, unit, rounding = found.groups()
        if not rounding:
            moment = _add(moment, unit, int(count or 1) * (-1 if sign == "-" else 1))
        elif round_up:
            moment, extra = _add(_floor(moment, rounding), rounding, 1), -1
        else:
            moment = _floor(moment, rounding)
        position = found.end()
    return millis(moment) + extra


def _add(moment: datetime, unit: str, count: int) -> datetime:
    if unit in _SPANS:
        return moment + timedelta(**{_SPANS[unit]: count})
    months = moment.year * 12 + moment.month - 1 + count * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError(year)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def _floor(moment: datetime, unit: str) -> datetime:
    second = moment.replace(microsecond=0)
    if unit == "s":
        return second
    minute = second.replace(second=0)
    if unit == "m":
        return minute
    hour = minute.replace(minute=0)
    if unit in "hH":
        return hour
    day = hour.replace(hour=0)
    if unit == "w":
        return day - timedelta(days=day.weekday())
    if unit == "M":
        return day.replace(day=1)
    return day if unit == "d" else day.replace(month=1, day=1)
