"""Issues and what hangs on them, as immutable values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment; ``visibility`` is the ``{"type", "value"}`` of the request and is not enforced.

    ``body`` is wiki markup. ``adf`` is the document that it was written as, None if it was written as text.
    """

    id: str
    author: str
    body: str
    created: datetime
    update_author: str
    updated: datetime
    visibility: Mapping[str, Any] | None = None
    adf: Mapping[str, Any] | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def internal(self) -> bool:
        """Tell whether the customer of a service desk does not see it (property ``sd.public.comment``)."""
        mark = self.properties.get("sd.public.comment")
        return isinstance(mark, Mapping) and mark.get("internal") is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One item of a changelog entry: ids in ``old``/``new``, what people read in ``*_text``."""

    field: str
    field_id: str
    old: str | None
    old_text: str | None
    new: str | None
    new_text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One entry of the changelog."""

    id: str
    author: str
    created: datetime
    items: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """The description of an attached file; ``size`` in bytes."""

    id: str
    author: str
    filename: str
    mime_type: str
    size: int
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteLink:
    """A link from an issue to somewhere else; ``body`` is the rest of the request (object, relationship...)."""

    id: str
    global_id: str | None
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueLink:
    """One end of a link to another issue; ``outward`` at the source, whose other end is the target.

    Both ends have the same ``id``; ``other`` is the id of the issue at the other end.
    """

    id: str
    type: str
    outward: bool
    other: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An issue at one moment.

    ``values`` holds the editable fields in stored form: text as string or None, labels as a sorted
    list, references (priority, issuetype, assignee, ...) as an id or a user name. Long texts are wiki
    markup there; ``documents`` holds, by field, what was written as an Atlassian document. ``old_keys``
    are keys from before moves. All times are aware and in whole milliseconds.
    """

    id: int
    project: str
    number: int
    creator: str
    created: datetime
    updated: datetime
    status: str
    status_since: datetime
    values: Mapping[str, Any]
    resolution: str | None = None
    resolved: datetime | None = None
    old_keys: tuple[str, ...] = ()
    comments: tuple[Comment, ...] = ()
    histories: tuple[History, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    remote_links: tuple[RemoteLink, ...] = ()
    links: tuple[IssueLink, ...] = ()
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The present key, such as ``SOC-12``."""
        return f"{self.project}-{self.number}"

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys that resolve to this issue, the present one first."""
        return (self.key, *self.old_keys)
