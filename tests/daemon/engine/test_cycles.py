"""What a cycle costs and does when nothing goes wrong: idle, carrying, creating, linking again, previewing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kibcase_connectors.errors import Unavailable
from kibcase_connectors.memory import Thing
from kibcase_connectors.model import MARK_PREFIX, Side, Snapshot
from kibcase_daemon.store.api import LinkState
from kibcase_daemon.sync.types import Both, Direction, FieldRule, Policy, Verdict

if TYPE_CHECKING:
    from tests.daemon.engine.conftest import MakeWorld, World

BOTH = Both(case=True, ticket=True)


def own_tags(thing: Thing) -> set[str]:
    held = thing.fields["tags"]
    assert isinstance(held, list)
    return {str(tag) for tag in held if not str(tag).startswith(MARK_PREFIX)}


def test_an_idle_cycle_asks_each_side_once_however_many_links_there_are(world: World) -> None:
    for number in range(7):
        world.pair(title=f"case {number}")
    world.cycle()
    world.forget_asked()
    report = world.cycle()
    assert world.wires.case.asked == world.wires.ticket.asked == [("changes", "")]
    assert report.in_step
    assert (report.applied, report.looked_at) == ((), 0)


def test_one_change_costs_the_same_however_many_links_there_are(world: World) -> None:
    case, _ = world.pair()

    def cost() -> tuple[list[str], list[str]]:
        world.settle()
        world.forget_asked()
        world.cases.edit(case.key, title=f"title {world.time}")
        world.settle()
        world.cycle()
        return [what for what, _ in world.wires.case.asked], [what for what, _ in world.wires.ticket.asked]

    alone = cost()
    for number in range(5):
        world.pair(title=f"case {number}")
    assert cost() == alone


def test_a_case_gets_its_ticket_with_everything_in_it(world: World) -> None:
    case = world.cases.add(title="Beacon", severity="critical", tags=["lab 7"], status="in-progress", by="Ada")
    world.cases.comment(case.key, "look here", by="Ada")
    report = world.cycle()
    (ticket,) = world.tickets.things.values()
    assert (ticket.fields["title"], ticket.fields["severity"], ticket.fields["status"]) == (
        "Beacon", "High", "In Progress"
    )
    assert own_tags(ticket) == {"lab-7"}
    assert ticket.comments[0].body.endswith("look here")
    assert ticket.links == {f"{MARK_PREFIX}{case.key}": f"https://case.example/{case.key}"}
    assert {entry.kind for entry in report.applied} == {"create", "link", "comment", "field"}
    assert list(report.applied) == world.told


def test_kibcases_own_writes_are_no_changes(world: World) -> None:
    case, ticket = world.pair(title="a title that is too long for a ticket by far, so it is cut", severity="critical")
    world.tickets.edit(ticket.key, status="In Review")
    world.cases.comment(case.key, "remark")
    world.settle()
    writes = world.writes
    for _ in range(3):
        assert world.cycle(full=True).applied == ()
    assert world.writes == writes
    assert case.fields["title"] == "a title that is too long for a ticket by far, so it is cut"
    assert case.fields["severity"] == "critical"


@pytest.mark.parametrize("side", list(Side))
def test_both_sides_create_and_no_copy_is_copied_back(make_world: MakeWorld, side: Side) -> None:
    world = make_world(creates=BOTH)
    world.system(side).add(title="original")
    for _ in range(4):
        world.cycle()
    assert len(world.cases.things) == len(world.tickets.things) == 1


def test_things_made_on_both_sides_at_once_each_get_one_copy(make_world: MakeWorld) -> None:
    world = make_world(creates=BOTH)
    world.cases.add(title="from the case side")
    world.tickets.add(title="from the ticket side")
    world.settle()
    assert sorted(str(thing.fields["title"]) for thing in world.cases.things.values()) == [
        "from the case side", "from the ticket side"
    ]
    assert len(world.tickets.things) == 2


def test_what_the_filter_leaves_out_gets_no_copy(make_world: MakeWorld) -> None:
    world = make_world(eligible=lambda thing: "secret" not in str(thing.fields["title"]))
    world.cases.add(title="top secret")
    world.cases.add(title="public")
    world.settle()
    assert [thing.fields["title"] for thing in world.tickets.things.values()] == ["public"]
    assert world.store.queued("r") == []


def test_a_side_that_makes_no_copies_gets_none(world: World) -> None:
    world.tickets.add(title="somebody's own ticket")
    assert world.cycle().in_step
    assert world.cases.things == {}


@pytest.mark.parametrize("creates", [Both(case=False, ticket=True), BOTH])
def test_a_lost_store_is_made_up_for_by_the_marks(make_world: MakeWorld, creates: Both[bool]) -> None:
    world = make_world(creates=creates)
    pairs = [world.pair(title=f"case {number}", tags=["lab 7"]) for number in range(3)]
    if creates.case:
        world.tickets.add(title="a ticket's own")
    world.cases.comment(pairs[0][0].key, "from the case")
    world.tickets.comment(pairs[1][1].key, "from the ticket")
    world.settle()
    world.cases.writes.clear()
    world.tickets.writes.clear()
    world.lose_store()
    report = world.settle()
    assert {*world.cases.writes, *world.tickets.writes} == {"link"}, "writing the same link again changes nothing"
    assert report.in_step
    keys = {(link.keys.case, link.keys.ticket) for link in world.store.links("r")}
    assert keys >= {(case.key, ticket.key) for case, ticket in pairs}
    assert len(keys) == len(world.cases.things) == len(world.tickets.things)


def test_after_a_lost_store_a_difference_is_settled_by_policy_and_told_of(make_world: MakeWorld) -> None:
    world = make_world(policy=Policy.TICKET)
    case, ticket = world.pair(severity="low")
    world.lose_store()
    world.cases.edit(case.key, severity="high")
    world.settle()
    assert (case.fields["severity"], ticket.fields["severity"]) == ("low", "Low")
    assert [(entry.old, entry.side) for entry in world.audit("conflict")] == [("high", "case")]


@pytest.mark.parametrize("direction", [Direction.TO_TICKET, Direction.TO_CASE, Direction.ONCE, Direction.OFF])
def test_a_field_goes_only_where_its_direction_points(make_world: MakeWorld, direction: Direction) -> None:
    world = make_world(fields={"severity": FieldRule(direction=direction)})
    case, ticket = world.pair(severity="low")
    at_creation = direction in {Direction.TO_TICKET, Direction.ONCE}
    assert ticket.fields["severity"] == ("Low" if at_creation else "Medium")
    world.tickets.edit(ticket.key, severity="High")
    world.settle()
    assert case.fields["severity"] == ("high" if direction is Direction.TO_CASE else "low")
    world.cases.edit(case.key, severity="medium")
    world.settle()
    assert ticket.fields["severity"] == ("Medium" if direction is Direction.TO_TICKET else "High")


def test_a_manual_conflict_writes_nothing_until_a_person_has_decided(make_world: MakeWorld) -> None:
    world = make_world(policy=Policy.MANUAL)
    case, ticket = world.pair()
    world.cases.edit(case.key, title="mine", severity="low")
    world.tickets.edit(ticket.key, title="yours")
    world.cycle()
    assert (case.fields["title"], ticket.fields["title"]) == ("mine", "yours")
    assert ticket.fields["severity"] == "Low", "the rest goes on"
    link = world.link(case)
    assert link.state is LinkState.PARKED
    assert "a person must decide" in link.reason
    world.tickets.edit(ticket.key, title="mine")
    report = world.cycle()
    assert report.in_step
    assert world.link(case).state is LinkState.ACTIVE


def test_a_manual_conflict_survives_comments_and_full_cycles(make_world: MakeWorld) -> None:
    world = make_world(policy=Policy.MANUAL)
    case, ticket = world.pair()
    world.cases.edit(case.key, title="mine")
    world.tickets.edit(ticket.key, title="yours")
    world.cycle()
    world.cases.comment(case.key, "what about the title?")
    world.cycle()
    world.cycle(full=True)
    assert (case.fields["title"], ticket.fields["title"]) == ("mine", "yours")
    assert ticket.comments[0].body.endswith("what about the title?")
    assert world.link(case).state is LinkState.PARKED


def test_an_unmapped_status_is_held_until_it_has_a_meaning_again(world: World) -> None:
    case, ticket = world.pair()
    world.tickets.edit(ticket.key, status="Blocked", severity="Low")
    world.cycle()
    assert (case.fields["status"], case.fields["severity"]) == ("open", "low")
    assert "'Blocked' has no counterpart" in world.link(case).reason
    world.tickets.edit(ticket.key, status="Done")
    assert world.settle().in_step
    assert case.fields["status"] == "closed"


def test_preview_writes_nothing_anywhere(world: World) -> None:
    case, ticket = world.pair()
    world.cases.edit(case.key, title="changed")
    world.tickets.comment(ticket.key, "a remark")
    world.cases.add(title="another")
    before = (list(world.store._db.iterdump()), world.writes)
    world.preview()
    world.preview(full=True)
    assert (list(world.store._db.iterdump()), world.writes) == before


def test_preview_says_what_the_cycle_then_does(make_world: MakeWorld) -> None:
    world = make_world(policy=Policy.CASE)
    case, ticket = world.pair()
    world.cases.edit(case.key, title="mine", severity="low")
    world.tickets.edit(ticket.key, title="yours", status="Done")
    world.tickets.comment(ticket.key, "done")
    shown = [
        (planned.side.value, type(planned.action).__name__)
        for preview in world.preview() for planned in preview.plan.actions
    ]
    world.forget_asked()
    world.cycle()
    done = [
        (side.value, action) for side in Side for what, action in world.wires.of(side).asked if what == "apply"
    ]
    assert shown == done
    assert shown == [
        ("case", "AddComment"), ("case", "SetStatus"), ("ticket", "SetFields"),
    ]


def test_preview_names_conflicts_questions_and_new_copies(make_world: MakeWorld) -> None:
    world = make_world(policy=Policy.CASE, fields={"severity": FieldRule(policy=Policy.MANUAL)})
    case, ticket = world.pair()
    world.cases.edit(case.key, title="mine", severity="low")
    world.tickets.edit(ticket.key, title="yours", severity="Medium")
    new = world.cases.add(title="new")
    told = {preview.link.keys.case: preview for preview in world.preview()}
    verdicts = {change.field: change.verdict for change in told[case.key].plan.changes}
    assert verdicts == {"title": Verdict.CONFLICT, "severity": Verdict.HELD}
    assert told[new.key].plan.actions[0].id.endswith("/create")


def test_preview_of_links_in_step_is_empty(world: World) -> None:
    world.pair()
    assert world.preview() == []
    assert world.preview(full=True) == []


def test_preview_says_that_a_side_is_gone(world: World) -> None:
    _, ticket = world.pair()
    world.tickets.delete(ticket.key)
    (told,) = world.preview(full=True)
    assert "no longer exists" in told.note
    assert told.plan.actions == ()


def test_a_case_deleted_is_found_by_a_full_cycle_and_its_ticket_stays(world: World) -> None:
    case, ticket = world.pair()
    world.cases.delete(case.key)
    report = world.cycle(full=True)
    assert [link.keys.ticket for link in report.gone] == [ticket.key]
    assert world.store.links("r")[0].state is LinkState.GONE
    assert ticket.key in world.tickets.things
    assert world.cycle(full=True).gone == (), "told once"
    world.tickets.edit(ticket.key, title="goes on alone")
    assert world.cycle().in_step


def test_a_deleted_ticket_is_not_made_again(world: World) -> None:
    case, ticket = world.pair()
    world.tickets.delete(ticket.key)
    world.cases.edit(case.key, title="changed")
    assert len(world.cycle().gone) == 1
    world.cases.edit(case.key, title="changed again")
    world.cycle(full=True)
    assert world.tickets.things == {}


def test_success_is_noted_and_failure_is_not(world: World) -> None:
    world.cycle()
    assert world.store.noted("success/r") == {"at": world.time}
    first = world.time

    def fail(asked: str, about: str) -> None:
        raise Unavailable("case", "no answer")

    world.wires.case.fails = fail
    assert world.cycle().error == "case: no answer"
    assert world.store.noted("success/r") == {"at": first}


def test_a_mark_that_was_taken_away_is_put_back(world: World) -> None:
    """Kibana's own push writes the labels of a ticket as a whole list, without the mark."""
    case, ticket = world.pair(tags=["edr"])
    world.tickets.edit(ticket.key, tags=["edr"])
    world.settle()
    assert ticket.fields["tags"] == ["edr", f"kibcase-{case.key}"]
    assert case.fields["tags"] == ["edr"]
    before = world.writes
    world.cycle(full=True)
    assert world.writes == before
    world.lose_store()
    world.settle()
    assert len(world.tickets.things) == 1


def test_what_may_be_incomplete_is_looked_at_again(world: World) -> None:
    """Comments are found by a search that may lag behind the version that already counts them."""
    case, ticket = world.pair()
    read = world.wires.case.read
    late = world.cases.comment(case.key, "late")

    def lagging(key: str) -> Snapshot:
        seen = read(key)
        return replace(seen, comments=tuple(one for one in seen.comments if one.key != late.key), settled=False)

    world.wires.case.read = lagging  # type: ignore[method-assign]
    world.cycle()
    assert ticket.comments == []
    world.wires.case.read = read  # type: ignore[method-assign]
    world.cycle()
    assert [comment.body.endswith("late") for comment in ticket.comments] == [True]
