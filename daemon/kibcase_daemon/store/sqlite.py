"""The state store in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from kibcase_connectors.model import Changed, Json, Side
from kibcase_daemon.errors import StoreBusy, StoreError
from kibcase_daemon.store.api import AuditEntry, Link, LinkState, Queued
from kibcase_daemon.store.codec import dump_base, dump_intent, load_base, load_intent
from kibcase_daemon.store.schema import APPLICATION_ID, STEPS
from kibcase_daemon.sync.advance import Intent
from kibcase_daemon.sync.guards import Written
from kibcase_daemon.sync.types import Both

_LINK_COLUMNS = (
    "id, rule, case_key, ticket_key, case_label, ticket_label, base, state, case_seen, ticket_seen, "
    "reason, retry_at, attempts"
)
_AUDIT_COLUMNS = "at, rule, link, case_label, ticket_label, side, kind, field, old, new, why, by, meant"


class SqliteStore:
    """A ``StateStore`` in a file (WAL, full synchronisation) or, with ``path=None``, in memory.

    The file is created with its folder's rights and brought up to date by numbered steps. Raises
    ``StoreError`` if it cannot be opened, is no state file, or was written by a newer kibcase; messages speak
    of ``called`` where ``path`` is only a copy.
    """

    def __init__(self, path: Path | None = None, *, called: Path | None = None) -> None:
        self._path = called or path
        self._mutex = threading.RLock()
        self._lock_file: sqlite3.Connection | None = None
        try:
            self._db = sqlite3.connect(
                ":memory:" if path is None else path, isolation_level=None, check_same_thread=False, timeout=10
            )
            self._db.row_factory = sqlite3.Row
            self._recognise()
            if path is not None:
                self._db.execute("PRAGMA journal_mode=WAL")
                # The journal of intents must be on disk before a request is sent, also across a power cut.
                self._db.execute("PRAGMA synchronous=FULL")
            self._migrate()
        except sqlite3.Error as error:
            raise StoreError(f"the state file {self._path} cannot be used: {error}") from error

    def _recognise(self) -> None:
        """Refuse the database of another program, before a byte of it is changed."""
        if self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
        elif self._db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            self._db.close()
            raise StoreError(f"{self._path} is the database of another program, no state file of kibcase")

    def _migrate(self) -> None:
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version > len(STEPS):
            raise StoreError(
                f"the state file {self._path} was written by a newer kibcase (version {version}, this one knows "
                f"{len(STEPS)}); upgrade kibcase"
            )
        for number, step in enumerate(STEPS[version:], start=version + 1):
            with self._transaction() as db:
                for statement in step:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {number:d}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                raise StoreError(f"the state file {self._path}: {error}") from error

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        with self._mutex:
            try:
                return self._db.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise StoreError(f"the state file {self._path}: {error}") from error

    def lock(self) -> None:
        """Take the store for this process; see ``StateStore.lock``."""
        if self._path is None or self._lock_file is not None:
            return
        # SQLite's own file lock: the operating system gives it back whatever becomes of the process.
        name = f"{self._path}.lock"
        try:
            self._lock_file = sqlite3.connect(name, isolation_level=None, timeout=0, check_same_thread=False)
            self._lock_file.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            self._unlock()
            if "locked" not in str(error):
                raise StoreError(f"the lock file {name} cannot be used: {error}") from error
            raise StoreBusy(f"another kibcase process is syncing with the state file {self._path}") from error

    def _unlock(self) -> None:
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    def cursor(self, rule: str, side: Side) -> str | None:
        """Give where a change feed goes on."""
        rows = self._rows("SELECT cursor FROM cursors WHERE rule = ? AND side = ?", (rule, side.value))
        return str(rows[0]["cursor"]) if rows else None

    def enqueue(self, rule: str, side: Side, items: Sequence[Changed], cursor: str) -> None:
        """Queue changes and move the cursor."""
        with self._transaction() as db:
            db.executemany(
                "INSERT INTO queue (rule, side, key, version, eligible, marked) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (rule, side, key) DO UPDATE SET version = excluded.version, "
                "eligible = excluded.eligible, marked = excluded.marked",
                [(rule, side.value, item.key, item.version, item.eligible, item.marked) for item in items],
            )
            db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)", (rule, side.value, cursor))

    def queued(self, rule: str) -> list[Queued]:
        """List the queue of a rule."""
        rows = self._rows("SELECT * FROM queue WHERE rule = ? ORDER BY number", (rule,))
        return [
            Queued(
                rule=row["rule"], side=Side(row["side"]),
                change=Changed(
                    key=row["key"], version=row["version"], eligible=bool(row["eligible"]), marked=bool(row["marked"])
                ),
            )
            for row in rows
        ]

    def dequeue(self, entries: Sequence[Queued]) -> None:
        """Take entries off the queue unless they are newer by now."""
        with self._transaction() as db:
            db.executemany(
                "DELETE FROM queue WHERE rule = ? AND side = ? AND key = ? AND version = ?",
                [(entry.rule, entry.side.value, entry.change.key, entry.change.version) for entry in entries],
            )

    def start_over(self, rule: str, entries: Sequence[Queued]) -> None:
        """Take entries off the queue and have everything listed again."""
        with self._transaction() as db:
            db.executemany(
                "DELETE FROM queue WHERE rule = ? AND side = ? AND key = ?",
                [(entry.rule, entry.side.value, entry.change.key) for entry in entries],
            )
            db.execute("DELETE FROM cursors WHERE rule = ?", (rule,))

    def add_link(self, link: Link) -> Link:
        """Keep a new link, or give the one that exists."""
        with self._transaction() as db:
            for side in Side:
                key = link.keys.of(side)
                existing = self.link_of(link.rule, side, key) if key is not None else None
                if existing is not None:
                    return existing
            marks = ", ".join("?" * 13)
            db.execute(f"INSERT INTO links ({_LINK_COLUMNS}) VALUES ({marks})", _link_values(link))  # noqa: S608 - constants
        return link

    def link_of(self, rule: str, side: Side, key: str) -> Link | None:
        """Give the link of a case or ticket."""
        column = "case_key" if side is Side.CASE else "ticket_key"
        rows = self._rows(f"SELECT * FROM links WHERE rule = ? AND {column} = ?", (rule, key))  # noqa: S608 - constants
        return self._link(rows[0]) if rows else None

    def _link(self, row: sqlite3.Row) -> Link:
        try:
            return _link(row)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(f"the state file {self._path} holds a link that cannot be read: {row['id']}") from error

    def links(self, rule: str) -> list[Link]:
        """List the links of a rule."""
        return [self._link(row) for row in self._rows("SELECT * FROM links WHERE rule = ? ORDER BY number", (rule,))]

    def due(self, rule: str, now: float) -> list[Link]:
        """List the links whose time has come."""
        rows = self._rows("SELECT * FROM links WHERE rule = ? AND retry_at <= ? ORDER BY number", (rule, now))
        return [self._link(row) for row in rows]

    def troubled(self, rule: str) -> list[Link]:
        """List the links that are waiting or parked."""
        rows = self._rows(
            "SELECT * FROM links WHERE rule = ? AND state IN ('waiting', 'parked') ORDER BY number", (rule,)
        )
        return [self._link(row) for row in rows]

    def save(self, link: Link, *, audit: Sequence[AuditEntry] = ()) -> None:
        """Replace what is known of a link."""
        self.finish(link, (), audit=audit)

    def intents(self, link: str) -> list[Intent]:
        """List the open writes of a link."""
        rows = self._rows("SELECT * FROM intents WHERE link = ? ORDER BY number", (link,))
        return [
            load_intent(
                row["body"], id=row["id"], link=row["link"], side=row["side"], kind=row["kind"],
                sent_at=row["sent_at"], attempts=row["attempts"],
            )
            for row in rows
        ]

    def begin(self, intent: Intent, *, audit: Sequence[AuditEntry] = ()) -> None:
        """Put a write into the journal, or renew it."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO intents (id, link, side, kind, sent_at, attempts, body) VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET sent_at = excluded.sent_at, attempts = excluded.attempts, "
                "body = excluded.body, kind = excluded.kind",
                (
                    intent.id, intent.link, intent.side.value, intent.kind, intent.sent_at, intent.attempts,
                    dump_intent(intent),
                ),
            )
            _insert_audit(db, audit)

    def finish(self, link: Link, intents: Sequence[str], *, audit: Sequence[AuditEntry] = ()) -> None:
        """Take writes out of the journal and keep the link, together."""
        with self._transaction() as db:
            changed = db.execute(
                "UPDATE links SET case_key = ?, ticket_key = ?, case_label = ?, ticket_label = ?, base = ?, state = ?, "
                "case_seen = ?, ticket_seen = ?, reason = ?, retry_at = ?, attempts = ? WHERE id = ?",
                (*_link_values(link)[2:], link.id),
            )
            if changed.rowcount != 1:
                raise StoreError(f"the link {link.id} is not in the state file {self._path}")
            db.executemany("DELETE FROM intents WHERE id = ?", [(intent,) for intent in intents])
            _insert_audit(db, audit)

    def recent(self, link: str, since: float) -> list[Written]:
        """List the field values written since a time."""
        rows = self._rows(
            "SELECT at, side, field, meant FROM audit WHERE link = ? AND at >= ? AND kind = 'field'", (link, since)
        )
        return [Written(at=row["at"], side=Side(row["side"]), field=row["field"], meant=row["meant"]) for row in rows]

    def audit(self, *, limit: int = 100, link: str | None = None) -> list[AuditEntry]:
        """List the newest audit entries."""
        rows = self._rows(
            f"SELECT {_AUDIT_COLUMNS} FROM audit WHERE ? IS NULL OR link = ? ORDER BY number DESC LIMIT ?",  # noqa: S608 - constants
            (link, link, limit),
        )
        return [
            AuditEntry(
                at=row["at"], rule=row["rule"], link=row["link"], case=row["case_label"], ticket=row["ticket_label"],
                side=row["side"], kind=row["kind"], field=row["field"], old=row["old"], new=row["new"],
                why=row["why"], by=row["by"], meant=row["meant"],
            )
            for row in rows
        ]

    def note(self, name: str, value: Mapping[str, Json]) -> None:
        """Remember a small fact."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, json.dumps(dict(value))))

    def noted(self, name: str) -> Mapping[str, Json] | None:
        """Give a remembered fact."""
        rows = self._rows("SELECT value FROM notes WHERE name = ?", (name,))
        try:
            value = json.loads(rows[0]["value"]) if rows else None
        except ValueError as error:
            raise StoreError(f"the state file {self._path} holds a note that cannot be read: {name}") from error
        return value if isinstance(value, dict) else None

    def close(self) -> None:
        """Close the file and give the lock back."""
        with self._mutex:
            self._db.close()
            self._unlock()


def _link_values(link: Link) -> tuple[object, ...]:
    values = (
        link.id, link.rule, link.keys.case, link.keys.ticket, link.labels.case, link.labels.ticket,
        dump_base(link.base), link.state.value, link.seen.case, link.seen.ticket, link.reason, link.retry_at,
        link.attempts,
    )
    return tuple(_bindable(value) for value in values)


def _link(row: sqlite3.Row) -> Link:
    return Link(
        id=row["id"], rule=row["rule"], keys=Both(case=row["case_key"], ticket=row["ticket_key"]),
        labels=Both(case=row["case_label"], ticket=row["ticket_label"]), base=load_base(row["base"]),
        state=LinkState(row["state"]), seen=Both(case=row["case_seen"], ticket=row["ticket_seen"]),
        reason=row["reason"], retry_at=row["retry_at"], attempts=row["attempts"],
    )


def _bindable(value: object) -> object:
    """Replace what SQLite cannot take: JSON may hold half a surrogate pair."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _insert_audit(db: sqlite3.Connection, entries: Sequence[AuditEntry]) -> None:
    marks = ", ".join("?" * 13)
    db.executemany(
        f"INSERT INTO audit ({_AUDIT_COLUMNS}) VALUES ({marks})",  # noqa: S608 - constants
        [
            tuple(
                _bindable(value)
                for value in (
                    entry.at, entry.rule, entry.link, entry.case, entry.ticket, entry.side, entry.kind, entry.field,
                    entry.old, entry.new, entry.why, entry.by, entry.meant,
                )
            )
            for entry in entries
        ],
    )
