"""Values of custom fields as texts, and back to what the platform takes; pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from kibcase_connectors.model import Json
from kibcase_connectors.resilient.richtext import html_to_markdown, write_text
from kibcase_connectors.resilient.values import EPOCH, chosen, millis
from kibcase_connectors.resilient.wire import FieldDef, content

KINDS: Final = (
    "text", "textarea", "number", "boolean", "datepicker", "datetimepicker", "select", "multiselect",
)
"""The types of fields whose values can be carried as texts."""

_TRUTHS: Final[Mapping[str, bool]] = {"true": True, "yes": True, "false": False, "no": False}


def matching(fields: Mapping[str, FieldDef], spec: str) -> Sequence[FieldDef]:
    """Give the fields that a configuration may mean: by API access name, else by id, else by label."""
    wanted = spec.strip().removeprefix("properties.")
    if wanted in fields:
        return [fields[wanted]]
    numbered = [one for one in fields.values() if str(one.number) == wanted]
    return numbered or [one for one in fields.values() if one.text.casefold() == wanted.casefold()]


def text_of(found: FieldDef, value: Any) -> Json:
    """Give the value of a field as a text, None if it is empty.

    Choices are labels, several of them with commas in the order in which the field offers them; rich text is
    Markdown; dates are ISO 8601 in UTC; numbers and truth values as in JSON.
    """
    if value is None or value in ("", []):
        return None
    match found.input_type:
        case "select":
            return _label(found, value)
        case "multiselect":
            return ", ".join(_labels(found, value)) or None
        case "boolean":
            return "true" if value is True else "false"
        case "datepicker":
            return _moment(value).date().isoformat()
        case "datetimepicker":
            return _moment(value).isoformat().replace("+00:00", "Z")
        case "number":
            return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        case _:
            text = content(value)
            return (html_to_markdown(text) if found.rich_text else text.strip()) or None


def _moment(value: Any) -> datetime:
    return EPOCH + timedelta(milliseconds=int(value))


def _label(found: FieldDef, value: Any) -> str:
    held = value.get("id") if isinstance(value, Mapping) else value
    return found.label(held) or f"#{held}"


def _labels(found: FieldDef, values: Any) -> list[str]:
    held = [one.get("id") if isinstance(one, Mapping) else one for one in values]
    known = [choice.id for choice in found.choices]
    return [_label(found, one) for one in sorted(held, key=lambda one: known.index(one) if one in known else math.inf)]


def wire_of(found: FieldDef, text: str | None) -> Json:
    """Give a text as a creation or a change takes it for a field; None empties it.

    Raises ``ValueError`` for a text that is no value of the field.
    """
    if text is None or not text.strip():
        return [] if found.many else None
    match found.input_type:
        case "select":
            return {"id": chosen(found, text.strip())}
        case "multiselect":
            return [{"id": chosen(found, label)} for label in _parted(found, text)]
        case "boolean":
            return _truth(found, text)
        case "datepicker" | "datetimepicker":
            return millis(found, text.strip())
        case "number":
            return _number(found, text.strip())
        case "textarea":
            return {"format": "html" if found.rich_text else "text", "content": _long(found, text)}
        case "text":
            return text
    raise ValueError(f"{found.text} ({found.name}) is of the type {found.input_type}, which cannot be carried")


def _long(found: FieldDef, text: str) -> str:
    return write_text(text) if found.rich_text else text


def _parted(found: FieldDef, text: str) -> list[str]:
    """Part a list of labels at its commas; labels may hold some themselves."""
    pieces, known = [piece.strip() for piece in text.split(",")], {label.casefold() for label in found.labels}
    labels, place = [], 0
    while place < len(pieces):
        ends = range(len(pieces), place, -1)
        end = next((end for end in ends if ", ".join(pieces[place:end]).casefold() in known), place + 1)
        labels.append(", ".join(pieces[place:end]))
        place = end
    return list(dict.fromkeys(label for label in labels if label))


def _truth(found: FieldDef, text: str) -> bool:
    told = _TRUTHS.get(text.strip().casefold())
    if told is None:
        raise ValueError(f"{found.text} ({found.name}) takes true or false, not {text[:60]!r}")
    return told


def _number(found: FieldDef, text: str) -> int | float:
    if re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
        return int(text)
    if re.fullmatch(r"[+-]?\d{1,18}\.\d{1,18}", text, re.ASCII):
        return float(text)
    raise ValueError(f"{found.text} ({found.name}) takes a number, not {text[:60]!r}")


def spelled_text(found: FieldDef, text: str) -> Json:
    """Give a text as the field will show it once it is stored. Raises ``ValueError`` like ``wire_of``."""
    return text_of(found, wire_of(found, text))
