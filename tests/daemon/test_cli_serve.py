"""``kibcase serve`` in a real process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from kibcase import Kibana
from kibcase.server.faults import Fault, Seen
from kibcase_daemon.sandbox import Sandbox

SECONDS = 60
Event = dict[str, Any]
Wanted = Callable[[Event], bool]


class Served:
    """A sandbox that is kept in step by a process."""

    def __init__(self, ends: ExitStack, folder: Path) -> None:
        self.sandbox = ends.enter_context(Sandbox())
        who = self.sandbox.describe()["kibana"]
        kibana = Kibana(who["url"], username=who["username"], password=who["password"])
        self.kibana = ends.enter_context(kibana)
        self._config = folder / "config.yaml"
        self._ends = ends

    def start(self, more: str = "log: {format: json}") -> None:
        text = self.sandbox.config_text("state.db") + f"schedule: {{every: 1, reconcile: 3600}}\n{more}\n"
        self._config.write_text(text, encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kibcase_daemon.cli", "serve", "-c", str(self._config)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        # Whatever becomes of the test, no line is waited for longer than this.
        timer = threading.Timer(SECONDS, self.process.kill)
        timer.start()
        self._ends.callback(self.process.communicate)
        self._ends.callback(self.process.kill)
        self._ends.callback(timer.cancel)

    def until(self, wanted: Wanted) -> Event:
        """Read log lines up to the first that is wanted."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            event: Event = json.loads(line)
            if wanted(event):
                return event
        pytest.fail("the log ended")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, list[str]]:
        self.process.send_signal(number)
        stdout, stderr = self.process.communicate(timeout=SECONDS)
        assert stdout == ""
        return self.process.returncode, stderr.splitlines()

    def case(self, title: str) -> None:
        self.kibana.cases.create(title=title, description="Seen.", owner="securitySolution", tags=[])


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with ExitStack() as ends:
        yield Served(ends, tmp_path)


def is_cycle(event: Event) -> bool:
    return bool(event["event"] == "cycle")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_cycles_follow_each_other_until_stopped(served: Served, number: signal.Signals) -> None:
    served.case("Beacon")
    served.start()
    assert served.until(lambda event: True)["event"] == "started"
    change = served.until(lambda event: event["event"] == "change")
    assert (change["kind"], change["case"], change["ticket"]) == ("create", "case 1", "SOC-1")
    first = served.until(is_cycle)
    assert (first["rule"], first["full"], first["in_step"], first["level"]) == ("soc-to-it", True, True, "info")
    served.case("Impossible travel")
    served.until(lambda event: event["event"] == "change" and event["ticket"] == "SOC-2")
    second = served.until(is_cycle)
    assert (second["full"], second["in_step"]) == (False, True)
    code, lines = served.stop(number)
    assert code == 0
    assert json.loads(lines[-1])["event"] == "stopped"


def test_the_link_being_worked_on_is_finished_and_no_other_begun(served: Served) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def hold(seen: Seen) -> None:
        reached.set()
        go_on.wait(SECONDS)

    served.sandbox.jira.faults.arm(Fault(method="POST", path="/rest/api/3/issue", call=hold))
    served.case("Beacon")
    served.case("Impossible travel")
    served.start()
    assert reached.wait(SECONDS)
    served.process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        served.process.wait(0.5)
    go_on.set()
    _, stderr = served.process.communicate(timeout=SECONDS)
    events = [json.loads(line) for line in stderr.splitlines()]
    assert [event["event"] for event in events if event["event"] != "change"] == ["started", "cycle-stopped", "stopped"]
    assert served.process.returncode == 0
    issues = served.sandbox.jira.state.storage.issues()
    assert len(issues) == 1
    # The link back to the case is the last thing that is written about a new ticket.
    assert [len(issue.remote_links) for issue in issues.values()] == [1]


def test_an_outage_is_logged_and_survived(served: Served) -> None:
    served.sandbox.jira.faults.arm(Fault(status=503, times=3))
    served.start()
    failed = served.until(is_cycle)
    assert (failed["level"], failed["in_step"]) == ("error", False)
    assert "it: " in failed["error"]
    served.until(lambda event: is_cycle(event) and event["in_step"])
    assert served.stop()[0] == 0


def test_text_log(served: Served) -> None:
    served.start("log: {format: text, level: warning}")
    served.sandbox.jira.expire_credentials()
    assert served.process.stderr is not None
    line = served.process.stderr.readline()
    assert " ERROR cycle rule=soc-to-it " in line
    assert 'error="it: ' in line
    assert "kibcase-token" not in line
    assert served.stop()[0] == 0


def test_a_second_process_is_refused(served: Served) -> None:
    served.start()
    served.until(is_cycle)
    arguments = [sys.executable, "-m", "kibcase_daemon.cli", "serve", "-c", str(served._config)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 1
    assert "another kibcase process" in done.stderr
    assert served.stop()[0] == 0
