"""Do many things with few requests: split by count and bytes, and tell for each item what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from json import dumps
from typing import Any, Generic, TypeVar

from kibcase.errors import (
    BadRequestError,
    ConflictError,
    EndpointNotFound,
    KibcaseError,
    LimitError,
    NotAcceptable,
    NotFoundError,
    NoUsableAnswer,
    PayloadTooLarge,
    ServerError,
)

T = TypeVar("T")
_ABOUT_ITEMS = (BadRequestError, NotFoundError, NotAcceptable, ConflictError, PayloadTooLarge, LimitError)


class Fate(StrEnum):
    """What became of an item."""

    DONE = "done"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_TRIED = "not tried"

    @classmethod
    def of(cls, error: KibcaseError | None) -> Fate:
        """Return the fate of what was in a request that ended so."""
        if error is None:
            return cls.DONE
        in_doubt = isinstance(error, NoUsableAnswer | ServerError) and error.sent
        return cls.UNKNOWN if in_doubt else cls.REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[T]):
    """One item of many: its place in what was given, its fate, and the error if it was not done.

    "unchanged": it already was as wanted. "refused": certainly not done. "unknown": the request was sent but no
    usable answer came; look before it is repeated. "not tried": an earlier request failed for a reason that would
    have stopped this one too.
    """

    index: int
    item: T
    fate: Fate
    error: KibcaseError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport(Generic[T]):
    """What became of each item, in the order given. A request is carried out whole or not at all."""

    outcomes: list[Outcome[T]]

    @property
    def done(self) -> list[T]:
        """The items that were done."""
        return self.of(Fate.DONE)

    @property
    def failed(self) -> list[Outcome[T]]:
        """Those that were neither done nor as wanted already, with the reason."""
        return [each for each in self.outcomes if each.fate not in (Fate.DONE, Fate.UNCHANGED)]

    @property
    def ok(self) -> bool:
        """Whether every item is as wanted now."""
        return not self.failed

    def of(self, fate: Fate) -> list[T]:
        """Return the items of this fate."""
        return [each.item for each in self.outcomes if each.fate is fate]

    def raise_for_failures(self) -> None:
        """Raise the first error, if there is one."""
        for each in self.failed:
            if each.error is not None:
                raise each.error

    def __repr__(self) -> str:
        counts = {fate: sum(each.fate is fate for each in self.outcomes) for fate in Fate}
        told = ", ".join(f"{count} {fate}" for fate, count in counts.items() if count)
        return f"{type(self).__name__}({told or 'nothing to do'})"


def encoded(item: Any) -> bytes:
    """Return the JSON of an item as it is sent."""
    return dumps(item, separators=(",", ":")).encode()


def split(sizes: Sequence[int], *, most: int, room: int) -> list[range]:
    """Return the runs of items that go into one JSON list each: at most ``most`` items, at most ``room`` bytes.

    ``sizes`` are the bytes of each item's JSON; brackets and commas are added here. Raises ``LimitError`` for
    an item that does not fit alone.
    """
    runs: list[range] = []
    start, used = 0, 2
    for index, size in enumerate(sizes):
        if size + 2 > room:
            advice = f"Item {index} is too large to be sent at all."
            raise LimitError("bytes of a request's body", room, size + 2, advice=advice)
        if index > start and (index - start == most or used + 1 + size > room):
            runs.append(range(start, index))
            start, used = index, 2
        used += size + (index > start)
    return [*runs, range(start, len(sizes))] if sizes else []


def by_count(number: int, most: int) -> list[range]:
    """Return the runs of ``number`` items, at most ``most`` in each."""
    return [range(start, min(start + most, number)) for start in range(0, number, most)]


def carry_out(items: Sequence[T], runs: Iterable[range], send: Callable[[range], object]) -> BatchReport[T]:
    """Send one request for each run and report on each item.

    What is refused for the items' sake does not stop the others; any other failure does. If that happens at
    the very first request and nothing can have been done, it is raised instead.
    """
    outcomes: list[Outcome[T]] = []
    stopped: KibcaseError | None = None
    for run in runs:
        error, fate = stopped, Fate.NOT_TRIED
        if stopped is None:
            error = _attempt(send, run)
            fate = Fate.of(error)
            if error is not None and not _is_about_items(error):
                stopped = error
                if not outcomes and fate is Fate.REFUSED:
                    raise error
        outcomes += [Outcome(index=index, item=items[index], fate=fate, error=error) for index in run]
    return BatchReport(outcomes=outcomes)


def _attempt(send: Callable[[range], object], run: range) -> KibcaseError | None:
    try:
        send(run)
    except KibcaseError as error:
        return error
    return None


def _is_about_items(error: KibcaseError) -> bool:
    return isinstance(error, _ABOUT_ITEMS) and not isinstance(error, EndpointNotFound)
