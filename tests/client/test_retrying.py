"""Read, decide, write, and again on a conflict: pure, with a store of one case."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase import Case, ConflictError, LostRace, NotFoundError, NothingToUpdate
from kibcase.client.retrying import WAITS, retry

ERRORS = (ConflictError(409, "stale"), LostRace(200, "left out"))


@dataclass
class Store:
    """One case; each write meets the next of ``troubles`` first."""

    troubles: list[Exception | None] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    version: int = 0
    slept: list[float] = field(default_factory=list)

    def get(self, case_id: str) -> Case:
        return Case(
            id=case_id, version=str(self.version), title="t", status="open", owner="cases",
            created_at=datetime(2024, 1, 1, tzinfo=UTC), tags=list(self.tags),
        )

    def update(self, case: Case, **changes: Any) -> Case:
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is not None:
            self.version += 1
            self.tags.append(f"theirs-{self.version}")
            raise trouble
        assert case.version == str(self.version)
        self.tags = changes["tags"]
        return self.get(case.id)


def mine(case: Case) -> Any:
    return {"tags": [*case.tags, "mine"]}


def run(store: Store, decide: Any = mine, **more: Any) -> Case:
    return retry(store.get, store.update, "c1", decide, sleep=store.slept.append, chance=lambda: 0.0, **more)


@given(st.lists(st.sampled_from(ERRORS), max_size=4))
def test_every_conflict_is_overcome_and_nothing_of_others_is_lost(troubles: list[Exception]) -> None:
    store = Store(troubles=list(troubles))
    assert run(store).tags == [f"theirs-{number + 1}" for number in range(len(troubles))] + ["mine"]
    assert store.slept == [WAITS.base * 2**number for number in range(len(troubles))]


@pytest.mark.parametrize("error", ERRORS)
def test_the_last_conflict_is_raised(error: Exception) -> None:
    store = Store(troubles=[error] * 3)
    with pytest.raises(type(error)):
        run(store, attempts=3)
    assert len(store.slept) == 2
    assert "mine" not in store.tags


@pytest.mark.parametrize("nothing", [None, {}])
def test_no_change_writes_nothing(nothing: Any) -> None:
    store = Store(troubles=[AssertionError("written")])
    assert run(store, lambda case: nothing).version == "0"


def test_what_is_there_already_is_success() -> None:
    assert run(Store(troubles=[NothingToUpdate(406, "identical")])).tags == ["theirs-1"]


def test_other_errors_are_not_repeated() -> None:
    store = Store(troubles=[NotFoundError(404, "gone")])
    with pytest.raises(NotFoundError):
        run(store)
    assert store.slept == []


def test_no_attempts_make_no_sense() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        run(Store(), attempts=0)


@pytest.mark.parametrize("given", [["tag"], "closed", True])
def test_what_is_no_change_is_named(given: Any) -> None:
    store = Store()
    with pytest.raises(TypeError, match=f"dict of the fields to change, or None; not {type(given).__name__}"):
        retry(store.get, store.update, "c1", lambda _: given)
    assert store.version == 0
