"""The ``Connector`` protocol: what a system must be able to do to take part in sync, and its obligations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from kibcase_connectors.actions import Action
from kibcase_connectors.mapping import FieldMap
from kibcase_connectors.model import Changes, Finding, Json, Receipt, Snapshot

Announce: TypeAlias = Callable[[Mapping[str, Json]], None]
"""Called by ``Connector.apply`` before each write request with the values, in the side's own form, that this
request asks the system to store. When it returns they are on disk; if it raises, the request must not be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a connector's system can and cannot do.

    ``find_lag`` is how many seconds after a creation ``find`` may still fail to see it; ``read_lag`` the same
    for a comment and ``read``. ``fields`` are the fields that the system has. ``edits_comments`` is False where
    comments cannot be changed once written; ``links_back`` is True where things can hold a link to the other
    side.
    """

    fields: frozenset[str]
    find_lag: float = 0.0
    read_lag: float = 0.0
    edits_comments: bool = True
    links_back: bool = False


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
        """Read one thing with all its comments, oldest first. Raises ``NotFound``."""
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
        version. Creations carry the mark in the same request that makes the thing visible.
        """
        ...

    def close(self) -> None:
        """Let go of connections; calling it twice does no harm."""
        ...
