"""Walk through a paged list, one page at a time, fetched only when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
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
    """Yield the items of every page, each once; ``fetch(page, per_page)`` gets one, counting from 1.

    ``key`` tells items apart. When items leave the list while it is walked, those behind them move up onto pages
    that were read already. So a list that became shorter, or in which items come up again, is passed over once more
    from page 1 for what was not yielded yet, until a pass is undisturbed or brings nothing new: a loop over open
    cases may close them. A list that stays as it is, or only grows, costs no request more.

    Nothing is fetched before the first item is asked for. Raises ``LimitError``, with ``advice``, when the list goes
    on beyond the first 10,000 items, which is as far as Kibana pages; the items before are yielded first, with
    smaller pages at the end if ``per_page`` does not divide them.
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


@dataclass(slots=True)
class _Pass:
    """What came up in one pass over the list."""

    marks: set[Hashable] = field(default_factory=set)
    first_total: int = 0
    total: int = 0
    again: int = 0
    shrunk: bool = False

    def note(self, marks: Collection[Hashable], total: int) -> None:
        """Take down one page."""
        if not self.marks:
            self.first_total = total
        self.shrunk = self.shrunk or total < self.total
        self.again += sum(mark in self.marks for mark in marks)
        self.marks.update(marks)
        self.total = total

    @property
    def disturbed(self) -> bool:
        """Whether items may have moved onto pages that were read; each that is added moves one the other way."""
        return self.shrunk or self.again > self.total - self.first_total


def _walk(
    fetch: Callable[[int, int], Page[T]], key: Callable[[T], Hashable], per_page: int, advice: str
) -> Iterator[T]:
    seen: set[Hashable] = set()
    while True:
        known = len(seen)
        current = _Pass()
        for page in _pages(fetch, per_page):
            items = {key(item): item for item in page.items}
            current.note(items, page.total)
            for mark in [each for each in items if each not in seen]:
                seen.add(mark)
                yield items[mark]
        if current.disturbed and len(seen) > known:
            continue
        if page.items and current.total > MAX_WINDOW:
            raise LimitError("documents that can be paged through", MAX_WINDOW, current.total, advice=advice)
        return


def _pages(fetch: Callable[[int, int], Page[T]], per_page: int) -> Iterator[Page[T]]:
    number = 0
    while True:
        number += 1
        page = fetch(number, per_page)
        yield page
        if not page.items or number * per_page >= min(page.total, MAX_WINDOW):
            return
        if (number + 1) * per_page > MAX_WINDOW:
            number, per_page = _finer(number, per_page)


def _finer(number: int, per_page: int) -> tuple[int, int]:
    # Pages that go on where these end and reach the end of the window: their size divides both.
    size = gcd(number * per_page, MAX_WINDOW)
    return number * per_page // size, size
