"""How a server is started: what it refuses, and what it leaves alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kibcase.server.app import CasesServer
from kibcase.server.database import APPLICATION_ID, Database, ForeignFile
from kibcase.server.threaded import ServerThread


def mark(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        found: int = db.execute("PRAGMA application_id").fetchone()[0]
        return found


@pytest.mark.parametrize("license_", ["goldd", "", "TRIAL"])
def test_a_licence_that_is_none(license_: Any) -> None:
    with pytest.raises(ValueError, match="there are basic, gold, platinum, enterprise, trial"):
        CasesServer(license=license_)


@pytest.mark.parametrize("ports", [{"port": 99_999}, {"es_port": 65_536}, {"port": -1}])
def test_a_port_that_is_none(tmp_path: Path, ports: dict[str, Any]) -> None:
    data = tmp_path / "data.db"
    with pytest.raises(ValueError, match=f"not a port: {next(iter(ports.values()))}; there are 1 to 65535"):
        CasesServer(data=data, **ports)
    assert not data.exists()


def test_both_faces_on_one_port() -> None:
    with pytest.raises(ValueError, match="Kibana and Elasticsearch cannot both have port 5698"):
        CasesServer(port=5698, es_port=5698)


def test_a_server_is_started_once() -> None:
    server = CasesServer().start()
    with pytest.raises(RuntimeError, match="was started or stopped before; make a new one"):
        server.start()
    server.stop()
    with pytest.raises(RuntimeError, match="was started or stopped before; make a new one"):
        server.start()
    server.stop()


def test_a_thread_that_was_stopped_does_not_start() -> None:
    thread = ServerThread(lambda *_: None)
    thread.stop()
    with pytest.raises(RuntimeError, match=f"the server on {thread.url} was started or stopped before"):
        thread.start()


@pytest.mark.parametrize("journal", ["delete", "wal"])
@pytest.mark.parametrize("script", [
    "CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine')",
    "CREATE TABLE schema_versions (version INTEGER)",
    "PRAGMA application_id=42",
    "PRAGMA application_id=42; CREATE TABLE schema_versions (name TEXT, version INTEGER)",
])
def test_the_database_of_another_application(tmp_path: Path, script: str, journal: str) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA journal_mode={journal}")
        db.executescript(script)
    before = path.read_bytes()
    with pytest.raises(ForeignFile, match=r"other\.db is a database of another application; choose another file"):
        CasesServer(data=path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_is_marked_and_an_older_one_gets_the_mark(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    with CasesServer(data=path) as server:
        server.cases.spaces.create({"id": "soc", "name": "SOC"})
    assert mark(path) == APPLICATION_ID
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA application_id=0")
    assert mark(path) == 0
    with CasesServer(data=path) as server:
        assert server.cases.spaces.has("soc")
    assert mark(path) == APPLICATION_ID


def test_an_empty_file_becomes_a_data_file(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    path.touch()
    Database(path).close()
    assert mark(path) == APPLICATION_ID
