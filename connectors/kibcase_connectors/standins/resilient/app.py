"""The ASGI application: the table of routes, who may call, and how refusals are answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from kibcase_connectors.standins.resilient import routes_attached as on_incident
from kibcase_connectors.standins.resilient import routes_incident as incident
from kibcase_connectors.standins.resilient import routes_org as org
from kibcase_connectors.standins.resilient.call import Call, Switches, answer, page
from kibcase_connectors.standins.resilient.problem import ResilientProblem
from kibcase_connectors.standins.resilient.sessions import Sessions
from kibcase_connectors.standins.resilient.state import ResilientState

Handler = Callable[[Call], Response]

_BODY_LIMIT = 32 * 1024 * 1024
_NOBODY = 0
_ONE = "/incidents/{id}"

_PLATFORM: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/rest/session", org.session),
    ("POST", "/rest/session", org.sign_in),
    ("DELETE", "/rest/session", org.sign_out),
    ("GET", "/rest/const", org.const),
)
_ORG: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "", org.organization),
    ("GET", "/types/incident", org.incident_type),
    ("GET", "/types/incident/fields", org.incident_fields),
    ("GET", "/types/incident/fields/{name}", org.incident_field),
    ("GET", "/types/artifact", org.artifact_type),
    ("GET", "/artifact_types", org.artifact_types),
    ("GET", "/users", org.users),
    ("POST", "/users/query_paged", org.users_paged),
    ("GET", "/users/{id}", org.one_user),
    ("GET", "/groups", org.groups),
    ("GET", "/phases", org.phases),
    ("GET", "/incidents", incident.listed),
    ("POST", "/incidents", incident.create),
    ("POST", "/incidents/query_paged", incident.query_paged),
    ("PUT", "/incidents/delete", incident.delete_many),
    ("GET", _ONE, incident.read),
    ("PATCH", _ONE, incident.patch),
    ("PUT", _ONE, incident.put),
    ("DELETE", _ONE, incident.delete),
    ("GET", _ONE + "/newsfeed", incident.newsfeed),
    ("GET", _ONE + "/history", incident.newsfeed),
    ("GET", _ONE + "/comments", on_incident.comments),
    ("POST", _ONE + "/comments", on_incident.add_comment),
    ("GET", _ONE + "/comments/{child}", on_incident.comment),
    ("PUT", _ONE + "/comments/{child}", on_incident.edit_comment),
    ("DELETE", _ONE + "/comments/{child}", on_incident.delete_comment),
    ("GET", _ONE + "/artifacts", on_incident.artifacts),
    ("POST", _ONE + "/artifacts", on_incident.add_artifact),
    ("POST", _ONE + "/artifacts/query_paged", on_incident.artifacts_paged),
    ("GET", _ONE + "/artifacts/{child}", on_incident.artifact),
    ("PUT", _ONE + "/artifacts/{child}", on_incident.edit_artifact),
    ("DELETE", _ONE + "/artifacts/{child}", on_incident.delete_artifact),
    ("GET", _ONE + "/attachments", on_incident.attachments),
    ("POST", _ONE + "/attachments", on_incident.attach),
    ("GET", _ONE + "/attachments/{child}", on_incident.attachment),
    ("GET", _ONE + "/attachments/{child}/contents", on_incident.contents),
    ("DELETE", _ONE + "/attachments/{child}", on_incident.delete_attachment),
)


def build_app(state: ResilientState, sessions: Sessions, switches: Switches) -> Starlette:
    """Assemble the application."""
    entries = [*_PLATFORM, *((method, f"/rest/orgs/{{org}}{path}", handler) for method, path, handler in _ORG)]
    routes = [
        Route(path, _endpoint(handler, state, sessions, switches), methods=[method])
        for method, path, handler in entries
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _no_route})


def _endpoint(
    handler: Handler, state: ResilientState, sessions: Sessions, switches: Switches
) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        raw = await _body(request)
        call = Call(request=request, raw=raw or b"", state=state, sessions=sessions, actor=_NOBODY, switches=switches)
        return _refused(ResilientProblem(413)) if raw is None else _serve(handler, call)

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


def _serve(handler: Handler, call: Call) -> Response:
    switches = call.switches
    if switches.maintenance is not None:
        return page("Maintenance", "The platform is being upgraded.", switches.maintenance)
    wait = switches.wait(call.state.now())
    if wait is not None and switches.rate is not None:
        return _refused(ResilientProblem(switches.rate[2]), {"Retry-After": str(wait)})
    try:
        return handler(_known(handler, call))
    except ResilientProblem as problem:
        return _refused(problem)


def _known(handler: Handler, call: Call) -> Call:
    if handler is org.sign_in:
        return call
    request, catalog = call.request, call.state.catalog
    authorization = request.headers.get("authorization")
    if authorization:
        account = call.sessions.basic(authorization, catalog)
    else:
        account = call.sessions.of_cookie(request.cookies, request.headers.get("x-sess-id"), catalog)
    if account is None:
        raise ResilientProblem(401)
    if "org" in request.path_params and (call.id("org") != catalog.org.id or not catalog.org.enabled):
        raise ResilientProblem(403)
    return Call(
        request=request, raw=call.raw, state=call.state, sessions=call.sessions, actor=account.id,
        switches=call.switches,
    )


def _refused(problem: ResilientProblem, headers: dict[str, str] | None = None) -> Response:
    return answer(problem.body(), problem.status, headers)


def _no_route(request: Request, error: Exception) -> Response:
    del request
    return _refused(ResilientProblem(error.status_code if isinstance(error, HTTPException) else 404))
