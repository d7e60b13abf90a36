"""What an incident's own values mean, marks in names, versions; pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kibcase_connectors.api import Context
from kibcase_connectors.custom import custom_codecs
from kibcase_connectors.mapping import Codec, Elements, FieldMap, Table, Text, UnmappedError
from kibcase_connectors.markup import normalise, one_line
from kibcase_connectors.model import (
    ASSIGNEE,
    DESCRIPTION,
    MARK_PREFIX,
    OBSERVABLES,
    SEVERITY,
    STATUS,
    STATUSES,
    TAGS,
    TITLE,
    Canonical,
    Json,
    Unset,
)
from kibcase_connectors.people import PersonCodec
from kibcase_connectors.resilient.artifacts import Artifact, ArtifactCodec
from kibcase_connectors.resilient.config import ResilientConfig
from kibcase_connectors.resilient.files import Attachment
from kibcase_connectors.resilient.richtext import TEXT_LIMIT, html_to_markdown, markdown_to_html, write_text
from kibcase_connectors.resilient.wire import Incident, Note

NAME_LIMIT: Final = 200
"""The most characters of a name; the platform's own limit is not documented, and longer ones are refused."""

MARK_ROOM: Final = 80
"""How many of them are kept free where the mark stands in the name."""

ACTIVE: Final = "A"
CLOSED: Final = "C"

_IN_NAME = re.compile(rf"\s*\[({re.escape(MARK_PREFIX)}[^\s\[\]#]{{1,{MARK_ROOM}}})\]")


@dataclass(frozen=True, slots=True)
class StatusCodec:
    """Statuses as text: ``C``, ``A``, and ``A/Engage`` where a field tells more; ``named`` are its labels."""

    named: Mapping[str, str]

    def canonical(self, native: Json) -> Canonical:
        """Give the meaning; raises ``UnmappedError`` for a label that the configuration does not name."""
        plan, _, label = native.partition("/") if isinstance(native, str) else ("", "", "")
        if plan == CLOSED:
            return "closed"
        if plan == ACTIVE and not self.named:
            return "open"
        folded = {known.casefold(): meaning for known, meaning in self.named.items()}
        if plan != ACTIVE or label.casefold() not in folded:
            raise UnmappedError(STATUS, native, tuple(self.named))
        return folded[label.casefold()]

    def native(self, canonical: Canonical) -> Json | Unset:
        """Give what a write stores; without further labels an active incident stands for two statuses."""
        if canonical not in STATUSES:
            raise UnmappedError(STATUS, canonical, STATUSES)
        if canonical == "closed":
            return CLOSED
        label = next((label for label, meaning in self.named.items() if meaning == canonical), None)
        return ACTIVE if label is None else f"{ACTIVE}/{label}"

    def loses(self, canonical: Canonical) -> bool:  # noqa: ARG002 - the protocol's signature
        """Never: a status has no partial values."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Children:
    """What hangs on an incident, as far as it takes part; each oldest first."""

    notes: Sequence[Note] = ()
    artifacts: Sequence[Artifact] = ()
    files: Sequence[Attachment] = ()


def field_map(name: str, config: ResilientConfig, context: Context) -> FieldMap:
    """Build the codecs for one organisation, configured under ``name``."""
    limit = NAME_LIMIT if config.mark_field else NAME_LIMIT - MARK_ROOM
    codecs: dict[str, Codec] = {
        TITLE: Text(read=normalise, write=_line(limit), uncut=_uncut_line, limit=limit),
        DESCRIPTION: Text(read=html_to_markdown, write=write_text, uncut=markdown_to_html, limit=TEXT_LIMIT),
        STATUS: StatusCodec(config.statuses),
        TAGS: _tags(config),
        ASSIGNEE: PersonCodec(name, context.people),
        OBSERVABLES: ArtifactCodec(config.artifact_types),
        **custom_codecs(config.custom),
    }
    if config.severity_labels:
        writes: dict[str, str] = dict(config.severity_labels.items())
        reads = {label: severity for severity, label in writes.items()}
        codecs[SEVERITY] = Table(SEVERITY, {**reads, **config.severities}, writes)
    return FieldMap(codecs)


def _line(limit: int) -> Callable[[str], str]:
    return lambda text: one_line(without_marks(text), limit=limit)


def _uncut_line(text: str) -> str:
    # Folding a line end adds one character; no text is cut at this length.
    return one_line(without_marks(text), limit=max(NAME_LIMIT, 2 * len(text) + 1))


def _tags(config: ResilientConfig) -> Elements:
    offered = {tag.casefold(): tag for tag in config.tag_values}

    def write(tag: str) -> str:
        found = normalise(tag)
        if config.tags_field is None or not found or "," in found or "\n" in found:
            raise ValueError("not a tag that the field can hold")
        if offered and found.casefold() not in offered:
            raise ValueError("not among tag_values")
        return offered.get(found.casefold(), found)

    return Elements(write=write, key=lambda tag: normalise(tag).casefold() if offered else normalise(tag))


def tags_of(text: str) -> list[str]:
    """Give the tags in a text field, each once."""
    return list(dict.fromkeys(tag for part in text.split(",") if (tag := normalise(part))))


def tags_text(tags: Sequence[str]) -> str:
    """Give the text that holds ``tags``."""
    return ", ".join(tags)


def marks_in(name: str) -> tuple[str, ...]:
    """Give the marks that a name holds."""
    return tuple(dict.fromkeys(_IN_NAME.findall(name)))


def without_marks(name: str) -> str:
    """Give a name without its marks."""
    return _IN_NAME.sub("", name).strip()


def with_marks(name: str, marks: Sequence[str]) -> str:
    """Give a name that holds ``marks``."""
    return " ".join([name, *(f"[{mark}]" for mark in marks)])


def fits_in_name(mark: str) -> bool:
    """Tell whether a mark can be recognised again in a name, and leaves room for a title."""
    return marks_in(with_marks("", (mark,))) == (mark,) and len(mark) + 3 <= MARK_ROOM


def stamp(incident: Incident) -> str:
    """Give a text that differs whenever a field has changed."""
    return f"{incident.vers}.{incident.modified}"


def version(incident: Incident, children: Children) -> str:
    """Give a text that differs whenever a field or a child has changed; children may leave ``stamp`` as it is."""
    seen = [
        sorted((note.id, note.html) for note in children.notes),
        sorted((one.id, f"{one.type} {one.value}") for one in children.artifacts),
        sorted((one.id, f"{one.size} {one.name}") for one in children.files),
    ]
    return f"{stamp(incident)}:{hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:16]}"


def stamp_in(version_text: str) -> str:
    """Give the stamp that a version begins with."""
    return version_text.partition(":")[0]
