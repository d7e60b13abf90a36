"""What is switched on later, and what keeps to its direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kibcase_connectors.memory import (
    Account,
    MemoryFault,
)
from kibcase_connectors.model import ASSIGNEE, OBSERVABLES, Side
from kibcase_daemon.linking import CannotLinkError, link_existing
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.types import Both, Direction, FieldRule, Policy

if TYPE_CHECKING:
    from tests.daemon.further.conftest import Make

ANN, BEA = (Account(id=name, name=name.title(), email=f"{name}@example.com") for name in ("ann", "bea"))
ZOE = Account(id="zoe", name="Zoe")
OFF = FieldRule(direction=Direction.OFF)


@pytest.mark.parametrize("policy", [Policy.NEWEST, Policy.CASE, Policy.TICKET])
@pytest.mark.parametrize("where", list(Side))
@pytest.mark.parametrize("who", ["ann", "zoe"])
def test_an_assignee_switched_on_later_takes_nobody_away(make: Make, where: Side, who: str, policy: Policy) -> None:
    world = make(fields={ASSIGNEE: OFF}, case_people=(ANN, BEA, ZOE), ticket_people=(ANN, BEA, ZOE))
    case, ticket = world.pair()
    sides = Both(case=(world.cases, case), ticket=(world.tickets, ticket))
    system, thing = sides.of(where)
    system.assign(thing.key, who)
    world.settle()
    world.time += 50
    world.change(fields={ASSIGNEE: FieldRule(policy=policy)})
    world.cases.edit(case.key, title="Beacon 2")
    world.settle()
    assert thing.fields[ASSIGNEE] == (ANN if who == "ann" else ZOE).native
    _, other = sides.of(where.other)
    assert other.fields[ASSIGNEE] == (ANN.native if who == "ann" else None)
    system.assign(thing.key, None)
    world.settle()
    assert other.fields[ASSIGNEE] is None


def test_a_person_links_a_described_case_with_a_newer_empty_ticket(make: Make) -> None:
    world = make(creates=False)
    case = world.cases.add(title="Beacon", description="All that we know.")
    world.time += 100
    ticket = world.tickets.add(title="Beacon")
    link_existing(world.rule, world.store, case.key, ticket.key, clock=lambda: world.time)
    world.settle()
    assert case.fields["description"] == ticket.fields["description"] == "All that we know."


def test_files_and_observables_switched_on_later_are_carried_both_ways_once(make: Make) -> None:
    world = make(fields={OBSERVABLES: OFF}, files=Direction.OFF)
    case, ticket = world.pair()
    world.cases.attach(case.key, "a.log", b"a")
    world.tickets.attach(ticket.key, "b.log", b"b")
    world.tickets.attach(ticket.key, "a.log", b"a")
    world.cases.edit(case.key, observables=["domain a.example"])
    world.tickets.edit(ticket.key, observables=["domain b.example", "domain A.example"])
    world.settle()
    assert len(case.files) == 1
    world.change(fields={OBSERVABLES: FieldRule(removals=True)}, files=Direction.BOTH)
    world.engine().cycle(full=True)
    world.settle()
    assert sorted(each.file.name for each in case.files) == ["a.log", "b.log"]
    assert sorted(each.file.name for each in ticket.files) == ["a.log", "b.log"]
    assert case.fields[OBSERVABLES] == ["domain a.example", "domain b.example"]
    assert ticket.fields[OBSERVABLES] == ["domain b.example", "domain A.example"]


@pytest.mark.parametrize("way", [Direction.ONCE, Direction.TO_TICKET])
def test_observables_are_given_to_the_new_ticket(make: Make, way: Direction) -> None:
    world = make(fields={OBSERVABLES: FieldRule(direction=way)})
    case, ticket = world.pair(observables=["domain a.example"])
    assert ticket.fields[OBSERVABLES] == ["domain a.example"]
    world.cases.edit(case.key, observables=["domain a.example", "domain b.example"])
    world.tickets.edit(ticket.key, observables=["domain a.example", "domain c.example"])
    world.settle()
    more = [] if way is Direction.ONCE else ["domain b.example"]
    assert ticket.fields[OBSERVABLES] == ["domain a.example", "domain c.example", *more]
    assert case.fields[OBSERVABLES] == ["domain a.example", "domain b.example"]


@pytest.mark.parametrize("way", [Direction.ONCE, Direction.OFF, Direction.TO_CASE])
def test_assignee_and_custom_fields_keep_to_their_direction(make: Make, way: Direction) -> None:
    world = make(fields={name: FieldRule(direction=way) for name in (ASSIGNEE, "unit")})
    case = world.cases.add(title="Beacon", unit="US")
    world.cases.assign(case.key, "ann")
    world.settle()
    ticket = world.copy_of(case)
    once = way is Direction.ONCE
    assert (ticket.fields[ASSIGNEE], ticket.fields["unit"]) == ((ANN.native, "2") if once else (None, None))
    world.cases.edit(case.key, unit="EMEA")
    world.cases.assign(case.key, "bea")
    world.settle()
    assert (ticket.fields[ASSIGNEE], ticket.fields["unit"]) == ((ANN.native, "2") if once else (None, None))
    world.tickets.edit(ticket.key, unit="1")
    world.tickets.assign(ticket.key, "bea")
    world.settle()
    assert case.fields[ASSIGNEE] == BEA.native
    assert case.fields["unit"] == "EMEA"


def test_a_case_whose_ticket_is_being_made_is_not_linked_with_another(make: Make) -> None:
    world = make()
    case = world.cases.add(title="Beacon")
    other = world.tickets.add(title="Proxy")
    world.tickets.faults.arm(MemoryFault(kind="lost-answer", on="create"))
    world.cycle()
    with pytest.raises(CannotLinkError, match="sync"):
        link_existing(world.rule, world.store, case.key, other.key, clock=lambda: world.time)
    assert other.marks == ()
    world.settle()
    assert len(world.tickets.things) == 2


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_name_is_no_ticket(make: Make, blank: str) -> None:
    world = make(creates=False)
    case = world.cases.add(title="Beacon")
    with pytest.raises(CannotLinkError, match="which ticket"):
        link_existing(world.rule, world.store, case.key, blank, clock=lambda: world.time)


def test_a_case_that_has_a_ticket_by_its_mark_is_not_linked_with_another(make: Make) -> None:
    world = make()
    case, ticket = world.pair()
    world.store.close()
    world.store = SqliteStore()
    other = world.tickets.add(title="Proxy")
    with pytest.raises(CannotLinkError, match=ticket.key):
        link_existing(world.rule, world.store, case.key, other.key, clock=lambda: world.time)
    link_existing(world.rule, world.store, case.key, ticket.key, clock=lambda: world.time)
    world.settle()
    assert world.link(case).keys.ticket == ticket.key
