"""The records of a stand-in on disk: one JSON document per record, and the bytes of attachments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from kibcase.server.database import Database
from kibcase_connectors.standins.servicenow.records import Row

_STEPS = (
    """
    CREATE TABLE servicenow_rows (
        sys_id TEXT PRIMARY KEY, place INTEGER NOT NULL, table_name TEXT NOT NULL, document TEXT NOT NULL
    );
    CREATE TABLE servicenow_files (sys_id TEXT PRIMARY KEY, content BLOB NOT NULL);
    CREATE TABLE servicenow_counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL)
    """,
)


class Storage:
    """Records, files and counters in SQLite; ``path=None`` keeps them in memory.

    Raises ``sqlite3.Error`` as SQLite does, and ``ValueError`` if the file is from a newer version.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._database = Database(path)
        self._database.migrate("servicenow-standin", _STEPS)

    def rows(self) -> dict[str, Row]:
        """Read all records, oldest first."""
        with self._database.transaction() as db:
            found = db.execute("SELECT * FROM servicenow_rows ORDER BY place").fetchall()
        return {
            each["sys_id"]: Row(table=each["table_name"], order=each["place"], values=json.loads(each["document"]))
            for each in found
        }

    def counters(self) -> dict[str, int]:
        """Read the last number given out, by counter."""
        with self._database.transaction() as db:
            return {row["name"]: row["value"] for row in db.execute("SELECT name, value FROM servicenow_counters")}

    def content(self, sys_id: str) -> bytes | None:
        """Read the bytes of an attachment."""
        with self._database.transaction() as db:
            row = db.execute("SELECT content FROM servicenow_files WHERE sys_id = ?", (sys_id,)).fetchone()
        return bytes(row["content"]) if row else None

    def keep(
        self, rows: Iterable[Row], gone: Iterable[str], counters: Mapping[str, int], files: Mapping[str, bytes]
    ) -> None:
        """Store records, forget those in ``gone`` with their bytes, store counters and files; all or nothing."""
        documents = [
            (row.sys_id, row.order, row.table, json.dumps(dict(row.values), ensure_ascii=False)) for row in rows
        ]
        dropped = [(each,) for each in gone]
        with self._database.transaction() as db:
            db.executemany("INSERT OR REPLACE INTO servicenow_rows VALUES (?, ?, ?, ?)", documents)
            db.executemany("INSERT OR REPLACE INTO servicenow_counters VALUES (?, ?)", counters.items())
            db.executemany("INSERT INTO servicenow_files VALUES (?, ?)", files.items())
            db.executemany("DELETE FROM servicenow_rows WHERE sys_id = ?", dropped)
            db.executemany("DELETE FROM servicenow_files WHERE sys_id = ?", dropped)

    def close(self) -> None:
        """Close the file."""
        self._database.close()
