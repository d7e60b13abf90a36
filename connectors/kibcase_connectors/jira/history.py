"""What a changelog tells: who touched a field last, and what a write stored; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from kibcase_connectors.jira.mapping import logged
from kibcase_connectors.jira.wire import FIELDS, NAMES, Edit
from kibcase_connectors.model import Json, Touch


def clock_offset(sent: datetime, received: datetime, date: datetime) -> timedelta:
    """Give how far the daemon's clock is ahead of Jira's, from one answer's ``Date``.

    The header has whole seconds, and web servers renew it once a second, so it is up to two seconds old.
    Zero if the clocks may agree: a measurement no better than that must not move times about.
    """
    least, most = sent - (date + timedelta(seconds=2)), received - date
    return timedelta() if least <= timedelta() <= most else (least + most) / 2


def touches(edits: Sequence[Edit], offset: timedelta, own: str | None = None) -> dict[str, Touch]:
    """Give the last change of each synced field, on the daemon's clock; ``edits`` are oldest first.

    What the account ``own`` has written was agreed with the other side before: it counts only where nobody
    else has changed the field.
    """
    known = [edit for edit in edits if edit.field in FIELDS]
    theirs = [edit for edit in known if edit.by.id != own]
    last = {FIELDS[edit.field]: edit for edit in (*known, *theirs)}
    return {field: Touch(at=edit.at + offset, by=edit.by.name) for field, edit in last.items()}


def original(field: str, edits: Sequence[Edit], shown: Json) -> Json:
    """Give the value that a creation stored: the one before the first edit, or what is shown still."""
    first = next((edit for edit in edits if edit.field == NAMES[field]), None)
    return shown if first is None else logged(field, first.old_text)


def stored(field: str, sent: Json, shown: Json, edits: Sequence[Edit], own: str) -> Json:
    """Give the value that a write stored, which a person may have changed since.

    ``edits`` are those since just before the write, oldest first; ``own`` is the account that wrote. One
    write makes at most one edit per field. While no edit follows it, what is shown is what was stored,
    however Jira converted it. Without an edit of ours the write changed nothing, so what was there before
    the first edit is what it asked for.
    """
    mine = [edit for edit in edits if edit.field == NAMES[field]]
    if _equal(sent, shown) or not mine:
        return shown
    ours = next((edit for edit in mine if edit.by.id == own), None)
    if ours is None:
        return logged(field, mine[0].old_text)
    return shown if ours is mine[-1] else logged(field, ours.new_text)


def _equal(one: Json, two: Json) -> bool:
    if isinstance(one, list) and isinstance(two, list):
        return sorted(map(str, one)) == sorted(map(str, two))
    return one == two
