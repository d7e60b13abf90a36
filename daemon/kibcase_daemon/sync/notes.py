"""What cannot be carried as it is, and is told to the other side in a comment.

A note is a comment of the side that it is about, though nobody wrote it there: it is mirrored once as any other
comment is, and its mark tells it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from kibcase_connectors.mapping import UnmappedError
from kibcase_connectors.model import ASSIGNEE, Comment, File, Json, Side, Snapshot
from kibcase_daemon.sync.comments import Sides, plain
from kibcase_daemon.sync.files import oversized
from kibcase_daemon.sync.types import Base, Both, Maps, Rules


def with_notes(
    now: Sides, *, rules: Rules, maps: Maps, able: Both[bool], strangers: Collection[Side] = ()
) -> Sides:
    """Give the two sides with the notes that each has for the other; ``able`` tells who can hold files.

    ``strangers`` are the sides whose assignee the other system has turned out not to know.
    """
    return Both(
        case=_noted(now, Side.CASE, rules, maps, able, strangers),
        ticket=_noted(now, Side.TICKET, rules, maps, able, strangers),
    )


def is_told(base: Base, now: Sides, side: Side) -> bool:
    """Tell whether the other side has the note about a side's assignee; True if there can be none."""
    note = _assigned(now.of(side))
    return note is None or any((pair.origin, pair.key) == (side, note.key) for pair in base.comments)


def unknown_assignee(now: Sides, side: Side, *, rules: Rules, maps: Maps) -> bool:
    """Tell whether a side is assigned to somebody who cannot be named on the other one."""
    rule = rules.fields.get(ASSIGNEE)
    if rule is None or not rule.direction.carries(side.other):
        return False
    if ASSIGNEE not in now.case.fields or ASSIGNEE not in now.ticket.fields:
        return False
    try:
        maps.of(side.other).native(ASSIGNEE, maps.of(side).canonical(ASSIGNEE, now.of(side).fields[ASSIGNEE]))
    except UnmappedError:
        return True
    return False


def _noted(
    now: Sides, side: Side, rules: Rules, maps: Maps, able: Both[bool], strangers: Collection[Side]
) -> Snapshot:
    snapshot, notes = now.of(side), []
    if side in strangers or unknown_assignee(now, side, rules=rules, maps=maps):
        notes.append(_assigned(snapshot))
    if able.case and able.ticket:
        notes.extend(_too_large(snapshot, file, rules) for file in oversized(now, side, rules))
    told = [note for note in notes if note is not None]
    return replace(snapshot, comments=(*snapshot.comments, *told)) if told else snapshot


def _assigned(snapshot: Snapshot) -> Comment | None:
    native = snapshot.fields[ASSIGNEE]
    touch = snapshot.touched.get(ASSIGNEE, snapshot.created)
    if touch is None:
        return None
    who = str(native.get("id")) if isinstance(native, dict) else str(native)
    return _note("assignee", who, f"Assigned to {plain(_shown(native))}.", touch.by, touch.at)


def _shown(native: Json) -> str:
    value = native if isinstance(native, dict) else {}
    return " ".join(str(value.get("name") or value.get("id") or "somebody").split())


def _too_large(snapshot: Snapshot, file: File, rules: Rules) -> Comment | None:
    at = file.created or (snapshot.created.at if snapshot.created else None)
    if at is None:
        return None
    sizes = f"{_size(file.size)}, and no more than {_size(rules.file_limit)} is copied"
    return _note("file", file.key, f"The file {plain(file.name)} is here only: {sizes}.", file.author, at)


def _size(number: int) -> str:
    mebibytes = number / 1024 / 1024
    return f"{mebibytes:,.1f} MiB" if mebibytes >= 1 else f"{number:,} bytes"


def _note(about: str, what: str, body: str, by: str, at: datetime) -> Comment:
    key = f"{about}-{hashlib.sha256(what.encode()).hexdigest()[:12]}"
    return Comment(key=key, body=body, author=by, created=at, digest=key)
