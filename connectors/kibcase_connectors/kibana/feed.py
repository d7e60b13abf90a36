"""Find the cases that changed or appeared since a stamp, whatever else happens while the pages are read.

Pages are numbered, so a case that is deleted or moves between two requests shifts all that follow. By
``created_at`` this is avoided by asking for "created up to the last one seen" instead of the next page;
this also goes beyond the 10,000 cases that pages reach. By ``updated_at`` Kibana offers no such filter:
there each page must begin before the end of the one before, and if it does not, or if too much has
changed, the walk gives up and says so; listing everything by ``created_at`` is then the safe way.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal, Protocol

from kibcase.models import Case, FoundCases

PROBE = 20
"""Cases in the first page by ``updated_at``: what an idle space answers with, every time."""

FULL = 100
"""The largest page that Kibana gives (``MAX_CASES_PER_PAGE``)."""

SLACK = 10
"""By how many cases pages by ``updated_at`` overlap: so many deletions between two requests do no harm."""

MOST_PAGES = 30
"""Pages by ``updated_at`` after which listing everything is no dearer."""


_NEVER = datetime.min.replace(tzinfo=UTC)


class FindPage(Protocol):
    """One request to ``GET /api/cases/_find``, newest first; the range is of ``created_at``, inclusive."""

    def __call__(
        self, *, sort: Literal["createdAt", "updatedAt"], page: int = 1, per_page: int = FULL,
        first: datetime | None = None, last: datetime | None = None,
    ) -> FoundCases:
        """Give the page."""
        ...


def created_since(find: FindPage, floor: datetime | None) -> Iterator[Case]:
    """Give every case created at ``floor`` or later (None: every case), newest first, each once."""
    seen: set[str] = set()
    last: datetime | None = None
    page = 1
    while True:
        found = find(sort="createdAt", page=page, first=floor, last=last)
        yield from (case for case in found.cases if case.id not in seen)
        seen.update(case.id for case in found.cases)
        if not found.cases or page * FULL >= found.total:
            return
        oldest = found.cases[-1].created_at
        # A whole page of one stamp: only there is the page number needed to get any further.
        page = page + 1 if oldest == last else 1
        last = oldest


def updated_since(find: FindPage, floor: datetime | None) -> list[Case] | None:
    """Give the cases updated at ``floor`` or later (None: all ever updated), newest first, each once.

    None means that this could not be made sure of; the caller must look through all cases.
    """
    found = find(sort="updatedAt", per_page=PROBE)
    if _ends(found, PROBE, floor):
        return _recent(found.cases, floor)
    seen: dict[str, Case] = {}
    page, per_page = 1, FULL
    for _ in range(MOST_PAGES):
        found = find(sort="updatedAt", page=page, per_page=per_page)
        if not _continues(found.cases, seen):
            return None
        seen.update((case.id, case) for case in found.cases)
        if _ends(found, page * per_page, floor):
            return _recent(list(seen.values()), floor)
        border = _border(found.cases)
        if border is None:
            return None
        page, per_page = page_before((page - 1) * per_page + border - SLACK)
    return None


def page_before(position: int) -> tuple[int, int]:
    """Give the page, as number and size, that begins at ``position`` (from 0) or before and reaches furthest."""
    sizes = range(FULL // 2, FULL + 1)
    starts = {size: max(position, 0) // size * size for size in sizes}
    size = max(sizes, key=lambda size: starts[size] + size)
    return starts[size] // size + 1, size


def _continues(cases: list[Case], seen: dict[str, Case]) -> bool:
    """Tell whether a page begins with a case newer than the oldest seen, so that none lies between them."""
    if not seen:
        return True
    # Newer, not equal: cases of one stamp have no order, and the one that is missing may be before the page.
    oldest = min(_stamp(case) for case in seen.values())
    return bool(cases) and _stamp(cases[0]) > oldest


def _border(cases: list[Case]) -> int | None:
    """Give the index of the first case with the stamp of the last one; None if that is the whole page."""
    last = _stamp(cases[-1])
    border = next(index for index, case in enumerate(cases) if _stamp(case) == last)
    return border or None


def _ends(found: FoundCases, reached: int, floor: datetime | None) -> bool:
    if not found.cases or reached >= found.total:
        return True
    # Cases never updated come last.
    oldest = found.cases[-1].updated_at
    return oldest is None or (floor is not None and oldest < floor)


def _recent(cases: list[Case], floor: datetime | None) -> list[Case]:
    return [
        case for case in cases if case.updated_at is not None and (floor is None or case.updated_at >= floor)
    ]


def _stamp(case: Case) -> datetime:
    return case.updated_at or _NEVER
