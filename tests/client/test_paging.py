from __future__ import annotations

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
