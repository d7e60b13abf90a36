"""Faults and switches of all stand-ins, set over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests
from jira import JIRA

from kibcase_connectors.standins.jira import JiraStandin
from kibcase_connectors.standins.jira.credentials import identify as identify_jira
from kibcase_connectors.standins.resilient import DEFAULT_KEYS, ResilientStandin
from kibcase_connectors.standins.servicenow import ServiceNowStandin

Login = tuple[str, str]
Standin = JiraStandin | ServiceNowStandin | ResilientStandin
CREATED = {"fields": {"project": {"key": "SOC"}, "issuetype": {"name": "Task"}, "summary": "Phishing mail"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A running stand-in, its administrator, the account of the integration, a path that it may read."""

    standin: Standin
    admin: Login
    us: Login
    read: str

    def control(self, method: str, path: str, *, auth: Login | None = None, **more: Any) -> requests.Response:
        url = f"{self.standin.url}/_kibcase{path}"
        return requests.request(method, url, auth=auth or self.admin, timeout=10, **more)

    def put(self, name: str, value: Any) -> Any:
        answer = self.control("PUT", f"/{name}", data=json.dumps(value))
        assert answer.status_code == 200, answer.text
        return answer.json()[name]

    def ask(self, path: str | None = None, method: str = "GET", **more: Any) -> requests.Response:
        return requests.request(method, self.standin.url + (path or self.read), auth=self.us, timeout=10, **more)

    def offset(self) -> float:
        """How many seconds the clock of the instance is ahead, by its ``Date`` header."""
        return (parsedate_to_datetime(self.ask().headers["Date"]) - datetime.now(UTC)).total_seconds()


def jira_bench(deployment: Any = "cloud", **more: Any) -> Bench:
    standin = JiraStandin(deployment=deployment, **more)
    cloud = deployment == "cloud"
    return Bench(
        standin=standin,
        admin=("maria.lindqvist@example.com" if cloud else "maria.lindqvist", "maria-token"),
        us=("kibcase@example.com" if cloud else "kibcase", "kibcase-token"), read="/rest/api/2/myself",
    )


def servicenow_bench() -> Bench:
    return Bench(
        standin=ServiceNowStandin(), admin=("maria.lindqvist", "maria-password"), us=("kibcase", "kibcase-password"),
        read="/api/now/table/incident",
    )


def resilient_bench() -> Bench:
    standin = ResilientStandin()
    return Bench(
        standin=standin, admin=("maria.lindqvist@example.com", "maria-password"),
        us=(DEFAULT_KEYS[0].login, DEFAULT_KEYS[0].secret), read=f"/rest/orgs/{standin.org_id}/incidents",
    )


BENCHES: dict[str, Callable[[], Bench]] = {
    "cloud": jira_bench, "datacenter": lambda: jira_bench("datacenter"),
    "prefixed": lambda: jira_bench("datacenter", context_path="/jira"),
    "servicenow": servicenow_bench, "resilient": resilient_bench,
}


@pytest.fixture
def start() -> Iterator[Callable[[str], Bench]]:
    running: list[Bench] = []

    def make(name: str) -> Bench:
        running.append(BENCHES[name]())
        running[-1].standin.start()
        return running[-1]

    yield make
    for each in running:
        each.standin.stop()


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest, start: Callable[[str], Bench]) -> Bench:
    return start(request.param)


@pytest.fixture
def cloud(start: Callable[[str], Bench]) -> Bench:
    return start("cloud")


@pytest.fixture
def datacenter(start: Callable[[str], Bench]) -> Bench:
    return start("datacenter")


@pytest.fixture
def servicenow(start: Callable[[str], Bench]) -> Bench:
    return start("servicenow")


@pytest.fixture
def resilient(start: Callable[[str], Bench]) -> Bench:
    return start("resilient")


