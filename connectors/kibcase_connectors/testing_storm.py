"""The contract once more, on a connection on which every other call goes wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from kibcase_connectors.actions import Action
from kibcase_connectors.api import Connector
from kibcase_connectors.testing_answers import AnswersContract
from kibcase_connectors.testing_faults import FaultsContract
from kibcase_connectors.testing_hooks import ContractHooks
from kibcase_connectors.testing_patient import Patient

_SEED: Final = 20_250_501
_HEADERS: Final = {"Content-Type": "text/html", "Retry-After": "1"}


class StormContract(ContractHooks):
    """Inherit it before a class that keeps ``ConnectorContract``, and all its tests run with faults on.

    ::

        class TestAcmeInAStorm(StormContract, TestAcme):
            pass

    Between two calls of the connector a fault is arranged, or none, by a schedule that is the same in each run. The
    caller behaves as sync does: it waits, looks what became of a request without an answer, and tries again. In the
    end everything is as it would be on a calm day. Tests that arrange faults themselves are left out.
    """

    def __init_subclass__(cls, **rest: object) -> None:
        super().__init_subclass__(**rest)
        for alone in (FaultsContract, AnswersContract):
            for name in vars(alone):
                if name.startswith("test_"):
                    # pytest collects what can be called.
                    setattr(cls, name, None)

    def setup_method(self) -> None:
        """Start the system and the schedule."""
        self.dice = random.Random(_SEED)  # noqa: S311 - a schedule, no secret
        super().setup_method()

    def opened(self) -> Connector:
        """Give the connector in the hands of a patient caller."""
        return Patient(self.connect(), disturb=self.disturb, calm=self.answer_normally, wait=self.pass_time)

    def expect_sent(self, before: int, number: int, broken: str) -> None:
        """Say nothing: what was lost was sent again."""

    def announced(self, action: Action) -> int:
        """Carry out an action; what was lost was announced again, so that there is nothing to count."""
        self.apply(action)
        return 1

    def disturb(self) -> None:
        """Arrange the next fault of the schedule, or none."""
        self.answer_normally()
        faults = self.disturbances()
        number = self.dice.randrange(len(faults) + 2)
        if number < len(faults):
            faults[number]()

    def disturbances(self) -> list[Callable[[], None]]:
        """Give what can go wrong; override it to add what your system does."""
        found = [self.lose_request, self.lose_answer]
        if type(self).answer_with is not ContractHooks.answer_with:
            found += [self._busy, self._slow]
        return found

    def _busy(self) -> None:
        self.answer_with(503, headers=_HEADERS, body=b"<html>busy</html>", times=1)

    def _slow(self) -> None:
        self.answer_with(429, headers=_HEADERS, body=b"<html>slow down</html>", times=1)
