"""Check untrusted JSON the way the schemas of unified attachment types do, with their texts; pure.

A check is a function of a value, the path to it and the list of findings it writes into.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kibcase.server.codec import UNDEFINED
from kibcase.server.jstext import length, trim

Path = tuple[str, ...]
Findings = list[str]
Check = Callable[[Any, Path, Findings], None]


def findings_of(check: Check, value: Any) -> Findings:
    """Give everything that is wrong with ``value``, each as ``path: message``."""
    found: Findings = []
    check(value, (), found)
    return found


def text(low: int = 0, high: int | None = None, *, blank: str | None = None, long: str | None = None) -> Check:
    """Accept a string of a length; ``blank`` is the message for one of blanks only, ``long`` the one for too long."""

    def check(value: Any, path: Path, found: Findings) -> None:
        if not isinstance(value, str):
            _wrong(value, "string", path, found)
        elif high is not None and length(value) > high:
            _note(path, long or f"Too big: expected string to have <={high} characters", found)
        elif length(value) < low:
            _note(path, f"Too small: expected string to have >={low} characters", found)
        elif blank is not None and not trim(value):
            _note(path, blank, found)

    return check


def exactly(expected: str) -> Check:
    """Accept one string."""

    def check(value: Any, path: Path, found: Findings) -> None:
        if value != expected:
            _note(path, f'Invalid input: expected "{expected}"', found)

    return check


def among(*allowed: str) -> Check:
    """Accept one of some strings."""

    def check(value: Any, path: Path, found: Findings) -> None:
        if not isinstance(value, str) or value not in allowed:
            _note(path, "Invalid option: expected one of " + "|".join(f'"{item}"' for item in allowed), found)

    return check


def mapping(value: Any, path: Path, found: Findings) -> None:
    """Accept an object of any JSON values."""
    if not isinstance(value, dict):
        _wrong(value, "record", path, found)


def listing(item: Check, low: int = 0, high: int | None = None) -> Check:
    """Accept a list of ``low`` to ``high`` items."""

    def check(value: Any, path: Path, found: Findings) -> None:
        if not isinstance(value, list):
            _wrong(value, "array", path, found)
            return
        for place, each in enumerate(value):
            item(each, (*path, str(place)), found)
        if len(value) < low:
            _note(path, f"Too small: expected array to have >={low} items", found)
        elif high is not None and len(value) > high:
            _note(path, f"Too big: expected array to have <={high} items", found)

    return check


def either(*checks: Check) -> Check:
    """Accept what any of ``checks`` accepts."""

    def check(value: Any, path: Path, found: Findings) -> None:
        for one in checks:
            trial: Findings = []
            one(value, path, trial)
            if not trial:
                return
        _note(path, "Invalid input", found)

    return check


def null(value: Any, path: Path, found: Findings) -> None:
    """Accept null alone."""
    if value is not None:
        _wrong(value, "null", path, found)


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, *, loose: bool = False) -> Check:
    """Accept an object with all ``required`` keys, perhaps ``optional`` ones; others only if it is ``loose``."""
    extra = optional or {}

    def check(value: Any, path: Path, found: Findings) -> None:
        if not isinstance(value, dict):
            _wrong(value, "object", path, found)
            return
        for name, one in required.items():
            one(value.get(name, UNDEFINED), (*path, name), found)
        for name, one in extra.items():
            if name in value:
                one(value[name], (*path, name), found)
        unknown = [f'"{name}"' for name in value if name not in required and name not in extra]
        if unknown and not loose:
            _note(path, f"Unrecognized key{'s' if len(unknown) > 1 else ''}: {', '.join(unknown)}", found)

    return check


def _wrong(value: Any, expected: str, path: Path, found: Findings) -> None:
    _note(path, f"Invalid input: expected {expected}, received {_kind(value)}", found)


def _note(path: Path, message: str, found: Findings) -> None:
    found.append(f"{'.'.join(path) or '(root)'}: {message}")


def _kind(value: Any) -> str:
    names: dict[type, str] = {dict: "object", list: "array", str: "string", bool: "boolean"}
    return "undefined" if value is UNDEFINED else "null" if value is None else names.get(type(value), "number")
