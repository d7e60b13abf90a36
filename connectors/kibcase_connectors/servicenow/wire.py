"""ServiceNow's JSON as values: what sync reads of records and journal entries (Table API); pure.

The decoders raise ``KeyError``, ``TypeError`` or ``ValueError`` on anything that is not ServiceNow's; the client
turns these into connector errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

STAMP: Final = "%Y-%m-%d %H:%M:%S"
"""How times are stored: UTC, in whole seconds (``sysparm_display_value=false``)."""

ALWAYS: Final = (
    "sys_id", "number", "sys_updated_on", "sys_updated_by", "sys_created_on", "sys_created_by", "sys_mod_count",
    "short_description", "state", "priority", "impact", "urgency", "correlation_id", "correlation_display", "category",
    "assignment_group.name",
)
"""The columns that a search for changes asks for: all that ``version`` and the filter need."""

READ: Final = (*ALWAYS, "description", "close_code", "close_notes")
"""The columns of a full read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record as read: stored ``values`` by column, and ``shown``, what people see, where it was asked for."""

    values: Mapping[str, str]
    shown: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "")

    @property
    def sys_id(self) -> str:
        """The id."""
        return self.values["sys_id"]

    @property
    def number(self) -> str:
        """What people call the record."""
        return self.values.get("number") or self.sys_id

    @property
    def updates(self) -> int:
        """How often the record was updated (``sys_mod_count``)."""
        return int(self.values.get("sys_mod_count") or "0")

    @property
    def updated(self) -> str:
        """The stamp of the last update."""
        return self.values["sys_updated_on"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One journal entry (``sys_journal_field``); ``author`` is a user name, ``created`` a stamp."""

    sys_id: str
    element: str
    value: str
    author: str
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """One attachment (``sys_attachment``); ``author`` is a user name, ``created`` a stamp, ``size`` in bytes."""

    sys_id: str
    name: str
    size: int
    media_type: str
    author: str
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list: its visible rows, whether more follow, and how many there are in all if it was told."""

    rows: tuple[Mapping[str, Any], ...]
    more: bool
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnInfo:
    """What ``sys_dictionary`` says of a column; ``length`` is None where it says nothing.

    ``kind`` is its ``internal_type``, ``refers_to`` the table that a reference points to; ``chosen`` tells that it
    has a list of choices.
    """

    name: str
    label: str
    length: int | None
    mandatory: bool
    read_only: bool
    has_default: bool
    kind: str = ""
    refers_to: str = ""
    chosen: bool = False


def record(raw: Mapping[str, Any]) -> Record:
    """Read a record, with display values (``sysparm_display_value=all``) or without."""
    values = {name: _stored(given) for name, given in raw.items()}
    shown = {name: str(given["display_value"]) for name, given in raw.items()
             if isinstance(given, dict) and given.get("display_value") is not None}
    if not values["sys_id"]:
        raise ValueError("a record without an id")
    stamp(values["sys_updated_on"])
    int(values.get("sys_mod_count") or "0")
    return Record(values=values, shown=shown)


def _stored(given: Any) -> str:
    if isinstance(given, dict):
        given = given.get("value", given.get("display_value"))
    if given is None:
        return ""
    if not isinstance(given, str):
        raise TypeError("every value of the Table API is text")
    return given


def entry(raw: Mapping[str, Any]) -> Entry:
    """Read a journal entry."""
    found = Entry(
        sys_id=_stored(raw["sys_id"]), element=_stored(raw["element"]), value=_stored(raw["value"]),
        author=_stored(raw["sys_created_by"]), created=_stored(raw["sys_created_on"]),
    )
    stamp(found.created)
    return found


def attached(raw: Mapping[str, Any]) -> Attached:
    """Read an attachment, as the Attachment API lists it."""
    found = Attached(
        sys_id=_stored(raw["sys_id"]), name=_stored(raw["file_name"]), size=int(_stored(raw["size_bytes"])),
        media_type=_stored(raw.get("content_type")) or "application/octet-stream",
        author=_stored(raw.get("sys_created_by")), created=_stored(raw["sys_created_on"]),
    )
    stamp(found.created)
    return found


def column(raw: Mapping[str, Any]) -> ColumnInfo:
    """Read an entry of ``sys_dictionary``."""
    length = _stored(raw.get("max_length"))
    return ColumnInfo(
        name=_stored(raw["element"]), label=_stored(raw.get("column_label")) or _stored(raw["element"]),
        length=int(length) if length.isdecimal() and int(length) else None,
        mandatory=_stored(raw.get("mandatory")) == "true", read_only=_stored(raw.get("read_only")) == "true",
        has_default=bool(_stored(raw.get("default_value"))), kind=_stored(raw.get("internal_type")),
        refers_to=_stored(raw.get("reference")), chosen=_stored(raw.get("choice")) not in ("", "0"),
    )


def text(raw: Mapping[str, Any], name: str) -> str:
    """Give a stored value of any row."""
    return _stored(raw.get(name))


def stamp(value: str) -> datetime:
    """Read a stored time. Raises ``ValueError``."""
    return datetime.strptime(value, STAMP).replace(tzinfo=UTC)


def stamped(at: datetime) -> str:
    """Write a time as ServiceNow stores it."""
    return at.astimezone(UTC).strftime(STAMP)
