"""Promises of the engine that do not hold: pauses, guards, previews, one link against the others."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from kibcase_connectors.errors import NotFound, OutcomeUnknown, Refused, Throttled, Unavailable
from kibcase_connectors.model import MARK_PREFIX
from kibcase_daemon.store.api import LinkState
from kibcase_daemon.sync.guards import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.daemon.engine.conftest import MakeWorld, World

    FailOn = Callable[..., Callable[[str, str], None]]


def test_a_foreign_mark_on_a_linked_ticket_stops_no_other_link(world: World) -> None:
    _, ticket = world.pair()
    new = world.cases.add(title="new case")
    # Anybody who may edit labels can do this, and clones and merges of tickets do it by themselves.
    labels = ticket.fields["tags"]
    assert isinstance(labels, list)
    world.tickets.edit(ticket.key, tags=[*labels, f"{MARK_PREFIX}{new.key}"])
    other = world.cases.add(title="another case")
    world.cycle()
    assert world.link(other).keys.ticket is not None
    assert world.link(new).state is LinkState.PARKED or world.link(new).keys.ticket != ticket.key


def test_a_waiting_link_waits_although_the_feed_lists_it_again(world: World, fail_on: FailOn) -> None:
    case, _ = world.pair()
    world.wires.ticket.fails = fail_on(Unavailable("ticket", "no answer"), what="apply")
    world.cases.edit(case.key, title="changed")
    world.cycle()
    world.time += 3.0
    world.cycle()
    link = world.link(case)
    assert link.retry_at is not None
    tried = link.attempts
    assert link.retry_at > world.time + 5.0
    for _ in range(4):
        world.cycle()
    assert world.link(case).attempts == tried, "tried again before its pause was over, and nobody had touched it"


def test_a_link_parked_after_many_failures_is_first_tried_again_within_the_hour(
    world: World, fail_on: FailOn
) -> None:
    case, _ = world.pair()
    world.wires.ticket.fails = fail_on(Unavailable("ticket", "no answer"), what="apply")
    world.cases.edit(case.key, title="changed")
    for _ in range(20):
        world.cycle()
        link = world.link(case)
        if link.state is LinkState.PARKED:
            break
        assert link.retry_at is not None
        world.time = max(world.time, link.retry_at)
    assert link.state is LinkState.PARKED
    assert link.retry_at is not None
    assert link.retry_at - world.time <= 3600.0


def test_find_that_says_not_found_stops_no_other_link(world: World, fail_on: FailOn) -> None:
    first, second = world.cases.add(title="first"), world.cases.add(title="second")
    world.wires.ticket.fails = fail_on(
        NotFound("ticket", "search"), what="find", of=f"{MARK_PREFIX}{first.key}"
    )
    report = world.cycle()
    assert not report.error
    assert world.link(second).keys.ticket is not None


def test_links_in_step_between_failing_ones_are_no_outage(world: World, fail_on: FailOn) -> None:
    broken = []
    for number in range(6):
        case, ticket = world.pair(title=f"case {number}")
        broken.append((case, ticket))
    ill = {broken[0][1].key, broken[2][1].key, broken[4][1].key}

    def fail(asked: str, about: str) -> None:
        if asked == "read" and about in ill:
            raise Unavailable("ticket", about)

    world.wires.ticket.fails = fail
    world.time += 4000.0
    report = world.cycle(full=True)
    # Ill, healthy, ill, healthy, ill, healthy: never three one after the other.
    assert not report.error
    assert report.looked_at == 6


def test_preview_says_that_the_loop_guard_would_stop_a_link(make_world: MakeWorld) -> None:
    world = make_world(limits=Limits(loop_writes=2))
    case, ticket = world.pair()
    for _ in range(2):
        world.cases.edit(case.key, title="mine")
        world.cycle()
        ticket.fields["title"] = "theirs"
        world.tickets.edit(ticket.key)
        world.cycle()
    world.cases.edit(case.key, title="mine")
    world.time += 1.0
    shown = world.preview()
    before = world.writes
    world.cycle()
    assert world.writes == before, "the guard has stopped it"
    assert [preview for preview in shown if preview.note], "and the preview did not say so"


def test_preview_says_that_the_flood_guard_would_stop_new_links(make_world: MakeWorld) -> None:
    world = make_world(limits=Limits(creations=1))
    world.cases.add(title="one")
    world.cases.add(title="two")
    shown = world.preview()
    world.cycle()
    assert world.writes == 0
    assert len(shown) == 2
    assert all(preview.note for preview in shown)


def test_a_create_that_arrives_late_is_not_repeated(make_world: MakeWorld) -> None:
    world = make_world(find_lag=5.0)
    world.cases.add(title="Beacon")

    def slow(name: str) -> None:
        # The request is under way for longer than the lag of the search; the client's time-out is longer still.
        world.time += 30.0

    def lost(name: str) -> None:
        world.time += 1.0
        raise OutcomeUnknown("ticket", "no answer within 31 seconds")

    world.tickets.on_write, world.tickets.on_answer = slow, lost
    world.cycle()
    world.tickets.on_write = world.tickets.on_answer = lambda _: None
    world.settle()
    assert len(world.tickets.things) == 1


def test_throttling_alone_never_parks_a_link(world: World, fail_on: FailOn) -> None:
    case, _ = world.pair()
    world.wires.ticket.fails = fail_on(Throttled("ticket", "too many requests", retry_after=1.0), what="apply")
    world.cases.edit(case.key, title="changed")
    for _ in range(12):
        world.time += 60.0
        world.cycle()
    assert world.link(case).state is LinkState.WAITING


def test_a_correction_made_while_its_predecessor_is_refused_is_not_parked_with_it(world: World) -> None:
    case, ticket = world.pair()
    world.cases.edit(case.key, title="forbidden word")
    world.cases.comment(case.key, "a remark")

    def fail(asked: str, about: str) -> None:
        if asked != "apply":
            return
        if about == "SetFields" and case.fields["title"] == "forbidden word":
            raise Refused("ticket", "that word is forbidden", field="title")
        if about == "AddComment":
            world.cases.edit(case.key, title="decent word")

    world.wires.ticket.fails = fail
    world.cycle()
    world.cycle()
    assert ticket.fields["title"] == "decent word"


@pytest.mark.parametrize("crash", [False, True])
def test_a_status_set_right_after_a_creation_is_judged_the_same_with_and_without_a_crash(
    make_world: MakeWorld, crash: bool
) -> None:
    from kibcase_daemon.sync.types import Policy

    world = make_world(policy=Policy.CASE)
    case = world.cases.add(title="Beacon", status="closed")

    class Killed(BaseException):
        pass

    def answer(name: str) -> None:
        world.tickets.on_answer = lambda _: None
        ticket = next(iter(world.tickets.things.values()))
        world.tickets.edit(ticket.key, status="In Progress")
        if crash:
            raise Killed

    world.tickets.on_answer = answer
    with suppress(Killed):
        world.cycle()
    world.settle()
    assert case.fields["status"] == "closed"


def test_a_ticket_that_becomes_visible_again_is_taken_up_again(world: World) -> None:
    case, ticket = world.pair()
    hidden = world.tickets.things.pop(ticket.key)
    world.cases.edit(case.key, title="while it was hidden")
    world.cycle()
    assert world.link(case).state is LinkState.GONE
    world.tickets.things[ticket.key] = hidden
    world.tickets.edit(ticket.key, severity="Low")
    world.cycle()
    assert world.link(case).state is LinkState.ACTIVE


def test_a_tag_cannot_become_a_mark_by_its_spelling(world: World) -> None:
    """Blanks become hyphens in a label, so a harmless tag turns into the mark of another case."""
    first, _ = world.pair()
    second = world.cases.add(title="second")
    world.cases.edit(first.key, tags=[f"kibcase {second.key}"])
    forged = f"{MARK_PREFIX}{second.key}"
    report = world.engine().cycle()
    carriers = [thing for thing in world.tickets.things.values() if forged in str(thing.fields["tags"])]
    assert not report.error
    assert len(carriers) == 1
