"""What odd answers and broken connections mean, and that no secret gets out."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests
import responses

from kibcase.server.faults import Fault
from kibcase_connectors.actions import AddComment, SetFields
from kibcase_connectors.errors import (
    Conflict,
    ConnectorError,
    Denied,
    NotFound,
    OutcomeUnknown,
    Refused,
    Throttled,
    Unavailable,
)
from kibcase_connectors.jira import JiraConfig
from kibcase_connectors.jira.failures import login_failed, retry_after
from kibcase_connectors.jira.rest import JiraRest

if TYPE_CHECKING:
    from tests.connectors.jira.conftest import Bench, MakeBench

URL = "https://jira.example.com"
API = f"{URL}/rest/api/2"
HTML = "<html><title>Log in</title><body>down for maintenance</body></html>"


@pytest.fixture
def server() -> Any:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(f"{API}/serverInfo", json={"versionNumbers": [9, 12, 1], "deploymentType": "Server"})
        yield mock


def client() -> JiraRest:
    config = JiraConfig(url=URL, project="SOC", token="pat-5ecret")
    return JiraRest("jira", config, lambda: datetime.now(UTC))


def read() -> None:
    client().project("SOC")


def write() -> None:
    client().create({"summary": "x", "project": {"key": "SOC"}, "issuetype": {"name": "Task"}})


ANSWERS: list[tuple[dict[str, Any], type[ConnectorError], type[ConnectorError]]] = [
    ({"status": 400, "json": {"errors": {"summary": "Too long."}}}, Refused, Refused),
    ({"status": 401, "json": {}}, Denied, Denied),
    ({"status": 403, "json": {"errorMessages": ["No."]}}, Refused, Refused),
    ({"status": 403, "headers": {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE"}}, Denied, Denied),
    ({"status": 404, "json": {"errorMessages": ["Gone."]}}, NotFound, NotFound),
    ({"status": 404, "json": {"errors": {"issue": "Gone."}}}, NotFound, NotFound),
    ({"status": 404, "body": HTML}, Unavailable, Unavailable),
    ({"status": 404, "json": {"message": "null for uri", "status-code": 404}}, Unavailable, Unavailable),
    ({"status": 409, "json": {"errorMessages": ["Edited."]}}, Conflict, Conflict),
    ({"status": 410, "json": {"errorMessages": ["Removed."]}}, Refused, Refused),
    ({"status": 413, "body": HTML}, Refused, Refused),
    ({"status": 429}, Throttled, Throttled),
    ({"status": 429, "headers": {"Retry-After": "0.5"}}, Throttled, Throttled),
    ({"status": 500, "json": {"errorMessages": ["Oops."]}}, Unavailable, OutcomeUnknown),
    ({"status": 502, "body": HTML}, Unavailable, OutcomeUnknown),
    ({"status": 503, "body": HTML}, Unavailable, OutcomeUnknown),
    ({"status": 503, "body": HTML, "headers": {"Retry-After": "0"}}, Unavailable, OutcomeUnknown),
    ({"status": 503, "body": HTML, "headers": {"Retry-After": "30"}}, Throttled, Throttled),
    ({"status": 504, "body": HTML}, Unavailable, OutcomeUnknown),
    ({"status": 502, "body": HTML, "headers": {"Retry-After": "30"}}, Throttled, OutcomeUnknown),
    ({"status": 504, "body": HTML, "headers": {"Retry-After": "30"}}, Throttled, OutcomeUnknown),
    ({"status": 200, "body": HTML}, Unavailable, OutcomeUnknown),
    ({"status": 200, "body": ""}, Unavailable, OutcomeUnknown),
    ({"status": 200, "json": ["a"]}, Unavailable, OutcomeUnknown),
    ({"status": 200, "body": "null"}, Unavailable, OutcomeUnknown),
    ({"status": 302, "headers": {"Location": f"{URL}/login.jsp"}}, Unavailable, Unavailable),
    ({"body": requests.ConnectTimeout()}, Unavailable, Unavailable),
    ({"body": requests.ReadTimeout()}, Unavailable, OutcomeUnknown),
    ({"body": requests.ConnectionError("Connection aborted.")}, Unavailable, OutcomeUnknown),
    ({"body": requests.exceptions.ChunkedEncodingError()}, Unavailable, OutcomeUnknown),
    ({"body": requests.exceptions.ProxyError("Unable to connect to proxy")}, Unavailable, Unavailable),
]


@pytest.mark.parametrize(("answer", "when_reading", "when_writing"), ANSWERS)
def test_what_an_answer_means(
    server: responses.RequestsMock, answer: dict[str, Any], when_reading: type[Exception], when_writing: type[Exception]
) -> None:
    server.get(f"{API}/project/SOC", **answer)
    server.post(f"{API}/issue", **answer)
    for call, expected in ((read, when_reading), (write, when_writing)):
        with pytest.raises(ConnectorError) as failed:
            call()
        assert type(failed.value) is expected
        assert "pat-5ecret" not in str(failed.value)
        assert HTML not in str(failed.value)
    assert len(server.calls) == 4  # a connection and one request each: nothing is repeated


def test_a_field_at_fault_is_named_as_sync_names_it(server: responses.RequestsMock) -> None:
    errors = {"errorMessages": ["Also."], "errors": {"priority": "Nope.", "customfield_1": "Hm."}}
    server.post(f"{API}/issue", status=400, json=errors)
    with pytest.raises(Refused) as refused:
        write()
    assert refused.value.field == "severity"
    assert refused.value.said == "priority: Nope.; customfield_1: Hm.; Also."


def test_bad_connection_set_ups_write_nothing(server: responses.RequestsMock) -> None:
    answers: list[dict[str, Any]] = [
        {"json": {}}, {"json": {"a": 1}}, {"body": HTML}, {"status": 503, "body": HTML},
    ]
    for answer in answers:
        server.replace(responses.GET, f"{API}/serverInfo", **answer)
        with pytest.raises(Unavailable):
            write()


def test_wrong_credentials_at_the_first_request(server: responses.RequestsMock) -> None:
    server.replace(responses.GET, f"{API}/serverInfo", status=401, body=HTML)
    with pytest.raises(Denied):
        write()


@pytest.mark.parametrize("reason", ["AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED", "OUT, AUTHENTICATED_FAILED"])
def test_an_answer_for_nobody_is_denied_whatever_its_status(server: responses.RequestsMock, reason: str) -> None:
    server.get(f"{API}/project/SOC", json={"key": "SOC"}, headers={"X-Seraph-LoginReason": reason})
    with pytest.raises(Denied):
        read()


def test_a_ticket_made_as_nobody_is_looked_for(server: responses.RequestsMock) -> None:
    headers = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
    server.post(f"{API}/issue", status=201, json={"id": "1", "key": "SOC-1"}, headers=headers)
    with pytest.raises(OutcomeUnknown):
        write()


def test_a_good_login_reason_is_no_failure() -> None:
    assert not login_failed({"X-Seraph-LoginReason": "OK"})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0), ("0.5", 0.5), ("Sun, 06 Nov 1994 08:51:37 GMT", 120.0), ("Sun, 06 Nov 1994 08:00:00 GMT", None),
        ("-3", None), ("nan", None), ("inf", None), ("soon", None), ("", None), ("300", 300.0),
    ],
)
def test_the_spellings_of_retry_after(text: str, seconds: float | None) -> None:
    answer = requests.Response()
    answer.status_code = 429
    answer.headers.update({"Retry-After": text, "Date": "Sun, 06 Nov 1994 08:49:37 GMT"})
    assert retry_after(answer) == seconds


def test_cookies_are_not_kept_and_not_shown(server: responses.RequestsMock, caplog: pytest.LogCaptureFixture) -> None:
    server.replace(
        responses.GET, f"{API}/serverInfo", json={"versionNumbers": [9], "deploymentType": "Server"},
        headers={"Set-Cookie": "JSESSIONID=c00kie; Path=/"},
    )
    server.get(f"{API}/project/SOC", status=500, json={}, headers={"Set-Cookie": "JSESSIONID=c00kie; Path=/"})
    jira = client()
    with caplog.at_level(logging.DEBUG):
        for _ in range(2):
            with pytest.raises(Unavailable) as failed:
                jira.project("SOC")
            shown = "".join(traceback.format_exception(failed.value))
            assert "c00kie" not in shown
            assert "pat-5ecret" not in shown
            assert failed.value.__context__ is None
    assert "c00kie" not in caplog.text
    assert "pat-5ecret" not in caplog.text
    assert all("Cookie" not in call.request.headers for call in server.calls)


def test_every_request_has_a_time_out(server: responses.RequestsMock) -> None:
    server.get(f"{API}/project/SOC", json={})
    read()
    assert [call.request.req_kwargs["timeout"] for call in server.calls] == [(5.0, 30.0)] * 2  # type: ignore[attr-defined]


def test_a_changelog_that_was_cut_is_completed(server: responses.RequestsMock) -> None:
    def entry(number: int, field: str) -> dict[str, Any]:
        item = {"field": field, "from": None, "fromString": "a", "to": None, "toString": "b"}
        created = f"2026-01-01T00:00:{number:02d}.000+0000"
        return {"id": str(number), "author": {"displayName": "M"}, "created": created, "items": [item]}

    changelog = {"total": 3, "histories": [entry(3, "labels")]}
    body = {"id": "1", "key": "SOC-1", "fields": {"summary": "x"}, "changelog": changelog}
    server.get(f"{API}/issue/1", json=body)
    values = [entry(1, "summary"), entry(2, "priority"), entry(3, "labels")]
    server.get(f"{API}/issue/1/changelog", json={"values": values, "total": 3, "isLast": True})
    issue = client().issue("1", ["summary"])
    assert [(edit.entry, edit.field) for edit in issue.edits] == [(1, "summary"), (2, "priority"), (3, "labels")]


def test_a_list_without_a_count_is_read_to_its_end(server: responses.RequestsMock) -> None:
    def page(request: Any) -> tuple[int, dict[str, str], str]:
        start = int(request.params["startAt"])
        rows = [{"id": str(start + n), "name": f"type {start + n}"} for n in range(2)]
        return 200, {}, json.dumps({"values": rows, "isLast": start == 4})

    server.add_callback(responses.GET, f"{API}/issue/createmeta/SOC/issuetypes", callback=page)
    assert list(client().issue_types("SOC").values()) == ["0", "1", "2", "3", "4", "5"]


@pytest.mark.parametrize("name", ["issueTypes", "values"])
def test_issue_types_in_either_spelling(server: responses.RequestsMock, name: str) -> None:
    server.get(f"{API}/issue/createmeta/SOC/issuetypes", json={name: [{"id": "7", "name": "Task"}]})
    assert client().issue_types("SOC") == {"Task": "7"}


ODD: list[Any] = [
    {}, {"id": "x", "fields": {}}, {"id": "1"}, {"id": "1", "fields": {"updated": "soon"}}, {"id": "1", "fields": []},
    {"id": "1", "fields": {"updated": "2026-01-01T00:00:00.000+0000", "status": "Done"}},
    {"id": "1", "fields": {"updated": "2026-01-01T00:00:00.000+0000"}, "changelog": {"histories": [{}]}}, [], "x",
]


@pytest.mark.parametrize("body", ODD)
def test_an_issue_not_in_the_form_of_jira_is_unavailable(server: responses.RequestsMock, body: Any) -> None:
    server.get(f"{API}/issue/1", json=body)
    server.get(f"{API}/search", json={"issues": [body], "total": 1})
    with pytest.raises(Unavailable, match="not in Jira's form"):
        client().issue("1", ["updated"])
    with pytest.raises(Unavailable, match="not in Jira's form"):
        client().search("looking", "x", ["updated"])


@pytest.mark.parametrize(
    "body", [{}, {"comments": [{}]}, {"comments": {}, "total": 1}, {"comments": ["x"], "total": "x"}]
)
def test_comments_not_in_the_form_of_jira_are_unavailable(server: responses.RequestsMock, body: Any) -> None:
    server.get(f"{API}/issue/1/comment", json=body)
    with pytest.raises(Unavailable, match="not in Jira's form"):
        client().comments("1")


def test_a_slow_answer_to_a_write_has_an_unknown_outcome(bench: Bench) -> None:
    ticket = bench.ticket()
    hasty = bench.connect(timeout=(5.0, 0.2))
    hasty.find("kibcase-x")
    bench.jira.faults.arm(Fault(method="POST", path=".*/comment", when="after", delay=1.0))
    with pytest.raises(OutcomeUnknown, match="no answer in time"):
        hasty.apply(AddComment(key=ticket.key, mark="m", body="x"), bench.announced)


def test_a_connection_broken_before_the_answer(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.jira.faults.arm(Fault(method="GET", path=".*/issue/.*", drop=True))
    with pytest.raises(Unavailable):
        bench.connector.read(ticket.key)
    assert bench.connector.read(ticket.key).key == ticket.key


def test_an_account_that_is_denied_can_come_back(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.jira.expire_credentials()
    with pytest.raises(Denied):
        bench.connector.apply(AddComment(key=ticket.key, mark="m", body="x"), bench.announced)
    bench.jira.renew_credentials()
    assert bench.connector.read(ticket.key).comments == ()
    bench.connector.close()
    bench.connector.close()
    assert bench.connector.read(ticket.key).key == ticket.key


def test_a_wrong_token_is_denied_and_not_shown(bench: Bench) -> None:
    wrong: dict[str, Any] = {"api_token": "wr0ng"} if bench.deployment == "cloud" else {"token": "wr0ng"}
    with pytest.raises(Denied) as denied:
        bench.connect(**wrong).read("1")
    assert "wr0ng" not in str(denied.value)


def test_the_reason_of_a_limit_is_told(server: responses.RequestsMock) -> None:
    headers = {"RateLimit-Reason": "jira-per-issue-on-write", "X-RateLimit-Reset": "2126-01-01T00:00:00Z"}
    server.get(f"{API}/project/SOC", status=429, headers=headers)
    with pytest.raises(Throttled, match=r"jira-per-issue-on-write.*this one ticket") as throttled:
        read()
    assert throttled.value.retry_after == 86_400.0


@pytest.mark.parametrize("status", [401, 403])
def test_after_a_captcha_nothing_is_sent_any_more(server: responses.RequestsMock, status: int) -> None:
    reason = "CAPTCHA_CHALLENGE; login-url=https://jira.example.com/login.jsp"
    server.get(f"{API}/project/SOC", status=status, headers={"X-Authentication-Denied-Reason": reason})
    jira = client()
    for _ in range(3):
        with pytest.raises(Denied, match="captcha"):
            jira.project("SOC")
        jira.close()
    assert len(server.calls) == 2


def test_a_captcha_at_the_first_request_locks_too(server: responses.RequestsMock) -> None:
    headers = {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE"}
    server.replace(responses.GET, f"{API}/serverInfo", status=403, headers=headers)
    jira = client()
    for _ in range(2):
        with pytest.raises(Denied, match="captcha"):
            jira.project("SOC")
    assert len(server.calls) == 1


def test_an_account_behind_a_captcha_sends_one_request(make: MakeBench) -> None:
    bench = make("datacenter")
    bench.connector = bench.connect(token=None, username="kibcase", password="kibcase-token")
    bench.ticket()
    bench.jira.require_captcha("kibcase")
    bench.jira.faults.forget()
    for _ in range(3):
        with pytest.raises(Denied, match="captcha"):
            bench.connector.changes(None)
        with pytest.raises(Denied, match="captcha"):
            bench.create()
    assert len(bench.requests) == 1


def test_a_concurrent_edit_is_a_conflict(cloud: Bench) -> None:
    ticket = cloud.ticket()
    cloud.jira.conflict()
    action = SetFields(key=ticket.key, version=ticket.version, fields={"title": "B"})
    with pytest.raises(Conflict):
        cloud.connector.apply(action, cloud.announced)


def test_writes_to_one_issue_are_bundled(cloud: Bench) -> None:
    ticket = cloud.ticket()
    cloud.jira.faults.forget()
    action = SetFields(
        key=ticket.key, version=ticket.version, fields={"title": "B", "severity": "low", "description": "c"},
        add={"tags": ("x",)}, remove={"tags": ("edr",)},
    )
    cloud.connector.apply(action, cloud.announced)
    assert len(cloud.jira.faults.writes) == 1
