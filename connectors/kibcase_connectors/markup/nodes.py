"""The document tree between the notations: what Markdown and at least one other of them express."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, groupby
from typing import Literal

Kind = Literal["strong", "em", "strike"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,31}):")
_REFUSED = frozenset({"javascript", "vbscript", "data", "file"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Text as people see it, without any notation and without newlines."""

    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Monospaced text within a line."""

    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """The end of a line inside a paragraph; ``hard`` when it was forced."""

    hard: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Emphasised inline content."""

    kind: Kind
    children: tuple[Inline, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link; without children it shows its own address."""

    url: str
    children: tuple[Inline, ...] = ()
    title: str = ""


Inline = Text | Code | Break | Span | Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Lines of running text."""

    children: tuple[Inline, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading of level 1 to 6."""

    level: int
    children: tuple[Inline, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeBlock:
    """Preformatted lines; ``language`` is empty for raw text."""

    language: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Quoted blocks."""

    children: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list; each item is a run of blocks. ``start`` numbers the first item of an ordered one."""

    ordered: bool
    items: tuple[tuple[Block, ...], ...]
    start: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a table."""

    header: bool
    children: tuple[Inline, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table, row by row; rows may differ in length."""

    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A horizontal rule."""


Block = Paragraph | Heading | CodeBlock | Quote | Items | Table | Rule


def is_link_target(url: str) -> bool:
    """Tell whether ``url`` may be the target of a link.

    It has a scheme, or starts with ``/``, ``#`` or ``.``; it holds no white space; and it is none of
    ``javascript:``, ``vbscript:``, ``data:``, ``file:``.
    """
    if not url or any(char.isspace() for char in url):
        return False
    scheme = _SCHEME.match(url)
    if scheme is None:
        return url[0] in "/#."
    return scheme[1].lower() not in _REFUSED and len(url) > scheme.end()


def has_scheme(url: str) -> bool:
    """Tell whether ``url`` is a link target with a scheme, hence one that needs no text of its own."""
    return _SCHEME.match(url) is not None and is_link_target(url)


def merged(nodes: Iterable[Inline]) -> Iterator[Inline]:
    """Join neighbours of one kind, which no notation can tell apart when they touch."""
    for _, run in groupby(nodes, key=_joins):
        same = tuple(run)
        match same[0]:
            case Text():
                yield Text(value="".join(node.value for node in same if isinstance(node, Text)))
            case Code():
                yield Code(value="".join(node.value for node in same if isinstance(node, Code)))
            case Span() as first if len(same) > 1:
                children = chain.from_iterable(node.children for node in same if isinstance(node, Span))
                yield Span(kind=first.kind, children=tuple(merged(children)))
            case _:
                yield from same


def _joins(node: Inline) -> str:
    return node.kind if isinstance(node, Span) else type(node).__name__


def on_one_line(nodes: Iterable[Inline]) -> tuple[Inline, ...]:
    """Replace breaks by spaces, for content that must stay on one line."""
    return tuple(Text(value=" ") if isinstance(node, Break) else node for node in nodes)


def without(kind: Kind, nodes: Iterable[Inline]) -> tuple[Inline, ...]:
    """Take the emphasis ``kind`` off ``nodes``, at any depth; no notation nests a kind in itself."""
    out: list[Inline] = []
    for node in nodes:
        if isinstance(node, Span):
            inner = without(kind, node.children)
            out.extend(inner if node.kind == kind else (replace(node, children=inner),))
        else:
            out.append(node)
    return tuple(out)
