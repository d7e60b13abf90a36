"""Records as the REST APIs show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

from kibcase_connectors.standins.servicenow.people import ServiceNowUser
from kibcase_connectors.standins.servicenow.records import Row, read_stamp
from kibcase_connectors.standins.servicenow.schema import Column
from kibcase_connectors.standins.servicenow.state import ServiceNowState

Display = Literal["false", "true", "all"]

_FORMATS = (
    ("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("hh", "%I"), ("mm", "%M"), ("ss", "%S"), ("a", "%p"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a request wants to see: ``fields`` (empty: all), values or display values, links of references."""

    fields: tuple[str, ...] = ()
    display: Display = "false"
    links: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderer:
    """Shows records to one user."""

    state: ServiceNowState
    user: ServiceNowUser

    def record(self, row: Row, view: View, table: str = "") -> dict[str, Any]:
        """Show a record with the columns of ``table`` (default: its own); unknown fields are left out."""
        schema = self.state.instance.schema
        names = view.fields or tuple(schema.columns(table or row.table))
        hidden = self.state.instance.access.denied(self.user, "read", row.table, row.values)
        shown = {}
        for path in dict.fromkeys(names):
            column = schema.column(row.table, path)
            if column is not None:
                holder = self._holder(row, path)
                closed = path in hidden or holder is None
                shown[path] = self._value(row if holder is None else holder, column, view, closed=closed)
        return shown

    def _holder(self, row: Row, path: str) -> Row | None:
        first, _, rest = path.partition(".")
        if not rest:
            return row
        target = self.state.target(row, first)
        if target is None or not self.state.visible(self.user.user_name, target):
            return None
        return self._holder(target, rest)

    def _value(self, row: Row, column: Column, view: View, *, closed: bool) -> Any:
        value = "" if closed else row[column.name]
        text = "" if closed else self.display(row, column)
        link = {"link": self.link(column.reference, value)} if column.reference and value and view.links else {}
        if view.display == "all":
            return {"display_value": text, "value": value, **link}
        if view.display == "true":
            return {"display_value": text, **link} if link else text
        return {**link, "value": value} if link else value

    def link(self, table: str, sys_id: str) -> str:
        """Give the address of a record."""
        return f"{self.state.instance.base}/api/now/table/{table}/{sys_id}"

    def display(self, row: Row, column: Column) -> str:
        """Show a value as a person sees it: names, labels, times in the user's zone and format."""
        value = row[column.name]
        if column.kind == "journal_input":
            return self._thread(row, column)
        if not value:
            return ""
        if column.kind == "glide_date_time":
            return self.moment(value)
        if column.kind == "reference":
            target = self.state.find(column.reference, value)
            return "" if target is None else target[self.state.instance.schema.tables[target.table].display]
        return self._label(row.table, column.name, value) if column.choice else value

    def moment(self, text: str) -> str:
        """Show a stored time in the zone and the format of the user."""
        form = f"{self.user.date_format} {self.user.time_format}"
        for theirs, ours in _FORMATS:
            form = form.replace(theirs, ours)
        return read_stamp(text).astimezone(ZoneInfo(self.state.instance.zone_of(self.user))).strftime(form)

    def _label(self, table: str, element: str, value: str) -> str:
        lineage = self.state.instance.schema.lineage(table)
        return next(
            (row["label"] for row in self.state.rows("sys_choice")
             if row["element"] == element and row["value"] == value and row["name"] in lineage), value,
        )

    def _thread(self, row: Row, column: Column) -> str:
        if not self.state.instance.access.table(self.user, "read", "sys_journal_field"):
            return ""
        entries = [
            each for each in self.state.rows("sys_journal_field")
            if each["element_id"] == row.sys_id and each["element"] == column.name
        ]
        return "".join(
            f"{self.moment(each['sys_created_on'])} - {self._author(each['sys_created_by'])} ({column.label})\n"
            f"{each['value']}\n\n" for each in reversed(entries)
        )

    def _author(self, user_name: str) -> str:
        users: Mapping[str, ServiceNowUser] = self.state.instance.users
        return users[user_name].name if user_name in users else user_name
