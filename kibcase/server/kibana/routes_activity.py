"""The routes of user actions, of the people of cases and of user profiles; all of them internal."""

from __future__ import annotations

from kibcase.server.cases.state import CaseState
from kibcase.server.errors import BadRequest
from kibcase.server.kibana.endpoint import Call, Endpoint, Handler, Reply, ok


def activity_routes(state: CaseState) -> list[Endpoint]:
    """Build the routes."""
    history, people, profiles = state.history, state.people, state.profiles
    return [
        _route(
            "GET",
            "/internal/cases/{case_id}/user_actions/_stats",
            lambda call: ok(history.statistics(call.by, call.params["case_id"])),
        ),
        _route(
            "GET",
            "/internal/cases/{case_id}/user_actions/_find",
            lambda call: ok(history.find_with_attachments(call.by, call.params["case_id"], call.query)),
        ),
        _route(
            "GET",
            "/internal/cases/{case_id}/_users",
            lambda call: ok(people.of_case(call.by, call.params["case_id"])),
        ),
        Endpoint(
            method="POST",
            path="/internal/cases/_suggest_user_profiles",
            handle=lambda call: ok(profiles.suggest(call.mapping)),
            internal=True,
            requires="casesSuggestUserProfiles",
        ),
        _route(
            "POST",
            "/internal/security/user_profile/_bulk_get",
            lambda call: ok(profiles.bulk_get(call.mapping)),
        ),
        _route("GET", "/internal/security/user_profile", lambda call: _current(state, call)),
    ]


def _current(state: CaseState, call: Call) -> Reply:
    for name in call.query:
        if name != "dataPath":
            raise BadRequest(f"[request query.{name}]: definition for this key is missing")
    return ok(state.profiles.current(call.by))


def _route(method: str, path: str, handle: Handler) -> Endpoint:
    return Endpoint(method=method, path=path, handle=handle, internal=True)
