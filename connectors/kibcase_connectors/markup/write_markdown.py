"""Document tree -> Markdown (CommonMark with GFM tables and strikethrough)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from .nodes import (
    Block,
    Cell,
    CodeBlock,
    Heading,
    Items,
    Paragraph,
    Quote,
    Rule,
    Table,
    on_one_line,
)
from .write_markdown_inline import inline

_FENCES = re.compile("`{3,}")
_LAST_START = 999_999
_CLOSING_HASHES = re.compile(r"(\A|[ \t])(#+)\Z")
_RULE = "---"
_DASHES = re.compile("(- *){3,}")


def write_markdown(blocks: Iterable[Block]) -> str:
    """Return ``blocks`` as Markdown, one blank line between two blocks."""
    return "\n\n".join("\n".join(lines) for _, lines in _written(blocks))


def _written(blocks: Iterable[Block]) -> Iterator[tuple[Block, list[str]]]:
    """Yield each visible block with its lines; lists that follow each other take turns in their markers."""
    last: Block | None = None
    other = False
    for block in blocks:
        follows = isinstance(block, Items) and isinstance(last, Items) and block.ordered == last.ordered
        other = follows and not other
        if lines := list(_lines(block, other=other)):
            yield block, lines
            last = block


def _lines(block: Block, *, other: bool) -> Iterator[str]:
    match block:
        case Paragraph(children=children):
            text = inline(children)
            yield from text.split("\n") if text else ()
        case Heading(level=level, children=children):
            text = inline(on_one_line(children), starts_line=False)
            yield f"{'#' * level} {_CLOSING_HASHES.sub(_keep_hash, text)}".rstrip()
        case CodeBlock(language=language, value=value):
            yield from _fence(language, value)
        case Quote(children=children):
            body = write_markdown(children)
            yield from (f"> {line}" if line else ">" for line in body.split("\n"))
        case Items():
            yield from _items(block, other=other)
        case Table(rows=rows):
            yield from _table(rows)
        case Rule():
            yield _RULE


def _keep_hash(match: re.Match[str]) -> str:
    return f"{match[1]}\\{match[2]}"


def _fence(language: str, value: str) -> Iterator[str]:
    fence = "`" * max([3, *(len(run) + 1 for run in _FENCES.findall(value))])
    yield fence + language
    if value:
        yield from value.split("\n")
    yield fence


def _items(items: Items, *, other: bool) -> Iterator[str]:
    for number, blocks in enumerate(items.items, start=first_number(items)):
        marker = _marker(number if items.ordered else None, other=other)
        lines = list(_item(blocks)) or [""]
        if _DASHES.fullmatch(marker + lines[0]):
            # The whole line would be one rule, and no list.
            tail = _RULE if lines[0].endswith(_RULE) else "-"
            lines[0] = lines[0].removesuffix(tail) + "*" * len(tail)
        yield marker + lines[0] if lines[0] else marker.rstrip(" ")
        indent = " " * len(marker)
        yield from (indent + line if line else "" for line in lines[1:])


def first_number(items: Items) -> int:
    """Return the number of the first item: 1 for one that Markdown could not count on from (9 digits)."""
    return items.start if 0 <= items.start <= _LAST_START else 1


def _marker(number: int | None, *, other: bool) -> str:
    if number is None:
        return "* " if other else "- "
    return f"{number}{')' if other else '.'} "


def _item(blocks: Sequence[Block]) -> Iterator[str]:
    last: Block | None = None
    for block, lines in _written(blocks):
        if last is not None and not _may_touch(last, block):
            yield ""
        yield from lines
        last = block


def _may_touch(last: Block, block: Block) -> bool:
    """Tell whether ``block`` may follow without a blank line, which would make the list a loose one."""
    if isinstance(block, Items):
        cannot_interrupt = _starts_empty(block) or (block.ordered and first_number(block) != 1)
        return isinstance(last, Paragraph | Items) and not cannot_interrupt
    if isinstance(last, Paragraph) and isinstance(block, Quote):
        return True
    return isinstance(last, CodeBlock) or isinstance(block, CodeBlock)


def _starts_empty(items: Items) -> bool:
    """Tell whether the first item has no text to start with, so that it cannot end a paragraph."""
    return not items.items or not items.items[0] or not isinstance(items.items[0][0], Paragraph)


def _table(rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    width = max((len(row) for row in rows), default=0)
    if not width:
        return
    has_header = all(cell.header for cell in rows[0])
    header = [_cell(cell, bold=False) for cell in rows[0]] if has_header else []
    yield _row([*header, *[""] * (width - len(header))])
    yield _row(["---"] * width)
    for row in rows[1:] if has_header else rows:
        yield _row([_cell(cell, bold=cell.header) for cell in row])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell, *, bold: bool) -> str:
    return inline(on_one_line(cell.children), starts_line=False, strong=bold).replace("|", "\\|")
