"""Assignees, observables and custom fields under trouble: one of them never stops the others."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from kibcase_connectors.actions import Action, Create, SetFields
from kibcase_connectors.custom import CustomField
from kibcase_connectors.errors import ConnectorError, OutcomeUnknown, Refused, Throttled
from kibcase_connectors.memory import (
    Account,
    MemoryFault,
    Parts,
)
from kibcase_connectors.model import ASSIGNEE, FIELDS, OBSERVABLES
from kibcase_connectors.people import People, Person
from kibcase_daemon.store.api import LinkState
from kibcase_daemon.sync.types import Direction, FieldRule

if TYPE_CHECKING:
    from tests.daemon.further.conftest import Make

ANN, BEA = (Account(id=name, name=name.title(), email=f"{name}@example.com") for name in ("ann", "bea"))
ZOE = Account(id="zoe", name="Zoe")


@pytest.mark.parametrize("field", ["unit", "customfield_10010", None])
def test_a_custom_value_that_the_ticket_refuses_does_not_stop_its_creation(make: Make, field: str | None) -> None:
    world = make()

    def refuses(action: Action) -> ConnectorError | None:
        named = isinstance(action, Create | SetFields) and "unit" in action.fields
        return Refused("ticket", "setting unit", said="there is no such unit", field=field) if named else None

    world.wires.ticket.refuses = refuses
    case = world.cases.add(title="Beacon", unit="US")
    world.cases.assign(case.key, "ann")
    world.cases.comment(case.key, "seen")
    world.cycle()
    ticket = world.copy_of(case)
    assert (ticket.fields["title"], ticket.fields[ASSIGNEE], len(ticket.comments)) == ("Beacon", ANN.native, 1)
    assert world.link(case).state is LinkState.PARKED
    assert "no such unit" in world.link(case).reason
    world.wires.ticket.refuses = lambda _: None
    world.settle()
    assert ticket.fields["unit"] == "2"
    assert len(world.tickets.things) == 1


def test_an_assignee_whom_the_ticket_system_does_not_know_does_not_stop_the_creation(make: Make) -> None:
    world = make(ticket_people=(BEA,))
    case = world.cases.add(title="Beacon")
    world.cases.assign(case.key, "ann")
    world.settle()
    ticket = world.copy_of(case)
    assert ticket.fields[ASSIGNEE] is None
    assert [comment.body for comment in ticket.comments if "Assigned to Ann" in comment.body]
    writes = world.writes
    world.settle()
    assert world.writes == writes
    world.cases.assign(case.key, "bea")
    world.settle()
    assert ticket.fields[ASSIGNEE] == BEA.native


def test_a_refused_title_still_parks_the_new_ticket(make: Make) -> None:
    world = make()
    world.tickets.faults.arm(MemoryFault(kind="refused", on="create", field="title", times=None))
    case = world.cases.add(title="Beacon", unit="US")
    world.cycle()
    assert world.link(case).state is LinkState.PARKED
    assert not world.tickets.things


def test_an_assignee_unknown_later_on_is_told_in_a_comment(make: Make) -> None:
    world = make(ticket_people=(BEA,))
    case, ticket = world.pair()
    world.cases.assign(case.key, "ann")
    world.settle()
    assert len(ticket.comments) == 1
    assert "Assigned to Ann" in ticket.comments[0].body
    assert case.fields[ASSIGNEE] == ANN.native
    assert world.settle().applied == ()


def test_without_comments_an_unknown_assignee_is_parked_and_all_else_flows(make: Make) -> None:
    world = make(ticket_people=(BEA,), comments=Direction.OFF)
    case, ticket = world.pair()
    world.cases.assign(case.key, "ann")
    world.cases.edit(case.key, title="Beacon 2", status="closed", unit="US")
    world.cycle()
    assert (ticket.fields["title"], ticket.fields["status"], ticket.fields["unit"]) == ("Beacon 2", "Done", "2")
    assert world.link(case).state is LinkState.PARKED
    assert "ann@example.com" in world.link(case).reason


def test_an_assignee_given_by_the_ticket_system_comes_to_the_case(make: Make) -> None:
    world = make()
    case = world.cases.add(title="Beacon")

    def default(name: str) -> None:
        if name == "create":
            thing = list(world.tickets.things.values())[-1]
            thing.fields[ASSIGNEE] = BEA.native

    world.tickets.on_answer = default
    world.settle()
    assert world.copy_of(case).fields[ASSIGNEE] == BEA.native


def test_many_custom_fields_changed_at_once_are_in_step_after_one_cycle(make: Make) -> None:
    world = make()
    names = [f"extra{number}" for number in range(12)]
    for system in (world.cases, world.tickets):
        system.parts = Parts.all(**{name: CustomField(field=name) for name in names})
    world.reconnect(fields={name: FieldRule() for name in (*FIELDS, *names)})
    case, ticket = world.pair()
    world.cases.edit(case.key, **dict.fromkeys(names, "x"))
    assert world.cycle().in_step
    assert {ticket.fields[name] for name in names} == {"x"}


def test_an_observable_that_the_ticket_spells_anew_is_not_taken_for_a_removal(make: Make) -> None:
    world = make(removals=True)

    def respell(name: str) -> None:
        for thing in world.tickets.things.values():
            held = thing.fields[OBSERVABLES]
            assert isinstance(held, list)
            thing.fields[OBSERVABLES] = [str(item).removesuffix("/") for item in held]

    world.tickets.on_answer = respell
    case, ticket = world.pair(observables=["url https://bad.example/"])
    assert case.fields[OBSERVABLES][0] == "url https://bad.example/"  # type: ignore[index]
    assert ticket.fields[OBSERVABLES] == ["url https://bad.example"]
    writes = world.writes
    world.settle()
    assert world.writes == writes


def test_people_by_table_are_no_strangers(make: Make) -> None:
    people = People([Person(name="Zoe", accounts={"case": "zoe", "ticket": "zz"})])
    world = make(people=people, ticket_people=(Account(id="zz", name="Zoe Z"),))
    case = world.cases.add(title="Beacon")
    world.cases.assign(case.key, "zoe")
    world.settle()
    assert world.copy_of(case).fields[ASSIGNEE] == {"id": "zz", "name": "Zoe Z", "email": ""}


def test_throttled_about_one_thing_leaves_the_other_links_alone(make: Make) -> None:
    world = make()
    first, _ = world.pair()
    second, other = world.pair(title="Other")
    world.tickets.on_write = _limited_once(first.key)
    world.cases.edit(first.key, title="Beacon 2")
    world.cases.edit(second.key, title="Other 2")
    report = world.cycle()
    assert report.error == ""
    assert other.fields["title"] == "Other 2"
    assert world.link(first).state is LinkState.WAITING
    assert world.link(first).attempts == 0
    world.time += 100
    world.settle()


def _limited_once(_: str) -> Callable[[str], None]:
    left = [1]

    def write(name: str) -> None:
        if left[0]:
            left[0] -= 1
            raise Throttled("ticket", name, retry_after=30.0, whole=False)

    return write


def test_an_unknown_outcome_of_a_note_doubles_it_not(make: Make) -> None:
    world = make(ticket_people=(BEA,))
    case, ticket = world.pair()
    world.cases.assign(case.key, "ann")

    def lost(name: str) -> None:
        if name == "add-comment" and len(ticket.comments) == 1:
            raise OutcomeUnknown("ticket", name)

    world.tickets.on_answer = lost
    world.settle()
    assert len(ticket.comments) == 1


@pytest.mark.parametrize("kind", ["killed before", "killed after"])
def test_death_while_an_unknown_assignee_is_told_ends_alike(make: Make, kind: str) -> None:
    for number in range(1, 12):
        world = make(ticket_people=(BEA,))
        left = [number]

        def die(_: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt

        for system in (world.cases, world.tickets):
            setattr(system, "on_write" if kind == "killed before" else "on_answer", die)
        case = world.cases.add(title="Beacon", unit="US", observables=["domain a.example"])
        world.cases.assign(case.key, "ann")
        world.cases.attach(case.key, "a.log", b"x")
        with suppress(KeyboardInterrupt):
            world.cycle()
        world.settle()
        ticket = world.copy_of(case)
        assert len(world.tickets.things) == 1
        assert (len(ticket.comments), len(ticket.files), ticket.fields["unit"]) == (1, 1, "2"), number
        assert ticket.fields[OBSERVABLES] == ["domain a.example"]
        assert case.fields[ASSIGNEE] == ANN.native
        assert case.comments == []
