"""Artifacts as observables: which artifact type holds which kind, and the codec; pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kibcase_connectors.mapping import NotCarriedError, UnmappedError
from kibcase_connectors.model import OBSERVABLES, Canonical, Json, Unset
from kibcase_connectors.observables import HASHES, element, identity, parts

ARTIFACT_TYPES: Final[Mapping[str, str]] = {
    "IP Address": "ip", "URL": "url", "DNS Name": "domain", "System Name": "hostname", "Email Sender": "email",
    "Email Recipient": "email", "Malware MD5 Hash": "file-hash", "Malware SHA-1 Hash": "file-hash",
    "Malware SHA-256 Hash": "file-hash", "File Path": "file-path", "User Account": "user", "Registry Key": "registry",
}
"""The kind of observable that the artifact types of a new organisation hold."""

DESCRIPTION: Final = "From Kibana case"
"""The description of artifacts that kibcase makes."""

VALUE_LIMIT: Final = 4000
"""The most characters of a value; the platform's own limit is not documented."""

_IP: Final = "ip"
_HASH: Final = "file-hash"
_ADDRESSES: Final = {4: "ipv4", 6: "ipv6"}
# In the values of these a blank is a part of the value; in others it parts two values.
_FREE: Final = frozenset({"file-path", "user", "registry", "agent-id"})
_HEX = re.compile(r"[0-9a-f]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactType:
    """A type of artifact; ``splits`` tells that a value with blanks becomes several, ``file`` that it holds files."""

    id: int
    name: str
    splits: bool = False
    file: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One artifact; ``type`` is the id or the name of its type, times are epoch milliseconds."""

    id: int
    type: int | str
    value: str
    created: int
    modified: int


Types = Mapping[int, ArtifactType]
"""The artifact types of an organisation by id."""


def artifact_type(raw: Mapping[str, Any]) -> ArtifactType:
    """Read a type of artifact (``artifact_types``)."""
    return ArtifactType(
        id=int(raw["id"]), name=str(raw["name"]), splits=raw.get("multi_aware") is True, file=raw.get("file") is True
    )


def artifact(raw: Mapping[str, Any]) -> Artifact:
    """Read an artifact; its type comes as an id, as a name, or as an object that holds them."""
    kind = raw["type"]["id"] if isinstance(raw["type"], Mapping) else raw["type"]
    if isinstance(kind, bool) or not isinstance(kind, int | str):
        raise TypeError("an artifact has a type")
    created = int(raw.get("created") or 0)
    return Artifact(
        id=int(raw["id"]), type=kind, value=str(raw["value"]), created=created,
        modified=int(raw.get("last_modified_time") or created),
    )


def artifacts(raw: Iterable[Mapping[str, Any]]) -> tuple[Artifact, ...]:
    """Read artifacts, oldest first."""
    return by_age(map(artifact, raw))


def by_age(held: Iterable[Artifact]) -> tuple[Artifact, ...]:
    """Give artifacts in the order in which they were made."""
    return tuple(sorted(held, key=lambda one: (one.created, one.id)))


@dataclass(frozen=True, slots=True)
class ArtifactCodec:
    """The codec of observables; ``table`` gives the kind of each artifact type, as configured."""

    table: Mapping[str, str]

    def canonical(self, native: Json) -> Canonical:
        """Give the elements in their order, each once."""
        items = native if isinstance(native, list) else []
        return tuple(dict.fromkeys(item for item in items if isinstance(item, str) and parts(item)[1]))

    def native(self, canonical: Canonical) -> Json | Unset:
        """Give the elements.

        Raises ``NotCarriedError`` where no artifact type holds the kind (or the kind of hash), and
        ``UnmappedError`` for a value that the platform would take for several.
        """
        items = (canonical,) if isinstance(canonical, str) else canonical
        for item in items:
            kind, value = parts(item)
            if not value or len(value) > VALUE_LIMIT:
                raise UnmappedError(OBSERVABLES, item)
            if type_for(self.table, item) is None:
                raise NotCarriedError(OBSERVABLES, kind, tuple(sorted({*self.table.values()})))
            if kind not in _FREE and " " in value:
                raise UnmappedError(OBSERVABLES, item)
        return list(dict.fromkeys(items))

    def identity(self, item: str) -> str:
        """Give what makes two spellings one observable."""
        return identity(item)

    def loses(self, canonical: Canonical) -> bool:  # noqa: ARG002 - the protocol's signature
        """Never: elements are carried one by one."""
        return False


def type_for(table: Mapping[str, str], item: str) -> str | None:
    """Give the name of the artifact type that an element is written as, None if there is none."""
    kind, value = parts(item)
    if kind in _ADDRESSES.values() and _address_kind(value) == kind:
        return _first(table, (_IP, kind))
    if kind == _HASH:
        return _hash_type(table, value)
    return _first(table, (kind,))


def _first(table: Mapping[str, str], kinds: Sequence[str]) -> str | None:
    return next((name for name, kind in table.items() if kind in kinds), None)


def _hash_type(table: Mapping[str, str], value: str) -> str | None:
    """Give the type whose name tells the algorithm of a hash, else one whose name tells none."""
    algorithm = HASHES.get(len(value)) if _HEX.fullmatch(value) else None
    named = {name: _algorithm(name) for name, kind in table.items() if kind == _HASH}
    exact = [name for name, told in named.items() if told == algorithm and algorithm is not None]
    return next(iter([*exact, *(name for name, told in named.items() if told is None)]), None)


def _algorithm(name: str) -> str | None:
    folded = re.sub(r"[^a-z0-9]", "", name.casefold())
    return next((algorithm for algorithm in HASHES.values() if algorithm in folded), None)


def _address_kind(value: str) -> str | None:
    try:
        return _ADDRESSES[ipaddress.ip_address(value).version]
    except ValueError:
        return None


def item_of(table: Mapping[str, str], type_name: str, value: str) -> str | None:
    """Give the element for an artifact; None for one that does not take part, such as a network."""
    folded = {name.casefold(): kind for name, kind in table.items()}
    kind = folded.get(type_name.casefold())
    if kind == _IP:
        kind = _address_kind(value.strip())
    return None if kind is None or not value.strip() else element(kind, value)


def shown(table: Mapping[str, str], held: Iterable[Artifact], types: Types) -> list[tuple[str, Artifact]]:
    """Give the artifacts that take part, each with its element; one element may be there several times."""
    found = []
    for one in held:
        known = types.get(one.type) if isinstance(one.type, int) else None
        name = known.name if known is not None else str(one.type)
        item = item_of(table, name, one.value)
        if item is not None:
            found.append((item, one))
    return found


def elements(held: Iterable[tuple[str, Artifact]]) -> list[Json]:
    """Give the elements of ``shown``, each once, in their order."""
    found: dict[str, Json] = {}
    for item, _ in held:
        found.setdefault(identity(item), item)
    return list(found.values())
