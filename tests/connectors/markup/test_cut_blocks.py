"""Cutting ADF and HTML: within the limit, well formed, between blocks, and visibly."""

from __future__ import annotations

import time
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
def test_a_long_text_is_cut_in_bounded_time_and_fills_most_of_the_limit(piece: str, limit: int) -> None:
    text = piece * (limit * 5 // 2 // len(piece))
    begun = time.process_time()
    adf, was_cut = cut_markdown_to_adf(text, limit, NOTE)
    assert was_cut
    assert limit // 2 < adf_size(adf) <= limit
    html, was_cut = cut_markdown_to_html(text, limit, NOTE)
    assert was_cut
    assert limit // 2 < len(html) <= limit
    assert time.process_time() - begun < 30
