"""Acting as a person at the instance, in-process."""

from __future__ import annotations

from typing import Any

from kibcase_connectors.standins.servicenow import attaching, writing
from kibcase_connectors.standins.servicenow.importing import add_observables
from kibcase_connectors.standins.servicenow.problem import no_record
from kibcase_connectors.standins.servicenow.records import Row
from kibcase_connectors.standins.servicenow.state import ServiceNowState
from kibcase_connectors.standins.servicenow.writing import Writing


class Person:
    """One user at a browser. Records are named by ``sys_id`` or number; methods may raise ``ServiceNowProblem``.

    Values may be given as stored or as people see them: references by ``sys_id`` or name, choices by value or label.
    """

    def __init__(self, state: ServiceNowState, user_name: str) -> None:
        self._state = state
        self.user_name = user_name

    def record(self, ref: str) -> Row:
        """Look at a task as it is now."""
        for row in self._state.rows("task"):
            if ref in (row.sys_id, row["number"]):
                return self._state.read(self.user_name, row.table, row.sys_id)
        raise no_record()

    def create(self, short_description: str, *, table: str = "incident", **columns: Any) -> str:
        """Create a record; gives its ``sys_id``."""
        given = {"short_description": short_description, **columns}
        return writing.create(self._writing(table), given).sys_id

    def edit(self, ref: str, **columns: Any) -> None:
        """Set columns."""
        row = self.record(ref)
        writing.update(self._writing(row.table), row.sys_id, columns)

    def comment(self, ref: str, text: str) -> None:
        """Write a comment that the caller sees."""
        self.edit(ref, comments=text)

    def work_note(self, ref: str, text: str) -> None:
        """Write an internal note."""
        self.edit(ref, work_notes=text)

    def journal(self, ref: str) -> list[Row]:
        """Give the journal entries of a record, oldest first."""
        sys_id = self.record(ref).sys_id
        return [row for row in self._state.rows("sys_journal_field") if row["element_id"] == sys_id]

    def assign(self, ref: str, to: str = "", *, group: str = "") -> None:
        """Assign a record to a user (by user name) and, if given, to a group (by name)."""
        person = self._state.user(to).sys_id if to else ""
        self.edit(ref, assigned_to=person, **({"assignment_group": group} if group else {}))

    def move(self, ref: str, state: str, **columns: Any) -> None:
        """Give a record another state, by value or label."""
        self.edit(ref, state=state, **columns)

    def resolve(self, ref: str, *, code: str = "Solution provided", notes: str = "Solved.") -> None:
        """Resolve an incident."""
        self.move(ref, "6", close_code=code, close_notes=notes)

    def close(self, ref: str, *, code: str = "", notes: str = "Closed.") -> None:
        """Close an incident or a security incident."""
        security = self.record(ref).table == "sn_si_incident"
        usual = "Threat mitigated" if security else "Solution provided"
        self.move(ref, "3" if security else "7", close_code=code or usual, close_notes=notes)

    def attach(self, ref: str, name: str, content: bytes, media_type: str = "application/octet-stream") -> str:
        """Attach a file; gives the ``sys_id`` of the attachment."""
        row = self.record(ref)
        return attaching.attach(
            self._state, self.user_name, row.table, row.sys_id, name=name, media_type=media_type, content=content
        ).sys_id

    def observe(self, ref: str, value: str, kind: str = "ipv4-addr") -> None:
        """Link an observable to a security incident; ``kind`` as Elastic's app calls it."""
        add_observables(self._state, self.user_name, self.record(ref).sys_id, [{"value": value, "type": kind}])

    def detach(self, attachment: str) -> None:
        """Delete an attachment by ``sys_id``."""
        attaching.detach(self._state, self.user_name, attachment)

    def delete(self, ref: str) -> None:
        """Delete a record."""
        row = self.record(ref)
        writing.delete(self._state, self.user_name, row.table, row.sys_id)

    def _writing(self, table: str) -> Writing:
        return Writing(state=self._state, actor=self.user_name, table=table, display=True)
