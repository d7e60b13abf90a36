"""What Jira's own values mean, and which of an issue's fields sync speaks of; pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kibcase_connectors.api import Context
from kibcase_connectors.custom import custom_codecs
from kibcase_connectors.jira import dialect
from kibcase_connectors.jira.config import JiraConfig
from kibcase_connectors.jira.wire import Issue
from kibcase_connectors.mapping import Codec, Elements, FieldMap, Table, Text, UnmappedError
from kibcase_connectors.markup import label_of, normalise, one_line
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
    UNSET,
    Canonical,
    Json,
    Unset,
)
from kibcase_connectors.observables import Observables
from kibcase_connectors.people import PersonCodec

SUMMARY_LIMIT: Final = 255
TEXT_LIMIT: Final = dialect.TEXT_LIMIT

SEARCHED: Final = ("updated", "labels", "issuetype", "status", "summary", "priority", "assignee")
"""The fields that a search for changes asks for: all that ``version`` and the filter need."""

_CATEGORIES: Final = {"new": "open", "indeterminate": "in-progress", "done": "closed"}


@dataclass(frozen=True, slots=True)
class StatusCodec:
    """Workflow statuses: ``named`` by status name first, then by status category.

    Native values are ``{"id", "name", "category"}``. What a write stores depends on the workflow, so
    ``native`` is always UNSET.
    """

    named: Mapping[str, str]

    def canonical(self, native: Json) -> Canonical:
        """Give the meaning of a status; raises ``UnmappedError`` for one with no name and category known."""
        value = native if isinstance(native, dict) else {}
        name, category = value.get("name"), value.get("category")
        folded = {known.casefold(): meaning for known, meaning in self.named.items()}
        meaning = folded.get(name.casefold()) if isinstance(name, str) else None
        meaning = meaning or (_CATEGORIES.get(category) if isinstance(category, str) else None)
        if meaning is None:
            raise UnmappedError(STATUS, name, (*self.named, *_CATEGORIES))
        return meaning

    def native(self, canonical: Canonical) -> Json | Unset:
        """Tell that only Jira's workflow can say which status a write leads to."""
        if canonical not in STATUSES:
            raise UnmappedError(STATUS, canonical, STATUSES)
        return UNSET

    def loses(self, canonical: Canonical) -> bool:  # noqa: ARG002 - the protocol's signature
        """Never: a status has no partial values."""
        return False


def field_map(config: JiraConfig, name: str = "", context: Context | None = None) -> FieldMap:
    """Build the codecs for one configured project of the system with this ``name``."""
    context = context or Context()
    codecs: dict[str, Codec] = {
        TITLE: Text(read=normalise, write=_line, uncut=_uncut_line, limit=SUMMARY_LIMIT),
        DESCRIPTION: dialect.dialect_of(config.rest, config.text_limit).codec(),
        STATUS: StatusCodec(config.statuses),
        TAGS: Elements(write=label_of, key=label_of),
    }
    if config.priorities:
        writes: dict[str, str] = dict(config.priorities.items())
        reads = {name: severity for severity, name in writes.items()}
        codecs[SEVERITY] = Table(SEVERITY, {**reads, **config.severities}, writes)
    further: dict[str, Codec] = {ASSIGNEE: PersonCodec(name, context.people), **custom_codecs(config.custom)}
    if config.observables_field is not None:
        further[OBSERVABLES] = Observables()
    return FieldMap({**codecs, **{field: codec for field, codec in further.items() if context.wants(field)}})


def _line(text: str) -> str:
    return one_line(text, limit=SUMMARY_LIMIT)


def _uncut_line(text: str) -> str:
    # Folding a line end adds one character; no text is cut at this length.
    return one_line(text, limit=max(SUMMARY_LIMIT, 2 * len(text) + 1))


def marks_of(labels: Sequence[str]) -> tuple[str, ...]:
    """Give the labels that are marks."""
    return tuple(label for label in labels if label.startswith(MARK_PREFIX))


def updated(issue: Issue) -> int:
    """Give the time of the issue's last update in epoch milliseconds."""
    return round(issue.updated.timestamp() * 1000)


def version(issue: Issue) -> str:
    """Give a text that differs whenever anything synced has changed; from a search as from a full read.

    ``updated`` has milliseconds, and whatever is synced moves it; the digest tells two changes in one of them
    apart.
    """
    status = issue.natives.get(STATUS)
    seen = [
        issue.natives.get(TITLE), status.get("id") if isinstance(status, dict) else None, sorted(issue.labels),
        issue.natives.get(SEVERITY),
    ]
    assignee = issue.natives.get(ASSIGNEE)
    seen += [assignee.get("id")] if isinstance(assignee, dict) else []
    digest = hashlib.sha256(json.dumps(seen).encode()).hexdigest()
    return f"{updated(issue)}-{digest[:12]}"
