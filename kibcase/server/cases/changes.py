"""What a PATCH changes in a case: difference, normal form, times of status; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kibcase.server.datemath import parse_stamp, stamp
from kibcase.server.jstext import trim

Json = dict[str, Any]


def changed_fields(stored: Mapping[str, Any], request: Mapping[str, Any], *, new_objects: bool = False) -> Json:
    """Give the fields of a PATCH entry that differ from the stored case.

    Lists compare as sets, objects deeply; a field that the stored case does not have is ignored, unless it is an
    object and ``new_objects`` (which stacks with ``extended_fields`` do).
    """
    return {
        name: value
        for name, value in request.items()
        if name not in ("id", "version")
        and (_differs(stored[name], value) if name in stored else new_objects and isinstance(value, dict))
    }


def difference(before: Sequence[Any], after: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Give what ``after`` has and ``before`` has not, and the other way round."""
    return [item for item in after if item not in before], [item for item in before if item not in after]


def _differs(stored: Any, value: Any) -> bool:
    if isinstance(stored, list) and isinstance(value, list):
        return any(difference(stored, value))
    return type(stored) is not type(value) or bool(stored != value)


def normalised(fields: Json) -> Json:
    """Give fields as they are stored: texts trimmed, assignees without empty and repeated uids."""
    result = dict(fields)
    for name in ("title", "description", "category"):
        if isinstance(result.get(name), str):
            result[name] = trim(result[name])
    if "tags" in result:
        result["tags"] = [trim(tag) for tag in result["tags"]]
    if "assignees" in result:
        result["assignees"] = distinct_assignees(result["assignees"])
    return result


def with_bare_assignees(case: Mapping[str, Any]) -> Json:
    """Give a case whose assignees have nothing but their uid, as requests name them and the activity tells of them."""
    return dict(case) | {"assignees": [{"uid": person["uid"]} for person in case["assignees"]]}


def distinct_assignees(assignees: Sequence[Json]) -> list[Json]:
    """Keep the first assignee of each uid, and none with an empty uid."""
    return list({person["uid"]: person for person in reversed(assignees) if person["uid"]}.values())[::-1]


def status_fields(stored: Mapping[str, Any], status: str, now: datetime, user: Json, *, timings: bool) -> Json:
    """Give the fields that move with a change of status to ``status``.

    ``timings`` adds ``in_progress_at`` and the ``time_to_*`` seconds of newer stacks.
    """
    closed = status == "closed"
    age = _seconds(stored["created_at"], now)
    fields: Json = {
        "closed_at": stamp(now) if closed else None,
        "closed_by": user if closed else None,
        "duration": age if closed else None,
    }
    return fields | (_timings(stored, status, now, age) if timings else {})


def _timings(stored: Mapping[str, Any], status: str, now: datetime, age: int) -> Json:
    started = stored.get("in_progress_at")
    times: Json = {"time_to_acknowledge": None, "time_to_investigate": None, "time_to_resolve": None}
    if status == "in-progress":
        return times | {"in_progress_at": started or stamp(now), "time_to_acknowledge": age}
    if status == "open":
        return times
    return {
        "time_to_acknowledge": _seconds(stored["created_at"], parse_stamp(started)) if started else age,
        "time_to_investigate": _seconds(started, now) if started else 0,
        "time_to_resolve": age,
    }


def _seconds(start: str, end: datetime) -> int:
    return max(int((end - parse_stamp(start)).total_seconds()), 0)
