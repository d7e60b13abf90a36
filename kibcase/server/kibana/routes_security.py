"""The routes of Kibana's security plugin that scripts use: roles, and who is asking."""

from __future__ import annotations

import json
from typing import Any

from kibcase.server.errors import BadRequest, Conflict, Forbidden, NotFound
from kibcase.server.kibana.endpoint import NO_CONTENT, Call, Endpoint, Reply, ok
from kibcase.server.kibana.whoami import whoami
from kibcase.server.privileges_principal import Principal, unauthorized
from kibcase.server.privileges_roles import MANAGERS, from_kibana, manages_security, to_kibana
from kibcase.server.users import Directory

Json = dict[str, Any]
_KEYS = ("description", "metadata", "elasticsearch", "kibana")
_LONGEST = 1024


def security_routes(directory: Directory) -> list[Endpoint]:
    """Build the routes of roles and of ``GET /internal/security/me``."""
    return [
        Endpoint(
            method="GET", path="/internal/security/me", handle=lambda call: ok(whoami(_principal(call))), internal=True
        ),
        Endpoint(method="GET", path="/api/security/role", handle=lambda call: ok(_roles(directory, call))),
        Endpoint(method="GET", path="/api/security/role/{name}", handle=lambda call: ok(_role(directory, call))),
        Endpoint(method="PUT", path="/api/security/role/{name}", handle=lambda call: _put(directory, call)),
        Endpoint(method="DELETE", path="/api/security/role/{name}", handle=lambda call: _delete(directory, call)),
    ]


def _principal(call: Call) -> Principal:
    if call.principal is None:
        raise RuntimeError("this route is open to anonymous callers")
    return call.principal


def _roles(directory: Directory, call: Call) -> list[Json]:
    _authorize(call, "get")
    return [to_kibana(name, role) for name, role in directory.roles().items()]


def _role(directory: Directory, call: Call) -> Json:
    _authorize(call, "get")
    role = directory.roles().get(call.params["name"])
    if role is None:
        raise NotFound("Not Found")
    return to_kibana(call.params["name"], role)


def _put(directory: Directory, call: Call) -> Reply:
    name, body = call.params["name"], call.mapping
    if len(name) > _LONGEST:
        raise BadRequest(
            f"[request params.name]: value has length [{len(name)}] but it must have a maximum length of [{_LONGEST}]."
        )
    for key in body:
        if key not in _KEYS:
            raise BadRequest(f"[request body.{key}]: definition for this key is missing")
    _check_types(body)
    _authorize(call, "put")
    before = directory.roles().get(name)
    if before is not None and call.query.get("createOnly") == "true":
        raise Conflict(f"Role already exists and cannot be created: {name}")
    try:
        directory.put_role(name, from_kibana(body, before))
    except ValueError as error:
        raise BadRequest(f"Role cannot be updated due to validation errors: {json.dumps([str(error)])}") from error
    return NO_CONTENT


def _delete(directory: Directory, call: Call) -> Reply:
    _authorize(call, "delete")
    try:
        found = directory.delete_role(call.params["name"])
    except ValueError as error:
        raise BadRequest(str(error)) from error
    if not found:
        raise NotFound("Not Found")
    return NO_CONTENT


def _check_types(body: Json) -> None:
    for name, kind, expected in (
        ("description", str, "string"), ("metadata", dict, "object"), ("elasticsearch", dict, "object"),
        ("kibana", list, "array"),
    ):
        if name in body and not isinstance(body[name], kind):
            raise BadRequest(f"[request body.{name}]: expected value of type [{expected}]")
    for number, section in enumerate(body.get("kibana", [])):
        if not isinstance(section, dict):
            raise BadRequest(f"[request body.kibana.{number}]: expected a plain object value")
    for name in ("cluster", "run_as"):
        given = body.get("elasticsearch", {}).get(name, [])
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            raise BadRequest(f"[request body.elasticsearch.{name}]: expected a list of strings")


def _authorize(call: Call, verb: str) -> None:
    principal = _principal(call)
    if manages_security(principal.cluster):
        return
    reading = verb == "get"
    if reading and "read_security" in principal.cluster:
        return
    needed = ("read_security", *MANAGERS) if reading else MANAGERS
    reason = unauthorized(principal, f"cluster:admin/xpack/security/role/{verb}", needed)
    raise Forbidden(f"[security_exception\n\tRoot causes:\n\t\tsecurity_exception: {reason}]: {reason}")
