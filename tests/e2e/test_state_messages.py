"""What is said about a state file that cannot be used."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Bench


@pytest.mark.parametrize("place", ["nowhere/state.db", "config.yaml/state.db"])
def test_a_state_in_a_folder_that_is_missing_is_bad_configuration(bench: Bench, place: str) -> None:
    bench.change("state: state.db", f"state: {place}")
    done = bench.run("sync")
    assert done.returncode == 2, bench.told(done)
    assert "folder" in bench.told(done)
    done = bench.run("check")
    assert done.returncode != 0
    assert str(bench.config.parent / place) in (done.stdout + done.stderr).replace("\n", "")


@pytest.mark.parametrize("command", ["plan", "status", "audit"])
def test_commands_that_look_at_a_copy_name_the_file_itself(bench: Bench, command: str) -> None:
    with closing(sqlite3.connect(bench.state, isolation_level=None)) as db:
        db.execute("PRAGMA user_version = 999")
    done = bench.run(command)
    assert done.returncode in (1, 2)
    assert f"the state file {bench.state} was written by a newer kibcase" in bench.told(done)


@pytest.mark.parametrize("command", ["plan", "status", "audit"])
def test_no_room_for_the_copy_is_one_message(bench: Bench, command: str) -> None:
    done = bench.run(command, largest_file=0)
    assert done.returncode in (1, 2)
    assert bench.told(done).startswith("kibcase: ")
