"""Metrics of a case and across cases (Kibana Cases plugin, /internal/cases/metrics)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.client.answers import decode
from kibcase.client.attachments_calls import case_id_of
from kibcase.client.filters import Many, moment, owner_query
from kibcase.errors import InvalidValue
from kibcase.models.case import Case
from kibcase.models.metrics import CaseMetrics, CasesMetrics
from kibcase.transport import Request, Transport

CaseFeature = Literal["alerts.count", "alerts.users", "alerts.hosts", "connectors", "lifespan"]
CasesFeature = Literal["mttr", "status"]

CASE_FEATURES: tuple[CaseFeature, ...] = ("alerts.count", "alerts.users", "alerts.hosts", "connectors", "lifespan")
CASES_FEATURES: tuple[CasesFeature, ...] = ("mttr", "status")

_ONE = TypeAdapter(CaseMetrics)
_ACROSS = TypeAdapter(CasesMetrics)


class MetricsApi:
    """``kibana.metrics``. Every method can raise the errors of ``Transport.send``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def of_case(self, case: Case | str, features: Sequence[CaseFeature] = CASE_FEATURES) -> CaseMetrics:
        """Return what Kibana shows as the summary of a case (GET /internal/cases/metrics/{id}).

        Alerts with their users and hosts, connectors, and how long the case was in which status.
        Raises ``NotFoundError``.
        """
        path = f"/internal/cases/metrics/{segment(case_id_of(case))}"
        request = Request(method="GET", path=path, query=_features(features), internal=True)
        return decode(self._transport.send(request), _ONE)

    def across(
        self, features: Sequence[CasesFeature] = CASES_FEATURES, *, owner: Many | None = None,
        created_from: str | datetime | None = None, created_to: str | datetime | None = None,
    ) -> CasesMetrics:
        """Return the mean time to resolve and the numbers by status (GET /internal/cases/metrics).

        ``created_from`` and ``created_to`` are an aware datetime or date math ("now-7d"), both inclusive.
        """
        query = [*_features(features), *owner_query(owner)]
        for name, value in (("from", created_from), ("to", created_to)):
            if value is not None:
                query.append((name, moment(value) if isinstance(value, datetime) else value))
        request = Request(method="GET", path="/internal/cases/metrics", query=query, internal=True)
        return decode(self._transport.send(request), _ACROSS)


def _features(features: Sequence[str]) -> list[tuple[str, str]]:
    if isinstance(features, str) or not features:
        raise InvalidValue("features is a list of at least one feature")
    return [("features", each) for each in features]
