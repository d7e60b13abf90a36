"""The pure parts: dates, wildcards, fields, merging."""

from __future__ import annotations

import contextlib
import fnmatch
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.elasticsearch.dates import boundary_millis, date_millis, looks_like_date, millis
from kibcase.server.elasticsearch.documents import merged
from kibcase.server.elasticsearch.fields import flatten, values
from kibcase.server.elasticsearch.glob import matches, wildcard

NOW = datetime(2026, 3, 18, 15, 45, 30, 123000, tzinfo=UTC)
SCALARS = st.one_of(st.integers(), st.booleans(), st.text(max_size=3))
KEYS = st.sampled_from(["a", "b", "a.b", "b.a", "a.b.c", "c"])
SOURCES = st.recursive(
    st.dictionaries(KEYS, SCALARS | st.none(), max_size=3),
    lambda inner: st.dictionaries(KEYS, inner | SCALARS | st.lists(SCALARS | inner, max_size=3), max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "round_up", "expected"),
    [
        ("now", False, "2026-03-18T15:45:30.123"), ("now-24h", False, "2026-03-17T15:45:30.123"),
        ("now/d", False, "2026-03-18T00:00:00.000"), ("now/d", True, "2026-03-18T23:59:59.999"),
        ("now/w", False, "2026-03-16T00:00:00.000"), ("now-1M/M", True, "2026-02-28T23:59:59.999"),
        ("now/y", False, "2026-01-01T00:00:00.000"), ("now+1y", False, "2027-03-18T15:45:30.123"),
        ("now-d/h", False, "2026-03-17T15:00:00.000"), ("2026-01-31||+1M", False, "2026-02-28T00:00:00.000"),
        ("2026", False, "2026-01-01T00:00:00.000"), ("2026-05", True, "2026-05-01T23:59:59.999"),
        ("2026-05-04T10", True, "2026-05-04T10:59:59.999"), ("2026-05-04T10:00:00Z", True, "2026-05-04T10:00:00.000"),
        ("2026-05-04T10:00:00.25+02:00", False, "2026-05-04T08:00:00.250"),
    ],
)  # fmt: skip
def test_boundaries(text: str, round_up: bool, expected: str) -> None:
    moment = millis(datetime.fromisoformat(expected).replace(tzinfo=UTC))
    assert boundary_millis(text, lambda: NOW, round_up=round_up) == moment


@given(st.text(max_size=30) | st.from_regex(r"now[-+/0-9a-zA-Z|]{0,12}", fullmatch=True))
def test_any_text_is_a_date_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(boundary_millis(text, lambda: NOW, round_up=True), int)
    assert looks_like_date(text) in (True, False)


@given(st.datetimes(timezones=st.just(UTC)))
def test_iso_dates_are_read_to_the_millisecond(moment: datetime) -> None:
    assert date_millis(moment.isoformat().replace("+00:00", "Z")) == millis(moment)


@given(st.text(alphabet="ab*", max_size=8), st.text(alphabet="ab", max_size=8))
def test_wildcards_agree_with_fnmatch(pattern: str, text: str) -> None:
    assert matches(pattern, text) == fnmatch.fnmatchcase(text, pattern) == wildcard(pattern, text)


def test_wildcard_escapes_and_hostile_patterns() -> None:
    assert wildcard(r"a\*?", "a*b")
    assert not wildcard(r"a\*?", "axb")
    assert not wildcard("*a" * 200 + "b", "a" * 5000)


@given(SOURCES)
def test_every_flattened_name_can_be_read(source: dict[str, Any]) -> None:
    found: dict[str, list[Any]] = {}
    for name, value in flatten(source):
        found.setdefault(name, []).append(value)
    for name, everything in found.items():
        read = values(source, name)
        assert read
        assert all(value in everything for value in read)


def test_dotted_wins_over_nested_and_null_is_nothing() -> None:
    assert values({"a": {"b": 1}, "a.b": 2}, "a.b") == [2]
    assert values({"a": {"b": 1}, "a.b": None}, "a.b") == [1]
    assert values({"a": [{"b": 1}, {"b": [2, [3]]}, 4]}, "a.b") == [1, 2, 3]
    assert values({"a": {"b.c": 1}}, "a.b.c") == [1]


@given(SOURCES, SOURCES)
def test_merging_twice_changes_nothing_more(stored: dict[str, Any], change: dict[str, Any]) -> None:
    once = merged(stored, change)
    assert merged(once, change) == once
    assert once.keys() == stored.keys() | change.keys()
