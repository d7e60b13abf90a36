"""Add observables to a case and take them away (Kibana Cases, ``/internal/cases/{id}/observables``)."""

from __future__ import annotations

from typing import Final

from kibcase import Case
from kibcase.models.observable import Observable
from kibcase.models.status import Version
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import OutcomeUnknown, Refused
from kibcase_connectors.kibana.access import Access
from kibcase_connectors.kibana.observed import MOST, Typing
from kibcase_connectors.model import OBSERVABLES

_BULK_SINCE: Final = Version(9, 2)


class ObservableWriter:
    """Writes the observables of cases: each request is announced and sent once."""

    def __init__(self, access: Access, typing: Typing) -> None:
        self._access = access
        self._typing = typing

    def plan(
        self, present: list[Observable], add: tuple[str, ...], remove: tuple[str, ...], what: str
    ) -> tuple[list[Observable], list[Observable]]:
        """Give what is to be added and what is to go. Raises ``Refused`` for too many or unknown types."""
        gone = self._typing.among(present, remove)
        try:
            fresh = self._typing.fresh([one for one in present if one not in gone], add)
        except ValueError as error:
            raise Refused(self._access.name, what, said=str(error), field=OBSERVABLES) from error
        total = len(present) - len(gone) + len(fresh)
        if fresh and total > MOST:
            said = f"a case takes {MOST} observables, this would be {total}"
            advice = "Take some away, or carry fewer types."
            raise Refused(self._access.name, what, said=said, advice=advice, field=OBSERVABLES)
        return fresh, gone

    def write(
        self, case: Case, fresh: list[Observable], gone: list[Observable], announce: Announce, what: str
    ) -> Case:
        """Carry out a plan on ``case`` and give the case as it is then."""
        kept = list(case.observables)
        for one in gone:
            kept = [each for each in kept if each.id != one.id]
            announce({OBSERVABLES: [*self._typing.elements(kept)]})
            with self._access.translated(what, writes=True):
                self._access.kibana.observables.remove(case.id, one)
        if fresh:
            case = self._add(case, kept, fresh, announce, what)
        elif gone:
            with self._access.translated(what):
                case = self._access.kibana.cases.get(case.id)
        return case

    def _add(
        self, case: Case, kept: list[Observable], fresh: list[Observable], announce: Announce, what: str
    ) -> Case:
        with self._access.translated(what):
            version = self._access.kibana.status.comparable_version()
        if version is None or version >= _BULK_SINCE:
            announce({OBSERVABLES: [*self._typing.elements([*kept, *fresh])]})
            return self._in_bulk(case, fresh, what)
        for one in fresh:
            kept = [*kept, one]
            announce({OBSERVABLES: [*self._typing.elements(kept)]})
            with self._access.translated(what, writes=True):
                case = self._access.kibana.observables.add(case.id, str(one.type_key), one.value)
        return case

    def _in_bulk(self, case: Case, fresh: list[Observable], what: str) -> Case:
        with self._access.translated(what, writes=True):
            done = self._access.kibana.observables.add_many(case.id, fresh)
            failed = next((result.error for result in done.results if result.error is not None), None)
            if failed is not None:
                raise failed
        if not done.complete:
            said = "some are not there: somebody else wrote at the same time"
            raise OutcomeUnknown(self._access.name, what, said=said, field=OBSERVABLES)
        return done.case
