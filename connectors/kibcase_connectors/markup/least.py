"""How long a document is at least, in whatever notation: counted, not rendered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .nodes import (
    Block,
    Break,
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
)


def least(blocks: Iterable[Block]) -> int:
    """Return a number of characters that no rendering of ``blocks`` is below.

    Counted are the characters that are no white space, and of lists and tables that are in no other block one for
    each item, one for each cell and two for each end of a row.
    """
    return sum(_sizes(blocks))


def _sizes(blocks: Iterable[Block]) -> Iterator[int]:
    for block in blocks:
        match block:
            case Items(items=items):
                for item in items:
                    yield 1
                    yield from _texts(item)
            case Table(rows=rows):
                # A header that shows nothing is left out where a notation needs none.
                for row in rows:
                    yield sum(_inline(cell.children) for cell in row)
                yield from (len(row) + 2 for row in rows[1:] if row)
            case _:
                yield from _texts((block,))


def _texts(blocks: Iterable[Block]) -> Iterator[int]:
    for block in blocks:
        match block:
            case Paragraph(children=children) | Heading(children=children):
                yield _inline(children)
            case CodeBlock(value=value):
                yield _visible(value)
            case Quote(children=children):
                yield from _texts(children)
            case Items(items=items):
                for item in items:
                    yield from _texts(item)
            case Table(rows=rows):
                for row in rows:
                    yield sum(_inline(cell.children) for cell in row)
            case Rule():
                continue


def _inline(nodes: Iterable[Inline]) -> int:
    return sum(map(_one, nodes))


def _one(node: Inline) -> int:
    match node:
        case Text(value=value) | Code(value=value):
            return _visible(value)
        case Span(children=children) | Link(children=children):
            return _inline(children)
        case Break():
            return 0


def _visible(text: str) -> int:
    return sum(map(len, text.split()))
