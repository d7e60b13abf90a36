"""Values of fields as the platform takes them: choices by id, typed values of changes; pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kibcase_connectors.model import Json
from kibcase_connectors.resilient.richtext import write_text
from kibcase_connectors.resilient.wire import FieldDef

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Where the platform's dates begin; they are milliseconds since then."""

_TYPED = {
    "text": "text", "textarea": "textarea", "select": "id", "select_owner": "id", "multiselect": "ids",
    "multiselect_members": "ids", "boolean": "boolean", "datepicker": "date", "datetimepicker": "date",
}


class UnknownLabel(ValueError):
    """A label that the organisation does not have, or no longer offers; ``field`` is the definition."""

    def __init__(self, field: FieldDef, label: object) -> None:
        self.field = field
        offered = ", ".join(field.labels[:20]) or "none"
        super().__init__(f"{field.text} ({field.name}) has no value {f'{label!r}'[:120]}; there is {offered}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change of one field: what it holds as read, and what it shall hold, in the form of a creation.

    ``means`` is what sync calls the field, "" for one that it does not speak of.
    """

    field: FieldDef
    old: Any
    new: Json
    means: str = ""

    def body(self) -> dict[str, Json]:
        """Give the change as PATCH /incidents/{id} takes it: the bare name, and both values typed."""
        return {
            "field": {"name": self.field.name}, "old_value": _typed(self.field, self.old),
            "new_value": _typed(self.field, self.new),
        }


def chosen(field: FieldDef, label: str) -> int | str:
    """Give the id of a label that can be chosen; exact spelling first, then without case. Raises ``UnknownLabel``."""
    open_ = [choice for choice in field.choices if choice.enabled]
    exact = [choice.id for choice in open_ if choice.label == label]
    alike = [choice.id for choice in open_ if choice.label.casefold() == label.casefold()]
    if not exact and not alike:
        raise UnknownLabel(field, label)
    return (exact or alike)[0]


def spelled(field: FieldDef, label: str) -> str:
    """Give a label as the organisation spells it. Raises ``UnknownLabel``."""
    return field.label(chosen(field, label)) or label


def value_of(field: FieldDef, given: Json) -> Json:
    """Give a configured value as a creation takes it: labels become ids, Markdown rich text, ISO 8601 milliseconds.

    Raises ``UnknownLabel`` for labels that are not offered, ``ValueError`` for values of the wrong kind.
    """
    if field.many:
        if not isinstance(given, list):
            raise ValueError(f"{field.text} ({field.name}) takes a list of values")
        return [_choice(field, one) for one in given]
    if field.input_type in ("select", "select_owner"):
        return _choice(field, given)
    if field.input_type in _DATES and isinstance(given, str):
        return millis(field, given)
    fits, noun = _TAKES.get(field.input_type, (_anything, ""))
    if not fits(given):
        raise ValueError(f"{field.text} ({field.name}) takes {noun}, not {f'{given!r}'[:60]}")
    if field.input_type != "textarea":
        return given
    form = "html" if field.rich_text else "text"
    return {"format": form, "content": write_text(str(given)) if field.rich_text else given}


def _anything(_: Json) -> bool:
    return True


def _is_text(given: Json) -> bool:
    return isinstance(given, str)


def _is_number(given: Json) -> bool:
    # To Python true and false are numbers; to JSON infinity and NaN are none.
    return isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given)


_DATES: Final = ("datepicker", "datetimepicker")
_TAKES: Final[Mapping[str, tuple[Callable[[Json], bool], str]]] = {
    "text": (_is_text, "a text"), "textarea": (_is_text, "a text"), "number": (_is_number, "a number"),
    "boolean": (lambda given: isinstance(given, bool), "true or false"),
    **dict.fromkeys(_DATES, (_is_number, "a date in ISO 8601")),
}


def millis(field: FieldDef, text: str) -> int:
    """Give a date in ISO 8601 as the platform takes it; without a zone it is UTC. Raises ``ValueError``."""
    try:
        given = datetime.fromisoformat(text)
        told = given if given.tzinfo is not None else given.replace(tzinfo=UTC)
        if field.input_type == "datepicker":
            told = datetime.combine(given.date(), datetime.min.time(), UTC)
        return (told - EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        raise ValueError(f"{field.text} ({field.name}) takes a date in ISO 8601, not {text[:60]!r}") from None


def _choice(field: FieldDef, given: Json) -> Json:
    if isinstance(given, str):
        # Owners and members are principals, which the definition does not list.
        return {"name": given} if "select_" in field.input_type else {"id": chosen(field, given)}
    if isinstance(given, int) and not isinstance(given, bool):
        return {"id": given}
    raise ValueError(f"{field.text} ({field.name}) takes labels or ids")


def is_empty(value: object) -> bool:
    """Tell whether a field holds nothing, as the platform shows it."""
    text = value.get("content") if isinstance(value, dict) and "content" in value else value
    return text is None or text == [] or (isinstance(text, str) and not text.strip())


def _typed(field: FieldDef, value: Any) -> dict[str, Json]:
    kind = _TYPED.get(field.input_type, "object")
    if kind == "ids":
        ids = [_id(one) for one in value or []]
        return {"object": value} if any(isinstance(one, dict) for one in ids) else {"ids": list(ids)}
    if kind == "id":
        value = _id(value)
        # The ids of plan_status are letters, and names of owners are no ids.
        kind = "object" if isinstance(value, str | dict) else kind
    return {kind: value}


def _id(value: Any) -> Any:
    return value["id"] if isinstance(value, dict) and "id" in value else value
