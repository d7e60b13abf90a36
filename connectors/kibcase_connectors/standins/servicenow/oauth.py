"""Tokens: who gets one, and whom it stands for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kibcase_connectors.standins.servicenow.people import OAuthApp, RsaPublicKey, ServiceNowUser
from kibcase_connectors.standins.servicenow.state import ServiceNowState

_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


class OAuthRefusal(Exception):
    """A refusal of the token endpoint (401); in its body ``error`` is a string (RFC 6749, 5.2)."""

    def __init__(self, error: str, description: str) -> None:
        self.error = error
        self.description = description
        super().__init__(f"{error}: {description}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    user_name: str
    client_id: str
    expires: datetime


class Tokens:
    """The tokens that an instance has given out, in memory; a restart ends them all."""

    def __init__(self, state: ServiceNowState) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._access: dict[str, _Token] = {}
        self._refresh: dict[str, _Token] = {}

    def user_of(self, token: str) -> str | None:
        """Give the user name of an access token, None if it is unknown or expired."""
        with self._lock:
            found = self._access.get(token)
        return found.user_name if found and found.expires > self._state.now() else None

    def revoke(self) -> None:
        """End every token."""
        with self._lock:
            self._access.clear()
            self._refresh.clear()

    def grant(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Answer ``POST /oauth_token.do``; raises ``OAuthRefusal``."""
        app = self._client(form)
        kind = form.get("grant_type", "")
        if kind not in app.grants:
            raise OAuthRefusal("unsupported_grant_type", f"grant_type {kind[:80]} is not enabled for this client")
        match kind:
            case "password":
                user = self._by_password(form)
            case "refresh_token":
                user = self._by_refresh(form, app)
            case "client_credentials":
                user = self._named(app.acts_as)
            case _:
                user = self._by_assertion(form, app)
        old = form["refresh_token"] if kind == "refresh_token" else ""
        return self._issue(user, app, old, refreshable=kind in ("password", "refresh_token"))

    def _client(self, form: Mapping[str, str]) -> OAuthApp:
        for app in self._state.instance.oauth_apps:
            if _same(form.get("client_id", ""), app.client_id) and _same(
                form.get("client_secret", ""), app.client_secret
            ):
                return app
        raise OAuthRefusal("invalid_client", "client_id or client_secret is wrong")

    def _by_password(self, form: Mapping[str, str]) -> str:
        user = self._state.instance.users.get(form.get("username", ""))
        if user is None or not user.active or not _same(form.get("password", ""), user.password):
            raise OAuthRefusal("access_denied", "username or password is wrong")
        return user.user_name

    def _by_refresh(self, form: Mapping[str, str], app: OAuthApp) -> str:
        with self._lock:
            found = self._refresh.get(form.get("refresh_token", ""))
        if found is None or found.client_id != app.client_id or found.expires <= self._state.now():
            raise OAuthRefusal("invalid_grant", "refresh_token is wrong or expired")
        return self._named(found.user_name)

    def _named(self, user_name: str) -> str:
        user = self._state.instance.users.get(user_name)
        if user is None or not user.active:
            raise OAuthRefusal("access_denied", "the client acts as no active user")
        return user_name

    def _by_assertion(self, form: Mapping[str, str], app: OAuthApp) -> str:
        try:
            claims = verified(form.get("assertion", ""), app.jwt_keys)
            expires = float(claims["exp"])
        except (ValueError, KeyError, TypeError) as error:
            raise OAuthRefusal("invalid_grant", "the assertion cannot be verified") from error
        if expires <= self._state.now().timestamp():
            raise OAuthRefusal("invalid_grant", "the assertion is expired")
        if claims.get("aud") != app.client_id or claims.get("iss") != app.client_id:
            raise OAuthRefusal("invalid_grant", "aud and iss of the assertion must be the client_id")
        return self._named(self._subject(str(claims.get("sub", "")), app))

    def _subject(self, subject: str, app: OAuthApp) -> str:
        users: list[ServiceNowUser] = list(self._state.instance.users.values())
        named = {(each.email if app.jwt_user_field == "email" else each.user_name): each.user_name for each in users}
        return named.get(subject, "")

    def _issue(self, user_name: str, app: OAuthApp, old: str, *, refreshable: bool) -> dict[str, Any]:
        now, access = self._state.now(), secrets.token_urlsafe(48)
        ends = now + timedelta(seconds=app.access_lifespan)
        with self._lock:
            self._access[access] = _Token(user_name=user_name, client_id=app.client_id, expires=ends)
            refresh = old or secrets.token_urlsafe(48)
            if refreshable and not old:
                later = now + timedelta(seconds=app.refresh_lifespan)
                self._refresh[refresh] = _Token(user_name=user_name, client_id=app.client_id, expires=later)
        body = {"access_token": access, "scope": "useraccount", "token_type": "Bearer"}
        return body | {"expires_in": app.access_lifespan - 1} | ({"refresh_token": refresh} if refreshable else {})


def verified(token: str, keys: Mapping[str, RsaPublicKey]) -> dict[str, Any]:
    """Check the signature (RS256) of a JSON web token with the key that its ``kid`` names, and give its claims.

    Raises ``ValueError`` or ``KeyError`` for what is no such token.
    """
    head, _, rest = token.partition(".")
    payload, _, signature = rest.partition(".")
    header = json.loads(_unbase64(head))
    if not isinstance(header, dict) or header.get("alg") != "RS256":
        raise ValueError("the algorithm must be RS256")
    if not _signed(f"{head}.{payload}".encode(), _unbase64(signature), keys[str(header.get("kid"))]):
        raise ValueError("the signature is wrong")
    claims = json.loads(_unbase64(payload))
    if not isinstance(claims, dict):
        raise ValueError("the claims are no object")
    return claims


def _signed(message: bytes, signature: bytes, key: RsaPublicKey) -> bool:
    # RSASSA-PKCS1-v1_5 (RFC 8017, 8.2.2): public values only, so nothing here needs constant time.
    size = (key.modulus.bit_length() + 7) // 8
    number = int.from_bytes(signature)
    if len(signature) != size or number >= key.modulus:
        return False
    info = _SHA256_INFO + hashlib.sha256(message).digest()
    padded = b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info
    return pow(number, key.exponent, key.modulus).to_bytes(size) == padded


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def _same(given: str, expected: str) -> bool:
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())