def test_only_administrators_are_let_in(bench: Bench) -> None:
    url = f"{bench.standin.url}/_kibcase/faults"
    fault = {"status": 500}
    assert requests.post(url, json=fault, timeout=10).status_code == 401
    for login in (bench.us, (bench.admin[0], "wrong"), ("", ""), ("nobody", "x")):
        refused = bench.control("POST", "/faults", json=fault, auth=login)
        assert (refused.status_code, refused.json()["error"]) == (403, "Forbidden")
        assert "administrators" in refused.json()["message"]
        assert bench.control("PUT", "/maintenance", json=True, auth=login).status_code == 403
    for scheme in ("Basic ?", "Basic", "Bearer x", "Odd"):
        assert requests.get(url, headers={"Authorization": scheme}, timeout=10).status_code == 403
    assert bench.standin.faults.armed == []
    assert bench.ask().status_code == 200


def test_faults_are_armed_listed_and_withdrawn(bench: Bench) -> None:
    first = bench.control("POST", "/faults", json={"method": "get", "path": ".*", "times": 2, "status": 503})
    second = bench.control("POST", "/faults", json={"drop": "after", "times": None, "path": "/never"})
    assert (first.status_code, first.json(), second.json()) == (201, {"id": 1}, {"id": 2})
    answer = bench.ask()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "Service Unavailable" in answer.text
    assert bench.control("GET", "/faults").json() == {"faults": [
        {"id": 1, "method": "GET", "path": ".*", "times": 1, "when": "before", "status": 503, "delay": 0.0,
         "drop": None},
        {"id": 2, "method": None, "path": "/never", "times": None, "when": "after", "status": None, "delay": 0.0,
         "drop": "after"},
    ]}
    assert bench.ask().status_code == 503
    assert bench.ask().status_code == 200
    assert bench.control("DELETE", "/faults/1").status_code == 404
    assert bench.control("DELETE", "/faults/x").status_code == 404
    assert bench.control("DELETE", f"/faults/{'9' * 5000}").status_code == 404
    assert bench.control("DELETE", "/faults/2").json() == {"disarmed": 1}
    assert bench.control("DELETE", "/faults").json() == {"disarmed": 0}


@pytest.mark.parametrize(("name", "body"), [
    ("cloud", {"errorMessages": ["Slow down"], "errors": {}}),
    ("servicenow", {"error": {"message": "Slow down", "detail": None}, "status": "failure"}),
    ("resilient", {"success": False, "title": None, "message": "Slow down", "hints": [], "error_code": "generic"}),
])
def test_errors_are_in_the_words_of_the_system(start: Callable[[str], Bench], name: str, body: Any) -> None:
    bench = start(name)
    fault = {"status": 429, "message": "Slow down", "headers": {"Retry-After": "0.5", "X-Node": "n 2"}}
    assert bench.control("POST", "/faults", json=fault).status_code == 201
    answer = bench.ask()
    assert (answer.status_code, answer.json()) == (429, body)
    assert (answer.headers["retry-after"], answer.headers["x-node"]) == ("0.5", "n 2")
    assert bench.control("POST", "/faults", json={"status": 599}).status_code == 201
    assert "Unknown" in bench.ask().text


def test_any_answer_can_be_given(bench: Bench) -> None:
    for fault in (
        {"status": 503, "body": "<h1>Bäck soon</h1>", "headers": {"Content-Type": "text/html; charset=utf-8"}},
        {"status": 200, "body": [{"odd": None}]},
        {"status": 302, "headers": {"Location": "/sso"}},
        {"status": 204},
    ):
        assert bench.control("POST", "/faults", json=fault).status_code == 201
    page, odd, elsewhere, nothing = (bench.ask(allow_redirects=False) for _ in range(4))
    assert (page.status_code, page.text) == (503, "<h1>Bäck soon</h1>")
    assert (page.headers["content-type"], page.headers["retry-after"]) == ("text/html; charset=utf-8", "30")
    assert (odd.status_code, odd.json()) == (200, [{"odd": None}])
    assert odd.headers["content-type"].startswith("application/json")
    assert (elsewhere.status_code, elsewhere.headers["location"], elsewhere.content) == (302, "/sso", b"")
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert bench.ask().status_code == 200


