"""The routes of the actions API: connector types, connectors, running them."""

from __future__ import annotations

from kibcase.server.cases.state import CaseState
from kibcase.server.kibana.endpoint import NO_CONTENT, Call, Endpoint, Reply, ok

_ONE = "/api/actions/connector/{id}"


def action_routes(state: CaseState) -> list[Endpoint]:
    """Build the routes of connectors."""
    connectors = state.connectors
    return [
        Endpoint(
            method="GET",
            path="/api/actions/connector_types",
            handle=lambda call: ok(connectors.types(call.by, call.query)),
        ),
        Endpoint(method="GET", path="/api/actions/connectors", handle=lambda call: ok(connectors.all(call.by))),
        Endpoint(method="GET", path=_ONE, handle=lambda call: ok(connectors.get(call.by, call.params["id"]))),
        Endpoint(
            method="POST",
            path="/api/actions/connector",
            handle=lambda call: ok(connectors.create(call.by, call.body)),
        ),
        Endpoint(
            method="POST",
            path=_ONE,
            handle=lambda call: ok(connectors.create(call.by, call.body, call.params["id"])),
        ),
        Endpoint(
            method="PUT",
            path=_ONE,
            handle=lambda call: ok(connectors.update(call.by, call.params["id"], call.body)),
        ),
        Endpoint(method="DELETE", path=_ONE, handle=lambda call: _delete(state, call)),
        Endpoint(
            method="POST",
            path=f"{_ONE}/_execute",
            handle=lambda call: ok(connectors.execute(call.by, call.params["id"], call.body)),
            slow=True,
        ),
        Endpoint(
            method="GET",
            path="/api/cases/configure/connectors/_find",
            handle=lambda call: ok(connectors.for_cases(call.by)),
            requires="casesGetConnectorsConfigure",
        ),
    ]


def _delete(state: CaseState, call: Call) -> Reply:
    state.connectors.delete(call.by, call.params["id"])
    return NO_CONTENT
