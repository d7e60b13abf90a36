"""Observables of cases: add, change, remove; with the odd error mapping of Kibana's internal routes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kibcase.server import limits
from kibcase.server.cases.authorization import authorize
from kibcase.server.cases.cases import remember
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.observable_values import built_in_types, is_valid
from kibcase.server.cases.store import CaseRecord
from kibcase.server.codec import UNDEFINED, array, decode, nullable, strict, string
from kibcase.server.errors import BadRequest, Forbidden, KibanaError, NotFound

_BASE = strict({"typeKey": string, "value": string, "description": nullable(string)})
_ADD = strict({"observable": _BASE})
_ADD_MANY = strict({"caseId": string, "observables": array(_BASE)})
_CHANGE = strict({"observable": strict({"value": string, "description": nullable(string)})})


@dataclass(frozen=True, slots=True)
class Observables:
    """The observables of every case.

    Licence failures are ``Forbidden``; everything else that goes wrong, a missing case or privilege included, is
    ``BadRequest`` whose text holds the cause, as Kibana answers. Only ``delete_many`` keeps the causes apart.
    A change moves the version of the case but not ``updated_at``. Answers are cases without comments and with
    totals of 0, because Kibana does not count attachments here.
    """

    context: Context

    def add(self, caller: Caller, case_id: str, body: Any) -> Json:
        """Add one observable (``POST /internal/cases/{id}/observables``)."""
        self._licensed("assign observables to cases")
        with self.context.store.transaction(), _wrapped("Failed to add observable"):
            given = decode(_ADD, body)["observable"]
            record = self._writable(caller, case_id)
            self._check_types(caller, record, [given])
            if not is_valid(given["typeKey"], given["value"]):
                raise BadRequest("Observable value is not valid for selected observable type.")
            if len(_stored(record)) == limits.OBSERVABLES_PER_CASE:
                raise Forbidden(f"Max {limits.OBSERVABLES_PER_CASE} observables per case is allowed.")
            if not add_observables(self.context, caller, record, [given]):
                raise BadRequest("Invalid duplicated observables in request.")
            return bare(self.context, self.context.case(caller, case_id))

    def add_many(self, caller: Caller, case_id: str, body: Json) -> Json:
        """Add observables, as many new ones as fit (``_bulk_create``); values are not checked."""
        self._licensed("assign observables to cases")
        with self.context.store.transaction(), _wrapped("Failed to add observable"):
            request = {"caseId": case_id, "observables": body.get("observables", UNDEFINED)}
            given = decode(_ADD_MANY, request)["observables"]
            record = self._writable(caller, case_id)
            self._check_types(caller, record, given)
            if not add_observables(self.context, caller, record, given):
                raise BadRequest("Failed to add observable")
            return bare(self.context, self.context.case(caller, case_id))

    def change(self, caller: Caller, case_id: str, identifier: str, body: Any) -> Json:
        """Change value and description of one observable (``PATCH .../observables/{id}``)."""
        self._licensed("update observables in cases")
        with self.context.store.transaction(), _wrapped("Failed to update observable"):
            given = decode(_CHANGE, body)["observable"]
            record = self._writable(caller, case_id)
            stored = _stored(record)
            place = next((place for place, item in enumerate(stored) if item["id"] == identifier), None)
            if place is None:
                raise NotFound(f"Failed to update observable: observable id {identifier} not found")
            if not is_valid(stored[place]["typeKey"], given["value"]):
                raise BadRequest("Observable value is not valid for selected observable type.")
            changed = stored[place] | given | {"updatedAt": self.context.now()}
            after = [*stored[:place], changed, *stored[place + 1 :]]
            if len({_key(item) for item in after}) < len(after):
                raise BadRequest("Invalid duplicated observables in request.")
            _write(self.context, caller, record, after, count=1, verb="update")
            return bare(self.context, self.context.case(caller, case_id))

    def delete(self, caller: Caller, case_id: str, identifier: str) -> None:
        """Remove one observable (``DELETE .../observables/{id}``)."""
        self._licensed("delete observables from cases")
        with self.context.store.transaction(), _wrapped(f"Failed to delete observable id: {identifier}"):
            record = self._writable(caller, case_id)
            after = [item for item in _stored(record) if item["id"] != identifier]
            if len(after) == len(_stored(record)):
                raise NotFound(f"Failed to delete observable: observable id {identifier} not found")
            _write(self.context, caller, record, after, count=1, verb="delete")

    def delete_many(self, caller: Caller, case_id: str, body: Mapping[str, Any]) -> Json:
        """Remove observables, all or none (``_bulk_delete``, 9.6); a missing one is ``NotFound``."""
        self._licensed("delete observables from cases")
        names = _identifiers(body)
        with self.context.store.transaction():
            record = self._writable(caller, case_id)
            stored = _stored(record)
            missing = [name for name in names if all(item["id"] != name for item in stored)]
            if missing:
                raise NotFound(f"Failed to delete observables: observable ids {', '.join(missing)} not found")
            after = [item for item in stored if item["id"] not in names]
            _write(self.context, caller, record, after, count=len(names), verb="delete")
            return bare(self.context, self.context.case(caller, case_id))

    def _licensed(self, purpose: str) -> None:
        if not self.context.stack.is_platinum:
            raise Forbidden(f"In order to {purpose}, you must be subscribed to an Elastic Platinum license")

    def _writable(self, caller: Caller, case_id: str) -> CaseRecord:
        record = self.context.case(caller, case_id)
        authorize(caller, "updateCase", [record.doc["owner"]])
        return record

    def _check_types(self, caller: Caller, record: CaseRecord, given: Iterable[Json]) -> None:
        known = types_of(self.context, caller.space, record.doc["owner"])
        for item in given:
            if item["typeKey"] not in known:
                raise BadRequest(f"Invalid observable type, key does not exist: {item['typeKey']}")


def types_of(context: Context, space: str, owner: str) -> dict[str, str]:
    """Give the labels of the observable types an owner has, built-in and configured, by key."""
    configured = [
        item
        for record in context.store.configurations(space)
        if record.doc["owner"] == owner
        for item in record.doc.get("observableTypes", [])
    ]
    return built_in_types(context.stack) | {item["key"]: item["label"] for item in configured}


def add_observables(context: Context, caller: Caller, record: CaseRecord, given: Sequence[Json]) -> int:
    """Store what is new among ``given``, as far as it fits, with its user action; gives how many were added."""
    stored = _stored(record)
    now = context.now()
    added = new_observables(stored, given, now=now, new_id=context.new_id)
    if added:
        _write(context, caller, record, [*stored, *added], count=len(added), verb="add")
    return len(added)


def new_observables(
    stored: Sequence[Json], given: Iterable[Json], *, now: str, new_id: Callable[[], str]
) -> list[Json]:
    """Give the observables to add to ``stored``: no type and value twice, at most 50 in all, in the given order.

    Type and value are compared as they are; the first description stays.
    """
    known = {_key(item) for item in stored}
    fresh: dict[tuple[str, str], Mapping[str, Any]] = {}
    for item in given:
        if _key(item) not in known:
            fresh.setdefault(_key(item), item)
    room = max(0, limits.OBSERVABLES_PER_CASE - len(stored))
    chosen = list(fresh.values())[:room]
    return [
        {"id": new_id(), "typeKey": item["typeKey"], "value": item["value"], "description": item["description"],
         "createdAt": now, "updatedAt": now}
        for item in chosen
    ]


def bare(context: Context, record: CaseRecord) -> Json:
    """Give a case as routes answer it that do not read attachments: no comments, totals of 0."""
    shown = context.show(record, [])
    return shown | {name: 0 for name in ("totalComment", "totalAlerts", "totalEvents") if name in shown}


def _write(
    context: Context, caller: Caller, record: CaseRecord, observables: list[Json], *, count: int, verb: str
) -> None:
    doc = record.doc | {"observables": observables}
    if context.stack.counts_observables:
        doc["total_observables"] = len(observables)
    context.store.put_case(record.number, doc, reserved=record.reserved)
    payload = {"observables": {"count": count, "actionType": verb}}
    remember(context, caller, record, [{"type": "observables", "action": "create", "payload": payload}])


def _stored(record: CaseRecord) -> list[Json]:
    # A case from the time before observables has no such key.
    found: list[Json] = record.doc.get("observables", [])
    return found


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["typeKey"], item["value"]


@contextmanager
def _wrapped(message: str) -> Iterator[None]:
    try:
        yield
    except KibanaError as error:
        raise BadRequest(f"{message}: Error: {error.message}") from error


def _identifiers(body: Mapping[str, Any]) -> list[str]:
    for name in body:
        if name != "observableIds":
            raise BadRequest(f"[request body.{name}]: definition for this key is missing")
    where = "[request body.observableIds"
    given = body.get("observableIds", UNDEFINED)
    if not isinstance(given, list):
        raise BadRequest(f"{where}]: expected value of type [array] but got [{detected(given)}]")
    for place, item in enumerate(given):
        if not isinstance(item, str):
            raise BadRequest(f"{where}.{place}]: expected value of type [string] but got [{detected(item)}]")
    if not given:
        raise BadRequest(f"{where}]: array size is [0], but cannot be smaller than [1]")
    if len(given) > limits.OBSERVABLES_PER_CASE:
        most = limits.OBSERVABLES_PER_CASE
        raise BadRequest(f"{where}]: array size is [{len(given)}], but cannot be greater than [{most}]")
    return list(dict.fromkeys(given))


def detected(value: Any) -> str:
    """Name the type of a JSON value as Kibana's route schemas do."""
    names: dict[type, str] = {dict: "Object", list: "Array", str: "string", bool: "boolean", type(None): "null"}
    return "undefined" if value is UNDEFINED else names.get(type(value), "number")
