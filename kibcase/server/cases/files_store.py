"""Reading and writing files in SQLite; knows no rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

    from kibcase.server.cases.store import CaseStore

Json = dict[str, Any]
_CHUNK = 1024 * 1024
_META = (
    "EXISTS (SELECT 1 FROM json_each(doc, '$.meta') m WHERE m.key = ? AND EXISTS (SELECT 1 FROM "
    "json_each(CASE m.type WHEN 'array' THEN m.value ELSE json_array(m.value) END) v WHERE v.value IN (%s)))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """A stored file without its content; ``doc`` is the file as the files API answers it."""

    number: int
    id: str
    kind: str
    doc: Json

    @property
    def case_ids(self) -> list[str]:
        """The cases that the file's metadata names; none if it names them in any other form than a list."""
        return case_ids_of(self.doc)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFilter:
    """Which files of a space are wanted: values of one field are alternatives, fields all count; None: any."""

    kinds: Sequence[str] | None = None
    other_kinds: Sequence[str] | None = None
    values: Mapping[str, Sequence[str]]
    names: Sequence[str] | None = None
    meta: Mapping[str, Sequence[str]]


def case_ids_of(doc: Mapping[str, Any]) -> list[str]:
    """Give the case ids in a file's metadata, as far as they are a list of strings."""
    named = (doc.get("meta") or {}).get("caseIds")
    return [item for item in named if isinstance(item, str)] if isinstance(named, list) else []


@dataclass(frozen=True, slots=True)
class FileStore:
    """The tables of files, in the same database as the cases."""

    store: CaseStore

    def add(self, space: str, identifier: str, kind: str, doc: Json) -> FileRecord:
        """Store a new file that has no content yet."""
        with self.store.transaction() as db:
            cursor = db.execute(
                "INSERT INTO files (space, id, kind, doc) VALUES (?, ?, ?, ?)", (space, identifier, kind, _dump(doc))
            )
            number = int(cursor.lastrowid or 0)
            db.executemany("INSERT INTO file_cases VALUES (?, ?)", [(number, name) for name in case_ids_of(doc)])
        return FileRecord(number=number, id=identifier, kind=kind, doc=doc)

    def fill(self, record: FileRecord, doc: Json, content: bytes) -> None:
        """Store the content of a file, in chunks, and what is known of it now."""
        view = memoryview(content)
        with self.store.transaction() as db:
            db.execute("UPDATE files SET doc = ? WHERE number = ?", (_dump(doc), record.number))
            db.executemany(
                "INSERT INTO file_chunks VALUES (?, ?, ?)",
                (
                    (record.number, place, view[start : start + _CHUNK])
                    for place, start in enumerate(range(0, len(view), _CHUNK))
                ),
            )

    def get(self, space: str, identifier: str) -> FileRecord | None:
        """Read one file of a space, or None."""
        with self.store.transaction() as db:
            row = db.execute("SELECT * FROM files WHERE space = ? AND id = ?", (space, identifier)).fetchone()
        return None if row is None else _file(row)

    def content(self, record: FileRecord) -> bytes:
        """Read the content of a file."""
        with self.store.transaction() as db:
            rows = db.execute("SELECT content FROM file_chunks WHERE file = ? ORDER BY position", (record.number,))
            return b"".join(row["content"] for row in rows)

    def count_of_case(self, space: str, case_id: str) -> int:
        """Count the files that name a case."""
        with self.store.transaction() as db:
            row = db.execute(
                "SELECT count(DISTINCT c.file) AS n FROM file_cases c JOIN files f ON f.number = c.file "
                "WHERE c.case_id = ? AND f.space = ?",
                (case_id, space),
            ).fetchone()
        return int(row["n"])

    def find(self, space: str, wanted: FileFilter, *, limit: int, offset: int) -> tuple[int, list[FileRecord]]:
        """Give how many files of a space are wanted, and a page of them, newest first."""
        condition, values = _condition(space, wanted)
        with self.store.transaction() as db:
            total = db.execute(f"SELECT count(*) AS n FROM files WHERE {condition}", values).fetchone()["n"]  # noqa: S608
            rows = db.execute(
                f"SELECT * FROM files WHERE {condition} ORDER BY number DESC LIMIT ? OFFSET ?",  # noqa: S608
                (*values, limit, offset),
            ).fetchall()
        return int(total), [_file(row) for row in rows]

    def delete(self, records: Iterable[FileRecord]) -> None:
        """Delete files with their content."""
        with self.store.transaction() as db:
            db.executemany("DELETE FROM files WHERE number = ?", [(record.number,) for record in records])

    def delete_of_cases(self, space: str, case_ids: Iterable[str]) -> None:
        """Delete every file of a space that names one of the cases."""
        with self.store.transaction() as db:
            db.executemany(
                "DELETE FROM files WHERE space = ? AND number IN (SELECT file FROM file_cases WHERE case_id = ?)",
                [(space, name) for name in case_ids],
            )


def _condition(space: str, wanted: FileFilter) -> tuple[str, list[Any]]:
    parts, values = ["space = ?"], [space]
    if wanted.kinds is not None:
        parts.append(f"kind IN ({_marks(wanted.kinds)})")
        values += wanted.kinds
    if wanted.other_kinds is not None:
        parts.append(f"kind NOT IN ({_marks(wanted.other_kinds)})")
        values += wanted.other_kinds
    for field, allowed in wanted.values.items():
        parts.append(f"json_extract(doc, ?) IN ({_marks(allowed)})")
        values += [f"$.{field}", *allowed]
    if wanted.names is not None:
        parts.append("(" + " OR ".join(["json_extract(doc, '$.name') LIKE ? ESCAPE '\\'"] * len(wanted.names)) + ")")
        values += [_like(name) for name in wanted.names]
    for key, allowed in wanted.meta.items():
        parts.append(_META % _marks(allowed))
        values += [key, *allowed]
    return " AND ".join(parts), values


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))


def _like(pattern: str) -> str:
    for special in "\\%_":
        pattern = pattern.replace(special, f"\\{special}")
    return pattern.replace("*", "%")


def _file(row: sqlite3.Row) -> FileRecord:
    return FileRecord(number=row["number"], id=row["id"], kind=row["kind"], doc=json.loads(row["doc"]))


def _dump(doc: Json) -> str:
    return json.dumps(doc, separators=(",", ":"), ensure_ascii=False)
