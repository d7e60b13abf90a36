"""Reading a list to its end while it changes: by keyset over a stamp and the id, not by position.

Rows that an access control hides count against the limit of a page, so pages may be short or empty; and a query that
takes too long comes back cut off, with an error in it. Both are dealt with here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from kibcase_connectors.servicenow import query, wire
from kibcase_connectors.servicenow.failures import Cancelled
from kibcase_connectors.servicenow.wire import Page

PAGE: Final = 250
"""How many rows a page may hold."""

LEAST: Final = 5
"""The page size below which a query that the instance gives up on is hopeless."""

Row = Mapping[str, Any]


class Fetch(Protocol):
    """Gives one page of a list. Raises ``Cancelled`` if the instance gave up on it."""

    def __call__(self, asked: str, *, limit: int, offset: int) -> Page:
        """Send the request."""
        ...


class Walk:
    """One list, in the order of the stamps in ``column``; ``base`` is what its rows have in common.

    ``hopeless`` makes the error for a query that is given up on however small its pages are, and ``ignored`` the
    one for an answer which shows that a condition was not understood: ServiceNow leaves such conditions out.
    ``total`` is how many rows there are behind the first page asked for, hidden ones included, None if it was
    not told.
    """

    def __init__(
        self, fetch: Fetch, base: str, column: str, *, hopeless: Callable[[str], Exception],
        ignored: Callable[[str], Exception],
    ) -> None:
        self._fetch = fetch
        self._base = base
        self._column = column
        self._hopeless = hopeless
        self._ignored = ignored
        self._limit = PAGE
        self.total: int | None = None

    def rows(self, since: str | None = None, crowd: str = "") -> Iterator[Row]:
        """Give all rows stamped ``since`` or later, oldest first; some may come twice.

        With ``crowd`` the second ``since`` itself is read from that id on.
        """
        after = bool(since and crowd)
        if since is not None and crowd:
            yield from self._second(since, crowd, after=False)
        while True:
            page = self._visible(query.since(self._base, self._column, since, after=after))
            yield from self._honest(page, since, after=after)
            if not page.more:
                return
            last = page.rows[-1]
            stamp = wire.text(last, self._column)
            after = stamp == since
            if after:
                # A whole page of one second: only there is the id needed to get any further.
                yield from self._second(stamp, wire.text(last, "sys_id"), after=True)
            since = stamp

    def _second(self, stamp: str, sys_id: str, *, after: bool) -> Iterator[Row]:
        while True:
            page = self._visible(query.within(self._base, self._column, stamp, sys_id, after=after))
            if any(wire.text(row, "sys_id") < sys_id for row in page.rows):
                raise self._ignored("sys_id")
            yield from self._honest(page, stamp)
            if not page.more:
                return
            after, sys_id = True, wire.text(page.rows[-1], "sys_id")

    def _honest(self, page: Page, since: str | None, *, after: bool = False) -> Iterator[Row]:
        for row in page.rows:
            stamp = wire.text(row, self._column)
            if not stamp or (since is not None and (stamp < since or (after and stamp == since))):
                raise self._ignored(self._column)
            yield row

    def _visible(self, asked: str) -> Page:
        """Give the first page with a row that we may see, or the end."""
        offset = 0
        while True:
            page = self._whole(asked, offset)
            if page.rows or not page.more:
                return page
            # What changes meanwhile moves to the end and the rest up; half a page of overlap makes up for it.
            offset += max(1, self._limit // 2)

    def _whole(self, asked: str, offset: int) -> Page:
        while True:
            try:
                page = self._fetch(asked, limit=self._limit, offset=offset)
            except Cancelled as cancelled:
                if self._limit <= LEAST:
                    raise self._hopeless(cancelled.said) from cancelled
                self._limit = max(LEAST, self._limit // 2)
                continue
            if self.total is None:
                self.total = page.total
            return page
