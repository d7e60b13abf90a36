"""Acting as a person, or as a playbook, at the platform, in-process."""

from __future__ import annotations

from typing import Any

from kibcase_connectors.standins.resilient import attached
from kibcase_connectors.standins.resilient.catalog import Field
from kibcase_connectors.standins.resilient.changing import Proposal, Refused
from kibcase_connectors.standins.resilient.problem import ResilientProblem
from kibcase_connectors.standins.resilient.records import Incident
from kibcase_connectors.standins.resilient.state import ResilientState


class Person:
    """One principal at a browser. Incidents are named by id; every method may raise ``ResilientProblem``.

    Field values may be given as the REST API takes them, or plainly: a choice by its label, an owner by
    e-mail or group name, rich text as HTML, None to empty a field. Fields go by their bare names,
    custom ones too.
    """

    def __init__(self, state: ResilientState, principal: int) -> None:
        self._state = state
        self.principal = state.account(principal).id

    def incident(self, number: int) -> Incident:
        """Look at an incident as it is now."""
        return self._state.incident(self.principal, number)

    def create(self, name: str, **fields: Any) -> int:
        """Create an incident, discovered now unless told otherwise; gives its id."""
        known = self._state.catalog.by_name
        custom = {key: value for key, value in fields.items() if key in known and known[key].prefix}
        rest = {key: value for key, value in fields.items() if key not in custom}
        body = {"name": name, "discovered_date": self._state.now(), **rest, "properties": custom}
        return self._state.create(self.principal, body).id

    def edit(self, number: int, **fields: Any) -> None:
        """Set fields, whatever they hold now; what a rule forbids raises ``ResilientProblem`` (400)."""
        changes = [
            Proposal(field=self._field(name), old=None, new=value, checked=False) for name, value in fields.items()
        ]
        try:
            self._state.patch(self.principal, number, changes)
        except Refused as refusal:
            raise ResilientProblem(400, str(refusal)) from None

    def _field(self, name: str) -> Field:
        if name not in self._state.catalog.by_name:
            raise ResilientProblem(400, f"Unknown field: {name}.")
        return self._state.catalog.by_name[name]

    def assign(self, number: int, owner: str | int | None) -> None:
        """Give an incident to a user (by e-mail or id), to a group (by name or id), or to nobody."""
        self.edit(number, owner_id=owner)

    def close(self, number: int, *, resolution: str = "Resolved", summary: str = "Done.", **fields: Any) -> None:
        """Close an incident; ``fields`` are further ones that the organisation demands."""
        self.edit(number, plan_status="C", resolution_id=resolution, resolution_summary=summary, **fields)

    def reopen(self, number: int) -> None:
        """Make an incident active again."""
        self.edit(number, plan_status="A")

    def comment(self, number: int, html: str, *, reply_to: int | None = None) -> int:
        """Write a note; gives its id."""
        return attached.add_comment(
            self._state, self.principal, number, {"text": html, "parent_id": reply_to}
        ).id

    def edit_comment(self, number: int, comment_id: int, html: str) -> None:
        """Change the text of a note."""
        attached.edit_comment(self._state, self.principal, number, comment_id, {"text": html})

    def delete_comment(self, number: int, comment_id: int) -> None:
        """Delete a note."""
        attached.delete_comment(self._state, self.principal, number, comment_id)

    def add_artifact(self, number: int, kind: str, value: str, description: str | None = None) -> list[int]:
        """Add an artifact; gives the ids of what it became."""
        body = {"type": kind, "value": value, "description": description}
        return [each.id for each in attached.add_artifacts(self._state, self.principal, number, body)]

    def delete_artifact(self, number: int, artifact_id: int) -> None:
        """Remove an artifact."""
        attached.delete_artifact(self._state, self.principal, number, artifact_id)

    def attach(self, number: int, name: str, content: bytes, media_type: str = "application/octet-stream") -> int:
        """Attach a file; gives its id."""
        return attached.attach(self._state, self.principal, number, name, media_type, content).id

    def delete_attachment(self, number: int, attachment_id: int) -> None:
        """Remove a file."""
        attached.delete_attachment(self._state, self.principal, number, attachment_id)

    def delete(self, number: int) -> None:
        """Delete an incident."""
        self._state.delete(self.principal, number)