@pytest.mark.parametrize(("when", "stored"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("name", ["cloud", "servicenow", "resilient"])
def test_dropped_writes(start: Callable[[str], Bench], name: str, when: str, stored: int) -> None:
    bench = start(name)
    path, body = {
        "cloud": ("/rest/api/2/issue", CREATED),
        "servicenow": ("/api/now/table/incident", {"short_description": "Phishing mail"}),
        "resilient": (bench.read, {"name": "Phishing mail", "discovered_date": 1_740_830_400_000}),
    }[name]
    assert bench.control("POST", "/faults", json={"method": "POST", "path": path, "drop": when}).status_code == 201
    with pytest.raises(requests.ConnectionError):
        bench.ask(path, "POST", json=body, headers={"Accept": "application/json"})
    assert tickets(bench.standin) == stored


def tickets(standin: Standin) -> int:
    if isinstance(standin, JiraStandin):
        return len(standin.state.storage.issues())
    if isinstance(standin, ServiceNowStandin):
        return len(standin.state.rows("incident"))
    return len(standin.state.storage.incidents())


def test_a_delay_outlasts_the_patience_of_a_client(bench: Bench) -> None:
    assert bench.control("POST", "/faults", json={"delay": 0.5}).status_code == 201
    with pytest.raises(requests.Timeout):
        requests.get(bench.standin.url + bench.read, auth=bench.us, timeout=0.1)
    assert bench.ask().status_code == 200


@pytest.mark.parametrize(("body", "why"), [
    ([], "an object"), (None, "an object"), ({}, "a status, a delay or a drop"), ({"times": 0, "status": 500}, "times"),
    ({"status": True}, "status"), ({"status": 199}, "200 to 599"), ({"path": "(", "status": 500}, "path"),
    ({"method": "GET /", "status": 500}, "method"), ({"statuscode": 500}, "it has method, .*headers, body"),
    ({"status": 500, "drop": "after"}, "no status"), ({"delay": 61}, "delay"), ({"status": 500, "when": "now"}, "when"),
    ({"delay": 1, "body": ""}, "need a status"), ({"drop": "after", "headers": {"a": "b"}}, "need a status"),
    ({"status": 500, "body": "x", "message": "y"}, "not both"), ({"status": 200, "message": "y"}, "below 400"),
    ({"status": 204, "body": "x"}, "has no body"), ({"status": 304, "body": {}}, "has no body"),
    ({"status": 500, "headers": []}, "headers"), ({"status": 500, "headers": {"a b": "c"}}, "a b"),
    ({"status": 500, "headers": {"A": 1}}, "of A"), ({"status": 500, "headers": {"A": "b\r\nC: d"}}, "of A"),
    ({"status": 500, "headers": {"A": " b"}}, "of A"), ({"status": 500, "headers": {"Content-Length": "1"}}, "Length"),
    ({"status": 500, "headers": {"": "b"}}, "no name"),
    ({"status": 500, "headers": {f"h{n}": "" for n in range(51)}}, "50"),
])
def test_a_fault_that_is_not_understood(cloud: Bench, body: Any, why: str) -> None:
    answer = cloud.control("POST", "/faults", json=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "Bad Request")
    assert re.search(why, answer.json()["message"]), answer.text
    assert cloud.standin.faults.armed == []


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 5000, b'{"path": "' + b"x" * 70_000 + b'"}'])
def test_bodies_that_are_no_json(bench: Bench, content: bytes) -> None:
    for method, path in (("POST", "/faults"), ("PUT", "/maintenance"), ("POST", "/reset")):
        answer = bench.control(method, path, data=content)
        assert (answer.status_code, answer.json()["error"]) == (400, "Bad Request")
    assert bench.ask().status_code == 200


