"""Reading a field out of a document whose keys may be dotted, nested, or both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def values(source: dict[str, Any], field: str) -> list[Any]:
    """List the values of ``field``: scalars only, arrays opened, objects in arrays looked into.

    Where a dotted key and a nested object both hold the field, the more dotted spelling wins. Null is no value.
    """
    if "." not in field:
        return _leaves(source.get(field))
    parts = field.split(".")
    for cut in range(len(parts), 0, -1):
        key = ".".join(parts[:cut])
        if key not in source:
            continue
        found = _below(source[key], ".".join(parts[cut:]))
        if found:
            return found
    return []


def flatten(source: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give (full field name, scalar value) for every leaf of the document; a name may come several times."""
    for key, value in source.items():
        yield from _flatten_value(prefix + key, value)


def _flatten_value(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from flatten(value, name + ".")
    elif isinstance(value, list):
        for item in value:
            yield from _flatten_value(name, item)
    elif value is not None:
        yield name, value


def _below(value: Any, rest: str) -> list[Any]:
    if not rest:
        return _leaves(value)
    if isinstance(value, dict):
        return values(value, rest)
    if isinstance(value, list):
        return [leaf for item in value for leaf in _below(item, rest)]
    return []


def _leaves(value: Any) -> list[Any]:
    if value is None or isinstance(value, dict):
        return []
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]
