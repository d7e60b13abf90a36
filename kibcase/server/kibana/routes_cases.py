"""The routes of cases and their activity."""

from __future__ import annotations

import json
from typing import Any

from kibcase.server.cases.state import CaseState
from kibcase.server.errors import BadRequest
from kibcase.server.kibana.endpoint import NO_CONTENT, Call, Endpoint, Reply, ok

_FLAGS = {"true": True, "false": False}


def case_routes(state: CaseState) -> list[Endpoint]:
    """Build the routes for the stack that ``state`` plays."""
    routes = [
        Endpoint(method="POST", path="/api/cases", handle=lambda call: ok(state.cases.create(call.by, call.mapping))),
        Endpoint(
            method="PATCH", path="/api/cases", handle=lambda call: ok(state.patching.patch(call.by, call.mapping))
        ),
        Endpoint(method="DELETE", path="/api/cases", handle=lambda call: _delete(state, call)),
        Endpoint(
            method="GET",
            path="/api/cases/_find",
            handle=lambda call: ok(state.cases.find(call.by, call.query)),
            slow=lambda call: bool(call.query.get("search")),
        ),
        Endpoint(method="GET", path="/api/cases/tags", handle=lambda call: ok(state.cases.tags(call.by, call.query))),
        Endpoint(
            method="GET",
            path="/api/cases/reporters",
            handle=lambda call: ok(state.cases.reporters(call.by, call.query)),
        ),
        Endpoint(
            method="GET",
            path="/internal/cases/categories",
            handle=lambda call: ok(state.cases.categories(call.by, call.query)),
            internal=True,
        ),
        Endpoint(
            method="POST",
            path="/internal/cases/_bulk_get",
            handle=lambda call: ok(state.cases.bulk_get(call.by, call.mapping)),
            internal=True,
        ),
        Endpoint(
            method="GET",
            path="/api/cases/{case_id}/user_actions/_find",
            handle=lambda call: ok(state.history.find(call.by, call.params["case_id"], call.query)),
        ),
    ]
    return [*routes, *(_older(state) if state.stack.has_deprecated_reads else _newer(state))]


def _older(state: CaseState) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path="/api/cases/status",
            handle=lambda call: ok(state.cases.status_counts(call.by, call.query)),
            deprecated=True,
        ),
        Endpoint(
            method="GET",
            path="/api/cases/{case_id}/user_actions",
            handle=lambda call: ok(state.history.all(call.by, call.params["case_id"])),
            deprecated=True,
        ),
        Endpoint(
            method="GET",
            path="/api/cases/{case_id}",
            handle=lambda call: ok(state.cases.get(call.by, call.params["case_id"], comments=_comments(call))),
        ),
        Endpoint(
            method="GET",
            path="/api/cases/{case_id}/resolve",
            handle=lambda call: ok(state.cases.resolve(call.by, call.params["case_id"], comments=_comments(call))),
        ),
    ]


def _newer(state: CaseState) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path="/api/cases/{case_id}",
            handle=lambda call: ok(state.cases.get(call.by, call.params["case_id"])),
        ),
        Endpoint(
            method="GET",
            path="/api/cases/{case_id}/resolve",
            handle=lambda call: ok(state.cases.resolve(call.by, call.params["case_id"], comments=_comments(call))),
            internal=True,
        ),
    ]


def _comments(call: Call) -> bool:
    given = call.query.get("includeComments", "true")
    if not isinstance(given, str) or given not in _FLAGS:
        raise BadRequest("[request query.includeComments]: expected value of type [boolean] but got [string]")
    return _FLAGS[given]


def _delete(state: CaseState, call: Call) -> Reply:
    state.cases.delete(call.by, _identifiers(call.query.get("ids")))
    return NO_CONTENT


def _identifiers(given: str | list[str] | None) -> list[Any]:
    if isinstance(given, list):
        return given
    if given is None:
        raise BadRequest("[request query.ids]: expected value of type [array] but got [undefined]")
    try:
        value = json.loads(given)
    except (ValueError, RecursionError) as error:
        raise BadRequest("[request query.ids]: could not parse array value from json input") from error
    if not isinstance(value, list):
        raise BadRequest("[request query.ids]: could not parse array value from json input")
    return value
