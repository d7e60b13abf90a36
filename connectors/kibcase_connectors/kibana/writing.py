"""Carry out the actions of sync on cases (Kibana Cases API, POST and PATCH)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, assert_never

from kibcase import Case, Changes, NothingToUpdate, UserComment
from kibcase_connectors.actions import (
    Action,
    AddComment,
    AddFile,
    Create,
    EditComment,
    LinkBack,
    SetFields,
    SetStatus,
)
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import Conflict, ConnectorError, NotFound, OutcomeUnknown, Refused
from kibcase_connectors.kibana.access import Access
from kibcase_connectors.kibana.fields import CaseFields
from kibcase_connectors.kibana.files import CaseFiles
from kibcase_connectors.kibana.mapping import changed_tags
from kibcase_connectors.kibana.observing import ObservableWriter
from kibcase_connectors.kibana.offers import Offers
from kibcase_connectors.kibana.snapshot import Names, case_label, case_url, comment_of
from kibcase_connectors.kibana.text import with_mark
from kibcase_connectors.model import (
    ASSIGNEE,
    DESCRIPTION,
    FIELDS,
    OBSERVABLES,
    SEVERITY,
    STATUS,
    TAGS,
    TITLE,
    Canonical,
    Json,
    Receipt,
)


class Writer:
    """Writes to the cases of one space; each request that writes is announced, and never sent twice."""

    def __init__(
        self, access: Access, offers: Offers, fields: CaseFields, files: CaseFiles, observables: ObservableWriter,
        names: Names,
    ) -> None:
        self._access = access
        self._offers = offers
        self._fields = fields
        self._files = files
        self._observables = observables
        self._names = names
        self._cases = access.kibana.cases
        self._comments = access.kibana.comments

    def apply(self, action: Action, announce: Announce) -> Receipt:
        """Carry out one action; see ``Connector.apply``."""
        match action:
            case Create():
                return self._create(action, announce)
            case SetFields():
                return self._set_fields(action, announce)
            case SetStatus():
                return self._set_status(action, announce)
            case AddComment():
                return self._add_comment(action, announce)
            case EditComment():
                return self._edit_comment(action, announce)
            case AddFile():
                return self._files.add(action, announce)
            case LinkBack():
                advice = "A case has no place for links."
                raise Refused(self._access.name, f"link case {action.key} back", advice=advice)
            case _:
                assert_never(action)

    def _create(self, action: Create, announce: Announce) -> Receipt:
        what = f"create a case for {action.origin_label}"
        self._learn(what)
        given: dict[str, Canonical] = {TITLE: action.origin_label, DESCRIPTION: "", **action.fields}
        # What this stack lacks is left out of the copy, and not read from it later either.
        given = {name: value for name, value in given.items() if name in self._offers.fields}
        # A new case is open, and its tags begin with the mark that makes it visible as a copy.
        tags, observed = _elements(given.pop(TAGS, ())), _elements(given.pop(OBSERVABLES, ()))
        given.pop(STATUS, None)
        fresh, _ = self._observables.plan([], observed, (), what)
        asked, changes = self._asked(None, given, what)
        asked[TAGS] = [action.mark, *changed_tags((), add=tags)]
        changes["tags"] = _strings(asked[TAGS])
        announce(asked)
        with self._access.translated(what, writes=True):
            config = self._access.config
            made: dict[str, Any] = {"severity": None, **changes}
            case = self._cases.create(owner=config.owner, sync_alerts=config.sync_alerts, **made)
        if fresh:
            case = self._observe_new(case, fresh, announce, what)
        return self._receipt(case, self._offers.fields)

    def _observe_new(self, case: Case, fresh: list[Any], announce: Announce, what: str) -> Case:
        try:
            return self._observables.write(case, fresh, [], announce, what)
        except ConnectorError as error:
            # The case is there, and found again by its mark; what it lacks is written as a change then.
            said = f"the case {case.id} was made, its observables were not: {error}"
            raise OutcomeUnknown(self._access.name, what, said=said, field=OBSERVABLES) from error

    def _set_fields(self, action: SetFields, announce: Announce) -> Receipt:
        what = f"change case {action.key}"
        self._learn(what)
        self._fields.offered({*action.fields, *action.add, *action.remove}, what)
        with self._access.translated(what):
            case = self._cases.get(action.key)
        if case.version != action.version:
            raise Conflict(self._access.name, what, said="it has changed since it was read")
        add, remove = action.add.get(OBSERVABLES, ()), action.remove.get(OBSERVABLES, ())
        fresh, gone = self._observables.plan(case.observables, add, remove, what)
        asked, changes = self._asked(case, action.fields, what)
        add, remove = action.add.get(TAGS, ()), action.remove.get(TAGS, ())
        if add or remove:
            asked[TAGS] = [*changed_tags(tuple(case.tags), add=add, remove=remove)]
            changes["tags"] = _strings(asked[TAGS])
        present = self._shown(case, what)
        case = self._observed(case, fresh, gone, announce, what)
        stored = [*asked, OBSERVABLES] if OBSERVABLES in {*action.add, *action.remove} else asked
        if any(present[field] != value for field, value in asked.items()):
            announce(asked)
            with self._access.translated(what, writes=True):
                try:
                    case = self._cases.update(case, **changes)
                except NothingToUpdate:
                    return self._receipt(case, stored)
        return self._receipt(case, stored)

    def _observed(self, case: Case, fresh: list[Any], gone: list[Any], announce: Announce, what: str) -> Case:
        """Write observables, for which Kibana takes no version, and see that nothing else changed meanwhile."""
        if not (fresh or gone):
            return case
        after = self._observables.write(case, fresh, gone, announce, what)
        if _rest(after) != _rest(case):
            raise Conflict(self._access.name, what, said="it was changed at the same time")
        return after

    def _asked(self, case: Case | None, given: Mapping[str, Canonical], what: str) -> tuple[dict[str, Json], Changes]:
        """Give scalar fields as they are to be stored, and the same as Kibana takes them; None is a new case."""
        asked: dict[str, Json] = {}
        changes = Changes()
        plain = {name: self._fields.native(name, value, what) for name, value in given.items() if name in FIELDS}
        asked.update(plain)
        for name in (TITLE, DESCRIPTION, SEVERITY, STATUS):
            if name in plain:
                changes[name] = str(plain[name])
        if ASSIGNEE in given:
            with self._access.translated(what):
                self._fields.native(ASSIGNEE, given[ASSIGNEE], what)
                assignees = self._fields.assigned(given[ASSIGNEE], case.assignees if case else [], what)
                asked[ASSIGNEE] = self._fields.people(assignees)
            changes["assignees"] = [one.uid for one in assignees]
        customs = {name: value for name, value in given.items() if name in self._offers.definitions}
        if customs:
            values, sent = self._fields.custom(case.custom_fields if case else [], customs, what)
            asked.update(values)
            changes["custom_fields"] = sent
        return asked, changes

    def _set_status(self, action: SetStatus, announce: Announce) -> Receipt:
        what = f"set case {action.key} to {action.status}"
        asked = {STATUS: self._fields.native(STATUS, action.status, what)}
        announce(asked)
        with self._access.translated(what, writes=True):
            try:
                case = self._cases.update(action.key, version=action.version, status=str(asked[STATUS]))
            except NothingToUpdate:
                return Receipt(key=action.key, stored=asked)
        return self._receipt(case, asked)

    def _add_comment(self, action: AddComment, announce: Announce) -> Receipt:
        what = f"comment on case {action.key}"
        text = self._marked(action, what)
        announce({})
        with self._access.translated(what, writes=True):
            stored = self._comments.add(action.key, text, self._access.config.owner)
            return Receipt(key=action.key, comment=comment_of(stored, self._names))

    def _edit_comment(self, action: EditComment, announce: Announce) -> Receipt:
        what = f"change comment {action.comment} of case {action.key}"
        text = self._marked(action, what)
        with self._access.translated(what):
            present = self._comments.get(action.key, action.comment)
            if not isinstance(present, UserComment):
                raise NotFound(self._access.name, what, said="it is no comment but another attachment")
            if present.comment == text:
                return Receipt(key=action.key, comment=comment_of(present, self._names))
        announce({})
        with self._access.translated(what, writes=True):
            stored = self._comments.update(action.key, present, text)
            return Receipt(key=action.key, comment=comment_of(stored, self._names))

    def _marked(self, action: AddComment | EditComment, what: str) -> str:
        try:
            return with_mark(action.body, action.mark)
        except ValueError as error:
            raise Refused(self._access.name, what, said=str(error)) from error

    def _learn(self, what: str) -> None:
        with self._access.translated(what):
            self._offers.learn()

    def _shown(self, case: Case, what: str) -> dict[str, Json]:
        with self._access.translated(what):
            return self._fields.of(case)

    def _receipt(self, case: Case, asked: Iterable[str]) -> Receipt:
        config = self._access.config
        # The write is done: nothing that can fail may come between it and its receipt.
        fields = self._fields.of(case, ask=False)
        return Receipt(
            key=case.id, label=case_label(case), url=case_url(config.url, config.space, config.owner, case.id),
            stored={field: fields[field] for field in asked if field in fields},
        )


def _rest(case: Case) -> dict[str, Any]:
    """Give what sync may write of a case beside its observables."""
    return case.model_dump(include={"title", "description", "status", "severity", "tags", "assignees", "custom_fields"})


def _elements(value: Canonical) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _strings(value: Json) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
