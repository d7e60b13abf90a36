"""Which connectors a case has had, and whether it has news for them; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]
_NEWS = ("comment", "description", "tags", "title")
# These types send severity and status as well.
_FULL_TYPES = (".cases-webhook", ".thehive")


def connectors_of(actions: Sequence[Json], known: Mapping[str, tuple[str, str]]) -> Json:
    """Answer ``GET _connectors`` from a case's user actions, oldest first: an entry per connector id.

    ``known`` gives type and present name of the connectors that (still) exist.
    """
    full = any(kind in _FULL_TYPES for kind, _ in known.values())
    usual = _newest(actions, _NEWS)
    more = _newest(actions, (*_NEWS, "severity", "status")) if full else None
    result: Json = {}
    for connector in _latest_fields(actions).values():
        identifier = connector["id"]
        kind, name = known.get(identifier, (connector["type"], connector["name"]))
        push = _push(actions, connector, more if kind in _FULL_TYPES and identifier in known else usual)
        result[identifier] = connector | {"name": name, "push": push}
    return result


def _latest_fields(actions: Sequence[Json]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for kind in ("create_case", "connector"):
        for action in actions:
            if action["type"] == kind and action["payload"]["connector"]["id"] != "none":
                connector = action["payload"]["connector"]
                found[connector["id"]] = connector
    return found


def _push(actions: Sequence[Json], connector: Json, newest: str | None) -> Json:
    pushes = [
        action for action in actions
        if action["type"] == "pushed" and action["payload"]["externalService"]["connector_id"] == connector["id"]
    ]
    used = _used(actions, connector["id"], pushes[-1]["created_at"]) if pushes else None
    if used is None:
        return {"needsToBePushed": True, "hasBeenPushed": False}
    latest = pushes[-1]["created_at"]
    return {
        "needsToBePushed": connector != used or (newest is not None and newest > latest),
        "hasBeenPushed": True,
        "details": {
            "latestUserActionPushDate": latest,
            "oldestUserActionPushDate": pushes[0]["created_at"],
            "externalService": pushes[-1]["payload"]["externalService"],
        },
    }


def _used(actions: Sequence[Json], connector_id: str, before: str) -> Json | None:
    # Kibana looks for what was set strictly before the push.
    for action in reversed(actions):
        if action["type"] in ("create_case", "connector") and action["created_at"] < before:
            connector: Json = action["payload"]["connector"]
            if connector["id"] == connector_id:
                return connector
    return None


def _newest(actions: Sequence[Json], kinds: tuple[str, ...]) -> str | None:
    return max((action["created_at"] for action in actions if action["type"] in kinds), default=None)
