"""Where users, roles and API keys that were made over HTTP are kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from kibcase.server.database import Database

Json = dict[str, Any]
Kind = Literal["user", "role", "key"]

STEPS = (
    """
    CREATE TABLE security_accounts (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        doc TEXT NOT NULL,
        PRIMARY KEY (kind, name)
    )
    """,
)


class AccountStore:
    """Users, roles and API keys as JSON documents; passwords and keys are in them as hashes only."""

    def __init__(self, database: Database) -> None:
        database.migrate("security", STEPS)
        self._database = database

    def load(self, kind: Kind) -> dict[str, Json]:
        """Read all documents of a kind, by name."""
        with self._database.transaction() as db:
            rows = db.execute(
                "SELECT name, doc FROM security_accounts WHERE kind = ? ORDER BY name", (kind,)
            ).fetchall()
        return {row["name"]: json.loads(row["doc"]) for row in rows}

    def put(self, kind: Kind, name: str, doc: Json) -> None:
        """Store a document in the place of a former one."""
        with self._database.transaction() as db:
            db.execute("INSERT OR REPLACE INTO security_accounts VALUES (?, ?, ?)", (kind, name, json.dumps(doc)))

    def delete(self, kind: Kind, name: str) -> None:
        """Remove a document."""
        with self._database.transaction() as db:
            db.execute("DELETE FROM security_accounts WHERE kind = ? AND name = ?", (kind, name))
