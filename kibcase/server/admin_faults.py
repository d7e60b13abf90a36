"""Faults as users write them: in a request header, or in the body of an admin call; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, Literal

from kibcase.server.faults import Armed, Fault, Seen

Json = dict[str, Any]
Text = Callable[[Seen, bytes, int, str | None], bytes]

HEADER: Final = "x-kibcase-fault"
LONGEST_DELAY: Final = 60.0
_LONGEST_PATH: Final = 500
_MOMENTS: Final[tuple[Literal["before", "after"], ...]] = ("before", "after")
_RETRY_AFTER: Final[Mapping[int, int]] = {503: 30}
_KEYS: Final = ("method", "path", "times", "status", "delay", "drop", "when", "retry_after", "message")

_SERVER = "An internal server error occurred. Check Kibana server logs for details."
_KIBANA: Final[Mapping[int, str]] = {500: _SERVER, 503: "Kibana server is not ready yet"}
_ELASTICSEARCH: Final[Mapping[int, tuple[str, str]]] = {
    409: (
        "version_conflict_engine_exception",
        "version conflict, current version is different than the one provided",
    ),
    429: ("es_rejected_execution_exception", "rejected execution of coordinating operation"),
    500: ("illegal_state_exception", "the request failed"),
    503: ("no_shard_available_action_exception", "no shard is available"),
}


class BadFault(ValueError):
    """A description of a fault that cannot be understood; the message says which part."""


def from_header(text: str, envelope: Text) -> Fault:
    """Read ``x-kibcase-fault``: comma-separated ``name=value`` of latency, status, drop, when, retry-after.

    Raises ``BadFault``.
    """
    given: Json = {}
    for part in re.split(r"[,;]", text):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or name not in ("latency", "status", "drop", "when", "retry-after", "message"):
            raise BadFault(f"{HEADER}: {part.strip()[:64]!r} is not latency=, status=, drop=, when= or retry-after=")
        key = {"latency": "delay", "retry-after": "retry_after"}.get(name, name)
        given[key] = _number(value, name) if key in ("delay", "status", "retry_after") else value
    return from_body(given, envelope)


def from_body(body: Any, envelope: Text, *, lowest_status: int = 400, also: tuple[str, ...] = ()) -> Fault:
    """Read the body of ``POST /_kibcase/faults``; ``envelope`` makes the text of an answer. Raises ``BadFault``.

    ``also`` are further keys that the caller reads.
    """
    if not isinstance(body, dict):
        raise BadFault("a fault is an object")
    keys = (*_KEYS, *also)
    unknown = sorted(body.keys() - set(keys))
    if unknown:
        raise BadFault(f"a fault has no {unknown[0][:64]!r}; it has {', '.join(keys)}")
    drop = _choice(body, "drop")
    status, delay = _whole(body, "status", lowest_status, 599), _seconds(body, "delay")
    if drop is None and status is None and not delay:
        raise BadFault("a fault needs a status, a delay or a drop")
    if drop is not None and status is not None:
        raise BadFault("a connection that is dropped has no status")
    retry_after = _whole(body, "retry_after", 0, 86_400)
    if retry_after is None and status is not None:
        retry_after = _RETRY_AFTER.get(status)
    return Fault(
        method=_method(body), path=_path(body), times=_times(body), delay=delay, drop=drop is not None,
        when=drop or _choice(body, "when") or "before", status=status,
        headers=() if retry_after is None else (("retry-after", str(retry_after)),),
        text=None if status is None else _text(envelope, status, body.get("message")),
    )


def to_body(armed: Armed) -> Json:
    """Show an armed fault; ``times`` is how many requests it still hits."""
    fault = armed.fault
    shown: Json = {
        "id": armed.number, "method": fault.method, "path": fault.path, "times": armed.left, "when": fault.when,
        "status": fault.status, "delay": fault.delay, "drop": fault.when if fault.drop else None,
    }
    return shown


def kibana_envelope(seen: Seen, asked: bytes, status: int, message: str | None) -> bytes:
    """Make the body of an error as Kibana does."""
    text = message or (_stale(seen, asked) if status == 409 else _KIBANA.get(status, _phrase(status)))
    return json.dumps({"statusCode": status, "error": _phrase(status), "message": text}).encode()


def elasticsearch_envelope(_seen: Seen, _asked: bytes, status: int, message: str | None) -> bytes:
    """Make the body of an error as Elasticsearch does."""
    kind, reason = _ELASTICSEARCH.get(status, ("exception", _phrase(status)))
    cause = {"type": kind, "reason": message or reason}
    return json.dumps({"error": {"root_cause": [cause], **cause}, "status": status}).encode()


def _text(envelope: Text, status: int, message: Any) -> Callable[[Seen, bytes], bytes]:
    if message is not None and not isinstance(message, str):
        raise BadFault("the message of a fault is a string")
    return lambda seen, asked: envelope(seen, asked, status, message)


def _stale(seen: Seen, asked: bytes) -> str:
    what = "This case has"
    if seen.method == "PATCH" and seen.path.endswith("/api/cases"):
        what = f"These cases {', '.join(_ids(asked))} have"
    elif seen.path.startswith("/api/cases/configure") or "/api/cases/configure/" in seen.path:
        what = "This configuration has"
    return f"{what} been updated. Please refresh before saving additional updates."


def _ids(asked: bytes) -> list[str]:
    try:
        cases = json.loads(asked)["cases"]
        return [str(case["id"]) for case in cases]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _number(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise BadFault(f"{name} must be a number, not {text[:32]!r}") from error
    return int(value) if value.is_integer() else value


def _whole(body: Json, name: str, low: int, high: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadFault(f"{name} must be a whole number from {low} to {high}")
    return value


def _seconds(body: Json, name: str) -> float:
    value = body.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_DELAY:
        raise BadFault(f"{name} must be a number of seconds from 0 to {LONGEST_DELAY:g}")
    return float(value)


def _choice(body: Json, name: str) -> Literal["before", "after"] | None:
    value = body.get(name)
    found = next((moment for moment in _MOMENTS if moment == value), None)
    if value is not None and found is None:
        raise BadFault(f"{name} is 'before' or 'after'")
    return found


def _method(body: Json) -> str | None:
    value = body.get("method")
    if value is not None and (not isinstance(value, str) or not re.fullmatch("[A-Za-z]{1,16}", value)):
        raise BadFault("method is a method of HTTP, such as PATCH")
    return None if value is None else value.upper()


def _path(body: Json) -> str:
    value = body.get("path", ".*")
    if not isinstance(value, str) or len(value) > _LONGEST_PATH:
        raise BadFault(f"path is a regular expression of at most {_LONGEST_PATH} characters")
    try:
        re.compile(value)
    except re.error as error:
        raise BadFault(f"path is no regular expression: {error}") from error
    return value


def _times(body: Json) -> int | None:
    return _whole(body, "times", 1, 1_000_000) if "times" in body else 1
