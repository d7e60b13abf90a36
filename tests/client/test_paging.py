from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase import LimitError
from kibcase.paging import Page, check_page, walk


class Source:
    def __init__(self, items: list[int], total: int | None = None) -> None:
        self.items = items
        self.total = len(items) if total is None else total
        self.pages: list[int] = []

    def fetch(self, page: int, per_page: int) -> Page[int]:
        self.pages.append(page)
        return Page(items=self.items[(page - 1) * per_page : page * per_page], total=self.total)


@given(st.integers(0, 400), st.integers(1, 100))
def test_every_item_comes_once_in_order(count: int, per_page: int) -> None:
    source = Source(list(range(count)))
    assert list(walk(source.fetch, key=lambda item: item, per_page=per_page)) == list(range(count))
    assert len(source.pages) == max(1, -(-count // per_page))


def test_nothing_is_fetched_before_it_is_needed() -> None:
    source = Source(list(range(50)))
    items = walk(source.fetch, key=lambda item: item, per_page=10)
    assert source.pages == []
    assert list(islice(items, 11)) == list(range(11))
    assert source.pages == [1, 2]


def test_an_item_that_moves_to_the_next_page_comes_once() -> None:
    pages = {1: [3, 2], 2: [2, 1]}
    found = walk(lambda page, _: Page(items=pages[page], total=4), key=lambda item: item, per_page=2)
    assert list(found) == [3, 2, 1]


def test_a_list_that_shrinks_ends() -> None:
    assert list(walk(Source([1, 2], total=500).fetch, key=lambda item: item, per_page=2)) == [1, 2]


def test_the_window_ends_with_advice_after_its_last_item() -> None:
    source = Source(list(range(10_001)))
    items = walk(source.fetch, key=lambda item: item, advice="Narrow it.")
    assert len(list(islice(items, 10_000))) == 10_000
    with pytest.raises(LimitError, match=r"10000.*Narrow it\.") as caught:
        next(items)
    assert caught.value.given == 10_001


def test_exactly_the_window_is_fine() -> None:
    assert len(list(walk(Source(list(range(10_000))).fetch, key=lambda item: item))) == 10_000


@pytest.mark.parametrize(("page", "per_page"), [(1, 101), (101, 100), (10_001, 1)])
def test_pages_that_kibana_refuses(page: int, per_page: int) -> None:
    with pytest.raises(LimitError):
        check_page(page, per_page)


@pytest.mark.parametrize(("page", "per_page"), [(0, 10), (1, 0)])
def test_pages_that_do_not_exist(page: int, per_page: int) -> None:
    with pytest.raises(ValueError, match="count from 1"):
        check_page(page, per_page)


class Changing:
    """A list that its reader changes."""

    def __init__(self, items: list[int]) -> None:
        self.items = items
        self.pages: list[int] = []

    def fetch(self, page: int, per_page: int) -> Page[int]:
        self.pages.append(page)
        return Page(items=self.items[(page - 1) * per_page : page * per_page], total=len(self.items))

    def walk(self, per_page: int = 10) -> Iterator[int]:
        return walk(self.fetch, key=lambda item: item, per_page=per_page)


@given(st.integers(0, 300), st.integers(1, 100), st.integers(1, 4))
def test_items_that_leave_the_list_as_they_are_read_hide_no_others(count: int, per_page: int, each: int) -> None:
    source = Changing(list(range(count)))
    found = []
    for item in source.walk(per_page):
        found.append(item)
        if item % each == 0:
            source.items.remove(item)
    assert sorted(found) == list(range(count))
    assert len(found) == count


@given(st.integers(1, 200), st.integers(1, 50))
def test_items_that_go_to_the_end_hide_no_others(count: int, per_page: int) -> None:
    source = Changing(list(range(count)))
    found = []
    for item in source.walk(per_page):
        found.append(item)
        source.items.remove(item)
        source.items.append(item)
    assert sorted(found) == list(range(count))


def test_an_item_that_moves_ahead_of_what_was_read_is_found() -> None:
    source = Changing(list(range(30)))
    items = source.walk()
    found = [next(items) for _ in range(5)]
    source.items.remove(25)
    source.items.insert(0, 25)
    found += items
    assert sorted(found) == list(range(30))


def test_items_that_are_added_meanwhile_cost_no_second_pass() -> None:
    source = Changing(list(range(30)))
    found = []
    for item in source.walk():
        found.append(item)
        if item < 15:
            source.items.insert(0, 100 + item)
    assert [item for item in found if item < 100] == list(range(30))
    assert len(source.pages) == len(set(source.pages))


def test_a_list_that_grows_with_its_reading_ends() -> None:
    source = Changing(list(range(300)))
    found = 0
    for item in source.walk(50):
        found += 1
        if item < 1000:
            source.items.insert(0, 1000 + found)
    assert found < 700


def test_a_list_that_shrinks_is_read_beyond_the_window() -> None:
    source = Changing(list(range(25_000)))
    count = 0
    for item in source.walk(100):
        count += 1
        source.items.remove(item)
    assert count == 25_000


def test_a_pass_that_brings_nothing_new_is_the_last() -> None:
    totals = iter([40, 20, 20, 10])
    source = Source(list(range(20)))

    def fetch(page: int, per_page: int) -> Page[int]:
        return Page(items=source.fetch(page, per_page).items, total=next(totals))

    assert list(walk(fetch, key=lambda item: item, per_page=10)) == list(range(20))
    assert source.pages == [1, 2, 1, 2]


def test_a_list_that_ends_before_its_total_is_no_window() -> None:
    assert list(walk(Source([1, 2], total=50_000).fetch, key=lambda item: item, per_page=2)) == [1, 2]
