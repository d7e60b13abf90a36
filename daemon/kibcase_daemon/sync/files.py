"""Files: which are the same on both sides, and which still need a copy.

A file has one identity on both sides: its name and its size. So a copy whose receipt was lost is known again,
and a file that people attached to both sides is not copied.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from kibcase_connectors.model import File, Side
from kibcase_daemon.sync.comments import Sides
from kibcase_daemon.sync.types import Base, Both, FileChange, FilePair, Rules

_Lists = dict[tuple[str, int], list[File]]


def pair_up_files(base: Base, now: Sides) -> Base:
    """Add the pairs of files that both sides have and the base does not know; the first with the first."""
    case, ticket = (_by_identity(_unpaired(base, now, side)) for side in Side)
    for identity, files in case.items():
        for one, other in zip(files, ticket.get(identity, ()), strict=False):
            base = base.with_file(FilePair(case=one.key, ticket=other.key))
    return base


def plan_files(base: Base, now: Sides, *, rules: Rules, able: Both[bool]) -> tuple[FileChange, ...]:
    """List the copies to make, oldest first. ``base`` must have been paired up; ``able``: who can hold files.

    A copy that a person has deleted is not made again, and a deletion is not carried over.
    """
    if not (able.case and able.ticket):
        return ()
    return tuple(
        FileChange(to=side.other, file=file)
        for side in Side if rules.files.carries(side.other)
        for file in _unpaired(base, now, side) if file.size <= rules.file_limit
    )


def oversized(now: Sides, side: Side, rules: Rules) -> tuple[File, ...]:
    """List the files of a side that are too large to be copied."""
    if not rules.files.carries(side.other):
        return ()
    return tuple(file for file in now.of(side).files if file.size > rules.file_limit)


def _unpaired(base: Base, now: Sides, side: Side) -> Iterator[File]:
    known = {pair.of(side) for pair in base.files}
    return (file for file in now.of(side).files if file.key not in known)


def _by_identity(files: Iterator[File]) -> _Lists:
    found: _Lists = {}
    for file in files:
        found.setdefault(_identity(file.name, file.size), []).append(file)
    return found


def _identity(name: str, size: int) -> tuple[str, int]:
    return unicodedata.normalize("NFC", name), size


def same_file(file: File, name: str, size: int) -> bool:
    """Tell whether a file is one with this name and size."""
    return _identity(file.name, file.size) == _identity(name, size)
