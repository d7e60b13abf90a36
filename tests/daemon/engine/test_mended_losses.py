"""Values that get lost, or are not told of, although the promise says they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kibcase_connectors.mapping import Elements, FieldMap
from kibcase_connectors.memory import TICKET_MAP
from kibcase_connectors.model import TAGS
from kibcase_daemon.store.api import LinkState
from kibcase_daemon.sync.types import Policy

if TYPE_CHECKING:
    from tests.daemon.engine.conftest import MakeWorld, World


def _ascii_label(tag: str) -> str:
    label = "".join(char for char in tag if char.isascii() and not char.isspace())
    if not label:
        raise ValueError("nothing is left of the tag")
    return label


NARROW = FieldMap({**TICKET_MAP.codecs, TAGS: Elements(write=_ascii_label, key=_ascii_label)})
"""A ticket system whose labels cannot spell every tag, as Jira's cannot spell one of control characters only."""


def test_a_long_losing_value_is_kept_whole(make_world: MakeWorld) -> None:
    world = make_world(policy=Policy.CASE)
    case, ticket = world.pair(description="first")
    lost = "An hour of work on the ticket. " * 300
    world.tickets.edit(ticket.key, description=lost.strip())
    world.cases.edit(case.key, description="the case's text")
    world.settle()
    assert ticket.fields["description"] == "the case's text"
    assert [entry.old for entry in world.audit("conflict")] == [lost.strip()]


def test_an_edited_mirror_is_kept_when_the_store_was_lost(world: World) -> None:
    case, ticket = world.pair()
    world.cases.comment(case.key, "original")
    world.settle()
    mirror = ticket.comments[0]
    world.tickets.edit_comment(ticket.key, mirror.key, "a person wrote this into the mirror")
    world.settle()
    world.lose_store()
    world.settle()
    kept = [entry.old for entry in world.audit("conflict")]
    written = ticket.comments[0].body == "a person wrote this into the mirror"
    assert written or kept == ["a person wrote this into the mirror"]


def test_a_tag_that_cannot_be_spelled_is_reported_beside_one_that_can(make_world: MakeWorld) -> None:
    world = make_world(ticket_map=NARROW)
    case, ticket = world.pair()
    world.cases.edit(case.key, tags=["plain", "\u4e2d\u6587"])
    world.cycle()
    assert "plain" in str(ticket.fields["tags"])
    assert "\u4e2d\u6587" in world.link(case).reason


def test_a_tag_that_cannot_be_spelled_is_reported_at_creation(make_world: MakeWorld) -> None:
    world = make_world(ticket_map=NARROW)
    case = world.cases.add(title="Beacon", tags=["\u4e2d\u6587", "plain"])
    world.cycle()
    assert "\u4e2d\u6587" in world.link(case).reason


def test_a_tag_that_cannot_be_spelled_stays_held_as_long_as_it_is_there(make_world: MakeWorld) -> None:
    world = make_world(ticket_map=NARROW)
    case, _ = world.pair()
    world.cases.edit(case.key, tags=["\u4e2d\u6587"])
    world.cycle()
    assert world.link(case).state is LinkState.PARKED
    world.cases.comment(case.key, "something else happens")
    world.cycle()
    assert world.link(case).state is LinkState.PARKED


def test_a_removal_takes_out_every_spelling_of_the_element(make_world: MakeWorld) -> None:
    world = make_world(removals=True)
    case, ticket = world.pair(tags=["lab 7", "lab-7"])
    labels = ticket.fields["tags"]
    assert isinstance(labels, list)
    assert "lab-7" in labels
    world.tickets.edit(ticket.key, tags=[label for label in labels if label != "lab-7"])
    world.settle()
    world.cases.comment(case.key, "anything")
    world.settle()
    assert case.fields["tags"] == []
    assert "lab-7" not in str(ticket.fields["tags"])
