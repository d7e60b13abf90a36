"""How values of a request become stored text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from kibcase_connectors.standins.servicenow.records import STAMP, stamp
from kibcase_connectors.standins.servicenow.schema import Column

_DECIMAL = re.compile(r"-?\d{1,15}(\.\d{1,10})?", re.ASCII)
Finder = Callable[[str, str], str | None]


def plain(raw: Any) -> str:
    """Write a JSON value as the text that the Table API takes it for; null is empty."""
    if raw is None:
        return ""
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, dict) and "value" in raw:
        return plain(raw["value"])
    return raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False)


def stored(column: Column, text: str, find: Finder, *, zone: str = "UTC") -> str | None:
    """Give the text to store, or None if the column cannot hold it and the value is dropped.

    Strings are cut at ``max_length``. ``find`` gives the ``sys_id`` (references) or the value (choices) that a text
    stands for. Times are read in ``zone``.
    """
    if not text:
        return ""
    match column.kind:
        case "string":
            found = find(column.name, text) if column.choice else None
            return (found or text)[: column.max_length]
        case "integer":
            return _whole(find(column.name, text) or text) if column.choice else _whole(text)
        case "decimal":
            return text.strip() if _DECIMAL.fullmatch(text.strip()) else None
        case "glide_date":
            return _day(text)
        case "boolean":
            return {"true": "true", "1": "true", "false": "false", "0": "false"}.get(text.lower())
        case "glide_date_time":
            return _time(text, zone)
        case "reference":
            return find(column.name, text)
        case _:
            return text[: column.max_length]


def _whole(text: str) -> str | None:
    digits = text.strip()
    return str(int(digits)) if digits.removeprefix("-").isdecimal() and digits.isascii() and len(digits) < 16 else None


def _day(text: str) -> str | None:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def _time(text: str, zone: str) -> str | None:
    form = STAMP if len(text) > 10 else STAMP[:8]
    try:
        return stamp(datetime.strptime(text, form).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC))
    except (ValueError, OverflowError):
        return None
