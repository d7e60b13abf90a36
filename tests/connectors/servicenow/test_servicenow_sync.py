"""A case and its record are kept in step by the engine, over real HTTP, whatever breaks off on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.actions import Action, Create
from kibcase_connectors.api import Announce, Context
from kibcase_connectors.memory import MemoryConnector, MemorySystem
from kibcase_connectors.model import FIELDS, Json, Receipt
from kibcase_connectors.servicenow import ServiceNowConfig, ServiceNowConnector
from kibcase_connectors.standins.servicenow import RateRule, ServiceNowStandin
from kibcase_connectors.standins.servicenow.records import Row
from kibcase_daemon.engine import Engine, Report
from kibcase_daemon.look import LinkRule
from kibcase_daemon.store.api import Link
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.types import Both, FieldRule, Policy, Rules
from tests.connectors.servicenow.conftest import CODES, PASSWORD, TAGS, Table

How = Literal["killed before", "killed after", "request lost", "answer lost"]


class Killed(BaseException):
    """The process dies here."""


class Cut(ServiceNowConnector):
    """A connector that breaks off at one of its writes."""

    def __init__(self, standin: ServiceNowStandin, config: ServiceNowConfig, clock: Callable[[], datetime]) -> None:
        super().__init__("snow", config, context=Context(clock=clock, parts=frozenset({*FIELDS, "comments"})))
        self._standin = standin
        self.requests = 0
        self.fail_at: int | None = None
        self.how: How = "killed before"

    def apply(self, action: Action, announce: Announce) -> Receipt:
        method = "POST" if isinstance(action, Create) else "PATCH"
        now: list[bool] = [False]

        def counted(values: dict[str, Json]) -> None:
            announce(values)
            self.requests += 1
            now[0] = self.requests == self.fail_at
            if now[0] and self.how == "killed before":
                raise Killed
            if now[0] and self.how in ("request lost", "answer lost"):
                when: Literal["before", "after"] = "before" if self.how == "request lost" else "after"
                self._standin.faults.arm(Fault(method=method, when=when, drop=True))

        receipt = super().apply(action, counted)  # type: ignore[arg-type]
        if now[0] and self.how == "killed after":
            raise Killed
        return receipt


class World:
    """Cases in memory and a ServiceNow on loopback, people in both, and a daemon that can be run again and again."""

    def __init__(self, table: Table, *, policy: Policy = Policy.CASE, creates_cases: bool = False) -> None:
        self.time = datetime(2026, 3, 2, 14, 30, tzinfo=UTC).timestamp()
        self.table = table
        self.cases = MemorySystem("case", clock=lambda: self.time)
        self.servicenow = ServiceNowStandin(clock=self.now, columns=[(table, TAGS)])
        self.config = ServiceNowConfig(
            url=self.servicenow.url, table=table, username="kibcase", password=PASSWORD, close_code=CODES[table],
            tags_column="u_tags",
        )
        self.tomasz = self.servicenow.as_person("tomasz.nowak")
        self.store = SqliteStore()
        self.rules = Rules(fields={name: FieldRule(policy=policy, removals=True) for name in FIELDS})
        self.creates = Both(case=creates_cases, ticket=True)
        self.restart()

    def restart(self) -> None:
        self.connector = Cut(self.servicenow, self.config, self.now)
        self.rule = LinkRule(
            name="r", rules=self.rules, creates=self.creates,
            connectors=Both(case=MemoryConnector(self.cases), ticket=self.connector),
        )

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    def __enter__(self) -> World:
        self.servicenow.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.connector.close()
        self.servicenow.stop()
        self.store.close()

    def cycle(self) -> Report | None:
        self.time += 1.0
        try:
            return Engine(self.rule, self.store, clock=lambda: self.time).cycle()
        except Killed:
            requests = self.connector.requests
            self.connector.close()
            self.restart()
            self.connector.requests = requests
            return None

    def run(self) -> None:
        """Sync until all is in step, as cron would: soon after one another at first."""
        report = None
        for pause in (0.0, 2.0, 40.0, 100.0, 1000.0):
            self.time += pause
            report = self.cycle()
            if report is not None and report.in_step:
                return
        raise AssertionError(f"never in step: {report}")

    def live(self) -> None:
        """The history: a case, its record, work on both sides, a conflict, the end and a new beginning."""
        case = self.cases.add(title="Beacon", severity="high", tags=["c2", "needs review"], status="in-progress")
        self.cases.comment(case.key, "first look")
        self.run()
        (key,) = [row.sys_id for row in self.servicenow.state.rows(self.table)]
        self.cases.edit(case.key, severity="low", status="closed")
        self.tomasz.work_note(key, "blocked at the proxy")
        self.run()
        self.cases.edit(case.key, title="Beacon to a new domain", tags=["c2"], status="in-progress")
        self.tomasz.edit(key, short_description="Proxy block", u_tags="c2, needs review, net")
        self.tomasz.comment(key, "and at the other one")
        self.run()

    def end(self) -> object:
        """What people see at the end, in either system."""
        cases = [
            (thing.fields, [(c.body.rpartition("\n")[2], c.mark is not None) for c in thing.comments])
            for thing in self.cases.things.values()
        ]
        columns = ("short_description", "state", "priority", "u_tags", "close_code", "correlation_id")
        rows = [
            ([row[column] for column in columns], [_entry(entry) for entry in self.tomasz.journal(row.sys_id)])
            for row in self.servicenow.state.rows(self.table)
        ]
        return cases, rows


def _entry(entry: Row) -> tuple[bool, str]:
    return entry["value"].splitlines()[-1].startswith("["), entry["element"]


@pytest.fixture(scope="module")
def calm() -> dict[str, tuple[object, int]]:
    """The end of the undisturbed history and how many writes it takes, by table."""
    ends: dict[str, tuple[object, int]] = {}
    tables: tuple[Table, Table] = ("incident", "sn_si_incident")
    for table in tables:
        with World(table) as world:
            world.live()
            ends[table] = (world.end(), world.connector.requests)
    return ends


def test_the_history_is_worth_testing(table: Table) -> None:
    with World(table) as world:
        world.live()
        case = next(iter(world.cases.things.values()))
        (row,) = world.servicenow.state.rows(table)
        assert row["short_description"] == case.fields["title"] == "Beacon to a new domain"
        assert row["state"] == {"incident": "2", "sn_si_incident": "16"}[table]
        assert case.fields["status"] == "in-progress"
        assert row["u_tags"] == "c2, net"
        assert case.fields["tags"] == ["c2", "net"]
        assert len(case.comments) == 3
        assert len(world.tomasz.journal(row.sys_id)) == 3
        assert world.connector.requests >= 6


@pytest.mark.parametrize("how", ["killed before", "killed after", "request lost", "answer lost"])
def test_breaking_off_at_any_write_changes_nothing_in_the_end(
    table: Table, how: How, calm: dict[str, tuple[object, int]]
) -> None:
    end, writes = calm[table]
    for number in range(1, writes + 1):
        with World(table) as world:
            world.connector.fail_at, world.connector.how = number, how
            world.live()
            assert world.end() == end, f"{how} at write {number}"


def test_what_is_in_step_stays_so_at_a_constant_price(table: Table) -> None:
    with World(table) as world:
        world.live()
        for _ in range(3):
            world.time += 120
            world.run()
        world.servicenow.faults.forget()
        for _ in range(4):
            world.time += 60
            report = world.cycle()
            assert report is not None
            assert (report.looked_at, report.applied) == (0, ())
        assert len(world.servicenow.faults.requests) == 8


def test_records_of_people_become_cases_and_copies_do_not(table: Table) -> None:
    with World(table, creates_cases=True) as world:
        world.tomasz.create("Phishing", table=table, description="Many got it.")
        world.tomasz.create("Pushed", table=table, correlation_id="8e6c", correlation_display="Elastic Case")
        world.cases.add(title="Beacon", severity="high")
        world.run()
        titles = sorted(str(thing.fields["title"]) for thing in world.cases.things.values())
        assert titles == ["Beacon", "Phishing"]
        # A store that was lost makes no second copy of anything.
        world.store = SqliteStore()
        world.time += 100
        world.run()
        assert len(world.cases.things) == 2
        assert len(world.servicenow.state.rows(table)) == 3


def test_a_cut_description_never_comes_back(table: Table) -> None:
    with World(table) as world:
        long = "word " * 2000
        case = world.cases.add(title="Long", description=long.strip(), severity="high")
        world.run()
        (row,) = world.servicenow.state.rows(table)
        assert len(row["description"]) <= 4000
        world.tomasz.edit(row.sys_id, description=row["description"][:100])
        world.time += 10
        world.cycle()
        assert case.fields["description"] == long.strip()


def test_a_spent_budget_ends_the_cycle_and_says_until_when(table: Table) -> None:
    with World(table) as world:
        world.cases.add(title="Beacon", severity="high")
        world.servicenow.limit_requests(RateRule(limit=3))
        report = world.cycle()
        assert report is not None
        assert "Rate limit" in report.error
        assert report.retry_after is not None
        assert report.retry_after > 600
        world.servicenow.limit_requests(None)
        world.run()
        assert len(world.servicenow.state.rows(table)) == 1


def test_reset_instances_are_not_filled_again_without_asking(table: Table) -> None:
    with World(table) as world:
        world.cases.add(title="Beacon", severity="high")
        world.run()
        key = world.servicenow.state.rows(table)[0].sys_id
        world.servicenow.as_person("maria.lindqvist").delete(key)
        gone: list[Link] = []
        for _ in range(2):
            world.time += 100
            gone += Engine(world.rule, world.store, clock=lambda: world.time).cycle(full=True).gone
        assert [link.state.value for link in gone] == ["gone"]
        assert world.servicenow.state.rows(table) == []
