"""What becomes of links when things go wrong: retried, parked, released; one never stops another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from kibcase_connectors.errors import Conflict, ConnectorError, Denied, OutcomeUnknown, Refused, Throttled, Unavailable
from kibcase_connectors.model import MARK_PREFIX, Side
from kibcase_daemon.schedule import PARKED_PAUSES, PAUSES
from kibcase_daemon.store.api import LinkState
from kibcase_daemon.sync.guards import Limits
from kibcase_daemon.sync.types import Policy

if TYPE_CHECKING:
    from tests.daemon.engine.conftest import MakeWorld, World

FailOn = Callable[..., Callable[[str, str], None]]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Refused("ticket", "that title is forbidden"), LinkState.PARKED),
        (Unavailable("ticket", "error 500"), LinkState.WAITING),
        (OutcomeUnknown("ticket", "no answer"), LinkState.WAITING),
        (Conflict("ticket", "has changed"), LinkState.WAITING),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ConnectorError) else str(value),
)
def test_a_link_that_fails_never_stops_another(
    world: World, fail_on: FailOn, error: ConnectorError, state: LinkState
) -> None:
    ill, ill_ticket = world.pair(title="ill")
    well, well_ticket = world.pair(title="well")
    world.cases.edit(ill.key, title="ill, changed")
    world.cases.edit(well.key, title="well, changed")

    def fail(asked: str, about: str) -> None:
        if asked == "read" and about == ill_ticket.key:
            raise error

    world.wires.ticket.fails = fail
    report = world.cycle()
    assert not report.error
    assert well_ticket.fields["title"] == "well, changed"
    assert [link.keys.case for link in report.troubled] == [ill.key]
    assert world.link(ill).state is state
    assert str(error) in world.link(ill).reason or "keep changing" in world.link(ill).reason
    world.wires.ticket.fails = lambda *_: None
    world.settle()
    assert ill_ticket.fields["title"] == "ill, changed"


@pytest.mark.parametrize("what", ["read", "apply", "find"])
@pytest.mark.parametrize(
    "error", [Throttled("ticket", "slow down", retry_after=30.0), Denied("ticket", "not logged in")],
    ids=lambda error: type(error).__name__,
)
def test_throttling_and_refused_credentials_end_the_cycle_and_lose_nothing(
    world: World, fail_on: FailOn, error: ConnectorError, what: str
) -> None:
    cases = [world.pair(title=f"case {number}")[0] for number in range(2)]
    for case in cases:
        world.cases.edit(case.key, title=f"{case.key} changed")
    world.cases.add(title="new")
    world.wires.ticket.fails = fail_on(error, what=what)
    report = world.cycle()
    assert report.error == str(error)
    assert report.denied is isinstance(error, Denied)
    assert report.retry_after == (30.0 if isinstance(error, Throttled) else None)
    assert world.wires.ticket.count(what) >= 1
    world.wires.ticket.fails = lambda *_: None
    world.settle()
    titles = {str(thing.fields["title"]) for thing in world.tickets.things.values()}
    assert titles == {"case-1 changed", "case-4 changed", "new"} or titles == {
        *(f"{case.key} changed" for case in cases), "new"
    }


def test_a_throttled_cycle_asks_nothing_more(world: World, fail_on: FailOn) -> None:
    for number in range(4):
        world.cases.add(title=f"case {number}")
    world.wires.ticket.fails = fail_on(Throttled("ticket", "slow down"), what="find")
    world.cycle()
    assert world.wires.ticket.count("find") == 1


def test_a_side_that_cannot_be_polled_ends_the_cycle_and_keeps_the_other_sides_news(
    world: World, fail_on: FailOn
) -> None:
    case, ticket = world.pair()
    world.cases.edit(case.key, title="changed")
    world.wires.ticket.fails = fail_on(Unavailable("ticket", "no answer"), what="changes")
    assert world.cycle().error
    assert ticket.fields["title"] == "Beacon"
    world.wires.ticket.fails = lambda *_: None
    world.cycle()
    assert ticket.fields["title"] == "changed"


def test_three_failing_links_in_a_row_are_an_outage(world: World, fail_on: FailOn) -> None:
    for number in range(6):
        world.cases.add(title=f"case {number}")
    world.wires.ticket.fails = fail_on(Unavailable("ticket", "error 503"), what="find")
    report = world.cycle()
    assert "3 links failed one after the other" in report.error
    assert world.wires.ticket.count("find") == 3
    world.wires.ticket.fails = lambda *_: None
    world.settle()
    assert len(world.tickets.things) == 6


def test_pauses_between_attempts_grow(world: World, fail_on: FailOn) -> None:
    case, _ = world.pair()
    world.cases.edit(case.key, title="changed")
    world.wires.ticket.fails = fail_on(Unavailable("ticket", "error 500"), what="apply")
    waited = []
    for _ in range(4):
        world.cycle()
        link = world.link(case)
        assert link.retry_at is not None
        waited.append(link.retry_at - world.time)
        world.time = link.retry_at
    assert waited == list(PAUSES[:4])


def test_success_starts_the_pauses_over(world: World, fail_on: FailOn) -> None:
    case, _ = world.pair()
    world.cases.edit(case.key, title="changed")
    world.wires.ticket.fails = fail_on(Unavailable("ticket", "error 500"), what="apply", times=2)
    world.settle()
    link = world.link(case)
    assert (link.state, link.attempts, link.retry_at, link.reason) == (LinkState.ACTIVE, 0, None, "")


def test_an_outcome_nobody_knows_is_looked_into_at_once(world: World) -> None:
    case, ticket = world.pair()
    world.cases.edit(case.key, title="changed")

    def lost(_: str) -> None:
        raise OutcomeUnknown("ticket", "no answer")

    world.tickets.on_answer = lost
    world.cycle()
    assert world.link(case).retry_at == world.time
    world.tickets.on_answer = lambda _: None
    writes = world.writes
    assert world.cycle().in_step
    assert world.writes == writes, "it had arrived"
    assert ticket.fields["title"] == "changed"


def refused(world: World, what: str = "SetFields") -> None:
    def fail(asked: str, about: str) -> None:
        if (asked, about) == ("apply", what):
            raise Refused("ticket", "the title", said="that word is forbidden", field="title")

    world.wires.ticket.fails = fail


def test_a_refused_field_does_not_hold_up_comments_or_the_status(world: World) -> None:
    case, ticket = world.pair()
    world.cases.edit(case.key, title="forbidden", status="closed")
    world.cases.comment(case.key, "a remark")
    refused(world)
    report = world.cycle()
    assert ticket.comments[0].body.endswith("a remark")
    assert ticket.fields["status"] == "Done"
    assert ticket.fields["title"] == "Beacon"
    (link,) = report.troubled
    assert link.state is LinkState.PARKED
    assert "that word is forbidden" in link.reason
    assert [entry.why for entry in world.audit("state")] == [f"parked: {link.reason}"]


@pytest.mark.parametrize("side", list(Side))
def test_a_parked_link_is_released_by_a_change_on_either_side(world: World, side: Side) -> None:
    case, ticket = world.pair()
    world.cases.edit(case.key, title="forbidden")
    refused(world)
    world.cycle()
    world.forget_asked()
    world.cycle()
    assert world.wires.ticket.count("apply") == 0, "it is left alone until then"
    world.wires.ticket.fails = lambda *_: None
    if side is Side.CASE:
        world.cases.edit(case.key, title="allowed")
    else:
        world.tickets.edit(ticket.key, severity="Low")
    assert world.cycle().in_step
    assert ticket.fields["title"] == case.fields["title"]
    assert "in step again" in [entry.why for entry in world.audit("state")]


def test_a_parked_link_is_looked_at_again_after_growing_pauses(world: World) -> None:
    case, _ = world.pair()
    world.cases.edit(case.key, title="forbidden")
    refused(world)
    world.cycle()
    waited = []
    for _ in range(4):
        link = world.link(case)
        assert link.retry_at is not None
        waited.append(link.retry_at - world.time)
        world.time = link.retry_at - 2.0
        world.forget_asked()
        world.cycle()
        assert world.wires.ticket.count("apply") == 0, "a second too early"
        world.cycle()
        assert world.wires.ticket.count("apply") == 1
    assert waited == [*PARKED_PAUSES, PARKED_PAUSES[-1]]
    assert len(world.audit("state")) == 1, "the same reason is told once"


def test_a_flood_of_new_copies_waits_for_a_person_and_the_rest_goes_on(make_world: MakeWorld) -> None:
    world = make_world(limits=Limits(creations=3))
    case, ticket = world.pair()
    for number in range(4):
        world.cases.add(title=f"flood {number}")
    world.cases.edit(case.key, title="changed")
    report = world.cycle()
    assert "4 new copies would be made at once" in report.error
    assert list(world.tickets.things) == [ticket.key]
    assert ticket.fields["title"] == "changed"
    world.limits = Limits(creations=4)
    world.settle()
    assert len(world.tickets.things) == 5


def test_as_many_as_the_limit_are_no_flood(make_world: MakeWorld) -> None:
    world = make_world(limits=Limits(creations=3))
    for number in range(3):
        world.cases.add(title=f"case {number}")
    assert world.cycle().in_step
    assert len(world.tickets.things) == 3


def test_a_fight_with_something_else_is_given_up_and_told(make_world: MakeWorld) -> None:
    world = make_world(policy=Policy.CASE, limits=Limits(loop_writes=3, loop_seconds=900.0))
    case, ticket = world.pair()
    for _ in range(12):
        world.cases.edit(case.key, title="ours")
        world.cycle()
        world.tickets.edit(ticket.key, title="theirs")
        world.cycle()
    link = world.link(case)
    assert link.state is LinkState.PARKED
    assert "something else keeps undoing it" in link.reason
    assert sum(1 for entry in world.audit("field") if entry.side == "ticket" and entry.new == "ours") == 3


def test_changes_in_their_own_time_are_no_fight(make_world: MakeWorld) -> None:
    world = make_world(limits=Limits(loop_writes=2, loop_seconds=60.0))
    case, ticket = world.pair()
    for _ in range(5):
        for title in ("one", "two"):
            world.time += 100.0
            world.cases.edit(case.key, title=title)
            assert world.cycle().in_step
    assert ticket.fields["title"] == "two"


def test_twins_are_told_of_and_the_oldest_is_kept(world: World) -> None:
    case, ticket = world.pair()
    clone = world.tickets.add(title="a person's clone", tags=[f"{MARK_PREFIX}{case.key}"])
    world.lose_store()
    world.settle()
    assert world.link(case).keys.ticket == ticket.key
    assert any(clone.key in entry.why for entry in world.audit("state"))
    assert len(world.tickets.things) == 2


def test_a_new_thing_that_cannot_be_found_yet_is_waited_for(make_world: MakeWorld) -> None:
    world = make_world(find_lag=30.0)
    case = world.cases.add(title="Beacon")

    def lost(_: str) -> None:
        raise OutcomeUnknown("ticket", "no answer")

    world.tickets.on_answer = lost
    world.cycle()
    world.tickets.on_answer = lambda _: None
    world.cycle()
    link = world.link(case)
    assert link.state is LinkState.WAITING
    assert link.retry_at is not None
    assert link.retry_at - world.time > 20.0
    assert link.attempts == 1, "waiting for an index is no failure"
    world.time = link.retry_at
    assert world.cycle().in_step
    assert len(world.tickets.things) == 1


def test_a_mirror_that_cannot_be_read_yet_is_waited_for(world: World) -> None:
    case, ticket = world.pair()
    world.wires.ticket.read_lag = 5.0
    world.cases.comment(case.key, "a remark")

    def die(_: str) -> None:
        raise OutcomeUnknown("ticket", "no answer")

    world.tickets.on_write = die
    world.cycle()
    world.tickets.on_write = lambda _: None
    world.cycle()
    assert ticket.comments == [], "it may still turn up"
    assert world.link(case).state is LinkState.WAITING
    world.time += 10.0
    assert world.cycle().in_step
    assert len(ticket.comments) == 1


def test_an_edit_between_reading_and_writing_is_not_overwritten(make_world: MakeWorld) -> None:
    world = make_world(policy=Policy.CASE)
    case, ticket = world.pair()
    world.cases.edit(case.key, title="from the case")

    def meddle(asked: str, about: str) -> None:
        if (asked, about) == ("apply", "SetFields"):
            world.wires.ticket.fails = lambda *_: None
            world.tickets.edit(ticket.key, title="meanwhile", severity="Low")

    world.wires.ticket.fails = meddle
    assert world.cycle().in_step
    assert case.fields["severity"] == "low"
    assert [entry.old for entry in world.audit("conflict")] == ["meanwhile"]


def test_a_ticket_deleted_while_it_is_written_is_gone_and_nothing_else(world: World) -> None:
    case, ticket = world.pair()
    well, well_ticket = world.pair(title="well")
    world.cases.edit(case.key, title="changed")
    world.cases.edit(well.key, title="well, changed")

    def vanish(asked: str, about: str) -> None:
        if asked == "apply" and ticket.key in world.tickets.things:
            world.tickets.delete(ticket.key)

    world.wires.ticket.fails = vanish
    report = world.cycle()
    assert [link.keys.case for link in report.gone] == [case.key]
    assert well_ticket.fields["title"] == "well, changed"


def test_a_flood_is_judged_again_by_the_filter_of_the_next_cycle(make_world: MakeWorld) -> None:
    wanted: list[str] = []
    world = make_world(limits=Limits(creations=2), eligible=lambda thing: not wanted or thing.key in wanted)
    cases = [world.cases.add(title=f"case {number}") for number in range(4)]
    assert "more than" in world.cycle().error
    assert len(world.preview()) == 4
    wanted.append(cases[1].key)
    assert len(world.preview()) == 1
    assert world.cycle().in_step
    assert len(world.tickets.things) == 1


def test_a_flood_that_has_gone_down_is_let_through(make_world: MakeWorld) -> None:
    world = make_world(limits=Limits(creations=2))
    cases = [world.cases.add(title=f"case {number}") for number in range(4)]
    assert world.cycle().error
    for case in cases[:2]:
        world.cases.delete(case.key)
    assert world.cycle().in_step
    assert len(world.tickets.things) == 2
