"""Files: which are one on both sides, which get a copy, which are too large."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.mapping import FieldMap
from kibcase_connectors.model import File, Side, Snapshot, Touch
from kibcase_daemon.sync.files import pair_up_files, plan_files
from kibcase_daemon.sync.notes import with_notes
from kibcase_daemon.sync.types import Base, Both, Direction, FilePair, Rules

RULES = Rules(fields={}, file_limit=100)
ABLE = Both(case=True, ticket=True)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FILES = st.lists(st.tuples(st.sampled_from(["a.log", "b.log", "e\u0301", "\u00e9"]), st.integers(1, 2)), max_size=6)


def side(name: str, *files: tuple[str, int]) -> Snapshot:
    return Snapshot(
        key=name, label=name.upper(), version="1", mark=f"kibcase-{name}", fields={},
        created=Touch(at=NOW, by="Ann"),
        files=tuple(File(key=f"{name}{n}", name=file, size=size) for n, (file, size) in enumerate(files)),
    )


def test_what_both_have_is_one() -> None:
    now = Both(case=side("c", ("a", 1), ("b", 2)), ticket=side("t", ("b", 2), ("a", 9)))
    base = pair_up_files(Base(), now)
    assert base.files == (FilePair(case="c1", ticket="t0"),)
    copies = plan_files(base, now, rules=RULES, able=ABLE)
    assert [(copy.to, copy.file.key) for copy in copies] == [(Side.TICKET, "c0"), (Side.CASE, "t1")]


def test_directions_and_abilities_are_kept_to() -> None:
    now = Both(case=side("c", ("a", 1)), ticket=side("t", ("b", 2)))
    one_way = Rules(fields={}, files=Direction.TO_CASE)
    assert [copy.to for copy in plan_files(Base(), now, rules=one_way, able=ABLE)] == [Side.CASE]
    for able in (Both(case=True, ticket=False), Both(case=False, ticket=True)):
        assert plan_files(Base(), now, rules=RULES, able=able) == ()


def test_a_deleted_copy_is_not_made_again() -> None:
    base = Base(files=(FilePair(case="c0", ticket="t0"),))
    now = Both(case=side("c", ("a", 1)), ticket=side("t"))
    assert plan_files(pair_up_files(base, now), now, rules=RULES, able=ABLE) == ()


def test_of_a_large_file_the_other_side_is_told_once() -> None:
    maps = Both(case=FieldMap({}), ticket=FieldMap({}))
    now = Both(case=side("c", ("disk [1].img", 101)), ticket=side("t"))
    assert plan_files(Base(), now, rules=RULES, able=ABLE) == ()
    told = with_notes(now, rules=RULES, maps=maps, able=ABLE)
    note, = told.case.comments
    assert note.body == r"The file disk \[1\].img is here only: 101 bytes, and no more than 100 bytes is copied."
    assert with_notes(now, rules=RULES, maps=maps, able=ABLE).case.comments == (note,)
    assert told.ticket is now.ticket


@given(FILES, FILES)
def test_after_all_copies_both_have_the_same(here: list[tuple[str, int]], there: list[tuple[str, int]]) -> None:
    now = Both(case=side("c", *here), ticket=side("t", *there))
    base = pair_up_files(Base(), now)
    assert len({pair.case for pair in base.files}) == len({pair.ticket for pair in base.files}) == len(base.files)
    more: dict[Side, list[tuple[str, int]]] = {Side.CASE: list(here), Side.TICKET: list(there)}
    for copy in plan_files(base, now, rules=RULES, able=ABLE):
        more[copy.to].append((copy.file.name, copy.file.size))
    after = Both(case=side("c", *more[Side.CASE]), ticket=side("t", *more[Side.TICKET]))
    assert plan_files(pair_up_files(base, after), after, rules=RULES, able=ABLE) == ()
    assert len(after.case.files) == len(after.ticket.files)
