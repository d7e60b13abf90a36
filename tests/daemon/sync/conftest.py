"""Snapshots and comments to decide about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from kibcase_connectors.memory import CASE_MAP, TICKET_MAP
from kibcase_connectors.model import Comment, Json, Snapshot, Touch
from kibcase_daemon.sync.types import Both, Maps

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


class MakeComment(Protocol):
    """Makes a comment; ``minute`` is counted from the start of the day's work."""

    def __call__(
        self, key: str, body: str = ..., *, minute: int = ..., author: str = ..., mark: str | None = ...,
        digest: str | None = ..., updated: datetime | None = ...,
    ) -> Comment: ...


class MakeSnapshot(Protocol):
    """Makes a snapshot of ``key`` with common values for the fields that are not given."""

    def __call__(
        self, key: str, *comments: Comment, fields: dict[str, Json] | None = ..., marks: tuple[str, ...] = ...,
        url: str | None = ..., touched: dict[str, Touch] | None = ..., created: Touch | None = ...,
        version: str = ..., label: str | None = ...,
    ) -> Snapshot: ...


def _comment(
    key: str, body: str = "a remark", *, minute: int = 0, author: str = "Ada", mark: str | None = None,
    digest: str | None = None, updated: datetime | None = None,
) -> Comment:
    return Comment(
        key=key, body=body, author=author, created=START + timedelta(minutes=minute), digest=digest or f"d:{body}",
        mark=mark, updated=updated,
    )


def _snapshot(
    key: str, *comments: Comment, fields: dict[str, Json] | None = None, marks: tuple[str, ...] = (),
    url: str | None = None, touched: dict[str, Touch] | None = None, created: Touch | None = None, version: str = "7",
    label: str | None = None,
) -> Snapshot:
    case = key.startswith("case")
    common: dict[str, Json] = {
        "title": "Beacon", "description": "", "status": "open" if case else "To Do",
        "severity": "high" if case else "High", "tags": [],
    }
    return Snapshot(
        key=key, label=label or key.upper(), version=version, mark=f"kibcase-{key}", url=url,
        fields=common | (fields or {}), comments=comments, marks=marks, touched=touched or {}, created=created,
    )


@pytest.fixture(scope="session")
def comment() -> MakeComment:
    return _comment


@pytest.fixture(scope="session")
def snapshot() -> MakeSnapshot:
    return _snapshot


@pytest.fixture(scope="session")
def maps() -> Maps:
    return Both(case=CASE_MAP, ticket=TICKET_MAP)
