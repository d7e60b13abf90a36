"""The routes beside cases: configuration, spaces, status, licence, account."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from kibcase.server.cases.spaces_schema import checked_query, checked_space
from kibcase.server.cases.state import CaseState
from kibcase.server.datemath import stamp
from kibcase.server.errors import Forbidden
from kibcase.server.kibana.endpoint import NO_CONTENT, Call, Endpoint, Reply, ok
from kibcase.server.privileges_principal import Principal
from kibcase.server.stack import Stack

Json = dict[str, Any]

# Nothing of a build or an installation is real here; the values are constant so that answers are, too.
_UUID = "5b2de169-2785-441b-ae8c-000000000001"
_LICENSE_UID = "00000000-0000-4000-8000-000000000001"
_BUILD_DATE = "2025-01-01T00:00:00.000Z"
_TERM = {"trial": timedelta(days=30)}
_YEAR = timedelta(days=365)
_FEATURES = {"graph": "platinum", "ml": "platinum", "security": "basic", "watcher": "gold"}
# The privileges that let a person copy or share saved objects into a space.
_MOVERS = frozenset({"*", "all", "savedObjectsManagement.all", "savedObjectsManagement.minimal_all"})
_TIERS = ("basic", "gold", "platinum", "enterprise", "trial")


def configuration_routes(state: CaseState) -> list[Endpoint]:
    """Build the routes of the cases configuration."""
    configurations = state.configurations
    return [
        Endpoint(
            method="GET",
            path="/api/cases/configure",
            handle=lambda call: ok(configurations.get(call.by, call.query)),
        ),
        Endpoint(
            method="POST",
            path="/api/cases/configure",
            handle=lambda call: ok(configurations.create(call.by, call.mapping)),
        ),
        Endpoint(
            method="PATCH",
            path="/api/cases/configure/{configuration_id}",
            handle=lambda call: ok(configurations.update(call.by, call.params["configuration_id"], call.mapping)),
        ),
    ]


def space_routes(state: CaseState) -> list[Endpoint]:
    """Build the routes of spaces."""
    spaces = state.spaces
    one = "/api/spaces/space/{id}"
    return [
        Endpoint(method="GET", path="/api/spaces/space", handle=lambda call: ok(_spaces(state, call))),
        Endpoint(method="POST", path="/api/spaces/space", handle=lambda call: ok(spaces.create(_space_body(call)))),
        Endpoint(method="GET", path=one, handle=lambda call: ok(_space(state, call))),
        Endpoint(
            method="PUT",
            path=one,
            handle=lambda call: ok(spaces.update(call.params["id"], _space_body(call, "update"))),
        ),
        Endpoint(method="DELETE", path=one, handle=lambda call: _delete_space(state, call)),
    ]


def _spaces(state: CaseState, call: Call) -> list[Json]:
    purpose, tells = checked_query(call.query)
    found = [(space, _purposes(call, space["id"])) for space in state.spaces.list()]
    shown = [
        space | {"authorizedPurposes": allowed} if tells else space
        for space, allowed in found
        if (any(allowed.values()) if tells else allowed[purpose])
    ]
    if not shown:
        raise Forbidden("Forbidden")
    return shown


def _purposes(call: Call, space: str) -> dict[str, bool]:
    enters = _enters(call, space)
    copies = enters and call.principal is not None and _moves_objects(call.principal, space)
    return {
        "any": enters,
        "copySavedObjectsIntoSpace": copies,
        "findSavedObjects": enters,
        "shareSavedObjectsIntoSpace": copies,
    }


def _moves_objects(principal: Principal, space: str) -> bool:
    held = (principal.grants,) if principal.limits is None else (principal.grants, principal.limits)
    return all(any(grant.covers(space) and grant.privileges & _MOVERS for grant in grants) for grants in held)


def _space(state: CaseState, call: Call) -> Json:
    identifier = call.params["id"]
    if not _enters(call, identifier):
        raise Forbidden(f"Unauthorized to get {identifier} space")
    return state.spaces.get(identifier)


def _space_body(call: Call, verb: str = "create") -> Json:
    body = checked_space(call.mapping)
    _must_manage_spaces(call, verb)
    return body


def _delete_space(state: CaseState, call: Call) -> Reply:
    _must_manage_spaces(call, "delete")
    state.spaces.delete(call.params["id"])
    return NO_CONTENT


def _must_manage_spaces(call: Call, verb: str) -> None:
    if not call.by.rights.manages_spaces:
        raise Forbidden(f"Unauthorized to {verb} spaces")


def _enters(call: Call, space: str) -> bool:
    return call.principal is not None and call.principal.rights(space).enters


def platform_routes(stack: Stack, clock: Callable[[], datetime]) -> list[Endpoint]:
    """Build the routes that tell version, health and licence."""
    started = clock()
    return [
        Endpoint(
            method="GET", path="/api/status", handle=lambda call: _status(stack, clock, call), anonymous=True
        ),
        Endpoint(method="GET", path="/api/licensing/info", handle=lambda _call: ok(_license(stack, started))),
    ]


def _status(stack: Stack, clock: Callable[[], datetime], call: Call) -> Reply:
    if call.caller is None:
        return ok({"status": {"overall": {"level": "available"}}})
    available: Json = {"level": "available", "meta": {}}
    return ok(
        {
            "name": "kibcase",
            "uuid": _UUID,
            "version": {
                "number": stack.version.removesuffix("-SNAPSHOT"),
                "build_hash": hashlib.sha1(stack.version.encode(), usedforsecurity=False).hexdigest(),
                "build_number": 1,
                "build_snapshot": stack.version.endswith("-SNAPSHOT"),
                "build_flavor": "traditional",
                "build_date": _BUILD_DATE,
            },
            "status": {
                "overall": available | {"summary": "All services and plugins are available"},
                "core": {
                    "elasticsearch": available | {"summary": "Elasticsearch is available"},
                    "savedObjects": available
                    | {"summary": "SavedObjects service has completed migrations and is available"},
                },
                "plugins": {"cases": available | {"summary": "All services and plugins are available"}},
            },
            "metrics": {
                "last_updated": stamp(clock()),
                "collection_interval_in_millis": 5000,
                "elasticsearch_client": {
                    "totalActiveSockets": 0,
                    "totalIdleSockets": 0,
                    "totalQueuedRequests": 0,
                },
            },
        }
    )


def _license(stack: Stack, started: datetime) -> Json:
    license_: Json = {"uid": _LICENSE_UID, "type": stack.license, "mode": stack.license, "status": "active"}
    if stack.license != "basic":
        ends = started + _TERM.get(stack.license, _YEAR)
        license_["expiryDateInMillis"] = int(ends.timestamp() * 1000)
    rank = _TIERS.index(stack.license)
    features = {
        name: {"isAvailable": rank >= _TIERS.index(tier), "isEnabled": True} for name, tier in _FEATURES.items()
    }
    signature = hashlib.sha256(f"{license_}".encode()).hexdigest()
    return {"license": license_, "features": features, "signature": signature}
