"""Cases: create, read, find, delete. Changing them is ``cases.patching``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kibcase.server.cases import activity
from kibcase.server.cases.authorization import authorize
from kibcase.server.cases.bodies import bulk_get_codec, create_codec, delete_codec
from kibcase.server.cases.changes import normalised
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.customfields import check_fields, fill_missing
from kibcase.server.cases.find import CaseQuery, Sql, both, decode_find, many, owner_condition, range_condition
from kibcase.server.cases.store import CaseRecord
from kibcase.server.codec import decode, strict, string
from kibcase.server.datemath import parse_stamp
from kibcase.server.errors import Forbidden, saved_object_missing

_OWNER_QUERY = strict({}, {"owner": many(string, "owner", high=None)})
_STATUS_QUERY = strict({}, {"owner": many(string, "owner", high=None), "from": string, "to": string})
_COUNTS = {"open": "count_open_cases", "in-progress": "count_in_progress_cases", "closed": "count_closed_cases"}


@dataclass(frozen=True, slots=True)
class Cases:
    """The cases of every space; bodies and queries come as JSON values, answers go as JSON values.

    Every method raises ``KibanaError`` with the status and text of Kibana Cases API.
    """

    context: Context

    def create(self, caller: Caller, body: Any) -> Json:
        """Create a case (``POST /api/cases``)."""
        context = self.context
        fields = normalised(decode(create_codec(context.stack), body))
        configured = custom_fields_of(context, caller.space).get(fields["owner"])
        check_fields(fields.get("customFields", ()), configured)
        authorize(caller, "createCase", [fields["owner"]])
        if fields.get("assignees") and not context.stack.is_platinum:
            raise Forbidden(
                "In order to assign users to cases, you must be subscribed to an Elastic Platinum license"
            )
        fields["customFields"] = fill_missing(fields.get("customFields", ()), configured)
        doc = self._new(caller, fields)
        with context.store.transaction():
            reserved = context.store.next(f"case {caller.space}") if context.incremental_ids else None
            record = context.store.add_case(caller.space, context.new_id(), doc, reserved=reserved)
            remember(context, caller, record, [activity.created(doc)])
        return context.show(record, [])

    def _new(self, caller: Caller, fields: Json) -> Json:
        stack = self.context.stack
        doc = fields | {
            "severity": fields.get("severity", "low"),
            "assignees": fields.get("assignees", []),
            "category": fields.get("category"),
            "duration": None,
            "closed_at": None,
            "closed_by": None,
            "created_at": self.context.now(),
            "created_by": caller.user,
            "external_service": None,
            "status": "open",
            "updated_at": None,
            "updated_by": None,
        }
        if stack.has_close_reason:
            chosen = {"extractObservables": fields["owner"] == "securitySolution"}
            doc["settings"] = chosen | fields["settings"]
        if stack.has_observables:
            doc["observables"] = []
        if stack.counts_observables:
            doc["total_observables"] = 0
        return doc

    def get(self, caller: Caller, identifier: str, *, comments: bool | None = None) -> Json:
        """Read a case; ``comments`` True adds them, False gives an empty list, None leaves the key out."""
        with self.context.store.transaction():
            record = self._numbered(caller, self.context.case(caller, identifier))
            shown = None if comments is None else shown_comments(self.context, record) if comments else []
        return self.context.show(record, shown)

    def resolve(self, caller: Caller, identifier: str, *, comments: bool | None = None) -> Json:
        """Read a case by its id or a former id (``GET /api/cases/{id}/resolve``)."""
        return {"case": self.get(caller, identifier, comments=comments), "outcome": "exactMatch"}

    def bulk_get(self, caller: Caller, body: Any) -> Json:
        """Read many cases; those that are not there become error entries (``_bulk_get``)."""
        identifiers = decode(bulk_get_codec, body)["ids"]
        found = self.context.store.cases(caller.space, identifiers)
        return {
            "cases": [self.context.show(found[name], []) for name in identifiers if name in found],
            "errors": [
                {
                    "error": "Not Found",
                    "message": saved_object_missing("cases", name).message,
                    "status": 404,
                    "caseId": name,
                }
                for name in identifiers
                if name not in found
            ],
        }

    def find(self, caller: Caller, query: Mapping[str, Any]) -> Json:
        """Find cases (``GET /api/cases/_find``); the three counts ignore status and search."""
        context = self.context
        asked = decode_find(query, context.stack, context.clock())
        if query.get("assignees") and not context.stack.is_platinum:
            raise Forbidden(
                "In order to filter cases by assignees, you must be subscribed to an Elastic Platinum license"
            )
        space: Sql = ("space = ?", [caller.space])
        with context.store.transaction():
            total, records = self._page(asked, both(space, asked.filters, asked.status))
            records = [self._numbered(caller, record) for record in records]
            counts = self._counts(both(space, asked.filters))
        return {
            "page": asked.page.number,
            "per_page": asked.page.size,
            "total": total,
            "cases": [context.show(record, []) for record in records],
            **counts,
        }

    def _page(self, asked: CaseQuery, condition: Sql) -> tuple[int, list[CaseRecord]]:
        store, page = self.context.store, asked.page
        if asked.search is None:
            total = int(store.select("count(*) AS n", *condition)[0]["n"])
            return total, store.select_cases(*condition, asked.order, page.size, page.offset)
        columns = (
            "number, id, title, json_extract(doc, '$.description') AS description, "
            "json_extract(doc, '$.incremental_id') AS shown"
        )
        rows = store.select(columns, *condition, f"ORDER BY {asked.order}")
        hits = [
            row["number"] for row in rows if asked.search(row["id"], row["title"], row["description"], row["shown"])
        ]
        chosen = hits[page.offset : page.offset + page.size]
        marks = ",".join("?" * len(chosen))
        return len(hits), store.select_cases(f"number IN ({marks})", chosen, asked.order, len(chosen), 0)

    def _counts(self, condition: Sql) -> Json:
        rows = self.context.store.select("status, count(*) AS n", *condition, "GROUP BY status")
        found = {row["status"]: row["n"] for row in rows}
        return {name: found.get(status, 0) for status, name in _COUNTS.items()}

    def status_counts(self, caller: Caller, query: Mapping[str, Any]) -> Json:
        """Count cases by status (``GET /api/cases/status``, 8.x)."""
        fields = decode(_STATUS_QUERY, dict(query))
        period = range_condition(fields.get("from"), fields.get("to"), self.context.clock())
        return self._counts(both(("space = ?", [caller.space]), owner_condition(fields.get("owner")), period))

    def delete(self, caller: Caller, identifiers: Any) -> None:
        """Delete cases, all or none (``DELETE /api/cases``), and take their ids off the alerts."""
        names = list(dict.fromkeys(decode(delete_codec, identifiers)))
        with self.context.store.transaction():
            found = self.context.store.cases(caller.space, names)
            for name in names:
                if name not in found:
                    raise saved_object_missing("cases", name)
            self.context.store.delete_cases(record.number for record in found.values())
            self.context.alerts.remove_case_everywhere(names)

    def tags(self, caller: Caller, query: Mapping[str, Any]) -> list[str]:
        """List the tags in use."""
        rows = self._distinct(caller, query, "(SELECT json_group_array(value) FROM json_each(doc, '$.tags')) AS found")
        return sorted({tag for row in rows for tag in _strings(row["found"])})

    def categories(self, caller: Caller, query: Mapping[str, Any]) -> list[str]:
        """List the categories in use."""
        return sorted(row["category"] for row in self._distinct(caller, query, "DISTINCT category") if row["category"])

    def reporters(self, caller: Caller, query: Mapping[str, Any]) -> list[Json]:
        """List the users who created cases, by name, each as on the newest case."""
        rows = self._distinct(caller, query, "max(number) AS number", "GROUP BY reporter ORDER BY reporter")
        newest = [row["number"] for row in rows]
        marks = ",".join("?" * len(newest))
        records = self.context.store.select_cases(f"number IN ({marks})", newest, "reporter", len(newest), 0)
        return [record.doc["created_by"] for record in records]

    def _distinct(self, caller: Caller, query: Mapping[str, Any], columns: str, rest: str = "") -> list[Any]:
        owner = decode(_OWNER_QUERY, dict(query)).get("owner")
        return self.context.store.select(
            columns, *both(("space = ?", [caller.space]), owner_condition(owner)), rest
        )

    def _numbered(self, caller: Caller, record: CaseRecord) -> CaseRecord:
        # Kibana numbers cases in a background task, which moves their version. Here the task "has run"
        # when a case is read, so that a script may PATCH with the version that its POST was answered.
        if record.reserved is None or not self._is_due(record):
            return record
        self.context.store.put_case(record.number, record.doc | {"incremental_id": record.reserved})
        return self.context.case(caller, record.id)

    def _is_due(self, record: CaseRecord) -> bool:
        age = self.context.clock() - parse_stamp(record.doc["created_at"])
        return age >= timedelta(seconds=self.context.incremental_id_delay)


def custom_fields_of(context: Context, space: str) -> dict[str, list[Json]]:
    """Give the configured custom fields by owner."""
    return {record.doc["owner"]: record.doc["customFields"] for record in context.store.configurations(space)}


def shown_comments(context: Context, record: CaseRecord) -> list[Json]:
    """Give all attachments of a case, oldest first, as the API answers them."""
    return [
        {"id": found.id, "version": found.version} | found.doc for found in context.store.attachments(record.number)
    ]


def remember(
    context: Context, caller: Caller, record: CaseRecord, actions: list[Json], comment_id: str | None = None
) -> None:
    """Store user actions of the caller on a case."""
    complete = [
        activity.stored(
            action, owner=record.doc["owner"], user=caller.user, at=context.now(), comment_id=comment_id
        )
        for action in actions
    ]
    context.store.add_user_actions(record.number, [(context.new_id(), doc) for doc in complete])


def _strings(text: str) -> list[str]:
    return [value for value in json.loads(text) if isinstance(value, str)]
