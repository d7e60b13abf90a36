"""``kibcase sync`` is killed at every request in turn, by the servers it talks to; the next run makes it good.

Everything here is real: the processes, the signal, HTTP, the state file. ``calm`` is the same history with a
run that nobody kills; whatever happens, people must see the same in the end.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from kibcase import Kibana, UserComment
from kibcase.server.faults import WRITES, Fault, Seen
from kibcase_connectors.standins.jira import Person
from kibcase_daemon.config import load_config
from kibcase_daemon.sandbox import Sandbox
from kibcase_daemon.wiring import wired

pytestmark = pytest.mark.kill

How = Literal["killed before", "killed after", "answer lost"]
Calm = tuple[dict[str, Any], list[str]]
CHUNKS = 8
OWNER = "securitySolution"


@dataclass(slots=True)
class Numbered:
    """Counts the requests to all servers of one run, as they come in."""

    methods: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, seen: Seen) -> int:
        with self.lock:
            self.methods.append(seen.method)
            return len(self.methods)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtNumber(Fault):
    """Goes wrong at one request of a run, whichever it is."""

    numbered: Numbered
    number: int

    def matches(self, seen: Seen) -> bool:
        return self.numbered.next(seen) == self.number


class World:
    """A sandbox with a history that leaves one run of ``kibcase sync`` a bit of everything to do."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.config = folder / "config.yaml"
        self.config.write_text(sandbox.config_text(folder / "state.db"), encoding="utf-8")
        self.process: subprocess.Popen[str] | None = None

    def begin(self) -> None:
        """Link one case, then let people on both sides work, and open another case."""
        with self.kibana() as kibana:
            case = kibana.cases.create(
                title="Beacon on WKS-7", description="Seen by EDR.\n\n* one\n* two", owner=OWNER, severity="medium",
                tags=["c2", "needs review"],
            )
            kibana.comments.add(case, "first look")
            assert self.sync_here()
            case = kibana.cases.get(case.id)
            kibana.cases.update(case, severity="critical", title="Beacon to a new domain", tags=["c2", "apt"])
            kibana.comments.add(kibana.cases.get(case.id), "isolated the host `WKS-7`")
            maria = self.maria()
            maria.comment("SOC-1", "blocked *10.0.0.7* at the proxy")
            maria.transition("SOC-1", "In Progress")
            maria.add_labels("SOC-1", "network")
            second = kibana.cases.create(
                title="Phishing wave", description="Twelve mails.", owner=OWNER, severity="high", tags=["mail"],
            )
            kibana.comments.add(second, "mails are quarantined")
            kibana.cases.update(kibana.cases.get(second.id), status="closed")

    def kibana(self) -> Kibana:
        return Kibana(self.sandbox.kibana.kibana_url, username="mara", password="mara-password")

    def maria(self) -> Person:
        return self.sandbox.jira.as_person("maria.lindqvist")

    def sync(self) -> int:
        """Run ``kibcase sync`` as cron does; gives its exit code, negative if it was killed."""
        command = [sys.executable, "-m", "kibcase_daemon.cli", "sync", "-c", str(self.config)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        output, _ = self.process.communicate(timeout=120)
        assert "Traceback" not in output, output
        return self.process.returncode

    def sync_here(self) -> bool:
        """Sync in this process, which is quicker; tells whether all is in step."""
        with wired(load_config(self.config, env=os.environ)) as wiring:
            return all(engine.cycle().in_step for engine in wiring.engines)

    def kill(self, _: Seen) -> None:
        """End the running ``kibcase sync``; it must be dead before the server goes on."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)

    def disturb(self, number: int, how: How) -> Numbered:
        """Let the next run go wrong at one request."""
        numbered = Numbered()
        fault = AtNumber(
            numbered=numbered, number=number, drop=True, when="before" if how == "killed before" else "after",
            call=None if how == "answer lost" else self.kill,
        )
        for faults in (self.sandbox.kibana.kibana, self.sandbox.jira.faults):
            faults.arm(fault)
        return numbered

    def calm_down(self) -> None:
        for faults in (self.sandbox.kibana.kibana, self.sandbox.jira.faults):
            faults.disarm()
            faults.forget()

    def writes(self) -> list[Seen]:
        return [*self.sandbox.kibana.kibana.writes, *self.sandbox.jira.faults.writes]

    def end(self) -> dict[str, Any]:
        """What people see in both systems, without keys and times, which differ from run to run."""
        with self.kibana() as kibana:
            cases = sorted(kibana.cases.iter(owner=OWNER), key=lambda case: case.title)
            names = {case.id: f"<{case.title}>" for case in cases}
            remarks = {
                case.id: [one.comment for one in kibana.comments.iter(case.id) if isinstance(one, UserComment)]
                for case in cases
            }
            seen: dict[str, Any] = {
                "cases": [
                    (
                        case.title, case.description, case.status, case.severity, sorted(case.tags),
                        [said(remark, names) for remark in remarks[case.id]],
                    )
                    for case in cases
                ]
            }
        seen["tickets"] = [
            (
                issue.values["summary"], issue.values["description"], issue.status, issue.values["priority"],
                sorted(without_keys(label, names) for label in issue.values["labels"]),
                [said(comment.body, names) for comment in issue.comments],
                [without_keys(str(link.body["object"]["url"]), names) for link in issue.remote_links],
            )
            for issue in sorted(self.sandbox.jira.state.issues(), key=lambda issue: str(issue.values["summary"]))
        ]
        return seen


def without_keys(text: str, names: dict[str, str]) -> str:
    for key, name in names.items():
        text = text.replace(key, name)
    return re.sub(r"127\.0\.0\.1:\d+|\bkibcase-jira-\S+", "…", text)


def said(text: str, names: dict[str, str]) -> str:
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "<time>", without_keys(text, names))
    return re.sub(r"case \w+", "case …", re.sub(r"SOC-\d+", "SOC-n", text))


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Calm:
    """What people see in the end if nothing goes wrong, and the requests that such a run takes."""
    with Sandbox() as sandbox:
        world = World(tmp_path_factory.mktemp("calm"), sandbox)
        world.begin()
        numbered = world.disturb(0, "answer lost")
        assert world.sync() == 0
        world.calm_down()
        assert world.sync() == 0
        assert world.writes() == []
        return world.end(), numbered.methods


def test_the_history_is_worth_testing(calm: Calm) -> None:
    end, requests = calm
    assert len(requests) >= 30
    assert [ticket[2] for ticket in end["tickets"]] != []
    assert len(end["cases"]) == len(end["tickets"]) == 2
    assert {case[2] for case in end["cases"]} == {"in-progress", "closed"}
    assert all(len(case[5]) == len(ticket[5]) for case, ticket in zip(end["cases"], end["tickets"], strict=True))


@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("how", ["killed before", "killed after", "answer lost"])
def test_death_at_any_request_is_made_good_by_the_next_run(
    calm: Calm, how: How, chunk: int, tmp_path: Path
) -> None:
    end, requests = calm
    numbers = [
        number for number, method in enumerate(requests, start=1)
        # To die after a read is to die before the request that follows it.
        if how != "killed after" or method in WRITES
    ]
    for number in numbers[chunk::CHUNKS]:
        folder = tmp_path / str(number)
        folder.mkdir()
        with Sandbox() as sandbox:
            world = World(folder, sandbox)
            world.begin()
            numbered = world.disturb(number, how)
            code = world.sync()
            assert len(numbered.methods) >= number, "the run ended before it came to that request"
            if how != "answer lost":
                assert code == -signal.SIGKILL
            world.calm_down()
            codes = list(itertools.takewhile(bool, (world.sync() for _ in range(3))))
            assert len(codes) < 2, f"{how} at request {number}: exit codes {codes}"
            assert world.end() == end, f"{how} at request {number}"
            world.calm_down()
            assert world.sync_here()
            assert world.writes() == [], f"{how} at request {number}: something was left to write"
