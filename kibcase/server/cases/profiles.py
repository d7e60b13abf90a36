"""User profiles: suggest them for cases, read them by uid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kibcase.server import limits
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.observables import detected
from kibcase.server.codec import UNDEFINED, Path, Report, array, decode, number, strict, string
from kibcase.server.errors import BadRequest, Forbidden, NotFound

_WORD = re.compile(r"[^\s@._-]+")


def _size(value: Any, path: Path, report: Report) -> Any:
    before = len(report.errors)
    number(value, path, report)
    if len(report.errors) == before:
        if value < 1:
            report.errors.append("The size field cannot be less than 1.")
        elif value > limits.SUGGESTED_PROFILES:
            report.errors.append(f"The size field cannot be more than {limits.SUGGESTED_PROFILES}.")
    return value


_SUGGEST = strict({"name": string, "owners": array(string)}, {"size": _size})


@dataclass(frozen=True, slots=True)
class Profiles:
    """The user profiles of the server's directory; those users have one who have a profile uid."""

    context: Context

    def suggest(self, body: Any) -> list[Json]:
        """Give up to ``size`` (10) profiles whose names begin with ``name`` (``POST _suggest_user_profiles``).

        Raises ``BadRequest``, or ``Forbidden`` below Platinum; without ``owners`` there is nobody to suggest.
        """
        request = decode(_SUGGEST, body)
        if not self.context.stack.is_platinum:
            raise Forbidden(
                "In order to retrieve suggested user profiles, you must be subscribed to an Elastic Platinum license"
            )
        if not request["owners"]:
            return []
        found = [profile for profile in self.context.profiles() if is_named(profile["user"], request["name"])]
        return found[: int(request.get("size", limits.SUGGESTED_PROFILES))]

    def bulk_get(self, body: Mapping[str, Any]) -> list[Json]:
        """Give the profiles with the ``uids`` (``POST /internal/security/user_profile/_bulk_get``)."""
        wanted = _uids(body)
        found = {profile["uid"]: profile for profile in self.context.profiles()}
        return [found[uid] for uid in wanted if uid in found]

    def current(self, caller: Caller) -> Json:
        """Give the caller's own profile (``GET /internal/security/user_profile``); raises ``NotFound``."""
        uid = caller.user.get("profile_uid")
        for profile in self.context.profiles():
            if profile["uid"] == uid:
                return profile | {"labels": {}}
        raise NotFound("Not Found")


def profiles_of(people: Iterable[Mapping[str, Any]]) -> list[Json]:
    """Give the user profiles of ``people``, who are as cases show them; those without a profile uid have none."""
    return [
        {
            "uid": person["profile_uid"],
            "enabled": True,
            "data": {},
            "user": {
                name: person[name] for name in ("username", "full_name", "email") if person.get(name) is not None
            },
        }
        for person in people
        if person.get("profile_uid")
    ]


def is_named(user: Mapping[str, Any], text: str) -> bool:
    """Tell whether every word of ``text`` begins a word of the user's names, without regard to case."""
    names = " ".join(user.get(name) or "" for name in ("username", "full_name", "email")).lower()
    words = _WORD.findall(names)
    return all(any(word.startswith(part) for word in words) for part in _WORD.findall(text.lower()))


def _uids(body: Mapping[str, Any]) -> Iterable[str]:
    for name in body:
        if name not in ("uids", "dataPath"):
            raise BadRequest(f"[request body.{name}]: definition for this key is missing")
    given = body.get("uids", UNDEFINED)
    if not isinstance(given, list):
        raise BadRequest(f"[request body.uids]: expected value of type [array] but got [{detected(given)}]")
    if not given:
        raise BadRequest("[request body.uids]: array size is [0], but cannot be smaller than [1]")
    for place, uid in enumerate(given):
        if not isinstance(uid, str):
            raise BadRequest(
                f"[request body.uids.{place}]: expected value of type [string] but got [{detected(uid)}]"
            )
        if not uid:
            raise BadRequest(
                f"[request body.uids.{place}]: value has length [0] but it must have a minimum length of [1]."
            )
    if not isinstance(body.get("dataPath", ""), str):
        found = detected(body["dataPath"])
        raise BadRequest(f"[request body.dataPath]: expected value of type [string] but got [{found}]")
    return dict.fromkeys(given)
