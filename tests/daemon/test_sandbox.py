"""The sandbox, in-process and as a command."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import requests

from kibcase import Kibana
from kibcase_daemon.config import Config, parse_config
from kibcase_daemon.sandbox import Sandbox
from kibcase_daemon.wiring import wired

SECONDS = 60
Process = subprocess.Popen[str]
Start = Callable[..., Process]


def config_of(sandbox: Sandbox, folder: Path) -> Config:
    return parse_config(sandbox.config_text("state.db"), folder=folder, source="config.yaml", env={})


def get(url: str, login: tuple[str, str]) -> requests.Response:
    return requests.get(url, auth=login, timeout=10)


@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
def test_described_credentials_work(deployment: Literal["cloud", "datacenter"]) -> None:
    with Sandbox(deployment=deployment, stack_version="8.19.1") as sandbox:
        told = sandbox.describe()
        for account in (told["kibana"], *told["kibana"]["people"]):
            with Kibana(told["kibana"]["url"], username=account["username"], password=account["password"]) as kibana:
                found = kibana.cases.find(owner=told["kibana"]["owner"])
                assert found.total == 0
                status = kibana.status.get()
        assert status.version is not None
        assert status.version.number == told["kibana"]["version"] == "8.19.1"
        search = told["elasticsearch"]
        answer = get(search["url"], (search["username"], search["password"]))
        assert answer.json()["version"]["number"] == search["version"]
        jira = told["jira"]
        for account in (jira, *jira["people"]):
            names = ("email", "api_token") if deployment == "cloud" else ("username", "password")
            login = (account[names[0]], account[names[1]])
            project = get(f"{jira['url']}/rest/api/2/project/{jira['project']}", login).json()
            assert jira["issue_type"] in [each["name"] for each in project["issueTypes"]]
        assert ("token" in jira) == (deployment == "datacenter")


@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
def test_the_configuration_it_gives_syncs(deployment: Literal["cloud", "datacenter"], tmp_path: Path) -> None:
    with Sandbox(deployment=deployment) as sandbox:
        who = sandbox.describe()["kibana"]
        with Kibana(who["url"], username=who["username"], password=who["password"]) as kibana:
            kibana.cases.create(title="Beacon", description="Seen.", owner=who["owner"], tags=[])
        with wired(config_of(sandbox, tmp_path)) as wiring:
            report = wiring.engines[0].cycle()
        assert report.in_step
        assert sandbox.jira.as_person("maria.lindqvist").issue("SOC-1").values["summary"] == "Beacon"


def test_data_outlives_the_sandbox(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    with Sandbox(data=folder) as sandbox:
        key = sandbox.jira.as_person("maria.lindqvist").create("Printer on fire")
    with Sandbox(data=folder) as sandbox:
        assert sandbox.jira.as_person("maria.lindqvist").issue(key).values["summary"] == "Printer on fire"


def test_a_port_in_use_leaves_nothing_behind() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            Sandbox(jira_port=taken.getsockname()[1])


@pytest.fixture
def start() -> Iterator[Start]:
    """Run kibcase until its first line of output; what still runs at the end is killed."""
    running: list[Process] = []

    def begin(*arguments: str | Path) -> Process:
        process = subprocess.Popen(
            [sys.executable, "-m", "kibcase_daemon.cli", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def told_by(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    told: dict[str, Any] = json.loads(process.stdout.readline())
    return told


def ended(process: Process, number: signal.Signals) -> tuple[int, str, str]:
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=SECONDS)
    return process.returncode, stdout, stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command_writes_one_line_answers_and_ends(start: Start, number: signal.Signals) -> None:
    process = start("sandbox", "--json")
    told = told_by(process)
    assert list(told) == ["kibana", "elasticsearch", "jira"]
    kibana = told["kibana"]
    assert get(f"{kibana['url']}/api/status", (kibana["username"], kibana["password"])).ok
    assert ended(process, number) == (0, "", "")


def test_command_writes_a_configuration_that_syncs(start: Start, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    process = start("sandbox", "--json", "--config", config, "--deployment", "datacenter")
    told_by(process)
    done = subprocess.run(
        [sys.executable, "-m", "kibcase_daemon.cli", "sync", "-c", config], capture_output=True, text=True,
        timeout=SECONDS, check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ended(process, signal.SIGTERM)[0] == 0
    assert told_by(start("sandbox", "--json", "--config", config))


def test_command_leaves_the_configuration_of_others_alone(start: Start, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("version: 1\n", encoding="utf-8")
    stdout, stderr = start("sandbox", "--config", config).communicate(timeout=SECONDS)
    assert (stdout, config.read_text(encoding="utf-8")) == ("", "version: 1\n")
    assert "was not written by the sandbox" in stderr


def test_command_speaks_to_people(start: Start, tmp_path: Path) -> None:
    process = start("sandbox", "--config", tmp_path / "config.yaml", "--data", tmp_path / "data")
    assert process.stdout is not None
    lines = []
    while "kibcase sync" not in (line := process.stdout.readline()):
        lines.append(line)
    text = "".join(lines)
    for wanted in ("password: changeme", "api_token: kibcase-token", "project: SOC", "Only this machine can reach it."):
        assert wanted in text
    assert f"The state is kept in {tmp_path / 'data'}." in text
    assert ended(process, signal.SIGTERM)[0] == 0


def test_server_command(start: Start, tmp_path: Path) -> None:
    data = tmp_path / "kibana.db"
    for total in (0, 1):
        process = start("server", "--port", "0", "--es-port", "0", "--data", data, "--license", "basic", "--json")
        told = told_by(process)
        with Kibana(told["kibana"], username="elastic", password="changeme") as kibana:
            assert kibana.cases.find().total == total
            kibana.cases.create(title="Beacon", description="Seen.", owner="securitySolution", tags=[])
            licence = kibana.status.license().license
            assert licence is not None
            assert licence.type == "basic"
        assert get(told["elasticsearch"], ("elastic", "changeme")).ok
        assert ended(process, signal.SIGTERM) == (0, "", "")


@pytest.mark.parametrize(("arguments", "code", "expected"), [
    (["--stack-version", "nine"], 2, "--stack-version: not a stack version"),
    (["--stack-version", "9"], 2, "--stack-version: not a stack version"),
    (["--stack-version", "8.16"], 2, "--stack-version: stack 8.16.0 cannot be played, only 8.17, 8.18"),
    (["--stack-version", "9.99.1"], 2, "--stack-version: stack 9.99.1 cannot be played"),
    (["--host", "192.0.2.1"], 2, "--host: 192.0.2.1 is no address of this machine"),
    (["--users", "/nowhere/users.yaml"], 2, "--users: /nowhere/users.yaml cannot be read: No such file or directory"),
    (["--users", __file__], 2, f"--users: {__file__}"),
    (["--data", "/nowhere/at/all.db"], 1, "the server cannot start: unable to open database file"),
])
def test_server_that_cannot_start(start: Start, arguments: list[str], code: int, expected: str) -> None:
    process = start("server", "--port", "0", "--es-port", "0", *arguments)
    stdout, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stdout) == (code, "")
    assert stderr.startswith(f"Error: {expected}")
    assert len(stderr.splitlines()) == 1
    assert "Traceback" not in stderr


def test_server_beyond_loopback_says_so(start: Start) -> None:
    process = start("server", "--host", "0.0.0.0", "--port", "0", "--es-port", "0")
    assert process.stdout is not None
    line = ""
    while "can reach it" not in line:
        line = process.stdout.readline()
        assert line
        assert "Only this machine" not in line
    assert "Whoever can reach 0.0.0.0 can reach it" in line
    assert ended(process, signal.SIGTERM)[0] == 0
