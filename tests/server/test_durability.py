"""``kill -9`` at any moment: what was answered is there, and nothing is half done."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from kibcase.server.app import CasesServer
from kibcase.server.database import DataFileInUse

SECONDS = 60
ROUNDS = 12
THREADS = 3
INDEX = ".internal.alerts-security.alerts-default-000001"
CASE = {
    "title": "new", "description": "Traffic every 60 s.", "tags": ["c2"], "owner": "securitySolution",
    "connector": {"id": "none", "name": "none", "type": ".none", "fields": None}, "settings": {"syncAlerts": True},
}
Flaws = Callable[[Path], list[str]]


@dataclass(slots=True)
class Book:
    """What one client was answered: ``cases`` maps ids to titles, None for deleted; ``comments`` their texts.

    ``open`` are the ids that a request without an answer was about.
    """

    cases: dict[str, str | None] = field(default_factory=dict)
    comments: dict[str, list[str]] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)


class Client(threading.Thread):
    """Writes, one request after the other, until the server is gone."""

    def __init__(self, url: str, seed: int, answered: threading.Semaphore) -> None:
        super().__init__(daemon=True)
        self.book = Book()
        self._url = url
        self._random = random.Random(seed)
        self._answered = answered
        self._session = requests.Session()
        self._session.auth = ("elastic", "changeme")
        self._session.headers["kbn-xsrf"] = "1"
        self.trouble: str | None = None

    def run(self) -> None:
        with self._session:
            while True:
                try:
                    self._one()
                except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                    return
                except AssertionError as error:
                    self.trouble = str(error)
                    return
                finally:
                    self._answered.release()

    def _one(self) -> None:
        book = self.book
        alive = [name for name, title in book.cases.items() if title is not None]
        verbs = [self._create, self._patch, self._comment, self._comments, self._alert, self._remove]
        verb = self._random.choices(verbs, weights=[4, 4, 3, 2, 2, 1])[0] if alive else self._create
        name = self._random.choice(alive) if alive else ""
        book.open = {name}
        verb(name)
        book.open = set()

    def _send(self, method: str, path: str, body: Any, **params: Any) -> Any:
        answer = self._session.request(method, f"{self._url}{path}", json=body, params=params, timeout=SECONDS)
        assert answer.status_code in (200, 204), answer.text
        return answer.json() if answer.content else None

    def _create(self, _name: str) -> None:
        self.book.cases[self._send("POST", "/api/cases", CASE)["id"]] = "new"

    def _patch(self, name: str) -> None:
        version = self._send("GET", f"/api/cases/{name}", None)["version"]
        title = f"title {self._random.random()}"
        entry = {"id": name, "version": version, "title": title, "tags": [title, "c2"]}
        self._send("PATCH", "/api/cases", {"cases": [entry]})
        self.book.cases[name] = title

    def _comment(self, name: str) -> None:
        text = f"comment {self._random.random()}"
        self._send("POST", f"/api/cases/{name}/comments", {"type": "user", "comment": text, "owner": CASE["owner"]})
        self.book.comments.setdefault(name, []).append(text)

    def _comments(self, name: str) -> None:
        texts = [f"one of many {self._random.random()}" for _ in range(5)]
        body = [{"type": "user", "comment": text, "owner": CASE["owner"]} for text in texts]
        self._send("POST", f"/internal/cases/{name}/attachments/_bulk_create", body, elasticInternalOrigin="true")
        self.book.comments.setdefault(name, []).extend(texts)

    def _alert(self, name: str) -> None:
        body = {
            "type": "alert", "alertId": [str(self._random.randrange(5)), "x"], "index": [INDEX, INDEX],
            "rule": {"id": "r", "name": "r"}, "owner": CASE["owner"],
        }
        self._send("POST", f"/api/cases/{name}/comments", body)

    def _remove(self, name: str) -> None:
        self._send("DELETE", "/api/cases", None, ids=json.dumps([name]))
        self.book.cases[name] = None


@contextmanager
def serving(data: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "kibcase_daemon.cli", "server", "--port", "0", "--es-port", "0", "--json"]
    process = subprocess.Popen([*command, "--data", str(data)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())["kibana"]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.kill
def test_kills_while_many_write(tmp_path: Path, flaws: Flaws) -> None:
    data, chance = tmp_path / "state.db", random.Random(20250301)
    total = Book()
    for number in range(ROUNDS):
        with serving(data) as (process, url):
            missing(url, total)
            answered = threading.Semaphore(0)
            clients = [Client(url, THREADS * number + each, answered) for each in range(THREADS)]
            for client in clients:
                client.start()
            for _ in range(chance.randrange(10, 120)):
                assert answered.acquire(timeout=SECONDS)
            process.send_signal(signal.SIGKILL)
            process.wait(SECONDS)
            for client in clients:
                client.join(SECONDS)
            assert [client.trouble for client in clients] == [None] * THREADS
        assert flaws(data) == []
        for client in clients:
            note(total, client.book)
    assert sum(title is not None for title in total.cases.values()) > ROUNDS
    with serving(data) as (_, url):
        missing(url, total)


def note(total: Book, book: Book) -> None:
    # A request without an answer may have been carried out or not: what it was about is not looked at.
    total.cases.update({name: title for name, title in book.cases.items() if name not in book.open})
    total.comments.update({name: texts for name, texts in book.comments.items() if name not in book.open})


def missing(url: str, book: Book) -> None:
    with requests.Session() as session:
        session.auth = ("elastic", "changeme")
        for name, title in book.cases.items():
            answer = session.get(f"{url}/api/cases/{name}", timeout=SECONDS)
            if title is None:
                assert answer.status_code == 404
                continue
            assert answer.json()["title"] == title
            found = session.get(f"{url}/api/cases/{name}/comments/_find?perPage=100", timeout=SECONDS).json()
            texts = {each.get("comment") for each in found["comments"]}
            assert set(book.comments.get(name, [])) <= texts
            assert answer.json()["totalComment"] == sum(each["type"] == "user" for each in found["comments"])


# Kills itself before the statement of the given number; SQLite traces a statement before it begins.
WRITER = """
import os, signal, sys
from pathlib import Path
from kibcase.server.app import CasesServer
from kibcase.server.cases.context import Caller

