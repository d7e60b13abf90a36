"""Two faces of one text: wiki markup for REST API v2, Atlassian documents (ADF) for v3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

Form = Literal["wiki", "adf", "either"]
"""What a writer may send as a long text: wiki markup (v2), a document (v3), or either (people)."""

NOT_A_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
TOO_LONG = "CONTENT_LIMIT_EXCEEDED"
INVALID = "INVALID_INPUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rich:
    """A text that was written as a document: ``adf`` as it came, and what v2 shows of it."""

    text: str | None
    adf: Mapping[str, Any]


def is_document(raw: object) -> bool:
    """Tell whether a value has the outline of a document."""
    return isinstance(raw, Mapping) and raw.get("type") == "doc" and raw.get("version") == 1


def problem_of(raw: Mapping[str, Any]) -> str | None:
    """Say why Jira would refuse a document, or None."""
    from kibcase_connectors import markup

    return markup.adf_problem(raw)


def size_of(raw: Mapping[str, Any]) -> int:
    """Give the length of a document as it counts against the limit of the field."""
    from kibcase_connectors import markup

    return markup.adf_size(raw)


def to_wiki(document: Mapping[str, Any]) -> str:
    """Show a document as wiki markup; empty if there is nothing in it."""
    # Only those who use v3 need the converter, which needs the extra `connectors`; the stand-in runs on `server`.
    from kibcase_connectors import markup

    return markup.markdown_to_wiki(markup.adf_to_markdown(document))


@lru_cache(maxsize=256)
def to_document(text: str) -> Mapping[str, Any]:
    """Show wiki markup as a document; the answer is shared and must not be changed."""
    from kibcase_connectors import markup

    return markup.markdown_to_adf(markup.wiki_to_markdown(text))


def shown(text: str | None, document: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Give what v3 shows of a text: the document that was written, or one made of the wiki markup."""
    if document is not None:
        return document
    return to_document(text) if text else None


def to_html(text: str, document: Mapping[str, Any] | None) -> str:
    """Show a text as HTML, as ``renderedFields`` does."""
    from kibcase_connectors import markup

    return markup.markdown_to_html(
        markup.wiki_to_markdown(text) if document is None else markup.adf_to_markdown(document)
    )


def utf16_length(text: str) -> int:
    """Count the UTF-16 units of a text, as Java and so Jira does."""
    return len(text) + sum(character > "\uffff" for character in text)
