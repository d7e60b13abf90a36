"""Two systems in memory, the hands of people in them, and an engine between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Protocol

import pytest

from kibcase_connectors.actions import Action
from kibcase_connectors.api import Announce, Capabilities
from kibcase_connectors.errors import ConnectorError
from kibcase_connectors.mapping import FieldMap
from kibcase_connectors.memory import STEPWISE, TICKET_MAP, MemoryConnector, MemorySystem, Thing
from kibcase_connectors.model import FIELDS, Changes, Json, Receipt, Side, Snapshot
from kibcase_daemon.engine import Engine, Preview, Report
from kibcase_daemon.look import LinkRule
from kibcase_daemon.store.api import AuditEntry, Link
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.guards import Limits
from kibcase_daemon.sync.types import Both, Direction, FieldRule, Policy, Rules


class Wire(MemoryConnector):
    """A memory connector that counts what it is asked and fails when told to.

    ``fails`` gets each request as ``("read", key)``, ``("find", mark)``, ``("changes", "")`` or
    ``("apply", "SetFields")`` and raises to have it fail before it does anything.
    """

    def __init__(self, system: MemorySystem, *, eligible: Callable[[Thing], bool] = lambda _: True) -> None:
        super().__init__(system, eligible=eligible)
        self.asked: list[tuple[str, str]] = []
        self.fails: Callable[[str, str], None] = lambda *_: None
        self.read_lag = 0.0
        self.edits_comments = True

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            fields=frozenset(FIELDS), find_lag=self.system.find_lag, read_lag=self.read_lag, links_back=True,
            edits_comments=self.edits_comments,
        )

    def changes(self, cursor: str | None) -> Changes:
        self._ask("changes", "")
        return super().changes(cursor)

    def read(self, key: str) -> Snapshot:
        self._ask("read", key)
        return super().read(key)

    def find(self, mark: str) -> tuple[str, ...]:
        self._ask("find", mark)
        return super().find(mark)

    def apply(self, action: Action, announce: Announce) -> Receipt:
        self._ask("apply", type(action).__name__)
        return super().apply(action, announce)

    def count(self, what: str) -> int:
        return sum(1 for asked, _ in self.asked if asked == what)

    def _ask(self, what: str, of: str) -> None:
        self.asked.append((what, of))
        self.fails(what, of)


class World:
    """A case and a ticket system, people who work in them, and a daemon with nothing but its store."""

    def __init__(
        self, *, policy: Policy = Policy.NEWEST, removals: bool = False, find_lag: float = 0.0,
        creates: Both[bool] | None = None, fields: Mapping[str, FieldRule] | None = None,
        comments: Direction = Direction.BOTH, limits: Limits | None = None, ticket_map: FieldMap = TICKET_MAP,
        eligible: Callable[[Thing], bool] = lambda _: True,
    ) -> None:
        self.time = 1_000_000.0
        self.cases = MemorySystem("case", clock=lambda: self.time)
        self.tickets = MemorySystem(
            "ticket", mapping=ticket_map, workflow=STEPWISE, first="To Do", clock=lambda: self.time, find_lag=find_lag
        )
        self.wires = Both(case=Wire(self.cases, eligible=eligible), ticket=Wire(self.tickets))
        self.store = SqliteStore()
        self.limits = limits or Limits()
        rules = {name: FieldRule(policy=policy, removals=removals) for name in FIELDS} | dict(fields or {})
        self.rule = LinkRule(
            name="r", rules=Rules(fields=rules, comments=comments),
            connectors=Both(case=self.wires.case, ticket=self.wires.ticket),
            creates=creates or Both(case=False, ticket=True),
        )
        self.told: list[AuditEntry] = []

    def engine(self) -> Engine:
        return Engine(self.rule, self.store, clock=lambda: self.time, limits=self.limits, tell=self.told.append)

    def cycle(self, *, full: bool = False) -> Report:
        self.time += 1.0
        return self.engine().cycle(full=full)

    def preview(self, *, full: bool = False) -> list[Preview]:
        return self.engine().preview(full=full)

    def settle(self) -> Report:
        """Cycle until nothing is left to do; time passes as for a daemon that is left alone."""
        for pause in (0.0, 5.0, 60.0, 600.0, 4000.0, 20_000.0, 100_000.0):
            self.time += pause
            report = self.cycle()
            if report.in_step:
                return report
        raise AssertionError(f"never in step: {report}")

    def system(self, side: Side) -> MemorySystem:
        return self.cases if side is Side.CASE else self.tickets

    def pair(self, **fields: Json) -> tuple[Thing, Thing]:
        """Give a new case and the ticket that was made for it, in step."""
        given: dict[str, Json] = {"title": "Beacon", "severity": "high", **fields}
        case = self.cases.add(by="person", **given)
        self.settle()
        link = self.store.link_of("r", Side.CASE, case.key)
        assert link is not None
        assert link.keys.ticket is not None
        return case, self.tickets.thing(link.keys.ticket)

    def link(self, case: Thing) -> Link:
        link = self.store.link_of("r", Side.CASE, case.key)
        assert link is not None
        return link

    def audit(self, kind: str) -> list[AuditEntry]:
        return [entry for entry in self.store.audit(limit=1000) if entry.kind == kind]

    @property
    def writes(self) -> int:
        return len(self.cases.writes) + len(self.tickets.writes)

    def forget_asked(self) -> None:
        self.wires.case.asked.clear()
        self.wires.ticket.asked.clear()

    def lose_store(self) -> None:
        self.store.close()
        self.store = SqliteStore()


class MakeWorld(Protocol):
    """Builds worlds; keyword arguments as for ``World``."""

    def __call__(
        self, *, policy: Policy = ..., removals: bool = ..., find_lag: float = ..., creates: Both[bool] | None = ...,
        fields: Mapping[str, FieldRule] | None = ..., comments: Direction = ..., limits: Limits | None = ...,
        ticket_map: FieldMap = ..., eligible: Callable[[Thing], bool] = ...,
    ) -> World: ...


@pytest.fixture
def make_world() -> Iterator[MakeWorld]:
    with ExitStack() as ends:

        def build(**options: object) -> World:
            world = World(**options)  # type: ignore[arg-type]
            ends.callback(lambda: world.store.close())
            return world

        yield build


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world()


@pytest.fixture
def fail_on() -> Callable[..., Callable[[str, str], None]]:
    """Give a ``Wire.fails`` that raises ``error`` for the requests named, ``times`` times (None: for ever)."""

    def build(
        error: ConnectorError, *, what: str, of: str | None = None, times: int | None = None
    ) -> Callable[[str, str], None]:
        left = [times]

        def fail(asked: str, about: str) -> None:
            if asked != what or of not in {None, about} or left[0] == 0:
                return
            left[0] = None if left[0] is None else left[0] - 1
            raise error

        return fail

    return build
