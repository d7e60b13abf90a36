"""Reading the body of a request: size, media type, JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from kibcase.server import limits
from kibcase.server.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_DRAINED = 64 * limits.BODY_BYTES
_FIELDS = 2000


async def read_body(receive: Receive, limit: int = limits.BODY_BYTES) -> bytes:
    """Read the whole body; raises ``PayloadTooLarge`` above ``limit`` bytes (1 MiB).

    A larger body is still read (and thrown away) up to 64 MiB beyond, so that a client that is busy sending hears
    the answer instead of a broken connection.
    """
    chunks: list[bytes] = []
    size = 0
    more = True
    while more and size <= limit + _DRAINED:
        message = await receive()
        if message["type"] != "http.request":
            break
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        more = message.get("more_body", False)
    if size > limit:
        raise PayloadTooLarge(f"Payload content length greater than maximum allowed: {limit}")
    return b"".join(chunks)


def parse_body(raw: bytes, headers: Mapping[str, str]) -> Any:
    """Decode a JSON body, None if there is none; raises ``BadRequest`` or ``UnsupportedMediaType``."""
    if not raw:
        return None
    media = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media != "application/json" and not (media.startswith("application/") and media.endswith("+json")):
        raise UnsupportedMediaType("Unsupported Media Type")
    try:
        value = json.loads(raw, parse_constant=_refuse, parse_float=_finite)
        return _without_lone_surrogates(value) if b"\\ud" in raw.lower() else value
    except (ValueError, RecursionError) as error:
        raise BadRequest("Invalid request payload JSON format") from error


def parse_query(raw: bytes) -> dict[str, str | list[str]]:
    """Decode a query string; a repeated name gives a list. Raises ``BadRequest`` if it is absurdly long."""
    query: dict[str, str | list[str]] = {}
    try:
        pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError as error:
        raise BadRequest("Invalid query string") from error
    for name, value in pairs:
        before = query.get(name)
        if before is None:
            query[name] = value
        else:
            query[name] = [*before, value] if isinstance(before, list) else [before, value]
    return query


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number beyond the range of a double")
    return value


def _without_lone_surrogates(value: Any) -> Any:
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
