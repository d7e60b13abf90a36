"""The people of a case: who took part, who reported it, who is and was assigned (``_users``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kibcase.server.cases.authorization import authorize
from kibcase.server.cases.context import Caller, Context, Json

_NAMES = ("email", "full_name", "username")


@dataclass(frozen=True, slots=True)
class People:
    """Answers ``GET /internal/cases/{id}/_users``."""

    context: Context

    def of_case(self, caller: Caller, case_id: str) -> Json:
        """Give ``{participants, reporter, assignees, unassignedUsers}`` of a case.

        Items are ``{user: {email, full_name, username}, uid?}``; a person who has a user profile is named as there.
        Whoever was assigned once and is neither participant, reporter nor assignee now is an unassigned user.
        """
        with self.context.store.transaction():
            record = self.context.case(caller, case_id)
            authorize(caller, "getCase", [record.doc["owner"]])
            authorize(caller, "getUserActionUsers", [record.doc["owner"]])
            actions = [action.doc for action in self.context.store.user_actions(record.number)]
        return people_of(record.doc, actions, {profile["uid"]: profile for profile in self.context.profiles()})


def people_of(case: Mapping[str, Any], actions: Iterable[Mapping[str, Any]], profiles: Mapping[str, Json]) -> Json:
    """Sort out the people of a case; ``profiles`` are user profiles by uid, ``actions`` the oldest first. Pure."""
    newest: dict[str, Json] = {}
    assigned: set[str] = set()
    for action in actions:
        newest[action["created_by"].get("username") or "Unknown"] = action["created_by"]
        assigned |= {person["uid"] for person in (action["payload"] or {}).get("assignees", [])}
    participants = [newest[name] for name in sorted(newest)]
    current = [person["uid"] for person in case["assignees"]]
    known = {*current, case["created_by"].get("profile_uid"), *(user.get("profile_uid") for user in participants)}
    return {
        "participants": [_shown(user.get("profile_uid"), user, profiles) for user in participants],
        "assignees": [_shown(uid, {}, profiles) for uid in current],
        "unassignedUsers": [_shown(uid, {}, profiles) for uid in sorted(assigned - known)],
        "reporter": _shown(case["created_by"].get("profile_uid"), case["created_by"], profiles),
    }


def _shown(uid: str | None, user: Mapping[str, Any], profiles: Mapping[str, Json]) -> Json:
    profile = profiles.get(uid, {}) if uid else {}
    named = profile.get("user", {})
    names = {name: _first(named.get(name), user.get(name)) for name in _NAMES}
    return {"user": names} | ({"uid": uid} if uid else {})


def _first(*found: Any) -> Any:
    return next((value for value in found if value is not None), None)
