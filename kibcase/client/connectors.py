"""Connectors to external systems (Kibana actions API, /api/actions; Kibana Cases API)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.client.answers import decode
from kibcase.errors import FailedDependency, LicenseRequired, PermissionDenied
from kibcase.models.connector import CaseConnector, Connector, ConnectorAnswer, ConnectorType
from kibcase.transport import Request, Response, Transport

_ONE = TypeAdapter(Connector)
_MANY = TypeAdapter(list[Connector])
_FOR_CASES = TypeAdapter(list[CaseConnector])
_TYPES = TypeAdapter(list[ConnectorType])
_ANSWER = TypeAdapter(ConnectorAnswer)
_PATH = "/api/actions/connector"
_DISABLED = re.compile(r"(?:action|connector) type (?P<type>\S+) is disabled because your \w+ license", re.IGNORECASE)

TIERS: Mapping[str, str] = {
    ".jira": "gold", ".swimlane": "gold", ".cases-webhook": "gold", ".thehive": "gold", ".servicenow": "platinum",
    ".servicenow-sir": "platinum", ".resilient": "platinum",
}
"""The licence that a type of connector needs."""


class ConnectorsApi:
    """``kibana.connectors``. Every method can raise the errors of ``Transport.send``.

    Secrets go in and never come out: no answer and no error holds them.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def types(self, *, feature: str | None = None) -> list[ConnectorType]:
        """Return the types of connectors (GET /api/actions/connector_types); ``feature`` "cases" keeps to its."""
        query = [] if feature is None else [("feature_id", feature)]
        return decode(self._send(Request(method="GET", path="/api/actions/connector_types", query=query)), _TYPES)

    def all(self) -> list[Connector]:
        """Return all connectors of the space (GET /api/actions/connectors)."""
        return decode(self._send(Request(method="GET", path="/api/actions/connectors")), _MANY)

    def for_cases(self) -> list[CaseConnector]:
        """Return the connectors that cases can be pushed to (GET /api/cases/configure/connectors/_find)."""
        return decode(self._send(Request(method="GET", path="/api/cases/configure/connectors/_find")), _FOR_CASES)

    def get(self, connector_id: str) -> Connector:
        """Read a connector (GET /api/actions/connector/{id}); raises ``NotFoundError``."""
        return decode(self._send(Request(method="GET", path=_path(connector_id))), _ONE)

    def create(
        self, *, name: str, connector_type: str, config: Mapping[str, Any], secrets: Mapping[str, Any],
        connector_id: str | None = None,
    ) -> Connector:
        """Create a connector (POST /api/actions/connector[/{id}]); Kibana makes the id unless it is given.

        ``connector_type`` is ".jira" and the like; ``config`` and ``secrets`` are as Kibana documents them for
        the type. Raises ``LicenseRequired``, ``ConflictError`` for an id that is taken, ``BadRequestError``.
        """
        body = {
            "name": name, "connector_type_id": connector_type, "config": dict(config), "secrets": dict(secrets),
        }
        path = _PATH if connector_id is None else _path(connector_id)
        return decode(self._send(Request(method="POST", path=path, json=body)), _ONE)

    def update(
        self, connector_id: str, *, name: str, config: Mapping[str, Any], secrets: Mapping[str, Any]
    ) -> Connector:
        """Replace name, configuration and secrets of a connector (PUT .../{id}); secrets must be given again."""
        body = {"name": name, "config": dict(config), "secrets": dict(secrets)}
        return decode(self._send(Request(method="PUT", path=_path(connector_id), json=body)), _ONE)

    def delete(self, connector_id: str) -> None:
        """Delete a connector (DELETE .../{id}); cases keep their reference to it."""
        self._send(Request(method="DELETE", path=_path(connector_id)))

    def execute(self, connector_id: str, params: Mapping[str, Any]) -> ConnectorAnswer:
        """Run a connector and return what it gave (POST .../{id}/_execute). Never repeated by itself.

        Raises ``FailedDependency`` if the external system failed; Kibana answers 200 then too. Its
        ``body`` is the whole answer.
        """
        path = f"{_path(connector_id)}/_execute"
        response = self._send(Request(method="POST", path=path, json={"params": dict(params)}))
        answer = decode(response, _ANSWER)
        if not answer.ok:
            said = answer.service_message or answer.message or "nothing"
            raise FailedDependency(response.status, said, "POST", path, response.json())
        return answer

    def run(self, connector_id: str, sub_action: str, params: Mapping[str, Any] | None = None) -> Any:
        """Run a sub-action ("issueTypes", "getChoices", ...) and return its data; raises like ``execute``."""
        body = {"subAction": sub_action, "subActionParams": dict(params or {})}
        return self.execute(connector_id, body).data

    def incident(self, connector_id: str, external_id: str) -> Any:
        """Return an incident as the external system tells it: sub-action getIncident (Jira, ServiceNow).

        Raises like ``execute``.
        """
        return self.run(connector_id, "getIncident", {"externalId": external_id})

    def _send(self, request: Request) -> Response:
        try:
            return self._transport.send(request)
        except LicenseRequired:
            raise
        except PermissionDenied as refusal:
            found = _DISABLED.search(refusal.message)
            if found is None:
                raise
            kind = found["type"]
            raise LicenseRequired(
                f"connectors of type {kind}", TIERS.get(kind, "higher"), message=refusal.message,
                method=refusal.method, path=refusal.path, body=refusal.body,
            ) from refusal


def _path(connector_id: str) -> str:
    return f"{_PATH}/{segment(connector_id)}"
