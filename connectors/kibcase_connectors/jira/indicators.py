"""Observables in a multi-line text field, one per line; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kibcase_connectors.observables import TYPES, element, identity

_LINE = re.compile(r"\s*(?:[-*•]\s+)?([A-Za-z][A-Za-z0-9-]*)\s*(?::\s+|\s+)(\S.*)")
_KNOWN = frozenset(TYPES)


def listed(text: str) -> list[str]:
    """Give the elements in a text, in its order, each once. Lines that name no type are people's own."""
    found = {identity(item): item for line in reversed(text.split("\n")) if (item := _read(line))}
    return list(reversed(found.values()))


def changed(text: str, add: Iterable[str], remove: Iterable[str]) -> str:
    """Give the text with lines added for the elements it lacks, and without those of others; the rest stays."""
    gone = {identity(_read(item) or item) for item in remove}
    kept = [line for line in text.split("\n") if not ((item := _read(line)) and identity(item) in gone)]
    there = {identity(item) for item in listed("\n".join(kept))}
    fresh = {identity(item): item for item in (_read(given) or given for given in add)}
    return "\n".join([*kept, *(item for key, item in fresh.items() if key not in there)]).strip("\n")


def _read(line: str) -> str | None:
    match = _LINE.fullmatch(line.rstrip())
    kind = match[1].lower() if match else ""
    return element(kind, match[2]) if match and kind in _KNOWN else None
