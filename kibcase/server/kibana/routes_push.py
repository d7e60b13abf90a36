"""The routes of pushing cases to external systems."""

from __future__ import annotations

from kibcase.server.cases.state import CaseState
from kibcase.server.kibana.endpoint import Endpoint, ok


def push_routes(state: CaseState) -> list[Endpoint]:
    """Build the routes of pushing."""
    pushing = state.pushing
    return [
        Endpoint(
            method="POST",
            path="/api/cases/{case_id}/connector/{connector_id}/_push",
            handle=lambda call: ok(pushing.push(call.by, call.params["case_id"], call.params["connector_id"])),
            slow=True,
        ),
        Endpoint(
            method="GET",
            path="/internal/cases/{case_id}/_connectors",
            handle=lambda call: ok(pushing.connectors_of(call.by, call.params["case_id"])),
            internal=True,
        ),
    ]
