"""The sandbox, in-process and as a command."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
import requests

from kibcase import Kibana
from kibcase_connectors.standins.resilient import ResilientStandin
from kibcase_daemon.config import Config, parse_config
from kibcase_daemon.sandbox import SYSTEMS, Sandbox
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


def case_in(sandbox: Sandbox, title: str, tags: Sequence[str]) -> str:
    who = sandbox.describe()["kibana"]
    with Kibana(who["url"], username=who["username"], password=who["password"]) as kibana:
        case = kibana.cases.create(title=title, description="Seen.", owner=who["owner"], tags=[*tags], severity="high")
        kibana.comments.add(case, "Isolated the host.")
        return case.id


def writes(sandbox: Sandbox) -> list[str]:
    """Give the requests that store something; questions may be asked with POST, too."""
    faults = (sandbox.kibana.kibana, sandbox.jira.faults, sandbox.servicenow.faults, sandbox.resilient.faults)
    seen = [f"{one.method} {one.path}" for each in faults for one in each.writes]
    return [each for each in seen if not re.search(r"/query_paged$|/search/jql$|/oauth_token", each)]


def sync(config: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kibcase_daemon.cli", "sync", "-c", config], capture_output=True, text=True,
        timeout=SECONDS, check=False,
    )


def tickets(sandbox: Sandbox) -> dict[str, list[str]]:
    return {
        "jira": [each.values["summary"] for each in sandbox.jira.state.storage.issues().values()],
        "servicenow": [row.values["short_description"] for row in sandbox.servicenow.state.rows("incident")],
        "resilient": [each.values["name"] for each in sandbox.resilient.state.incidents()],
    }


def test_a_case_gets_a_ticket_in_each_system_that_its_tags_name(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    with Sandbox(systems=SYSTEMS) as sandbox:
        assert sandbox.tags == SYSTEMS
        config.write_text(sandbox.config_text("state.db"), encoding="utf-8")
        for name in SYSTEMS:
            case_in(sandbox, f"for {name}", [name, "edr"])
        case_in(sandbox, "for all", SYSTEMS)
        case_in(sandbox, "for none", ["edr"])
        first = sync(config)
        assert (first.returncode, first.stderr) == (0, "")
        assert {name: sorted(titles) for name, titles in tickets(sandbox).items()} == {
            name: ["for all", f"for {name}"] for name in SYSTEMS
        }
        before = writes(sandbox)
        second = sync(config)
        assert (second.returncode, second.stderr) == (0, "")
        assert writes(sandbox) == before
        sandbox.resilient.as_person("maria.lindqvist@example.com").edit(2095, name="seen in SOAR")
        assert sync(config).returncode == 0
        # The case, and the tickets of the other two systems if it was the one that all three have.
        assert len(writes(sandbox)) > len(before)


def test_one_system_gets_every_case(tmp_path: Path) -> None:
    for name in SYSTEMS:
        with Sandbox(systems=[name]) as sandbox:
            assert (list(sandbox.describe()), sandbox.tags) == (["kibana", "elasticsearch", name], ())
            case_in(sandbox, "Beacon", [])
            folder = tmp_path / name
            folder.mkdir()
            with wired(config_of(sandbox, folder)) as wiring:
                assert [engine.cycle().in_step for engine in wiring.engines] == [True]
                assert len(wiring.store.audit()) > 1


def test_what_it_does_not_run_cannot_be_had() -> None:
    with Sandbox(systems=["resilient"]) as sandbox:
        assert isinstance(sandbox.resilient, ResilientStandin)
        for name in ("jira", "servicenow"):
            with pytest.raises(LookupError, match=f"runs no {name}"):
                getattr(sandbox, name)
    with pytest.raises(ValueError, match="needs a ticketing system"):
        Sandbox(systems=[])


def test_credentials_of_all_systems_work() -> None:
    with Sandbox(systems=SYSTEMS) as sandbox:
        told = sandbox.describe()
        snow = told["servicenow"]
        for account in (snow, *snow["people"]):
            assert get(f"{snow['url']}/api/now/table/{snow['table']}", (account["username"], account["password"])).ok
        soar = told["resilient"]
        for person in soar["people"]:
            login = {"email": person["email"], "password": person["password"]}
            assert requests.post(f"{soar['url']}/rest/session", json=login, timeout=10).ok
        incidents = f"{soar['url']}/rest/orgs/{soar['org']}/incidents/1"
        assert get(incidents, (soar["api_key_id"], soar["api_key_secret"])).status_code == 404


def test_data_outlives_the_sandbox(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    with Sandbox(systems=SYSTEMS, data=folder) as sandbox:
        sandbox.jira.as_person("maria.lindqvist").create("Printer on fire")
        sandbox.servicenow.as_person("maria.lindqvist").create("Printer on fire")
        sandbox.resilient.as_person("maria.lindqvist@example.com").create("Printer on fire")
        case_in(sandbox, "Printer on fire", ["edr"])
        kept = tickets(sandbox)
        assert kept == {key: ["Printer on fire"] for key in SYSTEMS}
    with Sandbox(systems=SYSTEMS, data=folder) as sandbox:
        assert tickets(sandbox) == kept
        who = sandbox.describe()["kibana"]
        with Kibana(who["url"], username=who["username"], password=who["password"]) as kibana:
            assert kibana.cases.find().total == 1


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
    assert list(told) == ["kibana", "elasticsearch", "jira", "servicenow", "resilient"]
    kibana = told["kibana"]
    assert get(f"{kibana['url']}/api/status", (kibana["username"], kibana["password"])).ok
    assert ended(process, number) == (0, "", "")


def test_command_writes_a_configuration_that_syncs(start: Start, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    process = start("sandbox", "--json", "--config", config, "--deployment", "datacenter")
    told_by(process)
    done = sync(config)
    assert (done.returncode, done.stderr) == (0, "")
    assert ended(process, signal.SIGTERM)[0] == 0
    assert told_by(start("sandbox", "--json", "--config", config))


@pytest.mark.parametrize(("given", "systems"), [
    ("resilient", ["resilient"]), ("servicenow, jira", ["jira", "servicenow"]),
])
def test_command_runs_what_is_asked_for(start: Start, given: str, systems: list[str]) -> None:
    process = start("sandbox", "--json", "--with", given)
    assert list(told_by(process)) == ["kibana", "elasticsearch", *systems]
    assert ended(process, signal.SIGTERM) == (0, "", "")


@pytest.mark.parametrize("given", ["", "jira,", "jira,otrs"])
def test_command_knows_its_systems(start: Start, given: str) -> None:
    process = start("sandbox", "--with", given)
    stdout, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stdout) == (2, "")
    assert "is none of jira, servicenow, resilient" in stderr


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
    while "A case gets a ticket" not in (line := process.stdout.readline()):
        lines.append(line)
    text = "".join(lines)
    assert "jira, servicenow, resilient" in line
    for wanted in (
        "password: changeme", "api_token: kibcase-token", "project: SOC", "table: incident", "api_key_secret: ",
        "Only this machine can reach it.", "kibcase sync -c",
    ):
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
