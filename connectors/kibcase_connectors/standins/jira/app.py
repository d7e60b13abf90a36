"""The ASGI application: the table of routes, who may call, and how refusals are answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from kibcase_connectors.standins.jira import routes_attached as on_issue
from kibcase_connectors.standins.jira import routes_issue as issue
from kibcase_connectors.standins.jira import routes_link as link
from kibcase_connectors.standins.jira import routes_search as search
from kibcase_connectors.standins.jira import routes_site as site
from kibcase_connectors.standins.jira import routes_workflow as workflow
from kibcase_connectors.standins.jira.call import Call, Switches, answer
from kibcase_connectors.standins.jira.catalog import JiraUser
from kibcase_connectors.standins.jira.credentials import Caller, identify
from kibcase_connectors.standins.jira.gate import captcha, drawn, locked, over_limit
from kibcase_connectors.standins.jira.problem import JiraProblem
from kibcase_connectors.standins.jira.render import Neighbours, Renderer, Version
from kibcase_connectors.standins.jira.state import JiraState

Handler = Callable[[Call], Response]

_BODY_LIMIT = 16 * 1024 * 1024
_FAILED = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
_NOBODY = JiraUser(username="", display_name="", email="", secret="", account_id="", time_zone="UTC",
                   permissions=frozenset())


@dataclass(frozen=True, slots=True)
class _Entry:
    """A route; ``anonymous`` answers callers without valid credentials where Jira does not say 401."""

    method: str
    path: str
    handler: Handler
    anonymous: Handler | None = None
    version: Version = 2


_API = (
    _Entry("GET", "/serverInfo", site.server_info, site.server_info),
    _Entry("GET", "/myself", site.myself),
    _Entry("GET", "/mypermissions", site.permissions),
    _Entry("GET", "/field", site.fields, site.fields),
    _Entry("GET", "/priority", site.priorities, site.priorities),
    _Entry("GET", "/priority/{id}", site.priorities, site.priorities),
    _Entry("GET", "/resolution", site.resolutions, site.resolutions),
    _Entry("GET", "/resolution/{id}", site.resolutions, site.resolutions),
    _Entry("GET", "/issuetype", site.issue_types, site.issue_types),
    _Entry("GET", "/issuetype/{id}", site.issue_types, site.issue_types),
    _Entry("GET", "/status", site.statuses, site.statuses),
    _Entry("GET", "/status/{id}", site.status, site.status),
    _Entry("GET", "/user", site.user),
    _Entry("GET", "/user/search", site.search_users),
    _Entry("GET", "/user/assignable/search", site.assignable_users),
    _Entry("GET", "/project", site.projects, site.no_projects),
    _Entry("GET", "/project/search", site.search_projects, site.no_projects),
    _Entry("GET", "/project/{project}", site.project, site.hidden_project),
    _Entry("GET", "/project/{project}/statuses", site.project_statuses, site.hidden_project),
    _Entry("GET", "/search", search.classic, search.nothing),
    _Entry("POST", "/search", search.classic, search.nothing),
    _Entry("GET", "/search/jql", search.by_token, search.nothing),
    _Entry("POST", "/search/jql", search.by_token, search.nothing),
    _Entry("POST", "/search/approximate-count", search.count),
    _Entry("POST", "/issue", issue.create),
    _Entry("GET", "/issue/createmeta", site.create_all),
    _Entry("GET", "/issue/createmeta/{project}/issuetypes", site.create_types, site.hidden_project),
    _Entry("GET", "/issue/createmeta/{project}/issuetypes/{id}", site.create_fields, site.hidden_project),
    _Entry("GET", "/issue/{ref}", issue.read, issue.hidden),
    _Entry("PUT", "/issue/{ref}", issue.edit),
    _Entry("DELETE", "/issue/{ref}", issue.delete),
    _Entry("PUT", "/issue/{ref}/assignee", issue.assign),
    _Entry("GET", "/issue/{ref}/editmeta", issue.editmeta, issue.hidden),
    _Entry("GET", "/issue/{ref}/changelog", issue.changelog, issue.hidden),
    _Entry("GET", "/issue/{ref}/transitions", issue.transitions, issue.hidden),
    _Entry("POST", "/issue/{ref}/transitions", issue.transition),
    _Entry("GET", "/issue/{ref}/comment", on_issue.comments, issue.hidden),
    _Entry("POST", "/issue/{ref}/comment", on_issue.add_comment),
    _Entry("GET", "/issue/{ref}/comment/{id}", on_issue.comment, issue.hidden),
    _Entry("PUT", "/issue/{ref}/comment/{id}", on_issue.edit_comment),
    _Entry("DELETE", "/issue/{ref}/comment/{id}", on_issue.delete_comment),
    _Entry("GET", "/comment/{id}/properties", on_issue.comment_properties, issue.hidden),
    _Entry("GET", "/comment/{id}/properties/{key}", on_issue.comment_property, issue.hidden),
    _Entry("PUT", "/comment/{id}/properties/{key}", on_issue.set_comment_property),
    _Entry("GET", "/issue/{ref}/properties", on_issue.properties, issue.hidden),
    _Entry("GET", "/issue/{ref}/properties/{key}", on_issue.read_property, issue.hidden),
    _Entry("PUT", "/issue/{ref}/properties/{key}", on_issue.set_property),
    _Entry("DELETE", "/issue/{ref}/properties/{key}", on_issue.delete_property),
    _Entry("GET", "/issue/{ref}/remotelink", on_issue.remote_links, issue.hidden),
    _Entry("POST", "/issue/{ref}/remotelink", on_issue.link_remotely),
    _Entry("DELETE", "/issue/{ref}/remotelink", on_issue.delete_remote_link),
    _Entry("GET", "/issue/{ref}/remotelink/{id}", on_issue.remote_link, issue.hidden),
    _Entry("PUT", "/issue/{ref}/remotelink/{id}", on_issue.edit_remote_link),
    _Entry("DELETE", "/issue/{ref}/remotelink/{id}", on_issue.delete_remote_link),
    _Entry("POST", "/issue/{ref}/attachments", on_issue.attach),
    _Entry("GET", "/attachment/meta", on_issue.attachment_meta),
    _Entry("GET", "/attachment/content/{id}", on_issue.attachment_content, issue.hidden),
    _Entry("GET", "/attachment/{id}", on_issue.attachment, issue.hidden),
    _Entry("DELETE", "/attachment/{id}", on_issue.delete_attachment),
    _Entry("POST", "/issueLink", link.create),
    _Entry("GET", "/issueLink/{id}", link.read),
    _Entry("DELETE", "/issueLink/{id}", link.delete),
    _Entry("GET", "/issueLinkType", link.types, link.types),
    _Entry("GET", "/issueLinkType/{id}", link.one_type, link.one_type),
    _Entry("GET", "/workflow/search", workflow.search),
    _Entry("POST", "/workflows", workflow.bulk),
)
_OTHER = (
    _Entry("GET", "/rest/applinks/latest/listApplicationlinks", site.application_links, site.application_links),
    _Entry("GET", "/secure/attachment/{id}/{name}", on_issue.attachment_bytes, issue.hidden),
    _Entry("GET", "/media/{id}/{name}", on_issue.attachment_bytes, issue.hidden),
)


def build_app(state: JiraState, switches: Switches, context_path: str = "") -> Starlette:
    """Assemble the application; ``context_path`` (such as ``/jira``) goes before every path."""
    versions: dict[str, Version] = {"2": 2, "latest": 2, **({"3": 3} if state.catalog.cloud else {})}
    entries = [
        _Entry(each.method, f"/rest/api/{name}{each.path}", each.handler, each.anonymous, version)
        for name, version in versions.items() for each in _API
    ]
    routes = [
        Route(context_path + each.path, _endpoint(each, state, switches), methods=[each.method])
        for each in (*entries, *_OTHER)
    ]

    def no_route(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        _, headers = drawn(_who(request, state), state, switches)
        return answer({"message": f"null for uri: {request.url.path}", "status-code": status}, status, headers)

    return Starlette(routes=routes, exception_handlers={HTTPException: no_route})


def _endpoint(entry: _Entry, state: JiraState, switches: Switches) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        raw = await _body(request)
        if raw is None:
            return answer({"errorMessages": ["The request body is too large."], "errors": {}}, 413)
        return _serve(entry, request, raw, state, switches)

    return serve


async def _body(request: Request) -> bytes | None:
    pieces, size = [], 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size <= _BODY_LIMIT:
                pieces.append(piece)
    except ClientDisconnect:
        return b""
    return b"".join(pieces) if size <= _BODY_LIMIT else None


def _who(request: Request, state: JiraState) -> JiraUser | Caller:
    return identify(request.headers.get("authorization"), state.catalog)


def _serve(entry: _Entry, request: Request, raw: bytes, state: JiraState, switches: Switches) -> Response:
    caller = _who(request, state)
    allowed, bucket = drawn(caller, state, switches)
    if locked(request, caller, state, switches):
        response = captcha(state)
    elif not allowed:
        response = answer({"message": "Rate limit exceeded.", "status-code": 429}, 429)
    else:
        refusal = over_limit(entry.path, request, caller, state, switches)
        response = refusal or _handled(entry, request, raw, caller, state, switches)
    response.headers.update(bucket)
    return response


def _handled(
    entry: _Entry, request: Request, raw: bytes, caller: JiraUser | Caller, state: JiraState, switches: Switches
) -> Response:
    failed = caller is Caller.REFUSED or (switches.expired and caller is not Caller.ANONYMOUS)
    handler: Handler | None = entry.handler
    if isinstance(caller, Caller) or failed:
        public = entry.anonymous is entry.handler
        # Wrong credentials are told so; expired ones only make the caller anonymous.
        handler = entry.anonymous if public or caller is not Caller.REFUSED else None
    if handler is None:
        return _unauthorized(state, failed=failed)
    user = caller if isinstance(caller, JiraUser) and not failed else _NOBODY
    call = Call(request=request, raw=raw, state=state, actor=user.username,
                show=_renderer(state, user, entry.version), switches=switches)
    try:
        response = handler(call)
    except JiraProblem as problem:
        response = answer(problem.body(), problem.status)
    response.headers.update(_FAILED if failed else _greeting(user, state))
    return response


def _renderer(state: JiraState, user: JiraUser, version: Version) -> Renderer:
    around = Neighbours(find=state.peek, subtasks=state.subtasks)
    return Renderer(state.catalog, user, version, around)


def _greeting(user: JiraUser, state: JiraState) -> dict[str, str]:
    if not user.username:
        return {}
    if state.catalog.cloud:
        return {"X-AACCOUNTID": user.account_id}
    return {"X-AUSERNAME": user.username, "X-Seraph-LoginReason": "OK"}


def _unauthorized(state: JiraState, *, failed: bool) -> Response:
    headers = {"WWW-Authenticate": 'OAuth realm="jira"', **(_FAILED if failed else {})}
    text = "Client must be authenticated to access this resource."
    if failed and state.catalog.cloud:
        return Response(text, 401, headers=headers, media_type="text/plain")
    if failed:
        page = "<html><head><title>Unauthorized (401)</title></head><body>"
        page += "<h1>Basic Authentication Failure - Reason : AUTHENTICATED_FAILED</h1></body></html>"
        return Response(page, 401, headers=headers, media_type="text/html")
    return answer({"message": text, "status-code": 401}, 401, headers)

