"""The kinds of custom fields that are carried: how their values read as text, and what is sent for a text; pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from kibcase_connectors.jira.dialect import TEXT_LIMIT, Dialect
from kibcase_connectors.markup import one_line
from kibcase_connectors.model import UNSET, Json, Unset

Kind = Literal["text", "area", "number", "option", "date", "datetime", "user", "url", "labels"]

LINE_LIMIT: Final = 255
CARRIED: Final = "text, text area, number, select, date, date and time, user, URL, labels"
"""The kinds in the words of people, for messages."""

_BY_TYPE: Final[Mapping[str, Kind]] = {
    "number": "number", "option": "option", "date": "date", "datetime": "datetime", "user": "user",
}


def kind_of(schema: Mapping[str, Any]) -> Kind | None:
    """Tell the kind of a field by its ``schema`` (GET field); None for one that is not carried."""
    shape = str(schema.get("type") or "")
    custom = str(schema.get("custom") or "").rpartition(":")[2]
    if shape == "string":
        if custom == "textarea" or schema.get("system") == "environment":
            return "area"
        return "url" if custom == "url" else "text"
    if shape == "array":
        return "labels" if schema.get("items") == "string" and custom in ("labels", "") else None
    return _BY_TYPE.get(shape)


def shown(kind: Kind, raw: Any, dialect: Dialect, person: Callable[[Mapping[str, Any]], str]) -> Json:
    """Give the text of a value as Jira sent it, None for an empty one; ``person`` names a user object.

    Raises ``KeyError``, ``TypeError`` or ``ValueError`` for a value that is not of this kind.
    """
    if raw is None or raw == "" or raw == []:
        return None
    match kind:
        case "area":
            return dialect.plain(raw) or None
        case "number":
            return _number(str(raw))
        case "option":
            return str(raw["value"])
        case "datetime":
            return _moment(str(raw))
        case "user":
            return person(raw) or None
        case "labels":
            return " ".join(str(label) for label in raw)
    return str(raw)


def logged(kind: Kind, text: str | None) -> Json | Unset:
    """Give the value for a text of the changelog; UNSET where the changelog has it in people's spelling only."""
    if kind in ("area", "datetime", "user"):
        return UNSET
    if not text:
        return None
    return _number(text) if kind == "number" else text


def spelled(kind: Kind, text: str, limit: int = TEXT_LIMIT) -> str:
    """Give the spelling in which Jira will show a text; ``limit`` is that of text areas.

    Raises ``ValueError`` for a text that the field cannot hold.
    """
    match kind:
        case "number":
            return _number(text)
        case "date":
            return date.fromisoformat(text.strip()).isoformat()
        case "datetime":
            return _moment(text.strip())
        case "url":
            if urlsplit(text.strip()).scheme not in ("http", "https", "ftp", "mailto"):
                raise ValueError("it is no address of a web page")
            return _bounded(text.strip(), LINE_LIMIT)
        case "labels":
            return " ".join(dict.fromkeys(text.split()))
        case "area":
            return _bounded(text.replace("\r\n", "\n").replace("\r", "\n").strip("\n"), limit)
        case "text":
            if one_line(text, limit=2 * len(text) + 1) != text:
                raise ValueError("the field holds a single line without blanks around it")
            return _bounded(text, LINE_LIMIT)
    return text


def wire(kind: Kind, text: Json, dialect: Dialect) -> Json:
    """Give what to send for a text as ``spelled`` gives it; not for users, whom only the directory knows."""
    if text is None or not isinstance(text, str):
        return [] if kind == "labels" else None
    match kind:
        case "area":
            return dialect.plain_wire(text)
        case "number":
            number = Decimal(text)
            return int(number) if number == number.to_integral_value() else float(number)
        case "option":
            return {"value": text}
        case "datetime":
            at = datetime.fromisoformat(text)
            return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"
        case "labels":
            return list(text.split())
    return text


def _number(text: str) -> str:
    try:
        number = Decimal(text.strip())
        exact = float(number)
    except (InvalidOperation, OverflowError) as odd:
        raise ValueError("it is no number") from odd
    if not math.isfinite(exact) or abs(exact) > 1e14:
        raise ValueError("it is no number of at most 14 digits")
    plain = f"{Decimal(repr(exact)):f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _moment(text: str) -> str:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time needs its offset from UTC")
    exact = at.astimezone(UTC)
    thousandths = f".{exact.microsecond // 1000:03d}" if exact.microsecond // 1000 else ""
    return f"{exact:%Y-%m-%dT%H:%M:%S}{thousandths}Z"


def _bounded(text: str, limit: int) -> str:
    if len(text.encode("utf-16-le", "surrogatepass")) // 2 > limit:
        raise ValueError(f"the field holds {limit:,} characters at most")
    return text
