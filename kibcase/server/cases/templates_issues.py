"""Checks of template and field definitions, with the issues Kibana's newer validation lists; pure.

A shape takes a value, its path and the list of issues so far; it gives the value as it is kept (objects lose
the keys they do not know) or adds issues, each ``{"code", "path", "message", ...}``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from kibcase.server.codec import UNDEFINED
from kibcase.server.jstext import length

Issue = dict[str, Any]
Path = tuple[str | int, ...]
Shape = Callable[[Any, Path, list[Issue]], Any]
_KINDS: Final = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}


def issues_text(issues: list[Issue]) -> str:
    """Write issues as one line of JSON, as they stand in Kibana's messages."""
    return json.dumps(issues, separators=(",", ":"), ensure_ascii=False)


def text(low: int = 0, high: int | None = None) -> Shape:
    """Accept a string of ``low`` to ``high`` characters."""

    def check(value: Any, path: Path, issues: list[Issue]) -> Any:
        if not isinstance(value, str):
            _mistyped("string", value, path, issues)
        elif length(value) < low:
            issues.append(_size("small", "string", "characters", low, path))
        elif high is not None and length(value) > high:
            issues.append(_size("big", "string", "characters", high, path))
        return value

    return check


def flag(value: Any, path: Path, issues: list[Issue]) -> Any:
    """Accept true and false."""
    if not isinstance(value, bool):
        _mistyped("boolean", value, path, issues)
    return value


def amount(value: Any, path: Path, issues: list[Issue]) -> Any:
    """Accept a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        _mistyped("number", value, path, issues)
    return value


def anything(value: Any, path: Path, issues: list[Issue]) -> Any:  # noqa: ARG001
    """Accept every value."""
    return value


def null(value: Any, path: Path, issues: list[Issue]) -> Any:
    """Accept null alone."""
    if value is not None:
        _mistyped("null", value, path, issues)
    return value


def literal(word: str) -> Shape:
    """Accept one string."""

    def check(value: Any, path: Path, issues: list[Issue]) -> Any:
        if value != word:
            issues.append(_issue("invalid_value", path, f'Invalid input: expected "{word}"', values=[word]))
        return value

    return check


def option(*words: str) -> Shape:
    """Accept one of some strings."""
    shown = "|".join(f'"{word}"' for word in words)

    def check(value: Any, path: Path, issues: list[Issue]) -> Any:
        if value not in words:
            issues.append(
                _issue("invalid_value", path, f"Invalid option: expected one of {shown}", values=list(words))
            )
        return value

    return check


def listing(shape: Shape, low: int = 0, high: int | None = None) -> Shape:
    """Accept a list of ``low`` to ``high`` items of one shape."""

    def check(value: Any, path: Path, issues: list[Issue]) -> Any:
        if not isinstance(value, list):
            _mistyped("array", value, path, issues)
            return value
        if len(value) < low:
            issues.append(_size("small", "array", "items", low, path))
        elif high is not None and len(value) > high:
            issues.append(_size("big", "array", "items", high, path))
        return [shape(item, (*path, place), issues) for place, item in enumerate(value)]

    return check


def nullable(shape: Shape) -> Shape:
    """Accept null, or what ``shape`` accepts."""
    return lambda value, path, issues: None if value is None else shape(value, path, issues)


def defaulted(shape: Shape, default: Any) -> Shape:
    """Accept what ``shape`` accepts; ``default`` stands for a missing value."""
    return lambda value, path, issues: default if value is UNDEFINED else shape(value, path, issues)


def either(*shapes: Shape) -> Shape:
    """Accept what one of ``shapes`` accepts, the first that does."""

    def check(value: Any, path: Path, issues: list[Issue]) -> Any:
        found: list[list[Issue]] = []
        for shape in shapes:
            trial: list[Issue] = []
            result = shape(value, (), trial)
            if not trial:
                return result
            found.append(trial)
        issues.append(_issue("invalid_union", path, "Invalid input", errors=found))
        return value

    return check


def record(
    required: Mapping[str, Shape],
    optional: Mapping[str, Shape] | None = None,
    *,
    strict: bool = False,
    loose: bool = False,
) -> Shape:
    """Accept an object; unknown keys are dropped, refused if ``strict``, kept if ``loose``."""
    shapes = {**required, **(optional or {})}

    def check(value: Any, path: Path, issues: list[Issue]) -> Any:
        if not isinstance(value, dict):
            _mistyped("object", value, path, issues)
            return value
        result = {}
        for name, shape in shapes.items():
            if name in value or name in required:
                kept = shape(value.get(name, UNDEFINED), (*path, name), issues)
                if kept is not UNDEFINED:
                    result[name] = kept
        excess = [name for name in value if name not in shapes]
        if strict and excess:
            shown = ", ".join(f'"{name}"' for name in excess)
            noun = "key" if len(excess) == 1 else "keys"
            issues.append(_issue("unrecognized_keys", path, f"Unrecognized {noun}: {shown}", keys=excess))
        return result | {name: value[name] for name in excess} if loose else result

    return check


def refined(shape: Shape, *rules: Callable[[Any], str | None]) -> Shape:
    """Accept what ``shape`` accepts unless a rule gives a message about it."""

    def check(value: Any, path: Path, issues: list[Issue]) -> Any:
        before = len(issues)
        result = shape(value, path, issues)
        if len(issues) == before:
            issues.extend(_issue("custom", path, message) for rule in rules if (message := rule(result)))
        return result

    return check


def _mistyped(expected: str, value: Any, path: Path, issues: list[Issue]) -> None:
    received = "undefined" if value is UNDEFINED else "null" if value is None else _KINDS.get(type(value), "unknown")
    message = f"Invalid input: expected {expected}, received {received}"
    issues.append({"expected": expected} | _issue("invalid_type", path, message))


def _size(way: str, origin: str, unit: str, limit: int, path: Path) -> Issue:
    bound, sign = ("minimum", ">=") if way == "small" else ("maximum", "<=")
    message = f"Too {way}: expected {origin} to have {sign}{limit} {unit}"
    return {"origin": origin, "code": f"too_{way}", bound: limit, "inclusive": True, "path": list(path),
            "message": message}


def _issue(code: str, path: Path, message: str, **more: Any) -> Issue:
    return {"code": code, **more, "path": list(path), "message": message}
