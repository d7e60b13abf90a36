"""The routes of metrics and of searching cases; all of them internal."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kibcase.server.cases.state import CaseState
from kibcase.server.errors import BadRequest
from kibcase.server.kibana.endpoint import Call, Endpoint, Reply, ok

Query = Mapping[str, str | list[str]]


def metrics_routes(state: CaseState) -> list[Endpoint]:
    """Build the routes that the stack has."""
    routes = [
        Endpoint(
            method="GET",
            path="/internal/cases/metrics",
            handle=lambda call: _across(state, call),
            internal=True,
        ),
        Endpoint(
            method="GET",
            path="/internal/cases/metrics/{case_id}",
            handle=lambda call: _of_case(state, call),
            internal=True,
        ),
        Endpoint(
            method="POST",
            path="/internal/cases/_search",
            handle=lambda call: ok(state.searching.search(call.by, call.mapping)),
            internal=True,
            slow=lambda call: bool(isinstance(call.body, dict) and call.body.get("search")),
        ),
    ]
    containing = Endpoint(
        method="POST",
        path="/internal/cases/case/attachments/_find_containing_all",
        handle=lambda call: ok(state.containing.find(call.by, call.mapping)),
        internal=True,
    )
    # The route came with observables, in 8.18.
    return [*routes, containing] if state.stack.has_observables else routes


def _of_case(state: CaseState, call: Call) -> Reply:
    _check_names(call.query, ("features",))
    return ok(state.metrics.of_case(call.by, call.params["case_id"], _features(call.query)))


def _across(state: CaseState, call: Call) -> Reply:
    _check_names(call.query, ("features", "from", "to", "owner"))
    rest = {name: value for name, value in call.query.items() if name != "features"}
    return ok(state.metrics.across(call.by, _features(call.query), rest))


def _check_names(query: Query, known: tuple[str, ...]) -> None:
    for name in query:
        if name not in known:
            raise BadRequest(f"[request query.{name}]: definition for this key is missing")


def _features(query: Query) -> list[str]:
    given = query.get("features")
    if given is None:
        raise BadRequest("[request query.features]: expected at least one defined value but got [undefined]")
    if isinstance(given, list):
        return given
    # One value is a feature, or a list of features written as JSON.
    try:
        value = json.loads(given)
    except (ValueError, RecursionError):
        return [given]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    return [given]
