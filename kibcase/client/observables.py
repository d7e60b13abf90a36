"""Observables of cases (Kibana Cases plugin, /internal/cases/{id}/observables). Since stack 8.18; Platinum.

Kibana answers nearly every failure of these calls with 400 and a text; ``translate`` finds out what it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.client.adding import AddedObservables, plan
from kibcase.client.answers import decode
from kibcase.client.attachments_calls import case_id_of
from kibcase.client.batches import by_count, carry_out, encoded, split
from kibcase.client.bulk import ROOM
from kibcase.client.features import require_support
from kibcase.client.filters import owner_query
from kibcase.client.limits import OBSERVABLES_PER_CASE, check_ids
from kibcase.client.status import StatusApi
from kibcase.errors import (
    BadRequestError,
    ConflictError,
    DuplicateObservable,
    EndpointNotFound,
    InvalidValue,
    LimitError,
    NotFoundError,
    api_error,
)
from kibcase.models.case import Case
from kibcase.models.configuration import CaseConfiguration, ObservableType
from kibcase.models.observable import Observable, ObservableKind
from kibcase.models.status import Version
from kibcase.transport import Request, Response, Transport

_CASE = TypeAdapter(Case)
_CONFIGURATIONS = TypeAdapter(list[CaseConfiguration])
_LABELS = {
    ObservableKind.IPV4: "IPv4", ObservableKind.IPV6: "IPv6", ObservableKind.URL: "URL",
    ObservableKind.HOSTNAME: "Hostname", ObservableKind.FILE_HASH: "File hash",
    ObservableKind.FILE_PATH: "File path", ObservableKind.EMAIL: "Email", ObservableKind.DOMAIN: "Domain",
}
_NEWER = {ObservableKind.HOSTNAME: "Host name", ObservableKind.AGENT_ID: "Agent ID"}
_NEWER_SINCE = Version(9, 3)
_BULK_SINCE = Version(9, 2)


class ObservablesApi:
    """``kibana.observables``. Every method can raise the errors of ``Transport.send``.

    Kibana takes no version here: it replaces the whole list of a case, and of two calls at the same time one
    may be lost. Changing observables moves the version of the case, but not its ``updated_at``.

    All methods raise ``LicenseRequired`` below Platinum, ``UnsupportedByStack`` before 8.18, ``NotFoundError`` for
    an unknown case or observable, ``PermissionDenied``.
    """

    def __init__(self, transport: Transport, status: StatusApi) -> None:
        self._transport = transport
        self._status = status

    def of_case(self, case: Case | str) -> list[Observable]:
        """Return the observables of a case (from GET /api/cases/{id})."""
        return self._read(case_id_of(case)).observables

    def types(self, *, owner: str) -> list[ObservableType]:
        """Return the types an owner's cases can have: the built-in ones and those of the configuration."""
        require_support(["observables"], self._status.comparable_version)
        request = Request(method="GET", path="/api/cases/configure", query=owner_query(owner))
        found = decode(self._transport.send(request), _CONFIGURATIONS)
        version = self._status.comparable_version()
        newer = version is None or version >= _NEWER_SINCE
        labels = {**_LABELS, **_NEWER} if newer else _LABELS
        built_in = [ObservableType(key=kind.value, label=label) for kind, label in labels.items()]
        return [*built_in, *(each for configuration in found for each in configuration.observable_types)]

    def add(self, case: Case | str, type_key: str, value: str, *, description: str | None = None) -> Case:
        """Add one observable and return the case (POST .../observables).

        Raises ``DuplicateObservable`` if the case has it, ``LimitError`` if the case has 50 already,
        ``BadRequestError`` for a type that is not known or a value that does not fit it.
        """
        return self._add(case_id_of(case), Observable(type_key=type_key, value=value, description=description))

    def add_many(self, case: Case | str, observables: Iterable[Observable]) -> AddedObservables:
        """Add observables and report on each: added, duplicate, above the 50 of a case, refused, or lost.

        The case is read first, for Kibana drops what is there already and what is too much without a word.
        Since stack 9.2 they go in as few requests as their size allows (POST .../observables/_bulk_create),
        and Kibana does not check whether values fit their types; before they go one by one, and it does. What would
        stop every request is raised if it happens before anything was added, else it is in the report.
        """
        wanted = list(observables)
        current = self._read(case_id_of(case))
        adding = plan(current, wanted, OBSERVABLES_PER_CASE)
        if not adding.fresh:
            return adding.report(current)
        after = [current]

        def one(run: range) -> None:
            after.append(self._add(current.id, adding.fresh[run.start]))

        def several(run: range) -> None:
            after.append(self._add_in_bulk(current.id, adding.fresh[run.start : run.stop]))

        version = self._status.comparable_version()
        if version is None or version >= _BULK_SINCE:
            sizes = [len(encoded(each.to_request())) for each in adding.fresh]
            # A stack that does not tell its version may lack the endpoint; then nothing was added yet.
            with suppress(EndpointNotFound):
                sent = carry_out(adding.fresh, split(sizes, most=OBSERVABLES_PER_CASE, room=ROOM), several)
                return adding.report(after[-1], sent)
        sent = carry_out(adding.fresh, by_count(len(adding.fresh), 1), one)
        return adding.report(after[-1], sent)

    def update(
        self, case: Case | str, observable: Observable | str, *, value: str, description: str | None = None
    ) -> Case:
        """Replace value and description of an observable and return the case (PATCH .../observables/{id}).

        Its type cannot be changed. Raises ``BadRequestError`` for a value that does not fit the type.
        """
        path = f"{_path(case_id_of(case))}/{segment(_id(observable))}"
        body = {"observable": {"value": value, "description": description}}
        return decode(self._send(Request(method="PATCH", path=path, json=body, internal=True)), _CASE)

    def remove(self, case: Case | str, observable: Observable | str) -> None:
        """Take an observable away (DELETE .../observables/{id})."""
        path = f"{_path(case_id_of(case))}/{segment(_id(observable))}"
        self._send(Request(method="DELETE", path=path, internal=True))

    def remove_many(self, case: Case | str, observables: Sequence[Observable | str]) -> Case:
        """Take 1 to 50 observables away at once and return the case (POST .../observables/_bulk_delete).

        Since stack 9.6. Raises ``NotFoundError`` if one is missing; then all stay.
        """
        check_ids("observables to remove", observables, OBSERVABLES_PER_CASE)
        body = {"observableIds": [_id(each) for each in observables]}
        request = Request(method="POST", path=f"{_path(case_id_of(case))}/_bulk_delete", json=body, internal=True)
        return decode(self._send(request), _CASE)

    def _read(self, case_id: str) -> Case:
        return decode(self._transport.send(Request(method="GET", path=f"/api/cases/{segment(case_id)}")), _CASE)

    def _add(self, case_id: str, observable: Observable) -> Case:
        body = {"observable": observable.to_request()}
        return decode(self._send(Request(method="POST", path=_path(case_id), json=body, internal=True)), _CASE)

    def _add_in_bulk(self, case_id: str, observables: Sequence[Observable]) -> Case:
        body = {"caseId": case_id, "observables": [each.to_request() for each in observables]}
        request = Request(method="POST", path=f"{_path(case_id)}/_bulk_create", json=body, internal=True)
        return decode(self._send(request), _CASE)

    def _send(self, request: Request) -> Response:
        try:
            return self._transport.send(request)
        except BadRequestError as refusal:
            translate(refusal)


