"""A connector behind its guard."""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

import pytest

from kibcase_connectors.actions import AddComment, Create
from kibcase_connectors.api import Connector
from kibcase_connectors.breaker import CLOSED, Cause, State
from kibcase_connectors.budget import STEP, WINDOW, Budget
from kibcase_connectors.errors import ConnectorError, Denied, NotFound, OutcomeUnknown, Throttled, Unavailable
from kibcase_connectors.guarded import Guard, GuardedConnector, fingerprint
from kibcase_connectors.memory import MemoryConnector, MemorySystem
from kibcase_connectors.model import File, Finding, Json, Receipt, Snapshot

T0 = 1_772_366_400.0
DOWN = Unavailable("it", "read", said="HTTP 502")


class Shaky(MemoryConnector):
    """Fails with ``trouble`` whenever it is asked; ``asked`` counts."""

    trouble: ConnectorError | None = None
    findings: tuple[Finding, ...] = ()
    asked = 0
    closed = 0

    def _ask(self) -> None:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble

    def read(self, key: str) -> Snapshot:
        self._ask()
        return super().read(key)

    def find(self, mark: str) -> tuple[str, ...]:
        self._ask()
        return super().find(mark)

    def check(self) -> list[Finding]:
        self._ask()
        return [*super().check(), *self.findings]

    def fetch(self, key: str, file: File, into: BinaryIO) -> None:
        self._ask()
        into.write(b"x" * file.size)

    def close(self) -> None:
        self.closed += 1

    def further(self, number: int, *, twice: bool = False) -> int:
        self._ask()
        return number * (1 + twice)


class Bench:
    """A system called ``it`` with one thing, its connector, its guard, and what is kept of it."""

    def __init__(self, budget: Budget | None = None) -> None:
        self.now = T0
        self.kept: Json = None
        self.saves = 0
        self.budget = budget
        self.system = MemorySystem("it")
        self.key = self.system.add(title="Beacon").key
        self.shaky = Shaky(self.system)
        self.announced: list[Mapping[str, Json]] = []
        self.again()

    def again(self, configuration: str = "") -> None:
        """Begin anew with what is kept, as the next run of cron does."""
        self.guard = self.make(configuration)
        self.connector = GuardedConnector(self.shaky, self.guard)

    def make(self, configuration: str = "") -> Guard:
        return Guard(
            load=lambda: self.kept, save=self.save, clock=lambda: self.now, budget=self.budget,
            configuration=configuration,
        )

    def save(self, kept: Json) -> None:
        self.kept = kept
        self.saves += 1

    def fails(self, error: ConnectorError, times: int = 1) -> None:
        self.shaky.trouble = error
        for _ in range(times):
            with pytest.raises(type(error)):
                self.connector.read(self.key)

    def is_refused(self, kind: type[ConnectorError] = Throttled) -> ConnectorError:
        """See a call refused without the system being asked."""
        before = self.shaky.asked
        with pytest.raises(kind) as caught:
            self.connector.read(self.key)
        assert self.shaky.asked == before
        assert str(caught.value).startswith("it: nothing was sent: ")
        return caught.value

    def comment(self) -> Receipt:
        action = AddComment(key=self.key, mark="kibcase-x#1", body="blocked")
        return self.connector.apply(action, self.announced.append)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_it_is_a_connector_like_the_one_inside(bench: Bench) -> None:
    connector: Connector = bench.connector
    assert (connector.name, connector.kind) == ("it", "it")
    assert connector.capabilities == bench.shaky.capabilities
    assert connector.mapping is bench.shaky.mapping
    assert connector.read(bench.key) == bench.shaky.read(bench.key)
    assert [item.key for item in connector.changes(None).items] == [bench.key]
    action = Create(mark="kibcase-a-1", fields={"title": "New"}, origin_label="case 1")
    receipt = connector.apply(action, lambda _: None)
    assert connector.find("kibcase-a-1") == (receipt.key,)
    assert bench.comment().comment is not None
    into = io.BytesIO()
    created = datetime.fromtimestamp(T0, UTC)
    file = File(key="1", name="a.txt", size=3, author="ann", created=created)
    connector.fetch(bench.key, file, into)
    assert into.getvalue() == b"xxx"
    connector.close()
    assert bench.shaky.closed == 1


