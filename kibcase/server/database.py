"""The SQLite file (or memory) behind the embedded server's state."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Database:
    """One SQLite connection that threads share, one transaction at a time.

    ``path=None`` keeps everything in memory. A file is opened in WAL mode with ``synchronous=NORMAL``,
    which survives the death of the process at any instruction. Rows are ``sqlite3.Row``.
    Raises ``sqlite3.Error`` as SQLite does.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._connection = sqlite3.connect(
            ":memory:" if path is None else path, isolation_level=None, check_same_thread=False, timeout=30
        )
        self._connection.row_factory = sqlite3.Row
        self._lock = threading.RLock()
        self._depth = 0
        if path is not None:
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("PRAGMA foreign_keys=ON")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection inside a write transaction: all of it is stored, or none.

        Other threads wait. Nested calls join the outer transaction.
        """
        with self._lock:
            if self._depth:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            else:
                self._connection.execute("COMMIT")
            finally:
                self._depth = 0

    def migrate(self, name: str, steps: tuple[str, ...]) -> None:
        """Bring the tables of one component up to date.

        ``steps`` is the component's whole history of SQL scripts, oldest first; those not yet applied
        are applied, each in a transaction of its own. Raises ``ValueError`` if the file is newer than
        ``steps``.
        """
        with self.transaction() as db:
            db.execute("CREATE TABLE IF NOT EXISTS schema_versions (name TEXT PRIMARY KEY, version INTEGER NOT NULL)")
            row = db.execute("SELECT version FROM schema_versions WHERE name = ?", (name,)).fetchone()
        done = row["version"] if row else 0
        if done > len(steps):
            raise ValueError(
                f"the data file was written by a newer kibcase ({name} schema {done}, this one knows {len(steps)}); "
                "upgrade kibcase or choose another file"
            )
        for number, script in enumerate(steps[done:], start=done + 1):
            with self.transaction() as db:
                for statement in script.split(";"):
                    if statement.strip():
                        db.execute(statement)
                db.execute("INSERT OR REPLACE INTO schema_versions VALUES (?, ?)", (name, number))

    def close(self) -> None:
        """Close the connection; the state in memory is gone with it."""
        with self._lock:
            self._connection.close()
