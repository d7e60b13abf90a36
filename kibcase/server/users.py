"""Who may call the embedded server, and how a call proves it."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from kibcase.server.errors import Unauthorized

DEFAULT_USERS: Mapping[str, str] = {"elastic": "changeme"}


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A superuser; ``full_name``, ``email`` and ``profile_uid`` appear where Kibana names people."""

    password: str = field(repr=False)
    full_name: str | None = None
    email: str | None = None
    profile_uid: str | None = None


class Directory:
    """The users and API keys of one server.

    ``users`` maps user names to a password or a ``User``; ``api_keys`` maps the decoded ``id:key`` to a
    user name. Raises ``ValueError`` if a key belongs to nobody or has no colon.
    """

    def __init__(
        self, users: Mapping[str, str | User] | None = None, api_keys: Mapping[str, str] | None = None
    ) -> None:
        given: Mapping[str, str | User] = DEFAULT_USERS if users is None else users
        self._users = {name: _as_user(user) for name, user in given.items()}
        self._keys = dict(api_keys or {})
        for key, name in self._keys.items():
            if name not in self._users:
                raise ValueError(f"an API key is given to user {name!r}, who is not among the users")
            if ":" not in key:
                raise ValueError(f"an API key of user {name!r} is not of the form 'id:key'")

    def authenticate(self, header: str | None) -> str | None:
        """Give the user name that an ``Authorization`` header proves, or None."""
        scheme, _, token = (header or "").strip().partition(" ")
        text = _decoded(token)
        if text is None:
            return None
        if scheme.lower() == "apikey":
            return next((name for key, name in self._keys.items() if _same(key, text)), None)
        name, _, password = text.partition(":")
        if scheme.lower() == "basic" and name in self._users and _same(self._users[name].password, password):
            return name
        return None

    def refusal(self, header: str | None) -> Unauthorized:
        """Build the 401 for a header that ``authenticate`` turned down, in Elasticsearch's words."""
        scheme, _, token = (header or "").strip().partition(" ")
        text = _decoded(token)
        if not scheme:
            return Unauthorized("Unauthorized")
        if scheme.lower() == "basic" and text is not None:
            name = text.partition(":")[0]
            reason = f"unable to authenticate user [{name}] for REST request [/_security/_authenticate]"
        else:
            reason = (
                "unable to authenticate with provided credentials and anonymous access is not allowed "
                "for this request"
            )
        return Unauthorized(f"[security_exception\n\tRoot causes:\n\t\tsecurity_exception: {reason}]: {reason}")

    def identity(self, name: str) -> dict[str, str | None]:
        """Give the user as cases show people: ``username``, ``full_name``, ``email``, perhaps ``profile_uid``."""
        user = self._users[name]
        shown: dict[str, str | None] = {"username": name, "full_name": user.full_name, "email": user.email}
        if user.profile_uid is not None:
            shown["profile_uid"] = user.profile_uid
        return shown


def _as_user(user: str | User) -> User:
    return User(password=user) if isinstance(user, str) else user


def _decoded(token: str) -> str | None:
    try:
        return base64.b64decode(token.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode(), theirs.encode())
