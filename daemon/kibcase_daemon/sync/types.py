"""The values that sync is decided on and with: bases, rules, changes, plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Generic, TypeAlias, TypeVar

from kibcase_connectors.actions import Action
from kibcase_connectors.mapping import FieldMap
from kibcase_connectors.model import UNSET, Canonical, File, Json, Side, Unset

T = TypeVar("T")


FILE_LIMIT: Final = 10 * 1024 * 1024
"""The size of the largest file that is copied unless a rule says otherwise, in bytes."""


class Direction(StrEnum):
    """Which way a field is carried.

    ``once``: into the new thing at its creation, never again. ``off``: not at all.
    """

    BOTH = "both"
    TO_TICKET = "to_ticket"
    TO_CASE = "to_case"
    ONCE = "once"
    OFF = "off"

    def carries(self, to: Side) -> bool:
        """Tell whether a later change is carried to the given side."""
        return self is Direction.BOTH or self is (Direction.TO_CASE if to is Side.CASE else Direction.TO_TICKET)


class Policy(StrEnum):
    """Who wins when both sides have changed a field to different meanings.

    ``newest``: the later change; with equal or unknown times the case. ``manual``: nobody, a person decides.
    """

    CASE = "case"
    TICKET = "ticket"
    NEWEST = "newest"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """How one field is synced; ``removals`` is for sets: whether taking an element out is carried over."""

    direction: Direction = Direction.BOTH
    policy: Policy = Policy.NEWEST
    removals: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How one kind of link is synced: a rule per field, and the directions of comments and files.

    A file of more than ``file_limit`` bytes is not copied; the other side is told of it in a comment.
    """

    fields: Mapping[str, FieldRule]
    comments: Direction = Direction.BOTH
    files: Direction = Direction.BOTH
    file_limit: int = FILE_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Both(Generic[T]):
    """One value of a kind for each side."""

    case: T
    ticket: T

    def of(self, side: Side) -> T:
        """Give the value of one side."""
        return self.case if side is Side.CASE else self.ticket

    def put(self, side: Side, value: T) -> Both[T]:
        """Give a copy with one side's value replaced."""
        return replace(self, case=value) if side is Side.CASE else replace(self, ticket=value)


Agreed: TypeAlias = "Both[Json | Unset]"
"""The value of a field last agreed on, in each side's own form; UNSET where the side never agreed."""

Maps: TypeAlias = Both[FieldMap]
"""The field maps of the two sides."""

NEVER: Agreed = Both(case=UNSET, ticket=UNSET)
"""The base of a field that was never synced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentPair:
    """A comment and its mirror: keys, and the digests of both texts when they last agreed."""

    origin: Side
    key: str
    mirror: str
    digest: str
    mirror_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePair:
    """A file of the case and the same file of the ticket, by their keys; whichever was there first."""

    case: str
    ticket: str

    def of(self, side: Side) -> str:
        """Give the key on one side."""
        return self.case if side is Side.CASE else self.ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What both sides of a link last agreed on; ``linked`` are the sides that hold a link to the other."""

    fields: Mapping[str, Agreed] = field(default_factory=lambda: MappingProxyType({}))
    comments: tuple[CommentPair, ...] = ()
    files: tuple[FilePair, ...] = ()
    linked: frozenset[Side] = frozenset()

    def agreed(self, name: str) -> Agreed:
        """Give the base of one field; ``NEVER`` if it has none."""
        return self.fields.get(name, NEVER)

    def with_field(self, name: str, agreed: Agreed) -> Base:
        """Give a copy in which one field has this base."""
        return replace(self, fields={**self.fields, name: agreed})

    def with_pair(self, pair: CommentPair) -> Base:
        """Give a copy in which this pair replaces the one of the same original, or is added."""
        rest = tuple(old for old in self.comments if (old.origin, old.key) != (pair.origin, pair.key))
        return replace(self, comments=(*rest, pair))

    def with_file(self, pair: FilePair) -> Base:
        """Give a copy that knows this pair of files."""
        return self if pair in self.files else replace(self, files=(*self.files, pair))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """The explanation of one file to be copied to side ``to``; ``file`` is the other side's."""

    to: Side
    file: File


class Verdict(StrEnum):
    """What is to become of a field that is not as it was.

    ``agreed``: both sides mean the same, nothing to write. ``carry``: one side changed, write the other.
    ``conflict``: both changed, one wins. ``held``: a person must decide, nothing is written. ``ignored``:
    the field's direction does not carry this change.
    """

    AGREED = "agreed"
    CARRY = "carry"
    CONFLICT = "conflict"
    HELD = "held"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """The explanation of one decision about one field.

    ``to`` is the side that is written (None: neither); ``value`` the canonical value that holds from now
    on; ``old`` what the written side shows now, in its own form; ``by`` who made the winning change.
    For sets ``add`` and ``remove`` are the elements to write, in the written side's spelling.
    """

    field: str
    verdict: Verdict
    why: str
    to: Side | None = None
    value: Canonical | None = None
    old: Json = None
    by: str = ""
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentChange:
    """The explanation of one comment to be written; ``lost`` is a person's edit of the mirror that it replaces."""

    to: Side
    key: str
    digest: str
    author: str
    body: str
    mirror: str | None = None
    lost: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One action of a plan, with what is needed to move the base once it is done.

    ``sources`` holds, per field, the value of the *other* side that the action was made from; for a creation
    every field of the other side, sent or not. ``later``
    marks actions that wait for the next round, because an earlier one moves the version they rely on.
    """

    id: str
    side: Side
    action: Action
    sources: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}))
    changes: tuple[FieldChange, ...] = ()
    comment: CommentChange | None = None
    file: FileChange | None = None
    later: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that is to be done about one link, and why.

    ``base`` already contains what needs no write. ``changes`` explains every field that is not as it was.
    ``afterwards`` foresees what follows on a creation; it is there to be shown, and is planned anew when the
    new thing exists.
    """

    base: Base
    actions: tuple[Planned, ...] = ()
    changes: tuple[FieldChange, ...] = ()
    afterwards: tuple[Planned, ...] = ()

    @property
    def held(self) -> tuple[FieldChange, ...]:
        """The changes that wait for a person."""
        return tuple(change for change in self.changes if change.verdict is Verdict.HELD)
