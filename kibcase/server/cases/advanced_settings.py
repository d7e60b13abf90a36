"""Kibana's advanced settings of a space, as far as cases read them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kibcase.server.errors import BadRequest

if TYPE_CHECKING:
    from kibcase.server.database import Database

Json = dict[str, Any]
STEPS = (
    """
    CREATE TABLE advanced_settings (
        space TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (space, key)
    )
    """,
)


@dataclass(frozen=True, slots=True)
class AdvancedSettings:
    """What was set by hand in each space (``/internal/kibana/settings``); any name is taken, as a value any JSON."""

    database: Database

    def __post_init__(self) -> None:
        self.database.migrate("advanced_settings", STEPS)

    def value(self, space: str, key: str) -> Any:
        """Give the value of a setting, None if it was not set."""
        with self.database.transaction() as db:
            row = db.execute(
                "SELECT value FROM advanced_settings WHERE space = ? AND key = ?", (space, key)
            ).fetchone()
        return None if row is None else json.loads(row["value"])

    def all(self, space: str) -> Json:
        """Give ``{"settings": {key: {"userValue": value}}}``."""
        with self.database.transaction() as db:
            rows = db.execute(
                "SELECT key, value FROM advanced_settings WHERE space = ? ORDER BY key", (space,)
            ).fetchall()
        return {"settings": {row["key"]: {"userValue": json.loads(row["value"])} for row in rows}}

    def change(self, space: str, changes: Any) -> Json:
        """Set settings, null takes one away; gives what ``all`` gives. Raises ``BadRequest``."""
        if not isinstance(changes, dict):
            raise BadRequest("[request body.changes]: expected value of type [object]")
        with self.database.transaction() as db:
            for key, value in changes.items():
                db.execute("DELETE FROM advanced_settings WHERE space = ? AND key = ?", (space, key))
                if value is not None:
                    db.execute("INSERT INTO advanced_settings VALUES (?, ?, ?)", (space, key, json.dumps(value)))
        return self.all(space)
