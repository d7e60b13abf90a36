"""The detection alerts API over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.app import CasesServer
from kibcase.server.elasticsearch.detections import TAGS, StatusChange, with_list
from kibcase.server.users import ApiKey, User

INDEX = ".internal.alerts-security.alerts-{}-000001"
STATUS, REASON = "kibana.alert.workflow_status", "kibana.alert.workflow_reason"
USER, STAMP = "kibana.alert.workflow_user", "kibana.alert.workflow_status_updated_at"
ASSIGNEES = "kibana.alert.workflow_assignee_ids"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Security:
    """Speaks to both faces of one server; ``auth`` is a user name, whose password is the same word twice."""

    def __init__(self, server: CasesServer) -> None:
        self.server = server

    def post(self, name: str, body: Any, *, user: str = "ana", space: str = "", **headers: str) -> requests.Response:
        url = f"{self.server.kibana_url}{f'/s/{space}' if space else ''}/api/detection_engine/signals{name}"
        auth = None if "authorization" in headers else (user, user * 2)
        return requests.post(url, json=body, auth=auth, headers={"kbn-xsrf": "t", **headers}, timeout=10)

    def ok(self, name: str, body: Any, **more: str) -> dict[str, Any]:
        response = self.post(name, body, **more)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def refused(self, name: str, body: Any, status: int, **more: str) -> Any:
        response = self.post(name, body, **more)
        assert response.status_code == status, response.text
        return response.json()

    def alert(self, identifier: str, *, space: Any = "default", **fields: Any) -> None:
        source = {"@timestamp": "2026-03-01T10:00:00.000Z", "kibana.alert.uuid": identifier, STATUS: "open", **fields}
        url = f"{self.server.elasticsearch_url}/{INDEX.format(space)}/_doc/{identifier}"
        requests.put(url, json=source, auth=("ana", "anaana"), timeout=10).raise_for_status()

    def document(self, identifier: str, *, space: str = "default") -> dict[str, Any]:
        url = f"{self.server.elasticsearch_url}/{INDEX.format(space)}/_doc/{identifier}"
        found: dict[str, Any] = requests.get(url, auth=("ana", "anaana"), timeout=10).json()
        return found

    def source(self, identifier: str) -> dict[str, Any]:
        source: dict[str, Any] = self.document(identifier)["_source"]
        return source

    def kibana(self, path: str, body: Any) -> None:
        headers = {"kbn-xsrf": "t", "x-elastic-internal-origin": "t"}
        url = self.server.kibana_url + path
        requests.post(url, json=body, auth=("ana", "anaana"), headers=headers, timeout=10).raise_for_status()


def privileged(**feature: list[str]) -> Any:
    return [{"feature": feature, "spaces": ["*"]}]


@pytest.fixture
def start() -> Iterator[Callable[..., Security]]:
    users: dict[str, str | User] = {
        "ana": User(password="anaana", profile_uid="u_ana_0"),
        "bob": "bobbob",
        "sees": User(password="seessees", privileges=privileged(siemV2=["read"])),
        "acts": User(password="actsacts", privileges=privileged(siemV5=["all"])),
        "cases": User(password="casescases", privileges=privileged(securitySolutionCasesV3=["all"], siemplify=["all"])),
        "elsewhere": User(
            password="elsewhereelsewhere", privileges=[{"base": ["all"], "spaces": ["soc"]}]
        ),
    }
    keys = {"k:secret": ApiKey(user="ana", privileges=privileged(securitySolutionAlertsV1=["read"]))}
    with ExitStack() as stack:
        yield lambda version="9.5.0": Security(stack.enter_context(
            CasesServer(stack_version=version, users=users, api_keys=keys, clock=lambda: NOW)
        ))


@pytest.fixture
def security(start: Callable[..., Security]) -> Security:
    return start()


def test_the_status_is_set_by_ids(security: Security) -> None:
    security.alert("a1")
    security.alert("a2")
    answer = security.ok("/status", {"signal_ids": ["a1", "gone"], "status": "acknowledged"})
    took = answer.pop("took")
    assert isinstance(took, int)
    assert answer == {
        "timed_out": False, "total": 1, "updated": 1, "deleted": 0, "batches": 1, "version_conflicts": 0, "noops": 0,
        "retries": {"bulk": 0, "search": 0}, "throttled_millis": 0, "requests_per_second": -1,
        "throttled_until_millis": 0, "failures": [],
    }
    source = security.source("a1")
    assert (source[STATUS], source[USER], source[STAMP]) == ("acknowledged", "u_ana_0", "2026-03-01T12:00:00.000Z")
    assert security.source("a2")[STATUS] == "open"


def test_the_status_is_set_by_query(security: Security) -> None:
    for number in range(3):
        security.alert(f"a{number}", **{"host.name": f"ws-{number % 2}"})
    body = {"query": {"term": {"host.name": "ws-0"}}, "status": "closed", "conflicts": "proceed"}
    assert security.ok("/status", body)["updated"] == 2
    assert [security.source(f"a{number}")[STATUS] for number in range(3)] == ["closed", "open", "closed"]


def test_ids_go_before_a_query(security: Security) -> None:
    security.alert("a1")
    security.alert("a2")
    body = {"signal_ids": ["a1"], "query": {"match_all": {}}, "status": "closed"}
    assert security.ok("/status", body)["total"] == 1


def test_who_has_no_profile_leaves_no_name(security: Security) -> None:
    security.alert("a1", **{USER: "u_before"})
    security.ok("/status", {"signal_ids": ["a1"], "status": "in-progress"}, user="bob")
    assert security.source("a1")[USER] is None
    assert security.source("a1")[STATUS] == "in-progress"


def test_an_alert_that_has_the_status_is_written_again_and_keeps_what_it_has(security: Security) -> None:
    security.alert("a1", **{STATUS: "closed", REASON: "duplicate"})
    before = security.document("a1")
    answer = security.ok("/status", {"signal_ids": ["a1"], "status": "closed", "reason": "other"})
    assert (answer["updated"], answer["noops"]) == (1, 0)
    after = security.document("a1")
    assert after["_source"] == before["_source"]
    assert after["_version"] == before["_version"] + 1


def test_a_reason_is_kept_while_the_alert_is_closed(security: Security) -> None:
    security.alert("a1")
    security.ok("/status", {"signal_ids": ["a1"], "status": "closed", "reason": "false_positive"})
    assert security.source("a1")[REASON] == "false_positive"
    security.ok("/status", {"signal_ids": ["a1"], "status": "open", "reason": "not looked at"})
    assert REASON not in security.source("a1")


def test_an_unknown_reason_is_refused_and_a_configured_one_is_not(security: Security) -> None:
    security.alert("a1")
    body = {"signal_ids": ["a1"], "status": "closed", "reason": "red team"}
    assert security.refused("/status", body, 400) == {
        "message": "red team is an invalid closing reason.", "status_code": 400,
    }
    changes = {"securitySolution:detectionsCloseReasons": ["red team"]}
    security.kibana("/internal/kibana/settings", {"changes": changes})
    security.ok("/status", body)
    assert security.source("a1")[REASON] == "red team"


def test_older_stacks_know_no_reason(start: Callable[..., Security]) -> None:
    security = start("9.1.0")
    security.alert("a1", **{REASON: "duplicate"})
    security.ok("/status", {"signal_ids": ["a1"], "status": "closed", "reason": 5})
    assert security.source("a1")[REASON] == "duplicate"


def test_a_legacy_signal_is_kept_in_step(security: Security) -> None:
    security.alert("a1", signal={"status": "open", "rule": {"name": "r"}})
    security.ok("/status", {"signal_ids": ["a1"], "status": "acknowledged"})
    assert security.source("a1")["signal"] == {"status": "acknowledged", "rule": {"name": "r"}}


@pytest.mark.parametrize(("body", "message"), [
    ({}, "signal_ids: Required, status: Required, query: Required, status: Required"),
    ({"signal_ids": ["a"]}, "status: Required, query: Required, status: Required"),
    ({"status": "open"}, "signal_ids: Required, query: Required"),
    ({"signal_ids": [], "status": "open"}, "signal_ids: Array must contain at least 1 element(s)"),
    (
        {"signal_ids": [" "], "query": 1, "status": "open"}, "signal_ids.0: No empty strings allowed",
    ),
    (
        {"query": {}, "status": "open", "conflicts": "wait"},
        "signal_ids: Required, conflicts: Invalid enum value. Expected 'abort' | 'proceed', received 'wait'",
    ),
    ([], "Expected object, received array, Expected object, received array"),
    (
        {"signal_ids": 1, "status": None, "query": True, "reason": {}},
        (
            "signal_ids: Expected array, received number, status: Expected 'open' | 'closed' | 'acknowledged' | "
            "'in-progress', received null, reason: Expected string, received object, query: Expected object, received "
            "boolean, status: Expected 'open' | 'closed' | 'acknowledged' | 'in-progress', received null, and 1 more"
        ),
    ),
])
def test_what_is_no_change_of_status_is_refused(security: Security, body: Any, message: str) -> None:
    assert security.refused("/status", body, 400) == {
        "statusCode": 400, "error": "Bad Request", "message": f"[request body]: {message}",
    }


def test_no_body_at_all_is_refused(security: Security) -> None:
    url = f"{security.server.kibana_url}/api/detection_engine/signals/tags"
    response = requests.post(url, auth=("ana", "anaana"), headers={"kbn-xsrf": "t"}, timeout=10)
    assert response.status_code == 400
    assert response.json()["message"] == "[request body]: Expected object, received null"


def test_a_query_that_elasticsearch_refuses_says_so(security: Security) -> None:
    security.alert("a1")
    answer = security.refused("/status", {"query": {"fuzz": {}}, "status": "open"}, 400)
    assert answer == {"message": "parsing_exception: unknown query [fuzz]", "status_code": 400}


def test_tags_are_added_and_removed_in_order(security: Security) -> None:
    security.alert("a1", **{TAGS: ["b", "a"]})
    security.alert("a2")
    tags = {"tags_to_add": ["c", "a", "c"], "tags_to_remove": ["b"]}
    assert security.ok("/tags", {"ids": ["a1", "a2"], "tags": tags})["updated"] == 2
    assert security.source("a1")[TAGS] == ["a", "c"]
    assert security.source("a2")[TAGS] == ["c", "a"]
    assert STAMP not in security.source("a1")


def test_the_same_tag_is_not_added_and_removed(security: Security) -> None:
    body = {"ids": ["a1"], "tags": {"tags_to_add": ["x", "y"], "tags_to_remove": ["y"]}}
    assert security.refused("/tags", body, 400) == {
        "message": ['Duplicate tags ["y"] were found in the tags_to_add and tags_to_remove parameters.'],
        "status_code": 400,
    }


def test_people_are_assigned_and_unassigned(security: Security) -> None:
    security.alert("a1", **{ASSIGNEES: ["u_1"]})
    security.ok("/assignees", {"ids": ["a1"], "assignees": {"add": ["u_2"], "remove": ["u_1", "u_9"]}})
    assert security.source("a1")[ASSIGNEES] == ["u_2"]


def test_nobody_is_assigned_and_unassigned_at_once(security: Security) -> None:
    body = {"ids": ["a1"], "assignees": {"add": ["u_1"], "remove": ["u_1"]}}
    assert security.refused("/assignees", body, 400) == {
        "message": ['Duplicate assignees ["u_1"] were found in the add and remove parameters.'], "status_code": 400,
    }


@pytest.mark.parametrize(("name", "body", "message"), [
    ("/tags", {"tags": {}}, "tags.tags_to_add: Required, tags.tags_to_remove: Required, ids: Required"),
    ("/assignees", {"ids": []}, "assignees: Required, ids: Array must contain at least 1 element(s)"),
    (
        "/assignees", {"ids": [""], "assignees": {"add": [], "remove": []}},
        "ids.0: String must contain at least 1 character(s), ids.0: No empty strings allowed",
    ),
    ("/search", {"size": -1}, "size: Number must be greater than or equal to 0"),
    ("/search", {"size": 1.5}, "size: Expected integer, received float"),
    (
        "/search", {"_source": 5, "query": []},
        (
            "query: Expected object, received array, _source: Expected boolean, received number, "
            "_source: Expected string, received number, _source: Expected array, received number"
        ),
    ),
    (
        "/search", {"sort": 1},
        (
            "sort: Expected array, received number, sort: Expected string, received number, "
            "sort: Expected object, received number"
        ),
    ),
])
def test_malformed_bodies_are_refused(security: Security, name: str, body: Any, message: str) -> None:
    assert security.refused(name, body, 400)["message"] == f"[request body]: {message}"


@pytest.mark.parametrize(("name", "body"), [
    ("/tags", {"ids": ["a1"], "tags": {"tags_to_add": ["x"], "tags_to_remove": []}}),
    ("/assignees", {"ids": ["a1"], "assignees": {"add": ["u"], "remove": []}}),
])
def test_lists_of_a_space_without_alerts_are_not_found(security: Security, name: str, body: Any) -> None:
    answer = security.refused(name, body, 404)
    assert answer == {
        "message": "index_not_found_exception: no such index [.alerts-security.alerts-default]", "status_code": 404,
    }


def test_status_and_search_of_a_space_without_alerts_find_nothing(security: Security) -> None:
    assert security.ok("/status", {"query": {"match_all": {}}, "status": "closed"})["total"] == 0
    found = security.ok("/search", {"size": 1, "aggs": {"all": {"terms": {"field": "host.name"}}}})
    assert found["hits"] == {"total": {"value": 0, "relation": "eq"}, "max_score": None, "hits": []}
    assert "aggregations" not in found


def test_spaces_are_apart(security: Security) -> None:
    security.kibana("/api/spaces/space", {"id": "soc", "name": "SOC"})
    security.alert("a1", space="soc")
    security.alert("a1")
    security.ok("/status", {"signal_ids": ["a1"], "status": "closed"}, space="soc")
    assert security.source("a1")[STATUS] == "open"
    assert security.document("a1", space="soc")["_source"][STATUS] == "closed"
    answer = security.refused("/search", {"size": 1}, 404, space="nowhere")
    assert answer["message"].endswith("[space/nowhere] not found")


def test_a_search_gives_what_elasticsearch_gives(security: Security) -> None:
    for number in range(12):
        security.alert(f"a{number:02}", host={"name": f"ws-{number}"})
    sort = [{"kibana.alert.uuid": "desc"}]
    found = security.ok("/search", {"query": {"match_all": {}}, "sort": sort, "_source": ["host.name"], "size": 2})
    assert [(hit["_id"], hit["_source"], hit["sort"]) for hit in found["hits"]["hits"]] == [
        ("a11", {"host": {"name": "ws-11"}}, ["a11"]), ("a10", {"host": {"name": "ws-10"}}, ["a10"]),
    ]
    assert found["hits"]["total"] == {"value": 12, "relation": "eq"}
    assert found["_shards"]["total"] == 1
    assert len(security.ok("/search", {"track_total_hits": True})["hits"]["hits"]) == 10


def test_fields_are_flat_lists(security: Security) -> None:
    security.alert("a1", host={"name": "ws", "ip": ["1", "2"]}, note="x")
    body = {"_source": False, "fields": ["host.*", "kibana.alert.uuid"], "search_after": ["ignored"]}
    (hit,) = security.ok("/search", body)["hits"]["hits"]
    assert hit["fields"] == {"host.name": ["ws"], "host.ip": ["1", "2"], "kibana.alert.uuid": ["a1"]}
    assert "_source" not in hit


def test_an_empty_search_is_refused(security: Security) -> None:
    bodies: list[dict[str, Any]] = [{}, {"runtime_mappings": {}}, {"unknown": 1}]
    for body in bodies:
        assert security.refused("/search", body, 400) == {
            "message": '"value" must have at least 1 children', "status_code": 400,
        }


def test_runtime_fields_are_not_pretended(security: Security) -> None:
    security.alert("a1")
    body = {"size": 0, "runtime_mappings": {"x": {"type": "keyword"}}}
    assert "runtime" in security.refused("/search", body, 400)["message"]


def test_alerts_are_counted_in_buckets(security: Security) -> None:
    hosts = ["b", "a", "b", None]
    for number, host in enumerate(hosts):
        named = {} if host is None else {"host.name": host}
        security.alert(f"a{number}", **named, **{"kibana.alert.risk_score": 10 * number})
    aggs = {
        "hosts": {"terms": {"field": "host.name", "size": 1}, "aggs": {"worst": {"max": {
            "field": "kibana.alert.risk_score",
        }}}},
        "by_name": {"terms": {"field": "host.name", "order": {"_key": "asc"}}},
        "nameless": {"missing": {"field": "host.name"}},
        "names": {"cardinality": {"field": "host.name"}},
        "first": {"min": {"field": "@timestamp"}},
        "low": {"filter": {"range": {"kibana.alert.risk_score": {"lte": 10}}}},
        "mean": {"avg": {"field": "kibana.alert.risk_score"}},
    }
    found = security.ok("/search", {"size": 0, "aggs": aggs})["aggregations"]
    assert found["hosts"] == {
        "doc_count_error_upper_bound": 0, "sum_other_doc_count": 1,
        "buckets": [{"key": "b", "doc_count": 2, "worst": {"value": 20.0}}],
    }
    assert [bucket["key"] for bucket in found["by_name"]["buckets"]] == ["a", "b"]
    assert (found["nameless"], found["names"], found["low"]) == ({"doc_count": 1}, {"value": 2}, {"doc_count": 2})
    assert found["first"]["value_as_string"] == "2026-03-01T10:00:00.000Z"
    assert found["mean"] == {"value": 15.0}


def test_a_date_beyond_the_calendar_is_a_number(security: Security) -> None:
    security.alert("a1", **{"@timestamp": 10**15})
    aggs = {"when": {"terms": {"field": "@timestamp"}}, "last": {"max": {"field": "@timestamp"}}}
    found = security.ok("/search", {"size": 0, "aggs": aggs})["aggregations"]
    assert found["when"]["buckets"] == [{"key": 10**15, "doc_count": 1}]
    assert found["last"] == {"value": 1e15}


@pytest.mark.parametrize(("aggs", "message"), [
    ({"x": {"nosuchagg": {}}}, "Unknown aggregation type [nosuchagg]"),
    ({"x": {}}, "Missing definition for aggregation [x]"),
    ({"x": {"terms": {}}}, "[terms] requires a [field]"),
    ({"x": {"terms": {"field": "host.name", "size": 0}}}, "[size] must be greater than 0. Found [0]"),
    ({"x": {"terms": {"field": "message"}}}, "it is text"),
    ({"x": {"max": {"field": "host.name"}}}, "not supported for [max]"),
])
def test_unknown_aggregations_are_refused(security: Security, aggs: Any, message: str) -> None:
    security.alert("a1", **{"host.name": "ws", "message": "a text"})
    answer = security.refused("/search", {"aggs": aggs}, 400)
    assert message in answer["message"]
    assert answer["status_code"] == 400


CHANGES = [
    ("/status", {"signal_ids": ["a1"], "status": "closed"}),
    ("/tags", {"ids": ["a1"], "tags": {"tags_to_add": ["x"], "tags_to_remove": []}}),
    ("/assignees", {"ids": ["a1"], "assignees": {"add": ["u"], "remove": []}}),
]


@pytest.mark.parametrize(("name", "body"), [*CHANGES, ("/search", {"size": 1})])
@pytest.mark.parametrize("user", ["cases", "elsewhere"])
def test_who_may_not_see_security_is_refused(start: Callable[..., Security], name: str, body: Any, user: str) -> None:
    security = start("9.1.0")
    assert security.refused(name, body, 403, user=user) == {
        "statusCode": 403, "error": "Forbidden",
        "message": f"API [POST /api/detection_engine/signals{name}] is unauthorized for user, this action is granted "
        "by the Kibana privileges [securitySolution]",
    }


@pytest.mark.parametrize(("name", "body"), CHANGES)
def test_who_may_only_read_searches_and_changes_nothing(security: Security, name: str, body: Any) -> None:
    security.alert("a1")
    assert security.ok("/search", {"size": 1}, user="sees")["hits"]["total"]["value"] == 1
    before = security.document("a1")
    assert security.refused(name, body, 403, user="sees")["message"].endswith("Kibana privileges [alerts-all]")
    assert security.document("a1") == before
    security.ok(name, body, user="acts")


def test_older_stacks_let_elasticsearch_refuse(start: Callable[..., Security]) -> None:
    answer = start("9.1.0").refused("/status", CHANGES[0][1], 403, user="sees")
    assert answer["status_code"] == 403
    assert "is unauthorized for user [sees]" in answer["message"]


def test_a_key_has_no_more_than_it_was_given(security: Security) -> None:
    key = "ApiKey azpzZWNyZXQ="
    security.alert("a1")
    security.ok("/search", {"size": 1}, authorization=key)
    security.refused("/status", CHANGES[0][1], 403, authorization=key)


def test_strangers_and_forgers_are_refused(security: Security) -> None:
    url = f"{security.server.kibana_url}/api/detection_engine/signals/status"
    assert requests.post(url, json={}, headers={"kbn-xsrf": "t"}, timeout=10).status_code == 401
    assert "kbn-xsrf" in requests.post(url, json={}, auth=("ana", "anaana"), timeout=10).json()["message"]


WORDS = st.lists(st.sampled_from("abcdef"), max_size=6)


@given(stored=st.none() | WORDS, add=WORDS, remove=WORDS)
def test_a_list_holds_what_was_added_once_and_nothing_that_was_removed(
    stored: list[str] | None, add: list[str], remove: list[str]
) -> None:
    result = with_list({} if stored is None else {TAGS: stored}, TAGS, add=add, remove=remove)[TAGS]
    assert set(add) <= set(result) <= set(stored or ()) | set(add)
    assert not (set(remove) - set(add)) & set(result)
    kept = [each for each in stored or () if each not in remove]
    assert result[: len(kept)] == kept


@given(before=st.none() | st.sampled_from(["open", "closed"]), status=st.sampled_from(["open", "closed"]))
def test_a_change_of_status_is_made_once(before: str | None, status: str) -> None:
    source = {} if before is None else {STATUS: before, REASON: "other"}
    change = StatusChange(status=status, user="u", stamp="t")
    once = change.apply(source)
    assert change.apply(once) == once
    assert once.get(STATUS) == (None if before is None else status)
    assert source == ({} if before is None else {STATUS: before, REASON: "other"})
