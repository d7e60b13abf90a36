"""Files that cannot be copied stop nothing else; those that can are copied once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kibcase_connectors.actions import AddFile
from kibcase_connectors.custom import CustomField
from kibcase_connectors.errors import Unavailable
from kibcase_connectors.memory import (
    MemoryFault,
    Parts,
    Thing,
)
from kibcase_connectors.model import ASSIGNEE, OBSERVABLES, File, Side
from kibcase_daemon.render import steps
from kibcase_daemon.store.api import LinkState
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.templates import BARE, Template, Templates

if TYPE_CHECKING:
    from tests.daemon.further.conftest import Make, World

UNIT = CustomField(field="u_unit", values={"1": "EMEA", "2": "US"})


def titled(text: str, *, side: Side = Side.TICKET) -> Templates:
    return BARE.put(side, {"title": Template.parse("title", text)})


def everything(world: World, case: Thing, ticket: Thing) -> None:
    """People change much on both sides."""
    world.cases.edit(case.key, title="Beacon 2", status="closed", unit="US", observables=["domain a.example"])
    world.cases.comment(case.key, "blocked")
    world.tickets.comment(ticket.key, "seen")
    world.tickets.edit(ticket.key, severity="Low")


def assert_flowed(case: Thing, ticket: Thing) -> None:
    assert (ticket.fields["title"], ticket.fields["status"], ticket.fields["unit"]) == ("Beacon 2", "Done", "2")
    assert ticket.fields[OBSERVABLES] == ["domain a.example"]
    assert (len(ticket.comments), len(case.comments)) == (2, 2)
    assert case.fields["severity"] == "low"


@pytest.mark.parametrize("where", list(Side))
@pytest.mark.parametrize("kind", ["not-found", "refused", "unavailable", "lost-request"])
@pytest.mark.parametrize("on", ["fetch", "add-file"])
def test_a_file_that_can_never_be_copied_stops_nothing_else(make: Make, where: Side, kind: str, on: str) -> None:
    world = make()
    case, ticket = world.pair()
    system, thing = (world.cases, case) if where is Side.CASE else (world.tickets, ticket)
    broken = world.wires.of(where if on == "fetch" else where.other).system
    broken.faults.arm(MemoryFault(kind=kind, on=on, times=None))  # type: ignore[arg-type]
    system.attach(thing.key, "broken.bin", b"x")
    everything(world, case, ticket)
    for pause in (0.0, 3.0, 11.0, 61.0):
        world.time += pause
        world.cycle()
    assert_flowed(case, ticket)
    assert world.link(case).state in {LinkState.PARKED, LinkState.WAITING}
    assert on in world.link(case).reason or kind == "not-found"
    broken.faults.disarm()
    for _ in range(4):
        world.time += 4000.0
        if world.cycle().in_step:
            break
    assert [each.file.name for each in case.files] == [each.file.name for each in ticket.files] == ["broken.bin"]


def test_links_with_broken_files_are_no_outage(make: Make) -> None:
    world = make()
    pairs = [world.pair(title=f"Beacon {number}") for number in range(6)]
    world.wires.case.broken = lambda file: Unavailable("case", f"the file {file.name} cannot be read")
    for case, ticket in pairs:
        world.cases.attach(case.key, "broken.bin", b"x")
        world.tickets.edit(ticket.key, severity="Low")
    report = world.cycle()
    assert report.error == ""
    assert {case.fields["severity"] for case, _ in pairs} == {"low"}


def test_a_file_of_the_wrong_size_is_never_attached(make: Make) -> None:
    world = make()
    case, ticket = world.pair()

    world.wires.case.short = True
    world.cases.attach(case.key, "broken.bin", b"xyz")
    everything(world, case, ticket)
    for pause in (0.0, 3.0, 11.0, 61.0):
        world.time += pause
        world.cycle()
    assert ticket.files == []
    assert_flowed(case, ticket)
    assert "1 of 3 bytes" in world.link(case).reason


def test_a_file_deleted_between_plan_and_fetch_is_no_trouble(make: Make) -> None:
    world = make()
    case, ticket = world.pair()
    file = world.cases.attach(case.key, "gone.bin", b"x")

    def vanish(_: File) -> None:
        if case.files:
            world.cases.detach(case.key, file.key)

    world.wires.case.broken = vanish
    everything(world, case, ticket)
    report = world.cycle()
    assert report.in_step, [link.reason for link in report.troubled]
    assert_flowed(case, ticket)


def test_a_file_refused_for_ever_is_not_fetched_in_every_cycle(make: Make) -> None:
    world = make(ticket_parts=Parts(files=True, largest=2, assignee=True, observables=Parts.all().observables,
                                    custom={"unit": UNIT}))
    case, ticket = world.pair()
    world.cases.attach(case.key, "large.bin", b"xyz")
    world.cases.attach(case.key, "small.bin", b"x")
    everything(world, case, ticket)
    world.cycle()
    assert_flowed(case, ticket)
    assert [each.file.name for each in ticket.files] == ["small.bin"]
    fetched = len(world.wires.case.fetched)
    for _ in range(20):
        world.cycle()
    assert len(world.wires.case.fetched) == fetched
    assert world.wires.case.fetched.count("large.bin") == 1
    assert world.link(case).state is LinkState.PARKED


def test_two_files_of_one_name_and_size_and_odd_names(make: Make) -> None:
    world = make()
    case, ticket = world.pair()
    for content in (b"one", b"two"):
        world.cases.attach(case.key, "a.log", content)
    world.settle()
    assert [each.content for each in ticket.files] == [b"one", b"two"]
    world.tickets.attach(ticket.key, "re\u0301sume\u0301 \u202e.txt", b"")
    world.settle()
    assert case.files[-1].file.name == "re\u0301sume\u0301 \u202e.txt"
    assert len(case.files) == len(ticket.files) == 3
    writes = world.writes
    world.settle()
    assert world.writes == writes


def test_a_lost_store_doubles_neither_files_nor_notes_nor_observables(make: Make) -> None:
    world = make()
    case = world.cases.add(title="Beacon", observables=["domain a.example"], unit="US")
    world.cases.assign(case.key, "zoe")
    world.cases.attach(case.key, "a.log", b"one")
    world.cases.attach(case.key, "disk.img", b"x" * 65)
    world.settle()
    ticket = world.copy_of(case)
    before = (len(ticket.comments), len(ticket.files), len(case.comments), len(case.files))
    assert before[:2] == (2, 1)
    world.store.close()
    world.store = SqliteStore()
    world.settle()
    assert (len(ticket.comments), len(ticket.files), len(case.comments), len(case.files)) == before
    assert len(world.tickets.things) == 1
    assert ticket.fields[OBSERVABLES] == case.fields[OBSERVABLES] == ["domain a.example"]


def test_the_audit_tells_of_a_copied_file(make: Make) -> None:
    world = make()
    case, _ = world.pair()
    world.cases.attach(case.key, "a.log", b"one", by="ann")
    world.settle()
    entry = next(each for each in world.store.audit() if each.kind == "file")
    assert (entry.field, entry.new, entry.by, entry.side) == ("files", "a.log", "ann", "ticket")


def test_the_plan_shows_all_of_it_and_fetches_nothing(make: Make) -> None:
    world = make(templates=titled("[SOC {label}] {title}"))
    case = world.cases.add(title="Beacon", observables=["domain a.example"], unit="US", status="closed")
    world.cases.assign(case.key, "ann")
    world.cases.attach(case.key, "a.log", b"one")
    world.cases.comment(case.key, "seen")
    shown = {(step.what, step.new) for preview in world.preview() for step in steps(preview)}
    world.settle()
    done = {entry.field or entry.kind for entry in world.store.audit(limit=1000)}
    assert world.wires.case.fetched == ["a.log"]
    assert {what for what, _ in shown} >= {
        "create", "file", "comment", OBSERVABLES, ASSIGNEE, "unit", "status", "title"
    }
    assert done >= {OBSERVABLES, "files", "comment", "status"}
    assert shown >= {(OBSERVABLES, "+domain a.example"), ("title", "[SOC CASE-1] Beacon"), ("file", "a.log")}
    world.cases.edit(case.key, title="Beacon 2")
    shown = {(step.what, step.new) for preview in world.preview() for step in steps(preview)}
    assert shown == {("title", "[SOC CASE-1] Beacon 2")}


def test_an_idle_cycle_asks_for_changes_and_nothing_else(make: Make) -> None:
    world = make(templates=titled("[SOC {label}] {title}"), ticket_people=())
    case, _ = world.pair(observables=["domain a.example"], unit="US")
    world.cases.assign(case.key, "ann")
    world.cases.attach(case.key, "a.log", b"x")
    world.cases.attach(case.key, "disk.img", b"x" * 65)
    world.settle()
    for on in ("read", "find", "fetch", "writes"):
        world.cases.faults.arm(MemoryFault(kind="denied", on=on, times=None))
        world.tickets.faults.arm(MemoryFault(kind="denied", on=on, times=None))
    assert world.cycle().in_step


def test_a_passing_failure_of_a_parked_link_is_not_put_off_for_hours(make: Make) -> None:
    world = make()
    case, ticket = world.pair()
    world.cases.edit(case.key, title="much too long for the ticket " * 4)
    world.cycle()
    world.tickets.edit(ticket.key, title=str(ticket.fields["title"]) + "?")
    world.cycle()
    assert "holds only a part" in world.link(case).reason
    world.tickets.attach(ticket.key, "proxy.log", b"denied")
    left = [Unavailable("case", "busy")]
    world.wires.case.refuses = lambda action: left.pop() if isinstance(action, AddFile) and left else None
    world.cycle()
    world.time += 300.0
    world.cycle()
    assert [each.file.name for each in case.files] == ["proxy.log"]
