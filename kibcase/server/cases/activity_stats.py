"""Counting user actions, and finding words in them; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]


def statistics(
    counts: Iterable[tuple[str, str | None, int]], *, deletions: bool, hidden: int | None = None
) -> dict[str, int]:
    """Sum up (action, comment type, number) into Kibana's statistics of user actions.

    ``deletions`` counts these apart, as newer stacks do. ``hidden``, which still newer ones give with the creations
    of comments, is the number of updates of comments that are deleted now.
    """
    rows = list(counts)
    total = sum(number for _, _, number in rows)
    comments = {verb: _count(rows, verb) for verb in ("create", "delete")}
    of_comments = sum(number for _, kind, number in rows if kind == "user")
    simple = {"total": total, "total_comments": of_comments, "total_other_actions": total - of_comments}
    if not deletions:
        return simple
    deleted = sum(number for action, _, number in rows if action == "delete")
    result = simple | {
        "total_deletions": deleted,
        "total_comment_deletions": comments["delete"],
        "total_other_action_deletions": deleted - comments["delete"],
    }
    if hidden is None:
        return result
    return result | {"total_comment_creations": comments["create"], "total_hidden_comment_updates": hidden}


def matching(action: Mapping[str, Any], search: str) -> Json | None:
    """Give the action if ``search`` occurs, without regard to case, in its payload or its author's names; else None.

    Of the extended fields that were changed together only those are given in which it occurs, unless it is the
    author who matches.
    """
    needle = search.lower()
    author = action["created_by"]
    if any(_contains(author.get(name), needle) for name in ("username", "full_name", "email")):
        return dict(action)
    payload = action["payload"] or {}
    if action["type"] == "extended_fields":
        hits = {
            key: value
            for key, value in payload.get("extended_fields", {}).items()
            if _contains(key, needle) or _contains(value, needle)
        }
        return dict(action) | {"payload": payload | {"extended_fields": hits}} if hits else None
    return dict(action) if any(_contains(text, needle) for text in _texts(payload)) else None


def _count(rows: Iterable[tuple[str, str | None, int]], verb: str) -> int:
    return sum(number for action, kind, number in rows if action == verb and kind == "user")


def _contains(text: Any, needle: str) -> bool:
    return isinstance(text, str) and needle in text.lower()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
