"""Read fields out of alert documents, whose keys may be dotted, nested, or both. Pure.

Kibana writes ``kibana.*`` as flat dotted keys, while ECS fields stay as the event had them, so one document can hold
a nested ``event`` and beside it a dotted ``event.kind``. Both spellings are read as one field; where both hold a
value the more dotted one counts. Null is no value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def read(source: Mapping[str, Any], name: str) -> list[Any]:
    """List the values of one field; empty if the document does not have it.

    A scalar gives one value, an array all of them (objects in an array come as they are), an object none: ask for
    the fields inside it.

    >>> read({"event": {"action": "logon"}, "event.kind": "signal"}, "event.kind")
    ['signal']
    """
    return next((found for value in _spellings(source, name.split(".")) if (found := _listed(value))), [])


def flatten(source: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Give every field of the document with its values, as ``read`` does, in the order of the document.

    >>> flatten({"host": {"name": "a"}, "host.ip": ["1", "2"]})
    {'host.name': ['a'], 'host.ip': ['1', '2']}
    """
    names = dict.fromkeys(_names(source, ""))
    return {name: read(source, name) for name in names}


def _spellings(source: Mapping[str, Any], parts: list[str]) -> Iterator[Any]:
    for cut in range(len(parts), 0, -1):
        value = source.get(".".join(parts[:cut]))
        if cut == len(parts):
            yield value
        elif isinstance(value, Mapping):
            yield from _spellings(value, parts[cut:])


def _listed(value: Any) -> list[Any]:
    if value is None or isinstance(value, Mapping):
        return []
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in ([item] if isinstance(item, Mapping) else _listed(item))]
    return [value]


def _names(source: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for key, value in source.items():
        if isinstance(value, Mapping):
            yield from _names(value, f"{prefix}{key}.")
        elif _listed(value):
            yield prefix + key
