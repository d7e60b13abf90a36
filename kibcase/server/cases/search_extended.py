"""Filters on extended fields by label (``extendedFieldFilters`` of ``_search``)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kibcase.server.cases.field_definitions_schema import is_display_only, key_of, label_of
from kibcase.server.cases.find import Sql
from kibcase.server.cases.store import CaseStore
from kibcase.server.cases.templates_library import Library
from kibcase.server.datemath import stamp

Json = dict[str, Any]
_NUMBERS: Final = frozenset(
    {"long", "integer", "short", "byte", "unsigned_long", "double", "float", "half_float", "scaled_float"}
)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ExtendedFilters:
    """Filters cases by the values of fields that the filters name by label, without regard to case.

    A filter holds if any field with the label matches: a field of the version of the template that the case is
    pinned to, or a global one. A label nobody knows, and a value that cannot be one of the field, filter nothing.
    """

    store: CaseStore
    library: Library
    space: str
    owners: Sequence[str]

    def numbers(self, condition: Sql, filters: Iterable[Mapping[str, str]]) -> set[int] | None:
        """Give the numbers of the cases that pass every filter; None if no filter means anything."""
        rows = self.store.select(
            "number, owner, json_extract(doc, '$.template') AS template, "
            "json_extract(doc, '$.extended_fields') AS extended",
            *condition,
        )
        shapes = {(row["owner"], row["template"]) for row in rows}
        fields = {shape: self._fields(*shape) for shape in shapes}
        known = [*self._known(), *(field for found in fields.values() for field in found)]
        passed: set[int] | None = None
        for asked in filters:
            label, value = asked["label"].lower(), asked["value"]
            if not any(label_of(field).lower() == label and can_be(field, value) for field in known):
                continue
            hits = {
                row["number"]
                for row in rows
                if row["extended"]
                and _holds(fields[row["owner"], row["template"]], json.loads(row["extended"]), label, value)
            }
            passed = hits if passed is None else passed & hits
        return passed

    def _fields(self, owner: str, template: str | None) -> list[Json]:
        own = self.library.fields_on_close(self.space, json.loads(template) if template else None)
        return _valued([*own, *self.library.global_fields(self.space, owner)])

    def _known(self) -> list[Json]:
        shared = [field for owner in self.owners for field in self.library.global_fields(self.space, owner)]
        templates = self.library.store.latest(self.space, self.owners)
        return _valued(
            [*shared, *(field for each in templates for field in self.library.resolved(self.space, each))]
        )


def _valued(fields: Iterable[Json]) -> list[Json]:
    return [field for field in fields if not is_display_only(field)]


def _holds(fields: Iterable[Json], values: Mapping[str, str], label: str, value: str) -> bool:
    return any(
        matches(field, values[key_of(field)], value)
        for field in fields
        if label_of(field).lower() == label and key_of(field) in values
    )


def can_be(field: Json, value: str) -> bool:
    """Tell whether a filter may ask a field for ``value``: a day for dates, a number for numbers. Pure."""
    if field["control"] == "DATE_PICKER":
        return day_of(value) is not None
    return field["type"] not in _NUMBERS or _number(value) is not None


def matches(field: Json, stored: str, value: str) -> bool:
    """Tell whether the stored text of a field is ``value``, or has it among its choices or people. Pure."""
    if field["control"] == "DATE_PICKER":
        day = day_of(value)
        return day is not None and day[0] <= stored < day[1]
    if field["control"] == "USER_PICKER":
        return value in re.findall(r'"name":"([^"]*)"', stored)
    if field["type"] in _NUMBERS:
        return _number(stored) is not None and _number(stored) == _number(value)
    if field["control"] == "CHECKBOX_GROUP" or stored.startswith("["):
        return value in [item.strip() for item in re.sub(r'[\[\]"]', "", stored).split(",") if item.strip()]
    return stored == value


def day_of(text: str) -> tuple[str, str] | None:
    """Give beginning and end of the day, in UTC, that ``MM/DD/YYYY`` or ``YYYY-MM-DD...`` names; else None. Pure."""
    found = re.fullmatch(r"(?P<month>\d\d)/(?P<day>\d\d)/(?P<year>\d{4})", text) or re.fullmatch(
        r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)", text[:10]
    )
    if found is None or int(found["year"]) < 1000:
        return None
    try:
        start = datetime(int(found["year"]), int(found["month"]), int(found["day"]), tzinfo=UTC)
        return stamp(start), stamp(start + timedelta(days=1))
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    stripped = text.strip()
    if not stripped:
        return 0.0
    number = float(stripped) if _NUMBER.fullmatch(stripped) else math.nan
    return number if math.isfinite(number) else None
