"""Stores in memory and on disk, and links to put into them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import pytest

from kibcase_daemon.store.api import AuditEntry, Link
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.types import Both


class MakeLink(Protocol):
    """Makes a link of the rule ``r``; ``more`` are further fields of it."""

    def __call__(self, case: str | None = ..., ticket: str | None = ..., **more: object) -> Link: ...


class MakeEntry(Protocol):
    """Makes an audit entry."""

    def __call__(self, link: str = ..., **more: object) -> AuditEntry: ...


def _link(case: str | None = "c1", ticket: str | None = None, **more: object) -> Link:
    keys: Both[str | None] = Both(case=case, ticket=ticket)
    given: dict[str, object] = {
        "id": f"r/{case}/{ticket}", "rule": "r", "keys": keys, "labels": Both(case="", ticket=""), **more,
    }
    return Link(**given)  # type: ignore[arg-type]


def _entry(link: str = "r/c1/None", **more: object) -> AuditEntry:
    given: dict[str, object] = {
        "at": 1.0, "rule": "r", "link": link, "case": "C", "ticket": "T", "side": "ticket", "kind": "field",
        "field": "title", "old": "a", "new": "b", "why": "changed", "by": "Ada", **more,
    }
    return AuditEntry(**given)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def link() -> MakeLink:
    return _link


@pytest.fixture(scope="session")
def entry() -> MakeEntry:
    return _entry


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    path = None if request.param == "memory" else tmp_path / "state.db"
    with closing(SqliteStore(path)) as store:
        yield store
