"""What Kibana's detection alerts API does to the security alerts of a space, without HTTP."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from kibcase.server.elasticsearch import glob, workflow
from kibcase.server.elasticsearch.aggregations import aggregate
from kibcase.server.elasticsearch.dates import iso
from kibcase.server.elasticsearch.errors import parsing_error
from kibcase.server.elasticsearch.fields import flatten
from kibcase.server.elasticsearch.indices import Expansion
from kibcase.server.elasticsearch.query import compile_query
from kibcase.server.elasticsearch.request import parse_search
from kibcase.server.elasticsearch.state import AlertState
from kibcase.server.elasticsearch.tables import Document

Json = dict[str, Any]
Change = Callable[[Json], Json]

USER = "kibana.alert.workflow_user"
TAGS = "kibana.alert.workflow_tags"
ASSIGNEES = "kibana.alert.workflow_assignee_ids"
_IF_PRESENT = Expansion(ignore_unavailable=True)
_MUST_EXIST = Expansion()
_SCROLL_SIZE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """A new workflow status: who sets it (profile uid or None), when, and why.

    ``has_reasons`` is False for stacks that know no close reason and therefore leave one alone.
    """

    status: str
    user: str | None
    stamp: str
    reason: str | None = None
    has_reasons: bool = True

    def apply(self, source: Json) -> Json:
        """Give the document as Kibana's update script leaves it; one that has the status stays as it is."""
        changed = dict(source)
        if source.get(workflow.STATUS) not in (None, self.status):
            changed |= {workflow.STATUS: self.status, USER: self.user, workflow.UPDATED_AT: self.stamp}
            if self.has_reasons:
                changed.pop(workflow.REASON, None)
                changed |= {} if self.reason is None else {workflow.REASON: self.reason}
        signal = source.get("signal")
        if isinstance(signal, dict) and signal.get("status") is not None:
            changed["signal"] = {**signal, "status": self.status}
        return changed


def with_list(source: Json, field: str, *, add: Iterable[str], remove: Iterable[str]) -> Json:
    """Give the document with values added to and removed from a list; what was there keeps its place."""
    stored = source.get(field)
    new, gone = list(dict.fromkeys(add)), set(remove)
    if stored is None:
        return {**source, field: new}
    kept = [value for value in (stored if isinstance(stored, list) else [stored]) if value not in gone]
    return {**source, field: [*kept, *(value for value in new if value not in kept)]}


def alias_of(space: str) -> str:
    """Name the alias of the security alerts of a space."""
    return f".alerts-security.alerts-{space}"


def by_ids(ids: Iterable[str]) -> Json:
    """Build the query for alerts by ``_id``."""
    return {"bool": {"filter": {"ids": {"values": list(ids)}}}}


@dataclass(frozen=True)
class _Read:
    """A document that is decoded once, whatever looks at it."""

    document: Document

    @property
    def index(self) -> str:
        return self.document.index

    @property
    def id(self) -> str:
        return self.document.id

    @cached_property
    def source(self) -> Json:
        return self.document.source


class DetectionAlerts:
    """Searches and changes the security alerts of a space. Raises ``ElasticsearchError``.

    Changes are updates by query: every alert that matches is written again, changed or not, and counted as updated;
    none that matches is no error.
    """

    def __init__(self, state: AlertState, clock: Callable[[], datetime]) -> None:
        self._state = state
        self._clock = clock

    def set_status(
        self, space: str, query: Json, status: str, *, user: str | None, reason: str | None, has_reasons: bool
    ) -> Json:
        """Set the workflow status of the alerts that match; a missing alias is a space without alerts."""
        stamp = iso(self._clock())
        change = StatusChange(status=status, user=user, stamp=stamp, reason=reason, has_reasons=has_reasons)
        return self._update(space, query, change.apply, _IF_PRESENT)

    def change_tags(self, space: str, ids: Iterable[str], *, add: Iterable[str], remove: Iterable[str]) -> Json:
        """Add and remove tags; 404 if the space has no alias of alerts."""
        return self._change_list(space, ids, TAGS, list(add), list(remove))

    def change_assignees(self, space: str, ids: Iterable[str], *, add: Iterable[str], remove: Iterable[str]) -> Json:
        """Assign and unassign people by profile uid; 404 if the space has no alias of alerts."""
        return self._change_list(space, ids, ASSIGNEES, list(add), list(remove))

    def search(self, space: str, body: Mapping[str, Any]) -> Json:
        """Answer a search body that may have ``aggs`` and ``fields``; a missing alias is a space without alerts.

        Runtime mappings are refused: the embedded server runs no scripts.
        """
        if body.get("runtime_mappings"):
            raise parsing_error("this server has no runtime fields: leave out [runtime_mappings]")
        started = time.perf_counter()
        plain = ("query", "size", "sort", "_source", "track_total_hits")
        request = parse_search({name: body[name] for name in plain if body.get(name) is not None})
        alias = alias_of(space)
        found = self._state.searches.search(alias, request, _IF_PRESENT)
        if body.get("fields"):
            self._add_fields(found["hits"]["hits"], body["fields"])
        if body.get("aggs") and found["_shards"]["total"]:
            matching, types = self._matching(alias, request.query, _IF_PRESENT)
            found["aggregations"] = aggregate(body["aggs"], matching, types, self._clock)
        return {"took": _millis_since(started), **found}

    def _add_fields(self, hits: list[Json], patterns: list[str]) -> None:
        for hit in hits:
            found = self._state.get(hit["_index"], hit["_id"])
            fields: dict[str, list[Any]] = {}
            for name, value in flatten(found.source if found else {}):
                if any(glob.matches(pattern, name) for pattern in patterns):
                    fields.setdefault(name, []).append(value)
            if fields:
                hit["fields"] = fields

    def _change_list(self, space: str, ids: Iterable[str], field: str, add: list[str], remove: list[str]) -> Json:
        return self._update(
            space, by_ids(ids), lambda source: with_list(source, field, add=add, remove=remove), _MUST_EXIST
        )

    def _update(self, space: str, query: Json, change: Change, how: Expansion) -> Json:
        started = time.perf_counter()
        with self._state.documents.writing() as writer:
            found, _ = self._matching(alias_of(space), query, how)
            for each in found:
                writer.replace(each.document, change(each.source))
        return _updated(len(found), _millis_since(started))

    def _matching(self, alias: str, query_body: Any, how: Expansion) -> tuple[list[_Read], dict[str, str]]:
        indices = self._state.indices.resolve(alias, how)
        types: dict[str, str] = {}
        for index in indices:
            types = {**index.types, **types}
        query = compile_query(query_body, types, self._clock)
        found = map(_Read, self._state.searches.find(indices, query.ids))
        return [each for each in found if query.matches(each)], types


def _updated(count: int, took: int) -> Json:
    return {
        "took": took, "timed_out": False, "total": count, "updated": count, "deleted": 0,
        "batches": math.ceil(count / _SCROLL_SIZE), "version_conflicts": 0, "noops": 0,
        "retries": {"bulk": 0, "search": 0}, "throttled_millis": 0, "requests_per_second": -1,
        "throttled_until_millis": 0, "failures": [],
    }


def _millis_since(started: float) -> int:
    return int((time.perf_counter() - started) * 1000)
