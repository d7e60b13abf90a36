"""What Jira's own values mean, and which of an issue's fields sync speaks of; pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kibcase_connectors.jira.config import JiraConfig
from kibcase_connectors.jira.wire import NAMES, Issue
from kibcase_connectors.mapping import Codec, Elements, FieldMap, Table, Text, UnmappedError
from kibcase_connectors.markup import (
    cut,
    label_of,
    markdown_to_wiki,
    normalise,
    one_line,
    strip_kibana_footer,
    wiki_to_markdown,
)
from kibcase_connectors.model import (
    DESCRIPTION,
    MARK_PREFIX,
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

SUMMARY_LIMIT: Final = 255
TEXT_LIMIT: Final = 32_767
CUT_NOTE: Final = "(Cut here: Jira takes no more than 32,767 characters. The full text is in the case.)"

SEARCHED: Final = ("updated", "labels", "issuetype", "status", "summary", "priority")
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


def field_map(config: JiraConfig) -> FieldMap:
    """Build the codecs for one configured project."""
    codecs: dict[str, Codec] = {
        TITLE: Text(read=normalise, write=_line, uncut=_uncut_line, limit=SUMMARY_LIMIT),
        DESCRIPTION: Text(read=read_text, write=write_text, uncut=markdown_to_wiki, limit=TEXT_LIMIT),
        STATUS: StatusCodec(config.statuses),
        TAGS: Elements(write=label_of, key=label_of),
    }
    if config.priorities:
        writes: dict[str, str] = dict(config.priorities.items())
        reads = {name: severity for severity, name in writes.items()}
        codecs[SEVERITY] = Table(SEVERITY, {**reads, **config.severities}, writes)
    return FieldMap(codecs)


def _line(text: str) -> str:
    return one_line(text, limit=SUMMARY_LIMIT)


def _uncut_line(text: str) -> str:
    # Folding a line end adds one character; no text is cut at this length.
    return one_line(text, limit=max(SUMMARY_LIMIT, 2 * len(text) + 1))


def read_text(wiki: str) -> str:
    """Give the Markdown of a description or comment, without what Kibana's own push appends."""
    return normalise(wiki_to_markdown(strip_kibana_footer(normalise(wiki))))


def write_text(markdown: str) -> str:
    """Give the wiki markup of a description or comment, cut visibly where Jira takes no more."""
    return cut(markdown_to_wiki(markdown), TEXT_LIMIT, CUT_NOTE)[0]


def logged(field: str, text: str | None) -> Json:
    """Give the native value that a changelog text (``fromString``, ``toString``) stands for.

    Not for ``status``, whose changelog lacks the category.
    """
    if field == TAGS:
        return list((text or "").split())
    if field == SEVERITY:
        return text or None
    return text or ""


def written(values: Mapping[str, Json]) -> dict[str, Any]:
    """Give the ``fields`` of a write request for native values."""
    return {
        NAMES[field]: {"name": value} if field == SEVERITY else value for field, value in values.items()
    }


def marks_of(labels: Sequence[str]) -> tuple[str, ...]:
    """Give the labels that are marks."""
    return tuple(label for label in labels if label.startswith(MARK_PREFIX))


def updated(issue: Issue) -> int:
    """Give the time of the issue's last update in epoch milliseconds."""
    return round(issue.updated.timestamp() * 1000)


def version(issue: Issue) -> str:
    """Give a text that differs whenever anything synced has changed; from a search as from a full read.

    ``updated`` has milliseconds; the digest tells two changes in one of them apart.
    """
    status = issue.natives.get(STATUS)
    seen = [
        issue.natives.get(TITLE), status.get("id") if isinstance(status, dict) else None, sorted(issue.labels),
        issue.natives.get(SEVERITY),
    ]
    digest = hashlib.sha256(json.dumps(seen).encode()).hexdigest()
    return f"{updated(issue)}-{digest[:12]}"
