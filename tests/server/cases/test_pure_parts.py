"""The pure parts: date math, text search, differences, JSON codecs."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.cases.changes import changed_fields, difference
from kibcase.server.codec import Report, array, decode, limited, nullable, strict, string, union
from kibcase.server.datemath import parse_stamp, resolve, stamp
from kibcase.server.errors import BadRequest
from kibcase.server.jstext import js_number
from kibcase.server.textsearch import analyse, compile_search

NOW = datetime(2024, 2, 29, 13, 45, 12, 345678, tzinfo=UTC)
EARLY, LATE = datetime(1971, 1, 1), datetime(9000, 1, 1)  # noqa: DTZ001 - hypothesis adds the zone
moments = st.datetimes(EARLY, LATE, timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("text", "down", "up"),
    [
        ("now", "2024-02-29T13:45:12.345Z", "2024-02-29T13:45:12.345Z"),
        ("now-1y", "2023-02-28T13:45:12.345Z", "2023-02-28T13:45:12.345Z"),
        ("now+1M", "2024-03-29T13:45:12.345Z", "2024-03-29T13:45:12.345Z"),
        ("now-1w/w", "2024-02-19T00:00:00.000Z", "2024-02-25T23:59:59.999Z"),
        ("now/y", "2024-01-01T00:00:00.000Z", "2024-12-31T23:59:59.999Z"),
        ("now/M", "2024-02-01T00:00:00.000Z", "2024-02-29T23:59:59.999Z"),
        ("now/h-30m", "2024-02-29T12:30:00.000Z", "2024-02-29T13:29:59.999Z"),
        ("2024", "2024-01-01T00:00:00.000Z", "2024-12-31T23:59:59.999Z"),
        ("2024-02", "2024-02-01T00:00:00.000Z", "2024-02-29T23:59:59.999Z"),
        ("2024-02-29T13", "2024-02-29T13:00:00.000Z", "2024-02-29T13:59:59.999Z"),
        ("2024-02-29T13:45+02:00", "2024-02-29T11:45:00.000Z", "2024-02-29T11:45:59.999Z"),
        ("2024-02-29T13:45:12.5Z", "2024-02-29T13:45:12.500Z", "2024-02-29T13:45:12.500Z"),
        ("2024-01-31||+1M/d", "2024-02-29T00:00:00.000Z", "2024-02-29T23:59:59.999Z"),
        ("1709214312345", "2024-02-29T13:45:12.345Z", "2024-02-29T13:45:12.345Z"),
    ],
)
def test_date_math(text: str, down: str, up: str) -> None:
    assert stamp(resolve(text, NOW, up=False)) == down
    assert stamp(resolve(text, NOW, up=True)) == up


@pytest.mark.parametrize(
    "text", ["", "soon", "now-", "now-1x", "now//d", "2024-13-01", "2024-02-30", "now+99999999y", "n" * 200, "2024||x"]
)
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        resolve(text, NOW, up=False)


@given(st.text(max_size=40))
def test_any_text_is_a_date_or_a_value_error(text: str) -> None:
    for candidate in (text, "now" + text, "2024-01-01||" + text):
        try:
            assert resolve(candidate, NOW, up=True).tzinfo is not None
        except ValueError:
            continue


@given(moments)
def test_stamps_sort_like_moments(moment: datetime) -> None:
    assert abs(parse_stamp(stamp(moment)) - moment) < timedelta(milliseconds=1)
    assert stamp(moment) < stamp(moment + timedelta(milliseconds=1))
    assert resolve(stamp(moment), NOW, up=True) == parse_stamp(stamp(moment))


@given(st.text(alphabet='ab c+|-"*~()\\0123', max_size=40), st.booleans())
def test_a_search_never_fails(text: str, every: bool) -> None:
    assert compile_search(text, every=every)([analyse("a b c ab"), []]) in (True, False)


@given(st.lists(st.sampled_from(["red", "green", "blue"]), min_size=1, max_size=3), st.text(max_size=30))
def test_words_are_found_by_operator(words: list[str], other: str) -> None:
    query = " ".join(words)
    fields = [analyse(query + " " + other), analyse("black")]
    assert compile_search(query, every=True)(fields)
    assert compile_search(f'"{query}"')(fields)
    assert not compile_search("-black " + query, every=True)(fields)
    assert compile_search("yellow | " + query)(fields)


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("foo-bar", "a bar", True),
        ("foo -bar", "a bar", False),
        ("foo -bar", "neither", True),
        ("don't", "I don't", True),
        ("10.0.0.1", "to 10.0.0.1 again", True),
        (r"\-bar", "bar", True),
        ("(((a)))", "a", True),
        ("(" * 500 + "a", "a", True),
        ("(((a)|(b))+c)", "a c", True),
        ("(((a)|(b))+c)", "a b", False),
        ("a|b+c", "a", False),
        ("a+b|c", "c", True),
        ("a|" * 900 + "b +c", "b", False),
        ("a|" * 900 + "b +c", "a c", True),
        ("+a +a |-b", "c", True),
        ("", "a", False),
    ],
)
def test_searches(query: str, text: str, found: bool) -> None:
    assert compile_search(query)([analyse(text)]) is found


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_a_codec_accepts_or_says_why(value: Any) -> None:
    codec = strict(
        {"a": nullable(limited("a", 1, 3))}, {"b": union(array(string, "b", 0, 2), string), "c": strict({"d": string})}
    )
    for candidate in (value, {"a": value}, {"a": "x", "b": value}, {"a": "x", "c": value}):
        report = Report()
        result = codec(candidate, (), report)
        if not report.errors and not report.excess:
            assert result == candidate
        else:
            with pytest.raises(BadRequest, match=r"."):
                decode(codec, candidate)


@given(st.dictionaries(st.sampled_from("abc"), json_values), st.dictionaries(st.sampled_from("abcd"), json_values))
def test_what_changes_is_a_part_of_the_request(stored: dict[str, Any], request: dict[str, Any]) -> None:
    changes = changed_fields(stored, request)
    assert changes.items() <= request.items() if _hashable(changes) else set(changes) <= set(request)
    assert changed_fields(stored | request, request) == {}
    assert set(changes) <= set(stored)


def _hashable(changes: dict[str, Any]) -> bool:
    return all(not isinstance(value, (list, dict)) for value in changes.values())


@given(st.lists(st.integers(0, 5)), st.lists(st.integers(0, 5)))
def test_differences_rebuild_the_other_list(before: list[int], after: list[int]) -> None:
    added, removed = difference(before, after)
    assert (set(before) | set(added)) - set(removed) == set(after)


@given(st.lists(st.tuples(st.sampled_from("+|"), st.booleans(), st.sampled_from("abc")), min_size=1, max_size=12),
       st.sets(st.sampled_from("abc")))
def test_operators_work_from_left_to_right(terms: list[tuple[str, bool, str]], words: set[str]) -> None:
    query = "".join(f"{operator}{'-' if negated else ''}{word}" for operator, negated, word in terms)
    expected: bool | None = None
    for operator, negated, word in terms:
        found = (word in words) is not negated
        expected = found if expected is None else (expected and found) if operator == "+" else (expected or found)
    assert compile_search(query)([sorted(words)]) is expected


@given(st.text(alphabet=" +-.0123456789abcdefxobEeInity_\u00a0", max_size=12))
def test_numbers_of_texts(text: str) -> None:
    number = js_number(text)
    assert number is None or number == number
    if re.fullmatch(r"-?[0-9]{1,6}(\.[0-9]{1,3})?", text):
        assert number == float(text)


@pytest.mark.parametrize(("text", "number"), [
    ("", 0.0), (" \u00a0", 0.0), ("0x10", 16.0), ("0b11", 3.0), ("0o17", 15.0), ("1e400", math.inf), (".5", 0.5),
    ("-Infinity", -math.inf), ("+Infinity", math.inf), ("0x" + "f" * 400, math.inf), ("Infinity" * 2, None),
    ("+-Infinity", None), ("-0x10", None), ("1_0", None), ("nan", None), ("\u0663", None), ("1e", None), (".", None),
])
def test_texts_that_javascript_takes_for_numbers(text: str, number: float | None) -> None:
    assert js_number(text) == number
