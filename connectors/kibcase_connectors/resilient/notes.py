"""Notes as comments: the mark at their end, what people see; pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from kibcase_connectors.markup import normalise, strip_kibana_footer
from kibcase_connectors.markup.nodes import Block, Break, Inline, Paragraph, Text
from kibcase_connectors.markup.write_markdown import write_markdown
from kibcase_connectors.model import MARK_PREFIX, Comment
from kibcase_connectors.resilient.richtext import blocks_of_html, write_html, write_text
from kibcase_connectors.resilient.wire import Note, moment

PUSHED: Final = f"{MARK_PREFIX}pushed"
"""The mark of what Kibana's own push wrote: a copy of something in a case, though not one of ours."""

_MARK = re.compile(rf"\[({re.escape(MARK_PREFIX)}[^\s\[\]]{{1,300}})\]")
_ALERT_TOTAL = "Elastic Alerts attached to the case:"


def note_html(body: str, mark: str) -> str:
    """Give the HTML of a mirror: the Markdown ``body``, and the mark as the last paragraph.

    Raises ``ValueError`` for a mark that could not be recognised again.
    """
    if not _MARK.fullmatch(f"[{mark}]"):
        raise ValueError(f"not a mark: {mark[:80]!r}")
    return write_text(body) + write_html((Paragraph(children=(Text(value=f"[{mark}]"),)),))


def comment_of(note: Note, offset: timedelta) -> Comment:
    """Give a note in the common form, with times on the daemon's clock, ``offset`` ahead of the platform's.

    What Kibana pushed counts as a copy and is never mirrored back.
    """
    blocks = blocks_of_html(note.html)
    shown, mark = _apart(blocks)
    body = normalise(write_markdown(shown))
    plain = strip_kibana_footer(body)
    if mark is None and (plain != body or body.startswith(_ALERT_TOTAL)):
        mark = PUSHED
    return Comment(
        key=str(note.id), body=normalise(plain), author=note.author, created=moment(note.created) + offset,
        digest=hashlib.sha256(write_html(blocks).encode()).hexdigest(),
        updated=moment(note.modified) + offset if note.modified != note.created else None, mark=mark,
    )


def _apart(blocks: Sequence[Block]) -> tuple[Sequence[Block], str | None]:
    """Part the mark from what people wrote; it counts only as the whole last line, outside of quotes and lists."""
    match blocks:
        case [*before, Paragraph(children=children)]:
            rest, mark = _last_line(children)
            if mark is not None:
                return (*before, Paragraph(children=rest)) if rest else before, mark
    return blocks, None


def _last_line(children: tuple[Inline, ...]) -> tuple[tuple[Inline, ...], str | None]:
    match children:
        case (*before, Text(value=value)) if not before or isinstance(before[-1], Break):
            found = _MARK.fullmatch(value.strip())
            if found:
                return tuple(before[:-1]), found[1]
    return children, None

