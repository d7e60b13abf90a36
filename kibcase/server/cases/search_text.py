"""Which cases a search text finds in which fields, as newer stacks' ``_search`` looks for them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from kibcase.server.cases.find import Sql
from kibcase.server.cases.store import CaseStore
from kibcase.server.textsearch import Words, compile_search

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
    observables and custom fields without regard to case, and whole ids of alerts and events.
    """

    store: CaseStore
    text: str
    fields: Collection[str]

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
        shown = ", ".join(f"{column} AS text{place}" for place, column in enumerate(columns))
        rows = self.store.select(f"number, {shown}", *condition)
        matches = compile_search(self.text)
        return {row["number"] for row in rows if matches([_words(text) for text in tuple(row)[1:]])}

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
        kind_marks, id_marks = ",".join("?" * len(kinds)), ",".join("?" * len(terms))
        inner = (
            "number IN (SELECT case_number FROM attached_documents "  # noqa: S608
            f"WHERE kind IN ({kind_marks}) AND id IN ({id_marks}))"
        )
        return self._where(condition, inner, [*kinds, *terms])

    def _in_comments(self, condition: Sql) -> set[int]:
        if COMMENT not in self.fields:
            return set()
        matches = compile_search(self.text)
        return {number for number, text in self._comments(condition) if matches([_words(text)])}

    def _comments(self, condition: Sql) -> Iterator[tuple[int, str]]:
        where, given = condition
        with self.store.transaction() as db:
            rows = db.execute(
                "SELECT case_number, json_extract(doc, '$.comment') AS text FROM attachments "  # noqa: S608
                "WHERE type IN ('user', 'actions') AND case_number IN "
                f"(SELECT number FROM cases WHERE {where})",
                given,
            ).fetchall()
        return ((row["case_number"], row["text"]) for row in rows)

    def _in_extended(self, condition: Sql) -> set[int]:
        if EXTENDED not in self.fields:
            return set()
        rows = self.store.select(
            "number, (SELECT group_concat(value, ' ') FROM json_each(doc, '$.extended_fields')) AS text", *condition
        )
        matches = compile_search(self.text)
        return {row["number"] for row in rows if row["text"] and matches([_words(row["text"])])}


def _words(text: Any) -> Words:
    return Words("" if text is None else str(text))
