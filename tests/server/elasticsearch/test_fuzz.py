"""Whatever a request holds, the answer is an answer or an error of Elasticsearch's, never a crash."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kibcase.server.database import Database
from kibcase.server.elasticsearch.bulk import parse_bulk, run_bulk
from kibcase.server.elasticsearch.errors import ElasticsearchError
from kibcase.server.elasticsearch.indices import Expansion
from kibcase.server.elasticsearch.request import parse_search
from kibcase.server.elasticsearch.state import AlertState

FIELDS = st.sampled_from(["n", "@timestamp", "s", "ok", "_id", "o", "nobody", "message", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from([
        "now", "now-1d/d", "2026-01-01||/M", "2026-01-01", "9" * 18, "*a?", "\ud800", "", "asc", "_first", "+99:99",
    ]) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from([
        "value", "gt", "lte", "query", "operator", "order", "missing", "mode", "unmapped_type", "time_zone", "format",
        "field", "values", "id", "includes", "excludes", "case_insensitive", "minimum_should_match",
    ]), inner, max_size=3), max_leaves=4,
)  # fmt: skip
CLAUSES = VALUES | st.dictionaries(FIELDS, VALUES, max_size=2)
LEAVES = st.sampled_from([
    "term", "terms", "range", "prefix", "wildcard", "match", "match_phrase", "exists", "ids", "match_all", "bool",
    "constant_score", "nonsense",
]).flatmap(lambda name: st.fixed_dictionaries({name: CLAUSES}))  # fmt: skip
QUERIES = st.recursive(
    LEAVES | VALUES,
    lambda inner: st.fixed_dictionaries({"bool": st.dictionaries(
        st.sampled_from(["must", "filter", "should", "must_not"]), inner | st.lists(inner, max_size=2), max_size=3
    )}), max_leaves=4,
)  # fmt: skip
SORTS = VALUES | st.lists(st.dictionaries(FIELDS, VALUES, min_size=1, max_size=1), max_size=2)
OTHERS = st.sampled_from(["from", "size", "track_total_hits", "_source", "search_after", "pit"])
BODIES: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.dictionaries(OTHERS, VALUES)
ALERT = {"@timestamp": "2026-01-01T00:00:00Z", "n": 1, "s": "a", "ok": True, "o": {"p": [1]}, "message": "b c"}


@pytest.fixture(scope="module")
def state() -> Any:
    database = Database()
    state = AlertState(database, lambda: datetime(2026, 3, 1, tzinfo=UTC))
    state.documents.put(".alerts-security.alerts-default", "1", ALERT)
    state.documents.put(".alerts-security.alerts-default", "2", {"n": "text", "@timestamp": "not a date", "s": 5})
    yield state
    database.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(QUERIES, SORTS, BODIES)
def test_searches(state: AlertState, query: Any, sort: Any, rest: dict[str, Any]) -> None:
    with contextlib.suppress(ElasticsearchError):
        request = parse_search({"query": query, "sort": sort, **rest})
        found = state.searches.search(".alerts-*", request, Expansion())
        assert json.loads(json.dumps(found))["hits"]["hits"] is not None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.dictionaries(
    st.sampled_from(["index", "update", "delete", "create", "doc", "upsert"]),
    VALUES | st.dictionaries(st.sampled_from(["_index", "_id", "if_seq_no", "if_primary_term"]), VALUES, max_size=3),
    max_size=2,
), max_size=5))  # fmt: skip
def test_bulks(state: AlertState, lines: list[Any]) -> None:
    text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    with contextlib.suppress(ElasticsearchError):
        items = run_bulk(state.documents, parse_bulk(text, None))
        assert all(outcome["status"] for item in items for outcome in item.values())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(
    st.sampled_from(["settings", "mappings", "aliases", "other"]),
    VALUES | st.dictionaries(st.sampled_from(["index", "properties", "hidden", "a"]),
                             VALUES | st.dictionaries(st.sampled_from(["type", "fields", "x"]), VALUES))
))  # fmt: skip
def test_creating_indices(state: AlertState, body: Any) -> None:
    with contextlib.suppress(ElasticsearchError):
        state.indices.create("made", body)
        state.indices.delete("made")
