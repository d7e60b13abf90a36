"""Who may call the embedded server, how a call proves it, and what follows from it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from kibcase.server.errors import Unauthorized
from kibcase.server.privileges import Grant, applications_of, grants_of_applications, grants_of_role
from kibcase.server.privileges_principal import Principal
from kibcase.server.privileges_roles import BUILT_IN, cluster_of, grants_of
from kibcase.server.privileges_store import AccountStore

Json = dict[str, Any]
Privileges = Sequence[Mapping[str, Any]]

DEFAULT_USERS: Mapping[str, str] = {"elastic": "changeme"}
_SUPERUSER = "superuser"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user; ``full_name``, ``email`` and ``profile_uid`` appear where Kibana names people.

    ``privileges`` are Kibana's, in the form of the ``kibana`` list of its role API: ``[{"feature":
    {"securitySolutionCasesV3": ["all"]}, "spaces": ["soc"]}]``. ``roles`` are names of roles. Without either the
    user is a superuser; an empty list is a user who may do nothing.
    """

    password: str = field(repr=False)
    full_name: str | None = None
    email: str | None = None
    profile_uid: str | None = None
    roles: Sequence[str] | None = None
    privileges: Privileges | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key of ``user``, with ``privileges`` that narrow down the user's (None: all that the user has)."""

    user: str
    privileges: Privileges | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    proves: Callable[[str], bool]
    doc: Json
    grants: tuple[Grant, ...] = ()
    profile_uid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    proves: Callable[[str], bool]
    doc: Json
    limits: tuple[Grant, ...] | None
    frozen: tuple[Grant, ...] | None
    cluster: frozenset[str] | None


