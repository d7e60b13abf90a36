"""The system in memory keeps the promises of the connector protocol, so that tests on it mean something."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.actions import Action, AddComment, Create, EditComment, LinkBack, SetFields, SetStatus
from kibcase_connectors.api import Connector
from kibcase_connectors.errors import Conflict, ConnectorError, NotFound, OutcomeUnknown, Refused, Unavailable
from kibcase_connectors.memory import STEPWISE, TICKET_MAP, MemoryConnector, MemorySystem, Thing
from kibcase_connectors.model import FIELDS, STATUS, Json, Side, comment_mark, origin_of


class Bench:
    """A stepwise system, its connector, and what was announced."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.system = MemorySystem(
            "ticket", mapping=TICKET_MAP, workflow=STEPWISE, first="To Do", clock=lambda: self.time, find_lag=30.0
        )
        self.connector = MemoryConnector(self.system, eligible=lambda thing: thing.fields["title"] != "private")
        self.announced: list[dict[str, Json]] = []

    def apply(self, action: Action) -> object:
        return self.connector.apply(action, self.announce)

    def announce(self, values: Mapping[str, Json]) -> None:
        self.announced.append(dict(values))

    def ticket(self, **fields: Json) -> Thing:
        return self.system.add(by="person", **fields)

    def version(self, thing: Thing) -> str:
        return self.connector.read(thing.key).version


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_it_is_a_connector(bench: Bench) -> None:
    connector: Connector = bench.connector
    assert connector.capabilities.fields == frozenset(FIELDS)
    assert connector.capabilities.find_lag == 30.0
    assert [finding.level for finding in connector.check()] == ["ok"]
    connector.close()
    connector.close()


def test_a_new_thing_carries_its_mark_and_starts_where_its_workflow_starts(bench: Bench) -> None:
    action = Create(mark="kibcase-case-1", fields={"title": "x" * 50, "tags": ("lab 7",)}, origin_label="CASE-1")
    receipt = bench.connector.apply(action, bench.announce)
    seen = bench.connector.read(receipt.key)
    assert seen.fields == receipt.stored
    assert seen.fields["title"] == "x" * 39 + "\u2026"
    assert seen.fields["status"] == "To Do"
    assert seen.marks == ("kibcase-case-1",)
    assert seen.touched == {}
    assert bench.announced == [{"title": seen.fields["title"], "tags": ["lab-7", "kibcase-case-1"]}]


def test_a_new_thing_is_found_after_the_lag(bench: Bench) -> None:
    made: list[str] = []
    mark = "kibcase-case-1"
    for _ in range(2):
        made.append(bench.connector.apply(Create(mark=mark, fields={}, origin_label="C"), bench.announce).key)
        bench.time += 10.0
    assert bench.connector.find(mark) == ()
    bench.time += 11.0
    assert bench.connector.find(mark) == (made[0],)
    bench.time += 10.0
    assert bench.connector.find(mark) == tuple(made), "oldest first"
    assert bench.connector.find("kibcase-other") == ()


def test_fields_are_set_all_or_none(bench: Bench) -> None:
    ticket = bench.ticket(title="old", tags=["a", "b"])
    action = SetFields(
        key=ticket.key, version=bench.version(ticket), fields={"title": "new"}, add={"tags": ("c", "a")},
        remove={"tags": ("b",)},
    )
    receipt = bench.connector.apply(action, bench.announce)
    assert receipt.stored == bench.announced[0] == {"title": "new", "tags": ["a", "c"]}
    assert bench.system.writes == ["set-fields"]
    assert ticket.touched["title"].by == "kibcase"


@pytest.mark.parametrize("action", [SetFields, SetStatus])
def test_a_thing_that_has_moved_on_is_not_written(bench: Bench, action: type[SetFields] | type[SetStatus]) -> None:
    ticket = bench.ticket(title="old")
    version = bench.version(ticket)
    bench.system.edit(ticket.key, title="a person's")
    wanted = (
        SetFields(key=ticket.key, version=version, fields={"title": "new"}) if action is SetFields
        else SetStatus(key=ticket.key, version=version, status="closed")
    )
    with pytest.raises(Conflict):
        bench.apply(wanted)
    assert bench.announced == []
    assert bench.system.writes == []
    assert ticket.fields["title"] == "a person's"


def test_a_status_is_reached_step_by_step_and_each_is_announced(bench: Bench) -> None:
    ticket = bench.ticket()
    receipt = bench.connector.apply(
        SetStatus(key=ticket.key, version=bench.version(ticket), status="closed"), bench.announce
    )
    assert [values[STATUS] for values in bench.announced] == ["In Progress", "In Review", "Done"]
    assert bench.system.writes == ["set-status"] * 3
    assert receipt.stored == {STATUS: "Done"}


@given(start=st.sampled_from(list(STEPWISE)), wanted=st.sampled_from(["open", "in-progress", "closed"]))
def test_every_way_goes_by_steps_that_the_workflow_has(start: str, wanted: str) -> None:
    bench = Bench()
    ticket = bench.ticket(status=start)
    bench.apply(SetStatus(key=ticket.key, version=bench.version(ticket), status=wanted))
    way = [start, *(str(values[STATUS]) for values in bench.announced)]
    assert all(after in STEPWISE[before] for before, after in pairwise(way))
    assert TICKET_MAP.canonical(STATUS, ticket.fields["status"]) == wanted


