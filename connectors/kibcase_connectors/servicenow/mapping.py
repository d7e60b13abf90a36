"""What ServiceNow's own values mean, and which columns sync speaks of; pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from kibcase_connectors.custom import custom_codecs
from kibcase_connectors.mapping import Codec, Elements, FieldMap, Table, UnmappedError
from kibcase_connectors.markup import normalise
from kibcase_connectors.markup.characters import units
from kibcase_connectors.model import (
    ASSIGNEE,
    DESCRIPTION,
    MARK_PREFIX,
    OBSERVABLES,
    SEVERITY,
    STATUS,
    TAGS,
    TITLE,
    UNSET,
    Canonical,
    Json,
    Unset,
)
from kibcase_connectors.people import NOBODY, People, PersonCodec
from kibcase_connectors.servicenow.config import PUSHED_DISPLAY, ServiceNowConfig
from kibcase_connectors.servicenow.observables import codec, in_column
from kibcase_connectors.servicenow.text import read_text, uncut_line, write_line, write_text
from kibcase_connectors.servicenow.wire import Record

DEFAULT_LENGTHS: Final = {
    "short_description": 160, "description": 4000, "close_notes": 4000, "correlation_id": 100, "work_notes": 4000,
    "comments": 4000, "file_name": 100,
}
"""Lengths of a base system, in characters, for columns about which ``sys_dictionary`` says nothing."""

STATES: Final = {
    "incident": {
        "1": "open", "2": "in-progress", "3": "in-progress", "4": "in-progress", "5": "in-progress", "6": "closed",
        "7": "closed", "8": "closed",
    },
    "sn_si_incident": {
        "10": "open", "16": "in-progress", "18": "in-progress", "19": "in-progress", "20": "in-progress",
        "100": "in-progress", "3": "closed", "7": "closed",
    },
}
"""What the states of a base system mean, by table."""

TARGETS: Final = {
    "incident": {"open": "1", "in-progress": "2", "closed": "6"},
    "sn_si_incident": {"open": "10", "in-progress": "16", "closed": "3"},
}
"""The states to set in a base system. 7 (Closed) of an incident is left to the instance: it cannot be undone."""

ORDERS: Final = {"incident": ("1", "2", "6"), "sn_si_incident": ("10", "16", "18", "19", "20", "100", "3")}
"""The states of a base system in the order of its process."""

SEPARATOR: Final = ", "

ASSIGNED: Final = "assigned_to"
ASSIGNEE_COLUMNS: Final = (ASSIGNED, *(f"{ASSIGNED}.{name}" for name in ("user_name", "name", "email")))
"""What is read of a record to tell its assignee."""


class Lengths:
    """How much each column holds, in characters: configured, else learnt from the instance, else the base system's.

    What is learnt before the first record is read stays as it is.
    """

    def __init__(self, configured: Mapping[str, int]) -> None:
        self._configured = dict(configured)
        self._learnt: dict[str, int] = {}

    def __getitem__(self, column: str) -> int:
        for known in (self._configured, self._learnt, DEFAULT_LENGTHS):
            if column in known:
                return known[column]
        return 40

    def learn(self, column: str, length: int) -> None:
        """Note what the instance says."""
        self._learnt[column] = length

    def shrink(self, column: str, length: int) -> None:
        """Note that the instance holds less than all sources say."""
        self._learnt[column] = length
        self._configured.pop(column, None)


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A plain text column; ``limit`` gives its length, ``write`` keeps to it by cutting visibly."""

    read: Callable[[str], str]
    write: Callable[[str, int], str]
    uncut: Callable[[str], str]
    limit: Callable[[], int]

    def canonical(self, native: Json) -> Canonical:
        """Give the text; None counts as empty."""
        return self.read(native) if isinstance(native, str) else ""

    def native(self, canonical: Canonical) -> Json | Unset:
        """Give the text as it is to be stored."""
        return self.write(_text(canonical), self.limit())

    def loses(self, canonical: Canonical) -> bool:
        """Tell whether the column holds only a part of the text."""
        return units(self.uncut(_text(canonical))) > self.limit()


@dataclass(frozen=True, slots=True)
class PriorityCodec:
    """Severity by ``priority``, which an incident computes from impact and urgency.

    What a write leads to is up to the instance's look-up rules, so ``native`` is always UNSET.
    """

    reads: Mapping[str, str]
    writes: frozenset[str]

    def canonical(self, native: Json) -> Canonical:
        """Give the severity of a priority; raises ``UnmappedError``."""
        if not isinstance(native, str) or native not in self.reads:
            raise UnmappedError(SEVERITY, native, tuple(self.reads))
        return self.reads[native]

    def native(self, canonical: Canonical) -> Json | Unset:
        """Tell that only the instance can say which priority a write leads to."""
        if canonical not in self.writes:
            raise UnmappedError(SEVERITY, canonical, tuple(sorted(self.writes)))
        return UNSET

    def loses(self, canonical: Canonical) -> bool:  # noqa: ARG002 - the protocol's signature
        """Never: a severity has no partial values."""
        return False


def field_map(config: ServiceNowConfig, lengths: Lengths, name: str = "", people: People = NOBODY) -> FieldMap:
    """Build the codecs for one configured table; ``name`` is the system's, by which ``people`` know accounts.

    Fields that take no part have a codec, too: without any value to write.
    """
    codecs: dict[str, Codec] = {
        TITLE: TextColumn(normalise, write_line, uncut_line, lambda: lengths["short_description"]),
        DESCRIPTION: TextColumn(read_text, write_text, normalise, lambda: lengths["description"]),
        STATUS: Table(STATUS, meanings(config), targets(config)),
        SEVERITY: PriorityCodec(
            {**config.severities}, frozenset(config.levels if config.table == "incident" else config.priorities)
        ),
        TAGS: Elements(write=_tag, key=_tag) if config.tags_column is not None else Elements(write=_nowhere),
        ASSIGNEE: PersonCodec(name, people), OBSERVABLES: codec(config), **custom_codecs(config.custom),
    }
    return FieldMap(codecs)


