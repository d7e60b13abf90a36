"""The state store: what it keeps, and what a filling of it must promise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from kibcase_connectors.model import Changed, Json, Side
from kibcase_daemon.errors import StoreError
from kibcase_daemon.sync.advance import Intent
from kibcase_daemon.sync.guards import Written
from kibcase_daemon.sync.types import Base, Both

__all__ = ["AuditEntry", "Link", "LinkState", "Queued", "StateStore", "StoreError"]


class LinkState(StrEnum):
    """Where a link stands.

    ``new``: one side exists, the other is to be made. ``active``: both exist. ``waiting``: will be tried again
    by itself, soon. ``parked``: needs a person, or a change on either side. ``gone``: one side was deleted.
    """

    NEW = "new"
    ACTIVE = "active"
    WAITING = "waiting"
    PARKED = "parked"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A case and a ticket that belong together, and what both last agreed on.

    ``keys`` are the systems' own ids (None: not made yet), ``labels`` what people call them. ``seen`` are the
    versions at which both sides were last found in step. ``retry_at`` is in seconds since the epoch.
    """

    id: str
    rule: str
    keys: Both[str | None]
    labels: Both[str]
    base: Base = field(default_factory=Base)
    state: LinkState = LinkState.NEW
    seen: Both[str | None] = field(default_factory=lambda: Both(case=None, ticket=None))
    reason: str = ""
    retry_at: float | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """One entry of the queue: something that may have changed and has not been looked at yet."""

    rule: str
    side: Side
    change: Changed


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the audit: what was written, where, why, and what it replaced.

    ``at`` is in seconds since the epoch; ``kind`` is ``field``, ``comment``, ``file``, ``create``, ``link``,
    ``conflict`` (a losing value) or ``state`` (a link was parked, released, ...). ``by`` is who made the change
    that was carried; ``meant`` the written value in the common form, by which repetitions are recognised.
    """

    at: float
    rule: str
    link: str
    case: str
    ticket: str
    side: str
    kind: str
    field: str
    old: str
    new: str
    why: str
    by: str = ""
    meant: str = ""


class StateStore(Protocol):
    """The daemon's memory.

    Obligations: every method is one transaction, on disk when it returns; all of it happens or none. The
    store is used by one process at a time (see ``lock``), from any of its threads. Failures raise
    ``StoreError``.
    """

    def lock(self) -> None:
        """Take the store for this process; given back by ``close`` and by the process's end, however it ends.

        Raises ``StoreError`` if another process has it.
        """
        ...

    def cursor(self, rule: str, side: Side) -> str | None:
        """Give where the change feed of one side goes on; None at first."""
        ...

    def enqueue(self, rule: str, side: Side, items: Sequence[Changed], cursor: str) -> None:
        """Queue what may have changed and move the cursor, together."""
        ...

    def queued(self, rule: str) -> list[Queued]:
        """List the queue of one rule, oldest entry first."""
        ...

    def dequeue(self, entries: Sequence[Queued]) -> None:
        """Take entries off the queue, unless a newer version of the same thing was queued meanwhile."""
        ...

    def start_over(self, rule: str, entries: Sequence[Queued]) -> None:
        """Take entries off the queue and forget where the feeds of the rule go on, together.

        What still takes part is then listed again, judged by the filters of that time.
        """
        ...

    def add_link(self, link: Link) -> Link:
        """Keep a new link; if one of its keys is linked already under the rule, give that link instead."""
        ...

    def link_of(self, rule: str, side: Side, key: str) -> Link | None:
        """Give the link of a case or ticket, or None."""
        ...

    def links(self, rule: str) -> list[Link]:
        """List the links of a rule, oldest first."""
        ...

    def due(self, rule: str, now: float) -> list[Link]:
        """List the links of a rule whose ``retry_at`` has come, oldest first."""
        ...

    def troubled(self, rule: str) -> list[Link]:
        """List the links of a rule that are waiting or parked, oldest first."""
        ...

    def save(self, link: Link, *, audit: Sequence[AuditEntry] = ()) -> None:
        """Replace what is known of a link."""
        ...

    def intents(self, link: str) -> list[Intent]:
        """List the writes of a link that were begun and have no receipt, oldest first."""
        ...

    def begin(self, intent: Intent, *, audit: Sequence[AuditEntry] = ()) -> None:
        """Put a write into the journal, or renew it, before a request of it is sent."""
        ...

    def finish(self, link: Link, intents: Sequence[str], *, audit: Sequence[AuditEntry] = ()) -> None:
        """Take writes out of the journal and keep the link as it now is, together."""
        ...

    def recent(self, link: str, since: float) -> list[Written]:
        """List the field values written to a link's sides since a time."""
        ...

    def audit(self, *, limit: int = 100, link: str | None = None) -> list[AuditEntry]:
        """List the newest audit entries, newest first."""
        ...

    def note(self, name: str, value: Mapping[str, Json]) -> None:
        """Remember a small fact under a name, such as when a rule last succeeded."""
        ...

    def noted(self, name: str) -> Mapping[str, Json] | None:
        """Give the fact remembered under a name, or None."""
        ...

    def close(self) -> None:
        """Give the store back; calling it twice does no harm."""
        ...
