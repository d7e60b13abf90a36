"""Routes of users, roles and API keys, as far as a script needs them to make a user who may do little."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kibcase.server.elasticsearch.errors import ElasticsearchError, illegal_argument, parsing_error
from kibcase.server.elasticsearch.http import answer, body_object, flag, parameters
from kibcase.server.elasticsearch.request import parse_time
from kibcase.server.kibana.whoami import authenticated
from kibcase.server.privileges_principal import Principal, unauthorized
from kibcase.server.privileges_roles import KEY_OWNERS, MANAGERS, manages_own_keys, manages_security
from kibcase.server.users import Directory

Json = dict[str, Any]

_USER_KEYS = frozenset({"password", "roles", "full_name", "email", "metadata", "enabled", "username"})
_ROLE_KEYS = frozenset({
    "cluster", "indices", "index", "applications", "run_as", "metadata", "description", "transient_metadata",
    "remote_indices", "remote_cluster", "global",
})  # fmt: skip
_KEY_KEYS = frozenset({"name", "expiration", "role_descriptors", "metadata"})
_SHORTEST_PASSWORD = 6
_LONGEST_NAME = 507


def security_routes(directory: Directory) -> list[Route]:
    """Give the routes below ``/_security``."""
    views = _Security(directory)
    return [
        Route("/_security/_authenticate", views.authenticate, methods=["GET"]),
        Route("/_security/user", views.users, methods=["GET"]),
        Route("/_security/user/{name}", views.users, methods=["GET"]),
        Route("/_security/user/{name}", views.put_user, methods=["PUT", "POST"]),
        Route("/_security/user/{name}", views.delete_user, methods=["DELETE"]),
        Route("/_security/role", views.roles, methods=["GET"]),
        Route("/_security/role/{name}", views.roles, methods=["GET"]),
        Route("/_security/role/{name}", views.put_role, methods=["PUT", "POST"]),
        Route("/_security/role/{name}", views.delete_role, methods=["DELETE"]),
        Route("/_security/api_key", views.keys, methods=["GET"]),
        Route("/_security/api_key", views.create_key, methods=["POST", "PUT"]),
        Route("/_security/api_key", views.invalidate_keys, methods=["DELETE"]),
    ]


class _Security:
    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def authenticate(self, request: Request) -> Response:
        parameters(request)
        return answer(request, authenticated(self._caller(request)))

    async def users(self, request: Request) -> Response:
        parameters(request)
        self._manager(request, "user/get", reading=True)
        return _named(request, self._directory.users())

    async def put_user(self, request: Request) -> Response:
        parameters(request, "refresh")
        body = await body_object(request, required=True)
        self._manager(request, "user/put")
        name = request.path_params["name"]
        _check_name(name, "user")
        _check_keys(body, _USER_KEYS, "add user request")
        doc, password = _user(body)
        with _refusals():
            created = self._directory.put_user(name, doc, password)
        return answer(request, {"created": created})

    async def delete_user(self, request: Request) -> Response:
        parameters(request, "refresh")
        self._manager(request, "user/delete")
        with _refusals():
            found = self._directory.delete_user(request.path_params["name"])
        return answer(request, {"found": found}, 200 if found else 404)

    async def roles(self, request: Request) -> Response:
        parameters(request)
        self._manager(request, "role/get", reading=True)
        return _named(request, self._directory.roles())

    async def put_role(self, request: Request) -> Response:
        parameters(request, "refresh")
        body = await body_object(request, required=True)
        self._manager(request, "role/put")
        _check_name(request.path_params["name"], "role")
        role = _role(body)
        with _refusals():
            created = self._directory.put_role(request.path_params["name"], role)
        return answer(request, {"role": {"created": created}})

    async def delete_role(self, request: Request) -> Response:
        parameters(request, "refresh")
        self._manager(request, "role/delete")
        with _refusals():
            found = self._directory.delete_role(request.path_params["name"])
        return answer(request, {"found": found}, 200 if found else 404)

    async def create_key(self, request: Request) -> Response:
        parameters(request, "refresh")
        body = await body_object(request, required=True)
        caller = self._key_owner(request, "create")
        _check_keys(body, _KEY_KEYS, "create api key request")
        name, descriptors, metadata, seconds = _new_key(body)
        if caller.key is not None and (not descriptors or any(any(each.values()) for each in descriptors.values())):
            raise illegal_argument(
                "creating derived api keys requires an explicit role descriptor that is empty (has no privileges)"
            )
        identifier, secret, expires = self._directory.create_key(
            caller, name, descriptors=descriptors, metadata=metadata, seconds=seconds
        )
        encoded = base64.b64encode(f"{identifier}:{secret}".encode()).decode()
        told: Json = {"id": identifier, "name": name}
        if expires is not None:
            told["expiration"] = expires
        return answer(request, told | {"api_key": secret, "encoded": encoded})

    async def keys(self, request: Request) -> Response:
        given = parameters(
            request, "id", "name", "username", "realm_name", "owner", "active_only", "with_limited_by",
            "with_profile_uid",
        )
        caller = self._key_owner(request, "get")
        owner = caller.name if flag(given, "owner", default=False) else given.get("username")
        if not manages_security(caller.cluster) and owner != caller.name:
            self._refuse(caller, "api_key/get", KEY_OWNERS[1:])
        ids = [given["id"]] if "id" in given else None
        found = self._chosen(ids, given.get("name"), owner)
        if flag(given, "active_only", default=False):
            found = [key for key in found if not key["invalidated"]]
        if ids is not None and not found:
            raise ElasticsearchError(404, "resource_not_found_exception", f"api key [{ids[0][:64]}] not found")
        return answer(request, {"api_keys": found})

    async def invalidate_keys(self, request: Request) -> Response:
        parameters(request)
        body = await body_object(request, required=True)
        caller = self._key_owner(request, "invalidate")
        _check_keys(body, {"id", "ids", "name", "owner", "username", "realm_name"}, "invalidate api key request")
        ids = _texts(body, "ids") if "ids" in body else [_text(body, "id")] if "id" in body else None
        name = _text(body, "name") if "name" in body else None
        owner = caller.name if body.get("owner") is True else body.get("username")
        if ids is None and name is None and owner is None:
            raise _invalid("One of [api key id(s), api key name, username, realm name] must be specified if "
                           "[owner] flag is false")
        if not manages_security(caller.cluster) and owner != caller.name:
            self._refuse(caller, "api_key/invalidate", KEY_OWNERS[1:])
        found = self._chosen(ids, name, owner)
        active = [key["id"] for key in found if not key["invalidated"]]
        self._directory.invalidate_keys(active)
        before = [key["id"] for key in found if key["invalidated"]]
        return answer(
            request,
            {"invalidated_api_keys": active, "previously_invalidated_api_keys": before, "error_count": 0},
        )

    def _chosen(self, ids: list[str] | None, name: str | None, owner: str | None) -> list[Json]:
        return [
            key for key in self._directory.every_key()
            if (ids is None or key["id"] in ids) and (owner is None or key["username"] == owner)
            and (name is None or key["name"] == name or (name.endswith("*") and key["name"].startswith(name[:-1])))
        ]  # fmt: skip

    def _caller(self, request: Request) -> Principal:
        principal = self._directory.authenticate(request.headers.get("authorization"))
        if principal is None:
            raise RuntimeError("the face lets nobody in who is not known")
        return principal

    def _manager(self, request: Request, action: str, *, reading: bool = False) -> None:
        caller = self._caller(request)
        if manages_security(caller.cluster) or (reading and "read_security" in caller.cluster):
            return
        self._refuse(caller, action, ("read_security", *MANAGERS) if reading else MANAGERS)

    def _key_owner(self, request: Request, action: str) -> Principal:
        caller = self._caller(request)
        if not manages_own_keys(caller.cluster):
            self._refuse(caller, f"api_key/{action}", KEY_OWNERS)
        return caller

    @staticmethod
    def _refuse(caller: Principal, action: str, needed: Iterable[str]) -> None:
        raise ElasticsearchError(
            403, "security_exception", unauthorized(caller, f"cluster:admin/xpack/security/{action}", needed)
        )


class _refusals:  # noqa: N801 - a context manager, read like a function
    """Turn what the directory refuses into Elasticsearch's 400."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ValueError):
            raise _invalid(str(error)) from error


