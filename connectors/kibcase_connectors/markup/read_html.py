"""HTML -> document tree, for the subset that rich text editors produce; linear in the text's length."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Final

from .nodes import (
    Block,
    Break,
    Cell,
    Code,
    CodeBlock,
    Heading,
    Inline,
    Items,
    Kind,
    Link,
    Paragraph,
    Quote,
    Rule,
    Span,
    Table,
    Text,
)

SCHEMES: Final = ("http://", "https://", "mailto:")
"""What the address of a link may begin with; sanitisers take other links out."""

_DEPTH: Final = 40
_NESTING: Final = 6
_TOKEN = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)([^<>]*)>|<[!?][^<>]*>")
_HREF = re.compile(r"""(?:^|\s)(?:href|src)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_ALT = re.compile(r"""(?:^|\s)alt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_VOID = frozenset({"br", "hr", "img", "wbr", "input", "col", "meta", "link"})
_SILENT = frozenset({"script", "style", "title", "head"})
_SPANS: Final[dict[str, Kind]] = {
    "strong": "strong", "b": "strong", "em": "em", "i": "em", "s": "strike", "strike": "strike", "del": "strike",
}
_CONTAINERS = frozenset({"div", "p", "section", "article", "center", "dl", "dt", "dd", "figure", "body", "html"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_ROWS = frozenset({"tr", "thead", "tbody", "tfoot", "td", "th", "caption"})
_LISTS = frozenset({"ul", "ol"})
_BLOCKS = _CONTAINERS | _HEADINGS | _LISTS | _ROWS | {"li", "blockquote", "pre", "table", "hr"}
# What an opening tag ends that was left open, and the elements beyond which it does not reach.
_ENDS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "li": (frozenset({"li"}), _LISTS),
    "tr": (frozenset({"tr"}), frozenset({"table"})),
    "td": (frozenset({"td", "th"}), frozenset({"tr", "table"})),
    "th": (frozenset({"td", "th"}), frozenset({"tr", "table"})),
}
_CELLS = frozenset({"td", "th", "li", "blockquote", "div", "table"})


@dataclass(slots=True)
class _Element:
    tag: str
    attributes: str = ""
    children: list[_Element | str] = field(default_factory=list)


_Child = _Element | str


def read_html(text: str) -> tuple[Block, ...]:
    """Return the blocks of ``text``. Unknown elements are taken off, their content stays; scripts vanish."""
    return tuple(_blocks(_tree(text).children, 0))


def _tree(text: str) -> _Element:
    builder = _Builder()
    position = 0
    for token in _TOKEN.finditer(text):
        builder.text(text[position : token.start()])
        position = token.end()
        if token[2]:
            builder.tag(token[2].lower(), token[3], closing=bool(token[1]))
    builder.text(text[position:])
    return builder.root


class _Builder:
    def __init__(self) -> None:
        self.root = _Element("")
        self._open = [self.root]
        self._ignored: dict[str, int] = {}
        self._silent = ""

    def text(self, raw: str) -> None:
        if raw and not self._silent:
            self._open[-1].children.append(unescape(raw))

    def tag(self, name: str, attributes: str, *, closing: bool) -> None:
        if self._silent:
            self._silent = "" if closing and name == self._silent else self._silent
        elif name in _SILENT:
            self._silent = "" if closing else name
        elif closing:
            self._close(name)
        else:
            self._begin(name, attributes)

    def _begin(self, name: str, attributes: str) -> None:
        if name in _VOID:
            self._open[-1].children.append(_Element(name, attributes))
            return
        if name in _BLOCKS:
            self._end_open({"p"} | _HEADINGS, _CELLS)
        if name in _ENDS:
            self._end_open(*_ENDS[name])
        if len(self._open) > _DEPTH:
            self._ignored[name] = self._ignored.get(name, 0) + 1
            return
        element = _Element(name, attributes)
        self._open[-1].children.append(element)
        self._open.append(element)

    def _end_open(self, ended: Iterable[str], borders: Iterable[str]) -> None:
        for place in range(len(self._open) - 1, 0, -1):
            if self._open[place].tag in borders:
                return
            if self._open[place].tag in ended:
                del self._open[place:]
                return

    def _close(self, name: str) -> None:
        if self._ignored.get(name):
            self._ignored[name] -= 1
            return
        for place in range(len(self._open) - 1, 0, -1):
            if self._open[place].tag == name:
                del self._open[place:]
                return


def _blocks(children: Iterable[_Child], nesting: int) -> Iterator[Block]:
    run: list[_Child] = []
    for child in _unwrapped(children):
        if isinstance(child, str) or child.tag not in _BLOCKS:
            run.append(child)
            continue
        yield Paragraph(children=tuple(_inlines(run)))
        run = []
        yield from _block(child, nesting)
    yield Paragraph(children=tuple(_inlines(run)))


def _unwrapped(children: Iterable[_Child]) -> Iterator[_Child]:
    """Take off the elements that mean nothing here, so that blocks inside them are seen."""
    for child in children:
        transparent = isinstance(child, _Element) and not (
            child.tag in _BLOCKS or child.tag in _SPANS or child.tag in _VOID or child.tag in ("a", "code", "tt")
        )
        if isinstance(child, _Element) and transparent:
            yield from _unwrapped(child.children)
        else:
            yield child


def _block(element: _Element, nesting: int) -> Iterator[Block]:
    tag = element.tag
    if tag in _HEADINGS:
        yield Heading(level=int(tag[1]), children=tuple(_inlines(element.children)))
    elif tag == "pre":
        yield CodeBlock(language="", value=_verbatim(element))
    elif tag == "hr":
        yield Rule()
    elif tag == "table":
        yield Table(rows=tuple(_rows(element)))
    elif tag in _LISTS and nesting < _NESTING:
        yield Items(ordered=tag == "ol", items=tuple(tuple(_blocks(i, nesting + 1)) for i in _items(element)))
    elif tag == "blockquote" and nesting < _NESTING:
        yield Quote(children=tuple(_blocks(element.children, nesting + 1)))
    else:
        yield from _blocks(element.children, nesting)


def _items(element: _Element) -> list[list[_Child]]:
    """Give the contents of the items; what stands between them belongs to the one before."""
    items: list[list[_Child]] = []
    for child in element.children:
        if isinstance(child, _Element) and child.tag == "li":
            items.append(list(child.children))
        elif isinstance(child, _Element) or child.strip():
            if not items:
                items.append([])
            items[-1].append(child)
    return items


def _rows(element: _Element) -> Iterator[tuple[Cell, ...]]:
    for child in element.children:
        if isinstance(child, str):
            continue
        if child.tag == "tr":
            yield tuple(
                Cell(header=cell.tag == "th", children=tuple(_inlines(cell.children)))
                for cell in child.children if isinstance(cell, _Element) and cell.tag in ("td", "th")
            )
        else:
            yield from _rows(child)


def _inlines(children: Iterable[_Child]) -> Iterator[Inline]:
    for child in children:
        if isinstance(child, str):
            yield Text(value=child)
        elif child.tag == "br":
            yield Break(hard=False)
        elif child.tag in _SPANS:
            yield Span(kind=_SPANS[child.tag], children=tuple(_inlines(child.children)))
        elif child.tag in ("code", "tt"):
            yield Code(value=_verbatim(child))
        elif child.tag in ("a", "img"):
            yield from _link(child)
        elif child.tag in _BLOCKS:
            yield from (Break(hard=False), *_inlines(child.children), Break(hard=False))
        else:
            yield from _inlines(child.children)


def _link(element: _Element) -> Iterator[Inline]:
    url = _attribute(_HREF, element)
    alternative = _attribute(_ALT, element) if element.tag == "img" else ""
    children: tuple[Inline, ...] = (Text(value=alternative),) if alternative else tuple(_inlines(element.children))
    if is_address(url):
        yield Link(url=url, children=children or (Text(value=url),))
    else:
        yield from children


def is_address(url: str) -> bool:
    """Tell whether a link to ``url`` outlives sanitising: web and mail addresses do."""
    return url.lower().startswith(SCHEMES) and not any(c.isspace() or c in '<>"' for c in url)


def _attribute(pattern: re.Pattern[str], element: _Element) -> str:
    found = pattern.search(element.attributes)
    return unescape(next((group for group in found.groups() if group is not None), "")).strip() if found else ""


def _verbatim(element: _Element) -> str:
    return "".join(
        child if isinstance(child, str) else "\n" if child.tag == "br" else _verbatim(child)
        for child in element.children
    )
