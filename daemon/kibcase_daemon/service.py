"""Cycles of all link rules: once, or on a schedule until asked to stop."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from kibcase_connectors.model import Json, Side
from kibcase_daemon.engine import Engine, Report
from kibcase_daemon.logs import log_event
from kibcase_daemon.schedule import is_due, pause
from kibcase_daemon.store.api import AuditEntry, Link, LinkState, StateStore
from kibcase_daemon.wiring import Clock, Stopped, Wiring

if TYPE_CHECKING:
    from apscheduler.events import JobExecutionEvent

EXIT_IN_STEP: Final = 0
EXIT_TROUBLE: Final = 1
EXIT_CONFIG: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one run over all rules did: the last report of each rule, with everything applied in the run."""

    reports: tuple[Report, ...]

    @property
    def exit_code(self) -> int:
        """0: all in step; 2: credentials or rights were refused; 1: something else is left to do or to look at."""
        if any(report.denied for report in self.reports):
            return EXIT_CONFIG
        return EXIT_IN_STEP if all(report.in_step for report in self.reports) else EXIT_TROUBLE


def run_once(
    wiring: Wiring, *, full: bool, wait: float, clock: Clock, sleep: Callable[[float], None]
) -> Outcome:
    """Bring every rule into step once; what waits for something that is soon over is taken up again.

    ``wait`` is how many seconds later, at the most, work is taken up again; ``full`` looks at every link.
    Raises ``StoreError``.
    """
    run = _Run(wiring, clock)
    run.take_up(run.engines, full=full)
    deadline = clock() + wait
    while True:
        now = clock()
        times = {name: next_attempt(report, now, run.cycles[name]) for name, report in run.reports.items()}
        soon = {name: at for name, at in times.items() if at is not None and at <= deadline}
        if not soon:
            return Outcome(reports=tuple(run.reports.values()))
        sleep(max(0.0, min(soon.values()) - now))
        run.take_up([name for name, at in soon.items() if at <= clock()])


class _Run:
    """The cycles of one run, by rule."""

    def __init__(self, wiring: Wiring, clock: Clock) -> None:
        self.engines = {rule.name: engine for rule, engine in zip(wiring.rules, wiring.engines, strict=True)}
        self.reports: dict[str, Report] = {}
        self.cycles: Counter[str] = Counter()
        self._store, self._clock = wiring.store, clock
        self._systems = {link.name: {Side.CASE: link.case, Side.TICKET: link.ticket} for link in wiring.config.links}

    def take_up(self, names: Iterable[str], *, full: bool = False) -> None:
        """Run a cycle of each of these rules, then of those that a later one has given something to carry on.

        A pass carries a change one rule further at least, so no more passes are needed than there are rules. Rules
        that undo each other's work are left to the next run, and so to the limit of loops.
        """
        due = set(names)
        for first in (True, *(False for _ in self.engines)):
            for name in [name for name in self.engines if name in due]:
                due.discard(name)
                due |= self._followers(name, self._cycle(name, full=full and first))

    def _cycle(self, name: str, *, full: bool) -> Report:
        report = run_cycle(self._store, name, self.engines[name], full=full, clock=self._clock)
        self.reports[name] = joined(self.reports[name], report) if name in self.reports else report
        self.cycles[name] += 1
        return report

    def _followers(self, name: str, report: Report) -> set[str]:
        """Give the rules that were done, and well, before this one wrote to a system of theirs."""
        mine = self._systems[name]
        written = {mine[Side(entry.side)] for entry in report.applied if entry.side}
        return {
            other for other, earlier in self.reports.items()
            if other != name and not earlier.error and written & set(self._systems[other].values())
        }


def next_attempt(report: Report, now: float, cycles: int) -> float | None:
    """Give when the earliest waiting work of a rule is to be taken up again; None: nothing waits for time alone.

    ``cycles`` (at least 1) is how many cycles of the rule there were in this run. A rule whose cycle ended
    early, and not because its system asked for quiet, is not made to try at once what was due already.
    """
    if report.denied:
        return None
    if report.retry_after is not None:
        return now + pause(cycles, parked=False, asked=report.retry_after)
    times = [
        link.retry_at for link in report.troubled
        if link.state is LinkState.WAITING and link.retry_at is not None and not (report.error and link.retry_at <= now)
    ]
    return min(times, default=None)


def joined(earlier: Report, later: Report) -> Report:
    """Give the report of two cycles of one rule: what both did, and how it stands after the later one."""
    gone = {link.id: link for link in (*earlier.gone, *later.gone)}
    return replace(
        later, applied=(*earlier.applied, *later.applied), looked_at=earlier.looked_at + later.looked_at,
        gone=tuple(gone.values()),
    )


def run_cycle(store: StateStore, rule: str, engine: Engine, *, full: bool, clock: Clock) -> Report:
    """Run one cycle of one rule, with the links that a person wants taken up. Raises ``StoreError``."""
    take_up_requested(store, rule, clock())
    began = clock()
    report = engine.cycle(full=full)
    failed: dict[str, Json] = {"at": began, "said": report.error} if report.error else {}
    if failed or store.noted(f"failure/{rule}"):
        store.note(f"failure/{rule}", failed)
    if full and not report.error:
        store.note(f"full/{rule}", {"at": began})
    return report


