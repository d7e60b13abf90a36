"""What a request to the spaces API may hold, and Kibana's words for what it may not; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from kibcase.server.errors import BadRequest

Json = dict[str, Any]
Check = Callable[[str, Any], None]

SOLUTIONS: Final = ("es", "oblt", "security", "classic")
PURPOSES: Final = ("any", "copySavedObjectsIntoSpace", "shareSavedObjectsIntoSpace")
_MOST_FEATURES = 100
_TYPES: dict[type, str] = {
    type(None): "null", str: "string", dict: "Object", list: "Array", bool: "boolean", int: "number", float: "number",
}


def checked_space(body: Json) -> Json:
    """Give the body of ``POST`` or ``PUT /api/spaces/space`` with its default; raises ``BadRequest``.

    Keys are looked at in the order of Kibana's schema, unknown ones last; the first that is wrong is told.
    """
    for name, check in _BODY.items():
        if name in body or name in ("id", "name"):
            check(f"request body.{name}", body.get(name, _MISSING))
    _no_others(body, _BODY, "request body")
    return {"disabledFeatures": [], **body}


def checked_query(query: Mapping[str, Any]) -> tuple[str, bool]:
    """Give purpose and ``include_authorized_purposes`` of ``GET /api/spaces/space``; raises ``BadRequest``."""
    if "purpose" in query:
        _one_of(*PURPOSES)("request query.purpose", query["purpose"])
    told = query.get("include_authorized_purposes", "false")
    if told not in ("true", "false"):
        _fail("request query.include_authorized_purposes", _expected("boolean", told))
    _no_others(query, ("purpose", "include_authorized_purposes"), "request query")
    if "purpose" in query and told == "true":
        _fail("request query", "include_authorized_purposes can only be false when purpose is specified")
    return query.get("purpose", "any"), told == "true"


class _Missing:
    pass


_MISSING = _Missing()


def _fail(path: str, message: str) -> None:
    raise BadRequest(f"[{path}]: {message}")


def _expected(kind: str, value: Any) -> str:
    return f"expected value of type [{kind}] but got [{_TYPES.get(type(value), 'undefined')}]"


def _no_others(given: Mapping[str, Any], known: Any, path: str) -> None:
    for name in given:
        if name not in known:
            _fail(f"{path}.{name}", "definition for this key is missing")


def _text(*, low: int = 0, high: int | None = None, pattern: str = "", otherwise: str = "") -> Check:
    def check(path: str, value: Any) -> None:
        if not isinstance(value, str):
            _fail(path, _expected("string", value))
        if len(value) < low:
            _fail(path, f"value has length [{len(value)}] but it must have a minimum length of [{low}].")
        if high is not None and len(value) > high:
            _fail(path, f"value has length [{len(value)}] but it must have a maximum length of [{high}].")
        if not re.match(pattern, value, re.DOTALL):
            _fail(path, otherwise)

    return check


def _one_of(*allowed: str) -> Check:
    def check(path: str, value: Any) -> None:
        if value not in allowed:
            lines = (f"- [{path}.{place}]: expected value to equal [{name}]" for place, name in enumerate(allowed))
            _fail(path, "types that failed validation:\n" + "\n".join(lines))

    return check


def _features(path: str, value: Any) -> None:
    if not isinstance(value, list):
        _fail(path, _expected("array", value))
    for place, feature in enumerate(value):
        _text()(f"{path}.{place}", feature)
    if len(value) > _MOST_FEATURES:
        _fail(path, f"array size is [{len(value)}], but cannot be greater than [{_MOST_FEATURES}]")


def _boolean(path: str, value: Any) -> None:
    if not isinstance(value, bool):
        _fail(path, _expected("boolean", value))


_BODY: Mapping[str, Check] = {
    "id": _text(pattern=r"[a-z0-9_\-]+\Z", otherwise="must be lower case, a-z, 0-9, '_', and '-' are allowed"),
    "name": _text(low=1),
    "description": _text(),
    "initials": _text(high=2),
    "color": _text(pattern=r"#[a-zA-Z0-9]{6}\Z", otherwise="must be a 6 digit hex color, starting with a #"),
    "disabledFeatures": _features,
    "_reserved": _boolean,
    "imageUrl": _text(pattern=r"data:image|\Z", otherwise="must start with 'data:image'"),
    "solution": _one_of(*SOLUTIONS),
}
