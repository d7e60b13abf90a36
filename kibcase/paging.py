"""Walk through a paged list, one page at a time, fetched only when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Generic, TypeVar

from kibcase.errors import InvalidValue, LimitError

T = TypeVar("T")

MAX_PER_PAGE = 100
MAX_WINDOW = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list: its items, and how many items the whole list has."""

    items: Sequence[T]
    total: int


def walk(
    fetch: Callable[[int, int], Page[T]], *, key: Callable[[T], Hashable], per_page: int = MAX_PER_PAGE,
    advice: str = "",
) -> Iterator[T]:
    """Yield the items of every page; ``fetch(page, per_page)`` gets one, counting from 1.

    An item that moves to a later page while the list is walked is yielded once: ``key`` tells items
    apart. Nothing is fetched before the first item is asked for.

    Raises ``LimitError``, with ``advice``, when the list goes on beyond the first 10,000 items, which
    is as far as Kibana pages; the items before are yielded first, with smaller pages at the end if ``per_page``
    does not divide them.
    """
    check_page(1, per_page)
    return _walk(fetch, key, per_page, advice)


def check_page(page: int, per_page: int) -> None:
    """Raise ``LimitError`` for a page that Kibana would refuse, ``InvalidValue`` for one below 1."""
    if page < 1 or per_page < 1:
        raise InvalidValue("page and per_page count from 1")
    if per_page > MAX_PER_PAGE:
        raise LimitError("items per page (perPage)", MAX_PER_PAGE, per_page)
    if page * per_page > MAX_WINDOW:
        raise LimitError("documents that can be paged through (page x perPage)", MAX_WINDOW, page * per_page)


def _walk(
    fetch: Callable[[int, int], Page[T]], key: Callable[[T], Hashable], per_page: int, advice: str
) -> Iterator[T]:
    seen: set[Hashable] = set()
    number = 0
    while True:
        number += 1
        page = fetch(number, per_page)
        for item in page.items:
            if (mark := key(item)) not in seen:
                seen.add(mark)
                yield item
        if not page.items or number * per_page >= page.total:
            return
        if number * per_page < MAX_WINDOW < (number + 1) * per_page:
            number, per_page = _finer(number, per_page)
        elif number * per_page == MAX_WINDOW:
            limit = "documents that can be paged through"
            raise LimitError(limit, MAX_WINDOW, page.total, advice=advice)


def _finer(number: int, per_page: int) -> tuple[int, int]:
    # Pages that go on where these end and reach the end of the window: their size divides both.
    size = gcd(number * per_page, MAX_WINDOW)
    return number * per_page // size, size
