"""Reading a case's user actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from kibcase.server import limits
from kibcase.server.cases.activity import FILTERS, condition_of, wanted
from kibcase.server.cases.activity_stats import matching, statistics
from kibcase.server.cases.attaching import Attachments
from kibcase.server.cases.authorization import authorize
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.find import Page, decode_page, many, page_codec
from kibcase.server.cases.store import CaseRecord, DocRecord
from kibcase.server.codec import Codec, array, decode, limited, one_of
from kibcase.server.stack import Stack

_TYPES: dict[str, Codec] = {"types": many(one_of(*FILTERS), "types", high=None)}
_PUBLIC_QUERY = page_codec(_TYPES)
_HIDDEN_UPDATES = (
    "SELECT count(*) AS n FROM user_actions WHERE case_number = :case AND comment_type = 'user' "
    "AND action = 'update' AND json_extract(doc, '$.comment_id') IN (SELECT json_extract(doc, '$.comment_id') "
    "FROM user_actions WHERE case_number = :case AND comment_type = 'user' AND action = 'delete')"
)


@cache
def _internal_query(stack: Stack) -> Codec:
    author = limited("authors", 1, limits.ACTIVITY_SEARCH)
    more: dict[str, Codec] = {
        "authors": array(author, "authors", 0, limits.ACTIVITY_AUTHORS),
        "search": limited("search", 1, limits.ACTIVITY_SEARCH),
    }
    return page_codec(_TYPES | (more if stack.searches_activity else {}))


@dataclass(frozen=True, slots=True)
class History:
    """The activity of every case."""

    context: Context

    def find(self, caller: Caller, case_id: str, query: Mapping[str, Any]) -> Json:
        """Read a page of user actions by time (``GET /api/cases/{id}/user_actions/_find``)."""
        fields = decode(_PUBLIC_QUERY, dict(query))
        with self.context.store.transaction():
            return self._found(self._readable(caller, case_id), fields, [])

    def find_with_attachments(self, caller: Caller, case_id: str, query: Mapping[str, Any]) -> Json:
        """Read a page of user actions and the attachments they are about (``/internal/cases/...``).

        ``latestAttachments`` holds the attachments as they are now; removed ones are not among them. From 9.5
        ``authors`` (user names) and ``search`` narrow the page; a search looks at the first 5000 in the given order.
        """
        given = dict(query)
        if isinstance(given.get("authors"), str):
            given["authors"] = [given["authors"]]
        fields = decode(_internal_query(self.context.stack), given)
        with self.context.store.transaction():
            found = self._found(self._readable(caller, case_id), fields, fields.get("authors", []))
            names = dict.fromkeys(action["comment_id"] for action in found["userActions"] if action["comment_id"])
            attachments = [self.context.store.attachment(caller.space, name) for name in names]
            latest = Attachments(self.context).shown(
                [each for each in attachments if each is not None],
                unified=self.context.stack.has_unified_attachments,
            )
        return found | {"latestAttachments": latest}

    def statistics(self, caller: Caller, case_id: str) -> dict[str, int]:
        """Count the user actions of a case (``GET /internal/cases/{id}/user_actions/_stats``)."""
        with self.context.store.transaction() as db:
            record = self.context.case(caller, case_id)
            authorize(caller, "resolveCase", [record.doc["owner"]])
            rows = db.execute(
                "SELECT action, comment_type, count(*) AS n FROM user_actions WHERE case_number = ? "
                "GROUP BY action, comment_type",
                (record.number,),
            ).fetchall()
            hidden = int(db.execute(_HIDDEN_UPDATES, {"case": record.number}).fetchone()["n"])
        counts = [(row["action"], row["comment_type"], row["n"]) for row in rows]
        stack = self.context.stack
        return statistics(
            counts,
            deletions=stack.has_activity_totals,
            hidden=hidden if stack.tells_comments_from_edits else None,
        )

    def all(self, caller: Caller, case_id: str) -> list[Json]:
        """Read every user action in the older shape (``GET user_actions``, 8.x); a case that is not there has none."""
        with self.context.store.transaction():
            record = self.context.store.case(caller.space, case_id)
            if record is None:
                return []
            authorize(caller, "getUserActions", [record.doc["owner"]])
            found = self.context.store.user_actions(record.number)
        return [_older(action, case_id) for action in found]

    def _readable(self, caller: Caller, case_id: str) -> CaseRecord:
        record = self.context.case(caller, case_id)
        authorize(caller, "resolveCase", [record.doc["owner"]])
        authorize(caller, "findUserActions", [record.doc["owner"]])
        return record

    def _found(self, record: CaseRecord, fields: Json, authors: list[str]) -> Json:
        page = decode_page(fields)
        condition = condition_of(wanted(fields.get("types")), edits=not self.context.stack.tells_comments_from_edits)
        search = fields.get("search")
        if search or authors:
            total, shown = self._searched(record, condition, page, authors, search)
        else:
            store = self.context.store
            found = store.user_actions(
                record.number, condition, descending=page.descending, limit=page.limit, offset=page.offset
            )
            total, shown = store.count_user_actions(record.number, condition), [_newer(action) for action in found]
        return {"userActions": shown, "page": page.number, "perPage": page.size, "total": total}

    def _searched(
        self, record: CaseRecord, condition: str, page: Page, authors: list[str], search: str | None
    ) -> tuple[int, list[Json]]:
        found = self.context.store.user_actions(record.number, condition, descending=page.descending)
        chosen = [_newer(each) for each in found if not authors or each.doc["created_by"].get("username") in authors]
        if search:
            matches = (matching(action, search) for action in chosen[: limits.ACTIVITY_SEARCHED])
            chosen = [action for action in matches if action is not None]
        return len(chosen), chosen[page.offset : page.offset + page.limit]


def _newer(action: DocRecord) -> Json:
    return {"id": action.id, "version": action.version} | action.doc


def _older(action: DocRecord, case_id: str) -> Json:
    return {"action_id": action.id, "case_id": case_id} | action.doc