def test_the_log(bench: Bench) -> None:
    bench.control("POST", "/faults", json={"status": 500, "times": 1})
    bench.ask(params={"a": "b"})
    bench.ask()
    log = bench.control("GET", "/requests").json()["requests"]
    path = bench.standin.url.partition("//")[2].partition("/")[2]
    seen = f"/{path}{bench.read}" if path else bench.read
    assert log == [
        {"number": 1, "method": "GET", "path": seen, "query": "a=b", "status": 500},
        {"number": 2, "method": "GET", "path": seen, "query": "", "status": 200},
    ]
    assert bench.control("DELETE", "/requests").json() == {"requests": []}
    assert bench.standin.faults.requests == []


def test_nothing_stops_the_control(bench: Bench) -> None:
    bench.control("POST", "/faults", json={"status": 500, "times": None})
    assert bench.put("maintenance", True) is True
    assert bench.ask().status_code == 500
    assert bench.control("DELETE", "/faults").status_code == 200
    bench.put("maintenance", True)
    page = bench.ask()
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (503, "text/html")
    assert bench.control("GET", "/maintenance").json() == {"maintenance": True}
    assert bench.put("maintenance", True) is True
    assert bench.put("maintenance", False) is False
    assert bench.ask().status_code == 200
    assert bench.put("maintenance", False) is False


@pytest.mark.parametrize("seconds", [7200, -7200.5])
def test_a_clock_that_is_off(bench: Bench, seconds: float) -> None:
    assert abs(bench.offset()) < 60
    assert bench.put("clock_skew", seconds) == seconds
    assert abs(bench.offset() - seconds) < 60
    assert bench.put("clock_skew", 0) == 0
    assert abs(bench.offset()) < 60


@pytest.mark.parametrize("skew", [7200, -7200])
@pytest.mark.parametrize("lag", [0, 3600])
def test_late_searches_whatever_the_clock(start: Callable[[str], Bench], skew: int, lag: int) -> None:
    shown = int(lag == 0)
    jira, servicenow, resilient = (start(name) for name in ("cloud", "servicenow", "resilient"))
    for bench in (jira, servicenow, resilient):
        assert bench.put("search_lag", lag) == lag
    assert jira.ask("/rest/api/2/issue", "POST", json=CREATED).status_code == 201
    headers = {"Accept": "application/json"}
    incident = {"short_description": "Phishing mail"}
    assert servicenow.ask(method="POST", json=incident, headers=headers).status_code == 201
    made = {"name": "Phishing mail", "discovered_date": 1_740_830_400_000}
    assert resilient.ask(method="POST", json=made).status_code == 200
    for bench in (jira, servicenow, resilient):
        bench.put("clock_skew", skew)
    issues = jira.ask("/rest/api/2/search/jql", params={"jql": "project = SOC"}).json()["issues"]
    rows = servicenow.ask().json()["result"]
    query: dict[str, Any] = {"filters": [{"conditions": []}]}
    paged = resilient.ask(f"{resilient.read}/query_paged", "POST", json=query).json()["data"]
    assert (len(issues), len(rows), len(paged)) == (shown, shown, shown)


def test_times_of_tickets_follow_the_clock(servicenow: Bench, resilient: Bench) -> None:
    for bench in (servicenow, resilient):
        bench.put("clock_skew", 86_400 * 365)
    body = {"short_description": "Phishing mail"}
    row = servicenow.ask(method="POST", json=body, headers={"Accept": "application/json"}).json()["result"]
    ahead = datetime.fromisoformat(row["sys_created_on"]).replace(tzinfo=UTC) - datetime.now(UTC)
    assert 364 <= ahead.days <= 365
    made = {"name": "Phishing mail", "discovered_date": 1_740_830_400_000}
    created = resilient.ask(method="POST", json=made).json()["create_date"] / 1000
    assert 364 <= (datetime.fromtimestamp(created, UTC) - datetime.now(UTC)).days <= 365