def _named(request: Request, known: Mapping[str, Json]) -> Response:
    given = request.path_params.get("name")
    if given is None:
        return answer(request, dict(known))
    found = {name: known[name] for name in given.split(",") if name in known}
    return answer(request, found, 200 if found else 404)


def _user(body: Json) -> tuple[Json, str | None]:
    if "roles" not in body:
        raise _invalid("roles are missing")
    password = _text(body, "password") if "password" in body else None
    if password is not None and len(password) < _SHORTEST_PASSWORD:
        raise _invalid(f"passwords must be at least [{_SHORTEST_PASSWORD}] characters long")
    doc: Json = {
        "roles": _texts(body, "roles"), "metadata": _object(body, "metadata"), "enabled": body.get("enabled", True)
    }
    if not isinstance(doc["enabled"], bool):
        raise parsing_error("[enabled] must be a boolean")
    for name in ("full_name", "email"):
        doc[name] = None if body.get(name) is None else _text(body, name)
    return doc, password


def _role(body: Json) -> Json:
    _check_keys(body, _ROLE_KEYS, "role")
    applications = body.get("applications", [])
    if not isinstance(applications, list):
        raise parsing_error("failed to parse role. expected field [applications] value to be an array")
    for entry in applications:
        if not isinstance(entry, dict) or not isinstance(entry.get("application"), str):
            raise parsing_error("failed to parse application privileges for role. missing required [application] field")
        for name in ("privileges", "resources"):
            if not _texts(entry, name):
                raise parsing_error(f"failed to parse application privileges for role. missing required [{name}] field")
    indices = body.get("indices", body.get("index", []))
    if not isinstance(indices, list):
        raise parsing_error("failed to parse role. expected field [indices] value to be an array")
    described = {"description": _text(body, "description")} if "description" in body else {}
    return {
        "cluster": _texts(body, "cluster"), "indices": indices, "applications": applications,
        "run_as": _texts(body, "run_as"), "metadata": _object(body, "metadata"),
        "transient_metadata": {"enabled": True}, **described,
    }


