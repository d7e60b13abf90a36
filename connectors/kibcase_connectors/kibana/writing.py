"""Carry out the actions of sync on cases (Kibana Cases API, POST and PATCH)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from kibcase import Case, Changes, NothingToUpdate, UserComment
from kibcase_connectors.actions import Action, AddComment, Create, EditComment, LinkBack, SetFields, SetStatus
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import Conflict, NotFound, Refused
from kibcase_connectors.kibana.access import Access
from kibcase_connectors.kibana.mapping import changed_tags
from kibcase_connectors.kibana.snapshot import case_label, case_url, comment_of, fields_of
from kibcase_connectors.kibana.text import with_mark
from kibcase_connectors.mapping import FieldMap, UnmappedError
from kibcase_connectors.model import DESCRIPTION, SEVERITY, STATUS, TAGS, TITLE, Canonical, Json, Receipt


class Writer:
    """Writes to the cases of one space; each method sends at most one request that writes, and never twice."""

    def __init__(self, access: Access, mapping: FieldMap) -> None:
        self._access = access
        self._mapping = mapping
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
            case LinkBack():
                advice = "A case has no place for links."
                raise Refused(self._access.name, f"link case {action.key} back", advice=advice)
            case _:
                assert_never(action)

    def _create(self, action: Create, announce: Announce) -> Receipt:
        what = f"create a case for {action.origin_label}"
        given: dict[str, Canonical] = {TITLE: action.origin_label, DESCRIPTION: "", **action.fields}
        # A new case is open, and its tags begin with the mark that makes it visible as a copy.
        tags = given.pop(TAGS, ())
        given.pop(STATUS, None)
        asked = {field: self._native(field, value, what) for field, value in given.items()}
        asked[TAGS] = [
            action.mark, *changed_tags((), add=(tags,) if isinstance(tags, str) else tags)
        ]
        announce(asked)
        with self._access.translated(what, writes=True):
            case = self._cases.create(
                title=str(asked[TITLE]), description=str(asked[DESCRIPTION]), tags=_strings(asked[TAGS]),
                severity=None if SEVERITY not in asked else str(asked[SEVERITY]),
                owner=self._access.config.owner, sync_alerts=self._access.config.sync_alerts,
            )
        return self._receipt(case, fields_of(case))

    def _set_fields(self, action: SetFields, announce: Announce) -> Receipt:
        what = f"change case {action.key}"
        with self._access.translated(what):
            case = self._cases.get(action.key)
        if case.version != action.version:
            raise Conflict(self._access.name, what, said="it has changed since it was read")
        asked = {field: self._native(field, value, what) for field, value in action.fields.items()}
        add, remove = action.add.get(TAGS, ()), action.remove.get(TAGS, ())
        if add or remove:
            asked[TAGS] = [*changed_tags(tuple(case.tags), add=add, remove=remove)]
        present = fields_of(case)
        if all(present[field] == value for field, value in asked.items()):
            return self._receipt(case, asked)
        announce(asked)
        with self._access.translated(what, writes=True):
            try:
                stored = self._cases.update(case, **_changes(asked))
            except NothingToUpdate:
                stored = case
        return self._receipt(stored, asked)

    def _set_status(self, action: SetStatus, announce: Announce) -> Receipt:
        what = f"set case {action.key} to {action.status}"
        asked = {STATUS: self._native(STATUS, action.status, what)}
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
            return Receipt(key=action.key, comment=comment_of(stored))

    def _edit_comment(self, action: EditComment, announce: Announce) -> Receipt:
        what = f"change comment {action.comment} of case {action.key}"
        text = self._marked(action, what)
        with self._access.translated(what):
            present = self._comments.get(action.key, action.comment)
            if not isinstance(present, UserComment):
                raise NotFound(self._access.name, what, said="it is no comment but another attachment")
            if present.comment == text:
                return Receipt(key=action.key, comment=comment_of(present))
        announce({})
        with self._access.translated(what, writes=True):
            stored = self._comments.update(action.key, present, text)
            return Receipt(key=action.key, comment=comment_of(stored))

    def _native(self, field: str, value: Canonical, what: str) -> Json:
        try:
            native = self._mapping.native(field, value)
        except UnmappedError as error:
            raise Refused(self._access.name, what, said=str(error), field=field) from error
        return str(native)

    def _marked(self, action: AddComment | EditComment, what: str) -> str:
        try:
            return with_mark(action.body, action.mark)
        except ValueError as error:
            raise Refused(self._access.name, what, said=str(error)) from error

    def _receipt(self, case: Case, asked: Iterable[str]) -> Receipt:
        config = self._access.config
        fields = fields_of(case)
        return Receipt(
            key=case.id, label=case_label(case), url=case_url(config.url, config.space, config.owner, case.id),
            stored={field: fields[field] for field in asked},
        )


def _changes(asked: dict[str, Json]) -> Changes:
    changes = Changes()
    if TITLE in asked:
        changes["title"] = str(asked[TITLE])
    if DESCRIPTION in asked:
        changes["description"] = str(asked[DESCRIPTION])
    if SEVERITY in asked:
        changes["severity"] = str(asked[SEVERITY])
    if STATUS in asked:
        changes["status"] = str(asked[STATUS])
    if TAGS in asked:
        changes["tags"] = _strings(asked[TAGS])
    return changes


def _strings(value: Json) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
