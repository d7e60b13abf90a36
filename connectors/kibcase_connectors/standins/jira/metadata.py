"""What the instance says about its fields: field list, create and edit screens, transition screens."""

from __future__ import annotations

from typing import Any

from kibcase_connectors.standins.jira.fields import Field, fields_of
from kibcase_connectors.standins.jira.records import Issue
from kibcase_connectors.standins.jira.render import Renderer
from kibcase_connectors.standins.jira.workflow import Transition

JSON = dict[str, Any]

_TYPES = {
    "summary": "string", "text": "string", "string": "string", "labels": "array", "priority": "priority",
    "user": "user", "date": "date", "datetime": "datetime", "number": "number", "issuetype": "issuetype",
    "option": "option", "options": "array", "parent": "issuelink", "project": "project", "status": "status",
    "resolution": "resolution", "comment": "comments-page", "attachment": "array",
}
_ITEMS = {"labels": "string", "options": "option", "attachment": "attachment"}
_CUSTOM = {
    "string": "textfield", "text": "textarea", "number": "float", "option": "select", "options": "multiselect",
    "date": "datepicker", "datetime": "datetime", "user": "userpicker",
}
_READ_ONLY = (
    ("project", "Project", "project"), ("status", "Status", "status"), ("resolution", "Resolution", "resolution"),
    ("created", "Created", "datetime"), ("updated", "Updated", "datetime"), ("resolutiondate", "Resolved", "datetime"),
    ("creator", "Creator", "user"), ("comment", "Comment", "comment"), ("attachment", "Attachment", "attachment"),
)
PROJECT = Field(id="project", name="Project", kind="project", required=True)
RESOLUTION = Field(id="resolution", name="Resolution", kind="resolution")


def _schema(field: Field) -> JSON:
    body: JSON = {"type": _TYPES[field.kind]}
    if field.kind in _ITEMS:
        body["items"] = _ITEMS[field.kind]
    if field.custom is None:
        return {**body, "system": field.id}
    return {
        **body, "custom": f"com.atlassian.jira.plugin.system.customfieldtypes:{_CUSTOM[field.kind]}",
        "customId": int(field.id.removeprefix("customfield_")),
    }


def field_list(renderer: Renderer) -> list[JSON]:
    """Write ``GET /field``."""
    known = [*fields_of(renderer.catalog).values(), *(Field(id=i, name=n, kind=k) for i, n, k in _READ_ONLY)]
    return [{
        "id": each.id, "key": each.id, "name": each.name, "custom": each.custom is not None, "orderable": True,
        "navigable": each.id not in ("comment", "attachment"), "searchable": True,
        "clauseNames": [f"cf[{each.id.removeprefix('customfield_')}]", each.name] if each.custom else [each.id],
        "schema": _schema(each),
    } for each in known]


def screen(renderer: Renderer, project: str, *, creating: bool) -> list[JSON]:
    """Write the fields of the create or edit screen of a project."""
    fields = [*fields_of(renderer.catalog).values(), *([PROJECT] if creating else [])]
    return [_on_screen(renderer, project, each, required=each.required) for each in fields]


def _on_screen(renderer: Renderer, project: str, field: Field, *, required: bool, default: bool = False) -> JSON:
    body: JSON = {
        "required": required, "schema": _schema(field), "name": field.name, "key": field.id, "fieldId": field.id,
        "hasDefaultValue": default or field.id in ("priority", "reporter"), "operations": field.operations,
    }
    allowed = _allowed(renderer, project, field)
    return body if allowed is None else {**body, "allowedValues": allowed}


def _allowed(renderer: Renderer, project: str, field: Field) -> list[JSON] | None:
    catalog = renderer.catalog
    match field.kind:
        case "priority":
            scheme = catalog.projects[project].priorities
            return [renderer.named("priority", each) for each in catalog.priorities if each.name in scheme]
        case "issuetype":
            return [renderer.named("issuetype", each) for each in catalog.issue_types]
        case "resolution":
            return [renderer.named("resolution", each) for each in catalog.resolutions]
        case "option" | "options":
            return [renderer.option(each) for each in field.options]
        case "project":
            return [renderer.project(project)]
    return None


def transition(renderer: Renderer, issue: Issue, each: Transition, *, fields: bool) -> JSON:
    """Write a transition, with the fields of its screen if asked for."""
    catalog = renderer.catalog
    body: JSON = {
        "id": each.id, "name": each.name, "to": renderer.status(catalog.workflow.status(each.target)),
        "hasScreen": bool(each.screen), "isGlobal": each.sources is None, "isInitial": False,
        "isAvailable": True, "isConditional": each.users is not None,
    }
    if fields:
        known = {**fields_of(catalog), "resolution": RESOLUTION}
        body["fields"] = {
            on.id: _on_screen(
                renderer, issue.project, known[on.id], required=on.required, default=on.default is not None
            )
            for on in each.screen if on.listed
        }
    return body
