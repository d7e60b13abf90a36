"""Ends that differ from those without the crash."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from kibcase_connectors.errors import OutcomeUnknown
from kibcase_daemon.store.api import LinkState
from kibcase_daemon.sync.guards import Limits
from kibcase_daemon.sync.types import Direction, FieldRule, Policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from kibcase_connectors.memory import Thing
    from tests.daemon.engine.conftest import MakeWorld, World


class Killed(BaseException):
    """The process dies here."""


def killing(name: str) -> Callable[[str], None]:
    def kill(request: str) -> None:
        if request == name:
            raise Killed

    return kill


def tags(thing: Thing) -> set[str]:
    held = thing.fields["tags"]
    assert isinstance(held, list)
    return {str(tag) for tag in held if not str(tag).startswith("kibcase-")}


def test_a_tag_removed_after_a_lost_receipt_stays_removed(make_world: MakeWorld) -> None:
    world = make_world(removals=True)
    case, ticket = world.pair(tags=[])
    world.cases.edit(case.key, tags=["wrong"])
    world.tickets.on_answer = killing("set-fields")
    with suppress(Killed):
        world.cycle()
    world.tickets.on_answer = lambda _: None
    assert tags(ticket) == {"wrong"}
    world.cases.edit(case.key, tags=[])
    world.settle()
    assert tags(case) == set(), "what kibcase itself had written came back as somebody's addition"
    assert tags(ticket) == set()


def test_an_edit_that_never_left_is_sent_although_a_person_touched_the_mirror(world: World) -> None:
    case, ticket = world.pair()
    said = world.cases.comment(case.key, "first")
    world.settle()
    world.cases.edit_comment(case.key, said.key, "second")
    world.tickets.on_write = killing("edit-comment")
    with suppress(Killed):
        world.cycle()
    world.tickets.on_write = lambda _: None
    world.tickets.edit_comment(ticket.key, ticket.comments[0].key, "scribble")
    world.settle()
    assert ticket.comments[0].body.endswith("second")
    assert [entry.old for entry in world.audit("conflict")] == ["scribble"]


def test_a_half_walked_status_that_a_person_moved_back_is_told_of_in_the_audit(make_world: MakeWorld) -> None:
    world = make_world(policy=Policy.TICKET)
    case, ticket = world.pair()
    world.cases.edit(case.key, status="closed")
    world.tickets.on_answer = killing("set-status")
    with suppress(Killed):
        world.cycle()
    world.tickets.on_answer = lambda _: None
    assert ticket.fields["status"] == "In Progress"
    world.tickets.edit(ticket.key, status="To Do")
    world.settle()
    # Nobody can tell whether the person meant to undo the step; either end is fine, silence is not.
    assert case.fields["status"] == "open" or world.audit("conflict") or ticket.fields["status"] == "Done"


def test_an_orphan_is_told_of_when_its_case_is_deleted_before_the_receipt(world: World) -> None:
    case = world.cases.add(title="Beacon")

    def lost(name: str) -> None:
        world.cases.delete(case.key)
        raise OutcomeUnknown("ticket", "no answer")

    world.tickets.on_answer = lost
    world.cycle()
    world.tickets.on_answer = lambda _: None
    report = world.cycle()
    link = world.store.links("r")[0]
    assert link.state is LinkState.GONE
    ticket = next(iter(world.tickets.things))
    told = link.reason + " ".join(entry.why for entry in world.store.audit()) + report.error
    assert link.keys.ticket == ticket or ticket in told, "a ticket without a case, and nobody is told"


def test_the_loop_guard_sees_a_long_description_that_two_integrations_fight_about(make_world: MakeWorld) -> None:
    world = make_world()
    case, ticket = world.pair()
    ours, theirs = "ours " * 600, "theirs " * 600
    for _ in range(10):
        world.cases.edit(case.key, description=ours.strip())
        world.cycle()
        world.tickets.edit(ticket.key, description=theirs.strip())
        world.cycle()
    assert "keeps undoing" in world.link(case).reason


def test_the_loop_guard_sees_a_ticket_status_written_again_and_again(make_world: MakeWorld) -> None:
    world = make_world(
        fields={"status": FieldRule(direction=Direction.TO_TICKET)}, limits=Limits(loop_writes=4, loop_seconds=900)
    )
    case, _ = world.pair()
    for _ in range(10):
        world.cases.edit(case.key, status="closed")
        world.cycle()
        world.cases.edit(case.key, status="open")
        world.cycle()
    assert [entry for entry in world.audit("state") if "keeps undoing" in entry.why]


def test_words_written_into_a_mirror_whose_receipt_was_lost_are_kept(world: World) -> None:
    case, ticket = world.pair()
    said = world.cases.comment(case.key, "first")
    world.tickets.on_answer = killing("add-comment")
    with suppress(Killed):
        world.cycle()
    world.tickets.on_answer = lambda _: None
    world.tickets.edit_comment(ticket.key, ticket.comments[0].key, "a person's words")
    world.cases.edit_comment(case.key, said.key, "second")
    world.settle()
    assert ticket.comments[0].body.endswith("second")
    assert [entry.old for entry in world.audit("conflict")] == ["a person's words"]
