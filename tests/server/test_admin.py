"""Faults and the log, dialled in over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from kibcase.server.app import CasesServer
from kibcase.server.users import User

ROOT = ("elastic", "changeme")
ANA = ("ana", "word-of-ana")
Send = Callable[..., requests.Response]
CASE = {
    "title": "Beacon", "description": "Seen.", "tags": [], "owner": "cases", "settings": {"syncAlerts": True},
    "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
}


@pytest.fixture
def server() -> Iterator[CasesServer]:
    everything = User(password="word-of-ana", privileges=[{"base": ["all"]}])
    with CasesServer(users={"elastic": "changeme", "ana": everything}) as running:
        yield running


@pytest.fixture(params=["kibana", "elasticsearch"])
def face(request: pytest.FixtureRequest, server: CasesServer) -> str:
    url: str = getattr(server, f"{request.param}_url")
    return url


@pytest.fixture
def kibana(server: CasesServer) -> Send:
    def send(method: str, path: str, *, fault: str | None = None, **more: Any) -> requests.Response:
        headers = {"kbn-xsrf": "t"} | ({"x-kibcase-fault": fault} if fault else {})
        more.setdefault("auth", ROOT)
        return requests.request(method, server.kibana_url + path, headers=headers, timeout=10, **more)

    return send


def total(kibana: Send) -> int:
    count: int = kibana("GET", "/api/cases/_find").json()["total"]
    return count


@pytest.mark.parametrize(("status", "error", "message", "retry_after"), [
    (409, "Conflict", "This case has been updated. Please refresh before saving additional updates.", None),
    (429, "Too Many Requests", "Too Many Requests", None),
    (500, "Internal Server Error", "An internal server error occurred. Check Kibana server logs for details.", None),
    (503, "Service Unavailable", "Kibana server is not ready yet", "30"),
])
def test_a_status_by_header(
    kibana: Send, status: int, error: str, message: str, retry_after: str | None
) -> None:
    answer = kibana("POST", "/api/cases", json=CASE, fault=f"status={status}")
    assert answer.status_code == status
    assert answer.json() == {"statusCode": status, "error": error, "message": message}
    assert answer.headers.get("retry-after") == retry_after
    assert total(kibana) == 0


def test_a_conflict_names_the_cases_of_the_patch(kibana: Send) -> None:
    body = {"cases": [{"id": "a", "version": "v"}, {"id": "b", "version": "v"}]}
    text = kibana("PATCH", "/api/cases", json=body, fault="status=409").json()["message"]
    assert text == "These cases a, b have been updated. Please refresh before saving additional updates."
    assert kibana("PATCH", "/api/cases", data=b"{", fault="status=409").status_code == 409
    text = kibana("PATCH", "/api/cases/configure/1", json={}, fault="status=409").json()["message"]
    assert text.startswith("This configuration has been updated.")


def test_retry_after_and_message_by_header(kibana: Send) -> None:
    answer = kibana("GET", "/api/cases/_find", fault="status=429, retry-after=2; message=slow down")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert answer.json()["message"] == "slow down"


def test_an_error_after_the_work_is_done(kibana: Send) -> None:
    answer = kibana("POST", "/api/cases", json=CASE, fault="status=503,when=after,retry-after=0")
    assert answer.status_code == 503
    assert total(kibana) == 1


@pytest.mark.parametrize(("when", "stored"), [("before", 0), ("after", 1)])
def test_dropped_connections(kibana: Send, when: str, stored: int) -> None:
    with pytest.raises(requests.ConnectionError):
        kibana("POST", "/api/cases", json=CASE, fault=f"drop={when}")
    assert total(kibana) == stored


def test_latency_by_header(server: CasesServer, kibana: Send) -> None:
    assert kibana("GET", "/api/status", fault="latency=0.2").elapsed.total_seconds() >= 0.2
    late = {"x-kibcase-fault": "latency=30"}
    with pytest.raises(requests.Timeout):
        requests.get(f"{server.kibana_url}/api/status", auth=ROOT, headers=late, timeout=0.2)


@pytest.mark.parametrize("header", [
    "nonsense", "status=200", "status=abc", "status=409.5", "latency=-1", "latency=61", "drop=now", "when=never",
    "status=409,drop=before", "retry-after=1", "latency=nan",
])
def test_a_header_that_is_not_understood(kibana: Send, header: str) -> None:
    answer = kibana("POST", "/api/cases", json=CASE, fault=header)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] == "Bad Request"
    assert total(kibana) == 0


@pytest.mark.parametrize("auth", [ANA, ("elastic", "wrong"), None])
def test_only_superusers_dial_in(kibana: Send, face: str, auth: Any) -> None:
    answer = kibana("GET", "/api/cases/_find", fault="status=500", auth=auth)
    assert (answer.status_code, answer.json()["message"]) == (403, "x-kibcase-fault is for superusers only")
    status = 401 if auth is None else 403
    for method, path in (
        ("GET", "/faults"), ("POST", "/faults"), ("GET", "/requests"), ("POST", "/reset"), ("GET", "/nowhere"),
    ):
        refused = requests.request(method, f"{face}/_kibcase{path}", auth=auth, timeout=10)
        assert refused.status_code == status


def test_faults_are_armed_listed_and_withdrawn(face: str, server: CasesServer) -> None:
    def call(method: str, path: str = "", **more: Any) -> requests.Response:
        return requests.request(method, f"{face}/_kibcase/faults{path}", auth=ROOT, timeout=10, **more)

    first = call("POST", json={"method": "get", "path": "/anywhere", "times": 2, "status": 503})
    second = call("POST", json={"drop": "after", "times": None, "path": "/never"})
    assert (first.status_code, first.json(), second.json()) == (201, {"id": 1}, {"id": 2})
    assert requests.get(f"{face}/anywhere", auth=ROOT, timeout=10).status_code == 503
    assert call("GET").json() == {"faults": [
        {"id": 1, "method": "GET", "path": "/anywhere", "times": 1, "when": "before", "status": 503, "delay": 0.0,
         "drop": None},
        {"id": 2, "method": None, "path": "/never", "times": None, "when": "after", "status": None, "delay": 0.0,
         "drop": "after"},
    ]}
    assert requests.get(f"{face}/anywhere", auth=ROOT, timeout=10).status_code == 503
    assert requests.get(f"{face}/anywhere", auth=ROOT, timeout=10).status_code != 503
    assert [each["id"] for each in call("GET").json()["faults"]] == [2]
    assert call("DELETE", "/1").status_code == 404
    assert call("DELETE", "/x").status_code == 404
    assert call("DELETE", "/2").json() == {"disarmed": 1}
    assert call("DELETE").json() == {"disarmed": 0}
    assert call("PUT").status_code == call("GET", "/2").status_code == 405


@pytest.mark.parametrize("body", [
    [], {}, {"times": 0, "status": 500}, {"status": True}, {"path": "(", "status": 500},
    {"path": "x" * 501, "status": 500},
    {"path": 1, "status": 500}, {"method": "GET /", "status": 500}, {"delay": "1"}, {"statuscode": 500},
    {"status": 500, "message": 1}, {"status": 500, "retry_after": -1},
])
def test_a_fault_that_is_not_understood(server: CasesServer, body: Any) -> None:
    answer = requests.post(f"{server.kibana_url}/_kibcase/faults", json=body, auth=ROOT, timeout=10)
    assert answer.status_code == 400, answer.text
    assert answer.json()["message"]
    assert server.kibana.armed == []


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 5000, b'{"path": "' + b"x" * 70_000 + b'"}'])
def test_admin_bodies_that_are_no_json(server: CasesServer, content: bytes) -> None:
    answer = requests.post(f"{server.kibana_url}/_kibcase/faults", data=content, auth=ROOT, timeout=10)
    assert answer.status_code == 400


def test_elasticsearchs_errors_have_its_form(server: CasesServer) -> None:
    url = f"{server.elasticsearch_url}/_search"
    answer = requests.get(url, auth=ROOT, headers={"x-kibcase-fault": "status=429"}, timeout=10)
    assert answer.headers["X-elastic-product"] == "Elasticsearch"
    assert answer.json() == {
        "error": {
            "root_cause": [
                {"type": "es_rejected_execution_exception", "reason": "rejected execution of coordinating operation"}
            ],
            "type": "es_rejected_execution_exception", "reason": "rejected execution of coordinating operation",
        },
        "status": 429,
    }


def test_the_log(server: CasesServer, kibana: Send) -> None:
    kibana("GET", "/api/cases/_find", params={"page": 1})
    kibana("POST", "/api/cases", json=CASE, fault="status=500")
    log = kibana("GET", "/_kibcase/requests").json()["requests"]
    assert log == [
        {"number": 1, "method": "GET", "path": "/api/cases/_find", "query": "page=1", "status": 200},
        {"number": 2, "method": "POST", "path": "/api/cases", "query": "", "status": 500},
    ]
    assert kibana("DELETE", "/_kibcase/requests").json() == {"requests": []}
    assert server.kibana.requests == []
    assert kibana("POST", "/_kibcase/requests").status_code == 405


def test_reset_leaves_the_state_unless_told(server: CasesServer, kibana: Send) -> None:
    kibana("POST", "/api/cases", json=CASE)
    kibana("POST", "/api/spaces/space", json={"id": "soc", "name": "SOC"})
    kibana("POST", "/_kibcase/faults", json={"status": 500, "path": "/x"})
    document = f"{server.elasticsearch_url}/things/_doc/1"
    assert requests.put(document, json={"a": 1}, auth=ROOT, timeout=10).ok
    assert kibana("POST", "/_kibcase/reset").json() == {"reset": True}
    assert server.kibana.armed == []
    assert [seen.path for seen in server.kibana.requests] == []
    assert total(kibana) == 1
    assert kibana("POST", "/_kibcase/reset", json={"state": "yes"}).status_code == 400
    assert kibana("POST", "/_kibcase/reset", json={"state": True}).json() == {"reset": True}
    assert total(kibana) == 0
    assert [space["id"] for space in kibana("GET", "/api/spaces/space").json()] == ["default"]
    assert requests.get(document, auth=ROOT, timeout=10).status_code == 404
    assert kibana("POST", "/api/cases", json=CASE).status_code == 200


def test_a_reset_lasts(tmp_path: Path) -> None:
    data = tmp_path / "kibana.db"
    with CasesServer(data=data) as server:
        headers = {"kbn-xsrf": "t"}
        assert requests.post(f"{server.kibana_url}/api/cases", json=CASE, auth=ROOT, headers=headers, timeout=10).ok
        body = {"state": True}
        assert requests.post(f"{server.kibana_url}/_kibcase/reset", json=body, auth=ROOT, timeout=10).ok
    with CasesServer(data=data) as server:
        assert requests.get(f"{server.kibana_url}/api/cases/_find", auth=ROOT, timeout=10).json()["total"] == 0


def test_cases_are_numbered_when_told(server: CasesServer, kibana: Send, face: str) -> None:
    first, second = (kibana("POST", "/api/cases", json=CASE).json() for _ in range(2))
    read = kibana("GET", f"/api/cases/{first['id']}").json()
    assert (read.get("incremental_id"), read["version"]) == (None, first["version"])
    answer = requests.post(f"{face}/_kibcase/number", auth=ROOT, timeout=10)
    assert (answer.status_code, answer.json()) == (200, {"numbered": 2})
    for number, made in enumerate((first, second), start=1):
        read = kibana("GET", f"/api/cases/{made['id']}").json()
        assert read["incremental_id"] == number
        assert read["version"] != made["version"]
    assert server.number_cases() == 0
    assert requests.post(f"{face}/_kibcase/number", timeout=10).status_code == 401
    assert requests.get(f"{face}/_kibcase/number", auth=ROOT, timeout=10).status_code == 404
