from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from kibcase import Kibana
from kibcase.alerts import AlertIndices
from kibcase_daemon.demo import run
from kibcase_daemon.demo.people import Account, Analyst, Engineer
from kibcase_daemon.demo.stage import Stage

KEEP = """
import sys
from rich.console import Console
from kibcase_daemon.demo import run
sys.exit(run(keep=True, console=Console(width=200)))
"""


def perform(before_check: Callable[[Stage], None] = lambda _: None, *, width: int = 120) -> tuple[int, str]:
    shown = io.StringIO()
    code = run(keep=False, console=Console(file=shown, width=width), before_check=before_check)
    return code, shown.getvalue()


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("width", [80, 160])
def test_the_demo_ends_in_agreement(width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code, shown = perform(width=width)
    assert code == 0, shown
    assert list(tmp_path.iterdir()) == []
    assert "\x1b" not in shown
    assert max(map(len, shown.split("\n"))) <= width
    assert re.findall(r"^\[(\d)/9\] .*\(\d+\.\d s\)$", shown, re.MULTILINE) == list("123456789")
    flat = one_line(shown)
    assert "Both sides agree." in flat
    assert "One more sync: 0 writes." in flat
    assert "Alerts in Elasticsearch: 9 acknowledged, 8 closed, 7 open." in flat
    assert "is closed, and so are its alerts in Elasticsearch: 4 closed." in flat
    assert '"Stolen credentials on SRV-FILE-02" is kept in the audit.' in flat
    assert "NO:" not in flat


def as_engineer(stage: Stage) -> Engineer:
    return Engineer(stage.jira_url, stage.engineer)


def retitle(stage: Stage) -> None:
    with as_engineer(stage) as engineer:
        engineer.retitle(f"{stage.project}-1", "Not what the case says")


def comment(stage: Stage) -> None:
    with as_engineer(stage) as engineer:
        engineer.comment(f"{stage.project}-1", "Behind the back")


def reopen_alerts(stage: Stage) -> None:
    analyst = stage.analyst
    with AlertIndices(stage.elasticsearch_url, username=analyst.login, password=analyst.secret) as indices:
        indices.set_status(indices.find(status="closed"), "open")


def delete_a_case(stage: Stage) -> None:
    with Kibana(stage.kibana_url, username=stage.analyst.login, password=stage.analyst.secret) as kibana:
        kibana.cases.delete(next(kibana.cases.iter()))


def retitle_both(stage: Stage) -> None:
    with Analyst(stage.kibana_url, stage.analyst) as analyst, as_engineer(stage) as engineer:
        for case in list(analyst.kibana.cases.iter()):
            analyst.retitle(case.id, "The same")
        for number in range(1, 5):
            engineer.retitle(f"{stage.project}-{number}", "The same")


@pytest.mark.parametrize(
    ("sabotage", "told"),
    [
        (retitle, "title: the titles differ"),
        (comment, "comments:"),
        (reopen_alerts, "alerts: 4 open, though the case is closed"),
        (delete_a_case, "3 cases and 4 linked tickets"),
        (retitle_both, "no case has the title that was set last"),
    ],
)
def test_what_differs_is_told_and_fails_the_demo(sabotage: Callable[[Stage], None], told: str) -> None:
    code, shown = perform(sabotage)
    assert code == 1, shown
    assert "Both sides do NOT agree." in shown
    assert told in one_line(shown)


def test_a_system_that_fails_on_the_way_fails_the_demo_with_the_reason() -> None:
    def impossible_move(stage: Stage) -> None:
        with as_engineer(stage) as engineer:
            engineer.move(f"{stage.project}-1", "No such status")

    code, shown = perform(impossible_move)
    assert code == 1
    assert "the demo could not go on: SOC-1 cannot go to 'No such status' now; open are:" in one_line(shown)


@pytest.mark.kill
@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_keep_leaves_everything_running_in_step_until_ctrl_c(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", KEEP], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        seen = ""
        for line in process.stdout:
            seen += line
            if line.startswith("curl "):
                break
        found = re.search(r"curl -u (\S+?):(\S+) .* (http://\S+)/rest/api/2/issue/(\S+)/comment", seen)
        assert found is not None, seen
        with Engineer(found[3], Account(name="IT", login=found[1], secret=found[2])) as engineer:
            engineer.comment(found[4], "Hello from IT")
        for line in process.stdout:
            if "Hello from IT" in line:
                break
        else:
            pytest.fail("the comment was never carried over")
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait(10)
    assert (process.returncode, errors) == (0, "")
    assert "Stopped; nothing is left behind." in rest
    assert list(tmp_path.iterdir()) == []
