"""Failures of the state file that do not come as ``StoreError``, or do not come at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kibcase_connectors.model import Side
from kibcase_daemon.errors import StoreError
from kibcase_daemon.store.api import Link
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.types import Both

if TYPE_CHECKING:
    from tests.daemon.engine.conftest import World


def test_a_closed_store_refuses_link_of_with_a_store_error() -> None:
    store = SqliteStore()
    store.close()
    with pytest.raises(StoreError):
        store.link_of("r", Side.CASE, "1")


def test_a_lock_file_that_cannot_be_opened_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "state.db.lock").mkdir()
    with closing(SqliteStore(tmp_path / "state.db")) as store, pytest.raises(StoreError):
        store.lock()


def test_a_lock_file_of_something_else_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "state.db.lock").write_text("pid 4711, and more text than an SQLite header has " * 20)
    with closing(SqliteStore(tmp_path / "state.db")) as store, pytest.raises(StoreError):
        store.lock()


@pytest.mark.parametrize("version", [0, 1])
def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path: Path, version: int) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE orders (id INTEGER)")
        db.execute(f"PRAGMA user_version = {version}")
        db.commit()
    with pytest.raises(StoreError):
        SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("orders",)]


def test_a_base_that_cannot_be_read_is_a_store_error(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(SqliteStore(path)) as store:
        keys: Both[str | None] = Both(case="1", ticket=None)
        store.add_link(Link(id="r/case/1", rule="r", keys=keys, labels=Both(case="", ticket="")))
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE links SET base = '{\"fields\": 7'")
        db.commit()
    with closing(SqliteStore(path)) as store, pytest.raises(StoreError):
        store.links("r")


def test_half_a_character_in_one_case_stops_no_other_link(world: World) -> None:
    """JSON may hold half a surrogate pair, and Python reads it; SQLite cannot bind it."""
    world.cases.add(title="cut in the middle of \ud83d")
    other = world.cases.add(title="another case")
    world.cycle()
    assert world.link(other).keys.ticket is not None


def test_a_full_disk_says_so(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "state.db")) as store:
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="full"):
            store.note("big", {"text": "x" * 1_000_000})
        store._db.execute("PRAGMA max_page_count = 100000")
        store.note("small", {"text": "x"})
        assert store.noted("small") == {"text": "x"}
