from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.markup import label_of, normalise, one_line

ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def test_normalise_makes_values_of_two_systems_comparable() -> None:
    assert normalise("\r\n a \t\r\nb\rcafe\u0301\u00a0\n\n") == "a\nb\ncafé"
    assert normalise("x\x00y\x1b[0m\ud800") == "xy[0m"
    assert normalise("  keep\n    indentation") == "keep\n    indentation"


@given(st.text())
def test_normalise_settles(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert "\r" not in once
    assert not ILLEGAL.search(once)
    assert unicodedata.is_normalized("NFC", once)
    assert all(line == line.rstrip() for line in once.split("\n"))


@pytest.mark.parametrize(
    ("text", "limit", "line"),
    [
        (" a\r\nb\n\n  c ", 255, "a, b, c"),
        ("x" * 255, 255, "x" * 255),
        ("x" * 256, 255, "x" * 254 + "…"),
        ("abc def", 5, "abc…"),
        ("ab", 1, "…"),
        ("cafe\u0301s and", 5, "caf…"),
        ("ab👩\u200d💻cd", 6, "ab…"),
        ("a🇩🇪🇫🇷b", 8, "a🇩🇪…"),
        ("", 5, ""),
    ],
)
def test_one_line(text: str, limit: int, line: str) -> None:
    assert one_line(text, limit) == line


def test_one_line_counts_as_the_remote_system_does() -> None:
    assert one_line("😀" * 200) == "😀" * 127 + "…"


def test_one_line_needs_room() -> None:
    with pytest.raises(ValueError, match="limit of at least 1"):
        one_line("a", 0)


@given(st.text(), st.integers(1, 300))
def test_one_line_is_one_line_within_its_limit(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert units(line) <= limit
    assert not set(line) & set("\n\r\u0085\u2028\u2029")
    assert line == line.strip()


@pytest.mark.parametrize(
    ("tag", "label"),
    [
        ("phishing", "phishing"),
        ("two  words\there", "two-words-here"),
        (" a ", "-a-"),
        ("漢字 😀", "漢字-😀"),
        ("a\x00b", "ab"),
    ],
)
def test_label_of(tag: str, label: str) -> None:
    assert label_of(tag) == label


@given(st.text(min_size=1, max_size=600))
def test_labels_fit_and_stay_put(tag: str) -> None:
    if not ILLEGAL.sub("", tag):
        with pytest.raises(ValueError, match="no character"):
            label_of(tag)
        return
    label = label_of(tag)
    assert 0 < units(label) <= 255
    assert not re.search(r"\s", label)
    assert label_of(label) == label == label_of(tag)


def test_long_tags_that_differ_at_the_end_keep_different_labels() -> None:
    assert label_of("x" * 300 + "a") != label_of("x" * 300 + "b")
    assert len(label_of("x" * 300)) == 255
