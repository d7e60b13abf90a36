"""Who sends a request: Basic, Bearer, or an API key."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping

from kibcase_connectors.standins.servicenow.oauth import Tokens
from kibcase_connectors.standins.servicenow.people import ServiceNowUser
from kibcase_connectors.standins.servicenow.state import ServiceNowState


def identify(headers: Mapping[str, str], state: ServiceNowState, tokens: Tokens) -> ServiceNowUser | None:
    """Find the active user of a request (``Authorization`` or ``x-sn-apikey``), None without valid credentials."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    users = state.instance.users
    found = None
    if scheme.lower() == "basic":
        name, secret = decode_basic(given)
        user = users.get(name)
        found = user if user is not None and _same(secret, user.password) else None
    elif scheme.lower() == "bearer":
        found = users.get(tokens.user_of(given.strip()) or "")
    elif key := headers.get("x-sn-apikey"):
        found = next((each for each in users.values() if each.api_key and _same(key, each.api_key)), None)
    return found if found is not None and found.active else None


def decode_basic(given: str) -> tuple[str, str]:
    """Read the name and the secret of Basic credentials; both empty if they are malformed."""
    try:
        name, _, secret = base64.b64decode(given.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode(), secret.encode())
