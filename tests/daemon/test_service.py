"""Runs over all rules, and the schedule, on systems in memory."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.errors import Denied, Refused, Throttled, Unavailable
from kibcase_connectors.memory import STEPWISE, TICKET_MAP, MemoryConnector, MemorySystem
from kibcase_connectors.model import FIELDS
from kibcase_daemon.config import Config, parse_config
from kibcase_daemon.engine import Engine, Report
from kibcase_daemon.errors import ConfigError, StoreBusy
from kibcase_daemon.look import LinkRule
from kibcase_daemon.service import (
    Outcome,
    Service,
    is_full_due,
    joined,
    last_at,
    next_attempt,
    request_retry,
    rest_until,
    run_once,
    take_up_requested,
)
from kibcase_daemon.store.api import Link, LinkState
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.types import Both, FieldRule, Rules
from kibcase_daemon.wiring import Stopped, Wiring, copied_store, previewing, wired

CONFIG = """\
version: 1
state: state.db
systems:
  soc: {type: kibana, url: "http://127.0.0.1:9", username: u, password: p, owner: cases}
  it: {type: jira, url: "http://127.0.0.1:9", email: e, api_token: t, project: SOC}
  hr: {type: jira, url: "http://127.0.0.1:9", email: e, api_token: t, project: HR}
links:
  - {name: a, case: soc, ticket: it, create_cases: true, create_tickets: false}
  - {name: b, case: soc, ticket: hr, fields: {title: {direction: once}}}
