from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase import errors
from kibcase.retry import NEVER, Policy, backoff, may_repeat, parse_retry_after, wait_before_repeat

NOW = datetime(2024, 5, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0), (" 0.25 ", 0.25), (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0), ("-5", 0.0), ("soon", None),
        ("nan", None), ("inf", None), ("", None), (None, None),
    ],
)
def test_retry_after_in_every_spelling(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, now=NOW) == seconds


@given(st.text())
def test_retry_after_never_fails_and_never_is_negative(value: str) -> None:
    seconds = parse_retry_after(value, now=NOW)
    assert seconds is None or seconds >= 0


def unsent() -> errors.KibcaseError:
    return errors.ConnectionFailed("refused", method="POST", path="/x", sent=False)


def test_what_may_be_repeated() -> None:
    sent = errors.ConnectionFailed("reset", method="POST", path="/x")
    assert may_repeat(unsent(), repeatable=False)
    assert not may_repeat(sent, repeatable=False)
    assert may_repeat(sent, repeatable=True)
    for status in (429, 502, 503, 504):
        assert may_repeat(errors.api_error(status, ""), repeatable=True)
        assert not may_repeat(errors.api_error(status, ""), repeatable=False)
    for status in (400, 401, 403, 404, 409, 500):
        assert not may_repeat(errors.api_error(status, ""), repeatable=True)
    assert not may_repeat(errors.CertificateRefused("self-signed", sent=False), repeatable=True)
    assert not may_repeat(errors.InvalidAnswer("html"), repeatable=True)


def test_the_server_decides_how_long_if_it_says_so() -> None:
    error = errors.api_error(429, "", retry_after=7.0)
    assert wait_before_repeat(Policy(), error, attempt=1, elapsed=0, repeatable=True, chance=0.9) == 7.0
    assert wait_before_repeat(Policy(total=5), error, attempt=1, elapsed=0, repeatable=True, chance=0.9) is None


def test_tries_are_bounded() -> None:
    assert wait_before_repeat(NEVER, unsent(), attempt=1, elapsed=0, repeatable=True, chance=0) is None
    assert wait_before_repeat(Policy(attempts=2), unsent(), attempt=1, elapsed=0, repeatable=True, chance=0) == 0.5
    assert wait_before_repeat(Policy(attempts=2), unsent(), attempt=2, elapsed=0, repeatable=True, chance=0) is None


@given(st.integers(1, 5000), st.floats(0, 1, exclude_max=True), st.floats(0, 1), st.floats(0, 100), st.floats(0, 100))
def test_backoff_is_between_its_bounds(attempt: int, chance: float, jitter: float, base: float, cap: float) -> None:
    policy = Policy(base=base, cap=cap, jitter=jitter)
    assert 0 <= backoff(policy, attempt, chance) <= cap


@given(st.floats(0, 200), st.floats(0, 1, exclude_max=True), st.integers(1, 3))
def test_the_total_time_is_bounded(elapsed: float, chance: float, attempt: int) -> None:
    policy = Policy(total=30.0)
    wait = wait_before_repeat(policy, unsent(), attempt=attempt, elapsed=elapsed, repeatable=True, chance=chance)
    assert wait is None or elapsed + wait <= policy.total


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"jitter": 2.0}, {"base": -1.0}, {"total": -1.0}])
def test_a_policy_without_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"is|are"):
        Policy(**wrong)  # type: ignore[arg-type]
