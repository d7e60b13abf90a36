"""The incidents of one organisation and the rules for changing them. Knows no HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kibcase_connectors.standins.resilient import changing, query
from kibcase_connectors.standins.resilient.catalog import Account, Catalog
from kibcase_connectors.standins.resilient.changing import Proposal, Refused
from kibcase_connectors.standins.resilient.problem import ResilientProblem
from kibcase_connectors.standins.resilient.records import Change, Event, Incident, Written, WrittenKind
from kibcase_connectors.standins.resilient.storage import Storage

Playbook = Callable[[Written], None]


class ResilientState:
    """All incidents, and every operation on them in the name of a principal.

    ``actor`` arguments are principal ids. Operations raise ``ResilientProblem`` where the platform
    would refuse. They may be called from any thread; each is atomic. ``search_lag`` (seconds, may be
    set at any time) is how long a write stays invisible to ``search``; the rest is always up to date. ``skew`` (may
    be set at any time, too) is how far the clock of the instance runs ahead.
    ``children_count`` tells whether notes, artifacts and files change ``vers`` and the modification
    date of their incident, which differs by version of the platform. ``storage`` holds the incidents from before
    and keeps the new ones; without it they live in memory.

    Playbooks run after each write that is not a playbook's own, before the operation returns.
    """

    def __init__(
        self, catalog: Catalog, *, clock: Callable[[], datetime], search_lag: float = 0.0, children_count: bool = False,
        storage: Storage | None = None,
    ) -> None:
        self.catalog = catalog
        self.search_lag = search_lag
        self.children_count = children_count
        self.playbooks: list[Playbook] = []
        self.closing_veto: str | None = None
        self.lock = threading.RLock()
        self.skew = timedelta()
        self._clock = clock
        self._incidents: dict[int, Incident] = {}
        self._index: dict[int, list[tuple[int, Incident | None]]] = {}
        self._numbers = {"incident": 2094, "child": 100, "event": 0}
        self._in_playbook = False
        self.storage = storage or Storage()
        self._incidents = {each.id: each for each in self.storage.incidents()}
        self._index = {number: [(0, incident)] for number, incident in self._incidents.items()}
        self._numbers |= self.storage.counters()

    def now(self) -> int:
        """Give the time of the instance in epoch milliseconds."""
        return int((self._clock().astimezone(UTC) + self.skew).timestamp() * 1000)

    def _machine_now(self) -> int:
        # A lag is a span, however far off the clock of the instance is.
        return int(self._clock().timestamp() * 1000)

    def number(self, kind: str) -> int:
        """Give the next id of a kind; ids are never used again."""
        with self.lock:
            self._numbers[kind] += 1
            return self._numbers[kind]

    def account(self, principal: int) -> Account:
        """Give an account; raises ``KeyError``."""
        return self.catalog.accounts[principal]

    def grant(self, principal: int, *permissions: str) -> None:
        """Give an account permissions."""
        self._permit(principal, self.account(principal).permissions | set(permissions))

    def deny(self, principal: int, *permissions: str) -> None:
        """Take permissions from an account."""
        self._permit(principal, self.account(principal).permissions - set(permissions))

    def _permit(self, principal: int, permissions: frozenset[str]) -> None:
        with self.lock:
            account = replace(self.account(principal), permissions=permissions)
            self.catalog = replace(self.catalog, accounts={**self.catalog.accounts, principal: account})

    def need(self, actor: int, *permissions: str) -> None:
        """Refuse with 403 unless the account has all these permissions."""
        if not set(permissions) <= self.account(actor).permissions:
            raise ResilientProblem(403)

    def _sees(self, actor: int, incident: Incident) -> bool:
        account = self.account(actor)
        inside = account.kind == "system" or incident.workspace in account.workspaces
        return inside and "read" in account.permissions

    def incidents(self) -> list[Incident]:
        """Give all incidents, oldest first, whoever may see them."""
        with self.lock:
            return [self._incidents[key] for key in sorted(self._incidents)]

    def incident(self, actor: int, number: int) -> Incident:
        """Give an incident; 404 if it is absent or invisible."""
        with self.lock:
            incident = self._incidents.get(number)
        if incident is None or not self._sees(actor, incident):
            raise ResilientProblem(404)
        return incident

    def create(self, actor: int, body: Mapping[str, Any]) -> Incident:
        """Create an incident of a body of POST /incidents."""
        self.need(actor, "create")
        with self.lock:
            held = changing.created(body, self.catalog)
            if not self._may_own(held["owner_id"], held["workspace"]):
                raise ResilientProblem(400, "The owner is not a member of the workspace.")
            now = self.now()
            made = Incident(
                id=self.number("incident"), vers=0, creator=actor, created=now, modified=now, values=held,
                closed=now if held["plan_status"] == "C" else None,
            )
            return self.commit(made, "incident_created", actor)

    def patch(self, actor: int, number: int, changes: list[Proposal]) -> Incident:
        """Change fields; raises ``Conflict`` and ``Refused`` besides ``ResilientProblem``."""
        with self.lock:
            incident = self.incident(actor, number)
            return self._rewrite(actor, incident, changing.patched(incident, changes, self.catalog))

    def put(self, actor: int, number: int, body: Mapping[str, Any]) -> Incident:
        """Replace all fields; 409 if the body holds a ``vers`` other than the present one."""
        with self.lock:
            incident = self.incident(actor, number)
            if body.get("vers") is not None and body["vers"] != incident.vers:
                raise ResilientProblem(409)
            try:
                return self._rewrite(actor, incident, changing.replaced(incident, body, self.catalog))
            except Refused as refusal:
                raise ResilientProblem(400, str(refusal)) from None

    def _rewrite(self, actor: int, incident: Incident, after: Mapping[str, Any]) -> Incident:
        changes = changing.difference(incident.values, after)
        self.need(actor, *changing.needed(changes))
        if not self._may_own(after["owner_id"], after["workspace"]):
            raise Refused("The owner is not a member of the workspace.")
        closing = after["plan_status"] == "C" and incident.values["plan_status"] != "C"
        if closing and self.closing_veto is not None:
            raise Refused(self.closing_veto)
        if not changes:
            return incident
        return self.commit(
            changing.with_values(incident, after, self.now()), "incident_changed", actor, changes=changes
        )

    def _may_own(self, owner: int | None, workspace: int) -> bool:
        account = self.catalog.accounts.get(owner) if owner is not None else None
        return account is None or workspace in account.workspaces

    def delete(self, actor: int, number: int) -> None:
        """Delete an incident and all that hangs on it."""
        with self.lock:
            self.incident(actor, number)
            self.need(actor, "delete")
            del self._incidents[number]
            self.storage.drop(number)
            self._enter(number, None)

    def forget(self, number: int) -> None:
        """Let an incident that was just created never have been."""
        with self.lock:
            del self._incidents[number]
            del self._index[number]
            self.storage.drop(number)

    def commit(
        self, incident: Incident, kind: WrittenKind, actor: int, *,
        changes: tuple[Change, ...] = (), child: int | None = None,
    ) -> Incident:
        """Make a version of an incident the present one, note it in the newsfeed, let playbooks act."""
        with self.lock:
            now = self.now()
            event = Event(id=self.number("event"), kind=kind, actor=actor, at=now, changes=changes, object_id=child)
            counts = child is None or self.children_count
            made = replace(
                incident, events=(*incident.events, event),
                vers=incident.vers + 1 if counts else incident.vers, modified=now if counts else incident.modified,
            )
            self.storage.keep(made, self._numbers)
            self._incidents[made.id] = made
            self._enter(made.id, made)
            self._play(Written(kind=kind, incident_id=made.id, actor=actor))
            return made

    def _play(self, written: Written) -> None:
        if self._in_playbook:
            return
        self._in_playbook = True
        try:
            for playbook in self.playbooks:
                playbook(written)
        finally:
            self._in_playbook = False

    def _enter(self, number: int, incident: Incident | None) -> None:
        now = self._machine_now()
        versions = self._index.setdefault(number, [])
        versions.append((now, incident))
        while len(versions) > 1 and versions[1][0] <= now - self.search_lag * 1000:
            versions.pop(0)

    def search(self, actor: int, asked: query.Query) -> tuple[list[Incident], int]:
        """Run a query over the index: what it selects in its order, and how many incidents there are."""
        with self.lock:
            visible = [each for each in self._indexed() if self._sees(actor, each)]
            return query.select(asked, visible, self.catalog), len(visible)

    def _indexed(self) -> Iterable[Incident]:
        horizon = self._machine_now() - self.search_lag * 1000
        for number in sorted(self._index):
            shown = [incident for entered, incident in self._index[number] if entered <= horizon]
            if shown and shown[-1] is not None:
                yield shown[-1]
