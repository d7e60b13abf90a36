"""Decode answers into models."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from kibcase.client.collector import paused
from kibcase.transport import Response

T = TypeVar("T")
_LARGE: Final = 16_384


def decode(response: Response, shape: TypeAdapter[T]) -> T:
    """Return the body as ``shape``; raises ``InvalidAnswer`` if it is not JSON or not of that shape."""
    quiet = paused() if len(response.content) >= _LARGE else nullcontext()
    try:
        with quiet:
            return shape.validate_json(response.content)
    except ValidationError as error:
        # The input is left out: it may be anything, and long.
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        reason = f"{where}: {first['msg']} ({error.error_count()} problems)"
    raise response.invalid(reason)
