"""Documents, indices and aliases over HTTP, with Elastic's own client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from elasticsearch import ApiError, BadRequestError, ConflictError, Elasticsearch, NotFoundError, helpers

ALIAS = ".alerts-security.alerts-default"
CONCRETE = ".internal.alerts-security.alerts-default-000001"


def test_info_health_and_product_header(node: Any, client: Elasticsearch) -> None:
    assert client.info()["version"]["number"] == "8.19.0"
    assert client.ping()
    assert client.cluster.health(wait_for_status="green")["status"] == "green"
    answer = requests.get(node.url, timeout=5)
    assert answer.status_code == 401
    assert answer.headers["X-elastic-product"] == "Elasticsearch"
    assert "Basic realm" in answer.headers["WWW-Authenticate"]
    assert answer.json()["error"]["type"] == "security_exception"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/_nonsense/x/y/z", 400), ("PATCH", "/x/_search", 405), ("POST", "/", 405)]
)
def test_unknown_routes_answer_as_elasticsearch(node: Any, method: str, path: str, status: int) -> None:
    answer = requests.request(method, node.url + path, auth=("elastic", "changeme"), timeout=5)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["X-elastic-product"] == "Elasticsearch"


def test_media_types_are_echoed_and_checked(node: Any) -> None:
    kind = "application/vnd.elasticsearch+json;compatible-with=8"
    auth = ("elastic", "changeme")
    answer = requests.get(node.url, auth=auth, headers={"Accept": kind}, timeout=5)
    assert answer.headers["Content-Type"] == kind
    assert requests.get(node.url, auth=auth, timeout=5).headers["Content-Type"] == "application/json"
    refused = requests.post(
        f"{node.url}/x/_doc", data="a=1", auth=auth, headers={"Content-Type": "text/plain"}, timeout=5
    )
    assert refused.status_code == 406


def test_unknown_parameter_is_refused(node: Any) -> None:
    answer = requests.get(f"{node.url}/_search?sizze=3", auth=("elastic", "changeme"), timeout=5)
    assert answer.status_code == 400
    assert "unrecognized parameter: [sizze]" in answer.json()["error"]["reason"]


def test_life_of_a_document(client: Elasticsearch) -> None:
    first = client.index(index="things", id="a/b ü", document={"x": 1, "o": {"p": 1, "q": [1]}})
    assert (first["result"], first["_version"], first["_seq_no"], first["_primary_term"]) == ("created", 1, 0, 1)
    assert client.exists(index="things", id="a/b ü")
    changed = client.update(index="things", id="a/b ü", doc={"o": {"q": [2, 3]}, "y": None})
    assert (changed["result"], changed["_version"], changed["_seq_no"]) == ("updated", 2, 1)
    same = client.update(index="things", id="a/b ü", doc={"o": {"p": 1}})
    assert (same["result"], same["_version"]) == ("noop", 2)
    found = client.get(index="things", id="a/b ü")
    assert found["_source"] == {"x": 1, "o": {"p": 1, "q": [2, 3]}, "y": None}
    assert client.get_source(index="things", id="a/b ü", source_includes="x").body == {"x": 1}
    assert client.delete(index="things", id="a/b ü")["result"] == "deleted"
    assert not client.exists(index="things", id="a/b ü")
    with pytest.raises(NotFoundError) as missing:
        client.get(index="things", id="a/b ü")
    assert missing.value.body == {"_index": "things", "_id": "a/b ü", "found": False}


def test_automatic_ids_and_create(client: Elasticsearch) -> None:
    one, two = (client.index(index="things", document={})["_id"] for _ in range(2))
    assert one != two
    assert len(one) == 20
    client.create(index="things", id="1", document={"n": 1})
    with pytest.raises(ConflictError) as refused:
        client.create(index="things", id="1", document={"n": 2})
    assert "document already exists (current version [1])" in str(refused.value)


def test_optimistic_concurrency(client: Elasticsearch) -> None:
    client.index(index="things", id="1", document={"n": 1})
    seen = client.index(index="things", id="1", document={"n": 2})
    stale: Any = {"if_seq_no": 0, "if_primary_term": 1}
    writes: list[Callable[[], object]] = [
        lambda: client.index(index="things", id="1", document={}, **stale),
        lambda: client.update(index="things", id="1", doc={"n": 3}, **stale),
        lambda: client.delete(index="things", id="1", **stale),
    ]
    for write in writes:
        with pytest.raises(ConflictError) as refused:
            write()
        assert refused.value.body["error"]["type"] == "version_conflict_engine_exception"
        assert "required seqNo [0], primary term [1]. current document has seqNo [1]" in str(refused.value)
    client.update(index="things", id="1", doc={"n": 3}, if_seq_no=seen["_seq_no"], if_primary_term=1)
    assert client.get(index="things", id="1")["_source"] == {"n": 3}


def test_update_of_what_is_not_there(client: Elasticsearch) -> None:
    with pytest.raises(NotFoundError, match="index_not_found_exception"):
        client.update(index="things", id="1", doc={"n": 1})
    client.index(index="things", id="0", document={})
    with pytest.raises(NotFoundError, match="document_missing_exception"):
        client.update(index="things", id="1", doc={"n": 1})
    assert client.update(index="things", id="1", doc={"n": 1}, doc_as_upsert=True)["result"] == "created"
    assert client.update(index="things", id="2", doc={"n": 1}, upsert={"n": 9})["result"] == "created"
    assert client.get(index="things", id="2")["_source"] == {"n": 9}
    with pytest.raises(BadRequestError, match="script_lang not supported"):
        client.update(index="things", id="1", script={"source": "ctx.op = 'none'"})


def test_bulk_reports_each_item(client: Elasticsearch) -> None:
    client.index(index="things", id="1", document={"n": 1})
    client.index(index="things", id="2", document={"n": 1})
    answer = client.bulk(index="things", operations=[
        {"create": {"_id": "1"}}, {"n": 2},
        {"update": {"_id": "2", "if_seq_no": 0, "if_primary_term": 1}}, {"doc": {"n": 2}},
        {"update": {"_id": "2", "if_seq_no": 1, "if_primary_term": 1}}, {"doc": {"n": 2}},
        {"update": {"_id": "nobody"}}, {"doc": {"n": 2}},
        {"delete": {"_id": "nobody"}},
        {"index": {"_index": "other", "_id": "9"}}, {"n": 9},
    ])  # fmt: skip
    assert answer["errors"] is True
    outcomes = [next(iter(item.values())) for item in answer["items"]]
    assert [outcome["status"] for outcome in outcomes] == [409, 409, 200, 404, 404, 201]
    assert outcomes[1]["error"]["type"] == "version_conflict_engine_exception"
    assert "error" not in outcomes[4]
    assert client.get(index="other", id="9")["_source"] == {"n": 9}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"index":{"_index":"x"}}\n{"a":1}', "terminated by a newline"),
        (b'{"index":{"_index":"x"}}\n', "next line is missing"),
        (b'{"insert":{"_index":"x"}}\n{}\n', "Malformed action/metadata line [1]"),
        (b'{"index":{"_index":"x","_nonsense":1}}\n{}\n', "unknown parameter [_nonsense]"),
        (b'{"index":{}}\n{}\n', "index is missing"),
        (b"nonsense\n", "x_content_parse_exception"),
        (b"", "request body is required"),
    ],
)
def test_malformed_bulk_writes_nothing(node: Any, body: bytes, words: str) -> None:
    headers = {"Content-Type": "application/x-ndjson"}
    answer = requests.post(f"{node.url}/_bulk", data=body, headers=headers, auth=("elastic", "changeme"), timeout=5)
    assert answer.status_code == 400
    assert words in answer.text
    assert requests.get(f"{node.url}/x", auth=("elastic", "changeme"), timeout=5).status_code == 404


def test_hostile_json_is_a_400(node: Any) -> None:
    auth = ("elastic", "changeme")
    headers = {"Content-Type": "application/json"}
    deep = "[" * 5000 + "]" * 5000
    for body in ('{"a":' * 300 + "1" + "}" * 300, f'{{"a":{deep}}}', '{"a":NaN}', "{", "[]"):
        answer = requests.post(f"{node.url}/x/_doc", data=body, headers=headers, auth=auth, timeout=10)
        assert answer.status_code == 400, body[:20]
        assert answer.json()["status"] == 400


def test_lone_surrogates_are_data(client: Elasticsearch, node: Any) -> None:
    headers = {"Content-Type": "application/json"}
    auth = ("elastic", "changeme")
    answer = requests.put(
        f"{node.url}/x/_doc/1", data='{"a":"\\ud800"}', headers=headers, auth=auth, timeout=5
    )
    assert answer.status_code == 201
    assert requests.get(f"{node.url}/x/_doc/1", auth=auth, timeout=5).json()["_source"] == {"a": "\ud800"}
    refused = requests.post(
        f"{node.url}/_bulk", data='{"index":{"_index":"x","_id":"\\ud800"}}\n{}\n', auth=auth, timeout=5,
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert refused.json()["items"][0]["index"]["status"] == 400
    search = requests.post(
        f"{node.url}/x/_search", data='{"query":{"ids":{"values":["\\ud800"]}}}', headers=headers, auth=auth, timeout=5
    )
    assert search.json()["hits"]["hits"] == []


def test_alias_of_alerts_is_made_by_the_first_write(client: Elasticsearch) -> None:
    with pytest.raises(NotFoundError, match="no such index"):
        client.search(index=ALIAS)
    written = client.index(index=ALIAS, id="1", document={"kibana.alert.uuid": "1"})
    assert written["_index"] == CONCRETE
    assert client.indices.exists_alias(name=ALIAS)
    aliases = client.indices.get_alias(name=ALIAS)
    assert aliases.body == {CONCRETE: {"aliases": {ALIAS: {"is_write_index": True, "is_hidden": True}}}}
    assert client.get(index=ALIAS, id="1")["_index"] == CONCRETE
    assert client.search(index=".alerts-*")["hits"]["hits"][0]["_index"] == CONCRETE
    other = client.index(index=".alerts-observability.apm.alerts-soc", document={})
    assert other["_index"] == ".internal.alerts-observability.apm.alerts-soc-000001"
    assert client.count(index=".alerts-*")["count"] == 2
    assert client.count(index="*")["count"] == 0


def test_rollover_keeps_old_alerts_where_they_are(client: Elasticsearch) -> None:
    client.index(index=ALIAS, id="1", document={})
    second = CONCRETE.replace("000001", "000002")
    client.indices.create(index=second)
    client.indices.update_aliases(actions=[
        {"add": {"index": CONCRETE, "alias": ALIAS, "is_write_index": False}},
        {"add": {"index": second, "alias": ALIAS, "is_write_index": True}},
    ])  # fmt: skip
    assert client.index(index=ALIAS, id="2", document={})["_index"] == second
    assert client.count(index=ALIAS)["count"] == 2
    with pytest.raises(BadRequestError, match="more than one index associated"):
        client.get(index=ALIAS, id="1")
    docs = client.mget(docs=[{"_index": ALIAS, "_id": "1"}, {"_index": second, "_id": "2"}])["docs"]
    assert docs[0]["error"]["type"] == "illegal_argument_exception"
    assert docs[1]["found"]


def test_indices_and_their_errors(client: Elasticsearch) -> None:
    client.indices.create(index="made", mappings={"properties": {"d": {"type": "date"}}}, aliases={"nick": {}})
    assert client.indices.get_mapping(index="made")["made"]["mappings"]["properties"]["d"] == {"type": "date"}
    assert client.indices.exists(index="made")
    assert not client.indices.exists(index="unmade")
    with pytest.raises(BadRequestError, match="resource_already_exists_exception"):
        client.indices.create(index="made")
    for bad in ("UPPER", "_x", "a b", "x" * 256):
        with pytest.raises(BadRequestError, match="invalid_index_name_exception"):
            client.indices.create(index=bad)
    with pytest.raises(BadRequestError, match="matches an alias"):
        client.indices.delete(index="nick")
    with pytest.raises(BadRequestError, match="Wildcard expressions"):
        client.indices.delete(index="m*")
    client.indices.put_alias(index="made", name="other")
    client.indices.delete_alias(index="made", name="other")
    with pytest.raises(NotFoundError):
        client.indices.delete_alias(index="made", name="other")
    client.indices.delete(index="made")
    assert not client.indices.exists_alias(name="nick")
    with pytest.raises(NotFoundError):
        client.indices.delete(index="made")
    client.indices.delete(index="made", ignore_unavailable=True)


def test_mget(client: Elasticsearch) -> None:
    client.index(index="things", id="1", document={"a": 1, "b": 2})
    docs = client.mget(docs=[
        {"_index": "things", "_id": "1", "_source": ["a"]}, {"_index": "things", "_id": "2"},
        {"_index": "nowhere", "_id": "1"},
    ])["docs"]  # fmt: skip
    assert docs[0]["_source"] == {"a": 1}
    assert docs[0]["_seq_no"] == 0
    assert docs[1] == {"_index": "things", "_id": "2", "found": False}
    assert docs[2]["error"]["type"] == "index_not_found_exception"
    assert [doc["found"] for doc in client.mget(index="things", ids=["1", "3"])["docs"]] == [True, False]
    with pytest.raises(ApiError, match="no documents to get"):
        client.mget(docs=[])


def test_bulk_helper(client: Elasticsearch) -> None:
    actions = ({"_index": ALIAS, "_id": str(n), "_op_type": "create", "n": n} for n in range(1200))
    assert helpers.bulk(client, actions, refresh="wait_for") == (1200, [])
    assert client.count(index=ALIAS)["count"] == 1200
    done, errors = helpers.bulk(
        client, [{"_index": ALIAS, "_id": "5", "_op_type": "create"}], raise_on_error=False
    )
    assert done == 0
    assert isinstance(errors, list)
    assert errors[0]["create"]["status"] == 409
