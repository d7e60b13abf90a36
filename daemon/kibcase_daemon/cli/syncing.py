"""``kibcase sync`` and ``kibcase serve``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kibcase_daemon.cli.output import (
    config_option,
    console,
    entry_json,
    json_option,
    link_json,
    read_config,
    write_json,
)
from kibcase_daemon.cli.signals import until_stopped, wait

if TYPE_CHECKING:
    from kibcase_daemon.engine import Report
    from kibcase_daemon.service import Outcome
    from kibcase_daemon.store.api import AuditEntry


@click.command(short_help="Bring everything into step, once.")
@config_option
@click.option("--full", is_flag=True, help="Look at every link, not only at what has changed.")
@click.option(
    "--wait", "patience", type=click.FloatRange(min=0), default=90.0, show_default=True, metavar="SECONDS",
    help="Take up again in this run what waits for something that is over by then.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing when all is in step.")
@json_option
def sync(config_file: Path, patience: float, *, full: bool, quiet: bool, as_json: bool) -> int:
    """Bring everything into step, once; this is what cron runs.

    Exits with 0 when all is in step, 1 when something is parked, waiting or out of order, 2 for a bad
    configuration or refused credentials.
    """
    from kibcase_daemon.service import run_once
    from kibcase_daemon.wiring import wired

    config = read_config(config_file)
    with _progress(shown=not (as_json or quiet)) as tell, wired(config, tell=tell) as wiring:
        outcome = run_once(wiring, full=full, wait=patience, clock=time.time, sleep=time.sleep)
    if as_json:
        write_json(_outcome_json(outcome))
    elif not (quiet and outcome.exit_code == 0):
        for report in outcome.reports:
            _show(report)
    return outcome.exit_code


@contextmanager
def _progress(*, shown: bool) -> Iterator[Callable[[AuditEntry], None]]:
    """Show on a terminal how far the work has come."""
    if not (shown and sys.stderr.isatty()):
        yield lambda _: None
        return
    from kibcase_daemon.render import plain

    written = 0
    with console(errors=True).status("Looking for changes ...") as line:

        def tell(entry: AuditEntry) -> None:
            nonlocal written
            written += 1
            line.update(plain(f"{entry.rule}: {written} changes, now {entry.case} / {entry.ticket}"))

        yield tell


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "in_step": outcome.exit_code == 0, "exit_code": outcome.exit_code,
        "rules": [
            {
                "rule": report.rule, "in_step": report.in_step, "error": report.error, "denied": report.denied,
                "looked_at": report.looked_at, "applied": [entry_json(entry) for entry in report.applied],
                "troubled": [link_json(link) for link in report.troubled],
                "gone": [link_json(link) for link in report.gone],
            }
            for report in outcome.reports
        ],
    }


def _show(report: Report) -> None:
    from kibcase_daemon.render import audit_table, links_table, plain, summary

    out = console()
    if report.applied:
        out.print(audit_table(report.applied, times=False))
    out.print(summary(report))
    left = [*report.troubled, *report.gone]
    if left:
        out.print(links_table(left, time.time()))
    if report.error:
        console(errors=True).print(plain(f"{report.rule}: {report.error}", limit=2000), soft_wrap=True)


@click.command(short_help="Keep everything in step until stopped.")
@config_option
def serve(config_file: Path) -> None:
    """Keep everything in step until Ctrl-C or SIGTERM; the link being worked on is then finished first.

    Logs go to standard error, as the configuration's `log` says.
    """
    from kibcase_daemon.logs import set_up_logging
    from kibcase_daemon.service import Service, tell_entry
    from kibcase_daemon.wiring import wired

    config = read_config(config_file)
    set_up_logging(sys.stderr, format=config.log.format, level=config.log.level)
    with wired(config, tell=tell_entry) as wiring:
        service = Service(wiring, clock=time.time)
        with until_stopped():
            service.start()
            wait()
        service.stop()
