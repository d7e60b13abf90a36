"""Handlers of what administrators of Cloud may read: the workflows themselves."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.responses import Response

from kibcase_connectors.standins.jira.call import Call, answer, split_names
from kibcase_connectors.standins.jira.problem import JiraProblem
from kibcase_connectors.standins.jira.workflow import Status, Transition, Workflow

_CATEGORIES = {"new": "TODO", "indeterminate": "IN_PROGRESS", "done": "DONE"}
_CREATED = "2026-01-05T09:00:00.000+0000"


def _workflows(call: Call) -> dict[str, Workflow]:
    catalog = call.state.catalog
    own = {f"{key} workflow": each.workflow for key, each in catalog.projects.items() if each.workflow}
    return {"Default workflow": catalog.workflow, **own}


def _entity(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"workflow:{name}"))


def _need_admin(call: Call) -> None:
    if not call.cloud:
        raise JiraProblem(404, f"null for uri: {call.request.url.path}")
    if "ADMINISTER" not in call.held():
        raise JiraProblem(403, "Only Jira administrators can access workflows.")


def search(call: Call) -> Response:
    """GET /workflow/search: pages of workflows; ``expand`` takes ``statuses`` and ``transitions``."""
    _need_admin(call)
    start, size = call.window(50)
    wanted, expand = call.names("workflowName"), call.names("expand")
    found = [(name, flow) for name, flow in _workflows(call).items() if not wanted or name in wanted]
    return answer({
        "self": call.show.link("workflow/search"), "startAt": start, "maxResults": size, "total": len(found),
        "isLast": start + size >= len(found),
        "values": [_summary(name, flow, expand) for name, flow in found[start : start + size]],
    })


def _summary(name: str, flow: Workflow, expand: list[str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": {"name": name, "entityId": _entity(name)}, "description": "", "created": _CREATED, "updated": _CREATED,
    }
    if "statuses" in expand:
        body["statuses"] = [{"id": each.id, "name": each.name, "properties": {}} for each in flow.statuses]
    if any(each.startswith("transitions") for each in expand):
        initial = {"id": "1", "name": "Create", "description": "", "from": [], "to": flow.statuses[0].id,
                   "type": "initial"}
        body["transitions"] = [initial, *({
            "id": each.id, "name": each.name, "description": "", "from": sorted(each.sources or ()),
            "to": each.target, "type": "global" if each.sources is None else "directed",
        } for each in flow.transitions)]
    return body


def bulk(call: Call) -> Response:
    """POST /workflows: the workflows of names, ids, or of projects and issue types, with their statuses."""
    _need_admin(call)
    body = call.document("workflowNames", "workflowIds", "projectAndIssueTypes")
    names = {*split_names(body.get("workflowNames")), *_of_projects(call, body.get("projectAndIssueTypes"))}
    ids = set(split_names(body.get("workflowIds")))
    if not names and not ids:
        raise JiraProblem(400, "Provide workflow names, workflow ids, or projects and issue types.")
    found = {name: flow for name, flow in _workflows(call).items() if name in names or _entity(name) in ids}
    statuses = {status.id: status for flow in found.values() for status in flow.statuses}
    return answer({
        "statuses": [_status(each) for each in statuses.values()],
        "workflows": [_whole(name, flow) for name, flow in found.items()],
    })


def _of_projects(call: Call, given: Any) -> list[str]:
    pairs = given if isinstance(given, list) else []
    refs = [str(each.get("projectId")) for each in pairs if isinstance(each, dict)]
    found = [project for ref in refs if (project := call.state.catalog.project_by_ref(ref))]
    return [f"{each.key} workflow" if each.workflow else "Default workflow" for each in found]


def _status(status: Status) -> dict[str, Any]:
    return {
        "id": status.id, "statusReference": status.id, "name": status.name, "description": "",
        "statusCategory": _CATEGORIES[status.category], "scope": {"type": "GLOBAL"}, "usages": [],
    }


def _whole(name: str, flow: Workflow) -> dict[str, Any]:
    return {
        "id": _entity(name), "name": name, "description": "", "scope": {"type": "GLOBAL"}, "isEditable": True,
        "version": {"id": _entity(f"{name} version"), "versionNumber": 0}, "usages": [],
        "statuses": [{"statusReference": each.id, "properties": {}, "deprecated": False} for each in flow.statuses],
        "transitions": [_initial(flow), *(_transition(each) for each in flow.transitions)],
    }


def _initial(flow: Workflow) -> dict[str, Any]:
    return _arrow("1", "Create", "INITIAL", flow.statuses[0].id, [])


def _transition(each: Transition) -> dict[str, Any]:
    kind = "GLOBAL" if each.sources is None else "DIRECTED"
    body = _arrow(each.id, each.name, kind, each.target, sorted(each.sources or ()))
    if each.screen:
        body["transitionScreen"] = {"ruleKey": "system:transition-screen", "parameters": {"screenId": f"1{each.id}"}}
    return body


def _arrow(arrow_id: str, name: str, kind: str, target: str, sources: list[str]) -> dict[str, Any]:
    return {
        "id": arrow_id, "name": name, "description": "", "type": kind, "toStatusReference": target,
        "links": [{"fromStatusReference": each, "fromPort": 0, "toPort": 0} for each in sources],
        "actions": [], "validators": [], "triggers": [], "properties": {},
    }
