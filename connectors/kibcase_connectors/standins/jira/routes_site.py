"""Handlers of the instance: who am I, users, projects, priorities, fields."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from kibcase_connectors.standins.jira import metadata
from kibcase_connectors.standins.jira.call import Call, answer
from kibcase_connectors.standins.jira.catalog import ALL_PERMISSIONS, JiraUser, Named
from kibcase_connectors.standins.jira.fields import jira_time
from kibcase_connectors.standins.jira.problem import JiraProblem, issue_not_found

_GDPR = "'accountId' must be the only user identifying query parameter in GDPR strict mode."


def server_info(call: Call) -> Response:
    """GET /serverInfo."""
    version = (
        {"version": "1001.0.0-SNAPSHOT", "versionNumbers": [1001, 0, 0], "deploymentType": "Cloud",
         "buildNumber": 100287}
        if call.cloud else
        {"version": "9.12.1", "versionNumbers": [9, 12, 1], "deploymentType": "Server", "buildNumber": 912001}
    )
    return answer({
        "baseUrl": call.state.catalog.base, **version, "serverTime": jira_time(call.state.now()),
        "serverTitle": "Jira",
    })


def myself(call: Call) -> Response:
    """GET /myself."""
    return answer({**call.show.user(call.actor), "locale": "en_US"})


def user(call: Call) -> Response:
    """GET /user by ``accountId`` (Cloud), or by ``username`` or ``key`` (Data Center)."""
    if call.cloud and not call.query("accountId"):
        raise JiraProblem(400, _GDPR)
    ref = call.query("accountId") if call.cloud else call.query("username") or call.query("key")
    found = call.state.catalog.user_by_ref(ref) or next(
        (each for each in call.state.catalog.users.values() if not call.cloud and ref and each.user_key == ref), None
    )
    if found is None:
        raise JiraProblem(404, f"The user named '{ref}' does not exist" if not call.cloud else "User does not exist.")
    return answer(call.show.user(found.username))


def search_users(call: Call) -> Response:
    """GET /user/search by ``query`` (Cloud) or ``username`` (Data Center)."""
    return answer(_page_of_users(call, _users_like(call)))


def assignable_users(call: Call) -> Response:
    """GET /user/assignable/search for a ``project`` or an ``issueKey``."""
    if not call.query("project") and not call.query("issueKey"):
        raise JiraProblem(400, "Either the 'project' or the 'issueKey' query parameter must be given.")
    if call.query("issueKey"):
        key = call.state.issue(call.actor, call.query("issueKey")).project
    else:
        key = _visible_project(call, call.query("project"))
    catalog = call.state.catalog
    found = _users_like(call) if call.query("query") or call.query("username") else list(catalog.users.values())
    able = [each for each in found if each.active and "ASSIGNABLE_USER" in catalog.held(each.username, key)]
    return answer(_page_of_users(call, able))


def _users_like(call: Call) -> list[JiraUser]:
    if call.cloud and call.query("username"):
        raise JiraProblem(400, _GDPR)
    text = call.query("query" if call.cloud else "username").lower()
    if not text:
        name = "query" if call.cloud else "username"
        raise JiraProblem(400, f"The '{name}' query parameter was not provided.")
    users = call.state.catalog.users.values()
    return [each for each in users if each.active and _is_like(each, text, hidden=call.cloud)]


def _is_like(candidate: JiraUser, text: str, *, hidden: bool) -> bool:
    words = [candidate.username, candidate.display_name, *candidate.display_name.split()]
    # Whoever hides the address is found by the whole of it only.
    whole = hidden and candidate.email_hidden
    by_mail = candidate.email.lower() == text if whole else candidate.email.lower().startswith(text)
    return by_mail or any(word.lower().startswith(text) for word in words)


def _page_of_users(call: Call, found: list[JiraUser]) -> list[dict[str, Any]]:
    start, size = call.window(50)
    return [call.show.user(each.username) for each in found[start : start + size]]


def permissions(call: Call) -> Response:
    """GET /mypermissions; Cloud demands the list ``permissions``."""
    asked = call.names("permissions")
    if call.cloud and not asked:
        raise JiraProblem(400, "The 'permissions' query parameter is required.")
    if call.cloud and (strange := sorted(set(asked) - ALL_PERMISSIONS)):
        raise JiraProblem(400, f"Unrecognized permission: {strange[0]}")
    held = call.held(_project_asked_about(call))
    return answer({"permissions": {
        name: {
            "id": str(number), "key": name, "name": name.replace("_", " ").capitalize(), "type": "PROJECT",
            "description": "", "havePermission": name in held,
        }
        for number, name in enumerate(sorted(ALL_PERMISSIONS), start=1) if not asked or name in asked
    }})


def _project_asked_about(call: Call) -> str | None:
    issue, project = (call.query(f"{what}Key") or call.query(f"{what}Id") for what in ("issue", "project"))
    if issue:
        return call.state.issue(call.actor, issue).project
    return _visible_project(call, project) if project else None


def fields(call: Call) -> Response:
    """GET /field."""
    return answer(metadata.field_list(call.show))


def priorities(call: Call) -> Response:
    """GET /priority[/{id}]."""
    return _list_or_one(call, "priority", call.state.catalog.priorities)


def resolutions(call: Call) -> Response:
    """GET /resolution[/{id}]."""
    return _list_or_one(call, "resolution", call.state.catalog.resolutions)


def issue_types(call: Call) -> Response:
    """GET /issuetype[/{id}]."""
    return _list_or_one(call, "issuetype", call.state.catalog.issue_types)


def _list_or_one(call: Call, what: str, things: tuple[Named, ...]) -> Response:
    wanted = call.request.path_params.get("id")
    shown = [call.show.named(what, each) for each in things if wanted in (None, each.id)]
    if wanted is None:
        return answer(shown)
    if not shown:
        raise JiraProblem(404, f"The {what} with id '{wanted}' does not exist")
    return answer(shown[0])


def statuses(call: Call) -> Response:
    """GET /status."""
    return answer([call.show.status(each) for each in call.state.catalog.statuses])


def status(call: Call) -> Response:
    """GET /status/{id}, by id or name."""
    wanted = call.path("id")
    for each in call.state.catalog.statuses:
        if wanted in (each.id, each.name):
            return answer(call.show.status(each))
    raise JiraProblem(404, f"The status with id or name '{wanted}' does not exist")


def projects(call: Call) -> Response:
    """GET /project."""
    return answer([call.show.project(key) for key in _visible_projects(call)])


def search_projects(call: Call) -> Response:
    """GET /project/search: Cloud's pages of projects."""
    if not call.cloud:
        raise no_project("search")
    keys, (start, size) = _visible_projects(call), call.window(50)
    return answer({
        "self": call.show.link("project/search"), "startAt": start, "maxResults": size, "total": len(keys),
        "isLast": start + size >= len(keys), "values": [call.show.project(key) for key in keys[start : start + size]],
    })


