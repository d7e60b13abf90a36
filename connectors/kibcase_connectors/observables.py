"""Observables as a set field: the common spelling of their elements, and the codec; pure.

An element is a type and a value with a blank between them: ``ipv4 203.0.113.7``. A side's own form is a list of
such elements as well; the connector translates them to and from what its system stores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kibcase_connectors.mapping import NotCarriedError, UnmappedError
from kibcase_connectors.model import OBSERVABLES, Canonical, Json, Unset

TYPES: Final = (
    "ipv4", "ipv6", "url", "domain", "hostname", "email", "file-hash", "file-path", "agent-id", "user", "registry",
)
"""The types known to everybody: those of Kibana Cases without ``observable-type-``, and two more."""

_FOLDED: Final = frozenset({"ipv4", "ipv6", "domain", "hostname", "email", "file-hash"})
_MD5, _SHA1, _SHA256, _SHA512 = 32, 40, 64, 128
HASHES: Final = {_MD5: "md5", _SHA1: "sha1", _SHA256: "sha256", _SHA512: "sha512"}
"""The algorithm of a ``file-hash`` by the number of its hexadecimal digits."""


def element(kind: str, value: str) -> str:
    """Give the element for a type and a value; runs of white space in the value become one blank."""
    return f"{kind} {' '.join(value.split())}"


def parts(item: str) -> tuple[str, str]:
    """Give the type and the value of an element; the value is "" if there is none."""
    kind, _, value = item.strip().partition(" ")
    return kind, value.strip()


def identity(item: str) -> str:
    """Give what makes two spellings one observable: names, addresses and hashes have no case."""
    kind, value = parts(item)
    return element(kind, value.casefold() if kind in _FOLDED else value)


@dataclass(frozen=True, slots=True)
class Observables:
    """The codec of a system that can hold observables of these ``types``; others are not carried to it."""

    types: frozenset[str] = frozenset(TYPES)

    def canonical(self, native: Json) -> Canonical:
        """Give the elements in their order, each once."""
        items = native if isinstance(native, list) else []
        return tuple(dict.fromkeys(item for item in items if isinstance(item, str) and parts(item)[1]))

    def native(self, canonical: Canonical) -> Json | Unset:
        """Give the elements. Raises ``NotCarriedError`` for a type that the system lacks."""
        items = (canonical,) if isinstance(canonical, str) else canonical
        for item in items:
            kind, value = parts(item)
            if not value:
                raise UnmappedError(OBSERVABLES, item)
            if kind not in self.types:
                raise NotCarriedError(OBSERVABLES, kind, tuple(sorted(self.types)))
        return list(dict.fromkeys(items))

    def identity(self, item: str) -> str:
        """Give the key of an element."""
        return identity(item)

    def loses(self, canonical: Canonical) -> bool:  # noqa: ARG002 - the protocol's signature
        """Never: elements are carried one by one."""
        return False
