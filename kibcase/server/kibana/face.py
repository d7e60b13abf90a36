"""The ASGI application: what every request to Kibana passes, in Kibana's order."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import unquote

from kibcase.server.cases.context import Caller
from kibcase.server.cases.spaces import Spaces
from kibcase.server.errors import BadRequest, KibanaError, NotFound, saved_object_missing
from kibcase.server.kibana.endpoint import Call, Endpoint, Reply, Table
from kibcase.server.kibana.payload import Receive, parse_body, parse_query, read_body
from kibcase.server.stack import Stack
from kibcase.server.users import Directory

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger(__name__)
_SAFE = frozenset({"GET", "HEAD"})
_COMMON = ((b"kbn-name", b"kibcase"), (b"cache-control", b"private, no-cache, no-store, must-revalidate"))
_UNEXPECTED = KibanaError("An internal server error occurred. Check Kibana server logs for details.")


class KibanaFace:
    """Serves endpoints as Kibana does.

    The order of the checks: space prefix, route (404), credentials (401), body (413, 415, 400), ``kbn-xsrf``
    on writes (400), ``x-elastic-internal-origin`` on internal routes (400), existence of the space (404).
    Handlers run on the event loop: they are short and share one SQLite connection.
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
            raise NotFound("Not Found")
        endpoint, params = found
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        authorization = headers.get("authorization", "")
        user = self._user(endpoint, authorization)
        body = None
        if scope["method"] not in _SAFE:
            body = parse_body(await read_body(receive), headers)
            if "kbn-xsrf" not in headers and "kbn-version" not in headers:
                raise BadRequest("Request must contain a kbn-xsrf header.")
        query = parse_query(scope["query_string"])
        self._check_origin(endpoint, scope["method"], path, headers, query)
        if not self._spaces.has(space):
            raise saved_object_missing("space", space)
        caller = None if user is None else Caller(space=space, user=self._directory.identity(user))
        reply = endpoint.handle(
            Call(caller=caller, authorization=authorization, params=params, query=query, body=body)
        )
        return self._with_warning(reply) if endpoint.deprecated else reply

    def _user(self, endpoint: Endpoint, header: str) -> str | None:
        user = self._directory.authenticate(header)
        if user is None and not endpoint.anonymous:
            raise self._directory.refusal(header)
        return user

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
        return Reply(status=reply.status, body=reply.body, headers=(*reply.headers, warning))


def _split(path: str) -> tuple[str, str]:
    if not path.startswith("/s/"):
        return "default", path
    space, slash, rest = path[3:].partition("/")
    return unquote(space), slash + rest


async def _send(reply: Reply, send: Send, *, silent: bool) -> None:
    body = b"" if reply.status == 204 else _encode(reply.body)
    headers = [*_COMMON, *((name.encode(), value.encode()) for name, value in reply.headers)]
    if body:
        headers.append((b"content-type", b"application/json; charset=utf-8"))
    if reply.status != 204:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if silent else body})


def _encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
