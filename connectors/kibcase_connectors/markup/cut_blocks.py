"""Cutting a document tree to a remote system's limit, between blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from .cut import cut
from .least import least
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
from .normal import boundary_before
from .read_markdown import MARKDOWN_LIMIT

Measure = Callable[[Sequence[Block]], int]

_STEPS = 64
_GROWTH = 8
_EDGES = 4


def readable(text: str, limit: int) -> str:
    """Return the part of a Markdown ``text`` that can be parsed, unless ``limit`` leaves room for more."""
    return text if limit > MARKDOWN_LIMIT else cut(text, MARKDOWN_LIMIT, "", markup="markdown")[0]


def cut_blocks(blocks: Sequence[Block], limit: int, note: Sequence[Block], measure: Measure) -> tuple[Block, ...]:
    """Return the first of ``blocks`` and then ``note``, together at most ``limit`` by ``measure``.

    Whole blocks are kept where they fill at least half of the room; else the next one is parted between its
    items, rows, lines or words, so that what is kept is well formed.
    Raises ``ValueError`` when ``limit`` cannot hold the note.
    """
    measure = _sparing(measure, limit)
    room = limit - measure(note)
    if room < 0:
        raise ValueError(f"The note has {limit - room} characters and does not fit into a limit of {limit}.")
    kept = _first(blocks, room, measure)
    while (excess := measure((*kept, *note)) - limit) > 0 and kept:
        room = max(0, room - max(excess, 1 + room // 50))
        kept = _first(blocks, room, measure) if room else ()
    return (*kept, *note)


def _sparing(measure: Measure, limit: int) -> Measure:
    """Give ``measure`` so that it renders nothing that is beyond ``limit`` for sure, and each single block once."""
    known: dict[int, tuple[Block, int]] = {}

    def spared(blocks: Sequence[Block]) -> int:
        if len(blocks) == 1 and id(blocks[0]) in known:
            return known[id(blocks[0])][1]
        size = least(blocks)
        if size <= limit:
            size = measure(blocks)
        if len(blocks) == 1:
            # Kept with its size, so that no other block can get the same id.
            known[id(blocks[0])] = (blocks[0], size)
        return size

    return spared


def _first(blocks: Sequence[Block], room: int, measure: Measure) -> tuple[Block, ...]:
    kept: list[Block] = []
    left = room
    for block in blocks:
        size = measure((block,)) + 2
        if size <= left:
            kept.append(block)
            left -= size
            continue
        if left * 2 > room:
            kept.extend(_part(block, left, measure))
        break
    return tuple(kept)


def _part(block: Block, room: int, measure: Measure) -> tuple[Block, ...]:
    """Return the beginning of ``block`` that fits, or nothing."""
    match block:
        case Paragraph(children=children):
            line = _words(children, room, lambda kept: measure((Paragraph(children=kept),)))
            return (Paragraph(children=line),) if line else ()
        case CodeBlock(value=value):
            return _lines(block, value, room, measure)
        case Quote(children=inner):
            kept = _first(inner, room - _frame(Quote(children=()), measure), measure)
            return (Quote(children=kept),) if kept else ()
        case Items(items=items):
            whole, _ = _fitting(len(items), room, lambda n: measure((replace(block, items=items[:n]),)))
            return (replace(block, items=items[:whole]),) if whole else ()
        case Table(rows=rows):
            whole, _ = _fitting(len(rows), room, lambda n: measure((Table(rows=rows[:n]),)))
            return (Table(rows=rows[:whole]),) if whole > 1 else ()
        case Heading() | Rule():
            return ()


def _frame(block: Block, measure: Measure) -> int:
    # What a block costs around its content: no notation takes more than this for a quote.
    return measure((block,)) + 32


def _fitting(count: int, room: int, measure: Callable[[int], int]) -> tuple[int, int]:
    """Return a number up to ``count`` that fits and fills nine tenths of ``room`` where one does, and its size.

    Measuring is what costs time, so that the guess follows the sizes and begins low: what is far too long is
    never measured. Between what fits and what does not, every second guess halves the span.
    """
    low, low_size, high, high_size = _bounds(count, room, measure)
    halve = False
    while high - low > 1 and low_size * 10 < room * 9:
        share = 0.5 if halve else (room * 0.95 - low_size) / max(1, high_size - low_size)
        middle = min(high - 1, max(low + 1, low + int((high - low) * share)))
        size, halve = measure(middle), not halve
        if size <= room:
            low, low_size = middle, size
        else:
            high, high_size = middle, size
    return low, low_size


def _bounds(count: int, room: int, measure: Callable[[int], int]) -> tuple[int, int, int, int]:
    """Return a number that fits and one that does not, each with its size; the first for both if it will do."""
    low, low_size, high, aimed = 0, 0, max(1, count // _STEPS), False
    while (high_size := measure(high)) <= room:
        low, low_size = high, high_size
        if low == count:
            break
        if (count - low) * low_size <= (room - low_size) * low:
            high = count
        elif low_size * 10 >= room * 9:
            break
        else:
            share = room * 0.95 / max(1, low_size)
            # A guess that was no good once follows sizes that are no guide.
            high = min(count, max(low + 1, int(low * (2 if aimed else min(_GROWTH, share)))))
            aimed = not aimed and share <= _GROWTH
    return low, low_size, high, high_size


def _lines(block: CodeBlock, value: str, room: int, measure: Measure) -> tuple[Block, ...]:
    at, _ = _fitting(len(value), room, lambda n: measure((replace(block, value=value[:n]),)))
    line = value.rfind("\n", 0, at + 1)
    at = line if line * 2 >= at else boundary_before(value, at)
    return (replace(block, value=value[:at]),) if at > 0 else ()


def _words(nodes: Sequence[Inline], room: int, measure: Callable[[tuple[Inline, ...]], int]) -> tuple[Inline, ...]:
    whole, size = _fitting(len(nodes), room, lambda n: measure(tuple(nodes[:n])))
    kept = tuple(nodes[:whole])
    # What follows is measured alone: a blank at its edge, and the escape of one, count in the line only.
    left = room - size - min(size, _EDGES)
    match nodes[whole : whole + 1]:
        case [Text(value=value)]:
            kept += _text(value, left, lambda text: measure((text,)))
        case [Span(children=children) as span]:
            inner = _words(children, left, lambda part: measure((replace(span, children=part),)))
            kept += (replace(span, children=inner),) if inner else ()
        case [Link() | Code()] | [Break()] | []:
            pass
    return kept


def _text(value: str, room: int, measure: Callable[[Text], int]) -> tuple[Text, ...]:
    at, _ = _fitting(len(value), room, lambda n: measure(Text(value=value[:n])))
    blank = value.rfind(" ", 0, at)
    at = blank if blank * 2 >= at else boundary_before(value, at)
    return (Text(value=value[:at].rstrip()),) if at > 0 else ()