schedule: {every: 1}
"""


def config_in(folder: Path, text: str = CONFIG) -> Config:
    return parse_config(text, folder=folder, source="config.yaml", env={})


class Bench:
    """Two rules between systems in memory, each with its own case system unless that is ``shared``."""

    def __init__(self, store: SqliteStore, config: Config, *, shared: bool = False) -> None:
        self.time = 1_000_000.0
        self.slept: list[float] = []
        self.cases = {name: MemorySystem("case", clock=self.clock) for name in "ab"}
        if shared:
            self.cases["b"] = self.cases["a"]
        self.tickets = {
            name: MemorySystem("ticket", mapping=TICKET_MAP, workflow=STEPWISE, first="To Do", clock=self.clock)
            for name in "ab"
        }
        rules = tuple(self._rule(name) for name in "ab")
        self.wiring = Wiring(
            config=config, store=store, rules=rules, stopping=threading.Event(),
            engines=tuple(Engine(rule, store, clock=self.clock) for rule in rules),
        )

    def _rule(self, name: str) -> LinkRule:
        sides = Both(case=MemoryConnector(self.cases[name]), ticket=MemoryConnector(self.tickets[name]))
        rules = Rules(fields={field: FieldRule() for field in FIELDS})
        return LinkRule(name=name, rules=rules, connectors=cast("Any", sides), creates=Both(case=False, ticket=True))

    def clock(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def run(self, *, wait: float = 90.0, full: bool = False) -> Outcome:
        self.time += 1
        return run_once(self.wiring, full=full, wait=wait, clock=self.clock, sleep=self.sleep)

    def fail(self, name: str, *errors: Exception) -> None:
        """Let the next writes of tickets of a rule fail, then none."""
        left = list(errors)

        def raise_next(_: str) -> None:
            if left:
                raise left.pop(0)

        self.tickets[name].on_write = raise_next


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with closing(SqliteStore()) as store:
        yield Bench(store, config_in(tmp_path))


def test_all_rules_are_run_and_a_second_run_applies_nothing(bench: Bench) -> None:
    for name in "ab":
        bench.cases[name].add(title=f"Case of {name}")
    outcome = bench.run()
    assert outcome.exit_code == 0
    assert [report.rule for report in outcome.reports] == ["a", "b"]
    assert all(report.applied for report in outcome.reports)
    assert not any(report.applied for report in bench.run().reports)
    assert bench.slept == []


def test_what_a_later_rule_writes_is_carried_on_by_an_earlier_one_in_the_same_run(tmp_path: Path) -> None:
    with closing(SqliteStore()) as store:
        bench = Bench(store, config_in(tmp_path), shared=True)
        case = bench.cases["a"].add(title="Beacon")
        bench.run()
        (ticket,) = bench.tickets["b"].things.values()
        bench.time += 60
        bench.tickets["b"].edit(ticket.key, title="Beacon to a new domain")
        outcome = bench.run()
        assert outcome.exit_code == 0
        assert [[(entry.side, entry.field) for entry in report.applied] for report in outcome.reports] == [
            [("ticket", "title")], [("case", "title")],
        ]
        assert bench.cases["a"].things[case.key].fields["title"] == "Beacon to a new domain"
        assert {each.fields["title"] for each in bench.tickets["a"].things.values()} == {"Beacon to a new domain"}
        assert not any(report.applied for report in bench.run().reports)


def test_a_rule_that_fails_stops_no_other(bench: Bench) -> None:
    bench.cases["a"].add(title="x")
    bench.cases["b"].add(title="y")
    bench.fail("a", Refused("ticket", "create", said="no"))
    outcome = bench.run()
    assert outcome.exit_code == 1
    assert [report.in_step for report in outcome.reports] == [False, True]
    assert len(bench.tickets["b"].things) == 1


def test_what_waits_is_taken_up_when_its_time_has_come(bench: Bench) -> None:
    bench.cases["a"].add(title="x")
    bench.fail("a", Unavailable("ticket", "create"), Unavailable("ticket", "create"))
    outcome = bench.run()
    assert bench.slept == [2.0, 10.0]
    assert outcome.exit_code == 0
    assert len(bench.tickets["a"].things) == 1
    assert [entry.kind for entry in outcome.reports[0].applied].count("create") == 1


def test_what_waits_longer_is_left(bench: Bench) -> None:
    bench.cases["a"].add(title="x")
    bench.fail("a", *(Unavailable("ticket", "create") for _ in range(5)))
    assert bench.run(wait=20).exit_code == 1
    assert bench.slept == [2.0, 10.0]
    assert bench.wiring.store.troubled("a")[0].state is LinkState.WAITING


def test_a_system_that_wants_quiet_gets_it(bench: Bench) -> None:
    bench.cases["a"].add(title="x")
    bench.fail("a", Throttled("ticket", "create", retry_after=30.0))
    assert bench.run().exit_code == 0
    assert bench.slept == [30.0]


def test_refused_credentials_are_not_tried_again(bench: Bench) -> None:
    bench.cases["a"].add(title="x")
    bench.fail("a", Denied("ticket", "create"), Denied("ticket", "create"))
    assert bench.run().exit_code == 2
    assert bench.slept == []


def test_a_dead_system_with_work_that_is_due_is_not_hammered(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.cases["a"].add(title="x")
    bench.fail("a", Unavailable("ticket", "create"))
    bench.run(wait=0)
    bench.time += 100
    polls: list[str | None] = []

    def dead(self: MemoryConnector, cursor: str | None) -> None:
        polls.append(cursor)
        raise Unavailable("case", "poll")

    monkeypatch.setattr(MemoryConnector, "changes", dead)
    assert bench.run().exit_code == 1
    assert len(polls) == 2
    assert bench.slept == []


def test_what_is_parked_is_taken_up_on_request(bench: Bench) -> None:
    bench.cases["a"].add(title="x")
    bench.fail("a", Refused("ticket", "create", said="no"))
    assert bench.run().exit_code == 1
    assert bench.run().exit_code == 1
    (link,) = bench.wiring.store.troubled("a")
    request_retry(bench.wiring.store, link, bench.time)
    assert bench.wiring.store.troubled("a") == [link]
    assert bench.run().exit_code == 0


def test_a_request_is_honoured_once(bench: Bench) -> None:
    bench.cases["a"].add(title="x")
    bench.fail("a", *(Refused("ticket", "create", said="no") for _ in range(9)))
    bench.run()
    (link,) = bench.wiring.store.troubled("a")
    request_retry(bench.wiring.store, link, bench.time)
    take_up_requested(bench.wiring.store, "a", 5.0)
    (link,) = bench.wiring.store.troubled("a")
    assert (link.retry_at, link.attempts) == (5.0, 0)
    take_up_requested(bench.wiring.store, "a", 6.0)
    assert bench.wiring.store.troubled("a")[0].retry_at == 5.0


def test_a_full_run_is_remembered(bench: Bench) -> None:
    bench.cases["a"].add(title="x")
    bench.run()
    assert last_at(bench.wiring.store, "full/a") is None
    assert bench.run(full=True).reports[0].looked_at == 1
    assert last_at(bench.wiring.store, "full/a") == bench.time


def link_with(state: LinkState, retry_at: float | None) -> Link:
    nothing: Both[str | None] = Both(case=None, ticket=None)
    return Link(id="l", rule="r", keys=nothing, labels=Both(case="", ticket=""), state=state, retry_at=retry_at)


@pytest.mark.parametrize(("report", "expected"), [
    (Report(rule="r"), None),
    (Report(rule="r", troubled=(link_with(LinkState.WAITING, 7.0), link_with(LinkState.WAITING, 5.0))), 5.0),
    (Report(rule="r", troubled=(link_with(LinkState.PARKED, 5.0),)), None),
    (Report(rule="r", error="down", troubled=(link_with(LinkState.WAITING, 5.0),)), None),
    (Report(rule="r", error="down", troubled=(link_with(LinkState.WAITING, 105.0),)), 105.0),
    (Report(rule="r", error="quiet", retry_after=30.0), 130.0),
    (Report(rule="r", error="quiet", retry_after=0.0), 102.0),
    (Report(rule="r", error="no", denied=True, retry_after=30.0), None),
])
def test_next_attempt(report: Report, expected: float | None) -> None:
    assert next_attempt(report, 100.0, 1) == expected


@given(st.integers(1, 50), st.floats(0, 1e6))
def test_quiet_is_never_undercut_and_never_nothing(cycles: int, asked: float) -> None:
    at = next_attempt(Report(rule="r", error="quiet", retry_after=asked), 0.0, cycles)
    assert at is not None
    assert at >= max(asked, 2.0)


def test_joined_reports() -> None:
    gone = link_with(LinkState.GONE, None)
    earlier = Report(rule="r", looked_at=2, gone=(gone,), error="down", troubled=(link_with(LinkState.WAITING, 1.0),))
    later = joined(earlier, Report(rule="r", looked_at=1, gone=(gone,)))
    assert (later.looked_at, later.gone, later.error, later.troubled) == (3, (gone,), "", ())


def test_when_a_full_look_is_due() -> None:
    assert is_full_due(None, 1e9, 86400)
    assert not is_full_due(1e9, 1e9 + 86399, 86400)
    assert is_full_due(1e9, 1e9 + 86400, 86400)


def test_an_account_that_is_refused_is_left_alone_for_longer_and_longer() -> None:
    denied = Report(rule="r", error="no", denied=True)
    pauses = [rest_until(denied, failures, 0.0) for failures in range(1, 9)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 3600.0
    assert rest_until(Report(rule="r", error="down"), 0, 5.0) == 5.0
    assert rest_until(Report(rule="r", error="quiet", retry_after=30.0), 0, 5.0) == 35.0


class _Broken(Engine):
    """An engine with a bug."""

    def cycle(self, *, full: bool = False) -> Report:
        raise ZeroDivisionError("a bug")


def test_a_bug_in_one_rule_is_logged_and_stops_no_other(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()

    class Watched(Engine):
        def cycle(self, *, full: bool = False) -> Report:
            report = super().cycle(full=full)
            done.set()
            return report

    store = bench.wiring.store
    engines = (_Broken(bench.wiring.rules[0], store, clock=bench.clock),
               Watched(bench.wiring.rules[1], store, clock=bench.clock))
    service = Service(replace(bench.wiring, engines=engines), clock=bench.clock)
    with caplog.at_level(logging.INFO, "kibcase_daemon"):
        service.start()
        assert done.wait(30)
        service.stop()
    failed = [record for record in caplog.records if record.getMessage() == "cycle-failed"]
    assert failed
    assert failed[0].__dict__["fields"] == {"rule": "a", "error": "ZeroDivisionError: a bug"}
    assert failed[0].exc_info is not None


def test_wiring_follows_the_configuration(tmp_path: Path) -> None:
    with wired(config_in(tmp_path)) as wiring:
        first, second = wiring.rules
        assert (first.name, first.creates) == ("a", Both(case=True, ticket=False))
        assert (second.name, second.creates) == ("b", Both(case=False, ticket=True))
        assert (first.connectors.case.name, second.connectors.ticket.name) == ("soc", "hr")
        assert (tmp_path / "state.db").exists()
        with pytest.raises(StoreBusy), wired(config_in(tmp_path)):
            pytest.fail("two at once")
        with previewing(config_in(tmp_path)) as other:
            assert len(other.engines) == 2
    with wired(config_in(tmp_path)):
        pass


def test_settings_that_the_connector_refuses(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("", encoding="utf-8")
    text = CONFIG.replace("owner: cases", "owner: cases, verify: ca.pem")
    config = config_in(tmp_path, text)
    (tmp_path / "ca.pem").unlink()
    with pytest.raises(ConfigError, match=r"systems\.soc: "), wired(config):
        pytest.fail("there is no such certificate file")


def test_a_copied_state_is_what_it_was_and_the_original_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(SqliteStore(path)) as store:
        store.note("a", {"at": 1})
        with copied_store(path) as copy:
            assert copy.noted("a") == {"at": 1}
            copy.note("a", {"at": 2})
        assert store.noted("a") == {"at": 1}
    before = path.read_bytes()
    with copied_store(path) as copy:
        assert copy.noted("a") == {"at": 1}
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["state.db"]


def test_a_cycle_ends_between_two_links_when_asked_to(tmp_path: Path) -> None:
    stop: list[Callable[[], None]] = []
    bench: Bench
    with wired(config_in(tmp_path)) as wiring:
        bench = Bench(wiring.store, wiring.config)
        for number in range(3):
            bench.cases["a"].add(title=f"Case {number}")
        stop.append(wiring.stopping.set)
        bench.tickets["a"].on_answer = lambda _: stop[0]()
        with pytest.raises(Stopped):
            bench.wiring.engines[0].cycle()
        assert len(bench.tickets["a"].things) == 1
        wiring.stopping.clear()
        bench.tickets["a"].on_answer = lambda _: None
        assert bench.run().exit_code == 0
        assert len(bench.tickets["a"].things) == 3
