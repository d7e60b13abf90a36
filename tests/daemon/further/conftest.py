"""Two systems in memory that have everything, connectors that fail as told, and a daemon between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import BinaryIO

import pytest

from kibcase_connectors.actions import Action
from kibcase_connectors.api import Announce, Context
from kibcase_connectors.custom import CustomField
from kibcase_connectors.errors import ConnectorError
from kibcase_connectors.memory import (
    STEPWISE,
    TICKET_MAP,
    Account,
    MemoryConnector,
    MemorySystem,
    Parts,
    Thing,
)
from kibcase_connectors.model import FIELDS, FURTHER, File, Receipt, Side, Snapshot
from kibcase_connectors.people import People
from kibcase_daemon.engine import Engine, Preview, Report
from kibcase_daemon.look import LinkRule
from kibcase_daemon.store.api import AuditEntry, Link
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.templates import BARE, Templates
from kibcase_daemon.sync.types import Both, Direction, FieldRule, Policy, Rules

ANN, BEA = (Account(id=name, name=name.title(), email=f"{name}@example.com") for name in ("ann", "bea"))
ZOE = Account(id="zoe", name="Zoe")
UNIT = CustomField(field="u_unit", values={"1": "EMEA", "2": "US"})


class Wire(MemoryConnector):
    """A memory connector that counts the fetches of files and has them fail as told."""

    def __init__(self, system: MemorySystem, *, people: People) -> None:
        super().__init__(system, context=Context(people=people))
        self.fetched: list[str] = []
        self.broken: Callable[[File], ConnectorError | None] = lambda _: None
        self.label = ""
        self.short = False
        self.refuses: Callable[[Action], ConnectorError | None] = lambda _: None

    def fetch(self, key: str, file: File, into: BinaryIO) -> None:
        self.fetched.append(file.name)
        error = self.broken(file)
        if error is not None:
            raise error
        if self.short:
            into.write(b"x")
            return
        super().fetch(key, file, into)

    def read(self, key: str) -> Snapshot:
        snapshot = super().read(key)
        return replace(snapshot, label=self.label or snapshot.label)

    def apply(self, action: Action, announce: Announce) -> Receipt:
        error = self.refuses(action)
        if error is not None:
            raise error
        receipt = super().apply(action, announce)
        held = self.system.thing(receipt.key).fields
        # What was stored, not what was sent: a system may spell anew what it is given.
        return replace(receipt, stored={name: held[name] for name in receipt.stored})


class World:
    """A case and a ticket system with everything, and a daemon with nothing but its store."""

    def __init__(
        self, *, policy: Policy = Policy.NEWEST, removals: bool = False, fields: Mapping[str, FieldRule] | None = None,
        files: Direction = Direction.BOTH, comments: Direction = Direction.BOTH, templates: Templates = BARE,
        ticket_people: tuple[Account, ...] = (ANN, BEA), case_people: tuple[Account, ...] = (ANN, BEA, ZOE),
        people: People | None = None, ticket_parts: Parts | None = None, creates: bool = True,
    ) -> None:
        self.time = 1_000_000.0
        self.cases = MemorySystem(
            "case", clock=lambda: self.time, parts=Parts.all(unit=CustomField(field="Unit")), accounts=case_people
        )
        self.tickets = MemorySystem(
            "ticket", mapping=TICKET_MAP, workflow=STEPWISE, first="To Do", clock=lambda: self.time,
            parts=ticket_parts or Parts.all(unit=UNIT), accounts=ticket_people,
        )
        known = people or People()
        self.wires = Both(case=Wire(self.cases, people=known), ticket=Wire(self.tickets, people=known))
        self.store = SqliteStore()
        given = {name: FieldRule(policy=policy, removals=removals) for name in (*FIELDS, *FURTHER, "unit")}
        self.told: list[AuditEntry] = []
        self.rule = LinkRule(
            name="r", rules=Rules(fields=given | dict(fields or {}), files=files, comments=comments, file_limit=64),
            connectors=Both(case=self.wires.case, ticket=self.wires.ticket),
            creates=Both(case=False, ticket=creates), templates=templates,
        )

    def engine(self) -> Engine:
        return Engine(self.rule, self.store, clock=lambda: self.time, tell=self.told.append)

    def cycle(self) -> Report:
        self.time += 1.0
        return self.engine().cycle()

    def preview(self) -> list[Preview]:
        return self.engine().preview()

    def settle(self) -> Report:
        for pause in (0.0, 5.0, 60.0, 600.0, 4000.0):
            self.time += pause
            report = self.cycle()
            if report.in_step:
                return report
        raise AssertionError(f"never in step: {[link.reason for link in report.troubled]} {report.error}")

    def reconnect(self, *, fields: Mapping[str, FieldRule]) -> None:
        """Make the connectors anew, for systems that have other parts now."""
        self.wires = Both(case=Wire(self.cases, people=People()), ticket=Wire(self.tickets, people=People()))
        self.rule = LinkRule(
            name="r", rules=Rules(fields=fields), creates=self.rule.creates,
            connectors=Both(case=self.wires.case, ticket=self.wires.ticket),
        )

    def change(self, **given: object) -> None:
        """Give the rule another configuration."""
        rule = self.rule
        fields = given.get("fields", {})
        assert isinstance(fields, dict)
        templates = given.get("templates", rule.templates)
        files = given.get("files", rule.rules.files)
        assert isinstance(templates, Both)
        assert isinstance(files, Direction)
        rules = Rules(
            fields={**rule.rules.fields, **fields}, comments=rule.rules.comments, files=files,
            file_limit=rule.rules.file_limit,
        )
        self.rule = LinkRule(
            name="r", rules=rules, connectors=rule.connectors, creates=rule.creates, templates=templates
        )

    def pair(self, **fields: object) -> tuple[Thing, Thing]:
        case = self.cases.add(**{"title": "Beacon", "severity": "high", **fields})  # type: ignore[arg-type]
        self.settle()
        return case, self.copy_of(case)

    def copy_of(self, case: Thing) -> Thing:
        return self.tickets.thing(str(self.link(case).keys.ticket))

    def link(self, case: Thing) -> Link:
        link = self.store.link_of("r", Side.CASE, case.key)
        assert link is not None
        return link

    @property
    def writes(self) -> int:
        return len(self.cases.writes) + len(self.tickets.writes)


Make = Callable[..., World]


@pytest.fixture
def make() -> Iterator[Make]:
    with ExitStack() as ends:

        def build(**options: object) -> World:
            world = World(**options)  # type: ignore[arg-type]
            ends.callback(lambda: world.store.close())
            return world

        yield build
