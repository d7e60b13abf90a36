"""Markdown (CommonMark, GFM tables and strikethrough) -> document tree, through markdown-it-py."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import accumulate

from kibcase.errors import MissingExtraError

from .characters import clean
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
    is_link_target,
)

try:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode
except ModuleNotFoundError as missing:
    raise MissingExtraError("connectors", "markdown_it") from missing

DEPTH = 20
MARKDOWN_LIMIT = 49_152
"""The longest text that is parsed, in characters; Kibana stores 30,000."""

_KINDS: dict[str, Kind] = {"strong": "strong", "em": "em", "s": "strike"}
_LANGUAGE = re.compile(r"[A-Za-z0-9+#_.-]{1,40}")
_SPACES = re.compile(r"[\t\n\r]")


@cache
def parser() -> MarkdownIt:
    """Return the Markdown parser of this package: HTML is plain text, nesting stops at ``DEPTH`` levels."""
    options = {"html": False, "maxNesting": DEPTH}
    return MarkdownIt("commonmark", options).enable(["table", "strikethrough"])


def blocks_of_markdown(text: str) -> tuple[Block, ...]:
    """Return the blocks of any text, without characters that XML forbids.

    One longer than ``MARKDOWN_LIMIT`` or nested deeper than ``DEPTH`` is one code block that shows it whole.
    """
    text = clean(text)
    blocks = read_markdown(text) if len(text) <= MARKDOWN_LIMIT else None
    return (CodeBlock(language="", value=text),) if blocks is None else blocks


def read_markdown(text: str) -> tuple[Block, ...] | None:
    """Return the blocks of ``text``; None when it nests deeper than ``DEPTH``, where the parser drops text."""
    tokens = parser().parse(text)
    if any(_is_too_deep(token) for token in tokens):
        return None
    return _blocks(SyntaxTreeNode(tokens).children)


def _is_too_deep(token: Token) -> bool:
    if token.type in {"blockquote_open", "list_item_open"}:
        return token.level + 1 >= DEPTH
    return max(accumulate(child.nesting for child in token.children or ()), default=0) >= DEPTH


def _blocks(nodes: Iterable[SyntaxTreeNode]) -> tuple[Block, ...]:
    return tuple(_block(node) for node in nodes)


def _block(node: SyntaxTreeNode) -> Block:
    match node.type:
        case "heading":
            return Heading(level=int(node.tag[1]), children=_content(node))
        case "fence" | "code_block":
            return CodeBlock(language=language_of(node.info), value=node.content.removesuffix("\n"))
        case "blockquote":
            return Quote(children=_blocks(node.children))
        case "bullet_list" | "ordered_list":
            items = tuple(_blocks(item.children) for item in node.children)
            return Items(ordered=node.type == "ordered_list", items=items, start=int(node.attrs.get("start", 1)))
        case "table":
            return Table(rows=tuple(_row(row) for part in node.children for row in part.children))
        case "hr":
            return Rule()
        case "paragraph":
            return Paragraph(children=_content(node))
    raise NotImplementedError(f"markdown-it-py made a block of type {node.type!r}, which is not known here")


def language_of(info: str) -> str:
    """Return the name of a language that is safe in every notation, or an empty text."""
    words = info.split()
    return words[0] if words and _LANGUAGE.fullmatch(words[0]) else ""


def _row(row: SyntaxTreeNode) -> tuple[Cell, ...]:
    return tuple(Cell(header=cell.type == "th", children=_content(cell)) for cell in row.children)


def _content(node: SyntaxTreeNode) -> tuple[Inline, ...]:
    return tuple(_inlines(child for inline in node.children for child in inline.children))


def _inlines(nodes: Iterable[SyntaxTreeNode]) -> Iterator[Inline]:
    for node in nodes:
        match node.type:
            case "text":
                yield Text(value=_SPACES.sub(" ", node.content))
            case "code_inline":
                yield Code(value=_SPACES.sub(" ", node.content))
            case "softbreak" | "hardbreak":
                yield Break(hard=node.type == "hardbreak")
            case "strong" | "em" | "s":
                yield Span(kind=_KINDS[node.type], children=tuple(_inlines(node.children)))
            case "link":
                yield from _link(node)
            case "image":
                yield from _image(node)
            case _:
                raise NotImplementedError(f"markdown-it-py made an inline of type {node.type!r}")


def _link(node: SyntaxTreeNode) -> Iterator[Inline]:
    url = str(node.attrs.get("href", ""))
    title = _SPACES.sub(" ", str(node.attrs.get("title", "")))
    children = () if node.info == "auto" and _shows_itself(node, url) else tuple(_inlines(node.children))
    yield from _linked(url, title, children)


def _shows_itself(node: SyntaxTreeNode, url: str) -> bool:
    return not url.startswith("mailto:") or node.children[0].content == url


def _image(node: SyntaxTreeNode) -> Iterator[Inline]:
    alt = _SPACES.sub(" ", "".join(_visible(node.children)))
    label = (Text(value=alt),) if alt.strip() else ()
    yield from _linked(str(node.attrs.get("src", "")), str(node.attrs.get("title", "")), label)


def _visible(nodes: Iterable[SyntaxTreeNode]) -> Iterator[str]:
    for node in nodes:
        if node.type in {"softbreak", "hardbreak"}:
            yield " "
        elif node.children:
            yield from _visible(node.children)
        else:
            yield node.content


def _linked(url: str, title: str, children: tuple[Inline, ...]) -> Iterator[Inline]:
    if is_link_target(url):
        yield Link(url=url, title=title, children=children)
        return
    yield from children
    if url:
        yield Text(value=f" ({url})" if children else url)
