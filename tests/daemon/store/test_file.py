"""The file: what survives, who may use it, and what is refused."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kibcase_connectors.model import Changed, Side
from kibcase_daemon.errors import StoreBusy, StoreError
from kibcase_daemon.store.schema import STEPS
from kibcase_daemon.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from tests.daemon.store.conftest import MakeEntry, MakeLink

HOLDER = """
import sys
from pathlib import Path
from kibcase_daemon.store.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
store.lock()
print("locked", flush=True)
sys.stdin.read()
"""

WRITER = """
import sys
from pathlib import Path
from kibcase_daemon.store.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
for number in range(1_000_000):
    store.note("count", {"at": number})
    print(number, flush=True)
"""


@contextmanager
def process(script: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def test_what_was_written_is_there_the_next_time(path: Path, link: MakeLink, entry: MakeEntry) -> None:
    with closing(SqliteStore(path)) as store:
        kept = store.add_link(link("c1"))
        store.save(kept, audit=[entry()])
        store.enqueue("r", Side.CASE, [Changed(key="a", version="1", eligible=True)], "9")
    with closing(SqliteStore(path)) as store:
        assert store.links("r") == [kept]
        assert store.audit() == [entry()]
        assert store.cursor("r", Side.CASE) == "9"
        assert len(store.queued("r")) == 1


def test_every_transaction_is_synced_to_disk(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        assert store._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert store._db.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_one_lock_at_a_time_in_one_process(path: Path) -> None:
    with closing(SqliteStore(path)) as first, closing(SqliteStore(path)) as second:
        first.lock()
        first.lock()
        with pytest.raises(StoreBusy, match="another kibcase process"):
            second.lock()
        first.close()
        second.lock()


def test_reading_needs_no_lock(path: Path, link: MakeLink) -> None:
    with closing(SqliteStore(path)) as first, closing(SqliteStore(path)) as second:
        first.lock()
        kept = first.add_link(link("c1"))
        assert second.links("r") == [kept]


def test_a_store_in_memory_is_nobody_elses() -> None:
    with closing(SqliteStore()) as first, closing(SqliteStore()) as second:
        first.lock()
        second.lock()


@pytest.mark.kill
def test_another_process_keeps_the_lock_until_it_is_killed(path: Path) -> None:
    with process(HOLDER, path) as holder, closing(SqliteStore(path)) as store:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(StoreBusy):
            store.lock()
        holder.send_signal(signal.SIGKILL)
        assert holder.wait(timeout=30) == -signal.SIGKILL
        store.lock()


@pytest.mark.kill
def test_what_was_acknowledged_survives_a_kill(path: Path) -> None:
    with process(WRITER, path) as writer:
        assert writer.stdout is not None
        for _ in range(20):
            last = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split("\n")
        last = max([last, *(int(line) for line in rest[:-1])])
    with closing(SqliteStore(path)) as store:
        noted = store.noted("count")
        assert noted is not None
        assert noted["at"] in {last, last + 1}


def test_a_newer_file_is_refused_and_left_as_it_is(path: Path) -> None:
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
        before = db.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    with pytest.raises(StoreError, match="newer kibcase"):
        SqliteStore(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == len(STEPS) + 1
        assert db.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall() == before


def test_opening_again_changes_nothing(path: Path) -> None:
    SqliteStore(path).close()
    before = path.read_bytes()
    SqliteStore(path).close()
    assert path.read_bytes() == before


def test_a_step_that_fails_leaves_the_version_before_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SqliteStore(path).close()
    broken = (*STEPS, ("CREATE TABLE extra (id TEXT)", "CREATE TABLE links (id TEXT)"))
    monkeypatch.setattr("kibcase_daemon.store.sqlite.STEPS", broken)
    with pytest.raises(StoreError, match="links"):
        SqliteStore(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == len(STEPS)
        assert db.execute("SELECT name FROM sqlite_master WHERE name = 'extra'").fetchall() == []


def test_a_later_step_is_made_up_for(path: Path, monkeypatch: pytest.MonkeyPatch, link: MakeLink) -> None:
    with closing(SqliteStore(path)) as store:
        kept = store.add_link(link("c1"))
    monkeypatch.setattr("kibcase_daemon.store.sqlite.STEPS", (*STEPS, ("CREATE TABLE extra (id TEXT)",)))
    with closing(SqliteStore(path)) as store:
        assert store.links("r") == [kept]
        assert store._db.execute("SELECT count(*) FROM extra").fetchone()[0] == 0


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to have a header" * 40, b"SQLite format 3\x00junk" * 50]
)
def test_a_file_that_is_no_sqlite_is_refused_and_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"state\.db"):
        SqliteStore(path)
    assert path.read_bytes() == content


def test_a_folder_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        SqliteStore(tmp_path / "nowhere" / "state.db")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        SqliteStore(tmp_path)


def test_threads_share_one_store(path: Path, link: MakeLink, entry: MakeEntry) -> None:
    """Every thread's transactions are whole: no link without its audit, no entry of the queue lost."""
    problems: list[BaseException] = []
    with closing(SqliteStore(path)) as store:

        def work(name: str) -> None:
            try:
                for number in range(15):
                    key = f"{name}-{number}"
                    kept = store.add_link(link(key))
                    store.enqueue("r", Side.CASE, [Changed(key=key, version="1", eligible=True)], key)
                    store.save(replace(kept, attempts=number), audit=[entry(kept.id)])
                    assert store.link_of("r", Side.CASE, key) == replace(kept, attempts=number)
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert not problems
        assert len(store.links("r")) == len(store.queued("r")) == len(store.audit(limit=1000)) == 60


def test_one_link_of_a_race_wins(path: Path, link: MakeLink) -> None:
    with closing(SqliteStore(path)) as store:
        start, won = threading.Barrier(4), []

        def add(number: int) -> None:
            start.wait(timeout=30)
            won.append(store.add_link(link("c1", id=f"candidate {number}")).id)

        threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert len(won) == 4
        assert set(won) == {one.id for one in store.links("r")}
