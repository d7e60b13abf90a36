"""What the search text of ``_find`` is looked for in, as the saved-objects client of Kibana builds the query.

Without ``searchFields`` it is every field of a case: words of texts, and whole values of keywords, whose letters
count as they are. Only numbers, dates and switches are left out here. A text that ends with an asterisk is also
looked for as the beginning of a phrase, and an id among the ids instead.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kibcase.server.codec import as_list
from kibcase.server.textsearch import Exact, Tokens, Words, compile_phrase_prefix, compile_search

FIELDS: Final = {
    "title": "title",
    "description": "json_extract(doc, '$.description')",
    "incremental_id.text": "json_extract(doc, '$.incremental_id')",
}
_USER: Final = ("username", "full_name", "email", "profile_uid")
_TEXTS: Final = (
    "title", "description", "incremental_id", "connector.name", "external_service.external_title",
    "external_service.external_url",
)
_KEYWORDS: Final = (
    "title", "category", "owner", "connector.type", "external_service.connector_name", "external_service.external_id",
    *(
        f"{person}.{name}"
        for person in ("created_by", "updated_by", "closed_by", "external_service.pushed_by")
        for name in _USER
    ),
)
_LISTS: Final = ("tags", "assignees", "connector.fields")
_EVERYTHING: Final = ", ".join(f"'$.{path}'" for path in (*_TEXTS, *_KEYWORDS, *_LISTS))
# The title is what Kibana calls the default search field of a case.
_DEFAULT: Final = "title"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search over texts: ``match`` takes the values of ``columns`` (SQL) of one case."""

    columns: str
    match: Callable[[Sequence[Any]], bool]


def case_search(fields: Mapping[str, Any]) -> Search | None:
    """Build the search of decoded parameters (``search``, ``searchFields``, ``defaultSearchOperator``)."""
    text = fields.get("search")
    if not text:
        return None
    chosen = as_list(fields.get("searchFields"))
    every = fields.get("defaultSearchOperator") == "AND"
    if _is_uuid(text):
        return _by_id(text, chosen, every=every)
    return _among(text, chosen, every=every) if chosen else _anywhere(text, every=every)


def _by_id(text: str, chosen: Sequence[str], *, every: bool) -> Search:
    matches = compile_search(f'"{text}" "cases:{text}"', every=every)

    def match(row: Sequence[Any]) -> bool:
        identifier, *texts = row
        return matches([Exact((f"cases:{identifier}",)), *map(_words, texts)])

    return Search(columns=", ".join(("id", *(FIELDS[name] for name in chosen))), match=match)


def _among(text: str, chosen: Sequence[str], *, every: bool) -> Search:
    matches, begins = compile_search(text, every=every), compile_phrase_prefix(text)

    def match(row: Sequence[Any]) -> bool:
        words = [_words(each) for each in row]
        return matches(words) or begins(words)

    return Search(columns=", ".join(FIELDS[name] for name in chosen), match=match)


def _anywhere(text: str, *, every: bool) -> Search:
    matches, begins = compile_search(text, every=every), compile_phrase_prefix(text)

    def match(row: Sequence[Any]) -> bool:
        space, found = row[0], json.loads(row[1])
        return matches([*_fields_of(found), Exact(("cases",)), Exact((space,))]) or begins([_words(found[0])])

    return Search(columns=f"space, json_extract(doc, {_EVERYTHING})", match=match)


def _fields_of(found: Sequence[Any]) -> Iterator[Tokens]:
    # ``found`` are the values of _TEXTS, _KEYWORDS and _LISTS, in this order.
    keywords = len(_TEXTS) + len(_KEYWORDS)
    tags, assignees, details = found[keywords:]
    yield from (_words(text) for text in found[: len(_TEXTS)] if text is not None)
    yield Exact(
        str(value)
        for value in (*found[len(_TEXTS) : keywords], *(tags or ()), *_values(assignees or ()))
        if value is not None
    )
    for name, value in (details or {}).items():
        yield Words(name)
        yield from (_words(each) for each in (value if isinstance(value, list) else [value]) if each is not None)


def _values(people: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    for person in people:
        yield from person.values()


def _words(text: Any) -> Words:
    return Words("" if text is None else str(text))


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