def request_retry(store: StateStore, link: Link, now: float) -> None:
    """Leave a note that a person wants this link taken up at the next cycle.

    It is a note and no change of the link, so that it can be left while another process works with the store.
    """
    store.note(f"retry/{link.id}", {"at": now})


def take_up_requested(store: StateStore, rule: str, now: float) -> None:
    """Make due every link that a person wants taken up."""
    for link in store.troubled(rule):
        if store.noted(f"retry/{link.id}"):
            store.save(replace(link, retry_at=now, attempts=0))
            store.note(f"retry/{link.id}", {})


def last_at(store: StateStore, name: str) -> float | None:
    """Give the time kept under a note, in seconds since the epoch."""
    at = (store.noted(name) or {}).get("at")
    return float(at) if isinstance(at, int | float) else None


def is_full_due(last: float | None, now: float, every: float) -> bool:
    """Tell whether it is time to look at every link again."""
    return is_due(0.0 if last is None else last + every, now)


def rest_until(report: Report, failures: int, now: float) -> float:
    """Give until when a rule is left alone after a cycle; ``failures`` counts those refused in a row.

    An account that is refused may be locked by trying again and again; a system that asks for quiet gets it.
    """
    if report.denied:
        return now + pause(failures, parked=False, asked=report.retry_after)
    return now + (report.retry_after or 0.0)


@dataclass(slots=True)
class _Standing:
    failures: int = 0
    rest_until: float = 0.0


class Service:
    """The link rules of one wiring on a schedule: a job per rule, never two cycles of a rule at once.

    ``start`` returns at once, and the first cycles begin at once; ``stop`` returns when the links that are
    being worked on are done. A rule that fails, in whatever way, is logged and stops no other.
    """

    def __init__(self, wiring: Wiring, *, clock: Clock) -> None:
        # Imported here: `kibcase sync`, which cron starts every minute, needs no scheduler.
        from apscheduler.events import EVENT_JOB_ERROR
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        self._wiring = wiring
        self._clock = clock
        self._standings = {rule.name: _Standing() for rule in wiring.rules}
        self._scheduler = BackgroundScheduler(
            timezone="UTC", executors={"default": ThreadPoolExecutor(len(wiring.rules))},
            job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(_tell_failure, EVENT_JOB_ERROR)

    def start(self) -> None:
        """Begin to work."""
        schedule = self._wiring.config.schedule
        log_event(
            logging.INFO, "started", rules=len(self._wiring.rules), every=schedule.every,
            reconcile=schedule.reconcile, state=str(self._wiring.config.state),
        )
        for rule, engine in zip(self._wiring.rules, self._wiring.engines, strict=True):
            self._scheduler.add_job(
                self._cycle, "interval", args=(rule.name, engine), seconds=schedule.every, id=rule.name,
                next_run_time=datetime.now(UTC),
            )
        self._scheduler.start()

    def stop(self) -> None:
        """End after the links that are being worked on; the rest is taken up next time."""
        self._wiring.stopping.set()
        self._scheduler.shutdown(wait=True)
        log_event(logging.INFO, "stopped")

    def _cycle(self, rule: str, engine: Engine) -> None:
        standing, began = self._standings[rule], self._clock()
        if began < standing.rest_until:
            return
        store = self._wiring.store
        full = is_full_due(last_at(store, f"full/{rule}"), began, self._wiring.config.schedule.reconcile)
        try:
            report = run_cycle(store, rule, engine, full=full, clock=self._clock)
        except Stopped:
            log_event(logging.INFO, "cycle-stopped", rule=rule)
            return
        now = self._clock()
        standing.failures = standing.failures + 1 if report.denied else 0
        standing.rest_until = rest_until(report, standing.failures, now)
        tell_report(report, seconds=now - began, full=full)


def tell_report(report: Report, *, seconds: float, full: bool) -> None:
    """Log what one cycle did."""
    states = Counter(link.state.value for link in report.troubled)
    log_event(
        logging.ERROR if report.error else logging.INFO, "cycle", rule=report.rule, full=full,
        seconds=round(seconds, 3), looked_at=report.looked_at, applied=len(report.applied),
        waiting=states["waiting"], parked=states["parked"], gone=len(report.gone), in_step=report.in_step,
        error=report.error or None,
    )


def tell_entry(entry: AuditEntry) -> None:
    """Log one applied change; values stay in the audit, where they are looked after."""
    level = logging.WARNING if entry.kind in ("state", "conflict") else logging.INFO
    log_event(
        level, "change", rule=entry.rule, case=entry.case, ticket=entry.ticket, side=entry.side, kind=entry.kind,
        field=entry.field, why=entry.why, by=entry.by,
    )


def _tell_failure(event: JobExecutionEvent) -> None:
    error = event.exception
    log_event(logging.ERROR, "cycle-failed", rule=event.job_id, error=f"{type(error).__name__}: {error}", trace=error)
