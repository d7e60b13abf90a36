"""Rich text: what HTML the platform keeps, and how it becomes plain text."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

_OPEN, _CLOSE = '<div class="rte">', "</div>"
_VOID = frozenset({"br", "hr"})
_SILENT = frozenset({"script", "style", "title"})
_BLOCKS = frozenset({
    "blockquote", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "table", "tr", "ul",
})
_KEPT = _BLOCKS | {"a", "b", "br", "code", "em", "i", "s", "span", "strong", "sub", "sup", "tbody", "td", "th",
                   "thead", "u"}
_SCHEMES = frozenset({"http", "https", "mailto"})
_FORMATS = frozenset({"text", "html"})


def keep(raw: object) -> str | None:
    """Read rich text as clients send it into the HTML that is kept; None and blank text give None.

    ``raw`` is ``{"format": "text" | "html", "content": str}`` or HTML in a plain string. Raises
    ``ValueError`` for anything else. Elements and attributes outside a small safe set vanish, their
    text stays; what is kept is wrapped in ``<div class="rte">``.
    """
    form, content = _given(raw)
    if not content.strip():
        return None
    inner = clean(content) if form == "html" else escape(content, quote=False).replace("\n", "<br />")
    return inner if inner.startswith(_OPEN) and inner.endswith(_CLOSE) else f"{_OPEN}{inner}{_CLOSE}"


def _given(raw: object) -> tuple[str, str]:
    if raw is None:
        return "text", ""
    if isinstance(raw, str):
        return "html", raw
    if not isinstance(raw, Mapping):
        raise ValueError("rich text must be a string or an object with format and content")
    form, content = raw.get("format", "html"), raw.get("content")
    if not isinstance(form, str) or form not in _FORMATS or not isinstance(content, str | None):
        raise ValueError("rich text has a format (text or html) and a content (string)")
    return form, (content or "").replace("\r\n", "\n")


def show(kept: str | None, output: str) -> str | dict[str, Any] | None:
    """Give kept text as ``text_content_output_format`` asks.

    ``default`` is the HTML as a string and ``always_text`` the plain text as a string; the four
    ``objects_*`` give ``{format, content}``: ``objects_convert_text`` plain text, the rest HTML.
    """
    if kept is None:
        return None
    if output == "default":
        return kept
    if output == "always_text":
        return to_text(kept)
    if output == "objects_convert_text":
        return {"format": "text", "content": to_text(kept)}
    return {"format": "html", "content": kept}


def same(kept: str | None, raw: object) -> bool:
    """Tell whether text that a client read before is the text that is kept, however it was shown."""
    form, content = _given(raw)
    if kept is None or not content.strip():
        return kept is None and not content.strip()
    as_html = form == "html" and keep({"format": "html", "content": content}) == kept
    # A plain string may be what always_text gave; an object says itself which of the two it is.
    as_text = (form == "text" or isinstance(raw, str)) and content.strip() == to_text(kept)
    return as_html or as_text


def clean(html: str) -> str:
    """Sanitise HTML; the result is balanced."""
    cleaner = _Cleaner()
    cleaner.feed(html)
    cleaner.close()
    return cleaner.done()


def to_text(html: str) -> str:
    """Give the text of HTML: a line per block element and line break, blank ends cut."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "".join(reader.pieces).strip()


class _Cleaner(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._open: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in _KEPT and not self._silent:
            self._pieces.append(f"<{tag}{_attribute(tag, dict(attrs))}{' /' if tag in _VOID else ''}>")
            if tag not in _VOID:
                self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _SILENT:
            self.handle_starttag(tag, attrs)
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in self._open and not self._silent:
            while (last := self._open.pop()) != tag:
                self._pieces.append(f"</{last}>")
            self._pieces.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._pieces.append(escape(data, quote=False))

    def done(self) -> str:
        return "".join([*self._pieces, *(f"</{tag}>" for tag in reversed(self._open))])


def _attribute(tag: str, given: Mapping[str, str | None]) -> str:
    if tag == "div" and given.get("class") == "rte":
        return ' class="rte"'
    link = (given.get("href") or "").strip()
    if tag == "a" and _scheme(link) in _SCHEMES:
        return f' href="{escape(link)}"'
    return ""


def _scheme(link: str) -> str:
    try:
        return urlsplit(link).scheme.lower()
    except ValueError:
        return ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag == "br" or tag in _BLOCKS:
            self._break(forced=tag == "br")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._break(forced=False)

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    def _break(self, *, forced: bool) -> None:
        if forced or (self.pieces and not self.pieces[-1].endswith("\n")):
            self.pieces.append("\n")
