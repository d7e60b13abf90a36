"""The circuit breaker and the hourly budget, as values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.breaker import (
    CLOSED,
    DENIED_WAIT,
    FAILURES_TO_OPEN,
    FIRST_WAIT,
    LONGEST_WAIT,
    Breaker,
    Cause,
    State,
)
from kibcase_connectors.budget import STEP, WINDOW, Budget
from kibcase_connectors.errors import (
    Conflict,
    ConnectorError,
    Denied,
    NotFound,
    OutcomeUnknown,
    Refused,
    Throttled,
    Unavailable,
)
from kibcase_connectors.waiting import MAX_WAIT

T0 = 1_772_366_400.0
DOWN = Unavailable("it", "read", said="HTTP 502")
LOST = OutcomeUnknown("it", "create")
DENIED = Denied("it", "read", said="HTTP 401")
ANSWERS: list[ConnectorError | None] = [
    None, Refused("it", "write"), Conflict("it", "write"), NotFound("it", "read"),
    Throttled("it", "write SOC-1", retry_after=60.0, whole=False),
]


def throttled(seconds: float | None) -> Throttled:
    return Throttled("it", "read", retry_after=seconds)


def opened(error: ConnectorError = DOWN, now: float = T0) -> Breaker:
    breaker = CLOSED
    while breaker.state(now) is State.CLOSED:
        breaker = breaker.after(error, now)
    return breaker


@pytest.mark.parametrize("error", [DOWN, LOST])
def test_opens_after_failures_in_a_row(error: ConnectorError) -> None:
    breaker = CLOSED
    for failures in range(1, FAILURES_TO_OPEN):
        breaker = breaker.after(error, T0)
        assert (breaker.state(T0), breaker.failures) == (State.CLOSED, failures)
    breaker = breaker.after(error, T0)
    assert (breaker.state(T0), breaker.cause, breaker.remaining(T0)) == (State.OPEN, Cause.OUTAGE, FIRST_WAIT)
    assert breaker.said == str(error)


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_ends_the_row_and_closes(answer: ConnectorError | None) -> None:
    breaker = CLOSED
    for _ in range(FAILURES_TO_OPEN - 1):
        breaker = breaker.after(DOWN, T0)
    assert breaker.after(answer, T0) == CLOSED
    for broken in (opened(), opened(DENIED), opened(throttled(600.0))):
        assert broken.after(answer, broken.until) == CLOSED


def test_waits_double_up_to_the_longest() -> None:
    breaker, now, waits = opened(), T0, []
    for _ in range(8):
        waits.append(breaker.remaining(now))
        now = breaker.until
        assert breaker.state(now) is State.HALF_OPEN
        breaker = breaker.after(DOWN, now)
        assert breaker.state(now) is State.OPEN
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    assert breaker.after(None, now) == CLOSED


@pytest.mark.parametrize(("asked", "wait"), [(0.5, 0.5), (7200.0, 7200.0), (1e9, MAX_WAIT), (None, FIRST_WAIT)])
def test_a_system_that_asks_for_quiet_gets_it_at_once(asked: float | None, wait: float) -> None:
    breaker = CLOSED.after(throttled(asked), T0)
    assert (breaker.cause, breaker.remaining(T0)) == (Cause.THROTTLED, wait)
    assert breaker.state(T0 + wait) is State.HALF_OPEN


def test_without_a_time_the_waits_grow_too() -> None:
    first = CLOSED.after(throttled(None), T0)
    assert first.after(throttled(None), first.until).remaining(first.until) == 2 * FIRST_WAIT


def test_a_refused_account_is_tried_again_rarely_or_with_other_settings() -> None:
    breaker = CLOSED.after(DENIED, T0, "aa11")
    assert breaker.remaining(T0, "aa11") == DENIED_WAIT
    assert breaker.state(T0 + DENIED_WAIT - 1, "aa11") is State.OPEN
    assert breaker.state(T0 + DENIED_WAIT, "aa11") is State.HALF_OPEN
    assert breaker.state(T0, "bb22") is State.HALF_OPEN
    assert breaker.after(DENIED, T0 + 1, "bb22").remaining(T0 + 1, "bb22") == DENIED_WAIT
    # Other settings do not make a system come back, nor do they give it the quiet that it wants.
    assert opened().state(T0, "bb22") is State.OPEN
    assert opened(throttled(60.0)).state(T0, "bb22") is State.OPEN


def test_a_question_out_of_turn_never_shortens_the_wait() -> None:
    long = opened(throttled(7200.0))
    assert long.after(DOWN, T0 + 1) == long
    for error in (DENIED, throttled(1.0)):
        again = long.after(error, T0 + 1)
        assert (again.until, again.openings) == (long.until, 1)


def test_a_clock_set_back_does_not_block() -> None:
    breaker = opened(throttled(MAX_WAIT))
    assert breaker.state(T0 - 10) is State.OPEN
    assert breaker.state(T0 - 365 * 86_400) is State.HALF_OPEN


ERRORS = st.sampled_from([*ANSWERS, DOWN, LOST, DENIED]) | st.builds(
    throttled, st.none() | st.floats(0.001, 1e7)
)
STEPS = st.lists(st.tuples(ERRORS, st.floats(0.0, 5000.0)), max_size=40)


@given(STEPS, st.booleans())
def test_any_history(steps: list[tuple[ConnectorError | None, float]], polite: bool) -> None:
    breaker, now = CLOSED, T0
    for outcome, gap in steps:
        now += gap
        before = breaker.state(now, "c")
        if polite and before is State.OPEN:
            assert breaker.remaining(now, "c") > 0
            continue
        after = breaker.after(outcome, now, "c")
        assert Breaker.from_json(json.loads(json.dumps(after.to_json()))) == after
        assert 0 <= after.remaining(now, "c") <= MAX_WAIT
        if outcome in ANSWERS:
            assert after == CLOSED
        elif isinstance(outcome, Denied | Throttled):
            assert after.state(now, "c") is State.OPEN
            assert after.remaining(now, "c") >= breaker.remaining(now, "c")
            asked = getattr(outcome, "retry_after", None)
            assert after.remaining(now, "c") >= min(asked or 0.0, MAX_WAIT) - 1e-3
        else:
            assert after.state(now, "c") is not State.HALF_OPEN
            assert after.failures < FAILURES_TO_OPEN
            if before is State.HALF_OPEN:
                assert FIRST_WAIT <= after.remaining(now, "c") <= LONGEST_WAIT
        breaker = after


GOOD: dict[str, Any] = opened(DENIED).to_json()


@pytest.mark.parametrize("kept", [
    None, [], "closed", {}, GOOD | {"version": 2}, GOOD | {"cause": "moon"}, GOOD | {"until": "soon"},
    GOOD | {"failures": -1}, GOOD | {"failures": True}, GOOD | {"openings": 1.5}, GOOD | {"since": float("nan")},
])
def test_what_is_not_a_breaker_is_refused(kept: Any) -> None:
    assert Breaker.from_json(GOOD).cause is Cause.DENIED
    with pytest.raises(ValueError, match=r"form 1|number|Cause"):
        Breaker.from_json(kept)


def test_an_impossible_end_is_bounded() -> None:
    assert Breaker.from_json(GOOD | {"until": 1e12}).remaining(T0) == MAX_WAIT


def test_a_budget_is_used_up_and_frees_again() -> None:
    budget = Budget(limit=3)
    for spent in range(3):
        assert budget.wait(T0) == 0.0
        assert budget.used(T0) == spent
        budget = budget.spend(T0)
    assert budget.wait(T0) == STEP + WINDOW
    assert budget.wait(T0 + 1000) == STEP + WINDOW - 1000
    assert budget.wait(T0 + STEP + WINDOW) == 0.0
    assert budget.spend(T0 + STEP + WINDOW).used(T0 + STEP + WINDOW) == 1


def test_a_budget_frees_step_by_step() -> None:
    budget = Budget(limit=4).spend(T0, 3).spend(T0 + 600, 3)
    assert budget.wait(T0 + 600) == STEP + WINDOW - 600
    assert budget.wait(T0 + STEP + WINDOW) == 0.0
    lower = Budget(limit=2, spent=budget.spent)
    assert lower.wait(T0 + STEP + WINDOW) == 600


def test_a_budget_bears_a_clock_that_was_set_back() -> None:
    budget = Budget(limit=1).spend(T0)
    assert budget.wait(T0 - 86_400) == 0.0
    assert budget.spend(T0 - 86_400).used(T0 - 86_400) == 1


@given(
    st.integers(1, 20),
    st.lists(st.tuples(st.floats(0.0, 900.0), st.integers(1, 5)), max_size=80),
)
def test_never_more_than_the_limit_in_any_hour(limit: int, tries: list[tuple[float, int]]) -> None:
    budget, now, made = Budget(limit=limit), T0, list[float]()
    for gap, _ in tries:
        now += gap
        wait = budget.wait(now)
        if wait:
            assert budget.wait(now + wait) == 0.0
            continue
        budget = Budget(limit=limit).resumed(json.loads(json.dumps(budget.spend(now).to_json())))
        made.append(now)
        assert sum(1 for at in made if at > now - WINDOW) <= limit
        assert len(budget.spent) <= WINDOW / STEP + 1


@pytest.mark.parametrize("kept", [
    None, {}, {"version": 2, "spent": []}, {"version": 1}, {"version": 1, "spent": [[1]]},
    {"version": 1, "spent": [[1, -1]]}, {"version": 1, "spent": [["a", 1]]},
])
def test_what_is_not_a_budget_is_refused(kept: Any) -> None:
    with pytest.raises(ValueError, match=r"form 1|list|pairs|number"):
        Budget(limit=1).resumed(kept)


def test_a_budget_allows_at_least_one_call() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Budget(limit=0)
