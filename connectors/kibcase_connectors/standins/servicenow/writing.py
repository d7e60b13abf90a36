"""Creating, updating and deleting records, by the rules of the instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from kibcase_connectors.standins.servicenow.problem import acl_refused, mandatory, no_record
from kibcase_connectors.standins.servicenow.records import Row, stamp
from kibcase_connectors.standins.servicenow.rules import Change
from kibcase_connectors.standins.servicenow.schema import Column
from kibcase_connectors.standins.servicenow.state import ServiceNowState
from kibcase_connectors.standins.servicenow.values import plain, stored

Given = Mapping[str, Any]
Entry = tuple[str, str]

_COMPUTED = frozenset({"sys_dictionary", "sys_user", "sys_journal_field", "sys_audit_delete", "sys_attachment"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """One write: by whom, into which table, and how values are to be read.

    ``display`` reads values as people see them (``sysparm_input_display_value``): references by name, choices by
    label, times in the user's zone.
    """

    state: ServiceNowState
    actor: str
    table: str
    display: bool = False

    @property
    def columns(self) -> Mapping[str, Column]:
        """The columns of the table; raises ``ServiceNowProblem`` (400)."""
        return self.state.table(self.table)

    def accepted(self, given: Given, before: Mapping[str, str]) -> tuple[dict[str, str], list[Entry]]:
        """Read the values of a request; what is unknown, read-only or forbidden is dropped without a word.

        Gives the columns to store and the journal entries (element, text) to write.
        """
        user = self.state.user(self.actor)
        denied = self.state.instance.access.denied(user, "write", self.table, before)
        values: dict[str, str] = {}
        entries: list[Entry] = []
        for name, column in self.columns.items():
            if name not in given or column.read_only or name in denied:
                continue
            text = plain(given[name])
            if column.kind == "journal_input":
                entries += [(name, text)] if text.strip() else []
            elif text or not (column.choice and before):
                found = stored(column, text, self._find, zone=self._zone())
                values |= {} if found is None else {name: found}
        return values, entries

    def _zone(self) -> str:
        return self.state.instance.zone_of(self.state.user(self.actor)) if self.display else "UTC"

    def _find(self, name: str, text: str) -> str | None:
        column = self.columns[name]
        if column.choice:
            return self._choice(name, text) if self.display else None
        if self.state.find(column.reference, text) is not None:
            return text
        if not self.display:
            return None
        shown = self.state.instance.schema.tables[column.reference].display
        return next((row.sys_id for row in self.state.rows(column.reference) if row[shown] == text), None)

    def _choice(self, name: str, label: str) -> str | None:
        tables = self.state.instance.schema.lineage(self.table)
        return next(
            (row["value"] for row in self.state.rows("sys_choice")
             if row["element"] == name and row["name"] in tables and row["label"] == label), None,
        )


def create(writing: Writing, given: Given, **fixed: str) -> Row:
    """Create a record; ``fixed`` columns are set by the instance itself.

    Raises ``ServiceNowProblem``: 400 unknown table, 403 access control, data policy or business rule.
    """
    state, actor, table = writing.state, writing.actor, writing.table
    with state.lock:
        _ = writing.columns
        if table in _COMPUTED or not state.instance.access.table(state.user(actor), "create", table):
            raise acl_refused("Insert")
        values, entries = writing.accepted(given, {})
        if state.instance.schema.tables[table].parent == "task":
            values = {"opened_by": state.user(actor).sys_id, "opened_at": stamp(state.now())} | values
        row = _ruled(state, actor, state.blank(table, actor, values | fixed), {})
        state.commit([row, *_journal(state, actor, row, entries)])
        return _afterwards(state, actor, row, {})


def update(writing: Writing, sys_id: str, given: Given) -> Row:
    """Change a record; the same record comes back if nothing differs and no journal entry was written.

    Raises ``ServiceNowProblem``: 404 absent or hidden, 403 access control, data policy or business rule.
    """
    state, actor = writing.state, writing.actor
    with state.lock:
        before = state.read(actor, writing.table, sys_id)
        if before.table in _COMPUTED or not state.visible(actor, before, "write") or frozen(state, actor, before):
            raise acl_refused("Update")
        values, entries = replace(writing, table=before.table).accepted(given, before.values)
        row = _ruled(state, actor, replace(before, values={**before.values, **values}), before.values)
        if row.values == before.values and not entries:
            return before
        row = touched(state, actor, row)
        state.commit([row, *_journal(state, actor, row, entries)])
        return _afterwards(state, actor, row, before.values)


def frozen(state: ServiceNowState, actor: str, row: Row) -> bool:
    """Tell whether a record is read-only for a user because of its state."""
    model = state.instance.model(row.table)
    return model is not None and row["state"] in model.frozen and "admin" not in state.user(actor).roles


def touched(state: ServiceNowState, actor: str, row: Row) -> Row:
    """Give a record with the stamps of an update."""
    count = str(int(row["sys_mod_count"]) + 1)
    stamps = {"sys_updated_on": stamp(state.now()), "sys_updated_by": actor, "sys_mod_count": count}
    return replace(row, values={**row.values, **stamps})


def delete(state: ServiceNowState, actor: str, table: str, sys_id: str) -> None:
    """Delete a record and what hangs on it; raises ``ServiceNowProblem`` (404, 403)."""
    with state.lock:
        row = state.read(actor, table, sys_id)
        if row.table in _COMPUTED - {"sys_attachment"} or not state.visible(actor, row, _deletion(row)):
            raise acl_refused("Delete")
        hanging = [
            each.sys_id for name, column in (
                ("sys_journal_field", "element_id"), ("sys_attachment", "table_sys_id"),
                ("sn_ti_m2m_task_observable", "task"),
            ) for each in state.rows(name) if each[column] == sys_id
        ]
        shown = row[state.instance.schema.tables[row.table].display]
        audit = {"tablename": row.table, "documentkey": sys_id, "display_value": shown[:255], "user": actor}
        state.commit([state.blank("sys_audit_delete", actor, audit)], gone=[sys_id, *hanging])


def _deletion(row: Row) -> Literal["read", "delete"]:
    # Attachments go with the right to change the record that they hang on, which the caller has checked.
    return "read" if row.table == "sys_attachment" else "delete"


def attached_to(state: ServiceNowState, actor: str, table: str, sys_id: str) -> Row:
    """Give the record that an attachment may be put on or taken from; raises ``ServiceNowProblem`` (404, 403)."""
    row = state.find(table, sys_id) if table in state.instance.schema.tables else None
    if row is None or not state.visible(actor, row):
        raise no_record("Invalid table or table_sys_id")
    if not state.visible(actor, row, "write") or frozen(state, actor, row):
        raise acl_refused("Update")
    return row


def _ruled(state: ServiceNowState, actor: str, row: Row, before: Mapping[str, str]) -> Row:
    for rule in state.instance.rules_of(row.table, "before"):
        row = replace(row, values={**row.values, **rule.run(_change(state, actor, row, before))})
    for policy in state.instance.policies_of(row.table):
        empty = [name for name in policy.mandatory if not row[name].strip()]
        if empty and policy.condition(row.values):
            columns = state.instance.schema.columns(row.table)
            raise mandatory(columns[name].label for name in empty)
    return row


def _afterwards(state: ServiceNowState, actor: str, row: Row, before: Mapping[str, str]) -> Row:
    for rule in state.instance.rules_of(row.table, "after"):
        further = {**row.values, **rule.run(_change(state, actor, row, before))}
        if further != row.values:
            row = touched(state, actor, replace(row, values=further))
            state.commit([row])
    return row


def _change(state: ServiceNowState, actor: str, row: Row, before: Mapping[str, str]) -> Change:
    return Change(
        table=row.table, before=before, after=row.values, actor=actor, actor_id=state.user(actor).sys_id,
        now=stamp(state.now()),
    )


def _journal(state: ServiceNowState, actor: str, row: Row, entries: list[Entry]) -> list[Row]:
    return [
        state.blank("sys_journal_field", actor, {
            "name": row.table, "element": element, "element_id": row.sys_id, "value": text,
        }) for element, text in entries
    ]
