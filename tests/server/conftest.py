"""What has to hold in every data file, whatever became of the server that wrote it."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kibcase.server.cases.facts import COLUMNS, columns_of, values_of

Flaws = Callable[[Path], list[str]]


def _flaws(db: sqlite3.Connection) -> Iterator[str]:
    yield from (f"integrity: {row[0]}" for row in db.execute("PRAGMA integrity_check") if row[0] != "ok")
    yield from (f"a row of {row[0]} without its parent" for row in db.execute("PRAGMA foreign_key_check"))
    for row in db.execute("SELECT * FROM cases").fetchall():
        yield from (f"case {row['id']}: {flaw}" for flaw in _flaws_of_case(db, row))
    tables = ("cases", "attachments", "user_actions", "configurations")
    taken = [row[0] for table in tables for row in db.execute(f"SELECT seq FROM {table}")]
    yield from (f"sequence number {seq} twice" for seq, times in Counter(taken).items() if times > 1)
    counted = db.execute("SELECT value FROM counters WHERE name = 'seq'").fetchone()
    if max(taken, default=0) > (counted[0] if counted else 0):
        yield "a sequence number above the counter"


def _flaws_of_case(db: sqlite3.Connection, row: sqlite3.Row) -> Iterator[str]:
    doc, number = json.loads(row["doc"]), row["number"]
    if {name: row[name] for name in COLUMNS} != columns_of(doc):
        yield "columns differ from the document"
    values = db.execute("SELECT kind, value FROM case_values WHERE case_number = ?", (number,)).fetchall()
    if {tuple(each) for each in values} != values_of(doc):
        yield "values differ from the document"
    actions = [
        json.loads(each[0])
        for each in db.execute("SELECT doc FROM user_actions WHERE case_number = ? ORDER BY number", (number,))
    ]
    if [action["type"] for action in actions].count("create_case") != 1 or actions[0]["type"] != "create_case":
        yield "its creation is not its first user action"
    attached = db.execute("SELECT id, doc FROM attachments WHERE case_number = ?", (number,)).fetchall()
    told = {action["comment_id"] for action in actions if action["type"] == "comment"}
    yield from (f"attachment {each['id']} without a user action" for each in attached if each["id"] not in told)
    docs = [json.loads(each["doc"]) for each in attached]
    comments = sum(each["type"] == "user" for each in docs)
    alerts = {name for each in docs if each["type"] == "alert" for name in _ids(each["alertId"])}
    events = sum(len(_ids(each["eventId"])) for each in docs if each["type"] == "event")
    if (row["comments"], row["alerts"], row["events"]) != (comments, len(alerts), events):
        yield "wrong totals"


def _ids(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given


@pytest.fixture
def flaws() -> Flaws:
    """Read a data file that no server has open, and list all that is wrong with it."""

    def read(path: Path) -> list[str]:
        with closing(sqlite3.connect(path)) as db:
            db.row_factory = sqlite3.Row
            return list(_flaws(db))

    return read
