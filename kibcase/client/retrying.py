"""Change a case in spite of others who change it too: read, decide, write, and all of it again on a conflict."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping

from kibcase.errors import ConflictError, NothingToUpdate
from kibcase.models.case import Case
from kibcase.models.changes import Changes
from kibcase.retry import Policy, backoff

WAITS = Policy(base=0.2, cap=5.0, jitter=0.5)
"""How long to wait after a conflict: 0.2 s at first, doubled each time, at most 5 s, half of it left to chance."""

Decide = Callable[[Case], Changes | None]
"""Looks at a case and gives the changes it needs, or None (or an empty dict) if it needs none."""


def retry(
    get: Callable[[str], Case], update: Callable[..., Case], case_id: str, decide: Decide, *, attempts: int = 5,
    waits: Policy = WAITS, sleep: Callable[[float], None] = time.sleep, chance: Callable[[], float] = random.random,
) -> Case:
    """``get`` the case, ``update`` what ``decide`` wants, and return the case as it is then.

    When somebody else changed the case in between (409, or a 200 that leaves it out), it is read again and
    ``decide`` is asked anew, up to ``attempts`` times; the last conflict is raised. ``decide`` may run several
    times and should do nothing but look.

    Raises ``ConflictError`` (``LostRace``) after the last attempt, ``ValueError`` for less than one attempt,
    ``TypeError`` if ``decide`` gives neither a dict nor None, and whatever ``get``, ``update`` and ``decide`` raise.
    """
    if attempts < 1:
        raise ValueError("attempts is at least 1")
    for attempt in range(1, attempts):
        try:
            return _once(get, update, case_id, decide)
        except ConflictError:
            sleep(backoff(waits, attempt, chance()))
    return _once(get, update, case_id, decide)


def _once(
    get: Callable[[str], Case], update: Callable[..., Case], case_id: str, decide: Decide
) -> Case:
    case = get(case_id)
    changes = decide(case)
    if changes is not None and not isinstance(changes, Mapping):
        raise TypeError(f"the function gives a dict of the fields to change, or None; not {type(changes).__name__}")
    if not changes:
        return case
    try:
        return update(case, **changes)
    except NothingToUpdate:
        return get(case_id)
