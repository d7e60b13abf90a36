"""The fields of a case as sync sees them: those of every stack, and what this one offers besides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kibcase import Case
from kibcase.models.case import CustomField
from kibcase.models.user import Assignee
from kibcase_connectors.errors import Refused
from kibcase_connectors.kibana.access import Access
from kibcase_connectors.kibana.customs import replaced, values_of, wire
from kibcase_connectors.kibana.directory import Directory
from kibcase_connectors.kibana.observed import Typing
from kibcase_connectors.kibana.offers import Offers
from kibcase_connectors.kibana.snapshot import fields_of
from kibcase_connectors.mapping import FieldMap, UnmappedError
from kibcase_connectors.model import ASSIGNEE, OBSERVABLES, UNSET, Canonical, Json


class CaseFields:
    """Reads the fields of cases, and turns what is to be written into what Kibana takes."""

    def __init__(
        self, access: Access, mapping: FieldMap, offers: Offers, directory: Directory, typing: Typing
    ) -> None:
        self._access = access
        self._mapping = mapping
        self._offers = offers
        self._directory = directory
        self._typing = typing

    def of(self, case: Case, *, ask: bool = True) -> dict[str, Json]:
        """Give the fields of a case in the side's own form; with ``ask``, asks who is assigned."""
        fields = fields_of(case)
        if ASSIGNEE in self._offers.fields:
            fields[ASSIGNEE] = self._directory.native(case.assignees, ask=ask)
        if OBSERVABLES in self._offers.fields:
            fields[OBSERVABLES] = [*self._typing.elements(case.observables)]
        return {**fields, **values_of(case.custom_fields, self._offers.definitions)}

    def offered(self, names: Iterable[str], what: str) -> None:
        """Raise ``Refused`` for a field that this stack does not have."""
        for name in names:
            if name not in self._offers.fields:
                why = self._offers.lacking.get(name, "it does not take part")
                raise Refused(self._access.name, what, said=f"{name}: {why}", field=name)

    def native(self, name: str, value: Canonical, what: str) -> Json:
        """Give a scalar field as it is to be stored. Raises ``Refused``."""
        try:
            native = self._mapping.native(name, value)
        except UnmappedError as error:
            raise Refused(self._access.name, what, said=str(error), field=name) from error
        return None if native is UNSET else native

    def assigned(self, person: Canonical, present: list[Assignee], what: str) -> list[Assignee]:
        """Give a case's assignees with the first replaced by ``person``, or taken away if that is ""."""
        others = present[1:]
        if not person:
            return others
        uid = self._directory.uid(str(person), what)
        known = {one.uid: one for one in present}
        return [known.get(uid, Assignee(uid=uid)), *(one for one in others if one.uid != uid)]

    def people(self, assignees: list[Assignee]) -> Json:
        """Give assignees in the side's own form."""
        return self._directory.native(assignees)

    def custom(
        self, present: list[CustomField], changes: Mapping[str, Canonical], what: str
    ) -> tuple[dict[str, Json], list[CustomField]]:
        """Give the values of custom fields as they will be, and the whole list to send. Raises ``Refused``."""
        new = {}
        for name, value in changes.items():
            native = self.native(name, value, what)
            definition = self._offers.definitions[name]
            try:
                new[name] = (definition, wire(definition, None if native is None else str(native)))
            except ValueError as error:
                raise Refused(self._access.name, what, said=str(error), field=name) from error
        sent = replaced(present, list(new.values()))
        values = values_of(sent, self._offers.definitions)
        return {name: values[name] for name in new}, sent
