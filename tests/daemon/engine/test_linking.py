"""A person links a case and a ticket that exist already."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from kibcase_connectors.model import Side
from kibcase_daemon.linking import CannotLinkError, link_existing
from kibcase_daemon.sync.types import Both, Policy

if TYPE_CHECKING:
    from kibcase_daemon.store.api import Link
    from tests.daemon.engine.conftest import MakeWorld, World

Linker = Callable[[str, str], "Link"]


@pytest.fixture
def quiet(make_world: MakeWorld) -> World:
    return make_world(creates=Both(case=False, ticket=False), policy=Policy.CASE)


@pytest.fixture
def join(quiet: World) -> Linker:
    return lambda case, ticket: link_existing(quiet.rule, quiet.store, case, ticket, clock=lambda: quiet.time)


def test_two_that_exist_are_brought_into_step(quiet: World, join: Linker) -> None:
    case = quiet.cases.add(title="Beacon", severity="high")
    ticket = quiet.tickets.add(title="Proxy", severity="Low", tags=["net"])
    quiet.cases.comment(case.key, "first look")
    join(case.key, ticket.key)
    quiet.settle()
    assert ticket.fields["title"] == "Beacon"
    assert ticket.fields["severity"] == "High"
    assert f"kibcase-{case.key}" in ticket.marks
    assert case.fields["tags"] == ["net"]
    assert len(ticket.comments) == 1
    assert ticket.links
    before = quiet.writes
    quiet.settle()
    assert quiet.writes == before


def test_again_changes_nothing(quiet: World, join: Linker) -> None:
    case, ticket = quiet.cases.add(title="Beacon"), quiet.tickets.add(title="Proxy")
    first = join(case.key, ticket.key)
    quiet.settle()
    writes = quiet.writes
    assert join(case.key, ticket.key).id == first.id
    assert quiet.writes == writes
    assert len(quiet.store.links("r")) == 1


def test_what_is_linked_already_is_left_alone(quiet: World, join: Linker) -> None:
    case, ticket, other = quiet.cases.add(title="a"), quiet.tickets.add(title="b"), quiet.tickets.add(title="c")
    join(case.key, ticket.key)
    with pytest.raises(CannotLinkError, match="linked already, with TICKET"):
        join(case.key, other.key)
    second = quiet.cases.add(title="d")
    with pytest.raises(CannotLinkError, match="linked already, with CASE"):
        join(second.key, ticket.key)
    assert other.marks == ()


def test_a_copy_of_something_else_is_refused(quiet: World, join: Linker) -> None:
    case, ticket = quiet.cases.add(title="a"), quiet.tickets.add(title="b", tags=["kibcase-elsewhere"])
    with pytest.raises(CannotLinkError, match="a copy of something else"):
        join(case.key, ticket.key)
    assert quiet.store.link_of("r", Side.CASE, case.key) is None


@pytest.mark.parametrize("missing", ["case", "ticket"])
def test_what_does_not_exist_is_said(quiet: World, join: Linker, missing: str) -> None:
    case, ticket = quiet.cases.add(title="a"), quiet.tickets.add(title="b")
    keys = {"case": case.key, "ticket": ticket.key, missing: "nothing"}
    with pytest.raises(CannotLinkError, match=f"has no {missing} nothing"):
        join(keys["case"], keys["ticket"])


def test_death_after_the_mark_loses_nothing(make_world: MakeWorld) -> None:
    world = make_world(policy=Policy.CASE)
    case, ticket = world.cases.add(title="Beacon"), world.tickets.add(title="Proxy")
    world.tickets.on_answer = _die
    with pytest.raises(KeyboardInterrupt):
        link_existing(world.rule, world.store, case.key, ticket.key, clock=lambda: world.time)
    world.tickets.on_answer = lambda _: None
    world.settle()
    assert len(world.tickets.things) == 1
    assert world.link(case).keys.ticket == ticket.key


def _die(_: str) -> None:
    raise KeyboardInterrupt