def translate(refusal: BadRequestError) -> NoReturn:
    """Raise what a 400 of these endpoints really is; the refusal itself if it is one."""
    text = refusal.message
    if f"Max {OBSERVABLES_PER_CASE} observables" in text:
        raise LimitError("observables of a case", OBSERVABLES_PER_CASE, OBSERVABLES_PER_CASE + 1) from refusal
    if "duplicated observables" in text:
        raise _as(DuplicateObservable, refusal) from refusal
    if "Unauthorized to" in text:
        raise api_error(403, text, method=refusal.method, path=refusal.path, body=refusal.body) from refusal
    if "not found" in text.casefold() or "does not exist in" in text:
        raise _as(NotFoundError, refusal) from refusal
    if "version conflict" in text.casefold():
        raise _as(ConflictError, refusal) from refusal
    raise refusal


def _as(kind: Any, refusal: BadRequestError) -> Exception:
    error: Exception = kind(refusal.status, refusal.message, refusal.method, refusal.path, refusal.body)
    return error


def _id(observable: Observable | str) -> str:
    given = observable if isinstance(observable, str) else observable.id
    if not given:
        raise InvalidValue("the observable has no id: it was not read from a case")
    return given


def _path(case_id: str) -> str:
    return f"/internal/cases/{segment(case_id)}/observables"
