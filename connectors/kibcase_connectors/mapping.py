"""Each side's own values and what they mean: declarative, pure.

A ``FieldMap`` holds one ``Codec`` per field. ``canonical`` takes a side's own value to the common form and
``native`` a common value to the side's own. A system may distinguish less than the common form does (three
priorities for four severities) or more (six workflow statuses for three); ``same`` therefore asks whether a
side *already shows* a common value, from whichever direction that can be told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from kibcase_connectors.model import MARK_PREFIX, UNSET, Canonical, Json, Unset


class UnmappedError(ValueError):
    """A value for which the map has no counterpart; ``field``, ``value`` and the ``known`` ones are kept."""

    def __init__(self, field: str, value: object, known: tuple[str, ...] = ()) -> None:
        self.field = field
        self.value = value
        self.known = known
        shown = f"{value!r}"[:120]
        listed = f"; known: {', '.join(known)}" if known else ""
        super().__init__(f"{field} {shown} has no counterpart in the mapping{listed}")


class NotCarriedError(UnmappedError):
    """An element of a kind that a side does not hold at all: it is left out, and nobody need be told."""


class Codec(Protocol):
    """How one field of one side is read and written; pure."""

    def canonical(self, native: Json) -> Canonical:
        """Give the common meaning of a side's own value. Raises ``UnmappedError``."""
        ...

    def native(self, canonical: Canonical) -> Json | Unset:
        """Give what a write of ``canonical`` asks the side to store; UNSET if only the system can tell.

        Raises ``UnmappedError``.
        """
        ...

    def loses(self, canonical: Canonical) -> bool:
        """Tell whether the side can hold only a part of this value (a text longer than its limit)."""
        ...


@runtime_checkable
class SetCodec(Protocol):
    """What the codec of a set has besides."""

    def identity(self, element: str) -> str:
        """Give what spellings of one element have in common."""
        ...


@runtime_checkable
class LooseCodec(Protocol):
    """What the codec of a field has besides that may show one value in several forms."""

    def alike(self, native: Json, canonical: Canonical) -> bool:
        """Tell whether a side's own value is another form of what ``canonical`` would make of it."""
        ...


class Dress(Protocol):
    """What a text of the common form is wrapped in on one side: a template around a title, say."""

    def on(self, text: str) -> str:
        """Wrap."""
        ...

    def off(self, text: str) -> str:
        """Unwrap; a text that is not wrapped comes back as it is."""
        ...


@dataclass(frozen=True, slots=True)
class FieldMap:
    """The codecs of one side, by field, and what some of its texts are wrapped in."""

    codecs: Mapping[str, Codec]
    dresses: Mapping[str, Dress] = field(default_factory=lambda: MappingProxyType({}))

    def canonical(self, field: str, native: Json) -> Canonical:
        """Give the common meaning of the side's own value. Raises ``UnmappedError``."""
        value = self.codecs[field].canonical(native)
        return self.dresses[field].off(value) if field in self.dresses and isinstance(value, str) else value

    def dressed(self, field: str, canonical: Canonical) -> Canonical:
        """Give a common value as it is handed to the connector, which knows nothing of what it is wrapped in."""
        return self.dresses[field].on(canonical) if field in self.dresses and isinstance(canonical, str) else canonical

    def native(self, field: str, canonical: Canonical) -> Json | Unset:
        """Give the side's own form of a common value; UNSET if only the system can tell."""
        return self.codecs[field].native(self.dressed(field, canonical))

    def loses(self, field: str, canonical: Canonical) -> bool:
        """Tell whether the side can hold only a part of the value."""
        return self.codecs[field].loses(self.dressed(field, canonical))

    def key(self, field: str, element: str) -> str:
        """Give the identity of an element of a set: spellings with one key are one element."""
        codec = self.codecs[field]
        return codec.identity(element) if isinstance(codec, SetCodec) else element

    def same(self, field: str, native: Json, canonical: Canonical) -> bool:
        """Tell whether the side's present value already is what ``canonical`` would make of it."""
        try:
            wanted = self.native(field, canonical)
        except UnmappedError:
            wanted = UNSET
        if wanted is not UNSET and wanted == native:
            return True
        codec = self.codecs[field]
        if isinstance(codec, LooseCodec) and codec.alike(native, self.dressed(field, canonical)):
            return True
        try:
            return self.canonical(field, native) == canonical
        except UnmappedError:
            return False


