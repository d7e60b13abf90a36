"""Random histories over what the other machine leaves out.

Every policy and direction, field by field; unmapped statuses; mirrors that people edit and delete; cases and
tickets deleted, hidden and shown again; clones; refusals; and a check at every single write that no person's
value is overwritten unless it is in the audit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from kibcase_connectors.errors import Denied, OutcomeUnknown, Refused, Throttled, Unavailable
from kibcase_connectors.memory import STEPWISE, TICKET_MAP, MemoryConnector, MemorySystem, Thing
from kibcase_connectors.model import FIELDS, MARK_PREFIX, SETS, Comment, Json, Side
from kibcase_daemon.engine import Engine, Report
from kibcase_daemon.look import LinkRule
from kibcase_daemon.store.api import Link, LinkState
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.guards import Limits, shown
from kibcase_daemon.sync.types import Both, Direction, FieldRule, Policy, Rules

STATUSES = [*STEPWISE, "Blocked"]
"""One more than the mapping knows."""

SIDE = st.sampled_from(list(Side))
NUMBER = st.integers(0, 3)
TITLES = st.sampled_from(["a", "b", "  c ", "a title that is much too long for a ticket to hold it", "d" * 41])
RULE = st.builds(
    FieldRule, direction=st.sampled_from([Direction.BOTH, Direction.BOTH, *Direction]),
    policy=st.sampled_from(list(Policy)), removals=st.booleans(),
)
ERRORS = {
    "refused": Refused("memory", "refused"), "unavailable": Unavailable("memory", "unavailable"),
    "throttled": Throttled("memory", "throttled"), "denied": Denied("memory", "denied"),
}


class Killed(BaseException):
    """The process dies here."""


class Guide(MemoryConnector):
    """A connector that finds its way from and around statuses that mean nothing."""

    def _path(self, start: str, wanted: str) -> list[str]:
        if start == "Blocked":
            return ["In Progress", *super()._path("In Progress", wanted)]
        return super()._path(start, wanted)


class OddMachine(RuleBasedStateMachine):
    """Two systems, people with odd habits, and a daemon."""

    @initialize(
        fields=st.fixed_dictionaries(dict.fromkeys(FIELDS, RULE)),
        comments=st.sampled_from([Direction.BOTH, Direction.TO_CASE, Direction.TO_TICKET, Direction.OFF]),
        both_create=st.booleans(), find_lag=st.sampled_from([0.0, 30.0]),
    )
    def begin(
        self, fields: Mapping[str, FieldRule], comments: Direction, both_create: bool, find_lag: float
    ) -> None:
        self.time = 1_000_000.0
        self.cases = MemorySystem("case", clock=lambda: self.time)
        self.tickets = MemorySystem(
            "ticket", mapping=TICKET_MAP, workflow=STEPWISE, first="To Do", clock=lambda: self.time, find_lag=find_lag
        )
        self.fields = fields
        self.direction = comments
        self.link_rule = LinkRule(
            name="r", rules=Rules(fields=fields, comments=comments),
            connectors=Both(case=Guide(self.cases), ticket=Guide(self.tickets)),
            creates=Both(case=both_create, ticket=True),
        )
        self.store = SqliteStore()
        self.counter = 0
        self.hidden: list[tuple[Side, Thing]] = []
        self.written: dict[tuple[Side, str, str], Json] = {}
        """What people wrote into fields and the daemon has not yet taken note of."""
        self.scribbled: dict[tuple[Side, str, str], str] = {}
        """What people wrote into mirrors."""
        self.deleted_mirrors: set[tuple[Side, str, str]] = set()
        self.created: dict[str, int] = {}
        self.losses = 0
        self.calm()
        for title in ("first", "second"):
            self.cases.add(title=title)
        self.run_cycle()

    def calm(self) -> None:
        for side in Side:
            self.watch(side, lambda _: None, lambda _: None)

    def watch(self, side: Side, before: Callable[[str], None], after: Callable[[str], None]) -> None:
        """Check every write of the daemon for what it overwrites; ``before`` and ``after`` may raise."""
        system = self.system(side)
        held: dict[str, dict[str, Json]] = {}
        said: dict[str, list[Comment]] = {}

        def on_write(name: str) -> None:
            before(name)
            self.take_note()
            held.clear()
            held.update({key: dict(thing.fields) for key, thing in system.things.items()})
            said.clear()
            said.update({key: list(thing.comments) for key, thing in system.things.items()})

        def on_answer(name: str) -> None:
            for key, thing in system.things.items():
                if key not in held:
                    self.note_creation(side, thing)
                else:
                    self.check_fields(side, thing, held[key])
                    self.check_mirrors(side, thing, said[key])
            after(name)

        system.on_write, system.on_answer = on_write, on_answer

    def note_creation(self, side: Side, thing: Thing) -> None:
        for mark in self.marks(thing):
            self.created[mark] = self.created.get(mark, 0) + 1

    def check_fields(self, side: Side, thing: Thing, before: dict[str, Json]) -> None:
        for name, old in before.items():
            if name in SETS or thing.fields[name] == old or self.written.get((side, thing.key, name)) != old:
                continue
            losses = [(entry.field, entry.old) for entry in self.store.audit(limit=10_000) if entry.kind == "conflict"]
            assert (name, shown(old)) in losses, (side, thing.key, name, old, "was overwritten silently")
            del self.written[side, thing.key, name]

    def check_mirrors(self, side: Side, thing: Thing, before: list[Comment]) -> None:
        now = {comment.key: comment.body for comment in thing.comments}
        for comment in before:
            if now.get(comment.key) != comment.body and (side, thing.key, comment.key) in self.scribbled:
                losses = [entry.old for entry in self.store.audit(limit=10_000) if entry.kind == "conflict"]
                assert comment.body in losses, (side, thing.key, comment, "was overwritten silently")
                del self.scribbled[side, thing.key, comment.key]

    def take_note(self) -> None:
        """Forget what people wrote where the daemon's base says that it has seen it."""
        for link in self.store.links("r"):
            for side in Side:
                key = link.keys.of(side)
                for name in FIELDS if key else ():
                    wrote = self.written.get((side, str(key), name))
                    if wrote is not None and link.base.agreed(name).of(side) == wrote:
                        del self.written[side, str(key), name]

    def system(self, side: Side) -> MemorySystem:
        return self.cases if side is Side.CASE else self.tickets

    @staticmethod
    def marks(thing: Thing) -> list[str]:
        held = thing.fields["tags"]
        return [str(tag) for tag in held if str(tag).startswith(MARK_PREFIX)] if isinstance(held, list) else []

    def pick(self, side: Side, number: int) -> Thing | None:
        things = list(self.system(side).things.values())
        return things[number % len(things)] if things else None

    def person_edits(self, side: Side, thing: Thing | None, **fields: Json) -> None:
        if thing is None:
            return
        self.time += 7.0
        for name, value in fields.items():
            if thing.fields[name] != value:
                self.system(side).edit(thing.key, **{name: value})  # type: ignore[arg-type]
                self.written[side, thing.key, name] = value

    @rule(title=TITLES, status=st.sampled_from(["open", "closed"]))
    def open_case(self, title: str, status: str) -> None:
        self.time += 7.0
        self.cases.add(title=title, status=status, description=title)

    @precondition(lambda self: self.link_rule.creates.case)
    @rule(title=TITLES, status=st.sampled_from(STATUSES))
    def open_ticket(self, title: str, status: str) -> None:
        self.time += 7.0
        self.tickets.add(title=title[:40], status=status)

    @rule(side=SIDE, number=NUMBER, title=TITLES)
    def retitle(self, side: Side, number: int, title: str) -> None:
        self.person_edits(side, self.pick(side, number), title=title if side is Side.CASE else title[:40])

    @rule(number=NUMBER, status=st.sampled_from(["open", "in-progress", "closed"]))
    def move_case(self, number: int, status: str) -> None:
        self.person_edits(Side.CASE, self.pick(Side.CASE, number), status=status)

    @rule(number=NUMBER, status=st.sampled_from(STATUSES))
    def move_ticket(self, number: int, status: str) -> None:
        self.person_edits(Side.TICKET, self.pick(Side.TICKET, number), status=status)

    @rule(number=NUMBER, severity=st.sampled_from(["low", "high", "critical"]))
    def reassess(self, number: int, severity: str) -> None:
        self.person_edits(Side.CASE, self.pick(Side.CASE, number), severity=severity)

    @rule(number=NUMBER, priority=st.sampled_from(["High", "Low", "Blocker"]))
    def prioritise(self, number: int, priority: str) -> None:
        self.person_edits(Side.TICKET, self.pick(Side.TICKET, number), severity=priority)

    @rule(side=SIDE, number=NUMBER, tag=st.sampled_from(["vip", "lab 7", "kibcase x"]), add=st.booleans())
    def retag(self, side: Side, number: int, tag: str, add: bool) -> None:
        thing = self.pick(side, number)
        if thing is None or (side is Side.TICKET and tag.startswith("kibcase")):
            return
        spelled = tag if side is Side.CASE else tag.replace(" ", "-")
        held = thing.fields["tags"]
        assert isinstance(held, list)
        kept = [item for item in held if item != spelled]
        self.time += 7.0
        self.system(side).edit(thing.key, tags=[*kept, spelled] if add else kept)

    @rule(side=SIDE, number=NUMBER)
    def say(self, side: Side, number: int) -> None:
        thing = self.pick(side, number)
        if thing:
            self.time += 7.0
            self.counter += 1
            self.system(side).comment(thing.key, f"remark {self.counter}.")

    @rule(side=SIDE, number=NUMBER, which=NUMBER, what=st.sampled_from(["edit", "edit", "delete"]))
    def touch_any_comment(self, side: Side, number: int, which: int, what: str) -> None:
        """Also the mirrors."""
        thing = self.pick(side, number)
        if thing is None or not thing.comments:
            return
        self.time += 7.0
        self.counter += 1
        comment = thing.comments[which % len(thing.comments)]
        if what == "delete":
            self.system(side).delete_comment(thing.key, comment.key)
            link = self.store.link_of("r", side, thing.key)
            if comment.mark and link and any(pair.mirror == comment.key for pair in link.base.comments):
                self.deleted_mirrors.add((side, thing.key, comment.mark))
            return
        self.system(side).edit_comment(thing.key, comment.key, f"edited {self.counter}.")
        if comment.mark:
            self.scribbled[side, thing.key, comment.key] = f"edited {self.counter}."

    @rule(side=SIDE, number=NUMBER, original=st.booleans(), what=st.sampled_from(["edit", "delete", "leave"]))
    def quarrel(self, side: Side, number: int, original: bool, what: str) -> None:
        """Something is said on the other side; its mirror is edited or deleted, and then perhaps the original."""
        thing = self.pick(side, number)
        link = self.store.link_of("r", side, thing.key) if thing else None
        other = self.system(side.other).things.get(str(link.keys.of(side.other))) if link else None
        if thing is None or other is None:
            return
        self.counter += 1
        said = self.system(side.other).comment(other.key, f"remark {self.counter}.")
        self.time += 7.0
        self.run_cycle()
        mark = f"{MARK_PREFIX}{other.key}#{said.key}"
        for which, mirror in enumerate(thing.comments):
            if mirror.mark == mark and what != "leave":
                self.touch_any_comment(side, number, which, what)
        if original:
            self.counter += 1
            self.system(side.other).edit_comment(other.key, said.key, f"edited {self.counter}.")

    @rule(side=SIDE, number=NUMBER, chance=NUMBER)
    def delete(self, side: Side, number: int, chance: int) -> None:
        thing = self.pick(side, number) if chance == 0 else None
        if thing:
            self.system(side).delete(thing.key)
            if not self.is_linked(side, thing):
                # Nobody can know of a copy whose receipt was lost and that is not there any more.
                self.created.update(dict.fromkeys(self.marks(thing), 0))

    def is_linked(self, side: Side, thing: Thing) -> bool:
        return self.store.link_of("r", side, thing.key) is not None

    @rule(side=SIDE, number=NUMBER, chance=NUMBER)
    def hide(self, side: Side, number: int, chance: int) -> None:
        """The account loses sight of it for a while."""
        thing = self.pick(side, number) if chance == 0 else None
        if thing and self.is_linked(side, thing):
            self.hidden.append((side, self.system(side).things.pop(thing.key)))

    @precondition(lambda self: self.hidden)
    @rule()
    def show(self) -> None:
        side, thing = self.hidden.pop()
        self.system(side).things[thing.key] = thing

    @rule(side=SIDE, number=NUMBER)
    def clone(self, side: Side, number: int) -> None:
        """A person clones something, marks and all."""
        thing = self.pick(side, number)
        if thing:
            self.time += 7.0
            self.system(side).add(by="person", **thing.fields)

    @rule(seconds=st.sampled_from([1.0, 40.0, 5000.0]))
    def time_passes(self, seconds: float) -> None:
        self.time += seconds

    def engine(self) -> Engine:
        limits = Limits(loop_writes=1000, creations=1000)
        return Engine(self.link_rule, self.store, clock=lambda: self.time, limits=limits)

    def run_cycle(self, *, full: bool = False) -> Report:
        report = self.engine().cycle(full=full)
        self.take_note()
        return report

    @rule(full=st.booleans())
    def cycle(self, full: bool) -> None:
        self.time += 7.0
        shown_first = self.engine().preview(full=full)
        writes = self.writes
        self.run_cycle(full=full)
        acting = [one for one in shown_first if one.plan.actions and not one.note]
        assert bool(acting) == (self.writes > writes), shown_first

    @property
    def writes(self) -> int:
        return len(self.cases.writes) + len(self.tickets.writes)

    @rule(
        side=SIDE, at=st.sampled_from([1, 1, 2, 3]), after=st.booleans(),
        how=st.sampled_from(["killed", "unknown", *ERRORS]),
    )
    def broken_cycle(self, side: Side, at: int, after: bool, how: str) -> None:
        self.time += 7.0
        left = [at]

        def fail(name: str) -> None:
            left[0] -= 1
            if left[0] == 0:
                if how == "killed":
                    raise Killed
                raise OutcomeUnknown("memory", name) if after else ERRORS.get(how, OutcomeUnknown("memory", name))

        def nothing(_: str) -> None:
            pass

        self.watch(side, nothing if after else fail, fail if after else nothing)
        try:
            self.run_cycle()
        except Killed:
            self.take_note()
        finally:
            self.calm()

    @rule()
    def forget_everything(self) -> None:
        self.time += 60.0
        self.losses += 1
        # Without the store nobody knows that there was a mirror that a person did not want.
        self.deleted_mirrors.clear()
        self.store.close()
        self.store = SqliteStore()

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        self.settle_down()
        for link in self.store.links("r"):
            if link.keys.case in self.cases.things and link.keys.ticket in self.tickets.things:
                self.check_link(link, self.cases.thing(str(link.keys.case)), self.tickets.thing(str(link.keys.ticket)))
            else:
                assert link.state is LinkState.GONE, link
        if not self.losses:
            assert max(self.created.values(), default=0) <= 1, self.created
        self.store.close()

    def settle_down(self) -> None:
        for _ in range(12):
            self.time += 100_000.0
            report = self.run_cycle(full=True)
            if not report.error and not report.applied:
                break
        else:
            raise AssertionError(f"never calm: {report}")
        writes = self.writes
        assert all(link.state is LinkState.PARKED for link in report.troubled), report
        assert not self.run_cycle(full=True).applied
        assert self.writes == writes

    def check_link(self, link: Link, case: Thing, ticket: Thing) -> None:
        maps = self.link_rule.maps
        for name, one in self.fields.items():
            if name in SETS or one.direction is not Direction.BOTH:
                continue
            agree = any(
                maps.of(side.other).same(name, there.fields[name], maps.of(side).canonical(name, here.fields[name]))
                for side, here, there in ((Side.CASE, case, ticket), (Side.TICKET, ticket, case))
                if not self.unmapped(name, side, here)
            )
            assert agree or name in link.reason or "counterpart" in link.reason, (name, link, case, ticket)
        for side, own, other in ((Side.CASE, case, ticket), (Side.TICKET, ticket, case)):
            if self.direction.carries(side.other):
                self.check_comments(side, own, other)

    def unmapped(self, name: str, side: Side, thing: Thing) -> bool:
        try:
            self.link_rule.maps.of(side).canonical(name, thing.fields[name])
        except ValueError:
            return True
        return False

    def check_comments(self, side: Side, own: Thing, other: Thing) -> None:
        for comment in own.comments:
            if comment.mark is not None:
                continue
            mark = f"{MARK_PREFIX}{own.key}#{comment.key}"
            mirrors = [mirror for mirror in other.comments if mirror.mark == mark]
            wanted = 0 if (side.other, other.key, mark) in self.deleted_mirrors else 1
            assert len(mirrors) == wanted, (side, comment, mirrors)
            for mirror in mirrors:
                scribbled = (side.other, other.key, mirror.key) in self.scribbled
                assert scribbled or mirror.body.endswith(comment.body), (comment, mirror)


TestOdd = OddMachine.TestCase
TestOdd.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
