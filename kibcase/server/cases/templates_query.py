"""Reading query strings and path parameters of routes that Kibana guards with ``@kbn/config-schema``; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kibcase.server import limits
from kibcase.server.errors import BadRequest

Json = dict[str, Any]
Reader = Callable[[str, Any], Any]


def read_query(readers: Mapping[str, Reader], query: Mapping[str, Any]) -> dict[str, Any]:
    """Give every parameter that ``readers`` names, missing ones by their default.

    Raises ``BadRequest`` with the first thing that is wrong, unknown parameters last.
    """
    result = {name: reader(f"request query.{name}", query.get(name)) for name, reader in readers.items()}
    unknown = next((name for name in query if name not in readers), None)
    if unknown is not None:
        raise BadRequest(f"[request query.{unknown}]: definition for this key is missing")
    return result


def number_of(default: int | None, low: int | None = None, high: int | None = None) -> Reader:
    """Read a whole number within limits."""

    def read(path: str, value: Any) -> int | None:
        if value is None:
            return default
        if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,15}", value):
            kind = "Array" if isinstance(value, list) else "string"
            raise BadRequest(f"[{path}]: expected value of type [number] but got [{kind}]")
        number = int(value)
        if low is not None and number < low:
            raise BadRequest(f"[{path}]: Value must be equal to or greater than [{low}].")
        if high is not None and number > high:
            raise BadRequest(f"[{path}]: Value must be equal to or lower than [{high}].")
        return number

    return read


def flag(default: bool | None) -> Reader:  # noqa: FBT001
    """Read ``true`` or ``false``."""

    def read(path: str, value: Any) -> bool | None:
        if value is None:
            return default
        if value not in ("true", "false"):
            kind = "Array" if isinstance(value, list) else "string"
            raise BadRequest(f"[{path}]: expected value of type [boolean] but got [{kind}]")
        return bool(value == "true")

    return read


def choice(default: str | None, *words: str) -> Reader:
    """Read one of some words."""

    def read(path: str, value: Any) -> str | None:
        if value is None:
            return default
        if value not in words:
            failed = "".join(f"\n- [{path}.{place}]: expected value to equal [{word}]"
                             for place, word in enumerate(words))
            raise BadRequest(f"[{path}]: types that failed validation:{failed}")
        return str(value)

    return read


def texts(longest: int = limits.TAG, most: int = limits.FILTER_VALUES, *, needed: bool = False) -> Reader:
    """Read one string or several; empty ones do not count."""

    def read(path: str, value: Any) -> list[str]:
        if value is None and needed:
            raise BadRequest(f"[{path}]: expected at least one defined value but got [undefined]")
        found = [value] if isinstance(value, str) else value or []
        if len(found) > most:
            raise BadRequest(f"[{path}]: array size is [{len(found)}], but cannot be greater than [{most}]")
        for text in found:
            _check_length(path, text, longest)
        return [text for text in found if text]

    return read


def text(longest: int, *, needed: bool = False) -> Reader:
    """Read one string, None if it is missing."""

    def read(path: str, value: Any) -> str | None:
        if value is None and not needed:
            return None
        if not isinstance(value, str):
            kind = "undefined" if value is None else "Array"
            raise BadRequest(f"[{path}]: expected value of type [string] but got [{kind}]")
        return _check_length(path, value, longest)

    return read


def identifier_of(name: str, value: str, longest: int = limits.DEFINITION_ID) -> str:
    """Give a path parameter; raises ``BadRequest`` if it is too long to be an id."""
    return _check_length(f"request params.{name}", value, longest)


def _check_length(path: str, value: str, longest: int) -> str:
    if len(value) > longest:
        raise BadRequest(
            f"[{path}]: value has length [{len(value)}] but it must have a maximum length of [{longest}]."
        )
    return value


def order(items: Sequence[Json], field: str | None, direction: str | None, tie: str) -> list[Json]:
    """Sort documents by a field, those without it last, equal ones by ``tie``."""
    if field is None:
        return list(items)
    steady = sorted(items, key=lambda item: str(item.get(tie, "")))
    there = [item for item in steady if item.get(field) is not None]
    missing = [item for item in steady if item.get(field) is None]
    return sorted(there, key=lambda item: item[field], reverse=direction == "desc") + missing


def paged(items: Sequence[Json], page: int, size: int) -> list[Json]:
    """Give one page; the first is 1."""
    return list(items[(page - 1) * size : page * size])
