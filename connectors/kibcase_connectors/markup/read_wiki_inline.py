"""Jira wiki markup -> document tree: what stands within a line."""

from __future__ import annotations

import html
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .characters import BARE_URL, ENTITY, clean, is_blank, is_word
from .escape import ESCAPABLE
from .nodes import Break, Cell, Code, Inline, Kind, Link, Span, Text, has_scheme, is_link_target, merged

_KINDS: dict[str, Kind | None] = {"*": "strong", "_": "em", "??": "em", "-": "strike", "+": None}
_SPECIAL = re.compile(r"\n|\\+|&|\{|\[|!|\?\?|[*_\-+]|https?://|ftps?://")
_BRACED = re.compile(r"\{(\*|_|-|\+|\?\?)\}")
_COLOR = re.compile(r"\{color(?::[^{}\n]{1,64})?\}")
_FILE = re.compile(r"[^\s|!][^|!\n]{0,250}\.[A-Za-z0-9]{1,8}")
_SMART = frozenset({"smart-link", "smart-card", "smart-embed"})
_CLOSING = re.compile(r"\\[^\n]|\}\}|[\[\]!\n]")
_SPACES = re.compile(r"[\t\n\r]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delimiter:
    sign: str
    braced: bool


_Token = str | Inline | _Delimiter


def read_inline(text: str, *, links: bool = True) -> tuple[Inline, ...]:
    """Return the inline content of ``text``; with ``links`` False, brackets in it are plain text."""
    return _Phrases(_Scanner(text, links=links).tokens()).nodes()


def read_row(line: str) -> tuple[Cell, ...]:
    """Return the cells of one table row; ``||`` starts a header cell, ``|`` any other."""
    cells: list[Cell] = []
    header, start = False, None
    text = line.strip(" \t")
    scanner = _Scanner(text, links=True)
    for at in scanner.bars():
        if start is not None and at < start:
            continue
        if start is not None:
            cells.append(Cell(header=header, children=_trimmed(text[start:at])))
        header = text.startswith("||", at)
        start = at + (2 if header else 1)
    if start is not None and text[start:].strip(" \t"):
        cells.append(Cell(header=header, children=_trimmed(text[start:])))
    return tuple(cells)


def _trimmed(text: str) -> tuple[Inline, ...]:
    return read_inline(text.strip(" \t"))


def unescaped(text: str) -> str:
    """Return ``text`` with its backslash escapes and entities resolved and every other mark kept."""
    out: list[str] = []
    position = 0
    while match := _ESCAPES.search(text, position):
        out.append(text[position : match.start()])
        if match[0][0] == "&":
            piece, position = _entity(text, match.start())
        elif len(match[0]) == 1 and text[match.end() : match.end() + 1] in ESCAPABLE:
            piece, position = text[match.end()], match.end() + 1
        else:
            piece, position = match[0], match.end()
        out.append(piece)
    return "".join(out) + text[position:]


_ESCAPES = re.compile(r"\\+|&")


def _entity(text: str, at: int) -> tuple[str, int]:
    match = ENTITY.match(text, at)
    if match is None:
        return "&", at + 1
    return _SPACES.sub(" ", clean(html.unescape(match[0]))), match.end()


class _Scanner:
    def __init__(self, text: str, *, links: bool) -> None:
        self._text = text
        self._links = links
        self._ends: dict[str, list[int]] = {"}}": [], "[": [], "]": [], "!": [], "\n": []}
        for match in _CLOSING.finditer(text):
            if match[0] in self._ends:
                self._ends[match[0]].append(match.start())
        self._slashes = _last_backslashes(text)
        self._readers: dict[str, Callable[[int], tuple[_Token, int] | None]] = {
            "{": self._brace,
            "[": self._bracket,
            "!": self._image,
            "h": self._url,
            "f": self._url,
        }

    def _next(self, sign: str, at: int) -> int:
        """Return where ``sign`` comes next on the line of ``at``, unescaped; -1 when it does not."""
        ends = self._ends[sign]
        index = bisect_left(ends, at)
        if index == len(ends) or self._newline_before(at, ends[index]):
            return -1
        return ends[index]

    def _newline_before(self, start: int, end: int) -> bool:
        lines = self._ends["\n"]
        index = bisect_left(lines, start)
        return index < len(lines) and lines[index] < end

    def tokens(self) -> list[_Token]:
        out: list[_Token] = []
        position = 0
        while match := _SPECIAL.search(self._text, position):
            if match.start() > position:
                out.append(self._text[position : match.start()])
            position = self._take(match, out)
        if position < len(self._text):
            out.append(self._text[position:])
        return out

    def bars(self) -> list[int]:
        """Return where cells start: the bars outside escapes, links and images."""
        out: list[int] = []
        position = 0
        while match := _BARS.search(self._text, position):
            position = match.end()
            if match[0][0] == "|":
                out.append(match.start())
            elif match[0] in "[!":
                skipped: list[_Token] = []
                position = self._take(match, skipped)
        return out

    def _take(self, match: re.Match[str], out: list[_Token]) -> int:
        at, sign = match.start(), match[0]
        if sign == "\n":
            out.append(Break(hard=False))
            return at + 1
        if sign[0] == "\\":
            return self._backslashes(at, len(sign), out)
        if sign == "&":
            value, end = _entity(self._text, at)
            out.append(Text(value=value) if end > at + 1 else value)
            return end
        if sign in _KINDS:
            out.append(_Delimiter(sign=sign, braced=False))
            return match.end()
        taken = self._readers[sign[0]](at)
        if taken is None:
            out.append(self._text[at])
            return at + 1
        out.append(taken[0])
        return taken[1]

    def _backslashes(self, at: int, count: int, out: list[_Token]) -> int:
        end = at + count
        following = self._text[end : end + 1]
        if count == 1 and following and following in ESCAPABLE:
            out.append(Text(value=following))
            return end + 1
        if count == 2 and not self._slash_follows(end):
            out.append(Break(hard=True))
            while end < len(self._text) and is_blank(self._text[end]):
                end += 1
            return end
        out.append(self._text[at:end])
        return end

    def _slash_follows(self, at: int) -> bool:
        index = bisect_right(self._slashes, (at, -1))
        return index < len(self._slashes) and self._slashes[index][1] <= at

    def _brace(self, at: int) -> tuple[_Token, int] | None:
        if braced := _BRACED.match(self._text, at):
            return _Delimiter(sign=braced[1], braced=True), braced.end()
        if color := _COLOR.match(self._text, at):
            return Text(value=""), color.end()
        if self._text.startswith("{{{}", at):
            return self._monospaced(at + 4, "{")
        if self._text.startswith("{{", at) and not is_word(self._text[at - 1 : at] if at else ""):
            return self._monospaced(at + 2, "")
        return None

    def _monospaced(self, start: int, tail: str) -> tuple[_Token, int] | None:
        end = self._next("}}", start)
        if end <= start:
            return None
        if tail:
            if not (self._text.startswith("}}}", end) and self._text[end - 1 : end] == "{"):
                return None
            return Code(value=unescaped(self._text[start : end - 1])), end + 3
        while self._text.startswith("}}}", end):
            end += 1
        body = self._text[start:end]
        return (Code(value=unescaped(body)), end + 2) if body.strip(" \t") else None

    def _bracket(self, at: int) -> tuple[_Token, int] | None:
        end = self._next("]", at + 1)
        opened = self._next("[", at + 1)
        if not self._links or end < 0 or 0 <= opened < end:
            return None
        link = _link(_parts(self._text[at + 1 : end]))
        return (link, end + 1) if link else None

    def _image(self, at: int) -> tuple[_Token, int] | None:
        end = self._next("!", at + 1)
        if end < 0 or is_word(self._text[at - 1 : at] if at else ""):
            return None
        target, _, parameters = self._text[at + 1 : end].partition("|")
        if has_scheme(target):
            alt = _parameter(parameters, "alt")
            return Link(url=target, children=(Text(value=alt),) if alt else ()), end + 1
        return (Text(value=unescaped(target)), end + 1) if _FILE.fullmatch(target) else None

    def _url(self, at: int) -> tuple[_Token, int] | None:
        match = BARE_URL.match(self._text, at)
        if match is None or is_word(self._text[at - 1 : at] if at else ""):
            return None
        return Text(value=unescaped(match[0])), match.end()


_BARS = re.compile(r"\\.|\|\|?|\[|!", re.DOTALL)


def _last_backslashes(text: str) -> list[tuple[int, int]]:
    r"""Return, for each run of non-blanks with a backslash: where its last backslash is, where it starts."""
    runs = ((match[0].rfind("\\"), match.start()) for match in re.finditer(r"\S+", text))
    return [(start + last, start) for last, start in runs if last >= 0]


def _parts(content: str) -> list[str]:
    parts: list[str] = []
    start = 0
    for match in _BARS.finditer(content):
        if match[0][0] == "|":
            parts.append(content[start : match.start()])
            start = match.start() + 1
    return [*parts, content[start:]]


def _link(parts: Sequence[str]) -> Inline | None:
    label, target = parts[0], parts[1].strip() if len(parts) > 1 else ""
    if len(parts) == 1 and label[:1] == "~" and len(label) > 1:
        return Text(value="@" + unescaped(label[1:].removeprefix("accountid:")))
    if len(parts) == 1 and label[:1] == "^" and _FILE.fullmatch(label[1:]):
        return Text(value=unescaped(label[1:]))
    if len(parts) == 1 and has_scheme(label):
        return Link(url=label)
    if len(parts) > 3 or not is_link_target(target):
        return None
    title = unescaped(parts[2].strip()) if len(parts) == 3 and parts[2] not in _SMART else ""
    return Link(url=target, children=read_inline(label.strip(" \t"), links=False), title=title)


def _parameter(parameters: str, key: str) -> str:
    for parameter in parameters.split(","):
        name, _, value = parameter.partition("=")
        if name.strip() == key:
            return unescaped(value.strip().strip('"'))
    return ""


class _Phrases:
    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = tokens
        self._line: list[int] = []
        self._closers: dict[str, list[int]] = {}
        line = 0
        for at, token in enumerate(tokens):
            line += isinstance(token, Break)
            self._line.append(line)
            if isinstance(token, _Delimiter) and self._closes(at, token):
                self._closers.setdefault(token.sign, []).append(at)

    def nodes(self) -> tuple[Inline, ...]:
        return tuple(merged(self._resolve(0, len(self._tokens), frozenset())))

    def _resolve(self, start: int, end: int, active: frozenset[str]) -> list[Inline]:
        out: list[Inline] = []
        at = start
        while at < end:
            token = self._tokens[at]
            closer = self._closer(at, token, end, active) if isinstance(token, _Delimiter) else None
            if closer is not None and isinstance(token, _Delimiter):
                out.extend(self._phrase(token.sign, at + 1, closer, active))
                at = closer
            else:
                out.append(_plain(token))
            at += 1
        return out

    def _phrase(self, sign: str, start: int, end: int, active: frozenset[str]) -> list[Inline]:
        children = self._resolve(start, end, active | {sign})
        kind = _KINDS[sign]
        return [Span(kind=kind, children=tuple(merged(children)))] if kind else children

    def _closer(self, at: int, token: _Delimiter, end: int, active: frozenset[str]) -> int | None:
        if token.sign in active or not self._opens(at, token):
            return None
        closers = self._closers.get(token.sign, [])
        index = bisect_left(closers, at + 2)
        if index == len(closers) or closers[index] >= end:
            return None
        found = closers[index]
        return found if self._line[found] == self._line[at] else None

    def _char(self, at: int, side: int) -> str:
        """Return the character of token ``at`` that touches its neighbour; a node counts as a mark."""
        token = self._tokens[at] if 0 <= at < len(self._tokens) else "\n"
        if isinstance(token, str):
            return token[side]
        if isinstance(token, _Delimiter):
            return token.sign[0]
        return "\n" if isinstance(token, Break) else "."

    def _opens(self, at: int, token: _Delimiter) -> bool:
        following = self._char(at + 1, 0)
        free = token.braced or not is_word(self._char(at - 1, -1))
        return free and not is_blank(following) and not self._is_same(at + 1, token.sign)

    def _closes(self, at: int, token: _Delimiter) -> bool:
        previous = self._char(at - 1, -1)
        free = token.braced or not is_word(self._char(at + 1, 0))
        return free and not is_blank(previous) and not self._is_same(at - 1, token.sign)

    def _is_same(self, at: int, sign: str) -> bool:
        token = self._tokens[at] if 0 <= at < len(self._tokens) else None
        return isinstance(token, _Delimiter) and token.sign == sign


def _plain(token: _Token) -> Inline:
    if isinstance(token, _Delimiter):
        return Text(value=f"{{{token.sign}}}" if token.braced else token.sign)
    return Text(value=token) if isinstance(token, str) else token
