"""Faults and counts that the contract tests of all HTTP systems share."""

from __future__ import annotations

from typing import Literal

from kibcase.server.faults import WRITES, Fault, Faults

# Queries and log-ins are sent with POST and store nothing.
STORING = r"(?!.*(/search|query_paged|/session|_token|/_find|_bulk_get)).*"


class OverHttp:
    """The hooks of ``ContractHooks`` that are the same for every stand-in; ``faults`` is set by ``start``."""

    faults: Faults
    people = 0

    def writes(self) -> int:
        probe = Fault(path=STORING)
        return sum(seen.method in WRITES and probe.matches(seen) for seen in self.faults.requests) - self.people

    def lose_request(self) -> None:
        self._lose("before")

    def lose_answer(self) -> None:
        self._lose("after")

    def take_down(self) -> None:
        self.faults.disarm()
        self.faults.arm(Fault(drop=True, times=None))

    def _lose(self, when: Literal["before", "after"]) -> None:
        self.faults.disarm()
        for method in ("POST", "PUT", "PATCH"):
            # The first that hits withdraws the others, so that one request in all is lost.
            lost = Fault(method=method, path=STORING, when=when, drop=True, call=lambda _: self.faults.disarm())
            self.faults.arm(lost)
