"""Custom fields and the extended fields they are linked to, kept in step when a case is written; pure.

A configured custom field is linked to one definition of the field library; whichever of the two a request names
also sets the other. Empty is ``null`` here and a missing key there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kibcase.server.errors import BadRequest

Json = dict[str, Any]
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,15})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A custom field (``key``, ``type``) and its definition's ``name`` and storage key."""

    key: str
    type: str
    name: str
    storage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The links of one owner by the key of the custom field; ``broken`` are keys with the reason they have none."""

    by_key: Mapping[str, Link]
    broken: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Both sides after pairing; ``touched`` are the links that the request concerned."""

    custom: list[Json]
    extended: dict[str, str]
    touched: tuple[Link, ...]


def pair_created(
    given: Sequence[Json], named: Mapping[str, str], custom: Sequence[Json], extended: Mapping[str, str], links: Links
) -> Paired:
    """Pair a new case.

    ``given`` and ``named`` are the custom and extended fields the caller sent, ``custom`` and ``extended`` what
    would be stored. The caller comes first, then the template's or the field's default, then the configured one.
    Raises ``BadRequest`` (``field_representations_conflict``, ``field_linkage_malformed`` or a bad value).
    """
    _check(given, named, links)
    explicit = {field["key"] for field in given}
    side = _Sides(list(custom), dict(extended))
    for link in links.by_key.values():
        if link.key in explicit or link.storage not in side.extended:
            side.mirror(link, only_values=link.key not in explicit)
        else:
            side.derive(link, side.extended[link.storage])
    return side.result(tuple(links.by_key.values()))


def pair_updated(
    given: Sequence[Json], named: Mapping[str, str], custom: Sequence[Json], extended: Mapping[str, str], links: Links
) -> Paired:
    """Pair a PATCH, which touches only what the caller sent; raises ``BadRequest`` like ``pair_created``."""
    _check(given, named, links)
    explicit = {field["key"] for field in given}
    side = _Sides(list(custom), dict(extended))
    touched = []
    for link in links.by_key.values():
        if link.key in explicit:
            side.mirror(link, only_values=False)
        elif link.storage in named:
            side.derive(link, named[link.storage])
        else:
            continue
        touched.append(link)
    return side.result(tuple(touched))


class _Sides:
    """The two maps while they are being paired."""

    def __init__(self, custom: list[Json], extended: dict[str, str]) -> None:
        self.custom, self.extended = custom, extended
        self._invalid: list[str] = []

    def mirror(self, link: Link, *, only_values: bool) -> None:
        """Set the extended field from the custom field."""
        value = next((field["value"] for field in self.custom if field["key"] == link.key), None)
        if value is not None:
            self.extended[link.storage] = _encoded(value)
        elif not only_values:
            self.extended.pop(link.storage, None)

    def derive(self, link: Link, text: str) -> None:
        """Set the custom field from the extended field."""
        if text == "":
            self.extended.pop(link.storage, None)
        try:
            value = None if text == "" else _decoded(link.type, text)
        except ValueError as error:
            self._invalid.append(f'"{link.storage}": {error}')
            return
        entry = {"key": link.key, "type": link.type, "value": value}
        places = [place for place, field in enumerate(self.custom) if field["key"] == link.key]
        if places:
            self.custom[places[0]] = entry
        else:
            self.custom.append(entry)

    def result(self, touched: tuple[Link, ...]) -> Paired:
        """Give both sides; raises ``BadRequest`` if a value has no counterpart."""
        if self._invalid:
            raise BadRequest(f"Invalid value(s) for linked case field(s) — {'; '.join(self._invalid)}.")
        return Paired(custom=self.custom, extended=self.extended, touched=touched)


def _check(given: Sequence[Json], named: Mapping[str, str], links: Links) -> None:
    broken = [{"key": field["key"], "reason": links.broken[field["key"]]}
              for field in given if field["key"] in links.broken]
    if broken:
        names = ", ".join(f'"{field["key"]}"' for field in broken)
        raise BadRequest(
            f"The link between custom fields and their field definitions is malformed for: {names}.",
            attributes={"code": "field_linkage_malformed", "fields": broken},
        )
    conflicts = [
        link.name
        for field in given
        if (link := links.by_key.get(field["key"])) is not None
        and link.storage in named
        and ("" if field["value"] is None else _encoded(field["value"])) != named[link.storage]
    ]
    if conflicts:
        shown = ", ".join(f'"{name}"' for name in conflicts)
        raise BadRequest(
            f"The request supplies conflicting values for both representations of the linked field(s): {shown}. "
            "Submit the value through customFields or extended_fields, or make both values equal.",
            attributes={"code": "field_representations_conflict", "fields": conflicts},
        )


def _encoded(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(int(value))


def _decoded(kind: str, text: str) -> Any:
    if kind == "text":
        return text
    if kind == "toggle":
        if text not in ("true", "false"):
            raise ValueError(f'expected "true" or "false", got "{text}"')
        return text == "true"
    if not _INTEGER.fullmatch(text) or text == "-0":
        raise ValueError(f'expected a canonical base-10 integer string, got "{text}"')
    if abs(int(text)) >= 2**53:
        raise ValueError(f'integer "{text}" is outside the safe integer range')
    return int(text)
