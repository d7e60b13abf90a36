"""Reading and writing case documents in SQLite; knows no rules."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kibcase.server.cases.facts import COLUMNS, columns_of, values_of
from kibcase.server.cases.tables import STEPS

if TYPE_CHECKING:
    import sqlite3

    from kibcase.server.database import Database

Json = dict[str, Any]
_INSERT_CASE = (
    f"INSERT INTO cases (space, id, seq, reserved, doc, {', '.join(COLUMNS)}) "  # noqa: S608
    f"VALUES (?, ?, ?, ?, ?{', ?' * len(COLUMNS)})"
)
_BATCH = 500
SORT_RANKS = {
    "status": {"open": 0, "in-progress": 10, "closed": 20},
    "severity": {"low": 0, "medium": 10, "high": 20, "critical": 30},
}


def version_of(seq: int) -> str:
    """Write a sequence number as Kibana's opaque version: base64 of ``[seq_no,primary_term]``."""
    return base64.b64encode(f"[{seq},1]".encode()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """A stored case: ``doc`` is the case without ``id``, ``version``, totals and comments."""

    number: int
    id: str
    version: str
    doc: Json
    comments: int
    alerts: int
    events: int
    reserved: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocRecord:
    """A stored attachment, user action or configuration; ``case_number`` is 0 for a configuration."""

    number: int
    id: str
    version: str
    doc: Json
    case_number: int = 0


class CaseStore:
    """The tables of the cases state. Every write gives its document a new, growing sequence number."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("cases", STEPS)

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Store everything that is written inside, or nothing; nested calls join."""
        return self._database.transaction()

    def next(self, counter: str) -> int:
        """Count up; the first value is 1, and a value is never given twice."""
        with self.transaction() as db:
            return _take(db, counter)

    def add_case(self, space: str, identifier: str, doc: Json, *, reserved: int | None) -> CaseRecord:
        """Store a new case."""
        with self.transaction() as db:
            seq = _take(db, "seq")
            cursor = db.execute(
                _INSERT_CASE, (space, identifier, seq, reserved, _dump(doc), *columns_of(doc).values())
            )
            number = int(cursor.lastrowid or 0)
            _add_values(db, number, values_of(doc))
        return CaseRecord(
            number=number, id=identifier, version=version_of(seq), doc=doc, comments=0, alerts=0, events=0,
            reserved=reserved,
        )

    def put_case(self, number: int, doc: Json, *, reserved: int | None = None) -> None:
        """Replace the document of a case and move its version."""
        with self.transaction() as db:
            row = db.execute("SELECT doc FROM cases WHERE number = ?", (number,)).fetchone()
            before = json.loads(row["doc"])
            columns, former = columns_of(doc), columns_of(before)
            changed = {name: value for name, value in columns.items() if value != former[name]}
            assignments = "".join(f", {name} = ?" for name in changed)
            db.execute(
                f"UPDATE cases SET doc = ?, seq = ?, reserved = ?{assignments} WHERE number = ?",  # noqa: S608
                (_dump(doc), _take(db, "seq"), reserved, *changed.values(), number),
            )
            values, dropped = values_of(doc), values_of(before)
            db.executemany(
                "DELETE FROM case_values WHERE kind = ? AND value = ? AND case_number = ?",
                [(*value, number) for value in sorted(dropped - values)],
            )
            _add_values(db, number, values - dropped)

    def case(self, space: str, identifier: str) -> CaseRecord | None:
        """Read one case, or None."""
        with self.transaction() as db:
            row = db.execute("SELECT * FROM cases WHERE space = ? AND id = ?", (space, identifier)).fetchone()
        return None if row is None else _case(row)

    def cases(self, space: str, identifiers: Iterable[str]) -> dict[str, CaseRecord]:
        """Read the cases that exist among ``identifiers``."""
        with self.transaction():
            found = (self.case(space, identifier) for identifier in dict.fromkeys(identifiers))
            return {record.id: record for record in found if record is not None}

    def select_cases(self, where: str, values: Sequence[Any], order: str, limit: int, offset: int) -> list[CaseRecord]:
        """Read a page of cases by a condition over the columns (SQL from our own code, values apart)."""
        # The page is chosen first, from indices alone, and only then its documents are read.
        chosen = f"SELECT number FROM cases WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608
        with self.transaction() as db:
            rows = db.execute(
                f"SELECT * FROM cases WHERE number IN ({chosen}) ORDER BY {order}", (*values, limit, offset)  # noqa: S608
            ).fetchall()
        return [_case(row) for row in rows]

    def select(self, columns: str, where: str, values: Sequence[Any], rest: str = "") -> list[sqlite3.Row]:
        """Read columns of cases by a condition (SQL from our own code, values apart)."""
        with self.transaction() as db:
            return db.execute(f"SELECT {columns} FROM cases WHERE {where} {rest}", tuple(values)).fetchall()  # noqa: S608

    def values_in_use(self, kind: str, where: str, values: Sequence[Any]) -> list[str]:
        """List, each once, what cases that meet a condition have of ``kind`` (see ``facts``)."""
        having = (
            "SELECT 1 FROM case_values v JOIN cases ON number = v.case_number "
            "WHERE v.kind = ? AND v.value = known.value"
        )
        with self.transaction() as db:
            rows = db.execute(
                "SELECT value FROM (SELECT DISTINCT value FROM case_values WHERE kind = ?) known "  # noqa: S608
                f"WHERE EXISTS ({having} AND {where})",
                (kind, kind, *values),
            ).fetchall()
        return [row["value"] for row in rows]

    def matching(
        self, columns: str, where: str, values: Sequence[Any], match: Callable[[Sequence[Any]], bool]
    ) -> list[int]:
        """Give the numbers of the cases that meet a condition and whose ``columns`` (SQL from our own code) match.

        ``match`` may take its time: it runs outside of the transactions that read, if the caller holds none.
        """
        numbers = [row["number"] for row in self.select("number", where, values)]
        found: list[int] = []
        for start in range(0, len(numbers), _BATCH):
            batch = json.dumps(numbers[start : start + _BATCH])
            rows = self.select(f"number, {columns}", "number IN (SELECT value FROM json_each(?))", [batch])
            found += (row["number"] for row in rows if match(row[1:]))
        return found

    def among(self, numbers: Iterable[int], order: str, limit: int, offset: int) -> list[CaseRecord]:
        """Read a page of the cases with these numbers."""
        given = json.dumps(list(numbers))
        return self.select_cases("number IN (SELECT value FROM json_each(?))", [given], order, limit, offset)

    def delete_cases(self, numbers: Iterable[int]) -> None:
        """Delete cases with all that belongs to them."""
        with self.transaction() as db:
            db.executemany("DELETE FROM cases WHERE number = ?", [(number,) for number in numbers])

    def add_attachment(
        self, space: str, case_number: int, identifier: str, doc: Json, documents: Sequence[tuple[str, str]]
    ) -> DocRecord:
        """Store an attachment; ``documents`` are the (id, index) of the alerts or events it refers to."""
        with self.transaction() as db:
            seq = self.next("seq")
            cursor = db.execute(
                "INSERT INTO attachments (case_number, space, id, seq, doc) VALUES (?, ?, ?, ?, ?)",
                (case_number, space, identifier, seq, _dump(doc)),
            )
            number = int(cursor.lastrowid or 0)
            self._refer(db, number, case_number, doc["type"], documents)
        return DocRecord(number=number, id=identifier, version=version_of(seq), doc=doc, case_number=case_number)

    def put_attachment(self, record: DocRecord, doc: Json, documents: Sequence[tuple[str, str]]) -> None:
        """Replace the document of an attachment and what it refers to."""
        with self.transaction() as db:
            db.execute(
                "UPDATE attachments SET doc = ?, seq = ? WHERE number = ?",
                (_dump(doc), self.next("seq"), record.number),
            )
            db.execute("DELETE FROM attached_documents WHERE attachment = ?", (record.number,))
            self._refer(db, record.number, record.case_number, doc["type"], documents)

    def _refer(
        self, db: sqlite3.Connection, number: int, case_number: int, kind: str, documents: Sequence[tuple[str, str]]
    ) -> None:
        db.executemany(
            "INSERT INTO attached_documents VALUES (?, ?, ?, ?, ?, ?)",
            [(number, case_number, kind, place, *document) for place, document in enumerate(documents)],
        )

    def attachment(self, space: str, identifier: str) -> DocRecord | None:
        """Read one attachment of any case of the space, or None."""
        with self.transaction() as db:
            row = db.execute("SELECT * FROM attachments WHERE space = ? AND id = ?", (space, identifier)).fetchone()
        return None if row is None else _doc(row, row["case_number"])

    def attachments(
        self, case_number: int, *, descending: bool = False, limit: int = -1, offset: int = 0
    ) -> list[DocRecord]:
        """Read the attachments of a case by time of creation."""
        order = "DESC" if descending else "ASC"
        with self.transaction() as db:
            rows = db.execute(
                "SELECT * FROM attachments WHERE case_number = ? "  # noqa: S608
                f"ORDER BY created_at {order}, number {order} LIMIT ? OFFSET ?",
                (case_number, limit, offset),
            ).fetchall()
        return [_doc(row, row["case_number"]) for row in rows]

    def delete_attachments(self, numbers: Iterable[int]) -> None:
        """Delete attachments."""
        with self.transaction() as db:
            db.executemany("DELETE FROM attachments WHERE number = ?", [(number,) for number in numbers])

    def documents(self, case_number: int, kind: str) -> list[sqlite3.Row]:
        """Read what the case's attachments of ``kind`` refer to: ``id``, ``home`` (index), ``attached_at``."""
        with self.transaction() as db:
            return db.execute(
                "SELECT d.id, d.home, a.created_at AS attached_at FROM attached_documents d "
                "JOIN attachments a ON a.number = d.attachment WHERE d.case_number = ? AND d.kind = ? "
                "ORDER BY a.number, d.position",
                (case_number, kind),
            ).fetchall()

    def add_user_actions(self, case_number: int, actions: Iterable[tuple[str, Json]]) -> None:
        """Store user actions (id, document), in order."""
        with self.transaction() as db:
            given = list(actions)
            if not given:
                return
            first = _take(db, "seq", len(given))
            db.executemany(
                "INSERT INTO user_actions (case_number, id, seq, doc) VALUES (?, ?, ?, ?)",
                [(case_number, name, seq, _dump(doc)) for seq, (name, doc) in enumerate(given, start=first)],
            )

    def count_user_actions(self, case_number: int, condition: str = "1") -> int:
        """Count the user actions of a case (condition: SQL from our own code)."""
        with self.transaction() as db:
            row = db.execute(
                f"SELECT count(*) AS n FROM user_actions WHERE case_number = ? AND ({condition})", (case_number,)  # noqa: S608
            ).fetchone()
        return int(row["n"])

    def user_actions(
        self, case_number: int, condition: str = "1", *, descending: bool = False, limit: int = -1, offset: int = 0
    ) -> list[DocRecord]:
        """Read the user actions of a case by time (condition: SQL from our own code)."""
        order = "DESC" if descending else "ASC"
        with self.transaction() as db:
            rows = db.execute(
                f"SELECT * FROM user_actions WHERE case_number = ? AND ({condition}) "  # noqa: S608
                f"ORDER BY created_at {order}, number {order} LIMIT ? OFFSET ?",
                (case_number, limit, offset),
            ).fetchall()
        return [_doc(row, case_number) for row in rows]

    def configurations(self, space: str) -> list[DocRecord]:
        """Read the configurations of a space, oldest first."""
        with self.transaction() as db:
            rows = db.execute("SELECT * FROM configurations WHERE space = ? ORDER BY number", (space,)).fetchall()
        return [_doc(row) for row in rows]

    def add_configuration(self, space: str, identifier: str, doc: Json) -> DocRecord:
        """Store a configuration in the place of its owner's former one."""
        with self.transaction() as db:
            db.execute("DELETE FROM configurations WHERE space = ? AND owner = ?", (space, doc["owner"]))
            seq = self.next("seq")
            cursor = db.execute(
                "INSERT INTO configurations (space, id, seq, doc) VALUES (?, ?, ?, ?)",
                (space, identifier, seq, _dump(doc)),
            )
        return DocRecord(number=int(cursor.lastrowid or 0), id=identifier, version=version_of(seq), doc=doc)

    def put_configuration(self, record: DocRecord, doc: Json) -> DocRecord:
        """Replace the document of a configuration."""
        with self.transaction() as db:
            seq = self.next("seq")
            db.execute(
                "UPDATE configurations SET doc = ?, seq = ? WHERE number = ?", (_dump(doc), seq, record.number)
            )
        return DocRecord(number=record.number, id=record.id, version=version_of(seq), doc=doc)


def _take(db: sqlite3.Connection, counter: str, count: int = 1) -> int:
    """Count up ``count`` times and give the first of the values."""
    row = db.execute(
        "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value "
        "RETURNING value",
        (counter, count),
    ).fetchone()
    return int(row["value"]) - count + 1


def _add_values(db: sqlite3.Connection, number: int, values: Iterable[tuple[str, str]]) -> None:
    db.executemany("INSERT INTO case_values VALUES (?, ?, ?)", [(*value, number) for value in sorted(values)])


def _case(row: sqlite3.Row) -> CaseRecord:
    return CaseRecord(
        number=row["number"], id=row["id"], version=version_of(row["seq"]), doc=json.loads(row["doc"]),
        comments=row["comments"], alerts=row["alerts"], events=row["events"], reserved=row["reserved"],
    )


def _doc(row: sqlite3.Row, case_number: int = 0) -> DocRecord:
    return DocRecord(
        number=row["number"], id=row["id"], version=version_of(row["seq"]), doc=json.loads(row["doc"]),
        case_number=case_number,
    )


def _dump(doc: Json) -> str:
    return json.dumps(doc, separators=(",", ":"), ensure_ascii=False)
