"""Values of fields: reading what clients send, comparing, and showing. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from kibcase_connectors.standins.resilient import richtext
from kibcase_connectors.standins.resilient.catalog import Catalog, Field
from kibcase_connectors.standins.resilient.problem import ResilientProblem

_TYPED = frozenset({
    "text", "textarea", "id", "ids", "boolean", "date", "integer", "number", "object", "handle", "handles",
})
_LATEST = 253_402_300_799_999


def untyped(raw: object) -> Any:
    """Take the value out of a typed value of a PATCH (``{"id": 4}``, ``{"object": ..}``, ``{}``)."""
    if raw is None:
        return None
    if not isinstance(raw, Mapping) or not set(raw) <= _TYPED:
        raise ResilientProblem(400)
    held = [value for value in raw.values() if value is not None]
    if len(held) > 1:
        raise ResilientProblem(400)
    return held[0] if held else None


def read(field: Field, raw: object, catalog: Catalog) -> Any:
    """Read a value into the form that is remembered; raises ``ResilientProblem`` (400)."""
    if raw is None or raw == "":
        return () if field.many else None
    match field.input_type:
        case "text" | "textarea":
            return _text(field, raw)
        case "number":
            return _number(raw)
        case "boolean":
            return _is(raw, bool)
        case "datepicker" | "datetimepicker":
            return _date(raw)
        case "multiselect" | "multiselect_members":
            # A bare label where a list is due is refused without a word why.
            return tuple(dict.fromkeys(_chosen(field, each, catalog) for each in _is(raw, list)))
        case _:
            return _chosen(field, raw, catalog)


def _text(field: Field, raw: object) -> str | None:
    try:
        text = richtext.keep(raw) if field.rich_text else _plain(raw)
    except ValueError as error:
        raise ResilientProblem(400, f"{field.text}: {error}.") from None
    if field.max_length is not None and text is not None and len(text) > field.max_length:
        raise ResilientProblem(400, f"{field.text}: the value is longer than {field.max_length} characters.")
    return text


def _plain(raw: object) -> str | None:
    if isinstance(raw, Mapping):
        raw = raw.get("content")
    if not isinstance(raw, str | None):
        raise ValueError("the value must be text")
    return raw or None


def _is(raw: object, kind: type) -> Any:
    if not isinstance(raw, kind):
        raise ResilientProblem(400)
    return raw


def _number(raw: object) -> int | float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise ResilientProblem(400)
    return raw


def _date(raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or not 0 <= raw <= _LATEST:
        raise ResilientProblem(400)
    return raw


def options(field: Field, catalog: Catalog) -> Mapping[int | str, str]:
    """Give what may be chosen: labels by id; owners and members are principals."""
    if field.input_type in ("select_owner", "multiselect_members"):
        return {number: name for number, name in catalog.owners().items()}  # noqa: C416 - another key type
    return {each.value: each.label for each in field.choices if each.enabled}


def _chosen(field: Field, raw: object, catalog: Catalog) -> int | str:
    if isinstance(raw, Mapping):
        raw = raw["id"] if raw.get("id") is not None else raw.get("name")
    known = options(field, catalog)
    if not isinstance(raw, bool) and isinstance(raw, int | str):
        if raw in known:
            return raw
        for value, label in known.items():
            if raw == label:
                return value
    raise ResilientProblem(400, f"{field.text}: there is no such value.")


def agrees(field: Field, present: Any, raw: object, catalog: Catalog) -> bool:
    """Tell whether the old value of a PATCH is the present value."""
    if field.input_type == "textarea" and field.rich_text:
        try:
            return richtext.same(present, raw)
        except ValueError:
            return False
    try:
        old = read(field, raw, catalog)
    except ResilientProblem:
        return False
    return bool(set(old) == set(present or ()) if field.many else old == present)


def show(field: Field, value: Any, catalog: Catalog, *, handles: str, text: str) -> Any:
    """Give a value as ``handle_format`` and ``text_content_output_format`` ask."""
    if field.input_type == "textarea" and field.rich_text:
        return richtext.show(value, text)
    if field.input_type == "textarea" and value is not None and text.startswith("objects"):
        return {"format": "text", "content": value}
    if field.many:
        return [_handle(field, each, catalog, handles) for each in value or ()]
    if field.input_type in ("select", "select_owner") and value is not None and field.name != "plan_status":
        return _handle(field, value, catalog, handles)
    return value


def _handle(field: Field, value: int | str, catalog: Catalog, handles: str) -> Any:
    if handles in ("default", "ids"):
        return value
    label = options(field, catalog).get(value, str(value))
    return label if handles == "names" else {"id": value, "name": label}
