"""Roles: the built-in ones of Elasticsearch, and what a role document allows; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kibcase.server.privileges import Grant, applications_of, grants_of_applications, grants_of_role, sections_of

Json = dict[str, Any]


def _built_in(cluster: Iterable[str], applications: Iterable[tuple[str, str]], description: str) -> Json:
    return {
        "cluster": list(cluster),
        "indices": [],
        "applications": [
            {"application": application, "privileges": [privilege], "resources": ["*"]}
            for application, privilege in applications
        ],
        "run_as": [],
        "metadata": {"_reserved": True},
        "transient_metadata": {"enabled": True},
        "description": description,
    }


BUILT_IN: Final[Mapping[str, Json]] = {
    "editor": _built_in([], [("kibana-.kibana", "all")], "Full access to the features of Kibana."),
    "kibana_admin": _built_in([], [("kibana-.kibana", "all")], "Full access to Kibana."),
    "superuser": _built_in(["all"], [("*", "*")], "Full access to everything."),
    "viewer": _built_in([], [("kibana-.kibana", "read")], "Read-only access to the features of Kibana."),
}
MANAGERS: Final = ("manage_security", "all")
KEY_OWNERS: Final = ("manage_own_api_key", "manage_api_key", *MANAGERS)


def grants_of(role: Mapping[str, Any]) -> tuple[Grant, ...]:
    """Give what a role document allows in Kibana."""
    return grants_of_applications(role.get("applications", ()))


def cluster_of(role: Mapping[str, Any]) -> frozenset[str]:
    """Give the cluster privileges of a role document."""
    return frozenset(role.get("cluster", ()))


def manages_security(cluster: frozenset[str]) -> bool:
    """Tell whether these cluster privileges allow to make users, roles and anybody's keys."""
    return bool(cluster & set(MANAGERS))


def manages_own_keys(cluster: frozenset[str]) -> bool:
    """Tell whether these cluster privileges allow to make keys of one's own."""
    return bool(cluster & set(KEY_OWNERS))


def from_kibana(body: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> Json:
    """Turn the body of ``PUT /api/security/role/{name}`` into a role document; raises ``ValueError``.

    Privileges of other applications that the role had ``before`` stay.
    """
    grants = grants_of_role(body.get("kibana") or ())
    elasticsearch = body.get("elasticsearch") or {}
    others = [entry for entry in (before or {}).get("applications", ()) if entry["application"] != "kibana-.kibana"]
    described = {"description": body["description"]} if body.get("description") else {}
    return {
        "cluster": list(elasticsearch.get("cluster") or ()),
        "indices": list(elasticsearch.get("indices") or ()),
        "applications": [*applications_of(grants), *others],
        "run_as": list(elasticsearch.get("run_as") or ()),
        "metadata": dict(body.get("metadata") or {}),
        "transient_metadata": {"enabled": True},
        **described,
    }


def to_kibana(name: str, role: Mapping[str, Any]) -> Json:
    """Give a role document as ``GET /api/security/role/{name}`` does."""
    ours = [entry for entry in role["applications"] if entry["application"] == "kibana-.kibana"]
    shown: Json = {"name": name}
    if "description" in role:
        shown["description"] = role["description"]
    return shown | {
        "metadata": role["metadata"],
        "transient_metadata": role["transient_metadata"],
        "elasticsearch": {"cluster": role["cluster"], "indices": role["indices"], "run_as": role["run_as"]},
        "kibana": sections_of(grants_of_applications(ours)),
        "_transform_error": [],
        "_unrecognized_applications": sorted(
            {entry["application"] for entry in role["applications"]} - {"kibana-.kibana"}
        ),
    }
