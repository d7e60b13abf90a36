"""What the instance says about its fields: field list, create and edit screens, transition screens."""

from __future__ import annotations

from typing import Any

from kibcase_connectors.standins.jira.fields import Field, fields_of
from kibcase_connectors.standins.jira.records import Issue
from kibcase_connectors.standins.jira.render import Renderer
from kibcase_connectors.standins.jira.screens import on_screen
from kibcase_connectors.standins.jira.workflow import Transition

JSON = dict[str, Any]

_TYPES = {
    "summary": "string", "text": "string", "string": "string", "labels": "array", "priority": "priority",
    "user": "user", "date": "date", "datetime": "datetime", "number": "number", "issuetype": "issuetype",
    "option": "option", "options": "array", "parent": "issuelink", "project": "project", "status": "status",
    "resolution": "resolution", "comment": "comments-page", "attachment": "array", "url": "string",
    "issuelinks": "array", "subtasks": "array",
}
_ITEMS = {"labels": "string", "options": "option", "attachment": "attachment", "issuelinks": "issuelinks",
          "subtasks": "issuelinks"}
_CUSTOM = {
    "string": "textfield", "text": "textarea", "number": "float", "option": "select", "options": "multiselect",
    "date": "datepicker", "datetime": "datetime", "user": "userpicker", "labels": "labels", "url": "url",
}
_READ_ONLY = (
    ("project", "Project", "project"), ("status", "Status", "status"), ("resolution", "Resolution", "resolution"),
    ("created", "Created", "datetime"), ("updated", "Updated", "datetime"), ("resolutiondate", "Resolved", "datetime"),
    ("creator", "Creator", "user"), ("comment", "Comment", "comment"), ("attachment", "Attachment", "attachment"),
    ("issuelinks", "Linked Issues", "issuelinks"), ("subtasks", "Sub-tasks", "subtasks"),
)
PROJECT = Field(id="project", name="Project", kind="project", required=True)
RESOLUTION = Field(id="resolution", name="Resolution", kind="resolution")
_HANGING = (
    Field(id="issuelinks", name="Linked Issues", kind="issuelinks"),
    Field(id="comment", name="Comment", kind="comment"),
    Field(id="attachment", name="Attachment", kind="attachment"),
)
_OPERATIONS = {"issuelinks": ["add", "copy"], "comment": ["add", "edit", "remove"], "attachment": ["set", "copy"]}


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


def screen(renderer: Renderer, project: str, *, creating: bool, issue_type: str | None = None) -> list[JSON]:
    """Write the fields of the create or edit screen of a project for the reader; ``issue_type`` is an id."""
    catalog = renderer.catalog
    held = catalog.held(renderer.reader.username, project)
    if ("CREATE_ISSUES" if creating else "EDIT_ISSUES") not in held:
        return []
    offered = on_screen(catalog, project, held=held, issue_type=issue_type).values()
    resolution = [RESOLUTION] if not creating and catalog.projects[project].resolution_editable else []
    fields = [*offered, *([PROJECT] if creating else resolution), *_hanging(held, creating=creating)]
    return [_on_screen(renderer, project, each, required=each.required, issue_type=issue_type) for each in fields]


def _hanging(held: frozenset[str], *, creating: bool) -> list[Field]:
    needs = {"issuelinks": "LINK_ISSUES", "comment": "ADD_COMMENTS", "attachment": "CREATE_ATTACHMENTS"}
    return [each for each in _HANGING if needs[each.id] in held and not (creating and each.id == "comment")]


def _on_screen(
    renderer: Renderer, project: str, field: Field, *, required: bool, default: bool = False,
    issue_type: str | None = None,
) -> JSON:
    body: JSON = {
        "required": required, "schema": _schema(field), "name": field.name, "key": field.id, "fieldId": field.id,
        "hasDefaultValue": default or field.id in ("priority", "reporter"),
        "operations": _OPERATIONS.get(field.id, field.operations),
    }
    if field.kind == "user":
        what = "user/assignable/search?project=" + project if field.id == "assignee" else "user/search"
        body["autoCompleteUrl"] = renderer.link(what)
    if field.id == "priority":
        rules = renderer.catalog.projects[project]
        chosen = next(each for each in renderer.catalog.priorities if each.name == rules.default_priority)
        body["defaultValue"] = renderer.named("priority", chosen)
    allowed = _allowed(renderer, project, field, issue_type)
    return body if allowed is None else {**body, "allowedValues": allowed}


def _allowed(renderer: Renderer, project: str, field: Field, issue_type: str | None) -> list[JSON] | None:
    catalog = renderer.catalog
    match field.kind:
        case "priority":
            scheme = catalog.projects[project].priorities
            return [renderer.named("priority", each) for each in catalog.priorities if each.name in scheme]
        case "issuetype":
            return [renderer.named("issuetype", each) for each in catalog.issue_types if issue_type in (None, each.id)]
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
        "id": each.id, "name": each.name, "to": renderer.status(catalog.status(each.target)),
        "hasScreen": bool(each.screen), "isGlobal": each.sources is None, "isInitial": False,
        "isAvailable": True, "isConditional": each.conditional,
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
