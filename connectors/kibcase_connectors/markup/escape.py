"""Backslash and entity escapes that make plain text show as typed in Jira wiki markup.

Facts (Atlassian wiki renderer): a backslash that follows no backslash escapes one of ``-#*_+?^~|%{}[]()!@``
and nothing else; two backslashes force a line break; HTML entities are kept, so what no backslash can
protect (the backslash itself, the dot of ``h1.``) is written as an entity. A phrase opens where no letter,
digit or backslash comes before and no space after; it closes where no letter or digit follows.
"""

from __future__ import annotations

import re

from .characters import BARE_URL, ENTITY, clean, is_blank, is_word

ESCAPABLE = frozenset("-#*_+?^~|%{}[]()!@")
_ALWAYS = frozenset("{}[]|")
_PHRASE = frozenset("*_-+^~")
_MARKS = re.compile(r"[{}\[\]|*_\-+^~?!&\\()]|:[DPp]|https?://|ftps?://|^[ \t]*(?:h[1-6]\.|bq\.|[*#-])", re.MULTILINE)
_LINE_START = re.compile(r"([ \t]*)(?:(h[1-6]|bq)\.|([*#-]+)(?=[ \t\n]|\Z))")
_EMOTICON = re.compile(r"\((?:[/x!+\-?*yni]|on|off|\*[rgby]|flag|flagoff)\)")
_SMILEY = re.compile(r"[:;]-?\Z")
EDGE = "\0"


def escape_wiki(text: str) -> str:
    r"""Return ``text`` as Jira wiki markup that shows exactly ``text``.

    Newlines stay newlines (Jira shows them as line breaks). Characters XML forbids are dropped.
    """
    return escaped(clean(text), before="\n", after="\n")


def escaped(text: str, *, before: str, after: str) -> str:
    r"""Escape a run of plain text between two neighbours.

    ``before`` and ``after`` are ``"\n"`` where a line starts or ends and ``EDGE`` where markup touches.
    """
    out: list[str] = []
    position = 0
    while match := _MARKS.search(text, position):
        start = match.start()
        out.append(text[position:start])
        piece, position = _mark(text, start, before, after)
        out.append(piece)
    out.append(text[position:])
    return "".join(out)


def _mark(text: str, at: int, before: str, after: str) -> tuple[str, int]:
    previous = text[at - 1] if at else before
    if previous == "\n" and (line := _LINE_START.match(text, at)):
        return _line_start(line)
    char = text[at]
    following = text[at + 1] if at + 1 < len(text) else after
    if char in "hf" and not is_word(previous) and (url := BARE_URL.match(text, at)):
        return url[0], url.end()
    if char in "*_-+^~?!{}[]|":
        return ("\\" if _needs_backslash(char, previous, following) else "") + char, at + 1
    if char == "\\":
        return _backslash(previous, following), at + 1
    if char == "&":
        return ("&amp;" if ENTITY.match(text, at) else "&"), at + 1
    if char == ":":
        last = text[at + 2] if at + 2 < len(text) else after
        return (":" if is_word(last) else "&#58;"), at + 1
    if char in "()":
        smiles = _SMILEY.search(text[max(0, at - 2) : at]) or _EMOTICON.match(text, at)
        return ("\\" if smiles else "") + char, at + 1
    return char, at + 1


def _line_start(line: re.Match[str]) -> tuple[str, int]:
    indent, block, bullets = line.groups()
    if block:
        return f"{indent}{block}&#46;", line.end()
    return indent + "".join(f"\\{bullet}" for bullet in bullets), line.end()


def _needs_backslash(char: str, previous: str, following: str) -> bool:
    if char in _ALWAYS:
        return True
    if char == "!":
        return not is_blank(following)
    if char == "?":
        return "?" in (previous, following) or EDGE in (previous, following)
    inside_word = is_word(previous) and is_word(following)
    stands_alone = is_blank(previous) and is_blank(following)
    return char in _PHRASE and not inside_word and not stands_alone


def _backslash(previous: str, following: str) -> str:
    ends = following in {"\\", EDGE} or following.isspace()
    shows_itself = following not in ESCAPABLE and not ends and previous not in {"\\", EDGE}
    return "\\" if shows_itself else "&#92;"
