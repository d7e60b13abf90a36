"""What the change feed lists, what it costs and that it leaves nothing out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.faults import Fault, Seen
from kibcase_connectors.actions import AddComment
from kibcase_connectors.resilient import ResilientFilter
from kibcase_connectors.resilient.cursor import RECENT, Cursor, advanced, loads

if TYPE_CHECKING:
    from tests.connectors.resilient.conftest import Bench, MakeBench

MARK = "kibcase-kibana-0a1b2c3d-4e5f"


def listed(bench: Bench, cursor: str | None) -> tuple[set[int], str]:
    """Give the ids that are listed, and the next cursor."""
    found = bench.connector.changes(cursor)
    return {int(item.key) for item in found.items}, found.cursor


def settled(bench: Bench) -> str:
    """Walk until all that is there is known."""
    cursor = bench.connector.changes(None).cursor
    for _ in range(3):
        bench.clock.forward(minutes=10)
        cursor = bench.connector.changes(cursor).cursor
    bench.soar.faults.forget()
    return cursor


def quiet(make: MakeBench, **options: object) -> Bench:
    """Give a bench whose connector does not look for notes in turn."""
    return make(settings={"notes_per_cycle": 0}, **options)


def test_the_first_run_lists_everything_and_later_ones_what_changed(make: MakeBench) -> None:
    bench = quiet(make)
    made = []
    for number in range(4):
        made.append(bench.maria.create(f"no {number}"))
        bench.clock.forward(minutes=20)
    found, cursor = listed(bench, None)
    assert found == set(made)
    bench.clock.forward(minutes=20)
    bench.maria.edit(made[1], name="new")
    found, cursor = listed(bench, cursor)
    assert found == {made[1], made[3]}
    assert listed(bench, cursor)[0] == {made[1]}


def test_a_line_of_the_feed_has_the_version_of_the_snapshot(bench: Bench) -> None:
    cursor = bench.connector.changes(None).cursor
    ticket = bench.ticket()
    bench.maria.comment(int(ticket.key), "x")
    fresh = bench.connect()
    (item,) = fresh.changes(cursor).items
    assert (item.key, item.version, item.marked, item.eligible) == (
        ticket.key, fresh.read(ticket.key).version, True, True
    )


def test_our_own_note_leaves_nothing_to_look_at(make: MakeBench) -> None:
    bench = quiet(make)
    cursor = bench.connector.changes(None).cursor
    ticket = bench.ticket()
    cursor = bench.connector.changes(cursor).cursor
    bench.connector.apply(AddComment(key=ticket.key, mark=f"{MARK}#1", body="x"), bench.announced)
    version = bench.connector.read(ticket.key).version
    assert [item.version for item in bench.connector.changes(cursor).items] == [version]


@pytest.mark.parametrize("change", [{"name": "x"}, {"description": "x"}, {"severity_code": "Low"}, {"city": "Oslo"}])
def test_every_change_makes_another_version(bench: Bench, change: dict[str, object]) -> None:
    before = bench.ticket()
    bench.maria.edit(int(before.key), **change)
    cursor = bench.connector.changes(None).cursor
    assert bench.connector.changes(cursor).items[0].version != before.version


@pytest.mark.parametrize("children_count", [False, True])
def test_notes_of_people_are_noticed_whether_they_change_the_date_or_not(
    make: MakeBench, children_count: bool
) -> None:
    bench = make(children_count=children_count)
    ticket = bench.ticket()
    for number in range(3):
        bench.maria.create(f"other {number}")
    cursor = settled(bench)
    seen = bench.connector.read(ticket.key).version
    bench.clock.forward(minutes=1)
    bench.maria.comment(int(ticket.key), "x")
    (item,) = [item for item in bench.connector.changes(cursor).items if item.key == ticket.key]
    assert item.version != seen
    assert item.version == bench.connector.read(ticket.key).version


def test_a_note_on_what_changed_last_is_noticed_too(make: MakeBench) -> None:
    bench = make()
    ticket = bench.ticket()
    cursor = settled(bench)
    bench.maria.comment(int(ticket.key), "x")
    (item,) = bench.connector.changes(cursor).items
    assert item.version == bench.connector.read(ticket.key).version


def test_notes_are_looked_at_in_turn(make: MakeBench) -> None:
    bench = make(settings={"notes_per_cycle": 2})
    made = [bench.maria.create(f"no {number}") for number in range(5)]
    bench.maria.close(made[0])
    cursor = settled(bench)
    looked: list[list[int]] = []
    for _ in range(4):
        bench.soar.faults.forget()
        cursor = bench.connector.changes(cursor).cursor
        looked.append([int(path.split("/")[1]) for _, path in bench.requests if path.endswith("/comments")])
    assert [len(each) for each in looked].count(2) >= 2
    assert {number for each in looked for number in each} == set(made[1:])


def test_a_short_page_of_notes_does_not_end_the_turn(make: MakeBench) -> None:
    bench = make(settings={"notes_per_cycle": 4})
    made = [bench.maria.create(f"no {number}") for number in range(5)]
    cursor = settled(bench)
    bench.soar.limit_pages(2)
    found: set[int] = set()
    for _ in range(4):
        bench.soar.faults.forget()
        cursor = bench.connector.changes(cursor).cursor
        found |= {int(path.split("/")[1]) for _, path in bench.requests if path.endswith("/comments")}
    assert found == set(made)


@pytest.mark.parametrize(("parts", "most"), [
    (None, 8), (("title", "comments"), 4), (("title", "observables", "files"), 6), (("title",), 1),
])
def test_an_idle_cycle_costs_the_same_however_much_there_is(
    make: MakeBench, parts: tuple[str, ...] | None, most: int
) -> None:
    costs = []
    for count in (3, 30):
        bench = make()
        bench.connector = bench.connect(notes_per_cycle=2, parts=parts)
        for number in range(count):
            bench.maria.create(f"no {number}")
            bench.clock.forward(seconds=1)
        cursor = settled(bench)
        for _ in range(2):
            bench.soar.faults.forget()
            cursor = bench.connector.changes(cursor).cursor
        costs.append(len(bench.requests))
    assert max(costs) == most
    assert len(listed(bench, cursor)[0]) <= 3


def test_the_first_walk_reads_no_notes(bench: Bench) -> None:
    for number in range(10):
        bench.maria.create(f"no {number}")
    bench.connector.changes(None)
    assert [path for _, path in bench.requests if path.endswith("/comments")] == []


def test_the_filter_says_what_is_eligible(bench: Bench) -> None:
    bench.maria.create("a", incident_type_ids=["Malware", "Phishing"], severity_code="High")
    bench.maria.create("b", incident_type_ids=["Other"], severity_code="High")
    bench.maria.create("c", incident_type_ids=["Malware"])
    accepts = ResilientFilter(incident_types=("malware",), severities=("high", "Medium"))
    items = bench.connect(accepts).changes(None).items
    assert [item.eligible for item in items] == [True, False, False]


def test_simulations_and_drafts_take_no_part(bench: Bench) -> None:
    bench.maria.create("x")

    def rehearsed(seen: Seen, body: bytes) -> bytes:
        return (
            b'{"recordsTotal":2,"recordsFiltered":2,"data":[{"id":7,"vers":1,"create_date":1,"inc_training":true,'
            b'"properties":{}},{"id":"8","vers":1,"create_date":1,"draft":true,"properties":null}]}'
        )

    bench.soar.faults.arm(Fault(method="POST", path=".*/query_paged", status=200, text=rehearsed))
    items = bench.connector.changes(None).items
    assert [(item.key, item.eligible) for item in items] == [("7", False), ("8", False)]


def test_a_walk_over_many_pages(make: MakeBench) -> None:
    bench = quiet(make)
    made = []
    for number in range(25):
        made.append(bench.maria.create(f"no {number}"))
        if number % 7 == 0:
            bench.clock.forward(milliseconds=1)
    for number in made[:5]:
        bench.clock.forward(milliseconds=1)
        bench.maria.edit(number, city="Oslo")
    bench.soar.limit_pages(4)
    assert listed(bench, None)[0] == set(made)


def test_what_moves_to_the_end_during_the_walk_leaves_no_gap(make: MakeBench) -> None:
    bench = quiet(make)
    made = []
    for number in range(12):
        made.append(bench.maria.create(f"no {number}"))
        bench.clock.forward(seconds=1)
    bench.soar.limit_pages(3)
    left = iter(made)

    def touch(_: object) -> None:
        bench.maria.edit(next(left), city="Oslo")

    bench.soar.faults.arm(Fault(method="POST", path=".*/query_paged", when="after", call=touch, times=4))
    assert listed(bench, None)[0] == set(made)


def test_what_moves_away_from_many_of_one_millisecond_leaves_no_gap(make: MakeBench) -> None:
    bench = quiet(make)
    made = [bench.maria.create(f"no {number}") for number in range(12)]
    bench.soar.limit_pages(4)

    def touch(_: object) -> None:
        bench.clock.forward(seconds=1)
        bench.maria.edit(made[0], city=bench.clock.now.isoformat())

    bench.soar.faults.arm(Fault(method="POST", path=".*/query_paged", times=1))
    bench.soar.faults.arm(Fault(method="POST", path=".*/query_paged", when="after", call=touch))
    assert listed(bench, None)[0] == set(made)


def test_writes_that_the_index_shows_late_are_not_missed(make: MakeBench) -> None:
    bench = quiet(make, search_lag=60.0)
    early = bench.maria.create("early")
    bench.clock.forward(minutes=5)
    cursor = bench.connector.changes(None).cursor
    late = bench.maria.create("late")
    bench.clock.forward(seconds=50)
    bench.maria.edit(early, city="Oslo")
    seen: set[int] = set()
    for _ in range(6):
        found, cursor = listed(bench, cursor)
        seen |= found
        bench.clock.forward(seconds=20)
    assert {early, late} <= seen


def test_what_the_index_hid_from_the_first_walk_is_not_missed(make: MakeBench) -> None:
    bench = quiet(make, search_lag=60.0)
    hidden = bench.maria.create("hidden")
    bench.clock.forward(seconds=10)
    found, cursor = listed(bench, None)
    assert found == set()
    bench.clock.forward(seconds=55)
    assert listed(bench, cursor)[0] == {hidden}


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_platform_with_another_clock(make: MakeBench, hours: int) -> None:
    bench = make()
    skewed = bench.connect(clock=lambda: bench.clock.now + timedelta(hours=hours), notes_per_cycle=0)
    cursor = skewed.changes(None).cursor
    for number in range(4):
        made = bench.maria.create(f"no {number}")
        bench.clock.forward(minutes=3)
        found = skewed.changes(cursor)
        assert str(made) in {item.key for item in found.items}
        cursor = found.cursor


def test_an_incident_that_vanishes_during_the_walk(bench: Bench) -> None:
    cursor = bench.connector.changes(None).cursor
    number = bench.maria.create("x")
    bench.soar.faults.arm(
        Fault(method="POST", path=".*/query_paged", when="after", call=lambda _: bench.maria.delete(number))
    )
    assert bench.connector.changes(cursor).items == ()


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"modified":1,"first":1,"settled":true,"recent":[],"turn":0}'])
def test_a_cursor_that_cannot_be_read_lists_everything(bench: Bench, text: str) -> None:
    number = bench.maria.create("x")
    bench.clock.forward(days=1)
    assert listed(bench, text)[0] == {number}


def test_no_page_is_asked_for_with_names_of_people_or_without_custom_fields(bench: Bench) -> None:
    bench.connector.changes(None)
    (query,) = [seen.query for seen in bench.soar.faults.requests if seen.path.endswith("query_paged")]
    assert "return_level=full" in query
    assert "handle_format=ids" in query


@given(
    st.lists(st.lists(st.integers(0, 10_000), max_size=4), max_size=6), st.integers(0, 5_000), st.integers(1, 1_000)
)
def test_the_cursor_never_goes_back_nor_past_the_start_of_the_walk(
    walks: list[list[int]], begun: int, overlap: int
) -> None:
    last: Cursor | None = None
    for number, seen in enumerate(walks):
        now = begun + number * 100
        after = advanced(last, seen, begun=now, now=now, overlap=overlap, recent={}, turn=0)
        assert after.modified <= now
        assert last is None or after.modified >= last.modified
        assert after.since(overlap) in (after.modified, after.modified - overlap)
        assert loads(after.dumps()) == after
        last = after


def test_the_cursor_remembers_only_so_much() -> None:
    recent = {str(number): "1.1:x" for number in range(RECENT + 10)}
    after = advanced(None, [], begun=1, now=1, overlap=1, recent=recent, turn=3)
    assert len(after.recent) == RECENT
    assert str(RECENT + 9) in after.recent
