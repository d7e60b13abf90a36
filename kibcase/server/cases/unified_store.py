"""Unified attachments in SQLite: what they said beyond the kept shape, pages by type, counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kibcase.server.cases.unified_types import EXTERNAL_TYPES, PERSISTABLE_TYPES

if TYPE_CHECKING:
    from kibcase.server.cases.find import Page
    from kibcase.server.cases.store import CaseStore

Json = dict[str, Any]
_FILES = "json_extract(doc, '$.externalReferenceAttachmentTypeId') IS '.files'"


@dataclass(frozen=True, slots=True)
class UnifiedStore:
    """The tables of unified attachments, in the same database as the cases."""

    store: CaseStore

    def keep(self, number: int, original: Json | None) -> None:
        """Keep what a unified payload said, or forget what an attachment said before."""
        with self.store.transaction() as db:
            db.execute("DELETE FROM unified_originals WHERE attachment = ?", (number,))
            if original is not None:
                text = json.dumps(original, separators=(",", ":"), ensure_ascii=False)
                db.execute("INSERT INTO unified_originals VALUES (?, ?)", (number, text))

    def originals(self, numbers: Sequence[int]) -> dict[int, Json]:
        """Give the kept unified payloads by the number of their attachment."""
        with self.store.transaction() as db:
            rows = db.execute(
                "SELECT attachment, payload FROM unified_originals "
                "WHERE attachment IN (SELECT value FROM json_each(?))",
                (json.dumps(list(numbers)),),
            ).fetchall()
        return {row["attachment"]: json.loads(row["payload"]) for row in rows}

    def page(self, case_number: int, kinds: Sequence[str], page: Page) -> tuple[int, list[str]]:
        """Count the attachments of some unified types (none: all), and give the ids of a page by time of creation."""
        condition, values = _of_types(kinds)
        order = "DESC" if page.descending else "ASC"
        with self.store.transaction() as db:
            total = db.execute(
                f"SELECT count(*) AS n FROM attachments WHERE case_number = ? AND ({condition})",  # noqa: S608
                (case_number, *values),
            ).fetchone()["n"]
            rows = db.execute(
                f"SELECT id FROM attachments WHERE case_number = ? AND ({condition}) "  # noqa: S608
                f"ORDER BY created_at {order}, number {order} LIMIT ? OFFSET ?",
                (case_number, *values, page.limit, page.offset),
            ).fetchall()
        return int(total), [row["id"] for row in rows]

    def count_references(self, case_number: int) -> int:
        """Count a case's references and states that are no files."""
        with self.store.transaction() as db:
            row = db.execute(
                "SELECT count(*) AS n FROM attachments WHERE case_number = ? "  # noqa: S608
                f"AND type NOT IN ('user', 'alert', 'event', 'actions') AND NOT ({_FILES})",
                (case_number,),
            ).fetchone()
        return int(row["n"])

    def known_documents(self, case_number: int, kind: str, identifiers: Sequence[str]) -> set[str]:
        """Give those of some alert or event ids that the case has already."""
        with self.store.transaction() as db:
            rows = db.execute(
                "SELECT DISTINCT id FROM attached_documents WHERE case_number = ? AND kind = ? "
                "AND id IN (SELECT value FROM json_each(?))",
                (case_number, kind, json.dumps(list(identifiers))),
            ).fetchall()
        return {row["id"] for row in rows}

    def holders(self, case_number: int, kind: str, identifiers: Sequence[str]) -> list[str]:
        """Give the ids of the case's attachments that refer to one of some alerts or events, oldest first."""
        with self.store.transaction() as db:
            rows = db.execute(
                "SELECT DISTINCT a.number, a.id FROM attached_documents d "
                "JOIN attachments a ON a.number = d.attachment "
                "WHERE d.case_number = ? AND d.kind = ? AND d.id IN (SELECT value FROM json_each(?)) ORDER BY a.number",
                (case_number, kind, json.dumps(list(identifiers))),
            ).fetchall()
        return [row["id"] for row in rows]

    def files(self, case_number: int, file_ids: Sequence[str]) -> list[str]:
        """Give the ids of the case's attachments that refer to one of some files."""
        with self.store.transaction() as db:
            rows = db.execute(
                f"SELECT id FROM attachments WHERE case_number = ? AND type = 'externalReference' AND {_FILES} "  # noqa: S608
                "AND json_extract(doc, '$.externalReferenceId') IN (SELECT value FROM json_each(?)) ORDER BY number",
                (case_number, json.dumps(list(file_ids))),
            ).fetchall()
        return [row["id"] for row in rows]


def _of_types(kinds: Sequence[str]) -> tuple[str, list[str]]:
    found = [_of_type(kind) for kind in kinds]
    condition = " OR ".join(f"({one})" for one, _ in found) or "1"
    return condition, [name for _, names in found for name in names]


def _of_type(kind: str) -> tuple[str, list[str]]:
    owners = {"security": "securitySolution", "observability": "observability", "stack": "cases"}
    prefix, _, noun = kind.partition(".")
    if kind == "comment":
        return "type = 'user'", []
    if noun in ("alert", "event") and prefix in owners:
        return "type = ? AND json_extract(doc, '$.owner') = ?", [noun, owners[prefix]]
    for types, name in ((EXTERNAL_TYPES, "externalReference"), (PERSISTABLE_TYPES, "persistableState")):
        legacy = next((old for old, new in types.items() if new == kind), None)
        if legacy is not None:
            return f"type = ? OR json_extract(doc, '$.{name}AttachmentTypeId') = ?", [kind, legacy]
    return "type = ?", [kind]
