"""A data file of an earlier version opens with everything that is in it."""

from __future__ import annotations

import hashlib
import json
import random
import signal
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
from kibcase.server.cases import tables as cases
from kibcase.server.cases.store import version_of
from kibcase.server.database import Database
from kibcase.server.elasticsearch import tables as alerts
from kibcase_connectors.standins.jira import storage as jira

SECONDS = 60
RELEASED = {
    "cases": (cases.STEPS, ["25bf074729653bfe"]),
    "alerts": (alerts.STEPS, ["3369a427c5616bdc"]),
    "jira-standin": (jira._STEPS, ["361bd270e0d93145"]),
}
Flaws = Callable[[Path], list[str]]
MARA = {"username": "mara", "full_name": "Mara", "email": None, "profile_uid": "u_mara"}
OWNERS = ("securitySolution", "observability", "cases")
STATUSES = ("open", "in-progress", "closed")
SEVERITIES = ("low", "medium", "high", "critical")
AT = "2025-03-01T12:00:{:02}.000Z"


@pytest.mark.parametrize("name", RELEASED)
def test_released_steps_are_as_they_were_released(name: str) -> None:
    steps, expected = RELEASED[name]
    assert [hashlib.sha256(step.encode()).hexdigest()[:16] for step in steps[: len(expected)]] == expected


def case_doc(number: int) -> dict[str, Any]:
    status = STATUSES[number % 3]
    return {
        "title": f"Case {number}", "description": "Traffic every 60 s.", "tags": ["c2", f"tag-{number % 2}"],
        "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
        "settings": {"syncAlerts": True}, "owner": OWNERS[number % 3], "severity": SEVERITIES[number % 4],
        "assignees": [{"uid": "u_mara"}] if number % 2 else [], "category": "phishing" if number % 3 else None,
        "customFields": [], "duration": None, "status": status, "created_at": AT.format(number), "created_by": MARA,
        "closed_at": AT.format(number) if status == "closed" else None, "closed_by": None, "external_service": None,
        "updated_at": AT.format(59), "updated_by": MARA, "incremental_id": number + 1,
        "observables": [
            {
                "id": f"o{number}", "typeKey": "observable-type-ipv4", "value": f"10.0.0.{number % 2}",
                "description": None, "createdAt": AT.format(1), "updatedAt": None,
            },
        ],
        "total_observables": 1,
    }


class Older:
    """Writes a data file as a server that knew fewer steps did."""

    def __init__(self, path: Path, steps: int) -> None:
        self.database = Database(path)
        self.database.migrate("cases", cases.STEPS[:steps])
        self._seq = 0

    def fill(self) -> None:
        with self.database.transaction() as db:
            for number in range(8):
                self._case(db, number)
            db.execute("INSERT INTO counters VALUES ('seq', ?)", (self._seq,))
            db.execute("INSERT INTO counters VALUES ('case default', 8)")
            space = {"id": "hunt", "name": "Hunt", "disabledFeatures": []}
            db.execute("INSERT INTO spaces VALUES ('hunt', ?)", (json.dumps(space),))
            db.execute("DELETE FROM cases WHERE id = 'case-7'")
        self.database.close()

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def _case(self, db: sqlite3.Connection, number: int) -> None:
        doc, owner = case_doc(number), OWNERS[number % 3]
        cursor = db.execute(
            "INSERT INTO cases (space, id, seq, reserved, comments, alerts, doc) VALUES (?, ?, ?, NULL, ?, ?, ?)",
            ("default", f"case-{number}", self._next(), number, 2 if number % 2 else 0, json.dumps(doc)),
        )
        row = cursor.lastrowid
        self._action(db, row, "create_case", {"title": doc["title"]}, None)
        for each in range(number):
            comment = {"type": "user", "comment": f"{each}", "owner": owner}
            self._attach(db, row, f"comment-{number}-{each}", comment, [])
        if number % 2:
            body = {
                "type": "alert", "alertId": ["a1", "a2", "a1"], "index": ["i", "i", "i"], "owner": owner,
                "rule": {"id": None, "name": None},
            }
            self._attach(db, row, f"alert-{number}", body, ["a1", "a2", "a1"])

    def _attach(
        self, db: sqlite3.Connection, case: int | None, name: str, body: dict[str, Any], documents: list[str]
    ) -> None:
        empty = dict.fromkeys(("updated_at", "updated_by", "pushed_at", "pushed_by"))
        doc = body | {"created_at": AT.format(5), "created_by": MARA} | empty
        cursor = db.execute(
            "INSERT INTO attachments (case_number, space, id, seq, doc) VALUES (?, 'default', ?, ?, ?)",
            (case, name, self._next(), json.dumps(doc)),
        )
        db.executemany(
            "INSERT INTO attached_documents VALUES (?, ?, 'alert', ?, ?, 'i')",
            [(cursor.lastrowid, case, place, each) for place, each in enumerate(documents)],
        )
        self._action(db, case, "comment", {"comment": body}, name)

    def _action(
        self, db: sqlite3.Connection, case: int | None, kind: str, payload: dict[str, Any], comment: str | None
    ) -> None:
        doc = {
            "type": kind, "action": "create", "payload": payload, "owner": "cases", "created_at": AT.format(5),
            "created_by": MARA, "comment_id": comment,
        }
        seq = self._next()
        db.execute(
            "INSERT INTO user_actions (case_number, id, seq, doc) VALUES (?, ?, ?, ?)",
            (case, f"action-{seq}", seq, json.dumps(doc)),
        )


