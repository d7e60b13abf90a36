from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase import (
    ApiError,
    BadRequestError,
    BatchReport,
    ConnectionFailed,
    EndpointNotFound,
    Fate,
    KibcaseError,
    LimitError,
    PermissionDenied,
    ServerError,
)
from kibcase.client.alerts import spread
from kibcase.client.batches import by_count, carry_out, encoded, split


@given(st.lists(st.text(max_size=30)), st.integers(1, 10), st.integers(400, 800))
def test_a_split_keeps_to_both_limits_and_loses_nothing(items: list[str], most: int, room: int) -> None:
    runs = split([len(encoded(item)) for item in items], most=most, room=room)
    assert [index for run in runs for index in run] == list(range(len(items)))
    bodies = [json.dumps([items[index] for index in run], separators=(",", ":")) for run in runs]
    assert all(len(body) <= room for body in bodies)
    assert all(0 < len(run) <= most for run in runs)
    # No run could have taken the first item of the next one.
    for run, following in pairwise(runs):
        together = [items[index] for index in (*run, following.start)]
        assert len(run) == most or len(json.dumps(together, separators=(",", ":"))) > room


def test_the_bytes_are_exactly_those_that_fit() -> None:
    assert split([3, 3], most=10, room=9) == [range(2)]
    assert split([3, 3], most=10, room=8) == [range(1), range(1, 2)]
    assert split([], most=10, room=8) == []
    with pytest.raises(LimitError, match="Item 1 is too large") as caught:
        split([3, 7], most=10, room=8)
    assert (caught.value.maximum, caught.value.given) == (8, 9)


@given(st.integers(0, 50), st.integers(1, 10))
def test_runs_by_count(number: int, most: int) -> None:
    runs = by_count(number, most)
    assert [index for run in runs for index in run] == list(range(number))
    assert all(len(run) == most for run in runs[:-1])


@given(st.lists(st.integers(-5, 20)), st.integers(0, 60))
def test_things_are_spread_over_what_room_there_is(rooms: list[int], number: int) -> None:
    free = sum(max(room, 0) for room in rooms)
    if free < number:
        with pytest.raises(LimitError):
            spread(rooms, number)
        return
    runs = spread(rooms, number)
    assert [index for run in runs for index in run] == list(range(number))
    assert all(len(run) <= max(room, 0) for run, room in zip(runs, rooms, strict=True))


def refusal(kind: type[ApiError] = BadRequestError, status: int = 400) -> KibcaseError:
    return kind(status, "no", "POST", "/x")


def sending(*outcomes: KibcaseError | None) -> tuple[list[range], Callable[[range], None]]:
    sent: list[range] = []
    left = list(outcomes)

    def send(run: range) -> None:
        sent.append(run)
        if error := left.pop(0):
            raise error

    return sent, send


def test_what_is_refused_for_its_own_sake_does_not_stop_the_rest() -> None:
    error = refusal()
    sent, send = sending(None, error, None)
    report = carry_out("abcde", by_count(5, 2), send)
    assert len(sent) == 3
    assert report.done == ["a", "b", "e"]
    assert [(each.index, each.item, each.fate, each.error) for each in report.failed] == [
        (2, "c", Fate.REFUSED, error), (3, "d", Fate.REFUSED, error),
    ]
    assert repr(report) == "BatchReport(3 done, 2 refused)"
    with pytest.raises(BadRequestError):
        report.raise_for_failures()


def test_a_request_without_an_answer_leaves_its_items_in_doubt_and_ends_it() -> None:
    sent, send = sending(None, ConnectionFailed("reset", method="POST", sent=True))
    report = carry_out("abc", by_count(3, 1), send)
    assert len(sent) == 2
    assert [each.fate for each in report.outcomes] == [Fate.DONE, Fate.UNKNOWN, Fate.NOT_TRIED]
    assert not report.ok
    _, send = sending(refusal(ServerError, 500))
    assert [each.fate for each in carry_out("ab", by_count(2, 1), send).outcomes] == [Fate.UNKNOWN, Fate.NOT_TRIED]


@pytest.mark.parametrize("error", [
    ConnectionFailed("refused", method="POST", sent=False), refusal(PermissionDenied, 403),
    refusal(EndpointNotFound, 404),
])
def test_what_would_stop_everything_is_raised_at_the_very_first_request_only(error: KibcaseError) -> None:
    _, send = sending(error)
    with pytest.raises(type(error)):
        carry_out("ab", by_count(2, 1), send)
    _, send = sending(None, error)
    report = carry_out("abc", by_count(3, 1), send)
    assert [each.fate for each in report.outcomes] == [Fate.DONE, Fate.REFUSED, Fate.NOT_TRIED]


def test_nothing_to_do_is_done() -> None:
    report: BatchReport[str] = carry_out([], [], lambda _: None)
    assert report.ok
    report.raise_for_failures()
    assert repr(report) == "BatchReport(nothing to do)"