def _visible_projects(call: Call) -> list[str]:
    return [key for key in call.state.catalog.projects if "BROWSE_PROJECTS" in call.held(key)]


def no_projects(_call: Call) -> Response:
    """Answer an anonymous caller who lists projects."""
    return answer([])


def _project_key(call: Call) -> str:
    return _visible_project(call, call.path("project"))


def _visible_project(call: Call, ref: str) -> str:
    found = call.state.catalog.project_by_ref(ref)
    if found is None or "BROWSE_PROJECTS" not in call.held(found.key):
        raise no_project(ref)
    return found.key


def no_project(ref: str) -> JiraProblem:
    """Give the 404 for a project that is absent or invisible."""
    return JiraProblem(404, f"No project could be found with key '{ref}'.")


def hidden_project(call: Call) -> Response:
    """Answer an anonymous caller who asks for a project."""
    raise no_project(call.path("project"))


def project(call: Call) -> Response:
    """GET /project/{key or id}."""
    types = [call.show.named("issuetype", each) for each in call.state.catalog.issue_types]
    return answer({**call.show.project(_project_key(call)), "issueTypes": types})


def project_statuses(call: Call) -> Response:
    """GET /project/{key or id}/statuses: the statuses by issue type."""
    flow = call.state.catalog.workflow_of(_project_key(call))
    shown = [call.show.status(each) for each in flow.statuses]
    return answer([
        {**call.show.named("issuetype", each), "statuses": shown} for each in call.state.catalog.issue_types
    ])


def create_types(call: Call) -> Response:
    """GET /issue/createmeta/{project}/issuetypes."""
    _project_key(call)
    return _create_page(call, "issueTypes", [
        call.show.named("issuetype", each) for each in call.state.catalog.issue_types
    ])


def create_fields(call: Call) -> Response:
    """GET /issue/createmeta/{project}/issuetypes/{id}."""
    key = _project_key(call)
    if call.path("id") not in [each.id for each in call.state.catalog.issue_types]:
        raise JiraProblem(404, f"The issue type with id '{call.path('id')}' does not exist in project '{key}'.")
    return _create_page(
        call, "fields", metadata.screen(call.show, key, creating=True, issue_type=call.path("id"))
    )


def create_all(call: Call) -> Response:
    """GET /issue/createmeta: everything at once, on Cloud; Data Center 9 takes it for an issue key."""
    if not call.cloud:
        raise issue_not_found()
    wanted, types = call.names("projectKeys"), call.names("issuetypeIds")
    names, fields_too = call.names("issuetypeNames"), "projects.issuetypes.fields" in call.names("expand")
    shown = []
    for key in (each for each in _visible_projects(call) if not wanted or each in wanted):
        kinds = [each for each in call.state.catalog.issue_types
                 if (not types or each.id in types) and (not names or each.name in names)]
        shown.append({**call.show.project(key), "issuetypes": [
            call.show.named("issuetype", each) | (_fields_of_type(call, key, each.id) if fields_too else {})
            for each in kinds
        ]})
    return answer({"expand": "projects", "projects": shown})


def _fields_of_type(call: Call, key: str, type_id: str) -> dict[str, Any]:
    rows = metadata.screen(call.show, key, creating=True, issue_type=type_id)
    return {"fields": {each["key"]: each for each in rows}}


def _create_page(call: Call, cloud_name: str, rows: list[dict[str, Any]]) -> Response:
    start, size = call.window(50)
    page = {"startAt": start, "maxResults": size, "total": len(rows)}
    shown = rows[start : start + size]
    if call.cloud:
        return answer({**page, cloud_name: shown})
    return answer({**page, "isLast": start + size >= len(rows), "values": shown})


def application_links(_call: Call) -> Response:
    """GET /rest/applinks/latest/listApplicationlinks."""
    return answer({"list": []})
