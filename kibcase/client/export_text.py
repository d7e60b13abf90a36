"""Words that go with a copied case: who wrote what where. Pure."""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING, Final

from kibcase.models.attachment import UserComment
from kibcase.models.case import Case

if TYPE_CHECKING:
    from kibcase.client.export_format import Header

_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()#+!|<>~])")


def signed(comment: UserComment) -> str:
    """Give a comment with a line before it that says who wrote it when."""
    who = comment.created_by.display_name if comment.created_by else "unknown"
    when = comment.created_at.astimezone(UTC).strftime(" on %Y-%m-%d %H:%M UTC") if comment.created_at else ""
    return f"*{escaped(who)} wrote{when}:*\n\n{comment.comment}"


def origin(case: Case, header: Header) -> str:
    """Give the comment that tells where a case comes from."""
    who = case.created_by.display_name if case.created_by else "unknown"
    when = case.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    place = f"space {escaped(header.space)}, {escaped(case.owner)}"
    return f"*Copied from case {escaped(case.id)} ({place}), opened by {escaped(who)} on {when}.*"


def escaped(text: str) -> str:
    """Give text that Markdown shows as it is, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def parts_of(text: str, limit: int) -> list[str]:
    """Cut text into parts of at most ``limit`` UTF-16 units, as Kibana counts, never inside a character."""
    parts, start, size = [], 0, 0
    for place, char in enumerate(text):
        width = 2 if ord(char) > 0xFFFF else 1
        if size + width > limit:
            parts.append(text[start:place])
            start, size = place, 0
        size += width
    return [part for part in [*parts, text[start:]] if part.strip()]


def counted(number: int, noun: str) -> str:
    """Give "1 alert", "2 alerts"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
