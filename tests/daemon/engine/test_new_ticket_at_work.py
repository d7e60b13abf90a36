"""A person works on a new ticket before kibcase has looked at it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kibcase_daemon.sync.types import Policy

if TYPE_CHECKING:
    from tests.daemon.engine.conftest import MakeWorld


class Killed(BaseException):
    """The process dies here."""


def _die(name: str) -> None:
    if name == "link":
        raise Killed


def test_what_began_alike_is_changed_by_the_person_alone(make_world: MakeWorld) -> None:
    world = make_world(policy=Policy.CASE)
    case = world.cases.add(title="Beacon", severity="low")
    world.tickets.on_write = _die
    with pytest.raises(Killed):
        world.cycle()
    world.tickets.on_write = lambda _: None
    ticket, = world.tickets.things.values()
    world.tickets.edit(ticket.key, status="In Progress")
    world.settle()
    assert ticket.fields["status"] == "In Progress"
    assert case.fields["status"] == "in-progress"