def meanings(config: ServiceNowConfig) -> dict[str, str]:
    """Give what each state means, by value."""
    return {**STATES[config.table], **config.states}


def targets(config: ServiceNowConfig) -> dict[str, str]:
    """Give the state to set for each case status."""
    return {**TARGETS[config.table], **{str(status): value for status, value in config.targets.items()}}


def order(config: ServiceNowConfig) -> tuple[str, ...]:
    """Give the states in the order of the process."""
    return config.order or ORDERS[config.table]


def _tag(tag: str) -> str:
    spelled = " ".join(normalise(tag).split())
    if not spelled or "," in spelled:
        raise ValueError("a tag in a column must not be empty nor hold a comma")
    return spelled


def _nowhere(tag: str) -> str:
    raise ValueError(f"no column is configured for tags such as {tag!r}")


def natives(record: Record, config: ServiceNowConfig) -> dict[str, Json]:
    """Give the synced fields of a record in ServiceNow's own form."""
    values: dict[str, Json] = {
        TITLE: record["short_description"], DESCRIPTION: record["description"], STATUS: record["state"],
        SEVERITY: record["priority"],
    }
    if config.tags_column is not None:
        values[TAGS] = list(tags_of(record[config.tags_column]))
    if config.observables_column is not None:
        values[OBSERVABLES] = list(in_column(record[config.observables_column]))
    return values | {ASSIGNEE: assignee_of(record)}


def assignee_of(record: Record) -> Json:
    """Give the assignee in ServiceNow's own form, None for nobody."""
    found = record[ASSIGNED]
    if not found:
        return None
    return person_native(found, *(record[f"{ASSIGNED}.{name}"] for name in ("user_name", "name", "email")))


def person_native(sys_id: str, login: str, name: str, email: str) -> dict[str, Json]:
    """Give a person in ServiceNow's own form; ``login`` is the user name."""
    return {"id": sys_id, "login": login, "name": name or login or sys_id, "email": email}


def tags_of(stored: str) -> list[str]:
    """Give the tags that a column holds."""
    return [tag.strip() for tag in stored.split(",") if tag.strip()]


def severity_columns(severity: str, config: ServiceNowConfig) -> dict[str, str]:
    """Give the columns to write for a severity. Raises ``KeyError`` for one that the configuration lacks."""
    if config.table == "incident":
        impact, urgency = {**config.levels}[severity]  # type: ignore[index]
        return {"impact": impact, "urgency": urgency}
    return {"priority": {**config.priorities}[severity]}  # type: ignore[index]


def expected_priority(columns: Mapping[str, str]) -> str:
    """Give the priority that a base system computes from impact and urgency, or the one that is written."""
    if "priority" in columns:
        return columns["priority"]
    try:
        return str(min(max(int(columns["impact"]) + int(columns["urgency"]) - 1, 1), 5))
    except ValueError:
        return ""


def marks_of(record: Record) -> tuple[str, ...]:
    """Give the marks that a record carries."""
    found = record["correlation_id"]
    return (found,) if found.startswith(MARK_PREFIX) else ()


def is_copy(record: Record) -> bool:
    """Tell whether a record is the copy of a case: ours, or one that Kibana's own connector pushed."""
    return bool(marks_of(record)) or record["correlation_display"] == PUSHED_DISPLAY


@dataclass(frozen=True, slots=True)
class Late:
    """The newest second in which something was hung on a record (a journal entry, a file, an observable).

    Its stamp, and the ids of what came in it.
    """

    stamp: str
    ids: frozenset[str]

    def with_one(self, stamp: str, sys_id: str) -> Late:
        """Give it with one more thing."""
        if stamp < self.stamp:
            return self
        return Late(stamp, self.ids | {sys_id} if stamp == self.stamp else frozenset({sys_id}))


NOTHING_LATE: Final = Late("", frozenset())
"""Nothing hangs on the record."""


def version(record: Record, late: Late) -> str:
    """Give a text that differs whenever anything synced has changed; from a search as from a full read.

    What hangs on the record counts from the second of its last update on: it need not touch the record.
    """
    seen = [record["short_description"], record["state"], record["priority"]]
    digest = hashlib.sha256(json.dumps(seen).encode()).hexdigest()
    base = f"{record.updated.replace(' ', 'T')}-{record.updates}-{digest[:12]}"
    if late.stamp < record.updated:
        return base
    return f"{base}+{hashlib.sha256(' '.join(sorted(late.ids)).encode()).hexdigest()[:12]}"


def of_record(text: str) -> str:
    """Give the part of a version that the record itself makes up, without what hangs on it."""
    return text.partition("+")[0]


class Hanging(Protocol):
    """Something that hangs on a record."""

    @property
    def sys_id(self) -> str:
        """Its id."""
        ...

    @property
    def created(self) -> str:
        """Its stamp."""
        ...


def latest(hanging: Iterable[Hanging]) -> Late:
    """Give the newest second of what hangs on a record."""
    late = NOTHING_LATE
    for one in hanging:
        late = late.with_one(one.created, one.sys_id)
    return late


def _text(canonical: Canonical) -> str:
    if not isinstance(canonical, str):
        raise TypeError(f"a text was expected, not {type(canonical).__name__}")
    return canonical
