"""The connector of Desk keeps the contract, on calm days and in a storm, over HTTP to the stand-in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from desk_connector import DeskConnector, DeskSettings
from desk_standin import DeskStandin

from kibcase.server.faults import Fault
from kibcase_connectors.api import Context
from kibcase_connectors.testing import ConnectorContract, StormContract


class TestDesk(ConnectorContract):
    """The hooks; what each one owes is in ``kibcase_connectors.testing_hooks``."""

    def start(self) -> None:
        """Start a fresh Desk."""
        self.desk = DeskStandin()
        self.desk.__enter__()

    def stop(self) -> None:
        """Stop it."""
        self.desk.__exit__(None, None, None)

    def connect(self, token: str = "desk-token") -> DeskConnector:  # noqa: S107
        """Give a connector."""
        settings = DeskSettings.model_validate({"url": self.desk.url, "token": token})
        return DeskConnector("desk", settings, None, Context(clock=lambda: self.desk.now))

    def misconfigured(self) -> Iterable[DeskConnector]:
        """Give one that cannot log in."""
        yield self.connect("wrong")

    def person_creates(self, title: str) -> str:
        """Let Maria make a ticket."""
        return str(self.desk.create("Maria", title=title)["id"])

    def person_retitles(self, key: str, title: str) -> None:
        """Let her edit it."""
        self.desk.edit(int(key), "Maria", title=title)

    def person_comments(self, key: str, text: str) -> None:
        """Let her comment on it."""
        self.desk.comment(int(key), "Maria", text)

    def person_deletes(self, key: str) -> None:
        """Let her delete it."""
        del self.desk.tickets[int(key)]

    def writes(self) -> int:
        """Count the requests that write."""
        return len(self.desk.faults.writes)

    def lose_request(self) -> None:
        """Lose the next one on its way."""
        self._lose(Fault(drop=True))

    def lose_answer(self) -> None:
        """Lose the answer to the next one."""
        self._lose(Fault(drop=True, when="after"))

    def _lose(self, fault: Fault) -> None:
        self.answer_normally()
        for method in ("POST", "PATCH"):
            # The first that hits withdraws the other.
            self.desk.faults.arm(Fault(
                method=method, drop=True, when=fault.when, call=lambda _: self.desk.faults.disarm()
            ))

    def take_down(self) -> None:
        """Let nothing through."""
        self.desk.faults.arm(Fault(drop=True, times=None))

    def answer_with(
        self, status: int, *, headers: Mapping[str, str] = MappingProxyType({}), body: bytes = b"",
        writes: bool = False, times: int | None = None,
    ) -> None:
        """Answer in Desk's place."""
        for method in ("POST", "PATCH") if writes else (None,):
            self.desk.faults.arm(
                Fault(method=method, status=status, headers=tuple(headers.items()), body=body, times=times)
            )

    def answer_normally(self) -> None:
        """Take all that back."""
        self.desk.faults.disarm()

    def skew(self, seconds: float) -> None:
        """Move Desk's clock: its connector looks at numbers, not at the time."""
        self.desk.forward(seconds)

    def pass_time(self, seconds: float) -> None:
        """Move the clock on."""
        self.desk.forward(seconds)


class TestDeskInAStorm(StormContract, TestDesk):
    """All of it once more, with faults on."""
