"""Document tree -> Atlassian Document Format: what stands within a line, as texts with marks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final

from markdown_it.common.utils import isWhiteSpace

from .nodes import Break, Code, Inline, Kind, Link, Span, Text

Json = dict[str, Any]

_KINDS: Final[tuple[Kind, ...]] = ("em", "strong", "strike")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    text: str
    kinds: frozenset[Kind] = frozenset()
    code: bool = False
    url: str = ""
    title: str = ""


def write_inline(nodes: Iterable[Inline]) -> list[Json]:
    """Return inline content as texts and hard breaks; blanks at line ends and empty lines go.

    Blanks at the ends of emphasis are not emphasised, as Markdown has it.
    """
    lines: list[list[_Run]] = [[]]
    for run in _runs(nodes, _Run(text="")):
        if run is None:
            lines.append([])
        else:
            lines[-1].append(run)
    out: list[Json] = []
    for content in filter(None, map(_line, lines)):
        out.extend(([{"type": "hardBreak"}] if out else []) + content)
    return out


def _runs(nodes: Iterable[Inline], style: _Run) -> Iterator[_Run | None]:
    for node in nodes:
        match node:
            case Text(value=value):
                yield replace(style, text=value)
            case Code(value=value):
                yield replace(style, text=value, code=True, kinds=frozenset())
            case Break():
                yield None
            case Span(kind=kind, children=children):
                yield from _runs(children, replace(style, kinds=style.kinds | {kind}))
            case Link(url=url, title=title, children=children):
                yield from _runs(children or (Text(value=url),), replace(style, url=url, title=title))


def _line(runs: Sequence[_Run]) -> list[Json]:
    kept = [run for run in runs if run.text]
    for kind in _KINDS:
        kept = list(_unblanked(kept, kind)) if any(kind in run.kinds for run in kept) else kept
    return [_text(run) for run in _trimmed(list(_merged(kept)))]


def _unblanked(runs: Iterable[_Run], kind: Kind) -> Iterator[_Run]:
    for emphasised, group in groupby(runs, key=lambda run: kind in run.kinds):
        if not emphasised:
            yield from group
            continue
        parts = list(group)
        leading = _plain_blanks(parts, kind, last=False)
        trailing = _plain_blanks(parts, kind, last=True)
        yield from (*leading, *parts, *reversed(trailing))


def _plain_blanks(parts: list[_Run], kind: Kind, *, last: bool) -> list[_Run]:
    """Take the blanks off one end of ``parts``, which changes, and return them without ``kind``."""
    taken: list[_Run] = []
    while parts:
        place = -1 if last else 0
        run = parts[place]
        size = _blanks(run.text, last=last)
        if size:
            text = run.text[len(run.text) - size :] if last else run.text[:size]
            taken.append(replace(run, text=text, kinds=run.kinds - {kind}))
        if size < len(run.text):
            parts[place] = replace(run, text=run.text[: len(run.text) - size] if last else run.text[size:])
            break
        del parts[place]
    return taken


def _blanks(text: str, *, last: bool) -> int:
    size = 0
    while size < len(text) and isWhiteSpace(ord(text[-1 - size if last else size])):
        size += 1
    return size


def _merged(runs: Iterable[_Run]) -> Iterator[_Run]:
    for _, group in groupby(runs, key=lambda run: (run.kinds, run.code, run.url, run.title)):
        same = list(group)
        yield same[0] if len(same) == 1 else replace(same[0], text="".join(run.text for run in same))


def _trimmed(runs: list[_Run]) -> list[_Run]:
    """Take blanks off both ends of a line, where Markdown has none."""
    while runs and not runs[0].code:
        runs[0] = replace(runs[0], text=runs[0].text.lstrip(" \t"))
        if runs[0].text:
            break
        del runs[0]
    while runs and not runs[-1].code:
        runs[-1] = replace(runs[-1], text=runs[-1].text.rstrip(" \t"))
        if runs[-1].text:
            break
        del runs[-1]
    return runs


def _text(run: _Run) -> Json:
    marks: list[Json] = []
    if run.url:
        title = {"title": run.title} if run.title else {}
        marks.append({"type": "link", "attrs": {"href": run.url, **title}})
    marks.extend({"type": kind} for kind in _KINDS if kind in run.kinds)
    if run.code:
        marks.append({"type": "code"})
    return {"type": "text", "text": run.text, **({"marks": marks} if marks else {})}
