"""Texts as Kibana stores them: how long they are, what is trimmed, how they are cut, marks in comments; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kibcase_connectors.model import MARK_PREFIX

TITLE_LIMIT = 160
"""Length of a title (Kibana's ``MAX_TITLE_LENGTH``), in UTF-16 units as all of Kibana's lengths."""

TEXT_LIMIT = 30_000
"""Length of a description or comment (``MAX_DESCRIPTION_LENGTH``, ``MAX_COMMENT_LENGTH``)."""

TAG_LIMIT = 256
"""Length of one tag (``MAX_LENGTH_PER_TAG``)."""

CUT_NOTE = "[… cut here: the text is longer than Kibana can hold]"
"""What stands at the end of a description or comment that did not fit."""

# What JavaScript's String.trim removes, and what Python's str.strip removes besides.
_BLANKS = "".join(
    [
        "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff",
        *map(chr, range(0x2000, 0x200B)),
    ]
)
_JOINERS = frozenset("\u200d\ufe0e\ufe0f")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_MARK = re.compile(rf"{re.escape(MARK_PREFIX)}[^\s()]{{1,240}}")
_MARK_LINE = re.compile(rf"\[//\]: # \(({_MARK.pattern})\)")


def length(text: str) -> int:
    """Give the length that Kibana counts: UTF-16 units, two for characters beyond U+FFFF."""
    return len(text) + sum(1 for character in text if character > "\uffff")


def trim(text: str) -> str:
    """Take off outer white space, at least all that Kibana takes off before it stores a text."""
    return text.strip(_BLANKS)


def unify(text: str) -> str:
    """Trim, and write every line end as a line feed."""
    return trim(text.replace("\r\n", "\n").replace("\r", "\n"))


def cut_line(text: str, limit: int) -> str:
    """Cut a one-line text to ``limit`` UTF-16 units, ending in an ellipsis if anything was cut."""
    return text if length(text) <= limit else trim(_head(text, limit - 1)) + "…"


def cut_block(text: str, limit: int) -> str:
    """Cut Markdown to ``limit`` UTF-16 units, ending in ``CUT_NOTE`` if anything was cut.

    Cuts at a line end if one is near, and closes a code fence that the cut left open.
    """
    if length(text) <= limit:
        return text
    room = limit - length(CUT_NOTE) - 2
    head = _head(text, room)
    fence = _open_fence(head)
    if fence:
        head = _head(text, room - len(fence) - 1)
        fence = _open_fence(head)
    line_end = head.rfind("\n", len(head) - len(head) // 10)
    head = trim(head if line_end < 0 else head[:line_end])
    fence = _open_fence(head)
    return f"{head}\n{fence}\n{CUT_NOTE}" if fence else f"{head}\n\n{CUT_NOTE}"


def _head(text: str, limit: int) -> str:
    units = end = 0
    for end, character in enumerate(text):  # noqa: B007 - used after the loop
        units += 2 if character > "\uffff" else 1
        if units > limit:
            break
    else:
        return text
    # A cut inside a joined emoji or before a combining mark would change the character it leaves behind.
    while end > 0 and (text[end] in _JOINERS or "\u0300" <= text[end] <= "\u036f" or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end]


def _open_fence(text: str) -> str:
    """Give the fence that would close the code block which ``text`` leaves open, or ""."""
    opened = ""
    for line in text.split("\n"):
        found = _FENCE.fullmatch(line)
        if not found:
            continue
        fence, rest = found[1], found[2]
        if not opened:
            opened = "" if fence[0] == "`" and "`" in rest else fence
        elif fence[0] == opened[0] and len(fence) >= len(opened) and not rest.strip():
            opened = ""
    return opened


@dataclass(frozen=True, slots=True)
class Marked:
    """A comment's text, taken apart: what people see, and the mark if it is a mirror."""

    body: str
    mark: str | None


def with_mark(body: str, mark: str) -> str:
    """Give the text of a mirror: ``body``, cut if it must be, and the mark as an invisible last line.

    The mark is a Markdown link definition that nothing refers to, so that no renderer shows it.
    Raises ``ValueError`` for a mark that could not be recognised again.
    """
    if not _MARK.fullmatch(mark):
        raise ValueError(f"not a mark: {mark[:80]!r}")
    line = f"[//]: # ({mark})"
    seen = unify(body)
    fence = _open_fence(seen)
    # In a code block that is left open the mark would be shown.
    closed = f"{seen}\n{fence}" if fence else seen
    return f"{cut_block(closed, TEXT_LIMIT - len(line) - 2)}\n\n{line}" if closed else line


def without_mark(text: str) -> Marked:
    """Take a comment apart; only a mark that is the whole last line counts."""
    seen = unify(text)
    body, _, last = seen.rpartition("\n")
    found = _MARK_LINE.fullmatch(last)
    return Marked(trim(body), found[1]) if found else Marked(seen, None)
