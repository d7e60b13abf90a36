"""Texts as ServiceNow keeps them: markers of mirrors, HTML in journals, lengths; pure.

Columns and journals are plain text. Markdown is written as it is and read as it is: what a person typed in
either place comes back unchanged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final

from kibcase_connectors.markup import cut, normalise, one_line, strip_kibana_footer
from kibcase_connectors.markup.characters import units
from kibcase_connectors.model import MARK_PREFIX

CUT_NOTE: Final = "(Cut here: the column in ServiceNow holds no more. The full text is in the case.)"
"""What stands at the end of a text that did not fit."""

PUSHED: Final = f"{MARK_PREFIX}pushed"
"""The mark of what Kibana's own push wrote: a copy of something in a case, though not one of ours."""

_MARK = re.compile(rf"{re.escape(MARK_PREFIX)}[^\s\[\]]{{1,240}}")
_MARK_LINE = re.compile(rf"\[({_MARK.pattern})\]")
_TAG = re.compile(r"\[(/?)code\]", re.IGNORECASE)
_SAFE_TAG = re.compile("\\[\u200b(/?code\\])", re.IGNORECASE)
_BLOCKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre"})
_UNSEEN = frozenset({"script", "style", "head", "template"})
_ALERT_TOTAL = "Elastic Alerts attached to the case:"


def read_text(stored: str) -> str:
    """Give the Markdown of a description, without what Kibana's own push appends."""
    return normalise(strip_kibana_footer(normalise(stored)))


def write_text(markdown: str, limit: int) -> str:
    """Give a description, cut visibly at ``limit`` UTF-16 units."""
    note = CUT_NOTE if units(CUT_NOTE) * 2 <= limit else "…"
    return cut(normalise(markdown), limit, note, markup="markdown")[0]


def write_line(text: str, limit: int) -> str:
    """Give a one-line text of at most ``limit`` UTF-16 units, cut visibly."""
    return one_line(text, limit=limit)


def uncut_line(text: str) -> str:
    """Give a one-line text however long it is."""
    # Folding a line end adds one character; no text is cut at this length.
    return one_line(text, limit=2 * units(text) + 1)


@dataclass(frozen=True, slots=True)
class Note:
    """A journal entry, taken apart: what people mean, and the mark if it is a copy."""

    body: str
    mark: str | None


def write_note(markdown: str, mark: str, limit: int) -> str:
    """Give the text of a mirror: the body, cut if it must be, and a last line with its mark.

    ``[code]`` would make ServiceNow show what follows as HTML; a zero-width space keeps it a text.
    Raises ``ValueError`` for a mark that could not be recognised again, or that the limit cannot hold.
    """
    if not _MARK.fullmatch(mark):
        raise ValueError(f"not a mark: {mark[:80]!r}")
    line = f"[{mark}]"
    body = _TAG.sub(lambda tag: f"[\u200b{tag[0][1:]}", normalise(markdown))
    room = limit - units(line) - 2
    if room < 1:
        raise ValueError(f"a journal entry of {limit} characters cannot hold the mark")
    kept = write_text(body, room)
    return f"{kept}\n\n{line}" if kept else line


def read_note(stored: str) -> Note:
    """Take a journal entry apart; only a mark that is the whole last line counts.

    What is between ``[code]`` and ``[/code]`` is HTML, of which the text is kept.
    """
    plain = normalise(stored)
    head, _, last = plain.rpartition("\n")
    found = _MARK_LINE.fullmatch(last)
    if found:
        return Note(normalise(_SAFE_TAG.sub("[\\1", head)), found[1])
    seen = normalise(_SAFE_TAG.sub("[\\1", without_code(plain)))
    body = strip_kibana_footer(seen)
    pushed = body != seen or seen.startswith(_ALERT_TOTAL)
    return Note(normalise(body), PUSHED if pushed else None)


def without_code(text: str) -> str:
    """Give a text with the HTML between ``[code]`` and ``[/code]`` turned into plain text."""
    parts: list[str] = []
    position, opened = 0, False
    for tag in _TAG.finditer(text):
        piece = text[position : tag.start()]
        parts.append(_plain(piece) if opened else piece)
        position, opened = tag.end(), not tag[1]
    rest = text[position:]
    parts.append(_plain(rest) if opened else rest)
    return "".join(parts)


def _plain(markup: str) -> str:
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return re.sub(r"\n{3,}", "\n\n", "".join(reader.parts)).strip("\n")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _UNSEEN
        if tag in _BLOCKS:
            self.parts.append("\n")
        if tag == "a":
            self._links.append(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _UNSEEN and self._hidden > 0
        if tag in _BLOCKS and tag != "br":
            self.parts.append("\n")
        if tag == "a" and self._links:
            target = self._links.pop()
            # What a link is called says nothing of where it leads.
            if re.match(r"https?://", target, re.IGNORECASE) and target not in "".join(self.parts[-3:]):
                self.parts.append(f" ({target})")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)
