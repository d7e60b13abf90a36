"""What every request and answer has in common: product header, media types, bodies, parameters, errors."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kibcase.server.elasticsearch.errors import ElasticsearchError, illegal_argument
from kibcase.server.elasticsearch.jsontext import decode
from kibcase.server.elasticsearch.tables import encode

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 100 * 1024 * 1024
_COMMON = frozenset({"pretty", "human", "error_trace"})
_READABLE = frozenset({
    "application/json", "application/x-ndjson", "application/vnd.elasticsearch+json",
    "application/vnd.elasticsearch+x-ndjson",
})  # fmt: skip
_CHALLENGES = ('Basic realm="security", charset="UTF-8"', "ApiKey")


class Face:
    """ASGI wrapper: lets nobody in unknown, and marks every answer as Elasticsearch's."""

    def __init__(self, app: ASGIApp, authenticate: Callable[[str | None], object | None]) -> None:
        self._app = app
        self._authenticate = authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI event."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-elastic-product"] = "Elasticsearch"
            await send(message)

        header = Headers(scope=scope).get("authorization")
        if self._authenticate(header) is None:
            await refusal(Request(scope), header)(scope, receive, marked)
        else:
            await self._app(scope, receive, marked)


def answer(request: Request, body: Any, status: int = 200) -> Response:
    """Answer with JSON, in the media type that the client asked for."""
    response = Response(encode(body), status_code=status)
    response.headers["content-type"] = _media_type(request)
    return response


def failure(request: Request, error: Exception) -> Response:
    """Answer with Elasticsearch's error body."""
    if isinstance(error, ElasticsearchError):
        return answer(request, error.body(), error.status)
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        text = f"Incorrect HTTP method for uri [{request.url.path}] and method [{request.method}], allowed: [{allowed}]"
        response = answer(request, {"error": text, "status": 405}, 405)
        response.headers["Allow"] = allowed
        return response
    text = f"no handler found for uri [{request.url.path}] and method [{request.method}]"
    return answer(request, {"error": text, "status": 400}, 400)


def refusal(request: Request, header: str | None) -> Response:
    """Answer 401 as Elasticsearch's security does; names the user, never the password."""
    where = f"for REST request [{request.url.path}]"
    user = _basic_user(header)
    if header is None:
        reason = f"missing authentication credentials {where}"
    elif user is not None:
        reason = f"unable to authenticate user [{user[:128]}] {where}"
    else:
        reason = f"unable to authenticate with provided credentials and anonymous access is not allowed {where}"
    error = ElasticsearchError(401, "security_exception", reason, header={"WWW-Authenticate": list(_CHALLENGES)})
    response = answer(request, error.body(), 401)
    for challenge in _CHALLENGES:
        response.headers.append("WWW-Authenticate", challenge)
    return response


async def body_bytes(request: Request) -> bytes:
    """Read the body, at most 100 MiB of it; refuses media types that Elasticsearch does not read."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise ElasticsearchError(
                413, "content_too_long_exception", f"entity content is too long, the limit is {MAX_BODY_BYTES} bytes"
            )
        chunks.append(chunk)
    given = request.headers.get("content-type", "")
    if size and given.partition(";")[0].strip().lower() not in _READABLE:
        raise ElasticsearchError(
            406, "media_type_header_exception", f"Content-Type header [{given[:64]}] is not supported"
        )
    return b"".join(chunks)


async def body_object(request: Request, *, required: bool = False) -> dict[str, Any]:
    """Read the body as a JSON object; an absent body is ``{}`` unless it is required."""
    text = await body_bytes(request)
    if not text.strip():
        if required:
            raise ElasticsearchError(400, "parse_exception", "request body is required")
        return {}
    value = decode(text)
    if not isinstance(value, dict):
        raise ElasticsearchError(400, "parsing_exception", "Expected [START_OBJECT] but found something else")
    return value


def parameters(request: Request, *allowed: str) -> dict[str, str]:
    """Give the query string's parameters; one that the call does not know is refused."""
    given = dict(request.query_params)
    unknown = given.keys() - _COMMON - set(allowed)
    if unknown:
        names = ", ".join(f"[{name[:64]}]" for name in sorted(unknown)[:5])
        raise illegal_argument(f"request [{request.url.path}] contains unrecognized parameter: {names}")
    return given


def flag(given: dict[str, str], name: str, *, default: bool) -> bool:
    """Read a boolean parameter; present without a value means true."""
    text = given.get(name)
    if text is None:
        return default
    if text not in ("", "true", "false"):
        raise illegal_argument(f"Failed to parse value [{text[:64]}] as only [true] or [false] are allowed.")
    return text != "false"


def _media_type(request: Request) -> str:
    asked = request.headers.get("accept", "").partition(",")[0].strip()
    if asked.startswith("application/vnd.elasticsearch+json"):
        version = "9" if asked.endswith("compatible-with=9") else "8"
        return f"application/vnd.elasticsearch+json;compatible-with={version}"
    return "application/json"


def _basic_user(header: str | None) -> str | None:
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return None
