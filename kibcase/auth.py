"""Credentials that do not show their secrets."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Protocol

_ENCODED_KEY = re.compile(r"[A-Za-z0-9+/=_-]+")


class Auth(Protocol):
    """Credentials; their repr must not show secrets."""

    def header(self) -> str:
        """Return the value of the ``Authorization`` header."""


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """User name and password; the repr shows the name alone.

    Raises ``ValueError`` for a user name that is empty or holds a colon.
    """

    username: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.username or ":" in self.username:
            raise ValueError("a user name is not empty and holds no colon")

    def header(self) -> str:
        """Return the value of the ``Authorization`` header (RFC 7617, UTF-8)."""
        return "Basic " + b64encode(f"{self.username}:{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class ApiKeyAuth:
    """An Elasticsearch API key, as ``encoded`` or as ``id`` and ``key``; the repr shows none of it.

    Raises ``ValueError`` if it is neither the one nor the other.
    """

    encoded: str = field(default="", repr=False)
    id: str = field(default="", repr=False, kw_only=True)
    key: str = field(default="", repr=False, kw_only=True)

    def __post_init__(self) -> None:
        if bool(self.encoded) == bool(self.id and self.key):
            raise ValueError("give an API key either encoded, or as id and key")
        if self.encoded and not _ENCODED_KEY.fullmatch(self.encoded.strip()):
            raise ValueError("an encoded API key is base64 alone, without 'ApiKey' before it")

    def header(self) -> str:
        """Return the value of the ``Authorization`` header."""
        encoded = self.encoded.strip() or b64encode(f"{self.id}:{self.key}".encode()).decode()
        return f"ApiKey {encoded}"