class Directory:
    """The users, roles and API keys of one server.

    ``users`` maps user names to a password or a ``User``; ``api_keys`` maps the decoded ``id:key`` to a user name or
    an ``ApiKey``; ``roles`` maps role names to the ``kibana`` list of their privileges. Those that are made later
    are kept where ``keep_in`` says. ``clock`` gives seconds since the epoch.

    Raises ``ValueError`` if a key belongs to nobody or has no colon, for an unknown role and malformed privileges.
    """

    def __init__(
        self,
        users: Mapping[str, str | User] | None = None,
        api_keys: Mapping[str, str | ApiKey] | None = None,
        *,
        roles: Mapping[str, Privileges] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store: AccountStore | None = None
        self._clock = clock
        self._lock = threading.RLock()
        self._given_roles = {name: _role(grants_of_role(sections)) for name, sections in (roles or {}).items()}
        given: Mapping[str, str | User] = DEFAULT_USERS if users is None else users
        self._given_users = {name: _account(name, user) for name, user in given.items()}
        for name, account in self._given_users.items():
            self._check_roles(name, account.doc["roles"])
        self._given_keys = dict(self._given_key(key, found) for key, found in (api_keys or {}).items())
        self.reload()

    def keep_in(self, store: AccountStore) -> None:
        """Take what is in ``store`` in, and keep there what is made later; given ones go before stored ones."""
        self._store = store
        self.reload()

    def reload(self) -> None:
        """Take users, roles and keys from the store again, besides those that were given."""
        with self._lock:
            stored = {} if self._store is None else self._store.load("role")
            self._roles: dict[str, Json] = {**BUILT_IN, **stored, **self._given_roles}
            users = {} if self._store is None else self._store.load("user")
            self._users = {name: _stored_account(doc) for name, doc in users.items()} | self._given_users
            keys = {} if self._store is None else self._store.load("key")
            self._keys = {name: _stored_key(doc) for name, doc in keys.items()} | self._given_keys

    def authenticate(self, header: str | None) -> Principal | None:
        """Give whom an ``Authorization`` header proves, or None."""
        scheme, _, token = (header or "").strip().partition(" ")
        text = _decoded(token)
        if text is None:
            return None
        name, _, secret = text.partition(":")
        if scheme.lower() == "apikey":
            return self._by_key(name, secret)
        account = self._users.get(name) if scheme.lower() == "basic" else None
        if account is None or not account.doc["enabled"] or not account.proves(secret):
            return None
        return self._principal(name, account)

    def _by_key(self, identifier: str, secret: str) -> Principal | None:
        key = self._keys.get(identifier)
        if key is None or key.doc["invalidated"] or not key.proves(secret):
            return None
        expires, name = key.doc.get("expiration"), key.doc["username"]
        account = self._users.get(name)
        if account is None or (expires is not None and self._clock() * 1000 >= expires):
            return None
        owner = self._principal(name, account)
        return Principal(
            name=name, person=owner.person, metadata=key.doc["metadata"], limits=key.limits,
            grants=owner.grants if key.frozen is None else key.frozen,
            cluster=_narrowed(owner.cluster, key.cluster),
            key={"id": identifier, "name": key.doc["name"]},
        )

    def _principal(self, name: str, account: _Account) -> Principal:
        roles = [self._roles[role] for role in account.doc["roles"] if role in self._roles]
        return Principal(
            name=name, person=_person(name, account), roles=tuple(account.doc["roles"]),
            grants=(*account.grants, *(grant for role in roles for grant in grants_of(role))),
            cluster=frozenset[str]().union(*(cluster_of(role) for role in roles)), metadata=account.doc["metadata"],
        )

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
        return _person(name, self._users[name])

    def is_superuser(self, header: str | None) -> bool:
        """Tell whether an ``Authorization`` header proves somebody who may do everything."""
        principal = self.authenticate(header)
        return principal is not None and principal.rights("default").administers

    def people(self) -> list[dict[str, str | None]]:
        """Give every enabled user as cases show people, by name."""
        return [_person(name, found) for name, found in sorted(self._users.items()) if found.doc["enabled"]]

    def users(self) -> dict[str, Json]:
        """Give every user as Elasticsearch's ``GET /_security/user`` does, by name."""
        return {name: _shown_user(name, account) for name, account in sorted(self._users.items())}

    def put_user(self, name: str, doc: Json, password: str | None) -> bool:
        """Make or change a user; ``doc`` has roles, full_name, email, metadata, enabled. Gives whether they are new.

        Raises ``ValueError`` if a new user has no password, or the user is a given one.
        """
        with self._lock:
            before = self._users.get(name)
            if name in self._given_users:
                raise ValueError(f"user [{name}] is part of the server's configuration")
            if before is None and password is None:
                raise ValueError("password must be specified unless you are updating an existing user")
            kept = {"salt": before.doc["salt"], "hash": before.doc["hash"]} if before is not None else {}
            stored = doc | (kept if password is None else _hashed(password))
            self._users[name] = _stored_account(stored)
            self._keep("user", name, stored)
            return before is None

    def delete_user(self, name: str) -> bool:
        """Remove a user; gives whether there was one. Raises ``ValueError`` for a given one."""
        with self._lock:
            if name in self._given_users:
                raise ValueError(f"user [{name}] is part of the server's configuration")
            return self._forget("user", name, self._users)

    def roles(self) -> dict[str, Json]:
        """Give every role document, by name."""
        return dict(sorted(self._roles.items()))

    def put_role(self, name: str, role: Json) -> bool:
        """Make or change a role; gives whether it is new. Raises ``ValueError`` for a reserved or a given one."""
        with self._lock:
            self._check_changeable(name)
            new = name not in self._roles
            self._roles[name] = role
            self._keep("role", name, role)
            return new

    def delete_role(self, name: str) -> bool:
        """Remove a role; gives whether there was one. Raises ``ValueError`` for a reserved or a given one."""
        with self._lock:
            self._check_changeable(name)
            return self._forget("role", name, self._roles)

    def create_key(
        self, owner: Principal, name: str, *, descriptors: Mapping[str, Json], metadata: Json, seconds: float | None
    ) -> tuple[str, str, int | None]:
        """Make an API key; gives its id, its secret and when it expires (milliseconds since the epoch)."""
        identifier, secret = secrets.token_urlsafe(15), secrets.token_urlsafe(16)
        now = self._clock()
        expires = None if seconds is None else int((now + seconds) * 1000)
        doc: Json = {
            "id": identifier, "name": name, "type": "rest", "creation": int(now * 1000), "invalidated": False,
            "username": owner.name, "realm": "default_native", "realm_type": "native", "metadata": metadata,
            "role_descriptors": dict(descriptors), "limited_by": applications_of(owner.grants),
            "hash": hashlib.sha256(secret.encode()).hexdigest(),
        }
        if expires is not None:
            doc["expiration"] = expires
        with self._lock:
            self._keys[identifier] = _stored_key(doc)
            self._keep("key", identifier, doc)
        return identifier, secret, expires

    def every_key(self) -> list[Json]:
        """Give every API key as ``GET /_security/api_key`` does, without secrets, oldest first."""
        hidden = ("hash", "limited_by")
        shown = [{name: value for name, value in key.doc.items() if name not in hidden} for key in self._keys.values()]
        return sorted(shown, key=lambda doc: (doc["creation"], doc["id"]))

    def invalidate_keys(self, identifiers: Iterable[str]) -> None:
        """Let API keys prove nothing any longer."""
        with self._lock:
            for identifier in identifiers:
                doc = self._keys[identifier].doc | {"invalidated": True, "invalidation": int(self._clock() * 1000)}
                key = self._keys[identifier]
                self._keys[identifier] = _Key(
                    proves=key.proves, doc=doc, limits=key.limits, frozen=key.frozen, cluster=key.cluster
                )
                if identifier not in self._given_keys:
                    self._keep("key", identifier, doc)

    def _given_key(self, key: str, found: str | ApiKey) -> tuple[str, _Key]:
        given = ApiKey(user=found) if isinstance(found, str) else found
        if given.user not in self._given_users:
            raise ValueError(f"an API key is given to user {given.user!r}, who is not among the users")
        identifier, colon, secret = key.partition(":")
        if not colon:
            raise ValueError(f"an API key of user {given.user!r} is not of the form 'id:key'")
        doc: Json = {
            "id": identifier, "name": given.name or identifier, "type": "rest", "creation": int(self._clock() * 1000),
            "invalidated": False, "username": given.user, "realm": "default_native", "realm_type": "native",
            "metadata": {}, "role_descriptors": {},
        }
        limits = None if given.privileges is None else grants_of_role(given.privileges)
        return identifier, _Key(
            proves=lambda text: _same(secret, text), doc=doc, limits=limits, frozen=None, cluster=None
        )

    def _check_roles(self, name: str, roles: Iterable[str]) -> None:
        unknown = sorted(set(roles) - BUILT_IN.keys() - self._given_roles.keys())
        if unknown:
            raise ValueError(f"user {name!r} has the role {unknown[0]!r}, which nobody has defined")

    def _check_changeable(self, name: str) -> None:
        if name in BUILT_IN:
            raise ValueError(f"role [{name}] is reserved and cannot be modified.")
        if name in self._given_roles:
            raise ValueError(f"role [{name}] is part of the server's configuration")

    def _keep(self, kind: Any, name: str, doc: Json) -> None:
        if self._store is not None:
            self._store.put(kind, name, doc)

    def _forget(self, kind: Any, name: str, known: dict[str, Any]) -> bool:
        if self._store is not None:
            self._store.delete(kind, name)
        return known.pop(name, None) is not None


def _account(name: str, given: str | User) -> _Account:
    user = User(password=given) if isinstance(given, str) else given
    superuser = user.roles is None and user.privileges is None
    doc: Json = {
        "roles": [_SUPERUSER] if superuser else list(user.roles or ()), "full_name": user.full_name,
        "email": user.email, "metadata": {"_reserved": True} if name in DEFAULT_USERS else {}, "enabled": True,
    }
    return _Account(
        proves=lambda text: _same(user.password, text), doc=doc, grants=grants_of_role(user.privileges or ()),
        profile_uid=user.profile_uid,
    )


def _role(grants: tuple[Grant, ...]) -> Json:
    return {
        "cluster": [], "indices": [], "applications": applications_of(grants), "run_as": [], "metadata": {},
        "transient_metadata": {"enabled": True},
    }


def _stored_account(doc: Json) -> _Account:
    return _Account(proves=lambda text: _same(doc["hash"], _scrypt(text, doc["salt"])), doc=doc)


def _stored_key(doc: Json) -> _Key:
    descriptors = doc["role_descriptors"].values()
    return _Key(
        proves=lambda text: _same(doc["hash"], hashlib.sha256(text.encode()).hexdigest()), doc=doc,
        limits=tuple(grant for each in descriptors for grant in grants_of(each)) if descriptors else None,
        frozen=grants_of_applications(doc["limited_by"]),
        cluster=frozenset[str]().union(*(cluster_of(each) for each in descriptors)) if descriptors else None,
    )


def _narrowed(owner: frozenset[str], key: frozenset[str] | None) -> frozenset[str]:
    return owner if key is None else key if "all" in owner else owner & key


def _shown_user(name: str, account: _Account) -> Json:
    doc = account.doc
    return {
        "username": name, "roles": doc["roles"], "full_name": doc["full_name"], "email": doc["email"],
        "metadata": doc["metadata"], "enabled": doc["enabled"],
    }


def _person(name: str, account: _Account) -> dict[str, str | None]:
    doc = account.doc
    shown: dict[str, str | None] = {"username": name, "full_name": doc["full_name"], "email": doc["email"]}
    if account.profile_uid is not None:
        shown["profile_uid"] = account.profile_uid
    return shown


def _hashed(password: str) -> Json:
    salt = secrets.token_hex(16)
    return {"salt": salt, "hash": _scrypt(password, salt)}


# Remembered, because every request proves itself anew and the function is slow on purpose.
@lru_cache(maxsize=256)
def _scrypt(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=4096, r=8, p=1).hex()


def _decoded(token: str) -> str | None:
    try:
        return base64.b64decode(token.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode(), theirs.encode())
