"""When failed work is tried again."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kibcase_daemon.schedule import ATTEMPTS_BEFORE_PARKING, PARKED_PAUSES, PAUSES, is_due, pause

ATTEMPTS = st.integers(1, 1000)


@given(ATTEMPTS, st.booleans())
def test_pauses_grow_and_never_shrink(attempts: int, parked: bool) -> None:
    assert 0 < pause(attempts, parked=parked) <= pause(attempts + 1, parked=parked)


@given(ATTEMPTS, st.floats(0, 1e6))
def test_what_the_remote_side_asks_for_is_never_undercut(attempts: int, asked: float) -> None:
    assert pause(attempts, parked=False, asked=asked) >= asked
    assert pause(attempts, parked=False, asked=asked) >= pause(attempts, parked=False)


def test_the_first_pause_is_the_shortest_and_the_last_goes_on_for_ever() -> None:
    assert pause(1, parked=False) == PAUSES[0]
    assert pause(10_000, parked=False) == PAUSES[-1]
    assert pause(1, parked=True) == PARKED_PAUSES[0]
    assert pause(10_000, parked=True) == PARKED_PAUSES[-1]


def test_the_steps_themselves_grow() -> None:
    assert all(first < second for first, second in pairwise(PAUSES))
    assert all(first < second for first, second in pairwise(PARKED_PAUSES))
    assert PARKED_PAUSES[0] >= PAUSES[-1]
    assert len(PAUSES) <= ATTEMPTS_BEFORE_PARKING, "every pause is used before a link is parked"


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_work_is_due_from_its_moment_on(retry_at: float, now: float) -> None:
    assert is_due(retry_at, now) == (now >= retry_at)
    assert not is_due(None, now)