@pytest.mark.parametrize(("path", "value", "why"), [
    ("maintenance", 1, "maintenance: .*boolean"), ("maintenance", "true", "boolean"), ("maintenance", None, "boolean"),
    ("clock_skew", "1", "number"), ("clock_skew", True, "number"), ("clock_skew", 1e12, "less than"),
    ("search_lag", -1, "greater than"), ("search_lag", None, "number"),
])
def test_values_that_are_not_understood(bench: Bench, path: str, value: Any, why: str) -> None:
    before = bench.control("GET", "/switches").json()
    answer = bench.control("PUT", f"/{path}", data=json.dumps(value))
    assert answer.status_code == 400, answer.text
    assert re.search(why, answer.json()["message"]), answer.text
    assert bench.control("GET", "/switches").json() == before


@pytest.mark.parametrize(("name", "switch", "value"), [
    ("cloud", "captcha", ["nobody"]), ("cloud", "captcha", "kibcase"), ("cloud", "page_size", 0),
    ("cloud", "burst_limits", [[0, 1]]), ("cloud", "burst_limits", [[1, 0]]), ("cloud", "burst_limits", [[1]]),
    ("cloud", "rate_limit", [1, 1, 0]), ("cloud", "retry_after", "soon"), ("cloud", "upload_limit", -1),
    ("servicenow", "rate_limit", {}), ("servicenow", "rate_limit", {"limit": 1, "per": "hour"}),
    ("servicenow", "rate_limit", {"limit": 1.5}), ("servicenow", "list_limit", "1"),
    ("resilient", "rate_limit", {"requests": 0}), ("resilient", "rate_limit", {"requests": 1, "status": 500}),
    ("resilient", "page_size", 1001), ("resilient", "conflicts", -1), ("resilient", "closing_refusal", ""),
])
def test_values_of_one_system_that_are_not_understood(
    start: Callable[[str], Bench], name: str, switch: str, value: Any
) -> None:
    bench = start(name)
    before = bench.control("GET", "/switches").json()
    answer = bench.control("PUT", f"/{switch}", json=value)
    assert (answer.status_code, answer.json()["message"].partition(":")[0]) == (400, switch)
    assert bench.control("GET", "/switches").json() == before


def test_not_a_number_is_no_number(bench: Bench) -> None:
    for text in ("NaN", "Infinity", "-Infinity", "1e999"):
        assert bench.control("PUT", "/clock_skew", data=text).status_code == 400


@pytest.mark.parametrize(("name", "values"), [
    ("datacenter", {
        "maintenance": True, "login_page": True, "expired_credentials": True, "captcha": ["kibcase"],
        "captcha_after": None, "rate_limit": [5, 1, 60], "burst_limits": [[3, 1.5]],
        "issue_write_limits": [[20, 2.0], [100, 30.0]], "retry_after": "date", "page_size": 2, "upload_limit": None,
        "search_lag": 2.5, "clock_skew": -3.0,
    }),
    ("servicenow", {
        "maintenance": False, "hibernation": False, "lost_sessions": True,
        "rate_limit": {"limit": 0, "api": "Table API", "users": ["kibcase"]}, "list_limit": 3, "search_lag": 2.5,
        "clock_skew": -3.0,
    }),
    ("resilient", {
        "maintenance": True, "rate_limit": {"requests": 3, "seconds": 2.0, "status": 503}, "page_size": 5,
        "broken_downloads": True, "conflicts": 2, "closing_refusal": "Tasks are open.", "search_lag": 2.5,
        "clock_skew": -3.0,
    }),
])
def test_a_reset_sets_every_switch_back(start: Callable[[str], Bench], name: str, values: dict[str, Any]) -> None:
    bench = start(name)
    before = bench.control("GET", "/switches").json()["switches"]
    assert before.keys() == values.keys()
    for switch, value in values.items():
        assert bench.put(switch, value) == value
    assert bench.control("GET", "/switches").json()["switches"] == values
    assert bench.control("POST", "/reset", json={"state": True}).status_code == 400
    assert bench.control("GET", "/switches").json()["switches"] == values
    assert bench.control("POST", "/reset").json() == {"reset": True}
    assert bench.control("GET", "/switches").json()["switches"] == before
    assert not bench.standin.faults.armed
    assert not bench.standin.faults.requests
    assert bench.ask().status_code == 200


