"""The JSON objects that the platform answers with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kibcase_connectors.standins.resilient import attached, richtext, values
from kibcase_connectors.standins.resilient.catalog import Account, ArtifactType, Catalog, Field
from kibcase_connectors.standins.resilient.records import Artifact, Attachment, Comment, Event, Incident
from kibcase_connectors.standins.resilient.state import ResilientState

HANDLES = ("default", "ids", "names", "objects")
TEXTS = (
    "default", "always_text", "objects_convert", "objects_convert_html", "objects_convert_text", "objects_no_convert",
)
LEVELS = ("partial", "normal", "full")
Level = Literal["partial", "normal", "full"]
_PARTIAL = frozenset({
    "id", "name", "description", "discovered_date", "create_date", "due_date", "end_date", "severity_code",
    "incident_type_ids", "plan_status", "owner_id", "phase_id", "workspace", "vers", "inc_last_modified_date", "org_id",
})
_FULL_ONLY = frozenset({"creator", "creator_principal", "perms", "members", "comments", "artifacts", "tasks"})
_PERMS = (
    "read", "write", "comment", "assign", "close", "change_members", "attach_file", "read_attachments",
    "delete_attachments", "create_milestones", "list_milestones", "create_artifacts", "list_artifacts", "delete",
    "change_workspace",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderer:
    """Shows records to one account, in the formats that its request asks for."""

    state: ResilientState
    actor: int
    handles: str = "default"
    text: str = "default"

    @property
    def catalog(self) -> Catalog:
        """The set-up of the organisation."""
        return self.state.catalog

    def value(self, field: Field, held: Any) -> Any:
        """Show the value of a field."""
        return values.show(field, held, self.catalog, handles=self.handles, text=self.text)

    def incident(self, incident: Incident, level: Level = "full") -> dict[str, Any]:
        """Show an incident; ``partial`` has no custom fields, only ``full`` has principals and rights."""
        fields = {each.path: self.value(each, incident.value(each.path)) for each in self.catalog.fields}
        properties = {each.name: fields.pop(each.path) for each in self.catalog.fields if each.prefix}
        held = self.state.account(self.actor).permissions
        shown = fields | {
            "vers": incident.vers, "properties": properties, "addr": None, "creator": self._creator(incident.creator),
            "creator_principal": self.principal(incident.creator), "org_id": self.catalog.org.id,
            "org_handle": self.catalog.org.id, "perms": {name: name in held for name in _PERMS}, "draft": False,
            "inc_training": False, "is_scenario": False, "admin_id": None, "tasks": None, "artifacts": None,
            "comments": None, "actions": [],
        }
        if level == "partial":
            return {name: value for name, value in shown.items() if name in _PARTIAL}
        return shown if level == "full" else {k: v for k, v in shown.items() if k not in _FULL_ONLY}

    def principal(self, number: int) -> dict[str, Any]:
        """Show who did something."""
        account = self.state.account(number)
        return {
            "id": account.id, "type": account.kind, "name": account.login, "display_name": account.display_name,
        }

    def _creator(self, number: int) -> dict[str, Any] | None:
        account = self.state.account(number)
        return user(account) if account.kind == "user" else None

    def comments(self, incident: Incident, parent: int | None = None) -> list[dict[str, Any]]:
        """Show the notes of an incident, replies inside what they reply to, oldest first."""
        return [self.comment(incident, each) for each in incident.comments if each.parent == parent]

    def comment(self, incident: Incident, held: Comment) -> dict[str, Any]:
        """Show a note; people have names, API keys have none."""
        author = self.state.account(held.author)
        person = author.kind == "user"
        mine = attached.may_edit(self.state, self.actor, held)
        return {
            "type": "incident", "id": held.id, "parent_id": held.parent, "user_id": held.author,
            "user_fname": author.first_name if person else None, "user_lname": author.last_name if person else None,
            "text": richtext.show(held.text, self.text), "create_date": held.created, "modify_date": held.modified,
            "modify_user": self._modifier(held), "modify_principal": self.principal(held.modified_by),
            "comment_perms": {"update": mine, "delete": mine}, "children": self.comments(incident, held.id),
            "mentioned_users": [], "is_deleted": held.deleted, "actions": [], "inc_id": incident.id,
            "inc_name": incident.values["name"], "task_id": None, "task_name": None,
        }

    def _modifier(self, held: Comment) -> dict[str, Any]:
        account = self.state.account(held.modified_by)
        person = account.kind == "user"
        return {
            "id": account.id, "first_name": account.first_name if person else None,
            "last_name": account.last_name if person else None,
        }

    def artifact(self, incident: Incident, held: Artifact) -> dict[str, Any]:
        """Show an artifact."""
        kind = next(each for each in self.catalog.artifact_types if each.id == held.type)
        described: Any = held.description
        if described is not None and self.text.startswith("objects"):
            described = {"format": "text", "content": described}
        return {
            "id": held.id, "type": self._type(kind), "value": held.value, "description": described,
            "creator": self._creator(held.creator), "creator_principal": self.principal(held.creator),
            "created": held.created, "last_modified_time": held.modified, "inc_id": incident.id,
            "inc_name": incident.values["name"], "inc_owner": incident.values["owner_id"], "parent_id": None,
            "attachment": None, "hits": [], "properties": None, "relating": None, "pending_sources": [],
            "perms": None, "actions": [],
        }

    def _type(self, kind: ArtifactType) -> Any:
        if self.handles == "objects":
            return {"id": kind.id, "name": kind.name}
        return kind.name if self.handles == "names" else kind.id

    def attachment(self, incident: Incident, held: Attachment) -> dict[str, Any]:
        """Show what is known of a file."""
        return {
            "type": "incident", "id": held.id, "uuid": held.uuid, "name": held.name, "content_type": held.media_type,
            "created": held.created, "creator_id": held.creator, "size": len(held.content), "actions": [],
            "task_id": None, "task_name": None, "vers": incident.vers, "inc_id": incident.id,
            "inc_name": incident.values["name"], "inc_owner": incident.values["owner_id"],
        }

    def event(self, event: Event) -> dict[str, Any]:
        """Show an entry of the newsfeed."""
        known = self.catalog.by_path
        return {
            "id": event.id, "type": event.kind, "timestamp": event.at, "object_id": event.object_id,
            "principal": self.principal(event.actor),
            "changes": [
                {"field": known[each.field].name, "old_value": self.value(known[each.field], each.old),
                 "new_value": self.value(known[each.field], each.new)}
                for each in event.changes
            ],
        }

    def field(self, field: Field) -> dict[str, Any]:
        """Show the definition of a field; principals are not among its values."""
        shown = {
            "id": field.id, "type_id": 0, "name": field.name, "text": field.text, "prefix": field.prefix,
            "input_type": field.input_type, "read_only": field.read_only, "internal": field.prefix is None,
            "rich_text": field.rich_text, "changeable": True, "hide_notification": False, "blank_option": False,
            "tooltip": "", "values": [
                {"value": each.value, "label": each.label, "enabled": each.enabled, "hidden": each.hidden,
                 "default": each.default, "properties": None, "uuid": None}
                for each in field.choices
            ],
        }
        # A field that is never required does not say so.
        return shown | ({"required": field.required} if field.required else {})


def user(account: Account) -> dict[str, Any]:
    """Show a user."""
    return {
        "id": account.id, "fname": account.first_name, "lname": account.last_name, "email": account.login,
        "display_name": account.display_name, "status": "A", "locked": False, "is_external": False,
    }


def paged(rows: Sequence[Any], start: int, length: int, total: int) -> dict[str, Any]:
    """Show a page of rows of a paged query; ``total`` counts all that could be asked for."""
    return {"recordsTotal": total, "recordsFiltered": len(rows), "data": list(rows[start : start + length])}
