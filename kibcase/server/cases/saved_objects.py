"""Export and import of cases as saved objects (Saved Objects API)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kibcase.server.cases import saved_objects_form as form
from kibcase.server.cases.attachments import documents_of
from kibcase.server.cases.authorization import authorize
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.saved_objects_form import ACTION, CASE, COMMENT, Incoming
from kibcase.server.cases.store import CaseRecord
from kibcase.server.datemath import parse_stamp
from kibcase.server.errors import BadRequest, Forbidden, KibanaError
from kibcase.server.stack import Stack

LIMIT: Final = 10_000
"""``savedObjects.maxImportExportSize``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an export asks for, checked: all cases, or the cases with these ids."""

    identifiers: list[str] | None
    with_details: bool


@dataclass(slots=True)
class _Import:
    """The state of one import: what the objects are called now, and what became of them."""

    caller: Caller
    overwrite: bool
    copies: bool
    names: dict[str, str]
    results: list[Json]
    errors: list[Json]


@dataclass(frozen=True, slots=True)
class SavedObjects:
    """Cases as saved objects of a space. Every method raises ``KibanaError`` as Saved Objects API does."""

    context: Context

    def export(self, caller: Caller, wanted: Wanted) -> Iterator[Json]:
        """Give the objects of an export: each case, then its attachments and user actions (``_export``)."""
        store = self.context.store
        with store.transaction():
            records = self._records(caller, wanted.identifiers)
            _may(caller, "getCase", "bulk_get", [record.doc["owner"] for record in records])
            objects = [form.case_object(record) for record in records]
            for record in records:
                objects += [form.comment_object(each, record.id) for each in store.attachments(record.number)]
                objects += [form.action_object(each, record.id) for each in store.user_actions(record.number)]
        if len(objects) > LIMIT:
            raise BadRequest(
                f"Can't export more than {LIMIT} objects. If your server has enough memory, this limit can be "
                'increased by adjusting the "savedObjects.maxImportExportSize" setting.'
            )
        yield from objects
        if wanted.with_details:
            yield form.details(len(objects))

    def _records(self, caller: Caller, identifiers: list[str] | None) -> list[CaseRecord]:
        store = self.context.store
        if identifiers is None:
            return store.select_cases("space = ?", [caller.space], "created_at, number", LIMIT + 1, 0)
        found = store.cases(caller.space, identifiers)
        missing = [name for name in dict.fromkeys(identifiers) if name not in found]
        if missing:
            raise BadRequest("Error fetching objects to export", attributes={"objects": [_missing(n) for n in missing]})
        return list(found.values())

    def import_(self, caller: Caller, content: bytes, *, overwrite: bool, copies: bool) -> Json:
        """Store the objects of a file (``_import``); ``copies`` gives them new ids, ``overwrite`` replaces."""
        everything = list(_read(content))
        found = [each for each in everything if each.type in form.TYPES]
        twice = [key for key, count in Counter(each.key for each in everything).items() if count > 1]
        if len(everything) > LIMIT:
            raise BadRequest(f"Can't import more than {LIMIT} objects")
        if twice:
            raise BadRequest(f"Non-unique import objects detected: [{','.join(twice)}]")
        if any(each.type == CASE and each.attributes.get("incremental_id") is not None for each in found):
            raise KibanaError("An internal server error occurred. Check Kibana server logs for details.")
        state = _Import(caller, overwrite, copies, {}, [], [])
        sound = [each for each in found if not self._is_refused(state, each)]
        _may(caller, "createCase", "bulk_create", [each.attributes["owner"] for each in sound])
        with self.context.store.transaction():
            for kind, store in ((CASE, self._case), (COMMENT, self._comment), (ACTION, self._action)):
                for each in sound:
                    if each.type == kind:
                        store(state, each)
            self._recount(state, sound)
        state.errors += [_error(each, "unsupported_type") for each in everything if each.type not in form.TYPES]
        return _answer(state)

    def _is_refused(self, state: _Import, each: Incoming) -> bool:
        wrong = form.problem(each)
        if wrong is None:
            try:
                _documents(each, self.context.stack)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                wrong = f"[attributes]: {type(error).__name__}"
        if wrong is not None:
            state.errors.append(_error(each, "unknown", message=wrong, statusCode=400))
        return wrong is not None

    def _case(self, state: _Import, each: Incoming) -> None:
        store, space = self.context.store, state.caller.space
        homes = {row["space"] for row in store.select("space", "id = ?", [each.id])}
        if not state.copies and space in homes and not state.overwrite:
            state.errors.append(_error(each, "conflict"))
            return
        fresh = state.copies or (bool(homes) and space not in homes)
        name = state.names[each.key] = self.context.new_id() if fresh else each.id
        doc = form.case_of(each, self.context.stack)
        existing = store.case(space, name)
        if existing is not None:
            kept = {key: existing.doc[key] for key in ("incremental_id",) if key in existing.doc}
            store.put_case(existing.number, doc | kept, reserved=existing.reserved)
        else:
            reserved = store.next(f"case {space}") if self.context.incremental_ids else None
            store.add_case(space, name, doc, reserved=reserved)
        _done(state, each, name, overwrite=existing is not None)

    def _comment(self, state: _Import, each: Incoming) -> None:
        store, record = self.context.store, self._home(state, each)
        if record is None:
            return
        existing = None if state.copies else store.attachment(state.caller.space, each.id)
        if existing is not None and not state.overwrite:
            state.errors.append(_error(each, "conflict"))
            return
        name = state.names[each.key] = self.context.new_id() if record.id != each.case_id else each.id
        doc = form.comment_of(each)
        if existing is not None:
            store.put_attachment(existing, doc, documents_of(doc))
        else:
            store.add_attachment(state.caller.space, record.number, name, doc, documents_of(doc))
        _done(state, each, name, overwrite=existing is not None)

    def _action(self, state: _Import, each: Incoming) -> None:
        store, record = self.context.store, self._home(state, each)
        if record is None:
            return
        known = {action.id for action in store.user_actions(record.number)}
        if each.id in known and not state.overwrite:
            state.errors.append(_error(each, "conflict"))
            return
        name = self.context.new_id() if record.id != each.case_id else each.id
        # What is in the activity of a case never changes: the entry that is there already is the same one.
        if name not in known:
            comment = each.references.get("associated-cases-comments")
            renamed = None if comment is None else state.names.get(f"{COMMENT}:{comment}", comment)
            store.add_user_actions(record.number, [(name, form.action_of(each, renamed))])
        _done(state, each, name, overwrite=name in known)

    def _home(self, state: _Import, each: Incoming) -> CaseRecord | None:
        name = state.names.get(f"{CASE}:{each.case_id}", each.case_id)
        record = self.context.store.case(state.caller.space, name)
        if record is None:
            references = [{"type": CASE, "id": each.case_id}]
            state.errors.append(_error(each, "missing_references", references=references))
        return record

    def _recount(self, state: _Import, found: Iterable[Incoming]) -> None:
        touched = {each.case_id if each.type != CASE else each.id for each in found}
        for name in touched:
            record = self.context.store.case(state.caller.space, state.names.get(f"{CASE}:{name}", name))
            if record is not None:
                self.context.store.put_case(record.number, record.doc, reserved=record.reserved)


def _documents(each: Incoming, stack: Stack) -> None:
    # What cannot be written must be known before anything is.
    if each.type == CASE:
        parse_stamp(form.case_of(each, stack)["created_at"])
    elif each.type == COMMENT:
        parse_stamp(each.attributes["created_at"])
        documents_of(form.comment_of(each))
    else:
        parse_stamp(each.attributes["created_at"])
        form.action_of(each, None)


def wanted_of(asked: Mapping[str, Any]) -> Wanted:
    """Check what the body of ``_export`` asks for; raises ``BadRequest`` for a type other than cases."""
    given = asked.get("type")
    types = [given] if isinstance(given, str) else given or []
    objects = asked.get("objects") or []
    if not types and not objects:
        raise BadRequest("Either `type` or `objects` are required.")
    if types and objects:
        raise BadRequest('Can\'t specify both "types" and "objects" properties when exporting')
    if objects and isinstance(asked.get("search"), str):
        raise BadRequest('Can\'t specify both "search" and "objects" properties when exporting')
    strange = [name for name in types if name != CASE]
    if strange:
        raise BadRequest(f"Trying to export non-exportable type(s): {', '.join(strange)}")
    invalid = [f"{each['type']}:{each['id']}" for each in objects if each["type"] != CASE]
    if invalid:
        raise BadRequest(f"Trying to export object(s) with non-exportable types: {', '.join(invalid)}")
    identifiers = [each["id"] for each in objects] if objects else None
    return Wanted(identifiers=identifiers, with_details=not asked.get("excludeExportDetails", False))


def _may(caller: Caller, operation: str, verb: str, owners: Iterable[str]) -> None:
    try:
        authorize(caller, operation, owners)
    except Forbidden as refusal:
        raise Forbidden(f"Unable to {verb} {CASE}") from refusal


def _read(content: bytes) -> Iterator[Incoming]:
    for line in content.decode("utf-8", "replace").split("\n"):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            if "exportedCount" in value and "type" not in value:
                continue
            yield form.incoming(value)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise BadRequest(f"Unexpected token in JSON: {line[:40]}") from error


def _missing(identifier: str) -> Json:
    return {
        "id": identifier, "type": CASE,
        "error": {"statusCode": 404, "error": "Not Found", "message": f"Saved object [{CASE}/{identifier}] not found"},
    }


def _meta(each: Incoming) -> Json:
    return {"title": f"Case: {each.attributes.get('title')}", "icon": "casesApp"} if each.type == CASE else {}


def _done(state: _Import, each: Incoming, name: str, *, overwrite: bool) -> None:
    result: Json = {"type": each.type, "id": each.id, "meta": _meta(each), "managed": False}
    if name != each.id:
        result["destinationId"] = name
    if overwrite:
        result["overwrite"] = True
    state.results.append(result)


def _error(each: Incoming, kind: str, **more: Any) -> Json:
    title: Mapping[str, Any] = {"title": each.attributes["title"]} if "title" in each.attributes else {}
    return {"id": each.id, "type": each.type, **title, "meta": _meta(each), "error": {"type": kind, **more}}


def _answer(state: _Import) -> Json:
    answer: Json = {"success": not state.errors, "successCount": len(state.results), "warnings": []}
    if state.errors:
        answer["errors"] = state.errors
    if state.results:
        answer["successResults"] = state.results
    return answer
