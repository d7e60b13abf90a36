"""Detection alerts: what is sent, and the same against the embedded server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from json import loads
from typing import Any

import pytest
import requests
import responses

from kibcase import (
    BadRequestError,
    ConflictError,
    Kibana,
    LimitError,
    NotFoundError,
    Policy,
    ServerError,
    UnsupportedByStack,
    UpdatedAlerts,
)
from kibcase.server.app import CasesServer

URL = "http://kibana.test:5601"
BASE = f"{URL}/api/detection_engine/signals"
INDEX = ".internal.alerts-security.alerts-default-000001"
STATUS, TAGS = "kibana.alert.workflow_status", "kibana.alert.workflow_tags"


def updated(total: int = 1, **fields: Any) -> dict[str, Any]:
    return {"took": 5, "timed_out": False, "total": total, "updated": total, "batches": 1, "version_conflicts": 0,
            "noops": 0, "failures": [], **fields}


def bodies(remote: responses.RequestsMock) -> list[dict[str, Any]]:
    return [loads(call.request.body or b"{}") for call in remote.calls if "signals" in str(call.request.url)]


def test_the_status_goes_out_without_a_look_at_the_version(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{BASE}/status", json=updated(2))
    found = kibana.detections.set_status(["a1", "a2", "a1"], "closed")
    assert bodies(remote) == [{"signal_ids": ["a1", "a2"], "status": "closed"}]
    assert (found.total, found.updated, found.took_millis, found.complete) == (2, 2, 5, True)
    assert len(remote.calls) == 1


def test_a_reason_goes_only_to_stacks_that_take_it(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/status", json={"version": {"number": "9.1.3"}, "status": {"overall": {"level": "x"}}})
    with pytest.raises(UnsupportedByStack, match=r"reason needs stack 9\.2\.0"):
        kibana.detections.set_status("a1", "closed", reason="duplicate")
    assert bodies(remote) == []


def test_a_query_goes_as_it_is(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{BASE}/status", json=updated(3, updated=1, version_conflicts=2))
    found = kibana.detections.set_status_by_query({"match_all": {}}, "open", conflicts="proceed")
    assert bodies(remote) == [{"status": "open", "query": {"match_all": {}}, "conflicts": "proceed"}]
    assert not found.complete


@pytest.mark.parametrize("wrong", [
    lambda api: api.set_status(["a1"], "in-progress"),
    lambda api: api.set_status([], "open"),
    lambda api: api.set_status(["a1", " "], "open"),
    lambda api: api.set_status(["a1"], "open", reason="other"),
    lambda api: api.set_status_by_query({}, "closed", reason=""),
    lambda api: api.change_tags(["a1"]),
    lambda api: api.change_tags(["a1"], add="x", remove=["y", "x"]),
    lambda api: api.change_tags(["a1"], add=[""]),
    lambda api: api.change_assignees([], add=["u1"]),
    lambda api: api.change_assignees("a1", add=["u1"], remove="u1"),
    lambda api: api.search(size=-1),
    lambda api: api.search(since=datetime(2026, 1, 1)),  # noqa: DTZ001 - on purpose
    lambda api: api.iter(page=0),
])
def test_what_kibana_would_refuse_is_not_sent(kibana: Kibana, wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"status of an alert|no \w+ |blank|reason|at once|at least|time zone"):
        wrong(kibana.detections)


@pytest.mark.parametrize("wrong", [
    lambda api: api.search(size=10_001),
    lambda api: api.iter(page=10_001),
    lambda api: api.set_status("a1", "closed", reason="x" * 1025),
    lambda api: api.change_tags("a" * 2**20, add="x"),
])
def test_limits_are_checked_before(kibana: Kibana, wrong: Any) -> None:
    with pytest.raises(LimitError):
        wrong(kibana.detections)


def test_tags_and_people_go_as_lists(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{BASE}/tags", json=updated())
    remote.post(f"{BASE}/assignees", json=updated())
    kibana.detections.change_tags("a1", add="seen", remove=["new", "new"])
    kibana.detections.change_assignees(["a1"], remove="u1")
    assert bodies(remote) == [
        {"ids": ["a1"], "tags": {"tags_to_add": ["seen"], "tags_to_remove": ["new"]}},
        {"ids": ["a1"], "assignees": {"add": [], "remove": ["u1"]}},
    ]


def test_many_ids_go_in_requests_below_a_mebibyte(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{BASE}/tags", json=updated(10, failures=[{"id": "x"}]))
    ids = [f"{number:064}" for number in range(20_000)]
    found = kibana.detections.change_tags(ids, add=["t" * 1000])
    sent = bodies(remote)
    assert [each for body in sent for each in body["ids"]] == ids
    assert len(sent) == 2
    assert all(len(call.request.body or b"") <= 2**20 for call in remote.calls)
    assert (found.total, len(found.failures), found.complete) == (20, 2, False)


def test_ids_are_never_more_than_elasticsearch_takes(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{BASE}/status", json=updated())
    kibana.detections.set_status([str(number) for number in range(70_000)], "open")
    assert [len(body["signal_ids"]) for body in bodies(remote)] == [65_536, 4464]


def test_a_later_failure_is_raised(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{BASE}/status", json=updated())
    remote.post(f"{BASE}/status", status=409, json={"message": "version conflict", "status_code": 409})
    with pytest.raises(ConflictError, match="version conflict"):
        kibana.detections.set_status([str(number) for number in range(70_000)], "open")


def test_a_change_is_not_repeated_and_a_search_is(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{BASE}/status", status=503, json={"message": "busy", "status_code": 503})
    with pytest.raises(ServerError):
        kibana.detections.set_status("a1", "open")
    assert len(bodies(remote)) == 1
    remote.post(f"{BASE}/search", status=503, json={"message": "busy", "status_code": 503})
    remote.post(f"{BASE}/search", json={"hits": {"hits": []}})
    assert kibana.detections.search().alerts == []


def test_a_list_of_messages_is_told(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{BASE}/tags", status=400, json={"message": ["Duplicate tags"], "status_code": 400})
    with pytest.raises(BadRequestError, match="Duplicate tags"):
        kibana.detections.change_tags("a1", add="x")


def test_a_search_sends_what_was_asked_and_no_more(kibana: Kibana, remote: responses.RequestsMock) -> None:
    hit = {"_id": "a1", "_index": INDEX, "_score": None, "fields": {"host.name": ["ws"]}, "sort": [1]}
    remote.post(f"{BASE}/search", json={
        "took": 3, "timed_out": False, "hits": {"total": {"value": 9, "relation": "eq"}, "hits": [hit]},
        "aggregations": {"x": {"value": 1}},
    })
    found = kibana.detections.search(
        ids="a1", status="acknowledged", rule=["r1"], since="now-1h", query={"term": {"host.name": "ws"}}, size=5,
        sort=["kibana.alert.uuid"], source=False, fields=["host.name"], aggs={"x": {"max": {"field": "f"}}},
        track_total_hits=False,
    )
    (body,) = bodies(remote)
    filters = body.pop("query")["bool"]["filter"]
    assert filters[0] == {"ids": {"values": ["a1"]}}
    assert filters[1] == {"terms": {STATUS: ["acknowledged", "in-progress"]}}
    assert filters[-1] == {"term": {"host.name": "ws"}}
    assert body == {
        "size": 5, "sort": ["kibana.alert.uuid"], "_source": False, "track_total_hits": False, "fields": ["host.name"],
        "aggs": {"x": {"max": {"field": "f"}}},
    }
    (alert,) = found.alerts
    assert (alert.id, alert.index, found.total, found.aggregations) == ("a1", INDEX, 9, {"x": {"value": 1}})
    assert found.hits.hits[0].fields_found == {"host.name": ["ws"]}


def test_nothing_added_up_is_nothing() -> None:
    assert UpdatedAlerts.combined([]).total == 0


class Alerts:
    """Writes alerts to the embedded server, as a detection rule does."""

    def __init__(self, server: CasesServer) -> None:
        self._url = f"{server.elasticsearch_url}/{INDEX}/_doc"

    def put(self, identifier: str, at: str | None = "2026-03-01T10:00:00.000Z", **fields: Any) -> None:
        timed = {} if at is None else {"@timestamp": at}
        source = {"kibana.alert.uuid": identifier, STATUS: "open", **timed, **fields}
        auth = ("elastic", "changeme")
        requests.put(f"{self._url}/{identifier}", json=source, auth=auth, timeout=10).raise_for_status()


@pytest.fixture
def server() -> Iterator[CasesServer]:
    with CasesServer(stack_version="9.5.0") as running:
        yield running


@pytest.fixture
def alerts(server: CasesServer) -> Alerts:
    return Alerts(server)


@pytest.fixture
def live(server: CasesServer) -> Iterator[Kibana]:
    with Kibana(
        server.kibana_url, username="elastic", password="changeme", retry=Policy(base=0.0), proxies={},
        timeout=(5.0, 10.0),
    ) as opened:
        yield opened


def test_alerts_are_closed_tagged_assigned_and_found(live: Kibana, alerts: Alerts) -> None:
    for name in ("a1", "a2", "a3"):
        alerts.put(name)
    assert live.detections.set_status(["a1", "a2", "gone"], "closed", reason="false_positive").updated == 2
    live.detections.change_tags(["a1"], add=["seen", "noise"])
    live.detections.change_tags(["a1"], remove="noise")
    live.detections.change_assignees(["a1"], add="u_1")
    found = live.detections.search(status="closed", since="2026-02-01", query={"term": {TAGS: "seen"}})
    (alert,) = found.alerts
    assert (alert.id, alert.status, found.total) == ("a1", "closed", 1)
    assert alert.field("kibana.alert.workflow_reason") == ["false_positive"]
    assert alert.field("kibana.alert.workflow_assignee_ids") == ["u_1"]
    assert alert.field(TAGS) == ["seen"]


def test_a_query_closes_what_it_matches(live: Kibana, alerts: Alerts) -> None:
    alerts.put("a1", host={"name": "ws"})
    alerts.put("a2")
    assert live.detections.set_status_by_query({"term": {"host.name": "ws"}}, "acknowledged").updated == 1
    assert [alert.id for alert in live.detections.search(status="acknowledged").alerts] == ["a1"]


def test_an_unknown_reason_and_a_space_without_alerts_are_told(live: Kibana) -> None:
    with pytest.raises(BadRequestError, match="invalid closing reason"):
        live.detections.set_status("a1", "closed", reason="bored")
    with pytest.raises(NotFoundError, match="no such index"):
        live.detections.change_tags("a1", add="x")
    assert live.detections.set_status("a1", "closed").total == 0
    assert list(live.detections.iter()) == []


@pytest.mark.parametrize("page", [1, 2, 3, 4, 7, 50])
def test_every_alert_comes_once_whatever_the_size_of_a_page(live: Kibana, alerts: Alerts, page: int) -> None:
    times = [*["2026-03-01T10:00:00.000Z"] * 4, "2026-03-01T10:00:00.001Z", None, None, None]
    for number, at in enumerate(times):
        alerts.put(f"a{number}", at)
    found = [alert.id for alert in live.detections.iter(page=page)]
    assert sorted(found) == [f"a{number}" for number in range(8)]
    assert found[4] == "a4"


def test_alerts_may_be_closed_while_they_are_read(live: Kibana, alerts: Alerts) -> None:
    for number in range(5):
        alerts.put(f"a{number}", f"2026-03-01T10:00:0{number // 2}.000Z")
    seen = []
    for alert in live.detections.iter(status="open", page=2):
        seen.append(alert.id)
        live.detections.set_status(alert.id, "closed")
    assert seen == [f"a{number}" for number in range(5)]
    assert live.detections.search(status="open").total == 0
