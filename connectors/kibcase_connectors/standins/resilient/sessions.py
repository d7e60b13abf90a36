"""Who sends a request: API keys, sessions, and what becomes of wrong secrets."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from kibcase_connectors.standins.resilient.catalog import Account, Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in user; ``csrf`` must come with each request in ``X-sess-id``."""

    account: int
    csrf: str


class Sessions:
    """Signs accounts in.

    After ``lock_after`` wrong secrets in a row an account is locked: its right secret is refused too,
    until ``unlock``. None never locks.
    """

    def __init__(self, lock_after: int | None = 5) -> None:
        self._lock_after = lock_after
        self._failures: dict[int, int] = {}
        self._open: dict[str, Session] = {}
        self._lock = threading.Lock()

    def basic(self, authorization: str, catalog: Catalog) -> Account | None:
        """Find the API key of a Basic ``Authorization``; users can not sign in like that."""
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _, secret = base64.b64decode(given.strip(), validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self._checked("apikey", name, secret, catalog)

    def sign_in(self, email: str, password: str, catalog: Catalog) -> tuple[str, Session] | None:
        """Open a session of a user; gives the value of its cookie with it."""
        account = self._checked("user", email, password, catalog)
        if account is None:
            return None
        cookie, session = secrets.token_hex(16), Session(account=account.id, csrf=secrets.token_hex(16))
        with self._lock:
            self._open[cookie] = session
        return cookie, session

    def of_cookie(self, cookies: Mapping[str, str], csrf: str | None, catalog: Catalog) -> Account | None:
        """Find the user of a session; without the right ``X-sess-id`` there is none."""
        with self._lock:
            session = self._open.get(cookies.get("JSESSIONID", ""))
        if session is None or csrf is None or not _same(csrf, session.csrf):
            return None
        return catalog.accounts[session.account]

    def end(self, cookie: str | None = None) -> None:
        """Close one session, or all."""
        with self._lock:
            if cookie is None:
                self._open.clear()
            else:
                self._open.pop(cookie, None)

    def unlock(self) -> None:
        """Let all accounts in again."""
        with self._lock:
            self._failures.clear()

    def _checked(self, kind: str, login: str, secret: str, catalog: Catalog) -> Account | None:
        named = [each for each in catalog.accounts.values() if each.kind == kind and each.login == login]
        if not named:
            return None
        (account,) = named
        with self._lock:
            failures = self._failures.get(account.id, 0)
            locked = self._lock_after is not None and failures >= self._lock_after
            right = _same(secret, account.secret)
            if not locked:
                self._failures[account.id] = 0 if right else failures + 1
            return account if right and not locked else None


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode(), secret.encode())
