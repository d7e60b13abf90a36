"""Where templates and the field library are kept: SQLite tables of their own; knows no rules."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kibcase.server.database import Database

Json = dict[str, Any]

STEPS = (
    """
    CREATE TABLE templates (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        space TEXT NOT NULL,
        id TEXT NOT NULL,
        version INTEGER NOT NULL,
        doc TEXT NOT NULL,
        owner TEXT GENERATED ALWAYS AS (json_extract(doc, '$.owner')) STORED,
        latest INTEGER GENERATED ALWAYS AS (json_extract(doc, '$.isLatest')) STORED,
        UNIQUE (space, id, version)
    );
    CREATE INDEX templates_by_owner ON templates (space, latest, owner);
    CREATE TABLE field_definitions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        space TEXT NOT NULL,
        id TEXT NOT NULL,
        doc TEXT NOT NULL,
        owner TEXT GENERATED ALWAYS AS (json_extract(doc, '$.owner')) STORED,
        UNIQUE (space, id)
    );
    CREATE INDEX field_definitions_by_owner ON field_definitions (space, owner)
    """,
)


class TemplateStore:
    """Every version of every template, and every field definition, by space; documents are JSON values."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("templates", STEPS)

    def template(self, space: str, identifier: str, version: int | None = None) -> Json | None:
        """Read one version of a template, deleted or not; the latest if ``version`` is None."""
        condition = "latest = 1" if version is None else "version = ?"
        values = [space, identifier, *([] if version is None else [version])]
        with self._database.transaction() as db:
            row = db.execute(
                f"SELECT doc FROM templates WHERE space = ? AND id = ? AND {condition}", values  # noqa: S608
            ).fetchone()
        return None if row is None else json.loads(row["doc"])

    def latest(self, space: str, owners: Iterable[str]) -> list[Json]:
        """Read the latest version of the owners' templates that are not deleted, oldest template first."""
        wanted = list(owners)
        marks = ",".join("?" * len(wanted))
        with self._database.transaction() as db:
            rows = db.execute(
                f"SELECT doc FROM templates WHERE space = ? AND latest = 1 AND owner IN ({marks}) "  # noqa: S608
                "AND json_extract(doc, '$.deletedAt') IS NULL ORDER BY number",
                (space, *wanted),
            ).fetchall()
        return [json.loads(row["doc"]) for row in rows]

    def add_template(self, space: str, doc: Json) -> None:
        """Store a new version of a template; the former ones are the latest no more."""
        with self._database.transaction() as db:
            db.execute(
                "UPDATE templates SET doc = json_set(doc, '$.isLatest', json('false')) WHERE space = ? AND id = ?",
                (space, doc["templateId"]),
            )
            db.execute(
                "INSERT INTO templates (space, id, version, doc) VALUES (?, ?, ?, ?)",
                (space, doc["templateId"], doc["templateVersion"], _dump(doc)),
            )

    def put_template(self, space: str, doc: Json) -> None:
        """Replace the document of one version of a template."""
        with self._database.transaction() as db:
            db.execute(
                "UPDATE templates SET doc = ? WHERE space = ? AND id = ? AND version = ?",
                (_dump(doc), space, doc["templateId"], doc["templateVersion"]),
            )

    def mark_deleted(self, space: str, identifier: str, at: str) -> None:
        """Note on every version of a template that it is deleted."""
        with self._database.transaction() as db:
            db.execute(
                "UPDATE templates SET doc = json_set(doc, '$.deletedAt', ?) WHERE space = ? AND id = ?",
                (at, space, identifier),
            )

    def field(self, space: str, identifier: str) -> Json | None:
        """Read one field definition."""
        with self._database.transaction() as db:
            row = db.execute(
                "SELECT doc FROM field_definitions WHERE space = ? AND id = ?", (space, identifier)
            ).fetchone()
        return None if row is None else json.loads(row["doc"])

    def fields(self, space: str, owners: Iterable[str]) -> list[Json]:
        """Read the owners' field definitions, oldest first."""
        wanted = list(owners)
        marks = ",".join("?" * len(wanted))
        with self._database.transaction() as db:
            rows = db.execute(
                f"SELECT doc FROM field_definitions WHERE space = ? AND owner IN ({marks}) ORDER BY number",  # noqa: S608
                (space, *wanted),
            ).fetchall()
        return [json.loads(row["doc"]) for row in rows]

    def put_field(self, space: str, doc: Json) -> None:
        """Store a field definition, new or changed."""
        with self._database.transaction() as db:
            db.execute(
                "INSERT INTO field_definitions (space, id, doc) VALUES (?, ?, ?) "
                "ON CONFLICT (space, id) DO UPDATE SET doc = excluded.doc",
                (space, doc["fieldDefinitionId"], _dump(doc)),
            )

    def delete_field(self, space: str, identifier: str) -> None:
        """Delete a field definition."""
        with self._database.transaction() as db:
            db.execute("DELETE FROM field_definitions WHERE space = ? AND id = ?", (space, identifier))


def _dump(doc: Json) -> str:
    return json.dumps(doc, separators=(",", ":"), ensure_ascii=False)
