"""Accounts, groups and OAuth clients."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Literal

Grant = Literal["password", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"]

ALL_GRANTS: frozenset[Grant] = frozenset(
    {"password", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"}
)
TEAM_ROLES = frozenset({"itil", "sn_si.analyst", "sn_ti.read", "sn_ti.write"})


def fixed_id(kind: str, name: str) -> str:
    """Give the ``sys_id`` of a thing that an instance is set up with; the same on every start."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}/{name}").hex


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceNowUser:
    """An account (``sys_user``).

    ``time_zone`` is an IANA name, empty for the zone of the instance. ``date_format`` and ``time_format`` are
    preferences in the vendor's notation; display values follow them. ``api_key`` goes into ``x-sn-apikey``.
    """

    user_name: str
    name: str
    email: str
    password: str = field(repr=False)
    roles: frozenset[str] = TEAM_ROLES
    time_zone: str = ""
    date_format: str = "yyyy-MM-dd"
    time_format: str = "HH:mm:ss"
    active: bool = True
    api_key: str = field(default="", repr=False)

    @property
    def sys_id(self) -> str:
        """The id of the account's record."""
        return fixed_id("sys_user", self.user_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An assignment group; ``members`` are user names."""

    name: str
    members: tuple[str, ...] = ()

    @property
    def sys_id(self) -> str:
        """The id of the group's record."""
        return fixed_id("sys_user_group", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class RsaPublicKey:
    """The public half of the key that signs JSON web tokens (RS256)."""

    modulus: int
    exponent: int = 65_537


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthApp:
    """An entry of the application registry: an OAuth client and the grants that it may use.

    ``acts_as`` is the user name that client credentials stand for. ``jwt_keys`` are keys by ``kid``; the subject of a
    token names a user by ``jwt_user_field``. Lifespans are in seconds.
    """

    client_id: str
    client_secret: str = field(repr=False)
    grants: frozenset[Grant] = ALL_GRANTS
    acts_as: str = ""
    jwt_keys: dict[str, RsaPublicKey] = field(default_factory=dict)
    jwt_user_field: Literal["email", "user_name"] = "email"
    access_lifespan: int = 1800
    refresh_lifespan: int = 8_640_000


DEFAULT_USERS: tuple[ServiceNowUser, ...] = (
    ServiceNowUser(
        user_name="kibcase", name="Kibcase Sync", email="kibcase@example.com", password="kibcase-password",  # noqa: S106
        time_zone="UTC",
    ),
    ServiceNowUser(
        user_name="maria.lindqvist", name="Maria Lindqvist", email="maria.lindqvist@example.com",
        password="maria-password", roles=TEAM_ROLES | {"admin"}, time_zone="Europe/Stockholm",  # noqa: S106
    ),
    ServiceNowUser(
        user_name="tomasz.nowak", name="Tomasz Nowak", email="tomasz.nowak@example.com",
        password="tomasz-password", time_zone="Europe/Warsaw", date_format="dd.MM.yyyy",  # noqa: S106
    ),
)
DEFAULT_GROUPS: tuple[Group, ...] = (
    Group(name="Security Operations", members=("kibcase", "maria.lindqvist", "tomasz.nowak")),
    Group(name="Service Desk", members=("maria.lindqvist",)),
)
