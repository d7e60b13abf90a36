"""A daemon between two systems, with nothing but its store, on a clock that a test moves."""

from __future__ import annotations

from datetime import UTC, datetime

from kibcase_daemon.engine import Engine, Report
from kibcase_daemon.look import LinkRule
from kibcase_daemon.store.sqlite import SqliteStore


class Synced:
    """``time`` (seconds since the epoch), ``rule`` and ``store`` are set by who inherits it."""

    time: float
    rule: LinkRule
    store: SqliteStore

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    def cycle(self, *, full: bool = False) -> Report:
        self.time += 1.0
        return Engine(self.rule, self.store, clock=lambda: self.time).cycle(full=full)

    def settle(self) -> None:
        """Sync until all is in step, as a daemon that is left alone: at least twice, so that nothing echoes."""
        for pause in (0.0, 5.0, 60.0, 300.0, 600.0, 4000.0, 20_000.0):
            self.time += pause
            report = self.cycle()
            if report.in_step and pause >= 60.0:
                return
        raise AssertionError(f"never in step: {report}")