def _new_key(body: Json) -> tuple[str, dict[str, Json], Json, float | None]:
    name = body.get("name")
    if not isinstance(name, str) or not name:
        raise _invalid("api key name is required")
    given = _object(body, "role_descriptors")
    if not all(isinstance(each, dict) for each in given.values()):
        raise parsing_error("[role_descriptors] must be an object of role descriptors")
    descriptors = {key: _descriptor(each) for key, each in given.items()}
    expiration = body.get("expiration")
    seconds = None if expiration is None else parse_time(expiration).total_seconds()
    return name, descriptors, _object(body, "metadata"), seconds


def _descriptor(given: Json) -> Json:
    role = _role(given)
    return {name: value for name, value in role.items() if name != "transient_metadata" and value != {}}


def _check_name(name: str, kind: str) -> None:
    if not 0 < len(name) <= _LONGEST_NAME or name != name.strip() or not name.isprintable():
        raise _invalid(
            f"{kind.capitalize()} names must be at least 1 and no more than {_LONGEST_NAME} characters. They can "
            "contain alphanumeric characters (a-z, A-Z, 0-9), spaces, punctuation, and printable symbols in the Basic "
            "Latin (ASCII) block. Leading or trailing whitespace is not allowed."
        )


def _check_keys(body: Mapping[str, Any], known: Iterable[str], what: str) -> None:
    unknown = body.keys() - set(known)
    if unknown:
        raise parsing_error(f"failed to parse {what}. unexpected field [{min(unknown)[:64]}]")


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise parsing_error(f"expected [{name}] to be a string")
    return value


def _texts(body: Mapping[str, Any], name: str) -> list[str]:
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise parsing_error(f"expected [{name}] to be a list of strings")
    return value


def _object(body: Mapping[str, Any], name: str) -> Json:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise parsing_error(f"expected [{name}] to be an object")
    return value


def _invalid(reason: str) -> ElasticsearchError:
    return ElasticsearchError(400, "action_request_validation_exception", f"Validation Failed: 1: {reason};")
