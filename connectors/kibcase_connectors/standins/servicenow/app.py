"""The ASGI application: the table of routes, who may call, and how refusals are answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from kibcase_connectors.standins.servicenow import routes_attachment as attachment
from kibcase_connectors.standins.servicenow import routes_elastic as elastic
from kibcase_connectors.standins.servicenow import routes_table as table
from kibcase_connectors.standins.servicenow.call import Call, Switches, answer
from kibcase_connectors.standins.servicenow.credentials import decode_basic, identify
from kibcase_connectors.standins.servicenow.limits import Budget, Verdict
from kibcase_connectors.standins.servicenow.oauth import OAuthRefusal, Tokens
from kibcase_connectors.standins.servicenow.problem import ServiceNowProblem, no_resource, not_authenticated
from kibcase_connectors.standins.servicenow.render import Renderer
from kibcase_connectors.standins.servicenow.state import ServiceNowState

Handler = Callable[[Call], Response]

_OVERHEAD = 1_048_576
_HIBERNATING = (
    "<html><head><title>Instance Hibernating page</title></head><body><h1>Your instance is hibernating</h1>"
    "<p>Sign in to the developer site to wake it.</p></body></html>"
)
_MAINTENANCE = (
    "<html><head><title>Service unavailable</title></head><body><h1>Under maintenance</h1></body></html>"
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A route; ``api`` is the name by which rate limits know it."""

    methods: tuple[str, ...]
    path: str
    handler: Handler
    api: str = "Table API"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What requests are answered with."""

    state: ServiceNowState
    tokens: Tokens
    switches: Switches
    budget: Budget


def _versions(path: str, *versions: str) -> tuple[str, ...]:
    return tuple(f"/api/now{version}{path}" for version in ("", *versions))


_ROUTES = (
    *(
        _Entry(methods, path, handler)
        for end, methods, handler in (
            ("", ("GET",), table.listing), ("", ("POST",), table.create), ("/{sys_id}", ("GET",), table.read),
            ("/{sys_id}", ("PUT", "PATCH"), table.update), ("/{sys_id}", ("DELETE",), table.delete),
        )
        for path in _versions("/table/{table}" + end, "/v1", "/v2")
    ),
    *(
        _Entry(methods, path, handler, "Attachment API")
        for end, methods, handler in (
            ("", ("GET",), attachment.listing), ("/file", ("POST",), attachment.upload),
            ("/upload", ("POST",), attachment.upload_form), ("/{sys_id}", ("GET",), attachment.read),
            ("/{sys_id}", ("DELETE",), attachment.delete), ("/{sys_id}/file", ("GET",), attachment.content),
        )
        for path in _versions("/attachment" + end, "/v1")
    ),
    *(
        _Entry(("POST",), path, elastic.load, "Import Set API")
        for path in _versions("/import/{staging}", "/v1")
    ),
    _Entry(("GET",), "/api/{scope}/elastic_api/health", elastic.health, "Elastic API"),
    _Entry(
        ("POST",), "/api/x_elas2_sir_int/elastic_api/incident/{sys_id}/observables", elastic.add_observable,
        "Elastic API",
    ),
    _Entry(
        ("POST",), "/api/x_elas2_sir_int/elastic_api/incident/{sys_id}/observables/bulk", elastic.add_observables,
        "Elastic API",
    ),
)


def build_app(parts: Parts) -> Starlette:
    """Assemble the application."""
    routes = [Route(each.path, _endpoint(each, parts), methods=list(each.methods)) for each in _ROUTES]
    routes.append(Route("/oauth_token.do", _token_endpoint(parts), methods=["POST"]))
    return Starlette(routes=routes, exception_handlers={HTTPException: _no_route(parts)})


def _endpoint(entry: _Entry, parts: Parts) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            raw = await _body(request, parts.state.instance.attachment_limit + _OVERHEAD)
        except ClientDisconnect:
            # A request that broke off in the middle is none; nobody is there to read this.
            return Response(status_code=400)
        if raw is None:
            return answer(ServiceNowProblem(413, "Request entity too large").body(), 413)
        return away(parts.switches) or _serve(entry, request, raw, parts)

    return serve


async def _body(request: Request, limit: int) -> bytes | None:
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size <= limit:
            pieces.append(piece)
    return b"".join(pieces) if size <= limit else None


def away(switches: Switches) -> Response | None:
    """Give the page that stands in for every answer while the instance is not there."""
    match switches.mode:
        case "hibernating":
            return Response(_HIBERNATING, 200, media_type="text/html")
        case "maintenance":
            return Response(_MAINTENANCE, 503, media_type="text/html")
        case "restarting":
            return _refused(not_authenticated())
        case _:
            return None


def _serve(entry: _Entry, request: Request, raw: bytes, parts: Parts) -> Response:
    state = parts.state
    user = identify(request.headers, state, parts.tokens)
    if user is None:
        return _refused(not_authenticated())
    verdict = parts.budget.spend(user.user_name, entry.api, state.now())
    if verdict is not None and not verdict.allowed:
        return _over_budget(verdict)
    call = Call(
        request=request, raw=raw, state=state, actor=user.user_name, show=Renderer(state=state, user=user),
        switches=parts.switches,
    )
    try:
        _check_accept(request)
        response = entry.handler(call)
    except ServiceNowProblem as problem:
        response = _refused(problem)
    response.headers.update(verdict.headers if verdict else {})
    return response


def _check_accept(request: Request) -> None:
    wanted = request.headers.get("accept", "*/*").lower()
    if request.url.path.endswith("/file") and request.method == "GET":
        return
    if not any(each in wanted for each in ("*/*", "application/*", "application/json")):
        raise ServiceNowProblem(406, "Not acceptable", wanted[:80])


def _refused(problem: ServiceNowProblem) -> Response:
    headers = {"WWW-Authenticate": 'BASIC realm="Service-now"'} if problem.status == 401 else {}
    return answer(problem.body(), problem.status, headers)


def _over_budget(verdict: Verdict) -> Response:
    rule = verdict.rule
    problem = ServiceNowProblem(
        429, "Rate limit exceeded", f"Rate limit of {rule.limit} requests per hour for {rule.api} exceeded"
    )
    return answer(problem.body(), 429, verdict.headers)


def _token_endpoint(parts: Parts) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            raw = await _body(request, _OVERHEAD)
        except ClientDisconnect:
            return Response(status_code=400)
        return away(parts.switches) or _grant(request, raw or b"", parts)

    return serve


def _grant(request: Request, raw: bytes, parts: Parts) -> Response:
    form = dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        form["client_id"], form["client_secret"] = decode_basic(given)
    try:
        return answer(parts.tokens.grant(form))
    except OAuthRefusal as refusal:
        return answer({"error": refusal.error, "error_description": refusal.description}, 401)


def _no_route(parts: Parts) -> Callable[[Request, Exception], Response]:
    def refuse(_request: Request, error: Exception) -> Response:
        wrong_method = isinstance(error, HTTPException) and error.status_code == 405
        problem = ServiceNowProblem(405, "Method not supported") if wrong_method else no_resource()
        return away(parts.switches) or _refused(problem)

    return refuse
