"""The SQLite file (or memory) behind the embedded server's state."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_BUSY_SECONDS: Final = 2.0
_STATEMENTS: Final = 512
_CACHE_KIB: Final = 65_536
# "KibC", in the header of every data file: SQLite's mark of whose file it is.
APPLICATION_ID: Final = 0x4B696243


class DataFileInUse(OSError):
    """Another server, in this or another process, works with the data file."""


class ForeignFile(ValueError):
    """The data file belongs to another application."""


class Database:
    """One SQLite connection that threads share, one transaction at a time.

    ``path=None`` keeps everything in memory. A file is opened in WAL mode with ``synchronous=NORMAL``,
    which survives the death of the process at any instruction. It belongs to this object alone until ``close`` or
    the end of the process, however it ends. Rows are ``sqlite3.Row``.

    Raises ``DataFileInUse`` (after two seconds) if somebody else has the file open, ``ForeignFile`` for a database that
    no kibcase has written (which stays as it is), ``sqlite3.Error`` as SQLite does.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._connection = sqlite3.connect(
            ":memory:" if path is None else path, isolation_level=None, check_same_thread=False,
            timeout=_BUSY_SECONDS, cached_statements=_STATEMENTS,
        )
        self._connection.row_factory = sqlite3.Row
        self._transaction = _Transaction(self._connection)
        try:
            if path is not None:
                self._own(path)
            self._connection.execute("PRAGMA temp_store=MEMORY")
            self._connection.execute("PRAGMA foreign_keys=ON")
        except BaseException:
            self._connection.close()
            raise

    def _own(self, path: Path) -> None:
        try:
            # SQLite's own lock: the operating system gives it back whatever becomes of the process.
            self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            if not self._is_ours():
                raise ForeignFile(f"the file {path} is a database of another application; choose another file")
            for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"cache_size=-{_CACHE_KIB}"):
                self._connection.execute(f"PRAGMA {pragma}")
            if self._mark() != APPLICATION_ID:
                self._connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            raise DataFileInUse(
                f"the data file {path} is in use by another server; stop that one or choose another file"
            ) from error

    def _mark(self) -> int:
        return int(self._connection.execute("PRAGMA application_id").fetchone()[0])

    def _is_ours(self) -> bool:
        mark = self._mark()
        if mark == APPLICATION_ID:
            return True
        tables = {row["name"] for row in self._connection.execute("SELECT name FROM sqlite_master").fetchall()}
        columns = {row["name"] for row in self._connection.execute("PRAGMA table_info(schema_versions)").fetchall()}
        # A new file, or one of a kibcase that left no mark yet.
        return not mark and (not tables or columns == {"name", "version"})

    def transaction(self) -> _Transaction:
        """Give the connection inside a write transaction (a context manager): all of it is stored, or none.

        Other threads wait. Nested calls join the outer transaction.
        """
        return self._transaction

    def migrate(self, name: str, steps: tuple[str, ...]) -> None:
        """Bring the tables of one component up to date.

        ``steps`` is the component's whole history of SQL scripts, oldest first; those not yet applied
        are applied, each in a transaction of its own, while foreign keys rest: a step may replace a table that others
        refer to. Raises ``ValueError`` if the file is newer than ``steps``, or a step breaks a reference.
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
        if done == len(steps):
            return
        self._connection.execute("PRAGMA foreign_keys=OFF")
        try:
            for number, script in enumerate(steps[done:], start=done + 1):
                self._apply(name, number, script)
        finally:
            self._connection.execute("PRAGMA foreign_keys=ON")

    def _apply(self, name: str, number: int, script: str) -> None:
        with self.transaction() as db:
            for statement in _statements(script):
                db.execute(statement)
            broken = db.execute("PRAGMA foreign_key_check").fetchone()
            if broken is not None:
                raise ValueError(
                    f"the data file cannot be brought up to date: step {number} of the {name} schema leaves a row of "
                    f"{broken['table']} that belongs to nothing"
                )
            db.execute("INSERT OR REPLACE INTO schema_versions VALUES (?, ?)", (name, number))

    def close(self) -> None:
        """Close the connection; the state in memory is gone with it."""
        with self._transaction.lock:
            self._connection.close()


class _Transaction:
    """What ``Database.transaction`` gives; one object, because only one thread at a time is inside."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.lock = threading.RLock()
        self._depth = 0

    def __enter__(self) -> sqlite3.Connection:
        self.lock.acquire()
        if not self._depth:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except BaseException:
                self.lock.release()
                raise
        self._depth += 1
        return self._connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        try:
            if not self._depth:
                self._end(failed=kind is not None)
        finally:
            self.lock.release()

    def _end(self, *, failed: bool) -> None:
        try:
            if not failed:
                self._connection.execute("COMMIT")
        finally:
            # Still open after a failure, unless SQLite has rolled back by itself, as it does on a full disk.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _statements(script: str) -> Iterator[str]:
    # A trigger has semicolons inside: a statement ends where SQLite says that it does.
    pending = ""
    for piece in script.split(";"):
        pending += f"{piece};"
        if sqlite3.complete_statement(pending):
            if pending.strip(" \n;"):
                yield pending
            pending = ""
    if pending.strip(" \n;"):
        raise ValueError(f"not a whole SQL statement: {pending.strip()[:80]}")
