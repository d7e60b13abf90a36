"""What the stand-in remembers. All immutable: a change makes a new incident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

WrittenKind = Literal[
    "incident_created", "incident_changed", "comment_added", "comment_changed", "comment_deleted",
    "artifact_added", "artifact_changed", "artifact_deleted", "attachment_added", "attachment_deleted",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A field that got another value; values are ids, milliseconds, or kept text."""

    field: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An entry of the newsfeed of an incident; ``at`` in epoch milliseconds."""

    id: int
    kind: WrittenKind
    actor: int
    at: int
    changes: tuple[Change, ...] = ()
    object_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A note; ``text`` is kept HTML, None once it is deleted and lives on only for its replies."""

    id: int
    parent: int | None
    author: int
    text: str | None
    created: int
    modified: int
    modified_by: int
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """An observable; ``type`` is the id of an artifact type, ``description`` plain text."""

    id: int
    type: int
    value: str
    description: str | None
    creator: int
    created: int
    modified: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file."""

    id: int
    uuid: str
    name: str
    media_type: str
    creator: int
    created: int
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An incident; ``values`` are by path of the field (``name``, ``properties.x``), empty ones None.

    A select holds the id of its choice, a multiselect a tuple of ids, a date epoch milliseconds, rich
    text its kept HTML. ``vers`` grows by one with each change; ``created`` and ``modified`` are epoch
    milliseconds.
    """

    id: int
    vers: int
    creator: int
    created: int
    modified: int
    closed: int | None = None
    values: Mapping[str, Any]
    comments: tuple[Comment, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    events: tuple[Event, ...] = ()

    def value(self, path: str) -> Any:
        """Give the value of a field, also of those that are attributes here."""
        own = {
            "id": self.id, "creator_id": self.creator, "create_date": self.created, "end_date": self.closed,
            "inc_last_modified_date": self.modified,
        }
        return own[path] if path in own else self.values.get(path)

    @property
    def workspace(self) -> int:
        """The workspace that it is in."""
        return int(self.values["workspace"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was just written, as playbooks are told: which incident, by which principal."""

    kind: WrittenKind
    incident_id: int
    actor: int
