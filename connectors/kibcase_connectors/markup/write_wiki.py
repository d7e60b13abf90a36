"""Document tree -> Jira wiki markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from .characters import is_word
from .escape import EDGE, escaped
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
    has_scheme,
    merged,
    on_one_line,
    without,
)

MARK = "\u200b"
_SIGNS: dict[Kind, str] = {"strong": "*", "em": "_", "strike": "-"}
_MACRO = re.compile(rf"\{{(?={MARK}*(?:code|noformat)[:}}])", re.IGNORECASE)
_URL_END = re.compile(r"(?:https?|ftps?)://[^\s\]}]*\Z")
_IN_TARGET = str.maketrans({"|": "%7C", "[": "%5B", "]": "%5D"})


def write_wiki(blocks: Iterable[Block]) -> str:
    """Return ``blocks`` as wiki markup, one blank line between two blocks."""
    return "\n\n".join(filter(None, (_block(block, quoted=False) for block in blocks)))


def verbatim(language: str, text: str) -> str:
    """Return ``text`` as a ``{code}`` macro, or ``{noformat}`` without a language.

    A terminator inside gets a zero width space (U+200B) after its brace; reading takes it out again.
    """
    opening, name = (f"{{code:{language}}}", "code") if language else ("{noformat}", "noformat")
    body = _MACRO.sub("{" + MARK, text)
    return f"{opening}\n{body}\n{{{name}}}" if body else f"{opening}\n{{{name}}}"


def _block(block: Block, *, quoted: bool) -> str:
    match block:
        case Paragraph(children=children):
            return inline(children)
        case Heading(level=level, children=children):
            return f"h{level}. {inline(on_one_line(children))}".rstrip()
        case CodeBlock(language=language, value=value):
            return verbatim(language, value)
        case Quote(children=children):
            return _quote(children, quoted=quoted)
        case Items():
            return "\n".join(_items(block, "", quoted=quoted))
        case Table(rows=rows):
            return "\n".join(map(_row, rows))
        case Rule():
            return "----"


def _quote(children: Sequence[Block], *, quoted: bool) -> str:
    match children:
        case [Paragraph(children=line)] if not any(isinstance(node, Break) for node in line):
            text = inline(line)
            return f"bq. {text}" if text else ""
    body = "\n\n".join(filter(None, (_block(child, quoted=True) for child in children)))
    return body if quoted or not body else f"{{quote}}\n{body}\n{{quote}}"


def _items(items: Items, path: str, *, quoted: bool) -> Iterator[str]:
    marker = path + ("#" if items.ordered else "*")
    for item in items.items:
        yield from _item(item, marker, quoted=quoted)


def _item(blocks: Sequence[Block], marker: str, *, quoted: bool) -> Iterator[str]:
    started = False
    for block in blocks:
        own = "" if isinstance(block, Items) else "\n".join(filter(None, _in_item(block, quoted=quoted)))
        if own and not started and isinstance(block, Paragraph | Heading | Table):
            yield f"{marker} {own}"
            started = True
            continue
        if not started and (own or isinstance(block, Items)):
            yield f"{marker} &nbsp;"
            started = True
        yield from _items(block, marker, quoted=quoted) if isinstance(block, Items) else filter(None, [own])
    if not started:
        yield f"{marker} &nbsp;"


def _in_item(block: Block, *, quoted: bool) -> Iterator[str]:
    match block:
        case Heading(children=children) | Paragraph(children=children):
            yield inline(children)
        case Table(rows=rows):
            yield from (inline(_flat_row(row)) for row in rows)
        case CodeBlock(language=language, value=value):
            yield verbatim(language, value)
        case Quote(children=children):
            yield from _quote_in_item(children, quoted=quoted)
        case Rule() | Items():
            return


def _quote_in_item(children: Sequence[Block], *, quoted: bool) -> Iterator[str]:
    if not quoted:
        body = "\n\n".join(filter(None, (_block(child, quoted=True) for child in children)))
        yield f"{{quote}}\n{body}\n{{quote}}" if body else ""
        return
    for child in children:
        if isinstance(child, Items):
            yield from (line for item in child.items for block in item for line in _in_item(block, quoted=True))
        else:
            yield from _in_item(child, quoted=True)


def _flat_row(row: Sequence[Cell]) -> tuple[Inline, ...]:
    out: list[Inline] = []
    for number, cell in enumerate(row):
        out.extend(((Text(value=" | "),) if number else ()) + on_one_line(cell.children))
    return tuple(out)


def _row(row: Sequence[Cell]) -> str:
    bars = ["||" if cell.header else "|" for cell in row]
    cells = (f"{bar}{inline(on_one_line(cell.children)) or ' '}" for bar, cell in zip(bars, row, strict=True))
    return "".join(cells) + (bars[-1] if bars else "|")


def inline(nodes: Iterable[Inline], *, inside: bool = False) -> str:
    """Return inline content as wiki markup; ``inside`` says that markup touches it on both sides."""
    parts = tuple(merged(Text(value="\n") if node == Break(hard=False) else node for node in nodes))
    end = EDGE if inside else "\n"
    out = ""
    for number, node in enumerate(parts):
        following = parts[number + 1] if number + 1 < len(parts) else None
        last = parts[number - 1] if number else None
        match node:
            case Text(value=value):
                before, after = (end if other is None else EDGE for other in (last, following))
                if isinstance(last, Break):
                    value = value.lstrip(" ")
                if isinstance(following, Break):
                    value = value.rstrip(" ")
                out += escaped(value, before=before, after=after)
            case Break():
                out = (out if isinstance(last, Break) else out.rstrip(" ")) + r"\\ "
            case Code(value=value):
                out += _code(value, _tight(out, following))
            case Span():
                out += _span(node, out, following)
            case Link():
                out += _link(node)
    if inside:
        return out
    return "\n".join(line.strip(" ") for line in out.split("\n")).strip("\n").removesuffix("\\\\")


def _tight(out: str, following: Inline | None) -> bool:
    """Tell whether a letter or digit touches, so that only the braced delimiters work."""
    after = following.value[:1] if isinstance(following, Text) else ""
    return is_word(out[-1:]) or is_word(after)


def _code(value: str, tight: bool) -> str:  # noqa: FBT001
    if not value:
        return ""
    body = _kept_ends(escaped(value, before=EDGE, after=EDGE))
    return f"{{{{{{}}{body}{{}}}}}}" if tight else f"{{{{{body}}}}}"


def _kept_ends(body: str) -> str:
    """Write the blanks at both ends as entities: a phrase does not open before a blank."""
    if body.startswith(" "):
        body = "&#32;" + body[1:]
    return body[:-1] + "&#32;" if body.endswith(" ") else body


def _span(span: Span, out: str, following: Inline | None) -> str:
    sign = _SIGNS[span.kind]
    body = inline(without(span.kind, on_one_line(span.children)), inside=True)
    core = body.strip(" ")
    if not core:
        return body
    lead, tail = body[: len(body) - len(body.lstrip(" "))], body[len(body.rstrip(" ")) :]
    touches = (not lead and is_word(out[-1:])) or (not tail and _tight("", following))
    if touches or _URL_END.search(core) or (not lead and out.endswith(sign)):
        sign = f"{{{sign}}}"
    return f"{lead}{sign}{core}{sign}{tail}"


def _link(link: Link) -> str:
    url = link.url.translate(_IN_TARGET)
    label = inline(on_one_line(link.children), inside=True).strip(" ")
    if not label and not link.title and has_scheme(url):
        return f"[{url}]"
    title = escaped(link.title, before=EDGE, after=EDGE).strip(" ")
    parts = (label or escaped(url, before=EDGE, after=EDGE), url, title)
    return f"[{'|'.join(filter(None, parts))}]"
