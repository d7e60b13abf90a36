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
        return next((user for user in catalog.users.values() if _same(given.strip(), user.secret)), Caller.REFUSED)
    return Caller.REFUSED


def _basic(given: str, catalog: Catalog) -> JiraUser | Caller:
    try:
        name, _, secret = base64.b64decode(given, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return Caller.REFUSED
    for user in catalog.users.values():
        login = user.email.lower() if catalog.cloud else user.username
        if login == (name.lower() if catalog.cloud else name) and _same(secret, user.secret):
            return user
    return Caller.REFUSED


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode(), secret.encode())
