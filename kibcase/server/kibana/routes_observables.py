"""The routes of observables, similar cases and single custom fields; all of them internal."""

from __future__ import annotations

from kibcase.server.cases.state import CaseState
from kibcase.server.kibana.endpoint import NO_CONTENT, Call, Endpoint, Handler, Reply, ok

_OBSERVABLES = "/internal/cases/{case_id}/observables"


def observable_routes(state: CaseState) -> list[Endpoint]:
    """Build the routes that the stack has."""
    observables, stack = state.observables, state.stack
    routes = [
        _route(
            "PUT",
            "/internal/cases/{case_id}/custom_fields/{key}",
            lambda call: ok(
                state.custom_field_values.replace(call.by, call.params["case_id"], call.params["key"], call.mapping)
            ),
        )
    ]
    if stack.has_bulk_observables:
        routes.append(
            _route(
                "POST",
                f"{_OBSERVABLES}/_bulk_create",
                lambda call: ok(observables.add_many(call.by, call.params["case_id"], call.mapping)),
            )
        )
    if stack.has_bulk_observable_delete:
        routes.append(
            _route(
                "POST",
                f"{_OBSERVABLES}/_bulk_delete",
                lambda call: ok(observables.delete_many(call.by, call.params["case_id"], call.mapping)),
            )
        )
    return [*routes, *(_single(state) if stack.has_observables else ())]


def _single(state: CaseState) -> list[Endpoint]:
    observables = state.observables
    return [
        _route(
            "POST", _OBSERVABLES, lambda call: ok(observables.add(call.by, call.params["case_id"], call.mapping))
        ),
        _route(
            "PATCH",
            f"{_OBSERVABLES}/{{observable_id}}",
            lambda call: ok(
                observables.change(call.by, call.params["case_id"], call.params["observable_id"], call.mapping)
            ),
        ),
        _route("DELETE", f"{_OBSERVABLES}/{{observable_id}}", lambda call: _delete(state, call)),
        _route(
            "POST",
            "/internal/cases/{case_id}/_similar",
            lambda call: ok(state.similar.find(call.by, call.params["case_id"], call.mapping)),
        ),
    ]


def _delete(state: CaseState, call: Call) -> Reply:
    state.observables.delete(call.by, call.params["case_id"], call.params["observable_id"])
    return NO_CONTENT


def _route(method: str, path: str, handle: Handler) -> Endpoint:
    return Endpoint(method=method, path=path, handle=handle, internal=True)