@dataclass(frozen=True, slots=True)
class Text:
    """A text: ``read`` makes the side's form canonical, ``write`` the reverse; ``limit`` in characters.

    ``write`` must already keep to ``limit`` (cutting visibly); ``uncut`` gives the full form, by which
    ``loses`` tells whether anything was cut.
    """

    read: Callable[[str], str]
    write: Callable[[str], str]
    uncut: Callable[[str], str]
    limit: int

    def canonical(self, native: Json) -> Canonical:
        """Give the text; None counts as empty."""
        return self.read(native) if isinstance(native, str) else ""

    def native(self, canonical: Canonical) -> Json | Unset:
        """Give the text as it is to be stored."""
        return self.write(_text(canonical))

    def loses(self, canonical: Canonical) -> bool:
        """Tell whether the text is longer than the side takes; ``write`` alone knows in what the side counts."""
        text = _text(canonical)
        return self.write(text) != self.uncut(text)


@dataclass(frozen=True, slots=True)
class Table:
    """A closed list of values. ``reads`` and ``writes`` may be many-to-one in either direction.

    ``reads`` is matched without regard to case. A native value is text, or an object whose ``key`` holds it.
    """

    field: str
    reads: Mapping[str, str]
    writes: Mapping[str, str]
    key: str | None = None

    def canonical(self, native: Json) -> Canonical:
        """Look the value up; raises ``UnmappedError`` when it is not in the table."""
        value = native.get(self.key) if self.key is not None and isinstance(native, dict) else native
        folded = {known.casefold(): meaning for known, meaning in self.reads.items()}
        meaning = folded.get(value.casefold()) if isinstance(value, str) else None
        if meaning is None:
            raise UnmappedError(self.field, value, tuple(self.reads))
        return meaning

    def native(self, canonical: Canonical) -> Json | Unset:
        """Look up what to write; UNSET when native values are objects that only the system can complete."""
        if _text(canonical) not in self.writes:
            raise UnmappedError(self.field, canonical, tuple(self.writes))
        return UNSET if self.key is not None else self.writes[_text(canonical)]

    def loses(self, canonical: Canonical) -> bool:  # noqa: ARG002 - the protocol's signature
        """Never: a table has no partial values."""
        return False


@dataclass(frozen=True, slots=True)
class Elements:
    """A set of short texts: ``write`` is this side's spelling; elements with equal ``key`` are one."""

    write: Callable[[str], str] = str.strip
    key: Callable[[str], str] = str.strip

    def canonical(self, native: Json) -> Canonical:
        """Give the elements in their order, without marks."""
        items = native if isinstance(native, list) else []
        return tuple(item for item in items if isinstance(item, str) and not item.startswith(MARK_PREFIX))

    def native(self, canonical: Canonical) -> Json | Unset:
        """Give the elements in this side's spelling, each once. Raises ``UnmappedError`` for one it cannot spell."""
        items = (canonical,) if isinstance(canonical, str) else canonical
        return list(dict.fromkeys(self._spell(item) for item in items))

    def identity(self, element: str) -> str:
        """Give the key of an element; one that this side cannot spell is only itself."""
        try:
            return self.key(element)
        except ValueError:
            return element

    def _spell(self, element: str) -> str:
        try:
            spelled = self.write(element)
        except ValueError as error:
            raise UnmappedError("element", element) from error
        if spelled.startswith(MARK_PREFIX):
            # "kibcase x" would become the mark "kibcase-x", and the thing a copy of something else.
            raise UnmappedError("element", element)
        return spelled

    def loses(self, canonical: Canonical) -> bool:  # noqa: ARG002 - the protocol's signature
        """Never: elements are carried one by one."""
        return False


def _text(canonical: Canonical) -> str:
    if not isinstance(canonical, str):
        raise TypeError(f"a text was expected, not {type(canonical).__name__}")
    return canonical
