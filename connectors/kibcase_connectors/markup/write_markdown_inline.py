"""Document tree -> Markdown: what stands within a line, and the escapes of plain text."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count

from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace

from .characters import ENTITY, clean, is_blank, is_word
from .escape import EDGE
from .nodes import Break, Code, Inline, Kind, Link, Span, Text, merged, on_one_line, without

_MARKS = re.compile(r"[\\`*_\[\]<&~!]")
_LINE = re.compile(
    r"""(?P<mark>[#]{1,6}(?=[ \t]|$) | [-+*](?=[ \t]|$) | > | =+$ | -+$ | _[_ \t]*$ | [-:|][-:| \t]*$)
      | (?P<number>[0-9]{1,9})(?P<dot>[.)])(?=[ \t]|$)""",
    re.VERBOSE,
)
_AUTOLINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,31}:[^<>\x00-\x20\x7f]*")
_TICKS = re.compile("`+")
_PUNCTUATION = frozenset(string.punctuation)
_IN_TARGET = str.maketrans({"\\": "%5C", "<": "%3C", ">": "%3E", "\x7f": "%7F"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Emphasis:
    kind: Kind
    core: str


def escape_markdown(text: str) -> str:
    r"""Return ``text`` as Markdown that shows exactly ``text``, apart from blanks at line ends.

    Newlines stay newlines; a blank line starts a new paragraph. Characters XML forbids are dropped.
    """
    paragraphs = re.split(r"\n[ \t]*(?:\n[ \t]*)+", clean(text))
    return "\n\n".join(filter(None, (inline(_lines(paragraph)) for paragraph in paragraphs)))


def _lines(paragraph: str) -> Iterator[Inline]:
    for line in paragraph.split("\n"):
        yield Text(value=line)
        yield Break(hard=False)


def inline(nodes: Iterable[Inline], *, starts_line: bool = True, strong: bool = False) -> str:
    """Return inline content as Markdown.

    ``starts_line`` escapes what would open a block there, ``strong`` emphasises all of it.
    """
    children = tuple(nodes)
    if strong:
        children = (Span(kind="strong", children=without("strong", children)),)
    text = _joined(_pieces(children, "\n"))
    lines = list(filter(None, (_protected(line, starts_line=starts_line) for line in text.split("\n"))))
    while lines and (len(lines[-1]) - len(lines[-1].rstrip("\\"))) % 2:
        lines[-1] = lines[-1][:-1].rstrip(" \t")
        if not lines[-1]:
            del lines[-1]
    return "\n".join(lines)


def _inside(nodes: Iterable[Inline]) -> str:
    return _joined(_pieces(on_one_line(nodes), EDGE))


def _protected(line: str, *, starts_line: bool) -> str:
    line = line.strip(" \t")
    if line and _vanishes(line[0]):
        line = f"&#{ord(line[0])};{line[1:]}"
    if line and _vanishes(line[-1]):
        line = f"{line[:-1]}&#{ord(line[-1])};"
    match = _LINE.match(line) if starts_line else None
    if match is None:
        return line
    at = match.start("dot") if match["dot"] else 0
    return f"{line[:at]}\\{line[at:]}"


def _vanishes(char: str) -> bool:
    """Tell whether a parser trims ``char`` at a line's end; C1 controls have no entity and are kept."""
    return char.isspace() and char > "\x9f"


def _pieces(nodes: Iterable[Inline], end: str) -> Iterator[str | _Emphasis]:
    parts = tuple(merged(nodes))
    for number, node in enumerate(parts):
        match node:
            case Text(value=value):
                before = _side(parts[number - 1], after=False) if number else end
                after = _side(parts[number + 1], after=True) if number + 1 < len(parts) else end
                yield _escaped(value, before, after)
            case Break(hard=hard):
                yield "\\\n" if hard else "\n"
            case Code(value=value):
                yield _code(value)
            case Link():
                yield _link(node)
            case Span():
                yield from _span(node)


def _side(node: Inline, *, after: bool) -> str:
    """Return what touches a text next to ``node``: before a hard break that is the break's backslash."""
    ends_line = isinstance(node, Break) and not (after and node.hard)
    return "\n" if ends_line else EDGE


def _span(span: Span) -> Iterator[str | _Emphasis]:
    body = _inside(without(span.kind, span.children))
    start, stop = 0, len(body)
    while start < stop and isWhiteSpace(ord(body[start])):
        start += 1
    while stop > start and isWhiteSpace(ord(body[stop - 1])):
        stop -= 1
    yield body[:start]
    if start < stop:
        yield _Emphasis(kind=span.kind, core=body[start:stop])
        yield body[stop:]


def _joined(pieces: Iterable[str | _Emphasis]) -> str:
    kept = [piece for piece in pieces if piece]
    out: list[str] = []
    for number, piece in enumerate(kept):
        if isinstance(piece, str):
            out.append(piece)
            continue
        following = kept[number + 1] if number + 1 < len(kept) else ""
        before = out[-1][-1] if out else ""
        after = following[:1] if isinstance(following, str) else "*"
        sign = _sign(piece, before, after)
        if out and not _flanks(sign, before, piece.core[0]):
            out[-1] = _entity_at_end(out[-1])
        if isinstance(following, str) and following and not _flanks(sign, after, piece.core[-1]):
            kept[number + 1] = f"&#{ord(after)};{following[1:]}"
        out.append(f"{sign}{piece.core}{sign}")
    return "".join(out)


def _sign(piece: _Emphasis, before: str, after: str) -> str:
    if piece.kind != "em":
        return "**" if piece.kind == "strong" else "~~"
    within_word = is_word(before) or is_word(after)
    clear = before and after and "*" not in (before, after, piece.core[0], piece.core[-1])
    return "*" if within_word and clear else "_"


def _flanks(sign: str, outer: str, inner: str) -> bool:
    """Tell whether ``sign`` works as a delimiter between these two characters (CommonMark 6.2)."""
    if not outer or isWhiteSpace(ord(outer)) or _is_punctuation(outer):
        return True
    return sign != "_" and not _is_punctuation(inner)


def _is_punctuation(char: str) -> bool:
    return isMdAsciiPunct(ord(char)) or isPunctChar(char)


def _entity_at_end(text: str) -> str:
    head = text[:-1]
    if (len(head) - len(head.rstrip("\\"))) % 2:
        head += "\\"
    return f"{head}&#{ord(text[-1])};"


def _code(value: str) -> str:
    if not value:
        return ""
    runs = {len(run) for run in _TICKS.findall(value)}
    ticks = "`" * next(size for size in count(1) if size not in runs)
    pads = "`" in (value[0], value[-1]) or (value[0] == value[-1] == " " and value.strip(" "))
    pad = " " if pads else ""
    return f"{ticks}{pad}{value}{pad}{ticks}"


def _link(link: Link) -> str:
    url = ENTITY.sub(lambda match: "&amp;" + match[0][1:], link.url.translate(_IN_TARGET))
    label = _inside(link.children)
    if not label and not link.title and _AUTOLINK.fullmatch(link.url):
        return f"<{link.url}>"
    label = label or _escaped(link.url, EDGE, EDGE)
    target = f"<{url}>" if "(" in url or ")" in url else url
    title = f' "{_TITLE.sub(_backslashed, link.title)}"' if link.title else ""
    return f"[{label}]({target}{title})"


_TITLE = re.compile(r'["\\&]')


def _backslashed(match: re.Match[str]) -> str:
    return "\\" + match[0]


def _escaped(text: str, before: str, after: str) -> str:
    out: list[str] = []
    position = 0
    for match in _MARKS.finditer(text):
        at = match.start()
        previous = text[at - 1] if at else before
        following = text[at + 1] if at + 1 < len(text) else after
        out.append(text[position:at])
        if _is_mark(text, at, previous, following):
            out.append("\\")
        position = at
    return "".join(out) + text[position:]


def _is_mark(text: str, at: int, previous: str, following: str) -> bool:
    match text[at]:
        case "\\":
            return following in _PUNCTUATION or following.isspace() or following == EDGE
        case "&":
            return ENTITY.match(text, at) is not None
        case "!":
            return following in {"{", EDGE}
        case "<":
            return not is_blank(following) and not following.isdigit()
        case "_" if is_word(previous) and is_word(following):
            return False
        case "*" | "_" | "~":
            return not (is_blank(previous) and is_blank(following))
    return True
