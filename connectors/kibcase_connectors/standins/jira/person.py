"""Acting as a person at the instance, in-process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kibcase_connectors.standins.jira import attached, documents, links
from kibcase_connectors.standins.jira.fields import fields_of
from kibcase_connectors.standins.jira.problem import JiraProblem
from kibcase_connectors.standins.jira.records import Issue
from kibcase_connectors.standins.jira.state import JiraState
from kibcase_connectors.standins.jira.workflow import Transition

INTERNAL = "sd.public.comment"
"""The property that makes a comment of a service desk internal."""


class Person:
    """One user at a browser. Issues are named by key or id; every method may raise ``JiraProblem``.

    Field values may be given as REST API v2 takes them, or plainly: a priority, issue type or option
    by its name, a user by user name, None to empty a field. Long texts are wiki markup, or a mapping
    that is an Atlassian document, as the editor of Cloud writes.
    """

    def __init__(self, state: JiraState, username: str) -> None:
        self._state = state
        self.username = username

    def issue(self, key: str) -> Issue:
        """Look at an issue as it is now."""
        return self._state.issue(self.username, key)

    def create(self, summary: str, *, project: str = "", issuetype: str = "Task", **fields: Any) -> str:
        """Create an issue, in the first project unless another is named; gives its key."""
        raw = self._raw({"summary": summary, "issuetype": issuetype, **fields})
        key = project or next(iter(self._state.catalog.projects))
        return self._state.create(self.username, {"project": {"key": key}, **raw}, {}, {}, "either").key

    def edit(self, key: str, **fields: Any) -> None:
        """Set fields."""
        self._state.edit(self.username, key, self._raw(fields), {}, "either")

    def add_labels(self, key: str, *labels: str) -> None:
        """Add labels to those that are there."""
        self._state.edit(self.username, key, {}, {"labels": [{"add": label} for label in labels]})

    def remove_labels(self, key: str, *labels: str) -> None:
        """Take labels away."""
        self._state.edit(self.username, key, {}, {"labels": [{"remove": label} for label in labels]})

    def comment(self, key: str, text: str | Mapping[str, Any], *, internal: bool = False) -> str:
        """Write a comment, as text or as a document; gives its id. ``internal`` hides it from the customer."""
        mark = [{"key": INTERNAL, "value": {"internal": True}}] if internal else None
        body = {"body": text, "properties": mark}
        return attached.add_comment(self._state, self.username, key, body, "either")[1].id

    def edit_comment(self, key: str, comment_id: str, text: str | Mapping[str, Any]) -> None:
        """Change the text of a comment."""
        attached.edit_comment(self._state, self.username, key, comment_id, {"body": text}, "either")

    def link(self, key: str, other: str, kind: str = "Relates") -> str:
        """Link an issue to another, so that with "Blocks" it blocks the other; gives the link's id."""
        ends = {"inwardIssue": {"key": key}, "outwardIssue": {"key": other}}
        return links.link(self._state, self.username, {"type": {"name": kind}, **ends})

    def unlink(self, link_id: str) -> None:
        """Remove a link between issues."""
        links.unlink(self._state, self.username, link_id)

    def document(self, key: str, field: str = "description") -> Mapping[str, Any] | None:
        """Look at a long text as REST API v3 shows it; None if it is empty."""
        issue = self.issue(key)
        return documents.shown(issue.values[field], issue.documents.get(field))

    def delete_comment(self, key: str, comment_id: str) -> None:
        """Delete a comment."""
        attached.delete_comment(self._state, self.username, key, comment_id)

    def transition(self, key: str, to: str, **fields: Any) -> None:
        """Take the transition of that name, or the one that leads to the status of that name.

        A resolution that the screen demands is, if not given, the first of the instance.
        """
        chosen = self._transition(key, to)
        if any(each.id == "resolution" and each.required for each in chosen.screen):
            fields.setdefault("resolution", self._state.catalog.resolutions[0].name)
        self._state.transition(self.username, key, chosen.id, self._raw(fields), {}, "either")

    def _transition(self, key: str, to: str) -> Transition:
        open_now = self._state.transitions(self.username, key)
        status = self._state.catalog.status
        for each in open_now:
            if to.lower() in (each.name.lower(), status(each.target).name.lower()):
                return each
        offered = ", ".join(each.name for each in open_now) or "none"
        raise JiraProblem(400, f"{key} has no transition to '{to}' now; open are: {offered}.")

    def attach(self, key: str, filename: str, content: bytes, media_type: str = "application/octet-stream") -> str:
        """Attach a file; gives the attachment's id."""
        return attached.attach(self._state, self.username, key, [(filename, media_type, content)])[0][1].id

    def delete_attachment(self, attachment_id: str) -> None:
        """Delete an attachment."""
        attached.delete_attachment(self._state, self.username, attachment_id)

    def move(self, key: str, project: str) -> str:
        """Move an issue to another project of the instance; gives the new key."""
        return self._state.move(self.username, key, project).key

    def delete(self, key: str, *, subtasks: bool = False) -> None:
        """Delete an issue, and its sub-tasks if they may go too."""
        self._state.delete(self.username, key, subtasks=subtasks)

    def _raw(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._raw_value(name, value) for name, value in fields.items()}

    def _raw_value(self, name: str, value: Any) -> Any:
        known = fields_of(self._state.catalog)
        kind = "resolution" if name == "resolution" else known[name].kind if name in known else ""
        if isinstance(value, str):
            match kind:
                case "priority" | "issuetype" | "resolution":
                    return {"name": value}
                case "option":
                    return {"value": value}
                case "parent":
                    return {"key": value}
                case "user" if value in self._state.catalog.users:
                    cloud = self._state.catalog.cloud
                    return {"accountId": self._state.user(value).account_id} if cloud else {"name": value}
        if kind == "options" and isinstance(value, list | tuple):
            return [{"value": each} if isinstance(each, str) else each for each in value]
        return list(value) if isinstance(value, tuple) else value
