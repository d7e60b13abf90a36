"""A row of a table, as an immutable value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

STAMP = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A record at one moment; every value is text, as the Table API gives it.

    ``table`` is the table it was created in, not an ancestor. ``order`` counts all rows in order of creation.
    """

    table: str
    order: int
    values: Mapping[str, str]

    @property
    def sys_id(self) -> str:
        """The 32 hexadecimal digits that name the record."""
        return self.values["sys_id"]

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "")


def stamp(moment: datetime) -> str:
    """Write a time as the database holds it: UTC, whole seconds, no zone."""
    return moment.astimezone(UTC).strftime(STAMP)


def read_stamp(text: str) -> datetime:
    """Read what ``stamp`` wrote; raises ``ValueError``."""
    return datetime.strptime(text, STAMP).replace(tzinfo=UTC)
