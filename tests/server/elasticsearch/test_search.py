"""Searching over HTTP, with Elastic's own client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError, helpers

from kibcase.server.database import Database
from kibcase.server.elasticsearch.app import elasticsearch_app
from kibcase.server.elasticsearch.state import AlertState
from kibcase.server.threaded import ServerThread

ALIAS = ".alerts-security.alerts-default"
STATUS = "kibana.alert.workflow_status"
DOCS: dict[str, dict[str, Any]] = {
    "1": {"@timestamp": "2026-03-01T10:00:00Z", "kibana.alert.rule.name": "Odd login", "n": 5, "host": {"name": "a"},
          "event": {"action": "x"}, "event.kind": "signal", STATUS: "open", "tags": ["red", "blue"], "ok": True},
    "2": {"@timestamp": "2026-02-28T10:00:00.500Z", "kibana.alert.rule.name": "odd file", "n": 7, "host.name": "b",
          STATUS: "closed", "message": "A Quick brown fox", "ok": False},
    "3": {"@timestamp": "2026-01-01T00:00:00Z", "kibana.alert.rule.name": "Other", "tags": "green",
          STATUS: "open", "kibana.alert.ancestors": [{"id": "e1", "depth": 0}, {"id": "e2", "depth": 0}]},
}  # fmt: skip


@pytest.fixture
def alerts(client: Elasticsearch) -> Elasticsearch:
    for identifier, source in DOCS.items():
        client.index(index=ALIAS, id=identifier, document=source)
    return client


@pytest.fixture(scope="module")
def library() -> Iterator[Elasticsearch]:
    """The same alerts on a node that every query of this file shares; nobody writes to it."""
    database = Database()
    state = AlertState(database, lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))
    for identifier, source in DOCS.items():
        state.documents.put(ALIAS, identifier, source)
    app = elasticsearch_app(state, version="8.19.0", authenticate=lambda header: "anybody")
    with ServerThread(app) as server, Elasticsearch(server.url, max_retries=0, request_timeout=10) as client:
        yield client
    database.close()


def ids(client: Elasticsearch, query: dict[str, Any]) -> list[str]:
    return [hit["_id"] for hit in client.search(index=ALIAS, query=query)["hits"]["hits"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"match_all": {}}, "123"),
        ({"match_none": {}}, ""),
        ({"ids": {"values": ["3", "1", "9"]}}, "13"),
        ({"term": {"_id": "2"}}, "2"),
        ({"terms": {"_id": ["2", "3"]}}, "23"),
        ({"term": {"kibana.alert.rule.name": "Odd login"}}, "1"),
        ({"term": {"kibana.alert.rule.name": {"value": "odd LOGIN", "case_insensitive": True}}}, "1"),
        ({"term": {"kibana.alert.rule.name": "Odd"}}, ""),
        ({"match": {"kibana.alert.rule.name": "Odd"}}, ""),
        ({"match": {"kibana.alert.rule.name.text": "odd"}}, "12"),
        ({"term": {"host.name": "a"}}, "1"),
        ({"term": {"host.name": "b"}}, "2"),
        ({"term": {"event.kind": "signal"}}, "1"),
        ({"term": {"event.action": "x"}}, "1"),
        ({"term": {"tags": "blue"}}, "1"),
        ({"terms": {"tags": ["green", "blue"]}}, "13"),
        ({"term": {"kibana.alert.ancestors.id": "e2"}}, "3"),
        ({"term": {"n": 7.0}}, "2"),
        ({"term": {"n": "5"}}, "1"),
        ({"terms": {"n": [5, 7]}}, "12"),
        ({"term": {"ok": True}}, "1"),
        ({"term": {"ok": "false"}}, "2"),
        ({"term": {"@timestamp": "2026-03-01"}}, "1"),
        ({"term": {"nobody.has.this": 1}}, ""),
        ({"range": {"n": {"gt": 5}}}, "2"),
        ({"range": {"n": {"gte": 5, "lt": 7}}}, "1"),
        ({"range": {"@timestamp": {"gte": "now-3h"}}}, "1"),
        ({"range": {"@timestamp": {"gte": "now-24h/d"}}}, "12"),
        ({"range": {"@timestamp": {"lte": "2026-02-28"}}}, "23"),
        ({"range": {"@timestamp": {"lt": "2026-02-28"}}}, "3"),
        ({"range": {"@timestamp": {"gt": "2026-02-28"}}}, "1"),
        ({"range": {"@timestamp": {"gte": "2026-01-01||+1M"}}}, "12"),
        ({"range": {"@timestamp": {"gte": 1772359200000, "format": "epoch_millis"}}}, "1"),
        ({"range": {"@timestamp": {"lt": "2026-01-01T01:00:00", "time_zone": "+01:00"}}}, ""),
        ({"range": {"@timestamp": {"lt": "2026-01-01T01:00:00", "time_zone": "Etc/UTC"}}}, "3"),
        ({"range": {"kibana.alert.rule.name": {"lt": "a"}}}, "13"),
        ({"exists": {"field": "n"}}, "12"),
        ({"exists": {"field": "host"}}, "12"),
        ({"exists": {"field": "nobody"}}, ""),
        ({"prefix": {"kibana.alert.rule.name": "Od"}}, "1"),
        ({"wildcard": {"kibana.alert.rule.name": "*d ?il*"}}, "2"),
        ({"wildcard": {"kibana.alert.rule.name": {"value": "o*", "case_insensitive": True}}}, "123"),
        ({"match": {"message": "QUICK dog"}}, "2"),
        ({"match": {"message": {"query": "quick dog", "operator": "and"}}}, ""),
        ({"match_phrase": {"message": "quick brown"}}, "2"),
        ({"match_phrase": {"message": "brown quick"}}, ""),
        ({"bool": {"filter": {"term": {STATUS: "open"}}, "must_not": [{"term": {"tags": "red"}}]}}, "3"),
        ({"bool": {"should": [{"term": {"n": 5}}, {"term": {"n": 7}}]}}, "12"),
        ({"bool": {"filter": [{"ids": {"values": ["1", "2"]}}], "should": [{"term": {"n": 9}}]}}, "12"),
        ({"bool": {"should": [{"term": {"n": 5}}, {"term": {"ok": True}}], "minimum_should_match": 2}}, "1"),
        ({"bool": {"must": [{"ids": {"values": ["1", "2"]}}, {"terms": {"_id": ["2", "3"]}}]}}, "2"),
        ({"bool": {"must_not": {"ids": {"values": ["1"]}}}}, "23"),
        ({"constant_score": {"filter": {"ids": {"values": ["2"]}}}}, "2"),
        ({"term": {"_index": ".internal.alerts-security.alerts-default-000001"}}, "123"),
    ],
)
def test_queries(library: Elasticsearch, query: dict[str, Any], expected: str) -> None:
    assert ids(library, query) == list(expected)
    assert library.count(index=ALIAS, query=query)["count"] == len(expected)


@pytest.mark.parametrize(
    ("query", "kind", "words"),
    [
        ({"nonsense": {}}, "parsing_exception", "unknown query [nonsense]"),
        ({}, "illegal_argument_exception", "empty clause"),
        ({"term": {"a": 1}, "ids": {"values": []}}, "parsing_exception", "[term] malformed query"),
        ({"term": {"a": [1]}}, "parsing_exception", "[term] query does not support arrays"),
        ({"terms": {"a": 1}}, "parsing_exception", "[terms]"),
        ({"range": {"n": {"from": 1}}}, "parsing_exception", "[range] query does not support [from]"),
        ({"range": {"n": {"gt": "many"}}}, "query_shard_exception", 'For input string: "many"'),
        ({"range": {"@timestamp": {"gt": "yesterday"}}}, "parse_exception", "failed to parse date field [yesterday]"),
        ({"range": {"@timestamp": {"gt": "now-1q"}}}, "parse_exception", "date math"),
        ({"bool": {"musst": []}}, "parsing_exception", "[bool] query does not support [musst]"),
        ({"exists": {}}, "parsing_exception", "[exists]"),
    ],
)
def test_bad_queries_are_named(library: Elasticsearch, query: dict[str, Any], kind: str, words: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        library.search(index=ALIAS, query=query)
    assert refused.value.body["error"]["type"] == kind
    assert words in refused.value.body["error"]["reason"]


def test_deeply_nested_bool_is_refused(alerts: Elasticsearch) -> None:
    query: dict[str, Any] = {"match_all": {}}
    for _ in range(40):
        query = {"bool": {"filter": query}}
    with pytest.raises(BadRequestError, match="maximum nested depth"):
        alerts.search(index=ALIAS, query=query)


def test_dynamic_strings_are_text_elsewhere(client: Elasticsearch) -> None:
    client.index(index="notes", id="1", document={"title": "Hello World"})
    found = {
        name: client.count(index="notes", query={kind: {field: value}})["count"]
        for name, kind, field, value in [
            ("word", "term", "title", "hello"), ("whole", "term", "title", "Hello World"),
            ("keyword", "term", "title.keyword", "Hello World"), ("match", "match", "title", "WORLD peace"),
        ]
    }  # fmt: skip
    assert found == {"word": 1, "whole": 0, "keyword": 1, "match": 1}
    with pytest.raises(BadRequestError, match="Fielddata is disabled"):
        client.search(index="notes", sort="title")
    assert client.search(index="notes", sort="title.keyword")["hits"]["hits"][0]["sort"] == ["Hello World"]


def test_sorting(alerts: Elasticsearch) -> None:
    def order(*sort: Any) -> list[tuple[str, Any]]:
        hits = alerts.search(index=ALIAS, sort=list(sort))["hits"]["hits"]
        return [(hit["_id"], hit["sort"][0]) for hit in hits]

    assert order({"n": "asc"}) == [("1", 5), ("2", 7), ("3", 2**63 - 1)]
    assert order({"n": {"order": "desc"}}) == [("2", 7), ("1", 5), ("3", -(2**63))]
    assert [each[0] for each in order({"n": {"order": "desc", "missing": "_first"}})] == ["3", "2", "1"]
    assert order({"n": {"missing": 6}}) == [("1", 5), ("3", 6), ("2", 7)]
    assert order({"host.name": "desc"}) == [("2", "b"), ("1", "a"), ("3", None)]
    assert order({"host.name": {"missing": "_first"}}) == [("3", None), ("1", "a"), ("2", "b")]
    assert order({"@timestamp": "desc"})[0] == ("1", 1772359200000)
    assert order({"tags": "asc"}) == [("1", "blue"), ("3", "green"), ("2", None)]
    assert order({"tags": {"order": "asc", "mode": "max"}})[0] == ("3", "green")
    assert order({STATUS: "asc"}, {"n": "desc"}) == [("2", "closed"), ("1", "open"), ("3", "open")]
    assert [each[1] for each in order({"nobody": {"unmapped_type": "keyword"}})] == [None] * 3
    with pytest.raises(BadRequestError, match="No mapping found for"):
        order("nobody")


def test_a_field_of_the_alert_mapping_needs_no_document_to_sort_by(alerts: Elasticsearch) -> None:
    hits = alerts.search(index=ALIAS, sort="kibana.alert.workflow_status_updated_at:desc")["hits"]["hits"]
    assert [hit["_id"] for hit in hits] == ["1", "2", "3"]


def test_source_filter_and_versions(alerts: Elasticsearch) -> None:
    def source(**how: Any) -> Any:
        return alerts.search(index=ALIAS, query={"ids": {"values": ["1"]}}, **how)["hits"]["hits"][0].get("_source")

    assert source(source_includes="kibana.alert.rule.name") == {"kibana.alert.rule.name": "Odd login"}
    assert source(source=["kibana.alert.rule"]) == {"kibana.alert.rule.name": "Odd login"}
    assert source(source=["event.*"]) == {"event": {"action": "x"}, "event.kind": "signal"}
    assert source(source=["host", "n"]) == {"host": {"name": "a"}, "n": 5}
    assert source(source={"includes": ["host", "event"], "excludes": ["event.k*", "host.name"]}) == {
        "event": {"action": "x"}
    }
    assert source(source=False) is None
    hit = alerts.search(index=ALIAS, seq_no_primary_term=True, version=True, size=1)["hits"]["hits"][0]
    assert (hit["_seq_no"], hit["_primary_term"], hit["_version"]) == (0, 1, 1)


def test_totals_scores_and_windows(alerts: Elasticsearch) -> None:
    def hits(**how: Any) -> Any:
        return alerts.search(index=ALIAS, **how)["hits"]

    assert hits(size=0) == {"total": {"value": 3, "relation": "eq"}, "max_score": None, "hits": []}
    assert hits(track_total_hits=2)["total"] == {"value": 2, "relation": "gte"}
    assert "total" not in hits(track_total_hits=False)
    assert [hit["_id"] for hit in hits(from_=1, size=1)["hits"]] == ["2"]
    assert hits()["max_score"] == 1.0
    assert hits(query={"bool": {"filter": []}})["hits"][0]["_score"] == 0.0
    assert hits(sort="n")["hits"][0]["_score"] is None
    with pytest.raises(BadRequestError, match="Result window is too large"):
        hits(from_=9_999, size=2)
    with pytest.raises(BadRequestError, match="cannot be negative"):
        hits(size=-1)
    with pytest.raises(BadRequestError, match="aggs"):
        hits(aggs={"x": {"terms": {"field": "n"}}})


def test_index_expressions(alerts: Elasticsearch) -> None:
    alerts.index(index="plain", id="p", document={})
    alerts.indices.create(index="secret", settings={"index": {"hidden": True}})
    alerts.index(index="secret", id="s", document={})

    def found(index: str | None, **how: Any) -> list[str]:
        return [hit["_id"] for hit in alerts.search(index=index, **how)["hits"]["hits"]]

    assert found(None) == found("_all") == found("*") == ["p"]
    assert found("plain,secret") == ["p", "s"]
    assert found("*", expand_wildcards="all") == ["1", "2", "3", "p", "s"]
    assert found("*,-pl*") == []
    assert found("plain,gone", ignore_unavailable=True) == ["p"]
    assert found("gone*") == []
    with pytest.raises(NotFoundError, match="index_not_found_exception"):
        found("gone*", allow_no_indices=False)
    with pytest.raises(NotFoundError, match="gone"):
        found("plain,gone")


def test_point_in_time_is_frozen_and_pages_with_a_tiebreak(client: Elasticsearch) -> None:
    helpers.bulk(client, ({"_index": ALIAS, "_id": f"{n:04}", "k": n % 3} for n in range(250)))
    pit = client.open_point_in_time(index=ALIAS, keep_alive="1m")["id"]
    client.index(index=ALIAS, id="late", document={"k": 0})
    client.delete(index=ALIAS, id="0000")
    seen: list[str] = []
    after = None
    while True:
        page = client.search(
            pit={"id": pit, "keep_alive": "1m"}, sort=[{"k": "desc"}], size=40, search_after=after,
            track_total_hits=after is None,
        )
        hits = page["hits"]["hits"]
        if not hits:
            break
        assert len(hits[0]["sort"]) == 2
        seen += [hit["_id"] for hit in hits]
        after = hits[-1]["sort"]
    assert seen == [f"{n:04}" for k in (2, 1, 0) for n in range(250) if n % 3 == k]
    assert client.close_point_in_time(id=pit)["num_freed"] == 1
    with pytest.raises(NotFoundError):
        client.close_point_in_time(id=pit)
    with pytest.raises(NotFoundError, match="No search context found"):
        client.search(pit={"id": pit})


def test_point_in_time_expires(client: Elasticsearch, node: Any) -> None:
    client.index(index=ALIAS, id="1", document={})
    pit = client.open_point_in_time(index=ALIAS, keep_alive="1m")["id"]
    node.clock.forward(seconds=50)
    client.search(pit={"id": pit, "keep_alive": "1m"})
    node.clock.forward(seconds=50)
    client.search(pit={"id": pit})
    node.clock.forward(seconds=11)
    with pytest.raises(NotFoundError, match="No search context found"):
        client.search(pit={"id": pit})


def test_misuse_of_points_and_search_after(alerts: Elasticsearch) -> None:
    pit = alerts.open_point_in_time(index=ALIAS, keep_alive="1m")["id"]
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: alerts.search(index=ALIAS, pit={"id": pit}), "Do not specify any index with point in time"),
        (lambda: alerts.search(index=ALIAS, sort="_shard_doc"), "without \\[point in time\\]"),
        (lambda: alerts.search(index=ALIAS, search_after=[1]), "Sort must contain at least one field"),
        (lambda: alerts.search(index=ALIAS, sort="n", search_after=[1, 2]), "search_after has 2 value"),
        (lambda: alerts.search(index=ALIAS, sort="n", search_after=["x"]), "Failed to parse search_after"),
        (lambda: alerts.open_point_in_time(index=ALIAS, keep_alive="soon"), "keep_alive"),
    ]
    for refused, words in calls:
        with pytest.raises(ApiError, match=words):
            refused()


def test_search_after_without_a_point(alerts: Elasticsearch) -> None:
    def after(value: Any) -> list[str]:
        hits = alerts.search(index=ALIAS, sort=[{"@timestamp": "desc"}], search_after=[value])["hits"]["hits"]
        return [hit["_id"] for hit in hits]

    assert after(1772359200000) == ["2", "3"]
    assert after("2026-02-28T10:00:00.500Z") == ["3"]


def test_twenty_thousand_alerts_stay_quick(node: Any, client: Elasticsearch) -> None:
    source = {**DOCS["1"], "kibana.alert.reason": "r" * 1500}
    with node.state.documents.writing() as writer:
        for n in range(20_000):
            writer.put(ALIAS, f"a{n}", {**source, "n": n, STATUS: "open" if n % 2 else "closed"})
    wanted = [f"a{n}" for n in range(0, 20_000, 40)]
    start = time.perf_counter()
    assert client.search(index=ALIAS, query={"terms": {"_id": wanted}}, size=1000)["hits"]["total"]["value"] == 500
    by_id = time.perf_counter() - start
    start = time.perf_counter()
    assert client.count(index=ALIAS, query={"term": {STATUS: "open"}})["count"] == 10_000
    scan = time.perf_counter() - start
    # Generous bounds: a slow machine must pass, a scan per id must not.
    assert by_id < 2
    assert scan < 15
