"""The process dies at each write in turn, before or after its effect; the end is the same as if it had not."""

from __future__ import annotations

from typing import Literal

import pytest

from kibcase_connectors.custom import CustomField
from kibcase_connectors.errors import OutcomeUnknown
from kibcase_connectors.memory import STEPWISE, TICKET_MAP, Account, MemoryConnector, MemorySystem, Parts, Thing
from kibcase_connectors.model import FIELDS, FURTHER, Json
from kibcase_daemon.engine import Engine, Report
from kibcase_daemon.look import LinkRule
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.types import Both, FieldRule, Policy, Rules

How = Literal["killed before", "killed after", "answer lost"]


ANN, BEA = (Account(id=name, name=name.title(), email=f"{name}@example.com") for name in ("ann", "bea"))
ZOE = Account(id="zoe", name="Zoe")
CASE_PARTS = Parts.all(unit=CustomField(field="Unit"))
TICKET_PARTS = Parts.all(unit=CustomField(field="u_unit", values={"1": "EMEA", "2": "US"}))


class Killed(BaseException):
    """The process dies here."""


class World:
    """A case and a ticket system, people who work in them, and a daemon that can be run again and again."""

    def __init__(self, policy: Policy) -> None:
        self.time = 1_000_000.0
        self.cases = MemorySystem("case", clock=lambda: self.time, parts=CASE_PARTS, accounts=(ANN, BEA))
        self.tickets = MemorySystem(
            "ticket", mapping=TICKET_MAP, workflow=STEPWISE, first="To Do", clock=lambda: self.time, find_lag=30.0,
            parts=TICKET_PARTS, accounts=(ANN, BEA, ZOE),
        )
        self.store = SqliteStore()
        self.rule = LinkRule(
            name="r",
            rules=Rules(
                fields={name: FieldRule(policy=policy, removals=True) for name in (*FIELDS, *FURTHER, "unit")},
                file_limit=64,
            ),
            connectors=Both(case=MemoryConnector(self.cases), ticket=MemoryConnector(self.tickets)),
            creates=Both(case=False, ticket=True),
        )
        self.requests = 0
        self.fail_at: int | None = None
        self.how: How = "killed before"
        for system in (self.cases, self.tickets):
            system.on_write = self.before
            system.on_answer = self.after

    def before(self, name: str) -> None:
        self.requests += 1
        if self.requests == self.fail_at and self.how == "killed before":
            raise Killed(name)

    def after(self, name: str) -> None:
        if self.requests == self.fail_at and self.how == "killed after":
            raise Killed(name)
        if self.requests == self.fail_at and self.how == "answer lost":
            raise OutcomeUnknown("memory", name)

    def cycle(self) -> Report | None:
        self.time += 1.0
        try:
            return Engine(self.rule, self.store, clock=lambda: self.time).cycle()
        except Killed:
            return None

    def run(self) -> None:
        """Sync until all is in step, as cron would: soon after one another at first."""
        for pause in (0.0, 2.0, 40.0, 100.0, 1000.0):
            self.time += pause
            report = self.cycle()
            if report is not None and report.in_step:
                return
        raise AssertionError("never in step")

    def live(self) -> None:
        """The history: a case, its ticket, work on both sides, a conflict, a corrected comment, the end."""
        case = self.cases.add(title="Beacon", severity="high", tags=["c2", "needs review"], status="in-progress")
        self.cases.comment(case.key, "first look")
        self.cases.assign(case.key, "ann")
        self.cases.attach(case.key, "beacon.pcap", b"first capture")
        self.cases.edit(case.key, observables=["ipv4 203.0.113.7"], unit="EMEA")
        self.run()
        ticket = next(iter(self.tickets.things.values()))
        self.cases.edit(case.key, status="closed", severity="low")
        remark = self.tickets.comment(ticket.key, "blocked at the proxy")
        self.run()
        self.cases.edit(case.key, title="Beacon to a new domain", tags=["c2"])
        tags: list[Json] = [*_tags(ticket.fields["tags"]), "net"]
        self.tickets.edit(ticket.key, title="Proxy block", status="In Progress", tags=tags)
        self.tickets.edit_comment(ticket.key, remark.key, "blocked at both proxies")
        self.tickets.attach(ticket.key, "proxy.log", b"denied")
        self.tickets.attach(ticket.key, "disk.img", b"x" * 65)
        self.tickets.edit(ticket.key, observables=["ipv4 203.0.113.7", "domain bad.example"], unit="2")
        self.cases.attach(case.key, "beacon.pcap", b"other capture")
        self.cases.assign(case.key, "bea")
        self.run()
        self.tickets.assign(ticket.key, "zoe")
        self.cases.edit(case.key, observables=["domain bad.example"])
        self.run()

    def end(self) -> object:
        """What people see at the end, in either system."""
        return [_seen(thing) for system in (self.cases, self.tickets) for thing in system.things.values()]


