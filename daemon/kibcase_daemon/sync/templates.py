"""Templates: what a title or description is wrapped in on the side that it is carried to; pure.

``[SOC {label}] {title}`` makes "[SOC #12] Beacon" of "Beacon" and, read back, "Beacon" of "[SOC #12] Beacon". A
text that people have written in another form is taken as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from string import Formatter
from types import MappingProxyType
from typing import Final

from kibcase_connectors.mapping import Dress, FieldMap
from kibcase_connectors.model import DESCRIPTION, TITLE, Side, Snapshot
from kibcase_daemon.sync.types import Base, Both, Maps

TEMPLATED: Final = (TITLE, DESCRIPTION)
"""The fields that may have a template."""

VARIABLES: Final = ("label", "url")
"""What a template may say of the thing that is copied, besides the text itself."""


@dataclass(frozen=True, slots=True)
class Template:
    """The text around one field. ``parts`` are literal texts and, in between, the names of what stands there."""

    field: str
    parts: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, field: str, text: str) -> Template:
        """Read ``{title}``, ``{label}`` ...; ``{{`` is a brace. Raises ``ValueError`` with what is wrong."""
        try:
            read = list(Formatter().parse(text))
        except ValueError as error:
            raise ValueError(f"{error}; write {{{{ for a brace") from error
        parts = []
        for literal, name, form, conversion in read:
            if form or conversion or (name is not None and name not in (field, *VARIABLES)):
                known = ", ".join(f"{{{each}}}" for each in (field, *VARIABLES))
                raise ValueError(f"{{{name}}} is not known here; known: {known}")
            parts.append((literal, name or ""))
        names = [name for _, name in parts]
        if names.count(field) != 1:
            raise ValueError(f"{{{field}}} must stand in it exactly once")
        return cls(field, tuple(parts))

    def on(self, text: str, values: Mapping[str, str]) -> str:
        """Wrap a text."""
        known = {**values, self.field: text}
        return "".join(f"{literal}{known[name] if name else ''}" for literal, name in self.parts)

    def off(
        self, text: str, values: Mapping[str, str] = MappingProxyType({}), *, alike: bool = False
    ) -> str | None:
        """Unwrap a text with these values in it; None if it is not wrapped so. White space may have been laid out anew.

        With ``alike`` words with digits in the values may be other such words. A value that is not given may be
        any, but only between literal words: a person's own "Urgent: " in front of a title is no label.
        """
        bare = text.strip()
        head = re.match(_pattern(self._before, values, alike=alike), bare)
        if head is None:
            return None
        # Matched from its end on, so that the time does not grow with the square of the text.
        tail = re.match(_pattern(self._after, values, alike=alike, backwards=True), bare[head.end():][::-1])
        return None if tail is None else bare[head.end():len(bare) - tail.end()].strip()

    @property
    def _before(self) -> list[tuple[str, bool]]:
        return _tokens(self.parts)[: self._place]

    @property
    def _after(self) -> list[tuple[str, bool]]:
        return _tokens(self.parts)[self._place + 1 :]

    @property
    def _place(self) -> int:
        return _tokens(self.parts).index((self.field, True))


def _tokens(parts: tuple[tuple[str, str], ...]) -> list[tuple[str, bool]]:
    """Give literals and, with True, names, in their order."""
    return [token for literal, name in parts for token in ((literal, False), (name, True)) if token[0]]


def _pattern(
    tokens: list[tuple[str, bool]], values: Mapping[str, str], *, alike: bool, backwards: bool = False
) -> str:
    wordy = sum(char.isalnum() for text, is_name in tokens if not is_name for char in text) >= _WORDY
    anything = r"[^\n]{0,300}?" if wordy else r"(?!)"
    patterns = []
    for text, is_name in reversed(tokens) if backwards else tokens:
        literal = values.get(text, "") if is_name else text
        pattern = _loosely(literal[::-1] if backwards else literal, alike=alike and is_name)
        patterns.append(pattern if literal else anything)
    return "".join(patterns).removeprefix(_BLANK)


def _loosely(literal: str, *, alike: bool) -> str:
    """Give the pattern of a text in which any white space may have become other white space, or the end."""
    cut = r"(\s+|\w*\d\w*)" if alike else r"(\s+)"
    return "".join(_piece(piece, alike=alike) for piece in re.split(cut, literal) if piece)


def _piece(piece: str, *, alike: bool) -> str:
    if piece.isspace():
        return _BLANK
    return _NUMBERED if alike and any(char.isdigit() for char in piece) else re.escape(piece)


_BLANK: Final = r"(?:\s++|\Z)"
_NUMBERED: Final = r"\w{0,80}?\d\w{0,80}"
_WORDY: Final = 2


@dataclass(frozen=True, slots=True)
class Worn:
    """A template with the values of one link; a ``Dress``.

    ``old`` is what stood before and behind the text when both sides last agreed, if that was another template or the
    thing was called otherwise then.
    """

    template: Template
    values: Mapping[str, str]
    old: tuple[str, str] | None = None

    def on(self, text: str) -> str:
        """Wrap."""
        return self.template.on(text, self.values)

    def off(self, text: str) -> str:
        """Unwrap."""
        ways: tuple[Callable[[], str | None], ...] = (
            lambda: self.template.off(text, self.values),
            lambda: None if self.old is None else _between(text.strip(), *self.old),
            lambda: self.template.off(text, self.values, alike=True),
            lambda: self.template.off(text),
        )
        return next((found for way in ways if (found := way()) is not None), text)


def _between(text: str, head: str, tail: str) -> str | None:
    if len(text) < len(head) + len(tail) or not (text.startswith(head) and text.endswith(tail)):
        return None
    return text[len(head):len(text) - len(tail)].strip()


Templates = Both[Mapping[str, Template]]
"""Per side that is written, the template of each field that has one."""

BARE: Final[Templates] = Both(case=MappingProxyType({}), ticket=MappingProxyType({}))
"""No templates."""


def dressed_maps(maps: Maps, templates: Templates, origins: Both[Snapshot | None], base: Base) -> Maps:
    """Give the maps of one link: each side's templates speak of the thing on the other side.

    By ``base``, a frame that was put on with another template, or before the thing got its number, is known as well.
    """
    dressed = Both(
        case=_dressed(maps.case, templates.case, origins.ticket),
        ticket=_dressed(maps.ticket, templates.ticket, origins.case),
    )
    return Both(
        case=_remembering(dressed, Side.CASE, base), ticket=_remembering(dressed, Side.TICKET, base)
    )


def _dressed(side: FieldMap, templates: Mapping[str, Template], origin: Snapshot | None) -> FieldMap:
    values = {"label": origin.label if origin else "", "url": (origin.url if origin else "") or ""}
    dresses: dict[str, Dress] = {
        name: Worn(template, values) for name, template in templates.items() if name in side.codecs
    }
    return replace(side, dresses=dresses) if dresses else side


def _remembering(maps: Maps, side: Side, base: Base) -> FieldMap:
    dressed = maps.of(side)
    frames = {name: _old_frame(name, side, base, maps) for name in dressed.dresses}
    worn = {
        name: replace(dress, old=frames[name]) if isinstance(dress, Worn) and frames[name] else dress
        for name, dress in dressed.dresses.items()
    }
    return replace(dressed, dresses=worn) if any(frames.values()) else dressed


def _old_frame(name: str, side: Side, base: Base, maps: Maps) -> tuple[str, str] | None:
    """Give what stands around the text that was agreed on, unless the template says it."""
    here, there = base.agreed(name).of(side), base.agreed(name).of(side.other)
    if not isinstance(here, str) or not isinstance(there, str):
        return None
    whole, text = maps.of(side).codecs[name].canonical(here), maps.of(side.other).canonical(name, there)
    if not isinstance(whole, str) or not isinstance(text, str) or text in ("", maps.of(side).canonical(name, here)):
        return None
    head, found, tail = whole.strip().partition(text)
    return (head, tail) if found and text not in tail and (head or tail) else None


def unreadable(maps: Maps, templates: Templates) -> list[tuple[Side, str]]:
    """List the templates that a side cannot give back: written there and read again, the text is another one."""
    found = []
    for side in Side:
        for name, template in templates.of(side).items():
            dress = Worn(template, {"label": "SOC-1", "url": "https://example.com/1"})
            codec = maps.of(side).codecs.get(name)
            native = None if codec is None else codec.native(dress.on(_SAMPLE))
            again = None if codec is None or not isinstance(native, str) else codec.canonical(native)
            if isinstance(again, str) and dress.off(again) != _SAMPLE:
                found.append((side, name))
    return found


_SAMPLE: Final = "a sample text"
