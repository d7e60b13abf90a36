"""The issues of a stand-in on disk: one JSON document per issue, and the bytes of attachments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from kibcase.server.database import Database
from kibcase_connectors.standins.jira.records import (
    Attachment,
    Change,
    Comment,
    History,
    Issue,
    IssueLink,
    RemoteLink,
)

_STEPS = (
    """
    CREATE TABLE jira_issues (id INTEGER PRIMARY KEY, document TEXT NOT NULL);
    CREATE TABLE jira_files (id TEXT PRIMARY KEY, issue INTEGER NOT NULL, content BLOB NOT NULL);
    CREATE TABLE jira_counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL)
    """,
)


class Storage:
    """Issues, files and counters in SQLite; ``path=None`` keeps them in memory.

    Raises ``sqlite3.Error`` as SQLite does, and ``ValueError`` if the file is from a newer version.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._database = Database(path)
        self._database.migrate("jira-standin", _STEPS)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Store what happens inside all or not at all."""
        with self._database.transaction():
            yield

    def issues(self) -> dict[int, Issue]:
        """Read all issues."""
        with self._database.transaction() as db:
            rows = db.execute("SELECT document FROM jira_issues ORDER BY id").fetchall()
        return {issue.id: issue for row in rows for issue in [_decoded(json.loads(row["document"]))]}

    def counters(self) -> dict[str, int]:
        """Read the last number given out, by counter."""
        with self._database.transaction() as db:
            return {row["name"]: row["value"] for row in db.execute("SELECT name, value FROM jira_counters")}

    def content(self, attachment_id: str) -> bytes | None:
        """Read the bytes of an attachment."""
        with self._database.transaction() as db:
            row = db.execute("SELECT content FROM jira_files WHERE id = ?", (attachment_id,)).fetchone()
        return bytes(row["content"]) if row else None

    def keep(
        self, issue: Issue, counters: Mapping[str, int], files: Mapping[str, bytes], dropped: tuple[str, ...] = ()
    ) -> None:
        """Store an issue, the counters, new files; forget the files ``dropped``; all or nothing."""
        document = json.dumps(asdict(issue), default=_encoded, ensure_ascii=False)
        with self._database.transaction() as db:
            db.execute("INSERT OR REPLACE INTO jira_issues VALUES (?, ?)", (issue.id, document))
            db.executemany("INSERT OR REPLACE INTO jira_counters VALUES (?, ?)", counters.items())
            db.executemany("INSERT INTO jira_files VALUES (?, ?, ?)", [(k, issue.id, v) for k, v in files.items()])
            db.executemany("DELETE FROM jira_files WHERE id = ?", [(each,) for each in dropped])

    def drop(self, issue_id: int) -> None:
        """Remove an issue and its files."""
        with self._database.transaction() as db:
            db.execute("DELETE FROM jira_issues WHERE id = ?", (issue_id,))
            db.execute("DELETE FROM jira_files WHERE issue = ?", (issue_id,))

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _encoded(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"no form on disk for {type(value).__name__}")


def _times(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return document | {name: datetime.fromisoformat(document[name]) for name in names if document[name]}


def _decoded(document: dict[str, Any]) -> Issue:
    return Issue(**_times(document, "created", "updated", "status_since", "resolved") | {
        "old_keys": tuple(document["old_keys"]),
        "comments": tuple(Comment(**_times(each, "created", "updated")) for each in document["comments"]),
        "histories": tuple(
            History(**_times(each, "created") | {"items": tuple(Change(**item) for item in each["items"])})
            for each in document["histories"]
        ),
        "attachments": tuple(Attachment(**_times(each, "created")) for each in document["attachments"]),
        "remote_links": tuple(RemoteLink(**each) for each in document["remote_links"]),
        "links": tuple(IssueLink(**each) for each in document.get("links", ())),
    })
