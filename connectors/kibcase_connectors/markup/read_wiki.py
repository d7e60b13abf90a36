"""Jira wiki markup -> document tree: the blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .macros import Box, Line, split_macros
from .nodes import Block, Break, CodeBlock, Heading, Inline, Items, Paragraph, Quote, Rule, Span, Table, Text
from .read_wiki_inline import read_inline, read_row

DEPTH = 8
_HEADING = re.compile(r"[ \t]*h([1-6])\.[ \t]*(.*)")
_QUOTE = re.compile(r"[ \t]*bq\.[ \t]*(.*)")
_RULE = re.compile(r"[ \t]*-{4,5}[ \t]*")
_ITEM = re.compile(r"[ \t]*([*#-]+)[ \t]+(.*)")
_ROW = re.compile(r"[ \t]*\|")


def read_wiki(text: str) -> tuple[Block, ...]:
    """Return the blocks of ``text``. Lists nested deeper than ``DEPTH`` levels go on at that level."""
    return tuple(_Reader(split_macros(text)).blocks())


class _Reader:
    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._at = 0

    def _peek(self) -> Line | None:
        return self._lines[self._at] if self._at < len(self._lines) else None

    def blocks(self) -> Iterator[Block]:
        while (line := self._peek()) is not None:
            if isinstance(line, str) and not line.strip(" \t"):
                self._at += 1
            elif isinstance(line, str) and _is_item(line):
                yield from self._list()
            elif isinstance(line, str) and _ROW.match(line):
                yield self._table()
            elif isinstance(line, str) and not _is_single(line):
                yield Paragraph(children=read_inline(self._run()))
            else:
                self._at += 1
                yield from _single(line)

    def _run(self) -> str:
        start = self._at
        while isinstance(line := self._peek(), str) and (self._at == start or _continues(line)):
            self._at += 1
        return "\n".join(str(line).strip(" \t") for line in self._lines[start : self._at])

    def _table(self) -> Table:
        rows: list[str] = []
        while isinstance(line := self._peek(), str) and line.strip(" \t"):
            starts = _ROW.match(line) is not None
            if not starts and rows[-1].rstrip(" \t").endswith("|"):
                break
            if starts:
                rows.append(line)
            else:
                rows[-1] += " " + line
            self._at += 1
        return Table(rows=tuple(map(read_row, rows)))

    def _list(self) -> Iterator[Items]:
        tree = _Tree()
        while (line := self._peek()) is not None:
            item = _item(line) if isinstance(line, str) else None
            if item:
                self._at += 1
                tree.add(item[0], item[1], self._continuation())
            elif isinstance(line, str):
                break
            else:
                self._at += 1
                tree.append(tuple(_single(line)))
                if rest := self._continuation():
                    tree.append((Paragraph(children=read_inline("\n".join(rest))),))
        return tree.done()

    def _continuation(self) -> list[str]:
        start = self._at
        while isinstance(line := self._peek(), str) and _continues(line):
            self._at += 1
        return [str(line).strip(" \t") for line in self._lines[start : self._at]]


def _item(line: str) -> tuple[str, str] | None:
    match = _ITEM.fullmatch(line)
    if match is None or _is_dash(match[1]):
        return None
    return match[1], match[2].rstrip(" \t")


def _is_dash(bullets: str) -> bool:
    return bullets.startswith("--")


def _is_item(line: str) -> bool:
    return _item(line) is not None


def _is_single(line: str) -> bool:
    return any(pattern.fullmatch(line) for pattern in (_HEADING, _QUOTE, _RULE))


def _continues(line: str) -> bool:
    starts_block = _is_item(line) or _ROW.match(line) or _is_single(line)
    return bool(line.strip(" \t")) and not starts_block


def _single(line: Line) -> Iterator[Block]:
    match line:
        case CodeBlock():
            yield line
        case Box():
            yield from _box(line)
        case str() if heading := _HEADING.fullmatch(line):
            yield Heading(level=int(heading[1]), children=read_inline(heading[2].rstrip(" \t")))
        case str() if quote := _QUOTE.fullmatch(line):
            yield Quote(children=(Paragraph(children=read_inline(quote[1].rstrip(" \t"))),))
        case _:
            yield Rule()


def _box(box: Box) -> Iterator[Block]:
    blocks = tuple(_Reader(box.lines).blocks())
    if box.name == "quote":
        yield Quote(children=blocks)
        return
    if box.title:
        yield Paragraph(children=(Span(kind="strong", children=(Text(value=box.title),)),))
    yield from blocks


@dataclass(slots=True, kw_only=True)
class _List:
    ordered: bool
    items: list[list[Block | _List]] = field(default_factory=list)

    def frozen(self) -> Items:
        items = (
            tuple(block.frozen() if isinstance(block, _List) else block for block in item) for item in self.items
        )
        return Items(ordered=self.ordered, items=tuple(items))


class _Tree:
    def __init__(self) -> None:
        self._roots: list[_List] = []
        self._path: list[_List] = []

    def add(self, bullets: str, lead: str, more: Sequence[str]) -> None:
        wanted = [bullet == "#" for bullet in bullets[:DEPTH]]
        common = 0
        while common < min(len(wanted), len(self._path)) and self._path[common].ordered == wanted[common]:
            common += 1
        del self._path[common:]
        for ordered in wanted[common:]:
            self._descend(_List(ordered=ordered))
        children = read_inline("\n".join([lead, *more]))
        self._path[-1].items.append([Paragraph(children=children)] if any(map(_shows, children)) else [])

    def _descend(self, new: _List) -> None:
        if not self._path:
            self._roots.append(new)
        else:
            items = self._path[-1].items
            if not items:
                items.append([])
            items[-1].append(new)
        self._path.append(new)

    def append(self, blocks: Sequence[Block]) -> None:
        self._path[-1].items[-1].extend(blocks)

    def done(self) -> Iterator[Items]:
        return iter([root.frozen() for root in self._roots])


def _shows(node: Inline) -> bool:
    return not isinstance(node, Break) and not (isinstance(node, Text) and not node.value.strip())
