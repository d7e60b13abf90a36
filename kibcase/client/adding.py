"""Which of many observables are new to a case, and what became of each. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from kibcase.client.batches import BatchReport, Fate
from kibcase.client.batches import Outcome as Sent
from kibcase.errors import KibcaseError
from kibcase.models.case import Case
from kibcase.models.observable import Observable

Identity = tuple[str, str]
Outcome = Literal["added", "duplicate", "over-limit", "refused", "lost", "unknown", "not-tried"]
_FATES: Mapping[Fate, Outcome] = {
    Fate.REFUSED: "refused", Fate.UNKNOWN: "unknown", Fate.NOT_TRIED: "not-tried",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservableResult:
    """What became of one observable; ``error`` if it was refused, is unknown or was not tried.

    "duplicate": the case has it, or the list names it twice. "over-limit": the case has as many as it can
    have. "lost": Kibana accepted it, but the case does not have it; somebody else wrote at the same time.
    "unknown": no usable answer came. "not-tried": what stopped the one before would have stopped it too.
    """

    observable: Observable
    outcome: Outcome
    error: KibcaseError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedObservables:
    """What ``add_many`` did, in the order given; ``case`` is the case as it is afterwards."""

    case: Case
    results: list[ObservableResult]

    def of(self, outcome: Outcome) -> list[Observable]:
        """Return the observables that had this outcome."""
        return [each.observable for each in self.results if each.outcome == outcome]

    @property
    def added(self) -> list[Observable]:
        """Those that are new on the case."""
        return self.of("added")

    @property
    def complete(self) -> bool:
        """Whether the case has all of them now."""
        return all(each.outcome in {"added", "duplicate"} for each in self.results)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adding:
    """The plan: ``fresh`` are to be sent; what became of the others is known already (by position)."""

    wanted: list[Observable]
    fresh: list[Observable]
    settled: Mapping[int, Outcome] = field(default_factory=dict)

    def report(self, after: Case, sent: BatchReport[Observable] | None = None) -> AddedObservables:
        """Tell what became of each, from the case as it is afterwards and what became of the fresh ones."""
        there = {each.identity for each in after.observables}
        failed = {each.item.identity: each for each in sent.failed} if sent else {}
        results = [self._result(number, each, there, failed) for number, each in enumerate(self.wanted)]
        return AddedObservables(case=after, results=results)

    def _result(
        self, number: int, observable: Observable, there: set[Identity], failed: Mapping[Identity, Sent[Observable]]
    ) -> ObservableResult:
        if number in self.settled:
            return ObservableResult(observable=observable, outcome=self.settled[number])
        if found := failed.get(observable.identity):
            return ObservableResult(observable=observable, outcome=_FATES[found.fate], error=found.error)
        outcome: Outcome = "added" if observable.identity in there else "lost"
        return ObservableResult(observable=observable, outcome=outcome)


def plan(case: Case, wanted: Sequence[Observable], maximum: int) -> Adding:
    """Sort out duplicates (type and value, as Kibana compares them) and what the case has no room for."""
    seen = {each.identity for each in case.observables}
    room = maximum - len(case.observables)
    fresh: list[Observable] = []
    settled: dict[int, Outcome] = {}
    for number, observable in enumerate(wanted):
        if observable.identity in seen:
            settled[number] = "duplicate"
        elif len(fresh) >= room:
            settled[number] = "over-limit"
        else:
            seen.add(observable.identity)
            fresh.append(observable)
    return Adding(wanted=list(wanted), fresh=fresh, settled=settled)
