"""What the markup tests share: rendering Markdown, and reading what a rendering shows."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from markdown_it import MarkdownIt

_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def render(markdown: str) -> str:
    tokens = _PARSER.parse(markdown)
    parents: list[str] = []
    for token in tokens:
        if token.type.startswith("paragraph_") and parents[-1:] == ["list_item_open"]:
            token.hidden = True
        if token.nesting == 1 and token.type != "paragraph_open":
            parents.append(token.type)
        elif token.nesting == -1 and token.type != "paragraph_close":
            parents.pop()
    page = re.sub(r"\s+", " ", _PARSER.renderer.render(tokens, _PARSER.options, {}))
    return re.sub(r" ?(<[^>]*>) ?", r"\1", page).strip()


def visible(markdown: str) -> str:
    text = html.unescape(re.sub(r"<[^>]*>", " ", _PARSER.render(markdown)))
    return "".join(text.split())


@pytest.fixture(scope="session")
def html_of() -> Callable[[str], str]:
    """Render Markdown to HTML with white space normalised and loose lists made tight."""
    return render


@pytest.fixture(scope="session")
def text_of() -> Callable[[str], str]:
    """Return what rendered Markdown shows, without white space."""
    return visible
