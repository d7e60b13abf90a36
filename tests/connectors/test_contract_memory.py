"""The system in memory keeps the contract: with a free workflow and with a stepwise one, bare and with all parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType

from kibcase_connectors.custom import CustomField
from kibcase_connectors.memory import (
    FREE,
    STEPWISE,
    TICKET_MAP,
    Account,
    MemoryConnector,
    MemoryFault,
    MemorySystem,
    Parts,
)
from kibcase_connectors.testing import ConnectorContract, StormContract

IMPACT = CustomField(field="impact", values={"1": "high", "2": "low"})
ACCOUNTS = (
    Account(id="kibcase", name="kibcase"),
    Account(id="maria", name="Maria Lindqvist", email="Maria.Lindqvist@example.com"),
    Account(id="left", name="Gone Already", email="gone.already@example.com", active=False),
)


class TestCases(ConnectorContract):
    colleague = "maria.lindqvist@example.com"
    custom = MappingProxyType({"impact": ("high", "low"), "note": ("anything", "else")})
    unfit = MappingProxyType({"impact": "middling"})
    system: MemorySystem
    time: float

    def start(self) -> None:
        self.time = 1_000_000.0
        self.system = MemorySystem(
            "case", workflow=FREE, clock=lambda: self.time, find_lag=2.0, read_lag=1.0, accounts=ACCOUNTS,
            parts=Parts.all(impact=IMPACT, note=CustomField(field="note")),
        )

    def stop(self) -> None:
        self.system.things.clear()

    def connect(self) -> MemoryConnector:
        return MemoryConnector(self.system)

    def misconfigured(self) -> Iterable[MemoryConnector]:
        return ()

    def person_creates(self, title: str) -> str:
        return self.system.add(title=title).key

    def person_retitles(self, key: str, title: str) -> None:
        self.system.edit(key, title=title)

    def person_comments(self, key: str, text: str) -> None:
        self.system.comment(key, text)

    def person_deletes(self, key: str) -> None:
        self.system.delete(key)

    def person_attaches(self, key: str, name: str, content: bytes) -> None:
        self.system.attach(key, name, content)

    def person_assigns(self, key: str, person: str) -> None:
        self.system.assign(key, "maria" if person else None)

    def person_observes(self, key: str, element: str) -> None:
        held = self.system.thing(key).fields["observables"]
        self.system.edit(key, observables=[*(held if isinstance(held, list) else []), element])

    def person_sets(self, key: str, field: str, value: str) -> None:
        native = {"high": "1", "low": "2"}.get(value, value)
        self.system.edit(key, **{field: native})

    def writes(self) -> int:
        return len(self.system.writes)

    def lose_request(self) -> None:
        self.answer_normally()
        self.system.faults.arm(MemoryFault(kind="lost-request", on="writes"))

    def lose_answer(self) -> None:
        self.answer_normally()
        self.system.faults.arm(MemoryFault(kind="lost-answer", on="writes"))

    def answer_normally(self) -> None:
        self.system.faults.disarm()

    def take_down(self) -> None:
        self.system.faults.arm(MemoryFault(kind="unavailable", times=None))

    def skew(self, seconds: float) -> None:
        self.system.skew = seconds

    def pass_time(self, seconds: float) -> None:
        self.time += seconds


class TestTickets(TestCases):
    custom = MappingProxyType({})
    unfit = MappingProxyType({})

    def start(self) -> None:
        self.time = 1_000_000.0
        self.system = MemorySystem(
            "ticket", mapping=TICKET_MAP, workflow=STEPWISE, first="To Do", clock=lambda: self.time
        )


class Storm(StormContract):
    """What can go wrong in memory besides."""

    system: MemorySystem

    def disturbances(self) -> list[Callable[[], None]]:
        faults = (
            MemoryFault(kind="unavailable"), MemoryFault(kind="throttled", retry_after=5.0),
            MemoryFault(kind="throttled"), MemoryFault(kind="lost-answer", on="reads"),
            MemoryFault(kind="lost-answer", on="set-status", skip=1),
        )
        return super().disturbances() + [lambda fault=each: self.system.faults.arm(fault) for each in faults]


class TestCasesInAStorm(Storm, TestCases):
    pass


class TestTicketsInAStorm(Storm, TestTickets):
    pass
