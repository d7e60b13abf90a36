"""Reading a case's user actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kibcase.server.cases.activity import FILTERS, condition_of, wanted
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.find import decode_page, many, page_codec
from kibcase.server.cases.store import DocRecord
from kibcase.server.codec import decode, one_of

_QUERY = page_codec({"types": many(one_of(*FILTERS), "types", high=None)})


@dataclass(frozen=True, slots=True)
class History:
    """The activity of every case."""

    context: Context

    def find(self, caller: Caller, case_id: str, query: Mapping[str, Any]) -> Json:
        """Read a page of user actions by time (``GET user_actions/_find``); an unknown case has none."""
        fields = decode(_QUERY, dict(query))
        page = decode_page(fields)
        condition = condition_of(wanted(fields.get("types")))
        store = self.context.store
        with store.transaction():
            record = store.case(caller.space, case_id)
            number = 0 if record is None else record.number
            found = store.user_actions(
                number, condition, descending=page.descending, limit=page.size, offset=page.offset
            )
            total = store.count_user_actions(number, condition)
        return {
            "userActions": [{"id": action.id, "version": action.version} | action.doc for action in found],
            "page": page.number,
            "perPage": page.size,
            "total": total,
        }

    def all(self, caller: Caller, case_id: str) -> list[Json]:
        """Read every user action in the older shape (``GET user_actions``, 8.x)."""
        with self.context.store.transaction():
            record = self.context.case(caller, case_id)
            found = self.context.store.user_actions(record.number)
        return [_older(action, case_id) for action in found]


def _older(action: DocRecord, case_id: str) -> Json:
    return {"action_id": action.id, "case_id": case_id} | action.doc
