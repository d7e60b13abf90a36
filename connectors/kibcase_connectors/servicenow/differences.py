"""What became of a write: ServiceNow drops unknown and forbidden columns, and cuts texts, without a word; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """The columns that were not stored as they were sent.

    ``dropped`` were not stored at all; ``cut`` are texts of which only the beginning was stored, with the length
    of that. What a business rule made into something else is in neither.
    """

    dropped: tuple[str, ...]
    cut: Mapping[str, int]


def compared(sent: Mapping[str, str], before: Mapping[str, str], after: Mapping[str, str]) -> Differences:
    """Compare what was sent with the record before (empty: a new one) and in the answer."""
    other = {name: text for name, text in sent.items() if not same(text, after.get(name))}
    cut = {
        name: len(after[name]) for name, text in other.items()
        if len(after.get(name, "")) >= 20 and _unified(text).startswith(_unified(after[name]))
    }
    dropped = tuple(
        name for name in other if name not in cut and (name not in after or same(after[name], before.get(name, "")))
    )
    return Differences(dropped=dropped, cut=cut)


def same(one: str, other: str | None) -> bool:
    """Tell whether two stored texts are the same but for line ends and outer white space."""
    return other is not None and _unified(one) == _unified(other)


def _unified(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
