"""The incidents of a stand-in on disk: one JSON document per incident, and the bytes of files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kibcase.server.database import Database
from kibcase_connectors.standins.resilient.records import Artifact, Attachment, Change, Comment, Event, Incident

_STEPS = (
    """
    CREATE TABLE resilient_incidents (id INTEGER PRIMARY KEY, document TEXT NOT NULL);
    CREATE TABLE resilient_files (
        id INTEGER PRIMARY KEY,
        incident INTEGER NOT NULL REFERENCES resilient_incidents (id) ON DELETE CASCADE,
        content BLOB NOT NULL
    );
    CREATE TABLE resilient_counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL)
    """,
)
# Replacing the row would take its files along.
_KEEP = "INSERT INTO resilient_incidents VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET document = excluded.document"
_OWN = ("id", "vers", "creator", "created", "modified", "closed")


class Storage:
    """Incidents, files and counters in SQLite; ``path=None`` keeps them in memory.

    Raises ``sqlite3.Error`` as SQLite does, and ``ValueError`` if the file is from a newer version.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._database = Database(path)
        self._database.migrate("resilient-standin", _STEPS)

    def incidents(self) -> list[Incident]:
        """Read all incidents, oldest first."""
        with self._database.transaction() as db:
            files = {row["id"]: bytes(row["content"]) for row in db.execute("SELECT id, content FROM resilient_files")}
            found = db.execute("SELECT document FROM resilient_incidents ORDER BY id").fetchall()
        return [_incident(json.loads(row["document"]), files) for row in found]

    def counters(self) -> dict[str, int]:
        """Read the last number given out, by kind."""
        with self._database.transaction() as db:
            return {row["name"]: row["value"] for row in db.execute("SELECT name, value FROM resilient_counters")}

    def keep(self, incident: Incident, counters: Mapping[str, int]) -> None:
        """Store an incident with its files, and the counters; all or nothing."""
        held = {each.id: each.content for each in incident.attachments}
        with self._database.transaction() as db:
            db.execute(_KEEP, (incident.id, _document(incident)))
            found = db.execute("SELECT id FROM resilient_files WHERE incident = ?", (incident.id,))
            stored = {row["id"] for row in found.fetchall()}
            db.executemany("DELETE FROM resilient_files WHERE id = ?", [(each,) for each in stored - held.keys()])
            db.executemany(
                "INSERT INTO resilient_files VALUES (?, ?, ?)",
                [(each, incident.id, held[each]) for each in held.keys() - stored],
            )
            db.executemany("INSERT OR REPLACE INTO resilient_counters VALUES (?, ?)", counters.items())

    def drop(self, number: int) -> None:
        """Forget an incident with its files."""
        with self._database.transaction() as db:
            db.execute("DELETE FROM resilient_incidents WHERE id = ?", (number,))

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _document(incident: Incident) -> str:
    attachments = [asdict(each) for each in incident.attachments]
    for each in attachments:
        del each["content"]
    return json.dumps({
        **{name: getattr(incident, name) for name in _OWN}, "values": dict(incident.values),
        "comments": [asdict(each) for each in incident.comments], "attachments": attachments,
        "artifacts": [asdict(each) for each in incident.artifacts],
        "events": [asdict(each) for each in incident.events],
    }, ensure_ascii=False)


def _incident(held: dict[str, Any], files: Mapping[int, bytes]) -> Incident:
    return Incident(
        **{name: held[name] for name in _OWN},
        values={path: _frozen(value) for path, value in held["values"].items()},
        comments=tuple(Comment(**each) for each in held["comments"]),
        artifacts=tuple(Artifact(**each) for each in held["artifacts"]),
        attachments=tuple(Attachment(**each, content=files[each["id"]]) for each in held["attachments"]),
        events=tuple(_event(each) for each in held["events"]),
    )


def _event(held: dict[str, Any]) -> Event:
    changes = tuple(
        Change(field=each["field"], old=_frozen(each["old"]), new=_frozen(each["new"])) for each in held["changes"]
    )
    return Event(**{**held, "changes": changes})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
