"""How long a system wants to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from kibcase_connectors.waiting import MAX_WAIT, asked_wait, limits_one_thing, rate_limit_reason

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=90)


def at(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


@pytest.mark.parametrize(("value", "expected"), [
    ("120", 120.0),
    ("0.5", 0.5),
    (" 7 ", 7.0),
    ("5400", 5400.0),
    (at(LATER), 90.0),
    ("Sunday, 01-Mar-26 12:01:30 GMT", 90.0),
    ("0", None),
    ("-3", None),
    (at(NOW - timedelta(hours=1)), None),
    ("Fri, 31 Dec 9999 23:59:59 -2300", None),
    ("soon", None),
    ("", None),
    ("inf", None),
    ("nan", None),
    ("100000000", MAX_WAIT),
    (at(NOW + timedelta(days=3)), MAX_WAIT),
])
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(value: str, expected: float | None, status: int) -> None:
    assert asked_wait({"Retry-After": value}, NOW, status=status) == expected


@pytest.mark.parametrize(("value", "expected"), [
    ("2026-03-01T12:01:30Z", 90.0),
    ("2026-03-01T12:01Z", 60.0),
    ("2026-03-01T14:01:30.500+02:00", 90.5),
    ("2026-03-01T12:01:30", 90.0),
    (str(int(LATER.timestamp())), 90.0),
    (f"{LATER.timestamp()}", 90.0),
    (str(int(NOW.timestamp()) - 5), None),
    ("3600", None),
    ("9999-12-31T23:59:59Z", MAX_WAIT),
    ("0001-01-01T00:00:00+14:00", None),
    ("tomorrow", None),
    ("", None),
])
def test_reset_of_a_rate_limit(value: str, expected: float | None) -> None:
    assert asked_wait({"X-RateLimit-Reset": value}, NOW) == expected
    # A failing server that happens to tell its budget does not say when it will work again.
    assert asked_wait({"X-RateLimit-Reset": value}, NOW, status=503) is None


def test_the_wait_itself_comes_before_the_reset() -> None:
    headers = {"Retry-After": "5", "X-RateLimit-Reset": "2026-03-01T12:01:30Z"}
    assert asked_wait(headers, NOW) == 5.0
    assert asked_wait(headers | {"Retry-After": "0"}, NOW) == 90.0


@pytest.mark.parametrize("status", [200, 201, 302])
def test_good_answers_ask_for_nothing(status: int) -> None:
    headers = {"retry-after": "30", "X-RateLimit-Reset": str(LATER.timestamp())}
    assert asked_wait(headers, NOW, status=status) is None


@pytest.mark.parametrize("skew", [timedelta(hours=-5), timedelta(minutes=-3), timedelta(minutes=3), timedelta(days=2)])
@pytest.mark.parametrize("name", ["Retry-After", "X-RateLimit-Reset"])
def test_moments_are_of_the_clock_of_the_server(skew: timedelta, name: str) -> None:
    reset = LATER + skew
    value = at(reset) if name == "Retry-After" else reset.isoformat()
    assert asked_wait({name: value, "Date": at(NOW + skew)}, NOW) == 90.0
    assert asked_wait({"Retry-After": "90", "Date": at(NOW + skew)}, NOW) == 90.0


def test_names_of_headers_in_any_case() -> None:
    for headers in ({"retry-after": "9"}, {"RETRY-AFTER": "9"}, CaseInsensitiveDict({"Retry-After": "9"})):
        assert asked_wait(headers, NOW) == 9.0
    assert asked_wait({"x-ratelimit-reset": LATER.isoformat(), "DATE": at(NOW)}, NOW) == 90.0


@pytest.mark.parametrize(("headers", "expected"), [
    ({"RateLimit-Reason": "jira-burst-based"}, "jira-burst-based"),
    ({"ratelimit-reason": "jira-per-issue-on-write"}, "jira-per-issue-on-write"),
    ({"X-RateLimit-Rule": "0c1d2e3f"}, "rule 0c1d2e3f"),
    ({"RateLimit-Reason": "a", "X-RateLimit-Rule": "b"}, "a"),
    ({"RateLimit-Reason": "<b>\x1b[31m \r\nX: y</b>"}, "b31mX:yb"),
    ({"RateLimit-Reason": "x" * 500}, "x" * 100),
    ({"RateLimit-Reason": "  "}, None),
    ({}, None),
])
def test_reason(headers: dict[str, str], expected: str | None) -> None:
    assert rate_limit_reason(headers) == expected
    assert limits_one_thing(headers) == (expected == "jira-per-issue-on-write")


ODD = st.text(max_size=40) | st.floats().map(str) | st.integers().map(str) | st.datetimes().map(datetime.isoformat) | (
    st.datetimes(timezones=st.just(timezone(timedelta(hours=-23)))).map(format_datetime)
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("Retry-After", "X-RateLimit-Reset", "Date"), ODD)),
       st.integers(100, 599))
def test_whatever_is_sent_gives_a_bounded_wait_or_none(headers: dict[str, str], status: int) -> None:
    wait = asked_wait(headers, NOW, status=status)
    assert wait is None or (0 < wait <= MAX_WAIT and status >= 400)
