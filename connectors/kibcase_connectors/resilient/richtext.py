"""Markdown <-> the rich text (HTML) of QRadar SOAR; pure.

The platform sanitises HTML, wraps it in ``<div class="rte">`` and takes attributes out, so that what comes
back is never what was sent. Both are compared in one normal form: ``normal(html)``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

from kibcase_connectors.markup import normalise, strip_kibana_footer
from kibcase_connectors.markup.characters import clean
from kibcase_connectors.markup.cut import cut
from kibcase_connectors.markup.nodes import (
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
from kibcase_connectors.markup.read_markdown import read_markdown
from kibcase_connectors.markup.wiki import MARKDOWN_LIMIT
from kibcase_connectors.markup.write_markdown import write_markdown
from kibcase_connectors.resilient.read_html import is_address, read_html
from kibcase_connectors.resilient.tidy import tidied

TEXT_LIMIT: Final = 200_000
"""The most characters of HTML that are sent; the platform's own limit is not documented."""

CUT_NOTE: Final = "(Cut here: the text is too long for the incident. All of it is in the case.)"

_TAGS: Final[dict[Kind, str]] = {"strong": "strong", "em": "em", "strike": "s"}
_WRAPPED = re.compile(r'\s*<div class="rte">(.*)</div>\s*', re.DOTALL)


def markdown_to_html(text: str) -> str:
    """Return Markdown (CommonMark, GFM tables and strikethrough) as HTML in normal form.

    Ends of lines become breaks, as Kibana shows them. Not expressible and therefore dropped: the language of
    code blocks, titles of links, runs of blanks, start numbers of lists. A link that the platform would
    take out shows its address in brackets. A text too long or nested too deeply to be parsed is
    carried over whole, preformatted.
    """
    return write_html(blocks_of_markdown(text))


def blocks_of_markdown(text: str) -> tuple[Block, ...]:
    """Return the blocks of a Markdown text as far as HTML here can show them."""
    text = clean(text)
    blocks = read_markdown(text) if len(text) <= MARKDOWN_LIMIT else None
    return tidied((CodeBlock(language="", value=text),) if blocks is None else _plain_links(blocks))


def html_to_markdown(html: str) -> str:
    """Return HTML as Markdown that shows the same text; colours, underlining and sizes are dropped."""
    return normalise(write_markdown(blocks_of_html(html)))


def blocks_of_html(html: str) -> tuple[Block, ...]:
    """Return the blocks of HTML as the platform gives it."""
    return tidied(read_html(clean(html)))


def normal(html: str) -> str:
    """Return HTML in normal form; equal for texts that differ only in what the platform makes of them."""
    return write_html(blocks_of_html(html))


def without_footer(html: str) -> str:
    """Return HTML without what Kibana's own push appends: text with line ends inside HTML."""
    found = _WRAPPED.fullmatch(html)
    inner = found[1] if found else html
    stripped = strip_kibana_footer(inner)
    return html if stripped == inner.rstrip() else stripped


def write_text(markdown: str) -> str:
    """Give the HTML of a description or note, cut visibly if it is longer than ``TEXT_LIMIT``."""
    html = markdown_to_html(markdown)
    room = len(markdown)
    while len(html) > TEXT_LIMIT:
        room = min(room * 9 // 10, room * TEXT_LIMIT // len(html) + 1)
        html = markdown_to_html(cut(markdown, room, CUT_NOTE, markup="markdown")[0])
    return html


def _plain_links(blocks: Iterable[Block]) -> Iterator[Block]:
    """Replace links that the platform would take out by their text and address."""
    for block in blocks:
        match block:
            case Paragraph(children=children):
                yield Paragraph(children=tuple(_kept(children)))
            case Heading(level=level, children=children):
                yield Heading(level=level, children=tuple(_kept(children)))
            case Quote(children=inner):
                yield Quote(children=tuple(_plain_links(inner)))
            case Items(ordered=ordered, items=items):
                yield Items(ordered=ordered, items=tuple(tuple(_plain_links(item)) for item in items))
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


def write_html(blocks: Sequence[Block]) -> str:
    """Return tidy ``blocks`` as HTML."""
    return "".join(map(_block, blocks))


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
