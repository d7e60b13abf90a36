"""Observables as ServiceNow spells them: types of Threat Intelligence, or lines of a text column; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kibcase_connectors.mapping import NotCarriedError
from kibcase_connectors.model import OBSERVABLES, Canonical, Json, Unset
from kibcase_connectors.observables import HASHES, TYPES, Observables, element, identity, parts
from kibcase_connectors.servicenow.config import ServiceNowConfig

HASH: Final = "file-hash"

NAMES: Final = {
    "ipv4": "IP address (V4)", "ipv6": "IP address (V6)", "url": "URL", "domain": "Domain name",
    "email": "Email address", "md5": "MD5 hash", "sha1": "SHA1 hash", "sha256": "SHA256 hash",
    "sha512": "SHA512 hash",
}
"""What ``sn_ti_observable_type`` calls the types; hashes go by their algorithm."""

APP: Final = {"ipv4": "ipv4-addr", "url": "URL", "sha256": "SHA256"}
"""What Elastic's app calls those that Kibana gives it; what it makes of others is not known."""


@dataclass(frozen=True, slots=True)
class LinkedObservables(Observables):
    """The codec of security incidents: a hash of a length that no algorithm has is not carried."""

    def native(self, canonical: Canonical) -> Json | Unset:
        """Give the elements. Raises ``NotCarriedError`` for a type that the instance lacks."""
        for item in (canonical,) if isinstance(canonical, str) else canonical:
            kind, value = parts(item)
            if kind == HASH and len(value) not in HASHES:
                raise NotCarriedError(OBSERVABLES, f"{kind} of {len(value)} digits")
        # Not super(): a dataclass with slots is another class than the one that super() would find here.
        return Observables.native(self, canonical)


def codec(config: ServiceNowConfig) -> Observables:
    """Give the codec for a configured table."""
    if config.table == "incident":
        return Observables(frozenset(TYPES))
    kinds_known = {HASH, *config.observable_types, *NAMES}
    return LinkedObservables(frozenset(kinds_known.intersection(TYPES)))


def kinds(config: ServiceNowConfig) -> dict[str, str]:
    """Give kibcase's types by what the instance may call them, without case."""
    spelled = [*((kind, name) for kind, name in config.observable_types.items()), *NAMES.items(), *APP.items()]
    hashes = set(HASHES.values())
    return {name.casefold(): HASH if kind in hashes else kind for kind, name in reversed(spelled)}



def in_column(stored: str) -> list[str]:
    """Give the observables that a text holds, in the order of its lines; other lines are left out."""
    found = [item for item in map(_line, _lines(stored)) if item]
    return list(dict.fromkeys(found))


def _lines(stored: str) -> list[str]:
    text = stored.rstrip("\r\n")
    return text.split("\n") if text else []


def _line(line: str) -> str:
    kind, value = parts(line)
    return element(kind, value) if value and kind in TYPES else ""


def edited(stored: str, add: Iterable[str], remove: Iterable[str]) -> str:
    """Give the text with observables added and removed; the other lines stay as people wrote them."""
    gone = {identity(item) for item in remove}
    lines = [line for line in _lines(stored) if not _line(line) or identity(_line(line)) not in gone]
    held = {identity(_line(line)) for line in lines if _line(line)}
    new = {identity(item): item for item in add}
    return "\n".join([*lines, *(item for key, item in new.items() if key not in held)])
