"""The tables of the Elasticsearch face, and one row of each as a value."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

STEPS = (
    """
    CREATE TABLE alerts_indices (
        name TEXT PRIMARY KEY, uuid TEXT NOT NULL, created INTEGER NOT NULL, next_seq_no INTEGER NOT NULL,
        settings TEXT NOT NULL, types TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE alerts_aliases (
        alias TEXT NOT NULL, index_name TEXT NOT NULL REFERENCES alerts_indices (name) ON DELETE CASCADE,
        options TEXT NOT NULL, PRIMARY KEY (alias, index_name)
    ) WITHOUT ROWID;
    CREATE TABLE alerts_documents (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        index_name TEXT NOT NULL REFERENCES alerts_indices (name) ON DELETE CASCADE,
        id TEXT NOT NULL, seq_no INTEGER NOT NULL, version INTEGER NOT NULL, source TEXT NOT NULL,
        UNIQUE (index_name, id)
    );
    """,
)


@dataclass(slots=True, kw_only=True)
class Index:
    """One concrete index. ``created`` is in epoch milliseconds; ``types`` maps field names to field types."""

    name: str
    uuid: str
    created: int
    next_seq_no: int
    settings: dict[str, Any]
    types: dict[str, str]

    @property
    def hidden(self) -> bool:
        """Whether wildcards pass it over."""
        return bool(self.settings.get("hidden"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One stored document; ``number`` grows in the order of creation, ``raw`` is its JSON text."""

    index: str
    id: str
    number: int
    seq_no: int
    version: int
    raw: str

    @property
    def source(self) -> dict[str, Any]:
        """A fresh copy of ``_source``."""
        decoded: dict[str, Any] = json.loads(self.raw)
        return decoded


def encode(source: Any) -> str:
    """Write JSON as it is stored and answered: compact ASCII (a lone surrogate has no UTF-8), never NaN."""
    return json.dumps(source, separators=(",", ":"), allow_nan=False)


def storable(text: str) -> bool:
    """Tell whether SQLite can hold the text; a lone surrogate, which JSON can carry, has no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
