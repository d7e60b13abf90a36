"""Users and groups of an organisation, as those to whom incidents belong; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from kibcase_connectors.model import Json
from kibcase_connectors.resilient.wire import person_name


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One user of the organisation; ``active`` tells that the account can log in."""

    id: int
    name: str
    email: str
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group of users; it may own incidents."""

    id: int
    name: str


def native(owner: int, who: User | Group | None) -> Json:
    """Give an owner in the form of snapshots; groups and those whom nobody knows have no address."""
    if isinstance(who, User):
        return {"id": str(owner), "name": who.name, "email": who.email, "login": who.email}
    return {"id": str(owner), "name": f"#{owner}" if who is None else who.name, "email": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """All users by id."""

    users: Mapping[int, User] = field(default_factory=lambda: MappingProxyType({}))

    def accounts(self, account: str) -> Sequence[User]:
        """Give the users that an entry of the table of people names, by id or by e-mail address."""
        folded = account.strip().casefold()
        return [user for user in self.users.values() if folded in (str(user.id), user.email.casefold())]

    def with_address(self, email: str) -> Sequence[User]:
        """Give the active users with just this address."""
        folded = email.casefold()
        return [user for user in self.users.values() if user.active and user.email.casefold() == folded]


def user(raw: Mapping[str, Any]) -> User:
    """Read a user (``users``); ``status`` is ``A`` for one who can log in."""
    email = str(raw.get("email") or "")
    shown = str(raw.get("display_name") or "") or person_name(raw, "fname", "lname")
    active = raw.get("status", "A") == "A" and raw.get("locked") is not True
    return User(id=int(raw["id"]), name=shown or email or str(raw["id"]), email=email, active=active)


def group(raw: Mapping[str, Any]) -> Group:
    """Read a group (``groups``)."""
    return Group(id=int(raw["id"]), name=str(raw.get("name") or raw["id"]))
