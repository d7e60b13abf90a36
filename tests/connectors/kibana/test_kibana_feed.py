"""The search for changed cases loses nothing, whatever happens between its requests."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase import Case, FoundCases
from kibcase_connectors.kibana.cursor import Cursor, Watermark, iso
from kibcase_connectors.kibana.feed import FULL, MOST_PAGES, PROBE, created_since, page_before, updated_since

START = datetime(2025, 5, 1, tzinfo=UTC)


class Space:
    """Cases in memory behind ``_find``; ``disturb`` is called before each request but the first."""

    def __init__(self, seed: int = 0) -> None:
        self.cases: dict[str, Case] = {}
        self.now = START
        self.requests = 0
        self.random = random.Random(seed)
        self.steady = False
        self.disturb: Callable[[], None] = lambda: None

    def tick(self, milliseconds: int = 1) -> datetime:
        self.now += timedelta(milliseconds=milliseconds)
        return self.now

    def create(self, number: int = 1, *, step: int = 1) -> list[str]:
        made = []
        for _ in range(number):
            key = f"case-{len(self.cases):06d}-{self.random.randrange(10**6)}"
            self.cases[key] = Case(
                id=key, version="1", title="t", status="open", owner="cases", created_at=self.tick(step)
            )
            made.append(key)
        return made

    def touch(self, *keys: str, step: int = 1) -> None:
        for key in keys:
            case = self.cases[key]
            newer = {"updated_at": self.tick(step), "version": str(int(case.version) + 1)}
            self.cases[key] = case.model_copy(update=newer)

    def page(
        self, *, sort: Literal["createdAt", "updatedAt"], page: int = 1, per_page: int = FULL,
        first: datetime | None = None, last: datetime | None = None,
    ) -> FoundCases:
        if self.requests:
            self.disturb()
        self.requests += 1
        assert page * per_page <= 10_000
        found = [
            case for case in self.cases.values()
            if (first is None or case.created_at >= first) and (last is None or case.created_at <= last)
        ]
        # Equal stamps have no order of their own: it differs from request to request.
        if not self.steady:
            self.random.shuffle(found)
        if sort == "createdAt":
            found.sort(key=lambda case: case.created_at, reverse=True)
        else:
            found.sort(key=lambda case: case.updated_at or START - timedelta(days=9999), reverse=True)
        return FoundCases(cases=found[(page - 1) * per_page : page * per_page], total=len(found))


@pytest.mark.parametrize("number", [0, 1, 99, 100, 101, 350])
def test_all_cases_are_listed_once(number: int) -> None:
    space = Space()
    space.create(number)
    listed = [case.id for case in created_since(space.page, None)]
    assert sorted(listed) == sorted(space.cases)
    assert listed == sorted(listed, reverse=True)


def test_more_cases_than_pages_reach_are_listed() -> None:
    space = Space()
    space.create(10_250)
    assert {case.id for case in created_since(space.page, None)} == set(space.cases)


@pytest.mark.parametrize("number", [100, 150, 260])
def test_cases_created_in_the_same_millisecond_are_listed(number: int) -> None:
    space = Space()
    space.create(120)
    space.create(number, step=0)
    space.create(30)
    # Pages within one millisecond are only as good as the server's order, which here holds still.
    space.steady = True
    assert {case.id for case in created_since(space.page, None)} == set(space.cases)


def test_a_border_within_a_millisecond_hides_nothing() -> None:
    for seed in range(20):
        space = Space(seed)
        for _ in range(20):
            space.create(30, step=0)
            space.tick()
        assert {case.id for case in created_since(space.page, None)} == set(space.cases)


def test_deletions_while_listing_hide_nothing_else() -> None:
    space = Space()
    space.create(450)

    def delete_the_newest() -> None:
        for key in sorted(space.cases)[-7:]:
            del space.cases[key]

    before = set(space.cases)
    space.disturb = delete_the_newest
    listed = {case.id for case in created_since(space.page, None)}
    assert set(space.cases) <= listed <= before


def test_an_idle_space_answers_in_one_page() -> None:
    for number in (1, 10, 200, 2000):
        space = Space()
        keys = space.create(number)
        space.touch(*keys)
        floor = space.now
        space.requests = 0
        assert [case.id for case in updated_since(space.page, floor) or ()] == [keys[-1]]
        assert space.requests == 1


def test_cases_never_updated_are_not_walked_through() -> None:
    space = Space()
    keys = space.create(500)
    space.touch(keys[0])
    assert [case.id for case in updated_since(space.page, None) or ()] == [keys[0]]
    assert space.requests == 1


@pytest.mark.parametrize("number", [PROBE, PROBE + 1, 100, 101, 250, 1200])
def test_all_updates_are_found(number: int) -> None:
    space = Space()
    keys = space.create(number + 40)
    space.touch(*keys[:20])
    space.tick(1000)
    floor = space.now
    space.touch(*keys[40:])
    found = updated_since(space.page, floor)
    assert found is not None
    assert sorted(case.id for case in found) == sorted(keys[40:])


def test_updates_of_one_bulk_request_are_found_or_doubted() -> None:
    for seed in range(30):
        space = Space(seed)
        keys = space.create(300)
        space.tick(1000)
        floor = space.now
        space.touch(*keys[:150], step=0)
        space.tick()
        space.touch(*keys[150:230], step=0)
        found = updated_since(space.page, floor)
        assert found is None or {case.id for case in found} == set(keys[:230])


def test_far_too_much_is_doubted_and_not_walked_through() -> None:
    space = Space()
    space.touch(*space.create(5000))
    assert updated_since(space.page, None) is None


@given(st.integers(min_value=0, max_value=10**6), st.integers(min_value=101, max_value=400))
def test_whatever_happens_during_the_walk_no_update_is_lost(seed: int, number: int) -> None:
    space = Space(seed)
    keys = space.create(number)
    floor = space.tick(1000)
    for key in space.random.sample(keys, number * 9 // 10):
        space.touch(key, step=space.random.choice([0, 0, 1]))
    before = dict(space.cases)

    def disturb() -> None:
        for _ in range(space.random.randrange(4)):
            key = space.random.choice(sorted(space.cases))
            match space.random.randrange(3):
                case 0:
                    space.touch(key, step=10)
                case 1:
                    del space.cases[key]
                case _:
                    space.create(step=10)

    space.disturb = disturb
    found = updated_since(space.page, floor)
    if found is None:
        return
    newest = max(case.updated_at for case in found if case.updated_at is not None)
    wanted = {
        key for key, case in before.items() if case.updated_at is not None and case.updated_at >= floor
    } & set(space.cases)
    missed = wanted - {case.id for case in found}
    # What was missed has moved to the front meanwhile, so that the next search finds it.
    assert all((space.cases[key].updated_at or START) > newest for key in missed)


def test_a_quiet_walk_is_never_doubted() -> None:
    space = Space()
    space.touch(*space.create(1500))
    assert len(updated_since(space.page, None) or ()) == 1500


@given(st.integers(min_value=0, max_value=MOST_PAGES * FULL))
def test_a_page_begins_where_it_must_and_goes_on(position: int) -> None:
    page, size = page_before(position)
    start = (page - 1) * size
    assert start <= position < start + size
    assert start + size - position >= 50
    assert page * size <= 10_000


MARGIN = timedelta(seconds=60)


def test_the_margin_is_dropped_once_nothing_older_can_appear() -> None:
    mark = Watermark(stamp=START, since=START)
    assert mark.floor(MARGIN) == START - MARGIN
    soon = mark.after(START, START + MARGIN, MARGIN)
    assert soon.floor(MARGIN) == START - MARGIN
    late = mark.after(None, START + MARGIN + timedelta(seconds=1), MARGIN)
    assert late.floor(MARGIN) == START
    assert late.after(None, START + 3 * MARGIN, MARGIN) == late
    newer = late.after(START + timedelta(seconds=5), START + 4 * MARGIN, MARGIN)
    assert newer.floor(MARGIN) == START + timedelta(seconds=5) - MARGIN


def test_the_margin_is_kept_while_walks_began_too_early() -> None:
    mark = Watermark(stamp=None, since=START)
    assert mark.floor(MARGIN) is None
    assert mark.after(None, START + 9 * MARGIN, MARGIN).floor(MARGIN) is None


@given(
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.booleans(),
)
def test_a_cursor_is_read_as_it_was_written(stamp: datetime, settled: bool) -> None:
    stamp = stamp.replace(microsecond=stamp.microsecond // 1000 * 1000)
    cursor = Cursor(
        updated=Watermark(stamp=stamp, since=stamp, settled=settled), created=Watermark(stamp=None, since=stamp)
    )
    assert Cursor.load(cursor.dump()) == cursor


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"v":0}', '{"v":1,"updated":{}}', "not json"])
def test_a_cursor_of_another_kind_starts_afresh(text: str) -> None:
    assert Cursor.load(text) is None


def test_fine_stamps_are_widened_to_milliseconds() -> None:
    fine = datetime(2025, 1, 1, 12, 0, 0, 999_500, tzinfo=UTC)
    assert iso(fine) == "2025-01-01T12:00:00.999Z"
    assert iso(fine, up=True) == "2025-01-01T12:00:01.000Z"
    assert iso(START, up=True) == "2025-05-01T00:00:00.000Z"