def _seen(thing: Thing) -> tuple[object, ...]:
    """Everything but keys and times, which differ from run to run."""
    said = [(comment.body.rpartition("\n")[2], comment.mark is not None) for comment in thing.comments]
    files = sorted((each.file.name, each.content) for each in thing.files)
    fields = {
        name: sorted(map(str, value)) if isinstance(value, list) else value for name, value in thing.fields.items()
    }
    return fields, said, files


def _tags(value: object) -> list[str]:
    assert isinstance(value, list)
    return [str(item) for item in value]


def undisturbed(policy: Policy) -> World:
    world = World(policy)
    world.live()
    return world


POLICIES = [Policy.CASE, Policy.TICKET]


@pytest.mark.parametrize("policy", POLICIES)
def test_the_history_is_worth_testing(policy: Policy) -> None:
    world = undisturbed(policy)
    assert world.requests >= 11
    case, ticket = next(iter(world.cases.things.values())), next(iter(world.tickets.things.values()))
    assert case.fields["title"] == ticket.fields["title"]
    assert case.fields["status"] == "in-progress"
    assert len(case.comments) == len(ticket.comments) + 2 == 4, "of the large file and of Zoe the case is told"
    assert case.fields["assignee"] == BEA.native
    assert ticket.fields["assignee"] == ZOE.native
    assert case.fields["observables"] == ticket.fields["observables"] == ["domain bad.example"]
    assert (case.fields["unit"], ticket.fields["unit"]) == ("US", "2")
    names = ["beacon.pcap", "proxy.log"]
    assert sorted(each.file.name for each in case.files) == names[:1] + names
    assert sorted(each.file.name for each in ticket.files) == [names[0], names[0], "disk.img", names[1]]
    assert len(world.tickets.things) == 1


@pytest.mark.parametrize("how", ["killed before", "killed after", "answer lost"])
@pytest.mark.parametrize("policy", POLICIES)
def test_death_at_any_request_changes_nothing_in_the_end(policy: Policy, how: How) -> None:
    calm = undisturbed(policy)
    for number in range(1, calm.requests + 1):
        world = World(policy)
        world.fail_at, world.how = number, how
        world.live()
        assert world.end() == calm.end(), f"{how} at request {number}"


class DyingStore(SqliteStore):
    """A store whose process dies before or after one of its transactions."""

    def __init__(self, left: list[int], *, after: bool) -> None:
        super().__init__()
        self.left = left
        self.after = after

    def __getattribute__(self, name: str) -> object:
        value = super().__getattribute__(name)
        if name not in {"enqueue", "dequeue", "add_link", "save", "begin", "finish"}:
            return value
        left: list[int] = super().__getattribute__("left")
        after: bool = super().__getattribute__("after")

        def call(*args: object, **options: object) -> object:
            left[0] -= 1
            if left[0] == 0 and not after:
                raise Killed(name)
            result = value(*args, **options)
            if left[0] == 0 and after:
                raise Killed(name)
            return result

        return call


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("policy", POLICIES)
def test_death_at_any_transaction_changes_nothing_in_the_end(policy: Policy, after: bool) -> None:
    calm = undisturbed(policy)
    for number in range(1, 400):
        world, left = World(policy), [number]
        world.store = DyingStore(left, after=after)
        world.live()
        assert world.end() == calm.end(), f"at transaction {number}"
        if left[0] > 0:
            return
    raise AssertionError("the history never ends")