def test_no_way_is_refused_and_nothing_is_written() -> None:
    system = MemorySystem("ticket", mapping=TICKET_MAP, workflow={"To Do": ()}, first="To Do")
    ticket = system.add()
    connector = MemoryConnector(system)
    action = SetStatus(key=ticket.key, version=connector.read(ticket.key).version, status="closed")
    with pytest.raises(Refused, match="no way from To Do to closed") as caught:
        connector.apply(action, lambda _: None)
    assert caught.value.field == STATUS
    assert system.writes == []


def test_comments_are_written_with_their_mark_and_edited(bench: Bench) -> None:
    ticket = bench.ticket()
    first = bench.connector.apply(AddComment(key=ticket.key, mark="m#1", body="said"), bench.announce).comment
    assert first is not None
    second = bench.connector.apply(
        EditComment(key=ticket.key, comment=first.key, mark="m#1", body="said anew"), bench.announce
    ).comment
    assert second is not None
    assert (first.key, first.mark, first.author) == (second.key, second.mark, second.author)
    assert first.digest != second.digest
    assert bench.connector.read(ticket.key).comments == (second,)
    with pytest.raises(NotFound):
        bench.apply(EditComment(key=ticket.key, comment="999", mark="m#1", body="x"))


def test_a_link_back_twice_is_one(bench: Bench) -> None:
    ticket = bench.ticket()
    before = bench.version(ticket)
    for _ in range(2):
        bench.apply(LinkBack(key=ticket.key, mark="m", label="CASE-1", url="https://case.example/1"))
    assert ticket.links == {"m": "https://case.example/1"}
    assert bench.version(ticket) == before


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_fault_happens_before_or_after_the_effect(bench: Bench, when: str) -> None:
    ticket = bench.ticket(title="old")

    def fail(_: str) -> None:
        raise OutcomeUnknown("ticket", "no answer") if when == "after" else Unavailable("ticket", "no answer")

    setattr(bench.system, "on_answer" if when == "after" else "on_write", fail)
    with pytest.raises(ConnectorError):
        bench.apply(SetFields(key=ticket.key, version=bench.version(ticket), fields={"title": "new"}))
    assert ticket.fields["title"] == ("new" if when == "after" else "old")
    assert len(bench.announced) == 1


def test_an_announcement_that_fails_stops_the_request(bench: Bench) -> None:
    ticket = bench.ticket(title="old")

    def cannot(_: Mapping[str, Json]) -> None:
        raise OSError("the disk is full")

    actions: list[Action] = [
        SetFields(key=ticket.key, version=bench.version(ticket), fields={"title": "new"}),
        SetStatus(key=ticket.key, version=bench.version(ticket), status="closed"),
        AddComment(key=ticket.key, mark="m#1", body="x"), Create(mark="m", fields={}, origin_label="C"),
        LinkBack(key=ticket.key, mark="m", label="L", url="https://x.example"),
    ]
    for action in actions:
        with pytest.raises(OSError, match="full"):
            bench.connector.apply(action, cannot)
    assert bench.system.writes == []
    assert list(bench.system.things) == [ticket.key]


def test_what_does_not_exist_is_not_found(bench: Bench) -> None:
    with pytest.raises(NotFound):
        bench.connector.read("ticket-999")
    with pytest.raises(NotFound):
        bench.apply(SetStatus(key="ticket-999", version="1", status="closed"))


def test_a_snapshot_does_not_change_with_the_thing(bench: Bench) -> None:
    ticket = bench.ticket(tags=["a"])
    seen = bench.connector.read(ticket.key)
    bench.system.edit(ticket.key, title="later")
    held = ticket.fields["tags"]
    assert isinstance(held, list)
    held.append("b")
    bench.system.comment(ticket.key, "later")
    assert (seen.fields["title"], seen.fields["tags"], seen.comments) == ("", ["a"], ())


@pytest.mark.parametrize("side", list(Side))
def test_the_mark_of_a_mirror_names_its_original(bench: Bench, side: Side) -> None:
    ticket = bench.ticket()
    bench.system.comment(ticket.key, "said")
    seen = bench.connector.read(ticket.key)
    mark = comment_mark(seen, seen.comments[0])
    assert origin_of(mark, seen) == seen.comments[0].key
    assert origin_of(mark, bench.connector.read(bench.ticket().key)) is None
    assert origin_of(seen.mark, seen) is None
    assert side.other.other is side


@given(st.lists(st.integers(0, 5), max_size=25))
def test_the_feed_leaves_nothing_out(steps: list[int]) -> None:
    """Whatever happens between two looks, everything that changed is in the next answer, with its version."""
    bench = Bench()
    cursor: str | None = None
    known: dict[str, str] = {}
    for step in [*steps, 5]:
        things = list(bench.system.things.values())
        if step == 0 or not things:
            bench.ticket()
        elif step == 1:
            bench.system.edit(things[0].key, title=f"t{bench.system.tick()}")
        elif step == 2:
            bench.system.comment(things[-1].key, "said")
        elif step == 3 and things[0].comments:
            bench.system.edit_comment(things[0].key, things[0].comments[0].key, f"e{bench.system.tick()}")
        elif step == 4 and things[-1].comments:
            bench.system.delete_comment(things[-1].key, things[-1].comments[0].key)
        else:
            changes = bench.connector.changes(cursor)
            cursor = changes.cursor
            known.update({item.key: item.version for item in changes.items})
            assert known == {thing.key: str(thing.version) for thing in bench.system.things.values()}


def test_the_feed_tells_copies_and_what_takes_no_part(bench: Bench) -> None:
    bench.ticket(title="private")
    bench.connector.apply(Create(mark="kibcase-case-1", fields={"title": "copy"}, origin_label="C"), bench.announce)
    told = [(item.eligible, item.marked) for item in bench.connector.changes(None).items]
    assert told == [(False, False), (True, True)]
