"""What the rules need from outside: store, alerts, clock, ids; and who calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from kibcase.server.cases.store import CaseRecord, CaseStore
from kibcase.server.datemath import stamp
from kibcase.server.errors import saved_object_missing
from kibcase.server.privileges import Rights
from kibcase.server.stack import Stack

Json = dict[str, Any]
Targets = Iterable[tuple[str, str]]


class AlertDocument(Protocol):
    """One alert or event as Elasticsearch holds it."""

    @property
    def source(self) -> Json:
        """The document's ``_source``, a copy."""


class AlertWriter(Protocol):
    """What cases do to alert documents; targets are (index, alert id)."""

    def set_workflow_status(
        self, targets: Targets, status: str, *, reason: str | None = None, stamp: bool = True
    ) -> int:
        """Set the workflow status; gives how many alerts changed."""

    def add_case_id(self, targets: Targets, case_id: str) -> None:
        """Note the case on alerts; raises ``TooManyCases`` above 10 cases on one alert."""

    def remove_case_id(self, targets: Targets, case_id: str) -> None:
        """Take the note off alerts."""

    def remove_case_everywhere(self, case_ids: Iterable[str]) -> None:
        """Take the note off every alert."""

    def read(self, targets: Targets) -> Iterator[tuple[tuple[str, str], AlertDocument]]:
        """Give (target, document) for the targets that exist."""


def nobody() -> list[Json]:
    """Give no user profiles."""
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, in which space, and what they may do there; ``user`` is the person as cases show them."""

    space: str
    user: Json
    rights: Rights = field(default_factory=Rights.unlimited, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything outside that the rules of one server share."""

    store: CaseStore
    alerts: AlertWriter
    stack: Stack
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    incremental_ids: bool
    incremental_id_delay: float
    profiles: Callable[[], Iterable[Json]] = nobody

    def now(self) -> str:
        """Give the present moment as Kibana writes it."""
        return stamp(self.clock())

    def case(self, caller: Caller, identifier: str) -> CaseRecord:
        """Read a case of the caller's space; raises ``NotFound``."""
        record = self.store.case(caller.space, identifier)
        if record is None:
            raise saved_object_missing("cases", identifier)
        return record

    def show(self, record: CaseRecord, comments: list[Json] | None = None) -> Json:
        """Give a case as the API answers it; ``comments`` None leaves the key out."""
        totals: Json = {"totalComment": record.comments, "totalAlerts": record.alerts}
        if self.stack.has_timings:
            totals["totalEvents"] = record.events
        head: Json = {"id": record.id, "version": record.version}
        return head | ({} if comments is None else {"comments": comments}) | totals | record.doc

    def show_whole(self, record: CaseRecord, comments: list[Json]) -> Json:
        """Give a case with all its attachments, whatever their type; ``totalComment`` counts every one of them.

        So do Kibana's writes of attachments and its push; elsewhere the total is that of the user comments.
        """
        return self.show(record, comments) | {"totalComment": len(comments)}

    def named(self, assignees: Iterable[Json]) -> list[Json]:
        """Give assignees as they are stored: on newer stacks with the names of those who have a profile."""
        people = list(assignees)
        if not (people and self.stack.names_assignees):
            return people
        found = {profile["uid"]: profile["user"] for profile in self.profiles()}
        return [
            person | {name: found[person["uid"]].get(name) for name in ("username", "full_name", "email")}
            if person["uid"] in found
            else person
            for person in people
        ]
