"""What a case's own values mean: Kibana's statuses and severities are the common form; texts have limits; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kibcase_connectors.custom import CustomFields, custom_codecs
from kibcase_connectors.kibana.observed import Typing
from kibcase_connectors.kibana.text import TAG_LIMIT, TEXT_LIMIT, TITLE_LIMIT, cut_block, cut_line, length, trim, unify
from kibcase_connectors.mapping import Elements, FieldMap, Table, UnmappedError
from kibcase_connectors.model import (
    ASSIGNEE,
    DESCRIPTION,
    MARK_PREFIX,
    OBSERVABLES,
    SEVERITIES,
    SEVERITY,
    STATUS,
    STATUSES,
    TAGS,
    TITLE,
    Canonical,
    Json,
    Unset,
)
from kibcase_connectors.observables import Observables
from kibcase_connectors.people import NOBODY, People, PersonCodec


@dataclass(frozen=True, slots=True)
class CaseText:
    """A text of a case, which Kibana trims and does not take empty.

    Kibana refuses a title or description without visible characters. An empty text is therefore
    written as one dash, and so that this can be told from a dash, a text of dashes alone is written
    with one dash more and read with one less. ``limit`` is in UTF-16 units; ``lines`` is False for
    a title, whose line ends become blanks.
    """

    limit: int
    lines: bool

    def canonical(self, native: Json) -> Canonical:
        """Give the text with unified line ends; None counts as empty."""
        text = unify(native) if isinstance(native, str) else ""
        return text[1:] if _dashes(text) else text

    def native(self, canonical: Canonical) -> Json | Unset:
        """Give the text as Kibana stores it, cut visibly if it is too long."""
        text = self._uncut(canonical)
        return cut_block(text, self.limit) if self.lines else cut_line(text, self.limit)

    def loses(self, canonical: Canonical) -> bool:
        """Tell whether the text is longer than Kibana takes."""
        return length(self._uncut(canonical)) > self.limit

    def _uncut(self, canonical: Canonical) -> str:
        if not isinstance(canonical, str):
            raise TypeError(f"a text was expected, not {type(canonical).__name__}")
        text = unify(canonical) if self.lines else " ".join(unify(canonical).split("\n"))
        return f"-{text}" if not text or _dashes(text) else text


def spelling(tag: str) -> str:
    """Give a tag as Kibana stores it: trimmed, at most 256 UTF-16 units."""
    return cut_line(trim(tag), TAG_LIMIT)


@dataclass(frozen=True, slots=True)
class CaseMap(FieldMap):
    """The codecs of a case, which may be assigned to several people: any of them will do."""

    def same(self, field: str, native: Json, canonical: Canonical) -> bool:
        """Tell whether the case already shows ``canonical``; an assignee does if he is one of them."""
        if FieldMap.same(self, field, native, canonical):
            return True
        others = native.get("others") if field == ASSIGNEE and isinstance(native, dict) else None
        return isinstance(others, list) and any(self._is(one, canonical) for one in others)

    def _is(self, native: Json, canonical: Canonical) -> bool:
        try:
            return self.codecs[ASSIGNEE].canonical(native) == canonical
        except UnmappedError:
            return False


def case_map(
    system: str = "", people: People = NOBODY, typing: Typing | None = None, custom: CustomFields | None = None
) -> FieldMap:
    """Give the map of a case's fields; native values are those of the Kibana Cases API.

    The assignee is the first of a case's assignees, with the ``others`` beside; observables are elements.
    """
    return CaseMap(
        {
            **custom_codecs(custom or {}),
            ASSIGNEE: PersonCodec(system, people),
            OBSERVABLES: Observables((typing or Typing({})).types),
            TITLE: CaseText(TITLE_LIMIT, lines=False),
            DESCRIPTION: CaseText(TEXT_LIMIT, lines=True),
            STATUS: _identity(STATUS, STATUSES),
            SEVERITY: _identity(SEVERITY, SEVERITIES),
            TAGS: Elements(write=spelling, key=spelling),
        }
    )


def marks_among(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Give the marks among a case's tags: the names of the things that the case is a copy of."""
    return tuple(tag for tag in tags if tag.startswith(MARK_PREFIX))


def changed_tags(
    present: tuple[str, ...], *, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()
) -> list[str]:
    """Give the list of tags to store; the order of what stays is kept, and marks always stay."""
    dropped = {spelling(tag) for tag in remove}
    kept = [tag for tag in present if tag.startswith(MARK_PREFIX) or spelling(tag) not in dropped]
    known = {spelling(tag) for tag in kept}
    wanted = dict.fromkeys(spelling(tag) for tag in add)
    return kept + [tag for tag in wanted if tag and tag not in known and not tag.startswith(MARK_PREFIX)]


def _identity(field: str, values: tuple[str, ...]) -> Table:
    same: Mapping[str, str] = {value: value for value in values}
    return Table(field, reads=same, writes=same)


def _dashes(text: str) -> bool:
    return bool(text) and not text.strip("-")
