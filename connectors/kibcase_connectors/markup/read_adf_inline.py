"""Atlassian Document Format -> document tree: what stands within a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from .characters import clean
from .nodes import Break, Code, Inline, Kind, Link, Span, Text, has_scheme, is_link_target, merged

INLINE: Final = frozenset({
    "text", "hardBreak", "mention", "emoji", "date", "status", "placeholder", "inlineCard", "mediaInline",
    "inlineExtension",
})
"""The types of nodes that stand within a line."""

_KINDS: Final[dict[str, Kind]] = {"strong": "strong", "em": "em", "strike": "strike"}
_ORDER: Final = ("link", "em", "strong", "strike")
_SHOWN: Final = ("text", "shortName", "alt", "title", "name")

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    kind: Kind | None
    url: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    node: Inline
    marks: frozenset[_Mark] = frozenset()


def content_of(node: Node) -> tuple[Node, ...]:
    """Return the nodes inside ``node``; what is no JSON object is left out."""
    content = node.get("content")
    return tuple(child for child in content if isinstance(child, Mapping)) if isinstance(content, list) else ()


def kind_of(node: Node) -> str:
    """Return the type of a node, empty when it has none."""
    kind = node.get("type")
    return kind if isinstance(kind, str) else ""


def attributes(node: Node) -> Node:
    """Return the attributes of a node, empty when it has none."""
    attrs = node.get("attrs")
    return attrs if isinstance(attrs, Mapping) else {}


def read_inline(nodes: Iterable[Node]) -> tuple[Inline, ...]:
    """Return inline content; blocks where they do not belong stay as their text."""
    return _grouped([piece for node in nodes for piece in _pieces(node)], frozenset())


def plain_text(node: Node) -> tuple[Inline, ...]:
    """Return the text of ``node`` and all below it without marks, blocks parted by breaks; never recurses."""
    out: list[Inline] = []
    stack: list[Node | None] = [node]
    while stack:
        found = stack.pop()
        if found is None:
            out.append(Break(hard=False))
        elif (inside := content_of(found)) and kind_of(found) not in INLINE:
            stack.append(None)
            stack.extend(reversed(inside))
        else:
            out.extend(piece.node for piece in _leaf(found))
    return tuple(_unlinked(out))


def _unlinked(nodes: Iterable[Inline]) -> Iterator[Inline]:
    for node in nodes:
        match node:
            case Code(value=value) | Link(url=value):
                yield Text(value=value)
            case _:
                yield node


def _pieces(node: Node) -> Iterator[_Piece]:
    if kind_of(node) in INLINE or not content_of(node):
        return _leaf(node)
    return (_Piece(node=found) for found in plain_text(node))


def _leaf(node: Node) -> Iterator[_Piece]:
    attrs = attributes(node)
    match kind_of(node):
        case "text":
            return _text(node)
        case "hardBreak":
            return iter([_Piece(node=Break(hard=False))])
        case "mention":
            name = _first(attrs, ("text", "id"))
            return _lines(name if name.startswith("@") or not name else f"@{name}")
        case "date":
            return _lines(_date(attrs.get("timestamp")))
        case "inlineCard" | "blockCard" | "embedCard" | "media" | "mediaInline":
            return _card(attrs)
    own = node.get("text")
    return _lines(own if isinstance(own, str) else _first(attrs, _SHOWN))


def _first(attrs: Node, names: Sequence[str]) -> str:
    return next((value for name in names if isinstance(value := attrs.get(name), str) and value.strip()), "")


def _lines(text: str, *marks: _Mark) -> Iterator[_Piece]:
    for number, line in enumerate(clean(text).split("\n")):
        if number:
            yield _Piece(node=Break(hard=False))
        if line:
            yield _Piece(node=Text(value=line.replace("\t", " ")), marks=frozenset(marks))


def _date(timestamp: object) -> str:
    """Return the day of a ``date`` node, whose ``timestamp`` is a text with epoch milliseconds (UTC)."""
    text = str(timestamp)
    if not text.isdecimal() or len(text) > 15:
        return text if isinstance(timestamp, str) else ""
    seconds = int(text) // 1000
    return datetime.fromtimestamp(seconds, UTC).date().isoformat() if seconds < 253_402_300_800 else text


def _card(attrs: Node) -> Iterator[_Piece]:
    """Show a card or a picture as a link; a file that has no address shows its name."""
    data = attrs.get("data")
    url = _first(attrs, ("url",)) or (_first(data, ("url", "@id")) if isinstance(data, Mapping) else "")
    name = _first(attrs, ("alt", "__fileName")) or (_first(data, ("name",)) if isinstance(data, Mapping) else "")
    if not url:
        return _lines(name or ("attachment" if "collection" in attrs else ""))
    return _lines(name or url, _Mark(kind=None, url=clean(url)))


def _text(node: Node) -> Iterator[_Piece]:
    text = node.get("text")
    if not isinstance(text, str):
        return
    found = node.get("marks")
    marks = [mark for mark in found if isinstance(mark, Mapping)] if isinstance(found, list) else []
    links = [_link_mark(attributes(mark)) for mark in marks if kind_of(mark) == "link"][:1]
    if any(kind_of(mark) == "code" for mark in marks):
        value = clean(text).replace("\n", " ").replace("\t", " ")
        yield _Piece(node=Code(value=value), marks=frozenset(links))
        return
    kinds = [_Mark(kind=_KINDS[kind]) for mark in marks if (kind := kind_of(mark)) in _KINDS]
    yield from _lines(text, *links, *kinds)


def _link_mark(attrs: Node) -> _Mark:
    title = " ".join(clean(_first(attrs, ("title",))).split())
    return _Mark(kind=None, url=clean(_first(attrs, ("href",))), title=title)


def _grouped(pieces: Sequence[_Piece], outer: frozenset[_Mark]) -> tuple[Inline, ...]:
    """Nest the marks of neighbours: the mark that reaches furthest goes outside."""
    out: list[Inline] = []
    at = 0
    while at < len(pieces):
        inner = pieces[at].marks - outer
        if not inner:
            out.append(pieces[at].node)
            at += 1
            continue
        mark = max(sorted(inner, key=_rank), key=lambda mark: _reach(pieces, at, mark))
        end = _reach(pieces, at, mark)
        out.extend(_wrapped(mark, _grouped(pieces[at:end], outer | {mark})))
        at = end
    return tuple(merged(out))


def _rank(mark: _Mark) -> int:
    return _ORDER.index(mark.kind or "link")


def _reach(pieces: Sequence[_Piece], at: int, mark: _Mark) -> int:
    while at < len(pieces) and mark in pieces[at].marks:
        at += 1
    return at


def _wrapped(mark: _Mark, children: tuple[Inline, ...]) -> Iterator[Inline]:
    if mark.kind is not None:
        yield Span(kind=mark.kind, children=children)
    elif not is_link_target(mark.url):
        yield from children
        if mark.url and children != (Text(value=mark.url),):
            yield Text(value=f" ({mark.url})")
    else:
        plain = children == (Text(value=mark.url),) and has_scheme(mark.url)
        yield Link(url=mark.url, title=mark.title, children=() if plain else children)