def test_wrong_methods_and_paths(bench: Bench) -> None:
    for method, path in (
        ("PUT", "/faults"), ("GET", "/faults/1"), ("POST", "/requests"), ("PUT", "/switches"), ("GET", "/reset"),
        ("POST", "/maintenance"), ("DELETE", "/clock_skew"),
    ):
        answer = bench.control(method, path)
        assert (answer.status_code, answer.json()["error"]) == (405, "Method Not Allowed")
    for path in ("", "/", "/nowhere", "/maintenance/now", "/faults/1/2"):
        answer = bench.control("GET", path)
        assert answer.status_code == 404
        assert "maintenance" in answer.json()["message"]
    assert bench.standin.faults.requests == []
    bench.ask("/_kibcasework")
    assert [seen.path.rpartition("/")[2] for seen in bench.standin.faults.requests] == ["_kibcasework"]


def test_jira_credentials(cloud: Bench, datacenter: Bench) -> None:
    cloud.put("expired_credentials", True)
    assert cloud.ask().status_code == 401
    cloud.put("expired_credentials", False)
    assert cloud.ask().status_code == 200
    datacenter.put("captcha", ["kibcase", "maria.lindqvist"])
    assert "CAPTCHA_CHALLENGE" in datacenter.ask().headers["X-Authentication-Denied-Reason"]
    assert datacenter.put("captcha", ["maria.lindqvist"]) == ["maria.lindqvist"]
    assert datacenter.ask().status_code == 200
    datacenter.put("captcha_after", 1)
    with requests.Session() as session:
        session.auth = ("kibcase", "wrong")
        assert session.get(datacenter.standin.url + datacenter.read, timeout=10).status_code == 401
    assert datacenter.control("GET", "/captcha").json() == {"captcha": ["kibcase", "maria.lindqvist"]}
    datacenter.put("captcha", [])
    assert datacenter.ask().status_code == 200


def test_jira_limits(cloud: Bench, datacenter: Bench) -> None:
    cloud.put("retry_after", "decimal")
    cloud.put("burst_limits", [[1, 3600]])
    assert cloud.ask().status_code == 200
    refused = cloud.ask()
    assert refused.status_code == 429
    assert "." in refused.headers["Retry-After"]
    assert refused.headers["RateLimit-Reason"] == "jira-burst-based"
    cloud.put("burst_limits", [])
    assert cloud.ask().status_code == 200
    datacenter.put("rate_limit", [1, 1, 3600])
    assert [datacenter.ask().status_code for _ in range(2)] == [200, 429]
    assert datacenter.put("rate_limit", None) is None
    assert datacenter.ask().status_code == 200


def test_what_is_armed_in_python_is_seen(cloud: Bench) -> None:
    assert isinstance(cloud.standin, JiraStandin)
    cloud.standin.maintenance()
    assert cloud.control("GET", "/maintenance").json() == {"maintenance": True}
    cloud.put("maintenance", False)
    assert cloud.ask().status_code == 200
    cloud.put("login_page", True)
    assert "<title>Log in</title>" in cloud.ask().text
    cloud.standin.end_troubles()
    assert cloud.control("GET", "/login_page").json() == {"login_page": False}


def test_servicenow_modes_exclude_each_other(servicenow: Bench) -> None:
    servicenow.put("hibernation", True)
    assert "Hibernating" in servicenow.ask().text
    servicenow.put("lost_sessions", True)
    assert servicenow.ask().status_code == 401
    assert servicenow.put("hibernation", False) is False
    assert servicenow.ask().status_code == 401
    servicenow.put("lost_sessions", False)
    assert servicenow.ask().status_code == 200


