"""The ASGI application: what every request to Kibana passes, in Kibana's order."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from kibcase.server import limits
from kibcase.server.cases.context import Caller
from kibcase.server.cases.spaces import Spaces
from kibcase.server.errors import BadRequest, Forbidden, KibanaError, NotFound, saved_object_missing
from kibcase.server.kibana.endpoint import Call, Endpoint, Reply, Table
from kibcase.server.kibana.payload import Receive, parse_body, parse_query, read_body
from kibcase.server.privileges_principal import Principal
from kibcase.server.stack import Stack
from kibcase.server.users import Directory

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger(__name__)
_SAFE = frozenset({"GET", "HEAD"})
_CASES = ("/api/cases", "/internal/cases")
_COMMON = ((b"kbn-name", b"kibcase"), (b"cache-control", b"private, no-cache, no-store, must-revalidate"))
_UNEXPECTED = KibanaError("An internal server error occurred. Check Kibana server logs for details.")


class KibanaFace:
    """Serves endpoints as Kibana does.

    The order of the checks: space prefix, route (404, after credentials if it is but read), credentials (401),
    body (413, 415, 400), ``kbn-xsrf`` on writes (400), ``x-elastic-internal-origin`` on internal routes (400),
    existence of the space (404), API privileges (403), for cases any privilege in the space at all (403).
    Handlers run on the event loop: they are short and share one SQLite connection. Slow ones get a worker thread.
    """

    def __init__(self, endpoints: Iterable[Endpoint], *, directory: Directory, spaces: Spaces, stack: Stack) -> None:
        self._table = Table.of(endpoints)
        self._directory = directory
        self._spaces = spaces
        self._stack = stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        try:
            reply = await self._answer(scope, receive)
        except KibanaError as error:
            extra = (("www-authenticate", 'Basic realm="Authorization Required"'),) if error.status == 401 else ()
            reply = Reply(status=error.status, body=error.body, headers=extra)
        except Exception:
            _log.exception("%s %s failed", scope["method"], scope["path"])
            reply = Reply(status=500, body=_UNEXPECTED.body)
        await _send(reply, send, silent=scope["method"] == "HEAD")

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        space, path = _split(scope["raw_path"].decode("latin-1"))
        found = self._table.find(scope["method"], path)
        if found is None:
            return self._elsewhere(scope, space, path)
        endpoint, params = found
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        authorization = headers.get("authorization", "")
        principal = self._principal(endpoint, authorization)
        raw, body = b"", None
        if scope["method"] not in _SAFE:
            raw = await read_body(receive, limits.BODY_BYTES if endpoint.raw is None else endpoint.raw)
            body = parse_body(raw, headers) if endpoint.raw is None else None
            if "kbn-xsrf" not in headers and "kbn-version" not in headers:
                raise BadRequest("Request must contain a kbn-xsrf header.")
        query = parse_query(scope["query_string"])
        self._check_origin(endpoint, scope["method"], path, headers, query)
        caller = self._caller(principal, space)
        if endpoint.requires is not None and (caller is None or not _reads(caller)):
            raise _unprivileged(scope, path, endpoint.requires)
        if endpoint.path.startswith(_CASES) and caller is not None and not caller.rights.enters:
            raise Forbidden(f"Unauthorized to get {space} space")
        call = Call(
            caller=caller, authorization=authorization, params=params, query=query, body=body, headers=headers,
            raw=b"" if endpoint.raw is None else raw, principal=principal,
        )
        reply = await asyncio.to_thread(endpoint.handle, call) if endpoint.is_slow(call) else endpoint.handle(call)
        return self._with_warning(reply) if endpoint.deprecated else reply

    def _elsewhere(self, scope: Scope, space: str, path: str) -> Reply:
        # Kibana has a route for every other page: it asks for credentials, and takes a slash off the end.
        header = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"), "")
        if scope["method"] in _SAFE:
            if self._directory.authenticate(header) is None:
                raise self._directory.refusal(header)
            if path.endswith("/") and len(path) > 1 and not path.startswith("//"):
                prefix = "" if space == "default" else f"/s/{quote(space, safe='')}"
                query = scope["query_string"].decode("latin-1")
                target = f"{prefix}/{quote(unquote(path)[1:-1], safe='')}{'?' if query else ''}{query}"
                return Reply(status=302, content=b"", headers=(("location", target),))
        raise NotFound("Not Found")

    def _principal(self, endpoint: Endpoint, header: str) -> Principal | None:
        principal = self._directory.authenticate(header)
        if principal is None and not endpoint.anonymous:
            raise self._directory.refusal(header)
        return principal

    def _caller(self, principal: Principal | None, space: str) -> Caller | None:
        disabled = self._spaces.disabled_features(space)
        if disabled is None:
            raise saved_object_missing("space", space)
        if principal is None:
            return None
        return Caller(space=space, user=principal.person, rights=principal.rights(space, disabled))

    def _check_origin(
        self, endpoint: Endpoint, method: str, path: str, headers: dict[str, str], query: dict[str, Any]
    ) -> None:
        if not (endpoint.internal and self._stack.restricts_internal):
            return
        # The query parameter is Kibana's other way to say the same; it is not for the handler.
        if "x-elastic-internal-origin" in headers or query.pop("elasticInternalOrigin", None) is not None:
            return
        raise BadRequest(
            f"uri [{path}] with method [{method.lower()}] exists but is not available with the current configuration"
        )

    def _with_warning(self, reply: Reply) -> Reply:
        warning = ("warning", f'299 Kibana-{self._stack.version} "Deprecated endpoint"')
        return replace(reply, headers=(*reply.headers, warning))


def _reads(caller: Caller) -> bool:
    return any("getCase" in operations for operations in caller.rights.allowed.values())


def _unprivileged(scope: Scope, path: str, privilege: str) -> Forbidden:
    query = scope["query_string"].decode("latin-1")
    where = f"{scope['method']} {path}{'?' if query else ''}{query}"
    return Forbidden(
        f"API [{where}] is unauthorized for user, this action is granted by the Kibana privileges [{privilege}]"
    )


def _split(path: str) -> tuple[str, str]:
    if not path.startswith("/s/"):
        return "default", path
    space, slash, rest = path[3:].partition("/")
    return unquote(space), slash + rest


async def _send(reply: Reply, send: Send, *, silent: bool) -> None:
    body = b"" if reply.status == 204 else _encode(reply.body) if reply.content is None else reply.content
    own = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    headers = [*(pair for pair in _COMMON if pair[0] not in dict(own)), *own]
    if body:
        media = "application/json; charset=utf-8" if reply.content is None else reply.media
        headers.append((b"content-type", media.encode("latin-1")))
    if reply.status != 204:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if silent else body})


def _encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
