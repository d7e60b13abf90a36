"""Document tree -> HTML, for the subset that rich text editors keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
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
from .read_html import is_address

_TAGS: Final[dict[Kind, str]] = {"strong": "strong", "em": "em", "strike": "s"}


def write_html(blocks: Sequence[Block]) -> str:
    """Return tidy ``blocks`` as HTML."""
    return "".join(map(_block, blocks))


def plain_links(blocks: Iterable[Block]) -> Iterator[Block]:
    """Replace links that sanitisers would take out by their text and address."""
    for block in blocks:
        match block:
            case Paragraph(children=children):
                yield Paragraph(children=tuple(_kept(children)))
            case Heading(level=level, children=children):
                yield Heading(level=level, children=tuple(_kept(children)))
            case Quote(children=inner):
                yield Quote(children=tuple(plain_links(inner)))
            case Items(ordered=ordered, items=items):
                yield Items(ordered=ordered, items=tuple(tuple(plain_links(item)) for item in items))
            case Table(rows=rows):
                yield Table(rows=tuple(
                    tuple(Cell(header=cell.header, children=tuple(_kept(cell.children))) for cell in row)
                    for row in rows
                ))
            case CodeBlock() | Rule():
                yield block


def _kept(nodes: Iterable[Inline]) -> Iterator[Inline]:
    for node in nodes:
        match node:
            case Span(kind=kind, children=children):
                yield Span(kind=kind, children=tuple(_kept(children)))
            case Link(url=url, children=children) if not is_address(url):
                yield from children
                yield Text(value=f" ({url})" if children else url)
            case _:
                yield node


def _block(block: Block) -> str:
    match block:
        case Paragraph(children=children):
            return f"<p>{_inline(children)}</p>"
        case Heading(level=level, children=children):
            return f"<h{level}>{_inline(children)}</h{level}>"
        case CodeBlock(value=value):
            return f"<pre>{escape(value, quote=False)}</pre>"
        case Quote(children=inner):
            return f"<blockquote>{write_html(inner)}</blockquote>"
        case Items(ordered=ordered, items=items):
            tag = "ol" if ordered else "ul"
            return f"<{tag}>{''.join(f'<li>{_item(item)}</li>' for item in items)}</{tag}>"
        case Table(rows=rows):
            return f"<table><tbody>{''.join(f'<tr>{_row(row)}</tr>' for row in rows)}</tbody></table>"
        case Rule():
            return "<hr />"


def _item(blocks: Sequence[Block]) -> str:
    match blocks:
        case [Paragraph(children=children), *rest]:
            return _inline(children) + write_html(rest)
    return write_html(blocks)


def _row(row: Iterable[Cell]) -> str:
    tagged = (("th" if cell.header else "td", cell) for cell in row)
    return "".join(f"<{tag}>{_inline(cell.children)}</{tag}>" for tag, cell in tagged)


def _inline(nodes: Iterable[Inline]) -> str:
    return "".join(map(_one, nodes))


def _one(node: Inline) -> str:
    match node:
        case Text(value=value):
            return escape(value, quote=False)
        case Code(value=value):
            return f"<code>{escape(value, quote=False)}</code>"
        case Break():
            return "<br />"
        case Span(kind=kind, children=children):
            return f"<{_TAGS[kind]}>{_inline(children)}</{_TAGS[kind]}>"
        case Link(url=url, children=children):
            return f'<a href="{escape(url)}">{_inline(children) or escape(url, quote=False)}</a>'
