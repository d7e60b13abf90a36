"""The command line in real processes, against real servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kibcase import Kibana
from kibcase.server.faults import Fault, Seen
from kibcase_daemon.sandbox import Sandbox
from kibcase_daemon.store.sqlite import SqliteStore

SECONDS = 60
COMMANDS = ("audit", "cases", "check", "demo", "plan", "retry", "sandbox", "serve", "server", "status", "sync")
Done = subprocess.CompletedProcess[str]


def python(*arguments: str, **env: str) -> Done:
    # The size of somebody's terminal decides nothing here.
    own = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=SECONDS, env={**own, **env},
        check=False, stdin=subprocess.DEVNULL,
    )


def kibcase(*arguments: str | Path, **env: str) -> Done:
    return python("-m", "kibcase_daemon.cli", *map(str, arguments), **env)


class Bench:
    """A sandbox with a configuration for it; the state lies beside the configuration."""

    def __init__(self, sandbox: Sandbox, folder: Path, analyst: Kibana) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.analyst = analyst
        self.config = folder / "config.yaml"
        self.state = folder / "state.db"
        self.configure()

    def configure(self, *replacements: tuple[str, str]) -> None:
        text = self.sandbox.config_text("state.db")
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        self.config.write_text(text, encoding="utf-8")

    def run(self, command: str, *more: str) -> Done:
        return kibcase(command, "-c", self.config, *more)

    def json(self, command: str, *more: str, code: int = 0) -> dict[str, Any]:
        done = self.run(command, "--json", *more)
        assert (done.returncode, done.stdout.count("\n")) == (code, 1), done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def case(self, title: str = "Beacon on WKS-7", **more: Any) -> str:
        fields = {"description": "Seen by EDR.", "severity": "high", "tags": ["edr"], **more}
        return self.analyst.cases.create(title=title, owner="securitySolution", **fields).id

    @property
    def writes(self) -> int:
        return len(self.sandbox.kibana.kibana.writes) + len(self.sandbox.jira.faults.writes)

    @property
    def tickets(self) -> list[str]:
        return [issue.values["summary"] for issue in self.sandbox.jira.state.storage.issues().values()]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Sandbox() as sandbox:
        who = sandbox.describe()["kibana"]["people"][1]
        with Kibana(sandbox.kibana.kibana_url, username=who["username"], password=who["password"]) as analyst:
            yield Bench(sandbox, tmp_path, analyst)


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    done = kibcase("--help")
    assert done.returncode == 0
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)
    heavy = ("kibcase", "pydantic", "requests", "rich", "yaml", "apscheduler", "jira", "starlette", "uvicorn")
    code = f"import sys, kibcase_daemon.cli.app; print([name for name in {heavy} if name in sys.modules])"
    assert python("-c", code).stdout == "[]\n"


def test_sync_needs_no_scheduler_and_no_server() -> None:
    code = (
        "import sys, kibcase_daemon.service, kibcase_daemon.wiring, kibcase_connectors.jira\n"
        "print([name for name in ('apscheduler', 'starlette', 'uvicorn', 'elasticsearch') if name in sys.modules])"
    )
    assert python("-c", code).stdout == "[]\n"


def test_version() -> None:
    assert kibcase("--version").stdout.startswith("kibcase, version ")


@pytest.mark.parametrize(("package", "arguments", "extra"), [
    ("click", ["sync"], "daemon"), ("click", ["server"], "server"), ("uvicorn", ["server", "--port", "0"], "server"),
    ("starlette", ["sandbox"], "all"), ("yaml", ["sync", "-c", "nowhere.yaml"], "daemon"),
])
def test_missing_extras_are_named_with_the_command(package: str, arguments: list[str], extra: str) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; from kibcase_daemon.cli import main; main()"
    done = python("-c", code, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"kibcase: the package {package!r} is not installed. Install it with: pip install 'kibcase[{extra}]'\n"
    )


def test_wrong_usage_exits_with_2() -> None:
    for arguments in (["sync"], ["nonsense"], ["audit", "-c", "x", "--limit", "0"]):
        done = kibcase(*arguments)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_sync_makes_tickets_and_a_second_one_writes_nothing(bench: Bench) -> None:
    bench.case()
    bench.case("Impossible travel")
    done = bench.run("sync")
    assert done.returncode == 0, done.stderr
    assert "in step" in done.stdout
    assert sorted(bench.tickets) == ["Beacon on WKS-7", "Impossible travel"]
    before = bench.writes
    told = bench.json("sync")
    assert (told["in_step"], told["exit_code"], told["rules"][0]["applied"]) == (True, 0, [])
    assert bench.writes == before
    assert bench.run("sync", "--quiet").stdout == ""


def test_sync_full_looks_at_every_link(bench: Bench) -> None:
    bench.case()
    bench.run("sync")
    assert bench.json("sync")["rules"][0]["looked_at"] == 0
    assert bench.json("sync", "--full")["rules"][0]["looked_at"] == 1
    assert bench.json("status")["rules"][0]["last_full"] is not None


def test_plan_tells_what_sync_would_do_and_writes_nothing(bench: Bench) -> None:
    key = bench.case()
    before, files = bench.writes, sorted(bench.folder.iterdir())
    (link,) = bench.json("plan")["rules"][0]["links"]
    assert [step["what"] for step in link["steps"]] == ["create", "title", "description", "severity", "tags", "link"]
    assert (bench.writes, sorted(bench.folder.iterdir())) == (before, files)

    bench.run("sync")
    bench.analyst.cases.update(bench.analyst.cases.get(key), title="Beacon on WKS-8")
    before, state, files = bench.writes, bench.state.read_bytes(), sorted(bench.folder.iterdir())
    (link,) = bench.json("plan")["rules"][0]["links"]
    (step,) = link["steps"]
    assert (step["side"], step["what"], step["old"], step["new"], step["by"]) == (
        "ticket", "title", "Beacon on WKS-7", "Beacon on WKS-8", "Mara Lindqvist",
    )
    done = bench.run("plan")
    assert done.returncode == 0
    assert "Beacon on WKS-8" in done.stdout
    assert (bench.writes, bench.state.read_bytes(), sorted(bench.folder.iterdir())) == (before, state, files)


def test_plan_warns_of_a_flood(bench: Bench) -> None:
    bench.configure(("links:", "limits: {creations: 1}\nlinks:"))
    bench.case()
    bench.case("Impossible travel")
    done = bench.run("plan")
    assert done.returncode == 0
    assert "limits.creations (1)" in done.stderr
    done = bench.run("sync")
    assert (done.returncode, bench.tickets) == (1, [])
    assert "limits.creations (1)" in done.stderr


def test_check_of_a_good_set_up(bench: Bench) -> None:
    done = bench.run("check")
    assert done.returncode == 0, done.stdout
    assert "Nothing is wrong." in done.stdout
    told = bench.json("check")
    assert [system["system"].partition(",")[0] for system in told["systems"]] == ["soc (kibana)", "it (jira)"]
    assert {finding["level"] for system in told["systems"] for finding in system["findings"]} <= {"ok", "note"}


def test_check_tells_problems(bench: Bench) -> None:
    bench.configure(("issue_type: Task", "issue_type: Incident"))
    done = bench.run("check")
    assert done.returncode == 1
    assert "'Incident' is not in the project" in done.stdout
    assert "1 problem." in done.stdout


@pytest.mark.parametrize("secret", ["kibcase-password", "kibcase-token"])
def test_refused_credentials_exit_with_2(bench: Bench, secret: str) -> None:
    bench.configure((secret, "wrong-secret"))
    bench.case()
    before = bench.writes
    for command in ("check", "plan", "sync"):
        done = bench.run(command)
        assert done.returncode == 2, (command, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        assert "wrong-secret" not in done.stdout + done.stderr
    assert (bench.writes, bench.tickets) == (before, [])


def test_a_dead_server_exits_with_1(bench: Bench) -> None:
    bench.case()
    url = bench.sandbox.jira.url
    bench.configure((url, "http://127.0.0.1:9"))
    for command in ("check", "plan", "sync"):
        done = bench.run(command)
        assert done.returncode == 1, (command, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        assert "it: " in done.stdout + done.stderr


def test_bad_configuration_is_one_message(bench: Bench) -> None:
    bench.configure(("url:", "ulr:"), ("case: soc", "case: sco"))
    for command in ("check", "sync", "serve", "retry"):
        done = bench.run(command)
        assert (done.returncode, done.stdout) == (2, "")
        head, *lines = done.stderr.splitlines()
        assert head == f"kibcase: {bench.config} cannot be used:"
        assert [line.split(":")[0].split(" (")[0].strip() for line in lines] == [
            "systems.soc.url", "systems.soc.ulr", "systems.it.url", "systems.it.ulr", "links[0].case",
        ]
        assert "did you mean soc?" in done.stderr
    assert not bench.state.exists()


def test_secrets_come_from_the_environment(bench: Bench) -> None:
    bench.configure(("password: kibcase-password", "password: {env: KIBCASE_TEST_PASSWORD}"))
    done = bench.run("sync")
    assert done.returncode == 2
    assert "systems.soc.password (line 10): the environment variable KIBCASE_TEST_PASSWORD is not set" in done.stderr
    done = kibcase("sync", "-c", bench.config, KIBCASE_TEST_PASSWORD="kibcase-password")
    assert done.returncode == 0, done.stderr


def test_a_state_in_use_is_left_alone(bench: Bench) -> None:
    bench.case()
    with closing(SqliteStore(bench.state)) as store:
        store.lock()
        done = bench.run("sync")
        assert (done.returncode, bench.tickets) == (1, [])
        assert done.stderr == f"kibcase: another kibcase process is syncing with the state file {bench.state}\n"
        for command in ("plan", "check", "status", "audit"):
            assert bench.run(command).returncode == 0
    assert bench.run("sync").returncode == 0


def test_a_file_that_is_no_state(bench: Bench) -> None:
    bench.state.write_text("no state\n" * 500, encoding="utf-8")
    for command in ("sync", "plan", "status", "retry", "audit"):
        done = bench.run(command)
        assert done.returncode == 1, command
        assert "file is not a database" in done.stderr
        assert "Traceback" not in done.stderr


def refuse(bench: Bench, times: int | None = None) -> None:
    said = b'{"errorMessages": [], "errors": {"summary": "Summary is not welcome here."}}'
    bench.sandbox.jira.faults.arm(
        Fault(method="POST", path="/rest/api/3/issue", status=400, body=said, times=times)
    )


def test_what_is_parked_is_shown_and_retried(bench: Bench) -> None:
    bench.case()
    refuse(bench)
    done = bench.run("sync", "--wait", "0")
    assert done.returncode == 1
    assert "1 parked" in done.stdout
    assert "Summary is not welcome here." in done.stdout
    (link,) = bench.json("status")["rules"][0]["troubled"]
    assert (link["state"], link["attempts"]) == ("parked", 1)
    assert "Summary is not welcome here." in link["reason"]

    bench.sandbox.jira.faults.disarm()
    assert bench.run("sync").returncode == 1
    done = bench.run("retry", "no such link")
    assert done.returncode == 1
    assert "no parked or waiting link is called no such link" in done.stderr
    assert bench.run("retry", link["case"]).stdout == "1 link will be taken up at the next cycle\n"
    assert bench.run("sync").returncode == 0
    assert bench.json("status")["rules"][0]["troubled"] == []


def test_what_waits_is_taken_up_in_the_same_run(bench: Bench) -> None:
    bench.case()
    fault = Fault(method="POST", path="/rest/api/3/issue", status=429, headers=(("Retry-After", "1"),))
    bench.sandbox.jira.faults.arm(fault)
    assert bench.run("sync", "--wait", "0").returncode == 1
    (link,) = bench.json("status")["rules"][0]["troubled"]
    assert link["state"] == "waiting"
    bench.sandbox.jira.faults.arm(fault)
    bench.run("retry")
    told = bench.json("sync", "--wait", "30")
    assert (told["in_step"], bench.tickets) == (True, ["Beacon on WKS-7"])


def test_status_and_audit_of_nothing(bench: Bench) -> None:
    assert "never synced; no links" in bench.run("status").stdout
    assert bench.run("audit").stdout == "Nothing has been written yet.\n"
    assert "there is no state yet" in bench.run("retry").stderr
    assert not bench.state.exists()


def test_status_tells_why_the_last_cycle_broke_off(bench: Bench) -> None:
    bench.sandbox.jira.faults.arm(Fault(status=503, body=b"<html>down</html>", times=None))
    assert bench.run("sync", "--wait", "0").returncode == 1
    assert "broke off: it: " in bench.run("status").stdout
    assert "HTTP 503" in bench.json("status")["rules"][0]["failure"]["said"]
    bench.sandbox.jira.faults.disarm()
    assert bench.run("sync", "--wait", "60").returncode == 0
    assert "broke off" not in bench.run("status").stdout
    assert bench.json("status")["rules"][0]["failure"] is None


def test_audit(bench: Bench) -> None:
    key = bench.case()
    bench.case("Impossible travel")
    bench.run("sync")
    bench.analyst.cases.update(bench.analyst.cases.get(key), title="Beacon on WKS-8")
    bench.run("sync")
    newest = bench.json("audit", "--limit", "1")["entries"]
    assert [(entry["field"], entry["old"], entry["new"]) for entry in newest] == [
        ("title", "Beacon on WKS-7", "Beacon on WKS-8"),
    ]
    ticket = newest[0]["ticket"]
    ours = bench.json("audit", "--link", ticket.lower())["entries"]
    assert {entry["ticket"] for entry in ours} == {ticket}
    assert "create" in {entry["kind"] for entry in ours}
    shown = bench.run("audit", "--link", ticket).stdout
    assert "Beacon on WKS-8" in shown
    assert "Impossible travel" not in shown
    assert bench.run("audit", "--link", "SOC-999").returncode == 1


def test_text_of_others_steers_nothing(bench: Bench) -> None:
    bench.case("[bold red]x[/] \x1b[2J\x1b]0;owned\x07 \u202eevil", description="[/]")
    for command in ("plan", "sync", "audit", "status"):
        done = bench.run(command)
        assert done.returncode == 0, done.stderr
        assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout + done.stderr)
        if command == "plan":
            assert "[bold red]x[/]" in done.stdout


def test_ctrl_c_is_quiet(bench: Bench) -> None:
    reached, ended = threading.Event(), threading.Event()

    def hold(seen: Seen) -> None:
        reached.set()
        ended.wait(SECONDS)

    bench.sandbox.kibana.kibana.arm(Fault(call=hold))
    process = subprocess.Popen(
        [sys.executable, "-m", "kibcase_daemon.cli", "sync", "-c", str(bench.config)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    assert reached.wait(SECONDS)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=SECONDS)
    ended.set()
    assert (process.returncode, stdout, stderr.strip()) == (130, "", "")