def test_servicenow_limits(servicenow: Bench) -> None:
    assert servicenow.put("rate_limit", {"limit": 0}) == {"limit": 0, "api": "Table API", "users": []}
    refused = servicenow.ask()
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    servicenow.put("rate_limit", {"limit": 0, "users": ["tomasz.nowak"]})
    assert servicenow.ask().status_code == 200
    servicenow.put("rate_limit", None)
    for _ in range(2):
        body = {"short_description": "Phishing mail"}
        assert servicenow.ask(method="POST", json=body, headers={"Accept": "application/json"}).status_code == 201
    servicenow.put("list_limit", 1)
    assert "error" in servicenow.ask().json()


def test_resilient_switches(resilient: Bench) -> None:
    resilient.put("rate_limit", {"requests": 1, "seconds": 3600, "status": 503})
    assert [resilient.ask().status_code for _ in range(2)] == [200, 503]
    resilient.put("rate_limit", None)
    made = resilient.ask(method="POST", json={"name": "Phishing mail", "discovered_date": 1_740_830_400_000}).json()
    resilient.put("conflicts", 1)
    one = f"{resilient.read}/{made['id']}"
    change = {"field": {"name": "name"}, "old_value": {"object": made["name"]}, "new_value": {"object": "Spam"}}
    changed = [resilient.ask(one, "PATCH", json={"changes": [change]}).status_code for _ in range(2)]
    assert changed == [409, 200]
    assert resilient.control("GET", "/conflicts").json() == {"conflicts": 0}


def test_things_that_happen_once(resilient: Bench, servicenow: Bench) -> None:
    body = {"email": resilient.admin[0], "password": resilient.admin[1]}
    with requests.Session() as session:
        signed = session.post(f"{resilient.standin.url}/rest/session", json=body, timeout=10)
        csrf = {"X-sess-id": signed.json()["csrf_token"]}
        address = f"{resilient.standin.url}/rest/session"
        assert session.get(address, headers=csrf, timeout=10).status_code == 200
        assert resilient.control("POST", "/end_sessions").json() == {"end_sessions": True}
        assert session.get(address, headers=csrf, timeout=10).status_code == 401
    for _ in range(5):
        wrong = {**body, "password": "wrong"}
        requests.post(f"{resilient.standin.url}/rest/session", json=wrong, timeout=10)
    assert requests.post(f"{resilient.standin.url}/rest/session", json=body, timeout=10).status_code == 401
    assert resilient.control("POST", "/unlock").json() == {"unlock": True}
    assert requests.post(f"{resilient.standin.url}/rest/session", json=body, timeout=10).status_code == 200
    assert resilient.control("PUT", "/unlock").status_code == 405
    assert servicenow.control("POST", "/revoke_tokens").json() == {"revoke_tokens": True}


def test_a_client_that_knows_nothing_of_it(datacenter: Bench) -> None:
    client: Any = JIRA(datacenter.standin.url, basic_auth=datacenter.us, max_retries=0, timeout=(5, 10), logging=False)
    try:
        issue = client.create_issue(CREATED["fields"])
        datacenter.put("clock_skew", 3600)
        client.add_comment(issue, "Seen.")
        assert datacenter.control("POST", "/faults", json={"status": 200, "body": {"id": "0"}}).status_code == 201
        assert client.myself() == {"id": "0"}
        [comment] = client.comments(issue)
        created = datetime.strptime(comment.created, "%Y-%m-%dT%H:%M:%S.%f%z")
        assert 3500 < (created - datetime.now(UTC)).total_seconds() < 3700
    finally:
        client.close()


def test_a_token_of_data_center_controls_too(datacenter: Bench) -> None:
    assert isinstance(datacenter.standin, JiraStandin)
    bearer = "Bearer maria-token"
    assert identify_jira(bearer, datacenter.standin.state.catalog)
    url = f"{datacenter.standin.url}/_kibcase/switches"
    assert requests.get(url, headers={"Authorization": bearer}, timeout=10).status_code == 200
