"""The system in memory keeps the contract, with a free workflow and with a stepwise one."""

from __future__ import annotations

from collections.abc import Iterable

from kibcase_connectors.errors import OutcomeUnknown, Unavailable
from kibcase_connectors.memory import FREE, STEPWISE, TICKET_MAP, MemoryConnector, MemorySystem, Thing
from kibcase_connectors.testing import ConnectorContract


class Gone(dict[str, Thing]):
    """Things that nobody can get at."""

    def values(self) -> None:  # type: ignore[override]
        raise Unavailable("memory", "looking")

    def __contains__(self, key: object) -> bool:
        raise Unavailable("memory", "looking")

    def __setitem__(self, key: str, value: Thing) -> None:
        raise Unavailable("memory", "creating")


class TestCases(ConnectorContract):
    system: MemorySystem
    time: float

    def start(self) -> None:
        self.time = 1_000_000.0
        self.system = MemorySystem("case", workflow=FREE, clock=lambda: self.time, find_lag=2.0)

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

    def writes(self) -> int:
        return len(self.system.writes)

    def lose_request(self) -> None:
        def lose(name: str) -> None:
            self.system.on_write = lambda _: None
            raise Unavailable("memory", name)

        self.system.on_write = lose

    def lose_answer(self) -> None:
        def lose(name: str) -> None:
            self.system.on_answer = lambda _: None
            raise OutcomeUnknown("memory", name)

        self.system.on_answer = lose

    def take_down(self) -> None:
        self.system.things = Gone(self.system.things)

    def pass_time(self, seconds: float) -> None:
        self.time += seconds


class TestTickets(TestCases):
    def start(self) -> None:
        self.time = 1_000_000.0
        self.system = MemorySystem(
            "ticket", mapping=TICKET_MAP, workflow=STEPWISE, first="To Do", clock=lambda: self.time
        )
