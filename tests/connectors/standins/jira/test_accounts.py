"""Who may call, and what callers without credentials see."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
import requests

from kibcase_connectors.standins.jira import JiraStandin

NEW = {"fields": {"project": {"key": "SOC"}, "issuetype": {"name": "Task"}, "summary": "s"}}


@pytest.mark.parametrize("login", [
    ("kibcase@example.com", "wrong"), ("kibcase", "kibcase-token"), ("nobody@example.com", "kibcase-token"), ("", "")
])
def test_wrong_credentials_on_cloud(cloud: JiraStandin, login: tuple[str, str]) -> None:
    for method, path in (("GET", "myself"), ("GET", "search/jql?jql=project=SOC"), ("POST", "issue")):
        answer = requests.request(method, f"{cloud.url}/rest/api/2/{path}", auth=login, json=NEW, timeout=10)
        assert answer.status_code == 401
        assert answer.text == "Client must be authenticated to access this resource."
        assert answer.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"
    assert requests.get(f"{cloud.url}/rest/api/2/serverInfo", auth=login, timeout=10).status_code == 200


@pytest.mark.parametrize("header", [
    "Basic bm9ib2R5Omtub3dz", "Basic not base64", "Basic /w==", "Bearer wrong", "Digest x", "kibcase-token"
])
def test_wrong_credentials_on_data_center(datacenter: JiraStandin, header: str) -> None:
    answer = requests.get(f"{datacenter.url}/rest/api/2/myself", headers={"Authorization": header}, timeout=10)
    assert (answer.status_code, answer.headers["X-Seraph-LoginReason"]) == (401, "AUTHENTICATED_FAILED")
    assert "AUTHENTICATED_FAILED" in answer.text


def test_bearer_is_for_data_center_only(cloud: JiraStandin, datacenter: JiraStandin) -> None:
    bearer = {"Authorization": "Bearer kibcase-token"}
    codes = [requests.get(f"{each.url}/rest/api/2/myself", headers=bearer, timeout=10).status_code
             for each in (cloud, datacenter)]
    assert codes == [401, 200]


def test_without_credentials(standin: JiraStandin) -> None:
    answer = requests.get(f"{standin.url}/rest/api/2/myself", timeout=10)
    assert (answer.status_code, answer.json()) == (
        401, {"message": "Client must be authenticated to access this resource.", "status-code": 401}
    )


def test_expired_credentials_make_the_caller_anonymous(cloud: JiraStandin, client_of: Callable[..., Any],
                                                       rest_to: Callable[..., Any]) -> None:
    client, rest = client_of(cloud), rest_to(cloud)
    key = rest.create()
    cloud.expire_credentials()
    assert len(client.search_issues("project = SOC", maxResults=False)) == 0
    search = rest("GET", "search/jql?jql=project=SOC")
    assert (search.status_code, search.json()["issues"]) == (200, [])
    assert search.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"
    codes = {path: rest("GET", path).status_code for path in (
        "myself", f"issue/{key}", f"issue/{key}/comment", "project", "project/SOC", "field", "search", "mypermissions"
    )}
    assert codes == {"myself": 401, f"issue/{key}": 404, f"issue/{key}/comment": 404, "project": 200,
                     "project/SOC": 404, "field": 200, "search": 410, "mypermissions": 401}
    assert rest("POST", "issue", NEW).status_code == 401
    assert rest("PUT", f"issue/{key}", {"fields": {"summary": "x"}}).status_code == 401
    cloud.renew_credentials()
    assert [each.key for each in client.search_issues("project = SOC", maxResults=False)] == [key]


def test_expired_credentials_on_data_center(datacenter: JiraStandin, rest_to: Callable[..., Any]) -> None:
    rest = rest_to(datacenter)
    rest.create()
    datacenter.expire_credentials()
    assert rest("GET", "search?jql=project=SOC").json()["total"] == 0
    assert rest("GET", "search/jql?jql=project=SOC").status_code == 404


def test_lost_permission_looks_like_deletion(standin: JiraStandin, rest: Any) -> None:
    key = rest.create()
    standin.state.deny("kibcase", "BROWSE_PROJECTS")
    answer = rest("GET", f"issue/{key}")
    assert (answer.status_code, answer.json()) == (404, {
        "errorMessages": ["Issue does not exist or you do not have permission to see it."], "errors": {}
    })
    assert rest("GET", "project/SOC").status_code == 404
    path = "search/jql" if standin.state.catalog.cloud else "search"
    assert rest("GET", f"{path}?jql=project=SOC").json()["issues"] == []
    standin.state.grant("kibcase", "BROWSE_PROJECTS")
    assert rest("GET", f"issue/{key}").status_code == 200


@pytest.mark.parametrize(("permission", "method", "path", "body"), [
    ("CREATE_ISSUES", "POST", "issue", NEW),
    ("EDIT_ISSUES", "PUT", "issue/SOC-1", {"fields": {"summary": "x"}}),
    ("EDIT_ISSUES", "PUT", "issue/SOC-1/properties/a", 1),
    ("LINK_ISSUES", "POST", "issue/SOC-1/remotelink", {"object": {"url": "https://k.example", "title": "t"}}),
])
def test_forbidden(standin: JiraStandin, rest: Any, permission: str, method: str, path: str, body: object) -> None:
    rest.create()
    standin.state.deny("kibcase", permission)
    answer = rest(method, path, body)
    assert answer.status_code == 403
    assert answer.json()["errorMessages"][0]
    standin.state.grant("kibcase", permission)
    assert rest(method, path, body).ok


def test_my_permissions(standin: JiraStandin, rest: Any) -> None:
    some = rest("GET", "mypermissions?projectKey=SOC&permissions=EDIT_ISSUES,DELETE_ISSUES").json()["permissions"]
    assert {name: each["havePermission"] for name, each in some.items()} == {
        "EDIT_ISSUES": True, "DELETE_ISSUES": False
    }
    everything = rest("GET", "mypermissions?projectKey=SOC")
    assert everything.status_code == (400 if standin.state.catalog.cloud else 200)
    strange = rest("GET", "mypermissions?permissions=FLY")
    assert strange.status_code == (400 if standin.state.catalog.cloud else 200)


def test_user_search(standin: JiraStandin, rest: Any) -> None:
    cloud = standin.state.catalog.cloud
    name = "query" if cloud else "username"
    assert [each["displayName"] for each in rest("GET", f"user/search?{name}=nowak").json()] == ["Tomasz Nowak"]
    assert rest("GET", "user/search").status_code == 400
    standin.state.deny("tomasz.nowak", "ASSIGNABLE_USER")
    found = rest("GET", "user/assignable/search?project=SOC").json()
    assert [each["displayName"] for each in found] == ["Kibcase Sync", "Maria Lindqvist"]
    key = rest.create()
    refused = {"accountId": standin.state.user("tomasz.nowak").account_id} if cloud else {"name": "tomasz.nowak"}
    answer = rest("PUT", f"issue/{key}/assignee", refused)
    assert "cannot be assigned issues" in answer.json()["errors"]["assignee"]
    ref = "accountId=" + standin.state.user("kibcase").account_id if cloud else "key=JIRAUSER10100"
    assert rest("GET", f"user?{ref}").json()["displayName"] == "Kibcase Sync"
    assert rest("GET", "user?accountId=x&username=x").status_code == 404


def test_unknown_paths(rest: Any, standin: JiraStandin) -> None:
    answer = rest("GET", "nothing/here")
    assert (answer.status_code, answer.json()["status-code"]) == (404, 404)
    assert rest("PATCH", "issue/SOC-1", {}).status_code == 405
    latest = requests.get(f"{standin.url}/rest/api/latest/myself", auth=rest.session.auth, timeout=10)
    assert latest.status_code == 200


def test_lists(rest: Any, standin: JiraStandin) -> None:
    for what, number in (("priority", "2"), ("resolution", "10001"), ("issuetype", "10004"), ("status", "10001")):
        one = rest("GET", f"{what}/{number}").json()
        assert one in rest("GET", what).json()
        assert rest("GET", f"{what}/77").status_code == 404
    task, *_ = rest("GET", "project/SOC/statuses").json()
    assert [each["statusCategory"]["key"] for each in task["statuses"]] == [
        "new", "indeterminate", "indeterminate", "done"
    ]
    links = rest.session.get(f"{standin.url}/rest/applinks/latest/listApplicationlinks", timeout=10)
    assert links.json() == {"list": []}


def test_secrets_stay_out_of_reprs_and_logs(
    standin: JiraStandin, rest: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    rest.create()
    assert "kibcase-token" not in repr(standin.state.user("kibcase")) + repr(standin.state.catalog) + caplog.text
