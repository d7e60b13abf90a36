"""Custom fields of cases: found by key or label, their values as texts; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kibcase.client.limits import CUSTOM_FIELD_NUMBER, CUSTOM_FIELD_TEXT
from kibcase.models.case import CustomField
from kibcase.models.configuration import CustomFieldDefinition
from kibcase_connectors.kibana.text import length

_TOGGLE: Final = {"true": True, "false": False}
_WHOLE = re.compile(r"[+-]?\d{1,16}", re.ASCII)


def definition_of(wanted: str, definitions: Sequence[CustomFieldDefinition]) -> CustomFieldDefinition:
    """Give the field with this key, else with this label. Raises ``ValueError`` if none or several have it."""
    by_key = [one for one in definitions if one.key == wanted]
    found = by_key or [one for one in definitions if one.label.casefold() == wanted.casefold()]
    if not found:
        known = ", ".join(f"{one.label} ({one.key})" for one in definitions) or "none"
        raise ValueError(f"no custom field has the key or label {wanted[:80]!r}; there are: {known[:200]}")
    if len(found) > 1:
        keys = ", ".join(one.key for one in found)
        raise ValueError(f"several custom fields have the label {wanted[:80]!r}: name one by its key, {keys}")
    return found[0]


def shown(value: Any) -> str | None:
    """Give a value as a text: "true" and "false" for a toggle, digits for a number, None for none."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def wire(definition: CustomFieldDefinition, text: str | None) -> str | bool | int | None:
    """Give a value as the field's type takes it. Raises ``ValueError`` for one that does not fit."""
    if text is None:
        if definition.required:
            raise ValueError(f"the custom field {definition.label} must have a value")
        return None
    if definition.type == "toggle":
        if text.strip().casefold() not in _TOGGLE:
            raise ValueError(f"the custom field {definition.label} is true or false, not {text[:80]!r}")
        return _TOGGLE[text.strip().casefold()]
    if definition.type == "number":
        return _number(definition, text.strip())
    if length(text) > CUSTOM_FIELD_TEXT:
        raise ValueError(
            f"the custom field {definition.label} takes {CUSTOM_FIELD_TEXT} characters, not {length(text)}"
        )
    return text


def values_of(fields: Sequence[CustomField], definitions: Mapping[str, CustomFieldDefinition]) -> dict[str, str | None]:
    """Give the values of a case's custom fields by their common names."""
    values = {one.key: shown(one.value) for one in fields}
    return {name: values.get(one.key) for name, one in definitions.items()}


def replaced(
    fields: Sequence[CustomField], changes: Sequence[tuple[CustomFieldDefinition, str | bool | int | None]]
) -> list[CustomField]:
    """Give all custom fields of a case with some changed: Kibana replaces the whole list."""
    new = {one.key: CustomField(key=one.key, type=one.type, value=value) for one, value in changes}
    kept = [new.pop(one.key, one) for one in fields]
    return [*kept, *new.values()]


def _number(definition: CustomFieldDefinition, text: str) -> int:
    if not _WHOLE.fullmatch(text) or abs(int(text)) > CUSTOM_FIELD_NUMBER:
        raise ValueError(f"the custom field {definition.label} is a whole number, not {text[:80]!r}")
    return int(text)
