"""The ``Connector`` protocol: what a system must be able to do to take part in sync, and its obligations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Protocol, TypeAlias

from kibcase_connectors.actions import Action
from kibcase_connectors.mapping import FieldMap
from kibcase_connectors.model import Changes, File, Finding, Json, Receipt, Snapshot
from kibcase_connectors.people import NOBODY, People

Announce: TypeAlias = Callable[[Mapping[str, Json]], None]
"""Called by ``Connector.apply`` before each write request with the values, in the side's own form, that this
request asks the system to store. When it returns they are on disk; if it raises, the request must not be sent."""


def now() -> datetime:
    """Give the present time; the clock of a ``Context`` unless another one is given."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a connector is given besides its own settings.

    ``clock`` gives aware datetimes; ``people`` tells who is who. ``parts`` are the fields that the link rule
    carries, with ``comments`` and ``files``; None: all. What is not wanted need not be read, and then counts
    as a field that the system lacks. ``written`` are those of them that the rule may write to this side, with
    ``create`` if it makes new things there; None: all. It is what rights and required fields are checked by.
    """

    clock: Callable[[], datetime] = now
    people: People = NOBODY
    parts: frozenset[str] | None = None
    written: frozenset[str] | None = None

    def wants(self, part: str) -> bool:
        """Tell whether a field, or ``comments``, or ``files``, takes part."""
        return self.parts is None or part in self.parts

    def writes(self, part: str) -> bool:
        """Tell whether a field, ``comments``, ``files`` or a new thing (``create``) may be written to this side."""
        return self.written is None or part in self.written


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a connector's system can and cannot do.

    ``find_lag`` is how many seconds after a creation ``find`` may still fail to see it; ``read_lag`` the same
    for a comment or file and ``read``. ``fields`` are the fields that the system has, custom ones included.
    ``edits_comments`` is False where comments cannot be changed once written; ``links_back`` is True where
    things can hold a link to the other side, ``files`` where they can hold files.
    """

    fields: frozenset[str]
    find_lag: float = 0.0
    read_lag: float = 0.0
    edits_comments: bool = True
    links_back: bool = False
    files: bool = False


class Connector(Protocol):
    """One side of a link rule: one account on one system, with the filter for what takes part.

    Every method may raise ``Denied``, ``Unavailable`` and ``Throttled`` and nothing outside
    ``kibcase_connectors.errors``; none waits longer than its time-outs, none repeats a request that writes.
    A connector is used from one thread at a time.
    """

    @property
    def name(self) -> str:
        """The system's configured name, for messages."""
        ...

    @property
    def kind(self) -> str:
        """The kind of system: ``kibana``, ``jira``, ..."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What the system can do."""
        ...

    @property
    def mapping(self) -> FieldMap:
        """What the side's own values mean; pure, fixed for the life of the connector."""
        ...

    def check(self) -> list[Finding]:
        """Look at everything that can be wrong with the set-up, without writing; the account comes first.

        Problems are findings; only a system that cannot be asked at all raises.
        """
        ...

    def changes(self, cursor: str | None) -> Changes:
        """List what may have changed since ``cursor`` (None: everything that takes part).

        Obligations: nothing that changed is left out, whatever the granularity of the system's time
        stamps, clock skew, index lag or changes during the walk; things may be listed that have not
        changed (their ``version`` tells). The number of requests depends on what changed, not on how
        much there is. Deletions need not be listed.
        """
        ...

    def read(self, key: str) -> Snapshot:
        """Read one thing with all its comments and files, oldest first. Raises ``NotFound``."""
        ...

    def fetch(self, key: str, file: File, into: BinaryIO) -> None:
        """Write the content of a file of the thing ``key`` to ``into``, in pieces.

        Obligations: exactly ``file.size`` bytes are written, or an error comes out (``NotFound`` if the file is
        gone); credentials are sent to the system's own host only. Asked only with ``Capabilities.files``.
        """
        ...

    def find(self, mark: str) -> tuple[str, ...]:
        """Give the keys of the things that carry ``mark``, oldest first; may lag by ``find_lag``."""
        ...

    def apply(self, action: Action, announce: Announce) -> Receipt:
        """Carry out one action.

        Obligations: ``announce`` is called before every request that writes (a status may take several
        steps: each is announced); after it the request is sent at most once. ``Refused`` and
        ``Unavailable`` mean that the request was not carried out, ``OutcomeUnknown`` that it may have
        been. ``SetFields`` and ``SetStatus`` raise ``Conflict`` if the thing is no longer at the action's
        version. Creations carry the mark in the same request that makes the thing visible. A file keeps its
        name and size, by which a copy whose receipt was lost is known again: where the system would alter them,
        or does not take such files, ``Refused``.
        """
        ...

    def close(self) -> None:
        """Let go of connections; calling it twice does no harm."""
        ...
