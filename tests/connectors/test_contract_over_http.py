"""Faults and counts that the contract tests of all HTTP systems share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from kibcase.server.faults import QUERIES, Fault, Faults

# What stores something, of what is sent with POST.
STORING = rf"(?!{QUERIES.pattern}$).*"


class OverHttp:
    """The hooks of ``ContractHooks`` that are the same for every stand-in; ``faults`` is set by ``start``."""

    faults: Faults
    people = 0

    def writes(self) -> int:
        return len(self.faults.writes) - self.people

    def lose_request(self) -> None:
        self._lose("before")

    def lose_answer(self) -> None:
        self._lose("after")

    def answer_with(
        self, status: int, *, headers: Mapping[str, str] = MappingProxyType({}), body: bytes = b"",
        writes: bool = False, times: int | None = None,
    ) -> None:
        self.faults.disarm()
        given = tuple(headers.items())
        for method in ("POST", "PUT", "PATCH") if writes else (None,):
            path = STORING if writes else ".*"
            self.faults.arm(
                Fault(method=method, path=path, status=status, headers=given, body=body, times=times)
            )

    def answer_normally(self) -> None:
        self.faults.disarm()

    def take_down(self) -> None:
        self.faults.disarm()
        self.faults.arm(Fault(drop=True, times=None))

    def _lose(self, when: Literal["before", "after"]) -> None:
        self.faults.disarm()
        for method in ("POST", "PUT", "PATCH"):
            # The first that hits withdraws the others, so that one request in all is lost.
            lost = Fault(method=method, path=STORING, when=when, drop=True, call=lambda _: self.faults.disarm())
            self.faults.arm(lost)
