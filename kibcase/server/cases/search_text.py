"""Which cases a search text finds in which fields, as newer stacks' ``_search`` looks for them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kibcase.server.cases.find import Sql
from kibcase.server.cases.store import CaseStore
from kibcase.server.textsearch import Matcher, Words, compile_search

_TEXTS: Final = {
    "cases.title": "title",
    "cases.description": "json_extract(doc, '$.description')",
    "cases.incremental_id.text": "json_extract(doc, '$.incremental_id')",
}
_NESTED: Final = {"cases.observables.value": "observables", "cases.customFields.value": "customFields"}
_DOCUMENTS: Final = {"cases-comments.alertId": "alert", "cases-comments.eventId": "event"}
COMMENT: Final = "cases-comments.comment"
EXTENDED: Final = "cases.ef_all_values"
FIELDS: Final = (*_TEXTS, *_NESTED, *_DOCUMENTS, COMMENT)


@dataclass(frozen=True, slots=True)
class TextSearch:
    """Finds the numbers of cases among those that a condition admits.

    A text finds the case whose id it is, words in title, description, number and comments, whole values of
    observables and custom fields without regard to case, and whole ids of alerts and events. Raises ``BadRequest``
    for a text of too many terms. Texts are matched outside of any transaction: it must not be used within one.
    """

    store: CaseStore
    text: str
    fields: Collection[str]
    matches: Matcher = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "matches", compile_search(self.text))

    def numbers(self, condition: Sql) -> set[int]:
        """Give the numbers of the cases that match."""
        found = self._where(condition, "id = ?", [self.text])
        for look in (self._in_texts, self._in_nested, self._in_documents, self._in_comments, self._in_extended):
            found |= look(condition)
        return found

    def _where(self, condition: Sql, more: str, values: list[Any]) -> set[int]:
        where, given = condition
        rows = self.store.select("number", f"({where}) AND {more}", [*given, *values])
        return {row["number"] for row in rows}

    def _in_texts(self, condition: Sql) -> set[int]:
        columns = [column for name, column in _TEXTS.items() if name in self.fields]
        if not columns:
            return set()
        return set(self.store.matching(", ".join(columns), *condition, self._match))

    def _match(self, texts: Sequence[Any]) -> bool:
        return self.matches([_words(text) for text in texts])

    def _in_nested(self, condition: Sql) -> set[int]:
        found: set[int] = set()
        for name, path in _NESTED.items():
            if name in self.fields:
                # JSON's true and false are 1 and 0 to SQLite, but words to whoever searches.
                exists = (
                    f"EXISTS (SELECT 1 FROM json_each(doc, '$.{path}') WHERE "  # noqa: S608
                    "CASE WHEN json_type(value, '$.value') IN ('true', 'false') THEN json_type(value, '$.value') "
                    "ELSE lower(json_extract(value, '$.value')) END = lower(?))"
                )
                found |= self._where(condition, exists, [self.text])
        return found

    def _in_documents(self, condition: Sql) -> set[int]:
        kinds = [kind for name, kind in _DOCUMENTS.items() if name in self.fields]
        terms = sorted({self.text, *self.text.replace('"', " ").split()})
        if not kinds:
            return set()
        inner = (
            "number IN (SELECT case_number FROM attached_documents WHERE kind IN (SELECT value FROM json_each(?)) "
            "AND id IN (SELECT value FROM json_each(?)))"
        )
        return self._where(condition, inner, [json.dumps(kinds), json.dumps(terms)])

    def _in_comments(self, condition: Sql) -> set[int]:
        if COMMENT not in self.fields:
            return set()
        # Each comment is a text of its own: words of two comments are not words of one.
        found = (
            "(SELECT json_group_array(json_extract(a.doc, '$.comment')) FROM attachments a "
            "WHERE a.case_number = cases.number AND a.type IN ('user', 'actions'))"
        )

        def match(row: Sequence[Any]) -> bool:
            return any(self._match([text]) for text in json.loads(row[0]))

        return set(self.store.matching(found, *condition, match))

    def _in_extended(self, condition: Sql) -> set[int]:
        if EXTENDED not in self.fields:
            return set()
        texts = "(SELECT group_concat(value, ' ') FROM json_each(doc, '$.extended_fields'))"
        return set(self.store.matching(texts, *condition, lambda row: bool(row[0]) and self._match(row)))


def _words(text: Any) -> Words:
    return Words("" if text is None else str(text))
