"""The vocabulary of sync: sides, references, snapshots, comments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
"""A value in a side's own form, as its system gives it; always JSON."""

Canonical: TypeAlias = "str | tuple[str, ...]"
"""A value in the common form: text for scalar fields, a tuple of texts for sets."""

TITLE: Final = "title"
DESCRIPTION: Final = "description"
STATUS: Final = "status"
SEVERITY: Final = "severity"
TAGS: Final = "tags"
ASSIGNEE: Final = "assignee"
OBSERVABLES: Final = "observables"

FIELDS: Final = (TITLE, DESCRIPTION, STATUS, SEVERITY, TAGS)
"""The fields every connector speaks of, in the order in which people read them."""

FURTHER: Final = (ASSIGNEE, OBSERVABLES)
"""Fields that a connector may speak of besides; any others are custom fields, named by the configuration."""

SETS: Final = frozenset({TAGS, OBSERVABLES})
"""The fields that are sets: they merge element by element and cannot conflict."""

COMMENTS: Final = "comments"
FILES: Final = "files"
CREATE: Final = "create"

STATUSES: Final = ("open", "in-progress", "closed")
"""The canonical values of ``status``; Kibana's own."""

SEVERITIES: Final = ("low", "medium", "high", "critical")
"""The canonical values of ``severity``; Kibana's own."""

MARK_PREFIX: Final = "kibcase-"
"""What every mark begins with; an element of ``tags`` that begins so is a mark and no tag."""


class Unset(Enum):
    """The type of ``UNSET``: no value at all, as opposed to an empty one (None)."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET


class Side(StrEnum):
    """One of the two ends of a link.

    ``CASE`` is where the analysts work, ``TICKET`` where the rest of the company does. Between two
    Kibana spaces the first of the two is the case side.
    """

    CASE = "case"
    TICKET = "ticket"

    @property
    def other(self) -> Side:
        """The opposite end."""
        return Side.TICKET if self is Side.CASE else Side.CASE


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """When a field was last changed, on the daemon's clock, and by whom (a display name, "" if unknown)."""

    at: datetime
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment of a case or ticket.

    ``body`` is Markdown without any mark. ``digest`` changes exactly when the side's own text does.
    ``mark`` is set on mirrors that kibcase wrote: the mark of the original (see ``comment_mark``).
    """

    key: str
    body: str
    author: str
    created: datetime
    digest: str
    updated: datetime | None = None
    mark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a case or ticket; its content never changes under its key.

    ``name`` is the file name with its extension, without a folder; ``size`` is in bytes. ``media_type`` is
    ``application/octet-stream`` where the system does not say.
    """

    key: str
    name: str
    size: int
    media_type: str = "application/octet-stream"
    author: str = ""
    created: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One side as it was read in one go.

    ``key`` is the system's unchanging id and ``label`` what people call the thing (``SOC-12``).
    ``version`` is opaque and differs whenever anything of the side that is synced has changed.
    ``mark`` names this thing in the whole world; its copy on the other side carries it.
    ``fields`` holds each field in the side's own form; a field the system lacks is absent.
    ``files`` are listed oldest first. ``touched`` says for fields changed since creation who changed them
    last; no entry: never changed.
    ``marks`` are the marks that this thing carries, so the things it is a copy of. ``settled`` is False if
    something written just before may still be missing here, so that ``version`` must not count as seen.
    """

    key: str
    label: str
    version: str
    mark: str
    fields: Mapping[str, Json]
    url: str | None = None
    touched: Mapping[str, Touch] = field(default_factory=lambda: MappingProxyType({}))
    created: Touch | None = None
    comments: tuple[Comment, ...] = ()
    files: tuple[File, ...] = ()
    marks: tuple[str, ...] = ()
    settled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One line of a change feed: something that may have changed since the cursor.

    ``eligible`` says whether the side's filter lets this thing have a copy made on the other side;
    ``marked`` whether it already is a copy itself.
    """

    key: str
    version: str
    eligible: bool
    marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """An answer of a change feed: what may have changed, and where to go on next time."""

    items: tuple[Changed, ...]
    cursor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a write did.

    ``stored`` holds, for the fields that were written, the value the remote system stored *by this
    write*, in its own form: not what was sent (the system may trim or convert), and not what a person
    has made of it since. After a creation it holds every field of the new thing.
    """

    key: str
    label: str = ""
    url: str | None = None
    stored: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}))
    comment: Comment | None = None
    file: File | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of ``Connector.check``: what was looked at and what came out.

    ``level`` is ``ok``, ``note`` (works, but a person should know) or ``problem`` (will not work).
    """

    level: Literal["ok", "note", "problem"]
    subject: str
    text: str


def comment_mark(origin: Snapshot, comment: Comment) -> str:
    """Give the mark that the mirror of ``comment`` carries; ``origin`` is the snapshot it belongs to."""
    return f"{origin.mark}#{comment.key}"


def origin_of(mark: str, origin: Snapshot) -> str | None:
    """Give the key of the comment of ``origin`` that a mirror with this mark copies, or None."""
    head, separator, key = mark.partition("#")
    return key if separator and head == origin.mark else None
