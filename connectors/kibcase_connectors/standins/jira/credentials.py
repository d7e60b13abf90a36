"""Who sends a request: reading ``Authorization``."""

from __future__ import annotations

import base64
import binascii
import hmac
from enum import Enum

from kibcase_connectors.standins.jira.catalog import Catalog, JiraUser


class Caller(Enum):
    """A caller that is no user."""

    ANONYMOUS = "no credentials were sent"
    REFUSED = "the credentials are wrong"


def identify(authorization: str | None, catalog: Catalog) -> JiraUser | Caller:
    """Find the user of an ``Authorization`` header.

    Cloud takes Basic with e-mail and API token; Data Center Basic with user name and password, or
    Bearer with a personal access token.
    """
    if not authorization:
        return Caller.ANONYMOUS
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() == "basic":
        return _basic(given.strip(), catalog)
    if scheme.lower() == "bearer" and not catalog.cloud:
        found = (user for user in catalog.users.values() if user.active and _same(given.strip(), user.secret))
        return next(found, Caller.REFUSED)
    return Caller.REFUSED


def _basic(given: str, catalog: Catalog) -> JiraUser | Caller:
    name, secret = _pair(given)
    for user in catalog.users.values():
        login = user.email.lower() if catalog.cloud else user.username
        matches = login == (name.lower() if catalog.cloud else name) and _same(secret, user.secret)
        if name and matches and user.active:
            return user
    return Caller.REFUSED


def _pair(given: str) -> tuple[str, str]:
    try:
        name, _, secret = base64.b64decode(given, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def claimed(authorization: str | None) -> str | None:
    """Give the name that a Basic ``Authorization`` header claims, None if it claims none."""
    scheme, _, given = (authorization or "").partition(" ")
    return _pair(given.strip())[0] or None if scheme.lower() == "basic" else None


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode(), secret.encode())
