from __future__ import annotations

import re
import unicodedata
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibcase_connectors.markup import cut

NOTE = "(cut; the full text is attached)"


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def test_a_text_that_fits_is_left_alone() -> None:
    assert cut("abc", 3, NOTE) == ("abc", False)
    assert cut("😀", 2, NOTE) == ("😀", False)


def test_the_cut_is_at_the_end_of_a_line_where_possible() -> None:
    assert cut("first line\nsecond line\nthird line", 25 + 6, "more") == ("first line\nsecond line\n\nmore", True)
    assert cut("first line\nsecond", 10 + 6, "more") == ("first line\n\nmore", True)


def test_a_long_line_is_cut_at_a_blank_and_else_between_characters() -> None:
    assert cut("one two three four", 12, "…")[0] == "one two\n\n…"
    assert cut("x" * 50, 13, "…")[0] == "x" * 10 + "\n\n…"


@pytest.mark.parametrize(
    ("text", "room", "kept"),
    [
        ("{code:py}\nline one\nline two\nline three\n{code}", 34, "{code:py}\nline one\nline two\n{code}"),
        ("{code:py}\nline one\nline two\nline three\n{code}", 33, "{code:py}\nline one\n{code}"),
        ("{quote}\nline one\n{noformat}\nline two and\n{noformat}", 40, "{quote}\nline one\n{quote}"),
        ("{quote}\n{noformat}\nline two and\n{noformat} and so on", 46, "{quote}\n{noformat}\n{noformat}\n{quote}"),
        ("{color:red}some words in red, quite a lot of them{color}", 34, "{color:red}some words in{color}"),
        ("{panel:title=a b c d e f g h i j k l m n o p q r s}x{panel}", 34, ""),
    ],
)
def test_an_open_macro_is_closed(text: str, room: int, kept: str) -> None:
    assert cut(text, room + 5, "...") == (f"{kept}\n\n..." if kept else "...", True)


def test_an_escaped_macro_is_no_macro() -> None:
    assert cut("\\{code} " + "word " * 20, 30, "...")[0] == "\\{code} word word word\n\n..."


@pytest.mark.parametrize("text", ["xxxxxxxxx\\{yyyyyyyy", "xxxxxxxxx&#92;yyyyyy", "xxxxxxxxxe\u0301\u0302\u0303yyyy"])
def test_what_belongs_together_is_not_parted(text: str) -> None:
    assert cut(text, 10 + 3, "…")[0] == "x" * 9 + "\n\n…"


def test_an_open_fence_is_closed_in_markdown() -> None:
    text = "````py\nx = 1\n```\ny = 2\nz = 3\n````"
    assert cut(text, 32, "...", markup="markdown") == ("````py\nx = 1\n```\ny = 2\n````\n\n...", True)


def test_a_limit_below_the_note_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit into a limit of 5"):
        cut("x" * 100, 5, NOTE)


PIECES = ["word ", "\n", "{code}", "{code:java}\n", "{noformat}", "{quote}", "{panel:title=x}", "{color:red}"]
PIECES += ["{color}"]
PIECES += ["\\{", "&#92;", "😀", "e\u0301", "x", "[a|http://x]", "{panel}", "\\\\", "```\n", "````\n", "~~~\n"]
wiki = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


def open_code(text: str) -> bool:
    name = ""
    for match in re.finditer(r"\\[^\n]|\{(code|noformat)(:[^{}\n]*)?\}", text):
        if not name:
            name = match[1] or ""
        elif match[0] == f"{{{name}}}":
            name = ""
    return bool(name)


@given(st.one_of(wiki, st.text(max_size=300)), st.integers(40, 200), st.sampled_from(["wiki", "markdown"]))
@settings(max_examples=500, deadline=None)
def test_every_cut_fits_and_is_whole(text: str, limit: int, markup: Literal["wiki", "markdown"]) -> None:
    result, was_cut = cut(text, limit, NOTE, markup=markup)
    assert units(result) <= limit
    assert was_cut == (units(text) > limit)
    if not was_cut:
        assert result == text
        return
    kept = result.removesuffix(NOTE).rstrip("\n")
    assert result.endswith(NOTE)
    if markup == "wiki":
        assert not open_code(kept)
    same = next((at for at, pair in enumerate(zip(kept, text, strict=False)) if pair[0] != pair[1]), len(kept))
    assert len(kept) - same <= 45, "only closing tags differ from the text"
    assert same == len(text) or not unicodedata.combining(text[same])


def test_hostile_text_is_cut_in_bounded_steps() -> None:
    for piece in ("{", "{code}", "{code:", "{quote}{panel}", "\u0301", "\\", " ", "\n", "```", "&#"):
        text = piece * (200_000 // len(piece))
        for result, was_cut in (cut(text, 32_767, NOTE), cut(text, 32_767, NOTE, markup="markdown")):
            assert was_cut
            assert units(result) <= 32_767
