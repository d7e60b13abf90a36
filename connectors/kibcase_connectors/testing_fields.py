"""What the contract says of the fields that not every system has: assignee, observables, custom fields."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from kibcase_connectors.actions import Create, SetFields
from kibcase_connectors.errors import Conflict, Refused
from kibcase_connectors.model import ASSIGNEE, OBSERVABLES, TITLE, Canonical, Snapshot
from kibcase_connectors.testing_hooks import MARK, ContractHooks
from kibcase_connectors.testing_tools import expect, lacking, raises, unless


class FieldsContract(ContractHooks):
    """The obligations of ``SetFields``, ``read`` and ``changes`` for each such field that the capabilities name."""

    def test_an_assignee_is_set_and_taken_away(self) -> None:
        """What is stored is what is read."""
        self._with_people()
        ticket = self.copy()
        for person in (self.colleague, "", self.colleague):
            ticket = self._set(ticket, {ASSIGNEE: person})
            shown = self.connector.mapping.canonical(ASSIGNEE, ticket.fields[ASSIGNEE])
            expect(shown == person, f"assigned to {person!r}, read {shown!r}")

    def test_an_unknown_assignee_is_refused(self) -> None:
        """For that field, and nothing else of the action is written."""
        self._with_people()
        ticket = self.copy()
        for person in ("nobody.knows@example.net", self.colleague[1:]):
            before = self.writes()
            fields = {TITLE: "Renamed", ASSIGNEE: person}
            with raises(Refused) as caught:
                self.apply(SetFields(key=ticket.key, version=ticket.version, fields=fields))
            expect(caught.error.field == ASSIGNEE, f"refused for {caught.error.field}, not for the assignee")
            expect(self.writes() == before, "something was sent though the person is unknown")
        after = self.stays(ticket.key)
        expect(after.fields == ticket.fields, f"of a refused action, {after.fields} is there")
        expect(after.version == ticket.version, "a refused action changed the version")

    def test_an_assignment_by_a_person_is_listed_and_read(self) -> None:
        """Also when it is taken back."""
        self._with_people()
        key = self.person_creates("Phishing mail")
        for person in (self.colleague, ""):
            after = self._seen(key, partial(self.person_assigns, key, person))
            shown = self.connector.mapping.canonical(ASSIGNEE, after.fields[ASSIGNEE])
            expect(shown == person, f"a person assigned it to {person!r}, read {shown!r}")

    def test_observables_are_a_set(self) -> None:
        """They are added and taken away one by one; another spelling is the same one."""
        unless(self.has(OBSERVABLES), "no observables")
        first, second, spelling = self.observables
        ticket = self._change(self.copy(), add=(first,), remove=())
        self._are(ticket, first)
        ticket = self._change(ticket, add=(second,), remove=())
        self._are(ticket, first, second)
        ticket = self._change(ticket, add=(spelling, first), remove=())
        self._are(ticket, first, second)
        ticket = self._change(ticket, add=(), remove=(self._held(ticket, first),))
        self._are(ticket, second)
        ticket = self._change(ticket, add=(first,), remove=(self._held(ticket, second),))
        self._are(ticket, first)

    def test_an_observable_of_a_person_is_listed_and_read(self) -> None:
        """And stays when another is added."""
        unless(self.has(OBSERVABLES), "no observables")
        first, second, _ = self.observables
        key = self.person_creates("Phishing mail")
        after = self._seen(key, partial(self.person_observes, key, first))
        self._are(after, first)
        self._are(self._change(after, add=(second,), remove=()), first, second)

    def test_custom_fields_are_set_and_emptied(self) -> None:
        """What is stored is what is read, and means what was asked for."""
        unless(bool(self.custom_fields), "no custom fields")
        ticket = self.copy()
        for name in self.custom_fields:
            for value in (*self.custom[name], ""):
                ticket = self._set(ticket, {name: value})
                shown = self.connector.mapping.canonical(name, ticket.fields[name])
                expect(shown == value, f"{name} was set to {value!r} and reads {shown!r}")

    def test_a_value_that_does_not_fit_is_refused(self) -> None:
        """For its field, and nothing else of the action is written."""
        unless(bool(self.custom_fields), "no custom fields")
        if not self.unfit:
            lacking("unfit")
        ticket = self.copy()
        for name, value in self.unfit.items():
            with raises(Refused) as caught:
                self.apply(SetFields(key=ticket.key, version=ticket.version, fields={TITLE: "Renamed", name: value}))
            expect(caught.error.field == name, f"refused for {caught.error.field}, not for {name}")
        after = self.stays(ticket.key)
        expect(after.fields == ticket.fields, f"of a refused action, {after.fields} is there")

    def test_a_custom_field_of_a_person_is_listed_and_read(self) -> None:
        """Each of them."""
        unless(bool(self.custom_fields), "no custom fields")
        key = self.person_creates("Phishing mail")
        for name in self.custom_fields:
            value = self.custom[name][1]
            after = self._seen(key, partial(self.person_sets, key, name, value))
            shown = self.connector.mapping.canonical(name, after.fields[name])
            expect(shown == value, f"a person set {name} to {value!r}, read {shown!r}")

    def test_further_fields_at_an_old_version_are_a_conflict(self) -> None:
        """As for any other field: what a person did in between is not written over."""
        unless(len(self._further()) > 0, "no further fields")
        old = self.copy()
        self.person_retitles(old.key, "Theirs")
        theirs = self.stays(old.key)
        for name, value in self._further().items():
            with raises(Conflict):
                self.apply(SetFields(key=old.key, version=old.version, fields={name: value}))
        expect(self.stays(old.key).version == theirs.version, "a conflict changed the thing")

    def test_a_creation_holds_further_fields_or_leaves_them_empty(self) -> None:
        """The receipt says which, so that sync can set them afterwards."""
        wanted: dict[str, Canonical] = dict(self._further())
        if self.has(OBSERVABLES):
            wanted[OBSERVABLES] = self.observables[:2]
        unless(bool(wanted), "no further fields")
        plain = self.creation()
        receipt = self.apply(Create(mark=MARK, fields={**plain.fields, **wanted}, origin_label="case 7"))
        after = self.stays(receipt.key)
        expect(dict(receipt.stored) == dict(after.fields), f"stored {receipt.stored}, read {after.fields}")
        for name, value in wanted.items():
            shown = self.connector.mapping.canonical(name, after.fields[name])
            held = shown in ("", ()) or set(shown) == set(value) or shown == value
            expect(held, f"{name} was created as {value!r} and reads {shown!r}")

    def _with_people(self) -> None:
        unless(self.has(ASSIGNEE), "no assignee")
        if not self.colleague:
            lacking("colleague")

    def _further(self) -> dict[str, str]:
        people = {ASSIGNEE: self.colleague} if self.has(ASSIGNEE) and self.colleague else {}
        return people | {name: self.custom[name][0] for name in self.custom_fields}

    def _set(self, at: Snapshot, fields: dict[str, Canonical]) -> Snapshot:
        receipt = self.apply(SetFields(key=at.key, version=at.version, fields=fields))
        after = self.stays(at.key)
        stored = {name: after.fields[name] for name in fields}
        expect(dict(receipt.stored) == stored, f"stored {receipt.stored}, read {stored}")
        return after

    def _change(self, at: Snapshot, *, add: tuple[str, ...], remove: tuple[str, ...]) -> Snapshot:
        sets = {OBSERVABLES: add} if add else {}, {OBSERVABLES: remove} if remove else {}
        receipt = self.apply(SetFields(key=at.key, version=at.version, add=sets[0], remove=sets[1]))
        after = self.stays(at.key)
        stored, read = receipt.stored.get(OBSERVABLES), after.fields[OBSERVABLES]
        expect(stored == read, f"stored {stored}, read {read}")
        return after

    def _seen(self, key: str, deed: Callable[[], None]) -> Snapshot:
        """Let a person do something and see it listed, with a new version; gives what is read then."""
        self.settle()
        before, cursor = self.connector.read(key), self.connector.changes(None).cursor
        self.pause(1.0)
        deed()
        self.settle()
        listed = {item.key for item in self.connector.changes(cursor).items}
        expect(key in listed, "a person changed the thing and it is not listed")
        after = self.stays(key)
        expect(after.version != before.version, "a person changed the thing and its version stayed")
        return after

    def _held(self, at: Snapshot, element: str) -> str:
        """Give the element as the system spells it."""
        key = self.connector.mapping.key
        shown = self.elements(OBSERVABLES, at.fields[OBSERVABLES])
        return next((each for each in shown if key(OBSERVABLES, each) == key(OBSERVABLES, element)), element)

    def _are(self, at: Snapshot, *elements: str) -> None:
        native = at.fields[OBSERVABLES]
        held = native if isinstance(native, list) else []
        shown = [self.connector.mapping.key(OBSERVABLES, str(each)) for each in held]
        wanted = [self.connector.mapping.key(OBSERVABLES, each) for each in elements]
        expect(sorted(shown) == sorted(wanted), f"the observables are {native}, not {elements}")
