"""The SQLite table of connectors; knows no rules.

Secrets are kept as they are: this is a development server, and whoever can read its data file can read them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

    from kibcase.server.database import Database

Json = dict[str, Any]
STEPS = (
    """
    CREATE TABLE connectors (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        space TEXT NOT NULL,
        id TEXT NOT NULL UNIQUE,
        type TEXT NOT NULL,
        name TEXT NOT NULL,
        config TEXT NOT NULL,
        secrets TEXT NOT NULL
    );
    CREATE INDEX connectors_by_space ON connectors (space, name)
    """,
)
_REFERENCES = """
    SELECT name, count(*) AS n FROM (
        SELECT json_extract(doc, '$.connector.id') AS name FROM cases
        UNION ALL
        SELECT json_extract(doc, '$.external_service.connector_id') FROM cases
            WHERE json_extract(doc, '$.external_service.connector_id') <> json_extract(doc, '$.connector.id')
        UNION ALL
        SELECT json_extract(doc, '$.connector.id') FROM configurations
        UNION ALL
        SELECT coalesce(json_extract(doc, '$.payload.connector.id'),
                        json_extract(doc, '$.payload.externalService.connector_id')) FROM user_actions
            WHERE type IN ('connector', 'create_case', 'pushed')
    ) GROUP BY name
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorRecord:
    """A stored connector."""

    id: str
    type: str
    name: str
    config: Json
    secrets: Json = field(repr=False)


class ConnectorStore:
    """The connectors of every space; an id exists once on the whole server, as saved objects' ids do."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("connectors", STEPS)

    def all(self, space: str) -> list[ConnectorRecord]:
        """Read the connectors of a space by name."""
        with self._database.transaction() as db:
            rows = db.execute("SELECT * FROM connectors WHERE space = ? ORDER BY name, number", (space,)).fetchall()
        return [_record(row) for row in rows]

    def get(self, space: str, identifier: str) -> ConnectorRecord | None:
        """Read one connector of a space, or None."""
        with self._database.transaction() as db:
            row = db.execute("SELECT * FROM connectors WHERE space = ? AND id = ?", (space, identifier)).fetchone()
        return None if row is None else _record(row)

    def names(self, space: str, identifiers: Iterable[str]) -> dict[str, ConnectorRecord]:
        """Read those of ``identifiers`` that exist."""
        found = (self.get(space, identifier) for identifier in identifiers)
        return {record.id: record for record in found if record is not None}

    def add(self, space: str, record: ConnectorRecord) -> bool:
        """Store a new connector; False (and nothing stored) if its id is taken."""
        with self._database.transaction() as db:
            taken = db.execute("SELECT 1 FROM connectors WHERE id = ?", (record.id,)).fetchone()
            if taken is None:
                db.execute(
                    "INSERT INTO connectors (space, id, type, name, config, secrets) VALUES (?, ?, ?, ?, ?, ?)",
                    (space, record.id, record.type, record.name, json.dumps(record.config), json.dumps(record.secrets)),
                )
        return taken is None

    def put(self, space: str, record: ConnectorRecord) -> None:
        """Replace name, config and secrets of a connector."""
        with self._database.transaction() as db:
            db.execute(
                "UPDATE connectors SET name = ?, config = ?, secrets = ? WHERE space = ? AND id = ?",
                (record.name, json.dumps(record.config), json.dumps(record.secrets), space, record.id),
            )

    def delete(self, space: str, identifier: str) -> bool:
        """Delete a connector; False if there is none."""
        with self._database.transaction() as db:
            done = db.execute("DELETE FROM connectors WHERE space = ? AND id = ?", (space, identifier))
        return done.rowcount > 0

    def references(self) -> dict[str, int]:
        """Count the cases, configurations and user actions that name each connector, in all spaces."""
        with self._database.transaction() as db:
            return {row["name"]: row["n"] for row in db.execute(_REFERENCES) if row["name"] is not None}


def _record(row: sqlite3.Row) -> ConnectorRecord:
    return ConnectorRecord(
        id=row["id"], type=row["type"], name=row["name"], config=json.loads(row["config"]),
        secrets=json.loads(row["secrets"]),
    )
