"""A system that is in trouble is left alone, also by the next run from cron; a check ends that."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
import yaml
from click.testing import CliRunner

from kibcase.server.faults import Fault
from kibcase_connectors.model import Json
from kibcase_daemon.cli.app import app
from kibcase_daemon.config import Config, load_config
from kibcase_daemon.engine import Report
from kibcase_daemon.errors import StoreError
from kibcase_daemon.sandbox import Sandbox
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.wiring import wired

ISSUE = r"/rest/api/\d/issue"


class Bench:
    """A Kibana with one case, a Jira, and runs of cron whose clock can be moved."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.file = folder / "kibcase.yaml"
        self.file.write_text(sandbox.config_text(folder / "kibcase.db"))
        self.later = 0.0

    @property
    def config(self) -> Config:
        return load_config(self.file, env={})

    def run(self) -> Report:
        with wired(self.config, clock=lambda: time.time() + self.later) as wiring:
            return wiring.engines[0].cycle()

    @property
    def asked(self) -> int:
        return len(self.sandbox.jira.faults.requests)

    def refuse_all(self, **answer: object) -> None:
        for method in ("GET", "POST"):
            fault = Fault(method=method, path="/rest/api/.*", times=1000, **answer)  # type: ignore[arg-type]
            self.sandbox.jira.faults.arm(fault)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Sandbox() as sandbox:
        answer = requests.post(
            f"{sandbox.kibana.kibana_url}/api/cases", auth=("elastic", "changeme"), headers={"kbn-xsrf": "x"},
            timeout=10,
            json={
                "title": "Beacon", "description": "d", "tags": [], "owner": "securitySolution",
                "settings": {"syncAlerts": True},
                "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
            },
        )
        assert answer.status_code == 200
        yield Bench(sandbox, tmp_path)


def test_a_system_that_asks_for_quiet_gets_it_from_the_next_run_too(bench: Bench) -> None:
    bench.refuse_all(status=429, headers=(("Retry-After", "600"),))
    report = bench.run()
    assert report.retry_after == 600
    bench.sandbox.jira.faults.disarm()
    asked, bench.later = bench.asked, 300.0
    report = bench.run()
    assert "nothing was sent: it wants to be left alone" in report.error
    assert report.retry_after == pytest.approx(300, abs=60)
    assert bench.asked == asked
    bench.later = 601.0
    assert bench.run().in_step
    assert bench.asked > asked


def test_a_refused_account_is_not_tried_again_and_again(bench: Bench) -> None:
    bench.refuse_all(status=401, body=b"{}")
    assert bench.run().denied
    asked = bench.asked
    again = bench.run()
    assert again.denied
    assert "it refused the account" in again.error
    assert bench.asked == asked


def test_a_check_asks_and_ends_the_wait(bench: Bench) -> None:
    bench.refuse_all(status=401, body=b"{}")
    bench.run()
    bench.sandbox.jira.faults.disarm()
    assert bench.run().denied
    checked = CliRunner().invoke(app, ["check", "-c", str(bench.file)], standalone_mode=False)
    assert checked.return_value == 0, checked.output
    assert bench.run().in_step


def test_other_settings_are_tried_at_once(bench: Bench) -> None:
    good = bench.file.read_text()
    bench.file.write_text(good.replace("kibcase-token", "wrong-token"))
    assert bench.run().denied
    asked = bench.asked
    assert bench.run().denied
    assert bench.asked == asked
    bench.file.write_text(good)
    assert bench.run().in_step


def test_an_hourly_budget_is_kept_to_between_runs(bench: Bench) -> None:
    bench.file.write_text(f"{bench.file.read_text()}limits: {{calls_per_hour: {{it: 2}}}}\n")
    told = [bench.run().error for _ in range(4)]
    assert "the hourly budget is used up" in told[-1]
    asked = bench.asked
    bench.run()
    assert bench.asked == asked
    bench.later = 3700.0
    bench.run()
    assert bench.asked > asked


def test_trouble_of_one_system_is_not_anothers(bench: Bench) -> None:
    bench.refuse_all(status=429, headers=(("Retry-After", "600"),))
    bench.run()
    kibana = len(bench.sandbox.kibana.kibana.requests)
    bench.run()
    assert len(bench.sandbox.kibana.kibana.requests) > kibana


@pytest.mark.parametrize("kept", [{"version": 99}, {"version": 1, "breaker": 5, "budget": None}, {"x": ["y"]}])
def test_what_another_version_has_kept_stops_nobody(
    bench: Bench, kept: dict[str, Json], caplog: pytest.LogCaptureFixture
) -> None:
    bench.run()
    with closing(SqliteStore(bench.config.state)) as store:
        store.note("guard/it", kept)
    assert bench.run().in_step
    assert "guard-forgotten" in caplog.text
    checked = CliRunner().invoke(app, ["check", "-c", str(bench.file)], standalone_mode=False)
    assert checked.return_value == 0, checked.output


def test_a_note_that_is_no_json_says_which(bench: Bench) -> None:
    bench.run()
    with closing(sqlite3.connect(bench.config.state)) as database:
        database.execute("INSERT OR REPLACE INTO notes VALUES ('guard/it', '{')")
        database.commit()
    with pytest.raises(StoreError, match="guard/it"):
        bench.run()


def test_a_clock_that_is_set_back_does_not_lengthen_the_wait(bench: Bench) -> None:
    bench.refuse_all(status=429, headers=(("Retry-After", "600"),))
    bench.run()
    bench.sandbox.jira.faults.disarm()
    bench.later = -10 * 86_400.0
    assert bench.run().in_step


def test_the_rules_of_one_system_share_its_budget(bench: Bench) -> None:
    given = yaml.safe_load(bench.file.read_text())
    given["systems"]["other"] = given["systems"]["soc"]
    given["links"].append(given["links"][0] | {"name": "second", "case": "other", "create_tickets": False})
    bench.file.write_text(yaml.safe_dump(given | {"limits": {"calls_per_hour": {"it": 7}}}))
    with wired(bench.config, clock=lambda: time.time() + bench.later) as wiring:
        first, second = wiring.engines
        while not (error := first.cycle().error):
            pass
        assert "the hourly budget is used up" in error
        asked = bench.asked
        assert "the hourly budget is used up" in second.cycle().error
    assert bench.asked == asked