def test_what_goes_beyond_the_protocol_is_guarded_too(bench: Bench) -> None:
    connector: Any = bench.connector
    assert connector.system is bench.system
    assert connector.further(2, twice=True) == 4
    bench.fails(Throttled("it", "read", retry_after=60.0))
    with pytest.raises(Throttled):
        connector.further(2)
    assert not hasattr(connector, "nothing")


def test_a_healthy_system_leaves_no_trace(bench: Bench) -> None:
    for _ in range(3):
        bench.connector.read(bench.key)
    with pytest.raises(NotFound):
        bench.connector.read("it-99")
    bench.connector.close()
    assert (bench.saves, bench.kept) == (0, None)


def test_an_outage_opens_and_one_call_finds_out(bench: Bench) -> None:
    bench.fails(DOWN, times=5)
    assert bench.saves == 5
    refusal = bench.is_refused()
    assert isinstance(refusal, Throttled)
    assert refusal.retry_after == 30.0
    assert "HTTP 502" in str(refusal)
    assert "asked again in 30 s" in str(refusal)
    bench.now += 30
    bench.fails(DOWN)
    assert "asked again in 60 s" in str(bench.is_refused())
    bench.now += 60
    bench.shaky.trouble = None
    assert bench.connector.read(bench.key).key == bench.key
    assert bench.guard.breaker == CLOSED
    assert bench.saves == 7


def test_failures_add_up_over_runs(bench: Bench) -> None:
    for _ in range(5):
        bench.again()
        bench.fails(DOWN)
    bench.again()
    bench.is_refused()


def test_nothing_is_announced_or_written_while_it_is_open(bench: Bench) -> None:
    bench.fails(Throttled("it", "read", retry_after=7200.0))
    bench.shaky.trouble = None
    with pytest.raises(Throttled, match=r"asked again in 2\.0 h"):
        bench.comment()
    assert (bench.announced, bench.system.writes) == ([], [])
    bench.now += 7200
    bench.comment()
    assert (len(bench.announced), bench.system.writes) == (1, ["add-comment"])


def test_a_limit_of_one_issue_stops_nothing_else(bench: Bench) -> None:
    bench.fails(Throttled("it", "write", retry_after=60.0, whole=False), times=9)
    assert bench.guard.breaker == CLOSED


def test_lost_answers_count(bench: Bench) -> None:
    def lose(_: str) -> None:
        raise OutcomeUnknown("it", "comment")

    bench.system.on_answer = lose
    for _ in range(5):
        with pytest.raises(OutcomeUnknown):
            bench.comment()
    assert bench.guard.breaker.cause is Cause.OUTAGE


def test_a_refused_account_is_not_tried_again(bench: Bench) -> None:
    bench.again("one")
    bench.fails(Denied("it", "read", said="HTTP 401"))
    bench.again("one")
    assert "asked again in 15 min" in str(bench.is_refused(Denied))
    bench.again("two")
    bench.shaky.trouble = None
    bench.connector.read(bench.key)
    bench.again("one")
    assert bench.guard.breaker == CLOSED


def test_a_person_may_always_ask(bench: Bench) -> None:
    bench.fails(Denied("it", "read"))
    bench.shaky.trouble = DOWN
    with pytest.raises(Unavailable):
        bench.connector.check()
    bench.shaky.trouble = None
    bench.shaky.findings = (Finding(level="problem", subject="account", text="HTTP 401"),)
    assert len(bench.connector.check()) == 2
    bench.is_refused(Denied)
    bench.shaky.findings = ()
    bench.connector.check()
    assert bench.guard.breaker == CLOSED
    bench.connector.read(bench.key)


def test_a_check_in_another_process_ends_the_wait(bench: Bench) -> None:
    bench.fails(Denied("it", "read"))
    bench.shaky.trouble = None
    GuardedConnector(bench.shaky, bench.make()).check()
    assert bench.guard.breaker != CLOSED
    bench.connector.read(bench.key)
    assert bench.guard.breaker == CLOSED