@pytest.fixture(params=range(1, len(cases.STEPS)))
def data(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "state.db"
    Older(path, request.param).fill()
    return path


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.auth = ("elastic", "changeme")
        made.headers.update({"kbn-xsrf": "1", "x-elastic-internal-origin": "1"})
        yield made


def test_everything_is_found(data: Path, flaws: Flaws, session: requests.Session) -> None:
    with CasesServer(data=data) as server:
        url = server.kibana_url
        look_around(url, session)
        made = session.post(f"{url}/api/cases", json=new_case(), timeout=SECONDS).json()
        newest = 8 + sum(2 * number + 2 * (number % 2) for number in range(8)) + 8
        assert made["version"] == version_of(newest + 1)
        assert server.number_cases() == 1
        assert session.get(f"{url}/api/cases/{made['id']}", timeout=SECONDS).json()["incremental_id"] == 9
    assert flaws(data) == []
    with closing(sqlite3.connect(data)) as db:
        assert db.execute("SELECT number FROM cases WHERE id = ?", (made["id"],)).fetchone() == (9,)


def new_case() -> dict[str, Any]:
    return {name: case_doc(0)[name] for name in ("title", "description", "tags", "connector", "settings", "owner")}


def look_around(url: str, session: requests.Session) -> None:
    def ids(**params: Any) -> list[str]:
        found = session.get(f"{url}/api/cases/_find", params=params, timeout=SECONDS).json()
        assert len(found["cases"]) == found["total"]
        return [case["id"] for case in found["cases"]]

    def those(condition: Callable[[dict[str, Any]], bool]) -> list[str]:
        return [f"case-{number}" for number in range(7) if condition(case_doc(number))]

    assert ids() == those(lambda doc: True)
    assert ids(sortField="updatedAt", sortOrder="desc") == ids()
    assert ids(sortField="createdAt", sortOrder="desc") == ids()[::-1]
    kept = {"owner": OWNERS, "status": STATUSES, "severity": SEVERITIES, "category": ("phishing",)}
    for field, values in kept.items():
        for value in values:
            assert ids(**{field: value}) == those(lambda doc: doc[field] == value) != []  # noqa: B023
    for tag in ("c2", "tag-0", "tag-1"):
        assert ids(tags=tag) == those(lambda doc: tag in doc["tags"]) != []  # noqa: B023
    assert ids(assignees="u_mara") == those(lambda doc: bool(doc["assignees"])) != []
    assert ids(assignees="none") == those(lambda doc: not doc["assignees"]) != []
    assert ids(reporters="u_mara") == ids(reporters="mara") == ids()
    assert ids(search="traffic") == ids()
    assert session.get(f"{url}/api/cases/tags", timeout=SECONDS).json() == ["c2", "tag-0", "tag-1"]
    assert session.get(f"{url}/s/hunt/api/cases/_find", timeout=SECONDS).json()["total"] == 0
    similar = session.post(f"{url}/internal/cases/case-0/_similar", json={"page": 1, "perPage": 10}, timeout=SECONDS)
    assert [case["id"] for case in similar.json()["cases"]] == ["case-6"]
    for number in range(7):
        look_at(url, session, number)


def look_at(url: str, session: requests.Session, number: int) -> None:
    case = session.get(f"{url}/api/cases/case-{number}", timeout=SECONDS).json()
    doc = case_doc(number)
    assert {name: case[name] for name in doc if name != "assignees"} == {
        name: value for name, value in doc.items() if name != "assignees"
    }
    assert (case["totalComment"], case["totalAlerts"]) == (number, 2 if number % 2 else 0)
    path = f"{url}/api/cases/case-{number}"
    found = session.get(f"{path}/comments/_find", params={"perPage": 100}, timeout=SECONDS).json()
    assert sum(each["type"] == "user" for each in found["comments"]) == number
    alerts_of = session.get(f"{path}/alerts", timeout=SECONDS).json()
    assert {each["id"] for each in alerts_of} == ({"a1", "a2"} if number % 2 else set())
    actions = session.get(f"{path}/user_actions/_find", timeout=SECONDS).json()
    assert actions["userActions"][0]["type"] == "create_case"
    assert actions["total"] == 1 + number + number % 2


# Kills itself before the statement of the given number while the file is brought up to date.
MIGRATE = """
import os, signal, sqlite3, sys
from pathlib import Path
from kibcase.server.app import CasesServer
from kibcase.server.database import Database

left = int(sys.argv[2])

class Traced(Database):
    def migrate(self, name, steps):
        self._connection.set_trace_callback(trace)
        super().migrate(name, steps)

def trace(statement):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

import kibcase.server.app
kibcase.server.app.Database = Traced
CasesServer(data=Path(sys.argv[1])).stop()
print(-left)
"""


def migrated(data: Path, at: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", MIGRATE, str(data), str(at)], capture_output=True, text=True, timeout=SECONDS,
        check=False,
    )
    assert done.returncode == (-signal.SIGKILL if at else 0), done.stderr
    return done.stdout


@pytest.mark.kill
def test_a_migration_that_was_killed_goes_on(
    data: Path, tmp_path: Path, flaws: Flaws, session: requests.Session
) -> None:
    whole = tmp_path / "whole.db"
    whole.write_bytes(data.read_bytes())
    statements = int(migrated(whole, 0))
    assert flaws(whole) == []
    original = data.read_bytes()
    for at in sorted(random.Random(3).sample(range(1, statements + 1), 6)):
        data.write_bytes(original)
        migrated(data, at)
        with CasesServer(data=data) as server:
            look_around(server.kibana_url, session)
        assert flaws(data) == []


def test_a_statement_that_does_not_end_is_refused() -> None:
    database = Database()
    with pytest.raises(ValueError, match="not a whole SQL statement: CREATE TRIGGER t"):
        database.migrate("x", ("CREATE TABLE a (b); CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1;",))
    with database.transaction() as db:
        assert db.execute("SELECT count(*) FROM schema_versions").fetchone()[0] == 0
    database.close()


def test_a_step_that_breaks_a_reference_is_taken_back() -> None:
    database = Database()
    database.migrate("x", ("CREATE TABLE a (n INTEGER PRIMARY KEY); CREATE TABLE b (n REFERENCES a (n))",))
    steps = ("SELECT 1", "INSERT INTO b VALUES (7)")
    with pytest.raises(ValueError, match="step 2 of the x schema leaves a row of b that belongs to nothing"):
        database.migrate("x", steps)
    with database.transaction() as db:
        assert db.execute("SELECT count(*) FROM b").fetchone()[0] == 0
        assert db.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    database.close()
