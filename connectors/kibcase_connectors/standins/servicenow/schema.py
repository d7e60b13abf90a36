"""Tables and columns, as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Kind = Literal[
    "GUID", "boolean", "decimal", "glide_date", "glide_date_time", "integer", "journal_input", "reference", "string"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column; ``kind`` is the ``internal_type`` of its ``sys_dictionary`` entry.

    ``max_length`` (characters) cuts strings. ``reference`` names the table that a reference points to. ``choice``
    columns have a list in ``sys_choice``. What is written to a ``read_only`` column is dropped silently.
    """

    name: str
    label: str
    kind: Kind = "string"
    max_length: int = 40
    reference: str = ""
    default: str = ""
    choice: bool = False
    read_only: bool = False
    mandatory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; it has the columns of ``parent`` too, and its rows are rows of ``parent``.

    ``display`` is the column that stands for a row where it is referred to; ``prefix`` begins the record numbers.
    """

    name: str
    label: str
    columns: tuple[Column, ...] = ()
    parent: str = ""
    display: str = "sys_id"
    prefix: str = ""


SYSTEM_COLUMNS: tuple[Column, ...] = (
    Column(name="sys_id", label="Sys ID", kind="GUID", max_length=32, read_only=True),
    Column(name="sys_created_on", label="Created", kind="glide_date_time", read_only=True),
    Column(name="sys_created_by", label="Created by", read_only=True),
    Column(name="sys_updated_on", label="Updated", kind="glide_date_time", read_only=True),
    Column(name="sys_updated_by", label="Updated by", read_only=True),
    Column(name="sys_mod_count", label="Updates", kind="integer", read_only=True),
)


@dataclass(frozen=True, slots=True)
class Schema:
    """All tables of an instance by name."""

    tables: Mapping[str, Table]
    _columns: dict[str, Mapping[str, Column]] = field(default_factory=dict, repr=False, compare=False)

    def columns(self, table: str) -> Mapping[str, Column]:
        """Give the columns of a table, inherited ones first; raises ``KeyError``."""
        if table not in self._columns:
            found = self.tables[table]
            inherited = self.columns(found.parent) if found.parent else {each.name: each for each in SYSTEM_COLUMNS}
            self._columns[table] = {**inherited, **{each.name: each for each in found.columns}}
        return self._columns[table]

    def owner(self, table: str, column: str) -> str:
        """Give the table, this one or an ancestor, that defines a column."""
        while parent := self.tables[table].parent:
            if any(each.name == column for each in self.tables[table].columns):
                break
            table = parent
        return table

    def lineage(self, table: str) -> list[str]:
        """Give a table and its ancestors, nearest first."""
        names = [table]
        while parent := self.tables[names[-1]].parent:
            names.append(parent)
        return names

    def family(self, table: str) -> frozenset[str]:
        """Give a table and all that descend from it; empty for an unknown one."""
        return frozenset(name for name in self.tables if table in self.lineage(name))

    def column(self, table: str, path: str) -> Column | None:
        """Find the column of a name, or of a path that walks over references (``assigned_to.name``)."""
        first, _, rest = path.partition(".")
        if table not in self.tables:
            return None
        found = self.columns(table).get(first)
        if found is None or not rest:
            return found
        return self.column(found.reference, rest) if found.reference else None

    def with_columns(self, table: str, columns: Iterable[Column]) -> Schema:
        """Give the schema with further columns in a table; raises ``KeyError``."""
        changed = replace(self.tables[table], columns=(*self.tables[table].columns, *columns))
        return Schema({**self.tables, table: changed})
