"""Checks that the configurations of ticketing systems share; each raises ``ValueError`` with what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

V = TypeVar("V")


def web_address(credentials: str) -> Callable[[str], str]:
    """Give the check of a system's address; ``credentials`` names the settings that hold these instead."""

    def check(url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the address must begin with http:// or https:// and name a host")
        if "@" in parts.netloc:
            raise ValueError(f"credentials do not belong into the address; use {credentials}")
        if parts.query or parts.fragment:
            raise ValueError("the address must end with its path; leave out everything from '?' or '#'")
        return url.rstrip("/")

    return check


def unquoted_off(value: object) -> object:
    """Give ``off`` as it was written: to YAML, without quotes, it is another word for false."""
    return "off" if value is False else value


def plain_token(secret: SecretStr | None) -> SecretStr | None:
    """Refuse a token that cannot stand in a header: empty, or with white space, line ends or other than ASCII."""
    value = "x" if secret is None else secret.get_secret_value()
    if not value or any(c.isspace() or not c.isprintable() or not c.isascii() for c in value):
        raise ValueError("a token must not be empty, and must be plain ASCII without white space or line ends")
    return secret


def without(fields: Mapping[str, V], ours: frozenset[str]) -> Mapping[str, V]:
    """Refuse values for fields that kibcase fills itself."""
    clash = sorted(ours.intersection(fields))
    if clash:
        raise ValueError(f"{', '.join(clash)}: kibcase fills this itself")
    return fields
