"""``kibcase server`` as a process."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from kibcase.server.app import CasesServer

SECONDS = 60
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Run ``kibcase server``; what still runs at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def begin(*arguments: str | Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "kibcase_daemon.cli", "server", "--es-port", "0", *map(str, arguments)]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def told(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    systems: dict[str, str] = json.loads(line)
    return systems


def version(url: str, auth: Any = ("elastic", "changeme")) -> str:
    number: str = requests.get(f"{url}/api/status", auth=auth, timeout=10).json()["version"]["number"]
    return number


@pytest.mark.parametrize(("given", "played"), [("8.19", "8.19.0"), ("9.4", "9.4.0"), ("9.2.3", "9.2.3")])
def test_one_line_of_addresses_and_a_clean_end(start: Start, given: str, played: str) -> None:
    process = start("--port", "0", "--stack-version", given, "--json")
    systems = told(process)
    assert set(systems) == {"kibana", "elasticsearch"}
    assert version(systems["kibana"]) == played
    node = requests.get(systems["elasticsearch"], auth=("elastic", "changeme"), timeout=10).json()
    assert node["version"]["number"] == played
    process.send_signal(signal.SIGINT if given == "9.4" else signal.SIGTERM)
    assert process.communicate(timeout=SECONDS) == ("", "")
    assert process.returncode == 0


def test_users_from_a_file(start: Start, tmp_path: Path) -> None:
    users = tmp_path / "users.json"
    reader = {"feature": {"generalCasesV3": ["read"]}}
    users.write_text(json.dumps({"users": {"ana": {"password": "word-of-ana", "privileges": [reader]}}}))
    systems = told(start("--port", "0", "--users", users, "--json"))
    assert version(systems["kibana"], ("ana", "word-of-ana")) == "9.2.0"
    answer = requests.get(f"{systems['kibana']}/api/cases/_find", auth=("elastic", "changeme"), timeout=10)
    assert answer.status_code == 401
    found = requests.get(f"{systems['kibana']}/api/cases/_find", auth=("ana", "word-of-ana"), timeout=10)
    assert found.json()["total"] == 0


def refused(process: subprocess.Popen[str], status: int = 1) -> str:
    stdout, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stdout) == (status, "")
    assert "Traceback" not in stderr
    (line,) = stderr.splitlines()
    return line


def test_a_port_in_use_is_named(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refused(start("--port", str(port)))
    assert line.endswith(
        f"the server cannot start: port {port} (--port) is in use; choose another one, or 0 for any free one"
    )


def test_data_that_cannot_be_read(start: Start, tmp_path: Path) -> None:
    odd = tmp_path / "odd.db"
    odd.write_bytes(b"no database at all, and long enough to be taken for one")
    line = refused(start("--port", "0", "--data", odd))
    assert "file is not a database" in line
    assert str(odd) in line


def test_data_of_a_newer_version(start: Start, tmp_path: Path) -> None:
    data = tmp_path / "kibana.db"
    with CasesServer(data=data):
        pass
    with closing(sqlite3.connect(data)) as database, database:
        database.execute("UPDATE schema_versions SET version = 999 WHERE name = 'security'")
    assert "was written by a newer kibcase" in refused(start("--port", "0", "--data", data))


def test_a_file_of_users_that_is_wrong(start: Start, tmp_path: Path) -> None:
    users = tmp_path / "users.yaml"
    users.write_text("users: {ana: {password: word-of-ana, roles: [nobody]}}")
    line = refused(start("--port", "0", "--users", users), 2)
    assert "user 'ana' has the role 'nobody'" in line
    assert "word-of-ana" not in line
    assert "No such file" in refused(start("--port", "0", "--users", tmp_path / "none.yaml"), 2)


def test_both_faces_on_one_port(start: Start) -> None:
    line = refused(start("--port", "5698", "--es-port", "5698"))
    assert line.endswith("Kibana and Elasticsearch cannot both have port 5698; give one of them another, or 0")


def test_the_database_of_another_application(start: Start, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as database, database:
        database.execute("CREATE TABLE notes (text TEXT)")
    before = other.read_bytes()
    line = refused(start("--port", "0", "--es-port", "0", "--data", other))
    assert line.endswith(f"the file {other} is a database of another application; choose another file")
    assert other.read_bytes() == before


@pytest.mark.parametrize(("options", "number"), [((), None), (("--number-after", "0"), 1)])
def test_when_a_case_is_numbered(start: Start, options: tuple[str, ...], number: int | None) -> None:
    process = start("--port", "0", "--es-port", "0", "--json", *options)
    url = told(process)["kibana"]
    body = {
        "title": "Beacon", "description": "Seen.", "tags": [], "owner": "cases", "settings": {"syncAlerts": True},
        "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
    }
    login = ("elastic", "changeme")
    made = requests.post(f"{url}/api/cases", json=body, headers={"kbn-xsrf": "t"}, auth=login, timeout=10).json()
    read = requests.get(f"{url}/api/cases/{made['id']}", auth=login, timeout=10).json()
    assert (read.get("incremental_id"), read["version"] == made["version"]) == (number, number is None)


def test_beyond_loopback_it_warns_even_in_json(start: Start) -> None:
    process = start("--host", "0.0.0.0", "--port", "0", "--json")
    told(process)
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=SECONDS)
    assert stdout == ""
    assert "WARNING: whoever can reach 0.0.0.0 can use this server, with a well-known password" in stderr
    assert process.returncode == 0
