"""What a system in memory has besides, and the faults that it plays on demand."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from kibcase_connectors.actions import AddComment, AddFile, Create, SetFields, SetStatus
from kibcase_connectors.api import Context
from kibcase_connectors.custom import CustomField
from kibcase_connectors.errors import (
    Conflict,
    ConnectorError,
    Denied,
    NotFound,
    OutcomeUnknown,
    Refused,
    Throttled,
    Unavailable,
)
from kibcase_connectors.memory import (
    STEPWISE,
    TICKET_MAP,
    Account,
    MemoryConnector,
    MemoryFault,
    MemorySystem,
    Parts,
)
from kibcase_connectors.model import FIELDS, FILES
from kibcase_connectors.people import People, Person

ACCOUNTS = (
    Account(id="u1", name="Maria", email="maria@example.com"), Account(id="u2", name="M. L.", email="ml@example.com"),
    Account(id="u3", name="Maria again", email="MARIA@example.com"), Account(id="u4", name="Left", active=False),
)


class Bench:
    def __init__(self) -> None:
        self.time = 1000.0
        self.system = MemorySystem(
            "ticket", mapping=TICKET_MAP, workflow=STEPWISE, first="To Do", clock=lambda: self.time, read_lag=5.0,
            parts=Parts.all(impact=CustomField(field="impact")), accounts=ACCOUNTS,
        )
        self.connector = MemoryConnector(self.system)

    def set(self, **fields: str) -> None:
        key = next(iter(self.system.things))
        version = self.connector.read(key).version
        self.connector.apply(SetFields(key=key, version=version, fields=fields), lambda _: None)


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.system.add(title="old")
    return made


def test_a_bare_system_has_none_of_it() -> None:
    system = MemorySystem("case")
    connector = MemoryConnector(system)
    assert connector.capabilities.fields == frozenset(FIELDS)
    assert not connector.capabilities.files
    assert connector.mapping is system.mapping
    key = system.add().key
    with pytest.raises(Refused, match="no files"):
        connector.apply(
            AddFile(key=key, name="a", size=0, media_type="text/plain", content=io.BytesIO()), lambda _: None
        )


def test_what_is_not_wanted_is_not_shown(bench: Bench) -> None:
    context = Context(parts=frozenset({*FIELDS, "impact"}))
    connector = MemoryConnector(bench.system, context=context)
    assert connector.capabilities.fields == {*FIELDS, "impact"}
    assert not connector.capabilities.files
    key = next(iter(bench.system.things))
    bench.system.attach(key, "a.txt", b"a")
    assert connector.read(key).files == ()
    assert MemoryConnector(bench.system, context=Context(parts=frozenset({FILES}))).capabilities.files


@pytest.mark.parametrize(("person", "why"), [("maria@example.com", "more than one"), ("left@example.com", "no active")])
def test_a_person_must_have_just_one_account(bench: Bench, person: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        bench.set(assignee=person)
    assert bench.system.writes == []


def test_the_table_of_people_comes_before_the_directory(bench: Bench) -> None:
    people = People([Person(name="Maria L.", email="maria@example.com", accounts={"ticket": "u2"})])
    bench.connector = MemoryConnector(bench.system, context=Context(people=people))
    bench.set(assignee="maria@example.com")
    (thing,) = bench.system.things.values()
    assert thing.fields["assignee"] == {"id": "u2", "name": "M. L.", "email": "ml@example.com"}
    assert bench.connector.mapping.canonical("assignee", thing.fields["assignee"]) == "maria@example.com"


def test_nobody_is_assigned_who_is_not_there(bench: Bench) -> None:
    with pytest.raises(NotFound):
        bench.system.assign(next(iter(bench.system.things)), "u9")


def test_what_is_new_is_hidden_by_the_lag_and_said_to_be(bench: Bench) -> None:
    key = next(iter(bench.system.things))
    bench.system.comment(key, "said")
    bench.system.attach(key, "a.txt", b"abc")
    hidden = bench.connector.read(key)
    assert (hidden.comments, hidden.files, hidden.settled) == ((), (), False)
    bench.time += 5.0
    seen = bench.connector.read(key)
    assert (len(seen.comments), seen.files[0].size, seen.settled) == (1, 3, True)


def test_its_clock_may_be_off(bench: Bench) -> None:
    bench.system.skew = -3600.0
    assert bench.system.add().created.at.timestamp() == 1000.0 - 3600.0


def test_a_file_that_is_too_large_or_not_whole_is_refused(bench: Bench) -> None:
    key = next(iter(bench.system.things))
    for size, content in ((bench.system.parts.largest + 1, b"x"), (3, b"ab"), (1, b"ab")):
        action = AddFile(key=key, name="a.txt", size=size, media_type="text/plain", content=io.BytesIO(content))
        with pytest.raises(Refused):
            bench.connector.apply(action, lambda _: None)
    assert bench.system.writes == []


@pytest.mark.parametrize(
    ("fault", "error", "done"),
    [
        (MemoryFault(kind="lost-request"), OutcomeUnknown, False),
        (MemoryFault(kind="lost-answer"), OutcomeUnknown, True),
        (MemoryFault(kind="unavailable"), Unavailable, False),
        (MemoryFault(kind="throttled", retry_after=7.0), Throttled, False),
        (MemoryFault(kind="denied"), Denied, False),
        (MemoryFault(kind="conflict"), Conflict, False),
        (MemoryFault(kind="refused", field="title"), Refused, False),
        (MemoryFault(kind="not-found"), NotFound, False),
    ],
)
def test_a_fault_is_what_it_says(bench: Bench, fault: MemoryFault, error: type[ConnectorError], done: bool) -> None:
    version = bench.connector.read("ticket-1").version
    bench.system.faults.arm(fault)
    action = SetFields(key="ticket-1", version=version, fields={"title": "new"})
    with pytest.raises(error) as caught:
        bench.connector.apply(action, lambda _: None)
    assert type(caught.value) is error
    assert caught.value.field == fault.field
    assert getattr(caught.value, "retry_after", None) == fault.retry_after
    assert bench.system.things["ticket-1"].fields["title"] == ("new" if done else "old")
    assert bench.system.faults.armed == ()
    bench.connector.read("ticket-1")


def test_a_lost_look_is_only_unavailable(bench: Bench) -> None:
    looks: list[Callable[[], object]] = [
        lambda: bench.connector.changes(None), lambda: bench.connector.read("ticket-1"),
        lambda: bench.connector.find("kibcase-x"), bench.connector.check,
    ]
    for look in looks:
        for kind in ("lost-request", "lost-answer"):
            bench.system.faults.arm(MemoryFault(kind=kind, on="reads"))
            with pytest.raises(Unavailable):
                look()
        look()


def test_a_fault_strikes_where_and_as_often_as_it_says(bench: Bench) -> None:
    bench.system.faults.arm(MemoryFault(kind="unavailable", on="*-comment", skip=1, times=2))
    outcomes = []
    for number in range(5):
        try:
            bench.connector.apply(AddComment(key="ticket-1", mark=f"m#{number}", body="x"), lambda _: None)
            outcomes.append(True)
        except Unavailable:
            outcomes.append(False)
        bench.connector.read("ticket-1")
    assert outcomes == [True, False, False, True, True]


def test_a_way_of_three_steps_may_break_off_in_the_middle(bench: Bench) -> None:
    bench.system.faults.arm(MemoryFault(kind="lost-request", on="set-status", skip=1))
    action = SetStatus(key="ticket-1", version=bench.connector.read("ticket-1").version, status="closed")
    with pytest.raises(OutcomeUnknown):
        bench.connector.apply(action, lambda _: None)
    assert bench.system.things["ticket-1"].fields["status"] == "In Progress"


def test_a_maintenance_window_ends_by_itself(bench: Bench) -> None:
    bench.system.faults.arm(MemoryFault(kind="unavailable", times=None, start=1010.0, end=1020.0))
    seen = []
    for moment in (1000.0, 1010.0, 1019.9, 1020.0):
        bench.time = moment
        try:
            bench.connector.changes(None)
            seen.append(True)
        except Unavailable:
            seen.append(False)
    assert seen == [True, False, False, True]
    bench.system.faults.disarm()
    assert bench.system.faults.armed == ()


def test_an_announcement_comes_before_a_fault(bench: Bench) -> None:
    """A request that gets lost was announced: that is what the journal is for."""
    told: list[object] = []
    bench.system.faults.arm(MemoryFault(kind="lost-request"))
    with pytest.raises(OutcomeUnknown):
        bench.connector.apply(Create(mark="kibcase-x", fields={}, origin_label="C"), told.append)
    assert len(told) == 1


@pytest.mark.parametrize("wrong", [{"on": "reed"}, {"skip": -1}, {"times": 0}])
def test_a_fault_that_can_never_strike_is_a_mistake(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"fits no request|never strikes"):
        MemoryFault(kind="unavailable", **wrong)  # type: ignore[arg-type]
