"""Atlassian Document Format -> document tree; bounded on hostile input, and no node is lost with its text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Final

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
    Paragraph,
    Quote,
    Rule,
    Span,
    Table,
    Text,
)
from .read_adf_inline import INLINE, attributes, content_of, kind_of, plain_text, read_inline
from .read_markdown import DEPTH, language_of

_COLUMNS: Final = 50
_CARDS: Final = frozenset({"blockCard", "embedCard", "media"})
_CELLS: Final = frozenset({"tableCell", "tableHeader"})
_LISTS: Final = frozenset({"bulletList", "orderedList", "taskList", "decisionList"})

Node = Mapping[str, Any]


def read_adf(doc: object) -> tuple[Block, ...]:
    """Return the blocks of a document; none for what is no JSON object.

    Unknown nodes are taken off, their content or text stays. What nests deeper than ``DEPTH`` levels, as
    Markdown could not be read back, stays as plain text. Runs in time proportional to the size.
    """
    return tuple(_blocks(content_of(doc), 0)) if isinstance(doc, Mapping) else ()


def _blocks(nodes: Iterable[Node], depth: int) -> Iterator[Block]:
    for inline, run in groupby(nodes, key=_is_inline):
        if inline:
            yield from _paragraphs(read_inline(run))
        else:
            for node in run:
                yield from _block(node, depth)


def _is_inline(node: Node) -> bool:
    return kind_of(node) in INLINE


def _paragraphs(nodes: Sequence[Inline]) -> Iterator[Block]:
    """Part lines where an empty one stands between them, which Markdown has no other way to show."""
    part: list[Inline] = []
    for node in nodes:
        if isinstance(node, Break) and part and isinstance(part[-1], Break):
            yield Paragraph(children=tuple(part[:-1]))
            part = []
        elif part or not isinstance(node, Break):
            part.append(node)
    if part:
        yield Paragraph(children=tuple(part))


def _block(node: Node, depth: int) -> Iterator[Block]:
    kind, content = kind_of(node), content_of(node)
    if depth > DEPTH - (3 if kind in _LISTS else 2):
        yield from _paragraphs(plain_text(node))
        return
    match kind:
        case "paragraph" | "caption":
            yield from _paragraphs(read_inline(content))
        case "heading":
            yield Heading(level=_level(node), children=read_inline(content))
        case "codeBlock":
            yield CodeBlock(language=language_of(_text(node, "language")), value=_verbatim(content))
        case "blockquote":
            yield Quote(children=tuple(_blocks(content, depth + 1)))
        case "bulletList" | "orderedList" | "taskList" | "decisionList":
            yield _list(node, kind, depth)
        case "table":
            yield Table(rows=tuple(_row(row, depth) for row in content))
        case "rule":
            yield Rule()
        case _ if kind in _CARDS:
            yield from _paragraphs(read_inline((node,)))
        case _:
            yield from _other(node, depth)


def _other(node: Node, depth: int) -> Iterator[Block]:
    """Show a panel, an expand, a layout or an unknown node by its title and its content."""
    title = clean(_text(node, "title") or _text(node, "text") or _text(node, "text", within=node)).strip()
    if title:
        yield Paragraph(children=(Span(kind="strong", children=(Text(value=" ".join(title.split())),)),))
    yield from _blocks(content_of(node), depth + 1)


def _text(node: Node, name: str, within: Node | None = None) -> str:
    value = (attributes(node) if within is None else within).get(name)
    return value if isinstance(value, str) else ""


def _level(node: Node) -> int:
    level = attributes(node).get("level")
    return min(6, max(1, level)) if isinstance(level, int) else 1


def _verbatim(nodes: Iterable[Node]) -> str:
    return "".join(clean(_text(node, "text", within=node)) or _shown(node) for node in nodes)


def _shown(node: Node) -> str:
    return "".join(part.value if isinstance(part, Text) else "\n" for part in plain_text(node))


def _list(node: Node, kind: str, depth: int) -> Items:
    start = attributes(node).get("order", 1)
    items: list[tuple[Block, ...]] = []
    for child in content_of(node):
        blocks = _item(child, depth)
        if kind_of(child) in _LISTS and items:
            items[-1] += blocks
        else:
            items.append(blocks)
    ordered = kind == "orderedList"
    return Items(ordered=ordered, items=tuple(items), start=start if ordered and isinstance(start, int) else 1)


def _item(node: Node, depth: int) -> tuple[Block, ...]:
    kind = kind_of(node)
    if kind in {"taskItem", "blockTaskItem"}:
        box = "[x] " if attributes(node).get("state") == "DONE" else "[ ] "
        return _prefixed(box, tuple(_blocks(content_of(node), depth + 2)))
    own = kind in {"listItem", "decisionItem"}
    return tuple(_blocks(content_of(node) if own else (node,), depth + 2))


def _prefixed(prefix: str, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    match blocks:
        case (Paragraph(children=children), *rest):
            return (Paragraph(children=(Text(value=prefix), *children)), *rest)
    return (Paragraph(children=(Text(value=prefix.rstrip()),)), *blocks)


def _row(row: Node, depth: int) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for node in content_of(row) if kind_of(row) == "tableRow" else (row,):
        inside = content_of(node) if kind_of(node) in _CELLS else (node,)
        children = tuple(_flat(_blocks(inside, depth + 2)))
        cells.append(Cell(header=kind_of(node) == "tableHeader", children=children))
        span = attributes(node).get("colspan", 1)
        extra = min(span - 1, _COLUMNS) if isinstance(span, int) else 0
        cells.extend(replace(cells[-1], children=()) for _ in range(extra))
    return tuple(cells)


def _flat(blocks: Iterable[Block]) -> Iterator[Inline]:
    """Give the blocks of a cell on one line: no other notation has blocks in cells."""
    for number, block in enumerate(blocks):
        if number:
            yield Break(hard=False)
        match block:
            case Paragraph(children=children) | Heading(children=children):
                yield from children
            case CodeBlock(value=value):
                yield Code(value=" ".join(value.split("\n")))
            case Quote(children=inner):
                yield from _flat(inner)
            case Items(items=items):
                yield from _flat(inner for item in items for inner in item)
            case Table(rows=rows):
                yield from _flat(Paragraph(children=cell.children) for row in rows for cell in row)
            case Rule():
                continue
