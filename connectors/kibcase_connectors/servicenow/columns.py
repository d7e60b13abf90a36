"""Custom fields: which column each is kept in, and how its values are written there.

In ServiceNow's own form a custom field is what people see of the column: the label of a choice, the name of a
reference, otherwise the stored text; times are in UTC (``2026-01-31T09:30:00Z``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from kibcase_connectors.errors import Refused
from kibcase_connectors.markup import normalise
from kibcase_connectors.markup.characters import units
from kibcase_connectors.model import Json
from kibcase_connectors.servicenow import query, wire
from kibcase_connectors.servicenow.rest import ServiceNowRest
from kibcase_connectors.servicenow.wire import ColumnInfo, Record

TEXTS: Final = frozenset({
    "string", "string_full_utf8", "translated_text", "translated_field", "url", "email", "ph_number",
    "phone_number_e164", "ip_addr", "choice", "char", "multi_two_lines",
})
"""The types of columns (``internal_type``) that hold a text."""

_DECIMAL = re.compile(r"-?\d{1,15}(\.\d{1,10})?", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomColumn:
    """The column of one custom field; ``labels`` are its choices, by stored value."""

    name: str
    info: ColumnInfo
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to read."""
        own = self.info.name
        return (own, f"{own}.name") if self.info.refers_to else (own,)

    def native(self, record: Record) -> Json:
        """Give the value of a record, None if it is empty."""
        stored = record[self.info.name]
        if not stored:
            return None
        if self.info.refers_to:
            return record[f"{self.info.name}.name"] or stored
        if self.info.kind == "glide_date_time":
            return f"{wire.stamp(stored).replace(tzinfo=None).isoformat()}Z"
        return self.labels.get(stored, stored)

    def stored(self, native: str) -> str:
        """Give what to write for a value that is no reference; raises ``ValueError`` for one that does not fit."""
        if not native:
            return ""
        if self.labels:
            return self._choice(native)
        return _WRITES.get(self.info.kind, self._text)(native)

    def _choice(self, native: str) -> str:
        hits = [value for value, label in self.labels.items() if label.casefold() == native.strip().casefold()]
        if len(hits) != 1:
            said = "several choices have this label" if hits else f"there is {', '.join(self.labels.values())[:200]}"
            raise ValueError(f"{native[:80]!r} is no choice of {self.info.name}: {said}")
        return hits[0]

    def _text(self, native: str) -> str:
        text = normalise(native)
        if self.info.length is not None and units(text) > self.info.length:
            raise ValueError(f"the text has {units(text)} characters and {self.info.name} holds {self.info.length}")
        return text


def _boolean(native: str) -> str:
    if native.strip().casefold() not in ("true", "false"):
        raise ValueError(f"{native[:80]!r} is neither true nor false")
    return native.strip().casefold()


def _number(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def write(native: str) -> str:
        if not pattern.fullmatch(native.strip()):
            raise ValueError(f"{native[:80]!r} is no such number")
        return native.strip()

    return write


def _day(native: str) -> str:
    try:
        return date.fromisoformat(native.strip()).isoformat()
    except ValueError:
        raise ValueError(f"{native[:80]!r} is no day such as 2026-01-31") from None


def _moment(native: str) -> str:
    try:
        moment = datetime.fromisoformat(native.strip())
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"{native[:80]!r} is no time with a zone such as 2026-01-31T09:30:00Z")
    try:
        return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat(" ")
    except OverflowError:
        raise ValueError(f"{native[:80]!r} is beyond all calendars") from None


_WRITES: Final[Mapping[str, Callable[[str], str]]] = {
    "boolean": _boolean, "integer": _number(_WHOLE), "longint": _number(_WHOLE), "decimal": _number(_DECIMAL),
    "float": _number(_DECIMAL), "glide_date": _day, "glide_date_time": _moment,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """A custom field that cannot be carried, and why."""

    why: str


def resolved(
    client: ServiceNowRest, table: str, wanted: Mapping[str, str]
) -> dict[str, CustomColumn | Unusable]:
    """Find the columns of custom fields, given by name or label, with their choices."""
    try:
        known = client.columns(table)
    except Refused as refused:
        return {name: Unusable(why=f"sys_dictionary cannot be read: {refused.said}") for name in wanted}
    return {name: _resolved(client, table, name, spelled, known) for name, spelled in wanted.items()}


def _resolved(
    client: ServiceNowRest, table: str, name: str, spelled: str, known: Mapping[str, ColumnInfo]
) -> CustomColumn | Unusable:
    hits = [known[spelled]] if spelled in known else [
        info for info in known.values() if info.label.casefold() == spelled.casefold()
    ]
    if len(hits) != 1:
        said = f"several columns are called {spelled!r}: {', '.join(info.name for info in hits)}"
        return Unusable(why=said if hits else f"{table} has no column {spelled!r} that the account sees")
    (info,) = hits
    if info.kind not in TEXTS and info.kind not in _WRITES and not info.refers_to:
        return Unusable(why=f"columns of the type {info.kind or 'unknown'} are not carried ({info.name})")
    return CustomColumn(name=name, info=info, labels=client.choices(table, info.name) if info.chosen else {})


def referred(client: ServiceNowRest, column: CustomColumn, name: str) -> str:
    """Give the id of the record that a reference is to point to, by its name.

    Raises ``ValueError`` unless there is exactly one.
    """
    table = column.info.refers_to
    asked = query.equal("name", name)
    rows = client.few(f"looking {name[:80]!r} up in {table}", table, asked, ("sys_id", "name"), limit=10)
    hits = [row for row in rows if wire.text(row, "name").casefold() == name.casefold()]
    if len(hits) != 1:
        raise ValueError(f"{table} has {'several records' if hits else 'no record'} with the name {name[:80]!r}")
    return wire.text(hits[0], "sys_id")


def read_columns(found: Mapping[str, CustomColumn | Unusable]) -> Iterator[str]:
    """Give the columns to read for custom fields."""
    for one in found.values():
        if isinstance(one, CustomColumn):
            yield from one.columns
