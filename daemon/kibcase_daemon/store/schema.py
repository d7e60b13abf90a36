"""The history of the state file: one step per version, never changed once released."""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x6B696263
"""What SQLite's header says of a state file: "kibc"."""

STEPS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE links (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE, rule TEXT NOT NULL,
            case_key TEXT, ticket_key TEXT, case_label TEXT NOT NULL, ticket_label TEXT NOT NULL,
            base TEXT NOT NULL, state TEXT NOT NULL, case_seen TEXT, ticket_seen TEXT,
            reason TEXT NOT NULL, retry_at REAL, attempts INTEGER NOT NULL,
            UNIQUE (rule, case_key), UNIQUE (rule, ticket_key))""",
        "CREATE INDEX links_due ON links (rule, retry_at)",
        """CREATE TABLE intents (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE, link TEXT NOT NULL, side TEXT NOT NULL, kind TEXT NOT NULL,
            sent_at REAL NOT NULL, attempts INTEGER NOT NULL, body TEXT NOT NULL)""",
        "CREATE INDEX intents_of_link ON intents (link)",
        """CREATE TABLE queue (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            rule TEXT NOT NULL, side TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL,
            eligible INTEGER NOT NULL, marked INTEGER NOT NULL, UNIQUE (rule, side, key))""",
        "CREATE TABLE cursors (rule TEXT NOT NULL, side TEXT NOT NULL, cursor TEXT NOT NULL, PRIMARY KEY (rule, side))",
        """CREATE TABLE audit (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            at REAL NOT NULL, rule TEXT NOT NULL, link TEXT NOT NULL, case_label TEXT NOT NULL,
            ticket_label TEXT NOT NULL, side TEXT NOT NULL, kind TEXT NOT NULL, field TEXT NOT NULL,
            old TEXT NOT NULL, new TEXT NOT NULL, why TEXT NOT NULL, by TEXT NOT NULL,
            meant TEXT NOT NULL)""",
        "CREATE INDEX audit_of_link ON audit (link, at)",
        "CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    ),
)
