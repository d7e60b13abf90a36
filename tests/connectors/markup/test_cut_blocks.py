"""Cutting ADF and HTML: within the limit, well formed, between blocks, and visibly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibcase_connectors.markup import (
    adf_problem,
    adf_size,
    adf_to_markdown,
    cut_markdown_to_adf,
    cut_markdown_to_html,
    html_to_markdown,
    markdown_to_adf,
    markdown_to_html,
    normal_html,
)
from kibcase_connectors.markup.cut_blocks import cut_blocks
from kibcase_connectors.markup.least import least
from kibcase_connectors.markup.nodes import Block
from kibcase_connectors.markup.read_markdown import blocks_of_markdown
from kibcase_connectors.markup.tidy import tidied
from kibcase_connectors.markup.write_adf import write_adf
from kibcase_connectors.markup.write_html import plain_links, write_html

NOTE = "(cut; *all* of it is in the case)"


def kept(text: str, limit: int) -> str:
    adf, was_cut = cut_markdown_to_adf(text, limit, "...")
    assert was_cut
    assert adf_size(adf) <= limit
    return adf_to_markdown(adf)


def test_a_text_that_fits_is_left_alone() -> None:
    text = "# a\n\n- b"
    assert cut_markdown_to_adf(text, 10, NOTE) == (markdown_to_adf(text), False)
    assert cut_markdown_to_html(text, 30, NOTE) == (markdown_to_html(text), False)


@pytest.mark.parametrize(
    ("text", "limit", "result"),
    [
        ("first paragraph\n\nsecond one\n\nthird", 32, "first paragraph\n\nsecond one\n\n..."),
        ("first paragraph that is long\n\nsecond one", 38, "first paragraph that is long\n\n..."),
        ("short\n\n- one\n- two\n- three\n- four\n- five\n- six", 30, "short\n\n- one\n- two\n\n..."),
        ("**one two three four five six**", 22, "**one two three**\n\n..."),
        ("one two three four five six", 22, "one two three\n\n..."),
        ("```py\nline one\nline two\nline three\n```", 36, "```py\nline one\n```\n\n..."),
        ("> one\n>\n> two\n>\n> " + "three " * 30, 90, None),
        ("| a | b |\n|---|---|\n| c | d |\n| e | f |\n| g | h |", 25,
         "| a | b |\n| --- | --- |\n| c | d |\n| e | f |\n\n..."),
        ("# a heading of one long line", 20, "..."),
    ],
)
def test_the_cut_is_at_the_end_of_something_whole(text: str, limit: int, result: str | None) -> None:
    shown = kept(text, limit)
    if result is not None:
        assert shown == result
    assert shown.endswith("\n\n...") or shown == "..."
    assert len(shown) > limit // 3 or shown == "..."


def test_a_limit_below_the_note_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit into a limit of 5"):
        cut_markdown_to_adf("x" * 100, 5, NOTE)
    with pytest.raises(ValueError, match="does not fit into a limit of 5"):
        cut_markdown_to_html("x" * 100, 5, NOTE)


PIECES = ["word ", "\n\n", "\n", "- item\n", "1. item\n", "> said\n", "# head\n\n", "**bold** ", "`code` ", "```\n"]
PIECES += ["|a|b|\n|-|-|\n|c|d|\n", "[a](http://x.y/z) ", "x" * 40, "  - deeper\n", "_e `c` e_ ", "---\n\n", "\\\n"]
PIECES += ["\\*", "😀"]
markdown = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


@given(markdown, st.integers(40, 300))
@settings(max_examples=300, deadline=None)
def test_every_cut_fits_and_is_well_formed(text: str, limit: int) -> None:
    adf, was_cut = cut_markdown_to_adf(text, limit, NOTE)
    assert adf_size(adf) <= limit
    assert was_cut == (adf_size(markdown_to_adf(text)) > limit)
    assert adf_problem(adf) is None
    note: Any = markdown_to_adf(NOTE)["content"]
    assert (adf["content"][-1:] == note) or not was_cut
    html, html_was_cut = cut_markdown_to_html(text, limit + 20, NOTE)
    assert len(html) <= limit + 20
    assert html == normal_html(html)
    assert html_was_cut == html_to_markdown(html).endswith("(cut; _all_ of it is in the case)")


LONG = ["word ", "x", "- a\n", "a\n\n", "|a|b|\n|-|-|\n|c|d|\n\n", "> a\n\n", "```\na\n```\n", "*a* ", "😀", "["]


@pytest.mark.parametrize(("piece", "limit"), [("word ", 32_767), *((piece, 8_000) for piece in LONG)])
def test_a_long_text_fills_most_of_the_limit(piece: str, limit: int) -> None:
    text = piece * (limit * 5 // 2 // len(piece))
    adf, was_cut = cut_markdown_to_adf(text, limit, NOTE)
    assert was_cut
    assert limit // 2 < adf_size(adf) <= limit
    html, was_cut = cut_markdown_to_html(text, limit, NOTE)
    assert was_cut
    assert limit // 2 < len(html) <= limit


class Counting:
    """Measures by a notation, and counts what was rendered for it."""

    def __init__(self, render: Callable[[Sequence[Block]], int]) -> None:
        self._render = render
        self.calls = 0
        self.characters = 0

    def __call__(self, blocks: Sequence[Block]) -> int:
        size = self._render(blocks)
        self.calls += 1
        self.characters += size
        return size


def size_as_adf(blocks: Sequence[Block]) -> int:
    return adf_size(write_adf(blocks))


def size_as_html(blocks: Sequence[Block]) -> int:
    return len(write_html(tidied(blocks)))


LONGEST = {
    "table": "|a|b|\n|-|-|\n" + "|c|d|\n" * 8_000,
    "uneven table": "|a|b|\n|-|-|\n" + "|c|d|\n" * 2_000 + "|many words in the|second half|\n" * 1_000,
    "list": "- item\n" * 7_000,
    "words": "word " * 9_800,
    "emphasis": "**a** _b_ " * 4_900,
    "one long span": "**" + "word " * 9_800 + "**",
    "code": "```\n" + "a line of code\n" * 3_000 + "```\n",
    "paragraphs": "some words\n\n" * 4_000,
    "quotes": "> a\n\n" * 9_000,
}


@pytest.mark.parametrize("text", LONGEST.values(), ids=LONGEST)
@pytest.mark.parametrize("render", [size_as_adf, size_as_html])
@pytest.mark.parametrize("limit", [1_000, 8_000, 32_767])
def test_what_is_rendered_to_find_the_cut_goes_with_the_limit_and_not_with_the_text(
    text: str, render: Callable[[Sequence[Block]], int], limit: int
) -> None:
    measure = Counting(render)
    blocks = blocks_of_markdown(text)
    kept = cut_blocks(blocks, limit, blocks_of_markdown("..."), measure)
    assert limit // 2 < render(kept) <= limit
    assert measure.characters <= 8 * limit
    # Besides a guess or two each block that is kept was rendered once.
    assert measure.calls <= len(kept) + 25


@given(markdown)
@settings(max_examples=300, deadline=None)
def test_no_rendering_is_shorter_than_the_least(text: str) -> None:
    blocks = blocks_of_markdown(text)
    assert least(blocks) <= size_as_adf(blocks)
    tidy = tidied(plain_links(blocks))
    assert least(tidy) <= size_as_html(tidy)


def test_the_least_counts_what_is_seen() -> None:
    assert least(blocks_of_markdown("> - *four* `four`\n\nfour")) == 12
    assert least(blocks_of_markdown("- \n- \n- ")) == 3
    assert least(blocks_of_markdown("|a|b|\n|-|-|\n" + "|c|d|\n" * 100)) == 602
