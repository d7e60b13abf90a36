"""Random histories of two sides, with crashes, lost answers, refusals, lag and skewed clocks.

The promises are checked after recovery: one ticket per case, no comment lost or doubled, both sides agree,
the losing value of a conflict is in the audit, and one more cycle writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kibcase_connectors.errors import OutcomeUnknown, Unavailable
from kibcase_connectors.memory import STEPWISE, TICKET_MAP, Account, MemoryConnector, MemorySystem, Parts, Thing
from kibcase_connectors.model import (
    ASSIGNEE,
    FIELDS,
    FURTHER,
    MARK_PREFIX,
    OBSERVABLES,
    SEVERITIES,
    STATUS,
    TAGS,
    TITLE,
    Side,
)
from kibcase_daemon.engine import Engine
from kibcase_daemon.look import LinkRule
from kibcase_daemon.store.api import LinkState
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.guards import Limits
from kibcase_daemon.sync.types import Both, FieldRule, Policy, Rules

TITLES = st.text(alphabet="abc \u00e9\u4e2d", min_size=1, max_size=60) | st.sampled_from(
    ["long " * 12, "even longer " * 9, "  padded  ", "Beacon to 10.0.0.7"]
)
SIDE = st.sampled_from(list(Side))
PRIORITY = st.sampled_from(["High", "Medium", "Low"])
SEVERITY = st.sampled_from(SEVERITIES)
TAG = st.sampled_from(["phishing", "needs review", "vip", "lab 7"])
FILE = st.tuples(st.sampled_from(["a.log", "b.pcap"]), st.sampled_from([b"x", b"y", b"long"]))
OBSERVABLE = st.sampled_from(["ipv4 203.0.113.7", "domain bad.example", "domain BAD.example", "file-path evil.exe"])
ANN, BEA, ZOE = Account(id="1", name="Ann", email="ann@x.y"), Account(id="2", name="Bea", email="bea@x.y"), Account(
    id="3", name="Zoe"
)
PERSON = st.sampled_from([None, "1", "2", "3"])
LIMITS = Limits(loop_writes=1000, creations=1000)


class Killed(BaseException):
    """The process dies here."""


class SyncMachine(RuleBasedStateMachine):
    """Two systems, people at both ends, and a daemon that dies at any request."""

    @initialize(
        policy=st.sampled_from([Policy.CASE, Policy.TICKET, Policy.NEWEST]), removals=st.booleans(),
        find_lag=st.sampled_from([0.0, 30.0]), skew=st.sampled_from([0.0, -40.0, 40.0]), both_create=st.booleans(),
    )
    def begin(self, policy: Policy, removals: bool, find_lag: float, skew: float, both_create: bool) -> None:
        self.time = 1_000_000.0
        self.cases = MemorySystem("case", clock=lambda: self.time, parts=Parts.all(), accounts=(ANN, BEA))
        self.tickets = MemorySystem(
            "ticket", mapping=TICKET_MAP, workflow=STEPWISE, first="To Do", clock=lambda: self.time + skew,
            find_lag=find_lag, parts=Parts.all(), accounts=(ANN, BEA, ZOE),
        )
        rules = Rules(fields={name: FieldRule(policy=policy, removals=removals) for name in (*FIELDS, *FURTHER)})
        self.removals = removals
        self.store = SqliteStore()
        self.link_rule = LinkRule(
            name="r", rules=rules,
            connectors=Both(case=MemoryConnector(self.cases), ticket=MemoryConnector(self.tickets)),
            creates=Both(case=both_create, ticket=True),
        )
        self.comments: dict[str, str] = {}
        self.counter = 0
        self.forgotten = False
        self.edits: dict[tuple[Side, str], dict[str, str]] = {}

    def engine(self) -> Engine:
        return Engine(self.link_rule, self.store, clock=lambda: self.time, limits=LIMITS)

    def system(self, side: Side) -> MemorySystem:
        return self.cases if side is Side.CASE else self.tickets

    def pick(self, side: Side, number: int) -> Thing | None:
        things = list(self.system(side).things.values())
        return things[number % len(things)] if things else None

    def later(self) -> None:
        self.time += 7.0

    def person_edits(self, side: Side, thing: Thing, **fields: str) -> None:
        """A person edits, and remembers having done so until everything was in step."""
        changed = {name: value for name, value in fields.items() if thing.fields[name] != value}
        self.edits.setdefault((side, thing.key), {}).update(changed)
        for name, value in changed.items():
            self.system(side).edit(thing.key, by="person", **{name: value})

    def check_edits(self) -> None:
        """Where people have edited a field on one side only, what they wrote holds on both."""
        for link in [] if self.forgotten else self.store.links("r"):
            things = Both(case=self.cases.thing(str(link.keys.case)), ticket=self.tickets.thing(str(link.keys.ticket)))
            for name in (TITLE, STATUS, "severity"):
                written = [side for side in Side if name in self.edits.get((side, things.of(side).key), {})]
                if len(written) != 1 or self.excused(name, things.case, things.ticket):
                    continue
                side = written[0]
                wrote = self.edits[side, things.of(side).key][name]
                assert things.of(side).fields[name] == wrote, (name, side, "was overwritten")
                assert self.agree(name, things.case, things.ticket), (name, side, "was not carried over")
        self.edits.clear()

    @rule(title=TITLES, severity=SEVERITY, tags=st.lists(TAG, unique=True))
    def open_case(self, title: str, severity: str, tags: list[str]) -> None:
        self.later()
        self.cases.add(title=title, severity=severity, tags=list(tags), description=title * 2)

    @precondition(lambda self: self.link_rule.creates.case)
    @rule(title=TITLES)
    def open_ticket(self, title: str) -> None:
        self.later()
        self.tickets.add(title=title[:40])

    @rule(side=SIDE, number=st.integers(0, 5), title=TITLES)
    def retitle(self, side: Side, number: int, title: str) -> None:
        thing = self.pick(side, number)
        if thing:
            self.later()
            self.person_edits(side, thing, title=title if side is Side.CASE else title[:40])

    @rule(number=st.integers(0, 5), status=st.sampled_from(["open", "in-progress", "closed"]))
    def move_case(self, number: int, status: str) -> None:
        thing = self.pick(Side.CASE, number)
        if thing:
            self.later()
            self.person_edits(Side.CASE, thing, status=status)

    @rule(number=st.integers(0, 5), status=st.sampled_from(list(STEPWISE)), priority=PRIORITY)
    def work_on_ticket(self, number: int, status: str, priority: str) -> None:
        thing = self.pick(Side.TICKET, number)
        if thing:
            self.later()
            self.person_edits(Side.TICKET, thing, status=status, severity=priority)

    @rule(number=st.integers(0, 5), severity=SEVERITY)
    def reassess(self, number: int, severity: str) -> None:
        thing = self.pick(Side.CASE, number)
        if thing:
            self.later()
            self.person_edits(Side.CASE, thing, severity=severity)

    @rule(side=SIDE, number=st.integers(0, 5), tag=TAG, add=st.booleans())
    def retag(self, side: Side, number: int, tag: str, add: bool) -> None:
        thing = self.pick(side, number)
        if not thing:
            return
        self.later()
        spelled = tag if side is Side.CASE else tag.replace(" ", "-")
        held = thing.fields[TAGS]
        assert isinstance(held, list)
        kept = [item for item in held if item != spelled]
        self.system(side).edit(thing.key, tags=[*kept, spelled] if add else kept)

    @rule(side=SIDE, number=st.integers(0, 5), seen=OBSERVABLE, add=st.booleans())
    def observe(self, side: Side, number: int, seen: str, add: bool) -> None:
        thing = self.pick(side, number)
        if not thing:
            return
        self.later()
        held = thing.fields[OBSERVABLES]
        assert isinstance(held, list)
        kept = [item for item in held if str(item).casefold() != seen.casefold()]
        self.system(side).edit(thing.key, observables=[*kept, seen] if add else kept)

    @rule(side=SIDE, number=st.integers(0, 5), file=FILE)
    def attach(self, side: Side, number: int, file: tuple[str, bytes]) -> None:
        thing = self.pick(side, number)
        if thing:
            self.later()
            self.system(side).attach(thing.key, *file)

    @rule(side=SIDE, number=st.integers(0, 5), person=PERSON)
    def assign(self, side: Side, number: int, person: str | None) -> None:
        thing = self.pick(side, number)
        if thing and (side is Side.TICKET or person != ZOE.id):
            self.later()
            self.system(side).assign(thing.key, person)

    @rule(side=SIDE, number=st.integers(0, 5))
    def say(self, side: Side, number: int) -> None:
        thing = self.pick(side, number)
        if thing:
            self.later()
            self.counter += 1
            comment = self.system(side).comment(thing.key, f"remark {self.counter}.")
            self.comments[f"{side}/{thing.key}/{comment.key}"] = f"remark {self.counter}."

    @rule(side=SIDE, number=st.integers(0, 5), which=st.integers(0, 5))
    def correct_remark(self, side: Side, number: int, which: int) -> None:
        thing = self.pick(side, number)
        mine = [comment for comment in thing.comments if comment.mark is None] if thing else []
        if thing and mine:
            self.later()
            self.counter += 1
            comment = mine[which % len(mine)]
            self.system(side).edit_comment(thing.key, comment.key, f"remark {self.counter}.")
            self.comments[f"{side}/{thing.key}/{comment.key}"] = f"remark {self.counter}."

    @rule(seconds=st.sampled_from([1.0, 20.0, 45.0, 4000.0]))
    def time_passes(self, seconds: float) -> None:
        self.time += seconds

    @rule()
    def cycle(self) -> None:
        self.later()
        report = self.engine().cycle()
        if report.in_step:
            self.check_edits()

    @rule(
        side=SIDE, at=st.sampled_from([1, 1, 1, 2, 3, 4]), after=st.booleans(),
        how=st.sampled_from(["killed", "unknown", "unavailable"]),
    )
    def broken_cycle(self, side: Side, at: int, after: bool, how: str) -> None:
        self.later()
        system = self.system(side)
        fail = self._failing(at, how if after or how != "unknown" else "unavailable", after)
        setattr(system, "on_answer" if after else "on_write", fail)
        try:
            self.engine().cycle()
        except Killed:
            pass
        finally:
            system.on_answer = system.on_write = lambda _: None

    @staticmethod
    def _failing(at: int, how: str, after: bool) -> Callable[[str], None]:
        left = [at]

        def fail(name: str) -> None:
            left[0] -= 1
            if left[0] == 0:
                if how == "killed":
                    raise Killed
                # Once the effect is there, "nothing was written" would be a lie.
                raise (OutcomeUnknown if after or how == "unknown" else Unavailable)("memory", name)

        return fail

    @rule(side=SIDE, at=st.integers(1, 4), number=st.integers(0, 3), title=TITLES, after=st.booleans())
    def edit_in_the_middle(self, side: Side, at: int, number: int, title: str, after: bool) -> None:
        """A person edits right before or after one of the daemon's own requests."""
        self.later()
        left = [at]

        def meddle(_: str) -> None:
            left[0] -= 1
            thing = self.pick(side, number)
            if left[0] == 0 and thing:
                self.time += 1.0
                self.person_edits(side, thing, title=title if side is Side.CASE else title[:40])

        system = self.system(side)
        setattr(system, "on_answer" if after else "on_write", meddle)
        self.engine().cycle()
        system.on_answer = system.on_write = lambda _: None

    @rule()
    def forget_everything(self) -> None:
        """The state store is lost."""
        # A ticket that is still hidden from a search cannot be found again by anybody.
        self.time += 60.0
        # Without a base an edit cannot be told from what was there before: the policy decides.
        self.forgotten = True
        self.store.close()
        self.store = SqliteStore()

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        self.settle_down()
        self.check_edits()
        self.check_pairs()
        self.check_comments()
        writes = len(self.cases.writes) + len(self.tickets.writes)
        report = self.engine().cycle(full=True)
        assert len(self.cases.writes) + len(self.tickets.writes) == writes, "one more cycle wrote something"
        assert not report.applied
        self.store.close()

    def settle_down(self) -> None:
        for _ in range(40):
            # Ordinary cycles: what they have missed may not be hidden by a full reconciliation.
            self.time += 4000.0
            report = self.engine().cycle()
            held = [
                link for link in report.troubled
                if link.state is LinkState.PARKED and "holds only a part" in link.reason
            ]
            if not (report.applied or report.error or report.gone) and list(report.troubled) == held:
                return
        raise AssertionError(f"never in step: {report}")

    def check_pairs(self) -> None:
        links = self.store.links("r")
        assert sorted(str(link.keys.case) for link in links) == sorted(self.cases.things)
        tickets = [str(link.keys.ticket) for link in links]
        assert sorted(tickets) == sorted(set(tickets))
        if self.link_rule.creates.case:
            assert sorted(tickets) == sorted(self.tickets.things)
        for link in links:
            case, ticket = self.cases.thing(str(link.keys.case)), self.tickets.thing(str(link.keys.ticket))
            for name in (TITLE, STATUS, "severity", "description"):
                assert self.agree(name, case, ticket) or self.excused(name, case, ticket), (name, case, ticket)
            if self.removals:
                assert self.tags(case) == self.tags(ticket)
                assert self.observables(case) == self.observables(ticket)
            assert self.files(case) == self.files(ticket)
            if ticket.fields[ASSIGNEE] == ZOE.native:
                assert any(comment.body.endswith("Assigned to Zoe.") for comment in case.comments)
            else:
                assert case.fields[ASSIGNEE] == ticket.fields[ASSIGNEE]

    def agree(self, name: str, case: Thing, ticket: Thing) -> bool:
        here, there, maps = case.fields[name], ticket.fields[name], self.link_rule.maps
        return maps.ticket.same(name, there, maps.case.canonical(name, here)) or maps.case.same(
            name, here, maps.ticket.canonical(name, there)
        )

    def excused(self, name: str, case: Thing, ticket: Thing) -> bool:
        """A text that one side holds only in part is held, and says so."""
        held = [link for link in self.store.troubled("r") if link.keys.case == case.key]
        return name in {TITLE, "description"} and any(f"a part of this {name}" in link.reason for link in held)

    @staticmethod
    def tags(thing: Thing) -> set[str]:
        held = thing.fields[TAGS]
        assert isinstance(held, list)
        return {str(tag).replace(" ", "-") for tag in held if not str(tag).startswith(MARK_PREFIX)}

    @staticmethod
    def observables(thing: Thing) -> set[str]:
        held = thing.fields[OBSERVABLES]
        assert isinstance(held, list)
        return {str(item).casefold() for item in held}

    @staticmethod
    def files(thing: Thing) -> list[tuple[str, int]]:
        return sorted((each.file.name, each.file.size) for each in thing.files)

    def check_comments(self) -> None:
        for link in self.store.links("r"):
            case, ticket = self.cases.thing(str(link.keys.case)), self.tickets.thing(str(link.keys.ticket))
            for side, own, other in ((Side.CASE, case, ticket), (Side.TICKET, ticket, case)):
                for comment in own.comments:
                    if comment.mark is not None:
                        continue
                    mark = f"{MARK_PREFIX}{own.key}#{comment.key}"
                    mirrors = [mirror for mirror in other.comments if mirror.mark == mark]
                    assert len(mirrors) == 1, (side, comment, mirrors)
                    assert mirrors[0].body.endswith(comment.body)

    @invariant()
    def never_two_tickets_for_a_case(self) -> None:
        if not hasattr(self, "tickets"):
            return
        marks = [
            tag for thing in self.tickets.things.values() for tag in self.raw_tags(thing) if tag.startswith(MARK_PREFIX)
        ]
        assert len(marks) == len(set(marks))

    @staticmethod
    def raw_tags(thing: Thing) -> list[str]:
        held = thing.fields[TAGS]
        return [str(tag) for tag in held] if isinstance(held, list) else []


TestSync = SyncMachine.TestCase
TestSync.settings = settings(
    max_examples=400, stateful_step_count=40, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