server = CasesServer(data=Path(sys.argv[1]))
cases, left = server.cases, int(sys.argv[2])
caller = Caller(space="default", user={"username": "elastic", "full_name": None, "email": None})
body = eval(sys.argv[3])

def trace(statement):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

server._database._connection.set_trace_callback(trace)
case = cases.cases.create(caller, body)
print("case", case["id"], flush=True)
case = cases.patching.patch(caller, {"cases": [{"id": case["id"], "version": case["version"], "tags": ["a", "b"]}]})[0]
print("tags", case["id"], flush=True)
comment = {"type": "user", "comment": "hello", "owner": body["owner"]}
cases.attachments.attach(caller, case["id"], comment)
print("comment", case["id"], flush=True)
cases.attachments.attach_many(caller, case["id"], [comment, {**comment, "comment": "again"}])
print("comments", case["id"], flush=True)
cases.cases.delete(caller, [case["id"]])
print("gone", case["id"], flush=True)
server._database._connection.set_trace_callback(None)
print("all", -left, flush=True)
"""


def written(data: Path, at: int) -> list[list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(data), str(at), repr(CASE)], capture_output=True, text=True,
        timeout=SECONDS, check=False,
    )
    assert done.returncode == (-signal.SIGKILL if at else 0), done.stderr
    return [line.split() for line in done.stdout.splitlines()]


@pytest.mark.kill
def test_kills_between_any_two_statements(tmp_path: Path, flaws: Flaws) -> None:
    *_, (word, statements) = written(tmp_path / "whole.db", 0)
    assert word == "all"
    chosen = sorted(random.Random(7).sample(range(2, int(statements) + 1), 12))
    data = tmp_path / "state.db"
    for at in chosen:
        lines = written(data, at)
        assert flaws(data) == []
        with CasesServer(data=data) as server:
            after(server, lines)


def after(server: CasesServer, lines: list[list[str]]) -> None:
    done = [word for word, _ in lines]
    if not done:
        return
    answer = requests.get(
        f"{server.kibana_url}/api/cases/{lines[0][1]}", auth=("elastic", "changeme"), timeout=SECONDS
    )
    if answer.status_code == 404:
        # The deletion may be stored before its answer was printed, never before all else was.
        assert done[:4] == ["case", "tags", "comment", "comments"]
        return
    case = answer.json()
    assert "gone" not in done
    assert case["tags"] == ["a", "b"] or "tags" not in done
    expected = {"comment": 1, "comments": 3}.get(done[-1], 0)
    assert expected <= case["totalComment"] <= {0: 1, 1: 3, 3: 3}[expected]
    assert case["totalComment"] in (0, 1, 3)


def test_a_second_server_refuses_a_file_that_is_in_use(tmp_path: Path) -> None:
    data = tmp_path / "state.db"
    with serving(data) as (_, url):
        with pytest.raises(DataFileInUse, match="is in use by another server"):
            CasesServer(data=data)
        assert requests.get(f"{url}/api/cases/_find", auth=("elastic", "changeme"), timeout=SECONDS).ok
        command = [sys.executable, "-m", "kibcase_daemon.cli", "server", "--port", "0", "--es-port", "0"]
        second = subprocess.run(
            [*command, "--data", str(data)], capture_output=True, text=True, timeout=SECONDS, check=False
        )
    assert second.returncode == 1
    assert f"the data file {data} is in use by another server; stop that one or choose another file" in second.stderr
    with CasesServer(data=data) as again:
        assert again.kibana_url


def test_one_process_has_one_server_per_file(tmp_path: Path) -> None:
    data = tmp_path / "state.db"
    with CasesServer(data=data), pytest.raises(DataFileInUse):
        CasesServer(data=data)
    CasesServer(data=data).stop()
