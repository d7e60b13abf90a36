"""What a changelog tells: who touched a field last, and what a write stored; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from kibcase_connectors.jira.layout import Layout
from kibcase_connectors.jira.wire import Account, Edit
from kibcase_connectors.model import UNSET, Json, Touch

BASIC: Final = Layout()
"""The standard fields alone, as REST v2 shows them."""


def clock_offset(sent: datetime, received: datetime, date: datetime) -> timedelta:
    """Give how far the daemon's clock is ahead of Jira's, from one answer's ``Date``.

    The header has whole seconds, and web servers renew it once a second, so it is up to two seconds old.
    Zero if the clocks may agree: a measurement no better than that must not move times about.
    """
    least, most = sent - (date + timedelta(seconds=2)), received - date
    return timedelta() if least <= timedelta() <= most else (least + most) / 2


def touches(
    edits: Sequence[Edit], offset: timedelta, own: str | None = None, *, layout: Layout = BASIC,
    name: Callable[[Account], str] = lambda account: account.name,
) -> dict[str, Touch]:
    """Give the last change of each synced field, on the daemon's clock; ``edits`` are oldest first.

    What the account ``own`` has written was agreed with the other side before: it counts only where nobody
    else has changed the field. ``name`` says what to call an account.
    """
    known = [(field, edit) for edit in edits if (field := layout.changed(edit)) is not None]
    theirs = [(field, edit) for field, edit in known if edit.by.id != own]
    last = dict([*known, *theirs])
    return {field: Touch(at=edit.at + offset, by=name(edit.by)) for field, edit in last.items()}


def original(
    field: str, edits: Sequence[Edit], shown: Json, *, layout: Layout = BASIC, sent: Mapping[str, Json] | None = None
) -> Json:
    """Give the value that a creation stored: the one before the first edit, or what is shown still.

    ``sent`` are the values of the creation, for fields whose changelog is not exact.
    """
    first = next(iter(layout.of(field, edits)), None)
    if first is None:
        return shown
    found = layout.logged(field, first.old, first.old_text)
    return (sent or {}).get(field, shown) if found is UNSET else found


def stored(
    field: str, sent: Json, shown: Json, edits: Sequence[Edit], own: str, *, layout: Layout = BASIC
) -> Json:
    """Give the value that a write stored, which a person may have changed since.

    ``edits`` are those since just before the write, oldest first; ``own`` is the account that wrote. One
    write makes at most one edit per field. While no edit follows it, what is shown is what was stored,
    however Jira converted it. Without an edit of ours the write changed nothing, so what was there before
    the first edit is what it asked for.
    """
    mine = layout.of(field, edits)
    if _equal(sent, shown) or not mine:
        return shown
    ours = next((edit for edit in mine if edit.by.id == own), None)
    if ours is mine[-1]:
        return shown
    found = (
        layout.logged(field, mine[0].old, mine[0].old_text) if ours is None
        else layout.logged(field, ours.new, ours.new_text)
    )
    return sent if found is UNSET else found


def _equal(one: Json, two: Json) -> bool:
    if isinstance(one, list) and isinstance(two, list):
        return sorted(map(str, one)) == sorted(map(str, two))
    return one == two
