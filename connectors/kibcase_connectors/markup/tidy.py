"""One form for what HTML shows alike: white space, empty elements and neighbours of one kind."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from .nodes import (
    Block,
    Break,
    Cell,
    Code,
    CodeBlock,
    Heading,
    Inline,
    Items,
    Link,
    Paragraph,
    Quote,
    Rule,
    Span,
    Table,
    Text,
    merged,
    on_one_line,
    without,
)

# Editors write non-breaking spaces wherever people type two.
_SPACES = re.compile(r"[ \t\n\r\f\xa0]+")


def tidied(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Return ``blocks`` with the white space that HTML shows, and without those that show nothing."""
    return tuple(_tidied(blocks))


def _tidied(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        match block:
            case Paragraph(children=children):
                yield from (Paragraph(children=part) for part in _parted(tidied_line(children)))
            case Heading(level=level, children=children):
                if inline := tidied_line(on_one_line(children)):
                    yield Heading(level=level, children=inline)
            case CodeBlock(value=value):
                # The name of the language is an attribute, and those are taken out.
                if value.strip():
                    lines = (line.rstrip() for line in composed(value).split("\n"))
                    yield CodeBlock(language="", value="\n".join(lines).strip("\n"))
            case Quote(children=children):
                if inner := tidied(children):
                    yield Quote(children=inner)
            case Items(ordered=ordered, items=items):
                if items:
                    yield Items(ordered=ordered, items=tuple(map(tidied, items)))
            case Table(rows=rows):
                if any(rows):
                    yield Table(rows=tuple(tuple(map(_cell, row)) for row in rows if row))
            case Rule():
                yield block


def _parted(nodes: Sequence[Inline]) -> Iterator[tuple[Inline, ...]]:
    """Part lines where an empty one stands between them, which is how editors end a paragraph."""
    part: list[Inline] = []
    for place, node in enumerate(nodes):
        doubled = isinstance(node, Break) and isinstance(nodes[place - 1], Break)
        if not doubled:
            part.append(node)
        elif part:
            yield tuple(part[:-1])
            part = []
    if part:
        yield tuple(part)


def _cell(cell: Cell) -> Cell:
    return Cell(header=cell.header, children=tidied_line(on_one_line(cell.children)))


def tidied_line(nodes: Sequence[Inline]) -> tuple[Inline, ...]:
    """Return inline content with white space as HTML shows it; breaks at either end are left out."""
    collapsed = _collapsed(_flat(nodes), _Edge(blank=True))
    trimmed = list(_trimmed(collapsed, _Edge(blank=True)))
    while trimmed and isinstance(trimmed[0], Break):
        del trimmed[0]
    while trimmed and isinstance(trimmed[-1], Break):
        del trimmed[-1]
    return tuple(_composed(trimmed))


def composed(text: str) -> str:
    """Return ``text`` in Unicode form NFC. Never for markup: a sign may stand right behind a bracket."""
    return unicodedata.normalize("NFC", text)


def _composed(nodes: Iterable[Inline]) -> Iterator[Inline]:
    for node in merged(nodes):
        match node:
            case Text(value=value) | Code(value=value):
                yield replace(node, value=composed(value))
            case Span(children=children):
                yield replace(node, children=tuple(_composed(children)))
            case Link(url=url, children=children):
                shown = tuple(_composed(children))
                yield replace(node, children=() if shown == (Text(value=url),) else shown)
            case _:
                yield node


def _flat(nodes: Iterable[Inline]) -> Iterator[Inline]:
    """Take off emphasis inside emphasis of its kind, links inside links, and what makes a break a forced one."""
    for node in nodes:
        match node:
            case Span(kind=kind, children=children):
                yield Span(kind=kind, children=tuple(_flat(on_one_line(without(kind, children)))))
            case Link(children=children):
                yield replace(node, title="", children=tuple(_flat(on_one_line(_unlinked(children)))))
            case Break():
                yield Break(hard=False)
            case _:
                yield node


def _unlinked(nodes: Iterable[Inline]) -> Iterator[Inline]:
    for node in nodes:
        match node:
            case Link(url=url, children=children):
                yield from tuple(_unlinked(children)) or (Text(value=url),)
            case Span(kind=kind, children=children):
                yield Span(kind=kind, children=tuple(_unlinked(children)))
            case _:
                yield node


@dataclass(slots=True)
class _Edge:
    blank: bool


def _collapsed(nodes: Iterable[Inline], edge: _Edge) -> tuple[Inline, ...]:
    """Fold white space, and drop what follows other white space or begins a line."""
    out: list[Inline] = []
    for node in nodes:
        match node:
            case Text(value=value):
                value = _SPACES.sub(" ", value)
                value = value.lstrip() if edge.blank else value
                if value:
                    edge.blank = value.endswith(" ")
                    out.append(Text(value=value))
            case Code(value=value):
                if value.strip():
                    edge.blank = False
                    out.append(Code(value=_SPACES.sub(" ", value).strip()))
            case Break():
                edge.blank = True
                out.append(node)
            case Span(children=children):
                if inner := _collapsed(children, edge):
                    out.append(replace(node, children=inner))
            case Link(children=children):
                inner = _collapsed(children, edge)
                if inner or not children:
                    edge.blank = edge.blank and bool(children)
                    out.append(replace(node, children=inner))
    return tuple(out)


def _trimmed(nodes: Sequence[Inline], edge: _Edge) -> tuple[Inline, ...]:
    """Drop white space that ends a line."""
    out: list[Inline] = []
    for node in reversed(nodes):
        match node:
            case Text(value=value):
                value = value.rstrip() if edge.blank else value
                if value:
                    edge.blank = False
                    out.append(Text(value=value))
            case Break():
                edge.blank = True
                out.append(node)
            case Span(children=children) | Link(children=children) if children:
                if inner := _trimmed(children, edge):
                    out.append(replace(node, children=inner))
            case _:
                edge.blank = False
                out.append(node)
    return tuple(reversed(out))