def test_the_breaker_of_one_system_is_not_that_of_another(bench: Bench) -> None:
    other = Bench()
    bench.fails(Denied("it", "read"))
    bench.is_refused(Denied)
    other.connector.read(other.key)
    assert other.guard.breaker == CLOSED


def test_connectors_of_one_system_share_its_guard(bench: Bench) -> None:
    second = GuardedConnector(Shaky(bench.system), bench.guard)
    bench.fails(Throttled("it", "read", retry_after=60.0))
    with pytest.raises(Throttled):
        second.read(bench.key)


class Held(Shaky):
    """Waits within ``read`` until it is let go."""

    def __init__(self, system: MemorySystem) -> None:
        super().__init__(system)
        self.reached, self.go_on = threading.Event(), threading.Event()

    def read(self, key: str) -> Snapshot:
        self.reached.set()
        assert self.go_on.wait(20)
        return super().read(key)


def test_one_call_at_a_time_finds_out(bench: Bench) -> None:
    bench.fails(Throttled("it", "read", retry_after=60.0))
    bench.shaky.trouble = None
    bench.now += 60
    held = Held(bench.system)
    first = threading.Thread(target=GuardedConnector(held, bench.guard).read, args=(bench.key,))
    first.start()
    assert held.reached.wait(20)
    assert "another call finds out" in str(bench.is_refused())
    held.go_on.set()
    first.join(20)
    assert bench.guard.breaker == CLOSED


def test_an_old_success_does_not_close_what_opened_meanwhile(bench: Bench) -> None:
    held = Held(bench.system)
    first = threading.Thread(target=GuardedConnector(held, bench.guard).read, args=(bench.key,))
    first.start()
    assert held.reached.wait(20)
    bench.fails(Throttled("it", "read", retry_after=60.0))
    held.go_on.set()
    first.join(20)
    assert bench.guard.breaker.state(bench.now) is State.OPEN


def test_an_error_of_our_own_says_nothing_about_the_system(bench: Bench) -> None:
    bench.fails(Throttled("it", "read", retry_after=60.0))
    bench.shaky.trouble = None
    bench.now += 60
    with pytest.raises(ZeroDivisionError):
        bench.connector.apply(
            AddComment(key=bench.key, mark="kibcase-x#1", body="x"), lambda _: print(1 // 0)
        )
    assert bench.guard.breaker.state(bench.now) is State.HALF_OPEN
    bench.connector.read(bench.key)
    assert bench.guard.breaker == CLOSED


def test_an_hourly_budget_parks_the_connector() -> None:
    bench = Bench(Budget(limit=3))
    for _ in range(3):
        bench.connector.read(bench.key)
    refusal = bench.is_refused()
    assert isinstance(refusal, Throttled)
    assert refusal.retry_after == STEP + WINDOW
    assert "hourly budget is used up" in str(refusal)
    bench.connector.check()
    # Counted within one minute: saved when the minute began, and at the end.
    assert bench.saves == 1
    bench.connector.close()
    assert bench.saves == 2
    bench.again()
    bench.is_refused()
    bench.now += STEP + WINDOW
    bench.connector.read(bench.key)


def test_a_budget_counts_requests_where_they_are_known() -> None:
    bench = Bench(Budget(limit=10))
    counted = GuardedConnector(bench.shaky, bench.guard, sent=lambda: bench.shaky.asked * 4)
    for _ in range(3):
        counted.read(bench.key)
    with pytest.raises(Throttled, match="budget"):
        counted.read(bench.key)
    assert bench.shaky.asked == 3


@pytest.mark.parametrize("kept", [[], {}, {"version": 2}, {"version": 1}, {"version": 1, "breaker": {"version": 9}}])
def test_a_state_of_something_else_is_refused(kept: Json) -> None:
    with pytest.raises(ValueError, match="this kibcase knows"):
        Guard(load=lambda: kept, save=lambda _: None, clock=lambda: T0)


def test_a_fingerprint_tells_of_changes_and_not_of_secrets() -> None:
    assert fingerprint("a") == fingerprint("a") != fingerprint("b")
    assert len(fingerprint("a" * 1000)) == 4
