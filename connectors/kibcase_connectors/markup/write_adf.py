"""Document tree -> Atlassian Document Format, version 1, as the published schema allows it.

Facts (``@atlaskit/adf-schema``, ``json-schema/v1/full.json``): a text is never empty; ``code`` goes with
``link`` alone; a code block holds texts without marks; quotes and list items hold paragraphs, lists and code
blocks only; a list, a quote and a cell are never empty; a line ends in a ``hardBreak``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from .nodes import (
    Block,
    Cell,
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
    on_one_line,
    without,
)
from .write_adf_inline import write_inline
from .write_markdown import first_number

Json = dict[str, Any]

_FIRST_IN_ITEM: Final = frozenset({"paragraph", "codeBlock"})


def write_adf(blocks: Iterable[Block]) -> Json:
    """Return ``blocks`` as a document.

    Headings inside quotes and list items become bold paragraphs there, tables one paragraph per row, quotes
    their content; rules inside them go.
    """
    return {"type": "doc", "version": 1, "content": [node for block in blocks for node in _block(block)]}


def _block(block: Block) -> Iterator[Json]:
    match block:
        case Heading(level=level, children=children):
            yield {"type": "heading", "attrs": {"level": level}, **_content(write_inline(on_one_line(children)))}
        case Quote(children=children):
            if content := list(_inner(children)):
                yield {"type": "blockquote", "content": content}
        case Table(rows=rows):
            yield from _table(rows)
        case Rule():
            yield {"type": "rule"}
        case Paragraph() | CodeBlock() | Items():
            yield from _inner((block,))


def _content(content: list[Json]) -> Json:
    return {"content": content} if content else {}


def _inner(blocks: Iterable[Block]) -> Iterator[Json]:
    """Write what quotes and list items may hold."""
    for block in blocks:
        match block:
            case Paragraph(children=children):
                yield from _paragraph(children)
            case Heading(children=children):
                yield from _paragraph((Span(kind="strong", children=without("strong", on_one_line(children))),))
            case CodeBlock():
                yield _code_block(block)
            case Quote(children=children):
                yield from _inner(children)
            case Items():
                yield from _list(block)
            case Table(rows=rows):
                for row in rows:
                    yield from _paragraph(_flat_row(row))
            case Rule():
                continue


def _paragraph(children: Iterable[Inline]) -> Iterator[Json]:
    if content := write_inline(children):
        yield {"type": "paragraph", "content": content}


def _code_block(block: CodeBlock) -> Json:
    attrs = {"attrs": {"language": block.language}} if block.language else {}
    return {"type": "codeBlock", **attrs, **_content([{"type": "text", "text": block.value}] if block.value else [])}


def _list(items: Items) -> Iterator[Json]:
    if not items.items:
        return
    content = [{"type": "listItem", "content": _item(item)} for item in items.items]
    if items.ordered:
        yield {"type": "orderedList", "attrs": {"order": first_number(items)}, "content": content}
    else:
        yield {"type": "bulletList", "content": content}


def _item(blocks: Sequence[Block]) -> list[Json]:
    """Begin an item with a paragraph or a code block, which every version of the schema asks for."""
    content = list(_inner(blocks))
    begins = bool(content) and content[0]["type"] in _FIRST_IN_ITEM
    return content if begins else [{"type": "paragraph", "content": []}, *content]


def _flat_row(row: Sequence[Cell]) -> tuple[Inline, ...]:
    out: list[Inline] = []
    for number, cell in enumerate(row):
        out.extend(((Text(value=" | "),) if number else ()) + on_one_line(cell.children))
    return tuple(out)


def _table(rows: Sequence[Sequence[Cell]]) -> Iterator[Json]:
    width = max(map(len, rows), default=0)
    if not width:
        return
    # Markdown has no table without a header row: an empty one stands for none.
    shown = rows[1:] if len(rows) > 1 and not any(_shows(cell) for cell in rows[0]) else rows
    yield {"type": "table", "content": [_row(row, width) for row in shown]}


def _shows(cell: Cell) -> bool:
    return not cell.header or bool(write_inline(on_one_line(cell.children)))


def _row(row: Sequence[Cell], width: int) -> Json:
    header = all(cell.header for cell in row)
    filled = (*row, *[Cell(header=header, children=())] * (width - len(row)))
    return {"type": "tableRow", "content": [_cell(cell) for cell in filled]}


def _cell(cell: Cell) -> Json:
    kind = "tableHeader" if cell.header else "tableCell"
    return {"type": kind, "content": [{"type": "paragraph", "content": write_inline(on_one_line(cell.children))}]}
