"""User profiles, whose uids are what cases are assigned to (Kibana security and cases plugins)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import TypeAdapter

from kibcase.client.answers import decode
from kibcase.client.limits import SUGGESTED_PROFILES
from kibcase.errors import LimitError, NotFoundError
from kibcase.models.profile import UserProfile
from kibcase.transport import Request, Transport

_ONE = TypeAdapter(UserProfile)
_MANY = TypeAdapter(list[UserProfile])


class NoProfile(NotFoundError):
    """404: who is asking has no user profile."""

    failure = "no user profile"
    advice = "Only who logged in to Kibana's pages once has one; an API key never has."


class ProfilesApi:
    """``kibana.profiles``. Every method can raise the errors of ``Transport.send``.

    Only who logged in to Kibana's pages once has a profile.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def suggest(
        self, name: str, *, owners: Sequence[str], size: int = SUGGESTED_PROFILES
    ) -> list[UserProfile]:
        """Find at most 10 people by a part of their name who may work on cases of these owners.

        POST /internal/cases/_suggest_user_profiles. Raises ``LimitError`` for a larger ``size``.
        """
        if size > SUGGESTED_PROFILES:
            raise LimitError("suggested profiles (size)", SUGGESTED_PROFILES, size)
        body = {"name": name, "owners": list(owners), "size": size}
        return self._read("/internal/cases/_suggest_user_profiles", body)

    def get_many(self, uids: Iterable[str]) -> list[UserProfile]:
        """Read profiles by uid (POST /internal/security/user_profile/_bulk_get); unknown ones are left out."""
        wanted = list(dict.fromkeys(uids))
        return self._read("/internal/security/user_profile/_bulk_get", {"uids": wanted}) if wanted else []

    def current(self) -> UserProfile:
        """Return the profile of who is asking (GET /internal/security/user_profile).

        Raises ``NoProfile``, a ``NotFoundError``, for who has none, such as an API key.
        """
        request = Request(method="GET", path="/internal/security/user_profile", internal=True)
        try:
            return decode(self._transport.send(request), _ONE)
        except NotFoundError as missing:
            raise NoProfile(missing.status, missing.message, missing.method, missing.path, missing.body) from missing

    def _read(self, path: str, body: dict[str, object]) -> list[UserProfile]:
        request = Request(method="POST", path=path, json=body, internal=True, idempotent=True)
        return decode(self._transport.send(request), _MANY)
