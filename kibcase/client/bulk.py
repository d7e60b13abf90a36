"""Bulk calls in which Kibana names the items it refuses for: the others are sent again without them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from kibcase.client.batches import BatchReport, Fate, Outcome, encoded, split
from kibcase.errors import (
    BadRequestError,
    ConflictError,
    KibcaseError,
    NotFoundError,
    NothingToUpdate,
    PayloadTooLarge,
    PermissionDenied,
)

T = TypeVar("T")
Ends = dict[str, tuple[Fate, KibcaseError | None]]

ROOM = 900_000
"""How large the items of one request may be together: Kibana refuses bodies above 1 MiB unless configured."""
_ABOUT_ITEMS = (BadRequestError, ConflictError, NotFoundError, PermissionDenied)


def cut(items: Mapping[str, Any], maximum: int, size: int = ROOM) -> list[list[str]]:
    """Cut the items, which go into JSON, into requests of at most ``maximum`` items and ``size`` bytes each.

    Raises ``LimitError`` for an item that is larger by itself.
    """
    keys = list(items)
    runs = split([len(encoded(item)) for item in items.values()], most=maximum, room=size)
    return [[keys[index] for index in run] for run in runs]


def run(
    batches: Iterable[Sequence[str]], send: Callable[[Sequence[str]], T]
) -> tuple[BatchReport[str], list[T]]:
    """Send one batch after the other, and again without the items that Kibana names as the reason of a refusal.

    Gives what became of each item, in the order given, and the answers. A refused request has no effect at all,
    so that the others of its items can be sent again. What is too large is halved. An error that concerns all
    alike (no answer, wrong credentials, throttling) ends it; it is raised if no request was answered before.
    """
    waiting = [list(batch) for batch in batches]
    order = [key for batch in waiting for key in batch]
    answers: list[T] = []
    ends: Ends = {}
    while waiting:
        batch = waiting.pop(0)
        try:
            answers.append(send(batch))
            ends |= dict.fromkeys(batch, (Fate.DONE, None))
        except NothingToUpdate:
            ends |= dict.fromkeys(batch, (Fate.UNCHANGED, None))
        except PayloadTooLarge as error:
            waiting[:0] = _halves(ends, batch, error)
        except _ABOUT_ITEMS as error:
            waiting[:0] = _others(ends, batch, error)
        except KibcaseError as error:
            if not ends:
                raise
            ends |= dict.fromkeys(batch, (Fate.of(error), error))
            ends |= dict.fromkeys((key for rest in waiting for key in rest), (Fate.NOT_TRIED, error))
            break
    return BatchReport(outcomes=[_outcome(index, key, ends) for index, key in enumerate(order)]), answers


def named_in(message: str, ids: Iterable[str]) -> list[str]:
    """Return those of ``ids`` that Kibana's message names."""
    words = {word.strip(".:") for word in re.split(r"[\s,\[\](){}/\"']+", message)}
    return [each for each in ids if each in words]


def _others(
    ends: Ends, batch: list[str], error: BadRequestError | ConflictError | NotFoundError | PermissionDenied
) -> list[list[str]]:
    named = named_in(error.message, batch) or batch
    ends |= dict.fromkeys(named, (Fate.REFUSED, error))
    rest = [key for key in batch if key not in ends]
    return [rest] if rest else []


def _halves(ends: Ends, batch: list[str], error: PayloadTooLarge) -> list[list[str]]:
    if len(batch) == 1:
        ends[batch[0]] = (Fate.REFUSED, error)
        return []
    half = len(batch) // 2
    return [batch[:half], batch[half:]]


def _outcome(index: int, key: str, ends: Ends) -> Outcome[str]:
    fate, error = ends[key]
    return Outcome(index=index, item=key, fate=fate, error=error)
