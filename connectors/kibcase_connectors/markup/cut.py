"""Cutting marked-up text to a remote system's limit without breaking its markup."""

from __future__ import annotations

import re
from typing import Literal

from .characters import prefix_of, units
from .normal import boundary_before

_TAG = re.compile(r"\\[^\n]|\{(code|noformat|quote|panel|color)(?::[^{}\n]*)?\}")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_ESCAPE = re.compile(r"\\[-#*_+?^~|%{}\[\]()!@\\]?|&#?[0-9A-Za-z]{0,32}|\{[^{}\n]{0,80}")


def cut(text: str, limit: int, note: str, *, markup: Literal["wiki", "markdown"] = "wiki") -> tuple[str, bool]:
    """Return ``text`` within ``limit`` UTF-16 code units, and whether it had to be cut.

    A cut text ends in ``note`` in a paragraph of its own. The cut is at the end of a line where that
    keeps at least half of what fits, else at a blank, else between two whole characters; never inside
    an escape or a macro tag. Macros (``wiki``) or fences (``markdown``) left open are closed first.
    ``text`` and ``note`` are markup already: the limit counts what is sent. A cut text must not be
    written back to where it came from.
    Raises ``ValueError`` when ``limit`` cannot hold the note.
    """
    if units(text) <= limit:
        return text, False
    ending = f"\n\n{note}" if note else ""
    room = limit - units(ending)
    if room < 0:
        raise ValueError(f"The note has {units(note)} characters and does not fit into a limit of {limit}.")
    find_open = _open_macros if markup == "wiki" else _open_fence
    kept, closing, reserve = _kept(text, room), "", 0
    while units(kept) + units(closing := find_open(kept)) > room:
        reserve = max(units(closing), reserve + 1)
        kept = _kept(text, max(0, room - reserve))
    return (kept + closing + ending) if kept else note, True


def _kept(text: str, room: int) -> str:
    prefix = prefix_of(text, room)
    if len(prefix) == len(text):
        return text
    at = len(prefix)
    line = at if text[at] == "\n" else prefix.rfind("\n")
    if line * 2 >= at:
        return prefix[: max(line, 0)].rstrip()
    blank = max(prefix.rfind(" "), prefix.rfind("\t"))
    at = blank if blank * 2 >= at else boundary_before(text, at)
    return prefix[: _before_escape(text, at)].rstrip()


def _before_escape(text: str, at: int) -> int:
    start = max(0, at - 96)
    for match in _ESCAPE.finditer(text, start, min(len(text), at + 96)):
        if match.start() < at < match.end():
            return match.start()
    return at


def _open_macros(text: str) -> str:
    """Return the closing tags for the macros ``text`` leaves open, innermost first."""
    stack: list[str] = []
    position = 0
    while match := _TAG.search(text, position):
        position, name = match.end(), match[1]
        if name in {"code", "noformat"}:
            end = text.find(f"{{{name}}}", position)
            if end < 0:
                return f"\n{{{name}}}" + _closers(stack)
            position = end + len(name) + 2
        elif name in stack:
            del stack[stack.index(name) :]
        elif name:
            stack.append(name)
    return _closers(stack)


def _closers(stack: list[str]) -> str:
    return "".join(f"{'' if name == 'color' else chr(10)}{{{name}}}" for name in reversed(stack))


def _open_fence(text: str) -> str:
    fence = ""
    for match in _FENCE.finditer(text):
        run, rest = match[1], match[2]
        if not fence:
            fence = run
        elif run[0] == fence[0] and len(run) >= len(fence) and not rest.strip():
            fence = ""
    return f"\n{fence}" if fence else ""
