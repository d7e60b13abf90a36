"""What all calls about cases share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.client.answers import decode
from kibcase.client.batches import encoded, split
from kibcase.client.features import require_support
from kibcase.client.limits import BODY_BYTES, BULK_GET
from kibcase.client.status import StatusApi
from kibcase.models.active import Home
from kibcase.models.case import BulkGetResult, Case
from kibcase.transport import Request, Response, Transport

CASE = TypeAdapter(Case)
CASES = TypeAdapter(list[Case])
_BULK = TypeAdapter(BulkGetResult)


class CaseCalls:
    """A part of ``kibana.cases``.

    ``home`` is the client that the cases read here act through (``case.close()``); ``Kibana`` sets it.
    """

    def __init__(self, transport: Transport, status: StatusApi) -> None:
        self._transport = transport
        self._status = status
        self.home: Home | None = None

    def get(self, case_id: str) -> Case:
        """Read a case (GET /api/cases/{id}); raises ``NotFoundError``."""
        return self._case(Request(method="GET", path=f"/api/cases/{segment(case_id)}"))

    def _case(self, request: Request) -> Case:
        case = decode(self._transport.send(request), CASE)
        return case if self.home is None else case.bound(self.home)

    def _read_many(self, ids: Sequence[str]) -> BulkGetResult:
        result = BulkGetResult(cases=[], errors=[])
        room = BODY_BYTES - len(encoded({"ids": []}))
        for run in split([len(encoded(each)) for each in ids], most=BULK_GET, room=room):
            part = decode(self._post("/internal/cases/_bulk_get", {"ids": list(ids[run.start : run.stop])}), _BULK)
            result.cases.extend(part.cases)
            result.errors.extend(part.errors)
        return result

    def _bind(self, cases: Iterable[Case]) -> None:
        if self.home is not None:
            for case in cases:
                case.bound(self.home)

    def _write(self, method: str, body: dict[str, Any], keys: set[str]) -> Response:
        require_support(keys, self._status.comparable_version)
        return self._transport.send(Request(method=method, path="/api/cases", json=body))

    def _post(self, path: str, body: Any, query: Sequence[tuple[str, str]] = ()) -> Response:
        # Reading by POST: it may be repeated like any reading.
        request = Request(method="POST", path=path, query=query, json=body, internal=True, idempotent=True)
        return self._transport.send(request)
