"""Handlers of the organisation: session, accounts, fields and other reference data."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from kibcase_connectors.standins.resilient.call import Call, answer
from kibcase_connectors.standins.resilient.problem import ResilientProblem
from kibcase_connectors.standins.resilient.render import paged, user

_VERSION = {"v": 51, "major": 51, "minor": 0, "build_number": 9, "version": "51.0.9.0.9"}


def session(call: Call) -> Response:
    """GET /rest/session: who am I, in which organisations."""
    return answer(described(call, call.actor, "api-key"))


def described(call: Call, actor: int, csrf: str) -> dict[str, Any]:
    """Give the session object of an account."""
    account, org = call.state.account(actor), call.state.catalog.org
    person = account.kind == "user"
    client = call.request.client
    return {
        "orgs": [{
            "id": org.id, "name": org.name, "uuid": org.uuid, "cloud_account": org.cloud_account,
            "enabled": org.enabled, "addr": None, "city": None, "state": None,
        }],
        "user_id": account.id if person else None, "user_email": account.login if person else None,
        "user_fname": account.first_name, "user_lname": account.last_name, "csrf_token": csrf,
        "session_ip": client.host if client else "", "is_saml": False,
        "api_key_handle": None if person else account.id,
    }


def sign_in(call: Call) -> Response:
    """POST /rest/session with e-mail and password: a cookie, and a token to send as X-sess-id."""
    body = call.document()
    email, password = body.get("email"), body.get("password")
    if not isinstance(email, str) or not isinstance(password, str):
        raise ResilientProblem(400)
    opened = call.sessions.sign_in(email, password, call.state.catalog)
    if opened is None:
        raise ResilientProblem(401)
    cookie, signed_in = opened
    response = answer(described(call, signed_in.account, signed_in.csrf))
    response.set_cookie("JSESSIONID", cookie, path="/", httponly=True)
    return response


def sign_out(call: Call) -> Response:
    """DELETE /rest/session."""
    if cookie := call.request.cookies.get("JSESSIONID"):
        call.sessions.end(cookie)
    return answer({})


def organization(call: Call) -> Response:
    """GET /rest/orgs/{org}."""
    org = call.state.catalog.org
    return answer({
        "id": org.id, "name": org.name, "uuid": org.uuid, "actions_framework_enabled": True,
        "session_timeout": 600, "has_saml": False,
    })


def const(call: Call) -> Response:
    """GET /rest/const."""
    catalog = call.state.catalog
    return answer({
        "server_version": _VERSION,
        "artifact_types": [{"id": each.id, "name": each.name} for each in catalog.artifact_types],
        "input_types": [], "max_attachment_mb": catalog.attachment_mb, "timezones": [],
    })


def incident_type(call: Call) -> Response:
    """GET /types/incident: the definitions of the fields by name."""
    show = call.show
    return answer({
        "id": 0, "type_id": 0, "type_name": "incident", "display_name": "Incident", "parent_types": [],
        "fields": {each.name: show.field(each) for each in call.state.catalog.fields},
    })


def incident_fields(call: Call) -> Response:
    """GET /types/incident/fields."""
    show = call.show
    return answer([show.field(each) for each in call.state.catalog.fields])


def incident_field(call: Call) -> Response:
    """GET /types/incident/fields/{name}, by name or id."""
    named = call.path("name")
    for each in call.state.catalog.fields:
        if named in (each.name, str(each.id)):
            return answer(call.show.field(each))
    raise ResilientProblem(404)


def artifact_type(call: Call) -> Response:
    """GET /types/artifact."""
    choices = [
        {"value": each.id, "label": each.name, "enabled": True, "hidden": False, "default": False}
        for each in call.state.catalog.artifact_types
    ]
    kind = {"name": "type", "text": "Type", "input_type": "select", "required": "always", "values": choices}
    return answer({"id": 4, "type_id": 4, "type_name": "artifact", "fields": {"type": kind}})


def artifact_types(call: Call) -> Response:
    """GET /artifact_types."""
    return answer({"entities": [
        {"id": each.id, "name": each.name, "desc": each.name, "file": each.file, "enabled": True, "system": True,
         "multi_aware": each.multi_aware}
        for each in call.state.catalog.artifact_types
    ]})


def _users(call: Call) -> list[dict[str, Any]]:
    return [user(each) for each in call.state.catalog.accounts.values() if each.kind == "user"]


def users(call: Call) -> Response:
    """GET /users."""
    return answer(_users(call))


def users_paged(call: Call) -> Response:
    """POST /users/query_paged; conditions are not read."""
    found = _users(call)
    return answer(paged(found, 0, call.switches.page_limit, len(found)))


def one_user(call: Call) -> Response:
    """GET /users/{id}."""
    account = call.state.catalog.accounts.get(call.id())
    if account is None or account.kind != "user":
        raise ResilientProblem(404)
    return answer(user(account))


def groups(call: Call) -> Response:
    """GET /groups."""
    return answer([
        {"id": each.id, "name": each.name, "export_key": each.name, "members": list(each.members)}
        for each in call.state.catalog.groups
    ])


def phases(call: Call) -> Response:
    """GET /phases."""
    known = call.state.catalog.by_name["phase_id"].choices
    return answer({"entities": [
        {"id": each.value, "name": each.label, "order": number, "enabled": each.enabled}
        for number, each in enumerate(known, 1)
    ]})
