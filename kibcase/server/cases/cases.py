"""Cases: create, read, find, delete. Changing them is ``cases.patching``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kibcase.server.cases import activity
from kibcase.server.cases.authorization import authorize, readable
from kibcase.server.cases.bodies import bulk_get_codec, create_codec, delete_codec
from kibcase.server.cases.changes import normalised
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.customfields import check_fields, check_structure, configured_fields, fill_missing
from kibcase.server.cases.extended_fields import check_values
from kibcase.server.cases.extraction_default import extracts_by_default
from kibcase.server.cases.facts import TAG
from kibcase.server.cases.files_store import FileStore
from kibcase.server.cases.find import CaseQuery, Sql, both, decode_find, many, owner_condition, range_condition
from kibcase.server.cases.store import CaseRecord
from kibcase.server.cases.templates_expansion import Draft, Outcome, actions_of, apply_template, complete_fields
from kibcase.server.cases.templates_library import Library
from kibcase.server.codec import decode, strict, string
from kibcase.server.datemath import parse_stamp
from kibcase.server.errors import Forbidden, saved_object_missing
from kibcase.server.privileges import OWNERS
from kibcase.server.stack import Stack

_OWNER_QUERY = strict({}, {"owner": many(string, "owner", high=None)})
_STATUS_QUERY = strict({}, {"owner": many(string, "owner", high=None), "from": string, "to": string})
_COUNTS = {"open": "count_open_cases", "in-progress": "count_in_progress_cases", "closed": "count_closed_cases"}


@dataclass(frozen=True, slots=True)
class Cases:
    """The cases of every space; bodies and queries come as JSON values, answers go as JSON values.

    Every method raises ``KibanaError`` with the status and text of Kibana Cases API.
    """

    context: Context
    library: Library

    def create(self, caller: Caller, body: Any) -> Json:
        """Create a case (``POST /api/cases``)."""
        context = self.context
        codec = create_codec(context.stack)
        request = decode(codec, body)
        if "assignees" in request:
            request["assignees"] = [person for person in request["assignees"] if person["uid"]]
        with context.store.transaction():
            configured = custom_fields_of(context, caller.space).get(request["owner"])
            check = check_structure if context.stack.has_templates else check_fields
            check(request.get("customFields", ()), configured)
            authorize(caller, create_operations(request, context.stack), [request["owner"]])
            draft = apply_template(context, self.library, caller, request, codec)
            if draft.fields.get("assignees") and not context.stack.is_platinum:
                raise Forbidden(
                    "In order to assign users to cases, you must be subscribed to an Elastic Platinum license"
                )
            return self._add(caller, draft, self._outcome(caller, request, draft, configured))

    def _outcome(self, caller: Caller, request: Json, draft: Draft, configured: list[Json] | None) -> Outcome:
        if self.context.stack.has_templates:
            return complete_fields(self.library, caller.space, request, draft, configured)
        extended = draft.fields.get("extended_fields")
        if extended is not None:
            check_values(extended, draft.template_fields, [], partial=False)
        custom = fill_missing(draft.fields.get("customFields", ()), configured)
        return Outcome(custom=custom, extended=extended, remarkable={})

    def _add(self, caller: Caller, draft: Draft, outcome: Outcome) -> Json:
        context = self.context
        fields = normalised(draft.fields) | {"customFields": outcome.custom}
        if outcome.extended is not None:
            fields["extended_fields"] = outcome.extended
        doc = self._new(caller, fields)
        reserved = context.store.next(f"case {caller.space}") if context.incremental_ids else None
        record = context.store.add_case(caller.space, context.new_id(), doc, reserved=reserved)
        sent = self._as_sent(draft.fields)
        remember(context, caller, record, [activity.created(doc | sent), *actions_of(draft, outcome)])
        if draft.name is not None:
            self.library.count_use(caller.space, doc["template"], doc["created_at"])
        return context.show(record, [])

    def _as_sent(self, fields: Json) -> Json:
        # Kibana records the request, not what it makes of it: texts with their blanks, and on stacks without
        # templates the custom fields without those it filled in.
        names = ("title", "description", "tags", "category", "assignees")
        sent = {name: fields[name] for name in names if name in fields}
        return sent | ({} if self.context.stack.has_templates else {"customFields": fields.get("customFields", [])})

    def _new(self, caller: Caller, fields: Json) -> Json:
        stack = self.context.stack
        doc = fields | {
            "severity": fields.get("severity", "low"),
            "assignees": self.context.named(fields.get("assignees", [])),
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
            chosen = {"extractObservables": extracts_by_default(self.context, caller.space, fields["owner"])}
            doc["settings"] = chosen | fields["settings"]
        if stack.has_observables:
            doc["observables"] = []
        if stack.counts_observables:
            doc["total_observables"] = 0
        return doc

    def get(self, caller: Caller, identifier: str, *, comments: bool | None = None) -> Json:
        """Read a case; ``comments`` True adds them, False gives an empty list, None leaves the key out."""
        with self.context.store.transaction():
            record = self._readable(caller, identifier)
            shown = None if comments is None else shown_comments(self.context, record) if comments else []
        return self._labelled(caller, [self.context.show(record, shown)])[0]

    def _labelled(self, caller: Caller, cases: list[Json]) -> list[Json]:
        return self.library.labelled(caller.space, cases) if self.context.stack.has_templates else cases

    def resolve(self, caller: Caller, identifier: str, *, comments: bool | None = None) -> Json:
        """Read a case by its id or a former id (``GET /api/cases/{id}/resolve``).

        Its ``totalComment`` counts the attachments that are shown, of any type; without them no total is counted.
        """
        case = self.get(caller, identifier, comments=comments)
        shown = case.get("comments") or []
        bare = {} if shown else {name: 0 for name in ("totalAlerts", "totalEvents") if name in case}
        return {"case": case | bare | {"totalComment": len(shown)}, "outcome": "exactMatch"}

    def _readable(self, caller: Caller, identifier: str) -> CaseRecord:
        record = self.context.case(caller, identifier)
        authorize(caller, "getCase", [record.doc["owner"]])
        return self._numbered(caller, record)

    def bulk_get(self, caller: Caller, body: Any) -> Json:
        """Read many cases; those that are missing or another team's become error entries (``_bulk_get``)."""
        identifiers = decode(bulk_get_codec, body)["ids"]
        found = self.context.store.cases(caller.space, identifiers)
        owners = readable(caller, "bulkGetCases")
        hidden = [name for name in identifiers if name in found and found[name].doc["owner"] not in owners]
        return {
            "cases": [
                self.context.show(found[name], []) for name in identifiers if name in found and name not in hidden
            ],
            "errors": [
                *(
                    _unreadable(name, "Not Found", saved_object_missing("cases", name).message, 404)
                    for name in identifiers
                    if name not in found
                ),
                *(
                    _unreadable(
                        name, "Forbidden", f'Unauthorized to access case with owner: "{found[name].doc["owner"]}"', 403
                    )
                    for name in hidden
                ),
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
        space = _visible(caller, "findCases")
        condition = both(space, asked.filters, asked.status)
        # Before the transaction: to look through texts takes long, and nobody else is to wait for it.
        search = asked.search
        hits = None if search is None else context.store.matching(search.columns, *condition, search.match)
        with context.store.transaction():
            statuses = self._statuses(both(space, asked.filters))
            total, records = self._page(asked, condition, statuses, hits)
            records = [self._numbered(caller, record) for record in records]
        return {
            "page": asked.page.number,
            "per_page": asked.page.size,
            "total": total,
            "cases": self._labelled(caller, [context.show(record, []) for record in records]),
            **_counts(statuses),
        }

    def _page(
        self, asked: CaseQuery, condition: Sql, statuses: Mapping[str, int], hits: list[int] | None
    ) -> tuple[int, list[CaseRecord]]:
        store, page = self.context.store, asked.page
        if hits is not None:
            return len(hits), store.among(hits, asked.order, page.limit, page.offset)
        wanted = asked.status[1] or statuses
        total = sum(statuses.get(status, 0) for status in set(wanted))
        return total, store.select_cases(*condition, asked.order, page.limit, page.offset)

    def _statuses(self, condition: Sql) -> dict[str, int]:
        rows = self.context.store.select("status, count(*) AS n", *condition, "GROUP BY status")
        return {row["status"]: row["n"] for row in rows}

    def status_counts(self, caller: Caller, query: Mapping[str, Any]) -> Json:
        """Count cases by status (``GET /api/cases/status``, 8.x)."""
        fields = decode(_STATUS_QUERY, dict(query))
        period = range_condition(fields.get("from"), fields.get("to"), self.context.clock())
        return _counts(
            self._statuses(both(_visible(caller, "getCaseStatuses"), owner_condition(fields.get("owner")), period))
        )

    def delete(self, caller: Caller, identifiers: Any) -> None:
        """Delete cases, all or none (``DELETE /api/cases``), and take their ids off the alerts."""
        names = list(dict.fromkeys(decode(delete_codec, identifiers)))
        with self.context.store.transaction():
            found = self.context.store.cases(caller.space, names)
            for name in names:
                if name not in found:
                    raise saved_object_missing("cases", name)
            authorize(caller, "deleteCase", [record.doc["owner"] for record in found.values()])
            self.context.store.delete_cases(record.number for record in found.values())
            FileStore(self.context.store).delete_of_cases(caller.space, names)
            self.context.alerts.remove_case_everywhere(names)

    def tags(self, caller: Caller, query: Mapping[str, Any]) -> list[str]:
        """List the tags in use."""
        return sorted(self.context.store.values_in_use(TAG, *self._listed(caller, "getTags", query)))

    def categories(self, caller: Caller, query: Mapping[str, Any]) -> list[str]:
        """List the categories in use."""
        rows = self._distinct(caller, "getCategories", query, "DISTINCT category")
        return sorted(row["category"] for row in rows if row["category"])

    def reporters(self, caller: Caller, query: Mapping[str, Any]) -> list[Json]:
        """List the users who created cases, by name, each as on the newest case."""
        columns = "max(number) AS number"
        rows = self._distinct(caller, "getReporters", query, columns, "GROUP BY reporter ORDER BY reporter")
        newest = [row["number"] for row in rows]
        marks = ",".join("?" * len(newest))
        records = self.context.store.select_cases(f"number IN ({marks})", newest, "reporter", len(newest), 0)
        return [record.doc["created_by"] for record in records]

    def _distinct(
        self, caller: Caller, operation: str, query: Mapping[str, Any], columns: str, rest: str = ""
    ) -> list[Any]:
        return self.context.store.select(columns, *self._listed(caller, operation, query), rest)

    def _listed(self, caller: Caller, operation: str, query: Mapping[str, Any]) -> Sql:
        owner = decode(_OWNER_QUERY, dict(query)).get("owner")
        return both(_visible(caller, operation), owner_condition(owner))

    def _numbered(self, caller: Caller, record: CaseRecord) -> CaseRecord:
        # Kibana numbers cases in a background task, which moves their version. Here the task "has run"
        # when a case is read that is old enough for it.
        if record.reserved is None or not self._is_due(record):
            return record
        self.context.store.put_case(record.number, record.doc | {"incremental_id": record.reserved})
        return self.context.case(caller, record.id)

    def number_all(self) -> int:
        """Give every case that waits for it its number, in all spaces, oldest first; tells how many they were."""
        store = self.context.store
        with store.transaction():
            waiting = store.select_cases("reserved IS NOT NULL", [], "number", -1, 0)
            for record in waiting:
                store.put_case(record.number, record.doc | {"incremental_id": record.reserved})
        return len(waiting)

    def _is_due(self, record: CaseRecord) -> bool:
        age = self.context.clock() - parse_stamp(record.doc["created_at"])
        return age.total_seconds() >= self.context.incremental_id_delay


def create_operations(fields: Mapping[str, Any], stack: Stack) -> list[str]:
    """Give the operations that creating a case of these fields takes."""
    assigned = bool(fields.get("assignees")) and stack.has_assign_privilege
    return ["assignCase", "createCase"] if assigned else ["createCase"]


def custom_fields_of(context: Context, space: str) -> dict[str, list[Json]]:
    """Give the configured custom fields by owner."""
    return configured_fields(context.store.configurations(space))


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


def _counts(statuses: Mapping[str, int]) -> Json:
    return {name: statuses.get(status, 0) for status, name in _COUNTS.items()}


def _visible(caller: Caller, operation: str) -> Sql:
    owners = readable(caller, operation)
    inside: Sql = ("space = ?", [caller.space])
    # A condition that holds for every case would only keep SQLite from using the better index.
    return inside if owners == frozenset(OWNERS) else both(inside, owner_condition(sorted(owners)))


def _unreadable(identifier: str, error: str, message: str, status: int) -> Json:
    return {"error": error, "message": message, "status": status, "caseId": identifier}
