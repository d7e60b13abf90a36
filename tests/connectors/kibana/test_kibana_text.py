"""Texts, tags and marks as Kibana stores them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.kibana.mapping import case_map, changed_tags, spelling
from kibcase_connectors.kibana.text import (
    CUT_NOTE,
    TEXT_LIMIT,
    TITLE_LIMIT,
    cut_block,
    cut_line,
    length,
    trim,
    with_mark,
    without_mark,
)

MAP = case_map()
TEXTS = st.one_of(
    st.text(max_size=300), st.text(alphabet="-\n `~a\U0001f600\u200d\u0301\ufeff\x85\r", max_size=300)
)


@given(TEXTS)
def test_a_description_survives_the_way_to_kibana_and_back(text: str) -> None:
    once = MAP.canonical("description", text)
    native = MAP.native("description", once)
    assert isinstance(native, str)
    assert MAP.canonical("description", native) == once


@given(TEXTS)
def test_what_is_written_is_stored_unchanged(text: str) -> None:
    for field, limit in (("title", TITLE_LIMIT), ("description", TEXT_LIMIT)):
        native = MAP.native(field, text)
        assert isinstance(native, str)
        assert native
        assert native == trim(native) == native.strip()
        assert length(native) <= limit


@given(TEXTS)
def test_a_title_is_cut_only_if_the_map_says_so(text: str) -> None:
    native = MAP.native("title", text)
    assert isinstance(native, str)
    kept = MAP.canonical("title", native) == " ".join(trim(text.replace("\r\n", "\n").replace("\r", "\n")).split("\n"))
    assert kept is not MAP.loses("title", text)


@pytest.mark.parametrize("field", ["title", "description"])
@pytest.mark.parametrize("text", ["", "-", "--", "-" * 50])
def test_empty_texts_and_dashes_are_told_apart(field: str, text: str) -> None:
    native = MAP.native(field, text)
    assert native == text + "-"
    assert MAP.canonical(field, native) == text
    assert MAP.same(field, native, text)


def test_lengths_are_counted_as_kibana_does() -> None:
    emojis = "\U0001f600" * 100
    assert MAP.loses("title", emojis)
    native = MAP.native("title", emojis)
    assert native == "\U0001f600" * 79 + "…"


def test_line_ends_are_unified() -> None:
    assert MAP.canonical("description", "a\r\nb\rc\n") == "a\nb\nc"
    assert MAP.native("title", "a\r\nb") == "a b"


def test_a_cut_description_says_so_and_ends_its_code_block() -> None:
    log = "Log:\n```\n" + "\n".join(f"line {number}" for number in range(5000))
    cut = cut_block(log, TEXT_LIMIT)
    assert TEXT_LIMIT - 200 < length(cut) <= TEXT_LIMIT
    assert cut.endswith(f"\n```\n{CUT_NOTE}")
    before = cut.split("\n")[-3]
    assert before in log.split("\n")


def test_a_cut_keeps_joined_characters_whole() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert cut_line("x" * 155 + family, 160) == "x" * 155 + "…"
    assert cut_line("x" * 158 + "e\u0301e", 160) == "x" * 158 + "…"


@given(TEXTS, st.integers(min_value=80, max_value=200))
def test_no_cut_is_longer_than_asked(text: str, limit: int) -> None:
    assert length(cut_block(text * 3, limit)) <= limit
    assert length(cut_line(text * 3, limit)) <= limit


def test_statuses_and_severities_are_the_common_ones() -> None:
    for field, values in (("status", ("open", "in-progress", "closed")), ("severity", ("low", "critical"))):
        for value in values:
            assert MAP.native(field, value) == value == MAP.canonical(field, value)


def test_marks_are_no_tags() -> None:
    assert MAP.canonical("tags", ["a", "kibcase-jira-1-2", "b"]) == ("a", "b")


def test_a_long_tag_is_one_tag_on_both_sides() -> None:
    tag = "t" * 300
    assert length(spelling(tag)) == 256
    assert MAP.key("tags", tag) == MAP.key("tags", spelling(tag))


def test_tags_are_added_and_removed_one_by_one() -> None:
    present = ("b", "kibcase-jira-1-2", "a", " odd ")
    assert changed_tags(present, add=("c", "a ", "c", "", "  "), remove=("b",)) == [
        "kibcase-jira-1-2", "a", " odd ", "c",
    ]
    assert changed_tags(present, remove=("odd", "kibcase-jira-1-2")) == ["b", "kibcase-jira-1-2", "a"]
    assert changed_tags(present, add=("kibcase-forged",)) == list(present)


MARKS = st.from_regex(r"kibcase-[a-z0-9#-]{1,60}", fullmatch=True)


@given(TEXTS, MARKS)
def test_a_mark_is_found_again_and_hidden(body: str, mark: str) -> None:
    stored = with_mark(body, mark)
    read = without_mark(stored)
    assert read.mark == mark
    assert mark not in read.body
    assert length(stored) <= TEXT_LIMIT
    assert without_mark(trim(stored)) == read


def test_the_longest_comment_keeps_its_mark() -> None:
    stored = with_mark("x" * 40_000, "kibcase-jira-1-2#3")
    assert length(stored) <= TEXT_LIMIT
    assert CUT_NOTE in stored
    assert without_mark(stored).mark == "kibcase-jira-1-2#3"


def test_a_mark_is_not_shown_inside_an_open_code_block() -> None:
    assert with_mark("```\nlog", "kibcase-a-1#2") == "```\nlog\n```\n\n[//]: # (kibcase-a-1#2)"


@pytest.mark.parametrize(
    "text",
    [
        "[//]: # (kibcase-a#1)\nand more",
        "see [//]: # (kibcase-a#1)",
        "> [//]: # (kibcase-a#1)",
        "[//]: # (kibcase-a #1)",
        "[//]: # (something-else)",
        "kibcase-a#1",
    ],
)
def test_only_a_whole_last_line_is_a_mark(text: str) -> None:
    assert without_mark(text).mark is None
    assert without_mark(text).body == text


@pytest.mark.parametrize("mark", ["", "kibcase-", "kibcase-a b", "kibcase-a)b", "jira-1", "kibcase-a\nb"])
def test_a_mark_that_would_not_be_found_again_is_refused(mark: str) -> None:
    with pytest.raises(ValueError, match="not a mark"):
        with_mark("text", mark)
