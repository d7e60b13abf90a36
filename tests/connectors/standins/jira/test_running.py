"""The stand-in as a server: faults, many callers at once, data on disk."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from jira import JIRAError

from kibcase.server.faults import Fault
from kibcase_connectors.standins.jira import JiraStandin

CREATE = r"/rest/api/2/issue"
NEW = {"project": {"key": "SOC"}, "issuetype": {"name": "Task"}, "summary": "s", "labels": ["kbn-case-7"]}


def test_a_lost_answer_leaves_the_issue(standin: JiraStandin, client_of: Callable[..., Any]) -> None:
    client = client_of(standin)
    standin.faults.arm(Fault(method="POST", path=CREATE, when="after", drop=True))
    with pytest.raises(requests.exceptions.ConnectionError):
        client.create_issue(fields=NEW)
    found = client.search_issues("project = SOC AND labels = kbn-case-7", maxResults=False)
    assert [each.key for each in found] == ["SOC-1"]
    assert [(each.method, each.path) for each in standin.faults.writes] == [("POST", "/rest/api/2/issue")]


def test_a_lost_request_leaves_nothing(standin: JiraStandin, client_of: Callable[..., Any]) -> None:
    client = client_of(standin)
    standin.faults.arm(Fault(method="POST", path=CREATE, when="before", drop=True))
    with pytest.raises(requests.exceptions.ConnectionError):
        client.create_issue(fields=NEW)
    assert standin.state.issues() == []


def test_throttling(standin: JiraStandin, client_of: Callable[..., Any]) -> None:
    client = client_of(standin)
    standin.faults.arm(Fault(path=r".*/myself", status=429, headers=(("Retry-After", "7"),), body=b"{}"))
    with pytest.raises(JIRAError) as slow:
        client.myself()
    assert slow.value.response is not None
    assert (slow.value.status_code, slow.value.response.headers["Retry-After"]) == (429, "7")
    assert client.myself()["displayName"] == "Kibcase Sync"


def test_a_person_may_act_between_request_and_answer(standin: JiraStandin, client_of: Callable[..., Any]) -> None:
    client, maria = client_of(standin), standin.as_person("maria.lindqvist")
    issue = client.create_issue(fields=NEW)
    standin.faults.arm(Fault(
        method="PUT", path=r".*/issue/10001", when="before", call=lambda _: maria.edit(issue.key, priority="Highest")
    ))
    issue.update(fields={"summary": "mine"})
    assert (issue.fields.summary, issue.fields.priority.name) == ("mine", "Highest")


def test_many_callers_at_once(standin: JiraStandin, rest_to: Callable[..., Any]) -> None:
    key = rest_to(standin).create()
    maria = standin.as_person("maria.lindqvist")
    callers = [rest_to(standin) for _ in range(4)]

    def work(number: int) -> None:
        caller = callers[number % 4]
        assert caller("PUT", f"issue/{key}", {"update": {"labels": [{"add": f"l{number}"}]}}).status_code == 204
        maria.comment(key, f"c{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(40)))
    issue = maria.issue(key)
    assert set(issue.values["labels"]) == {f"l{number}" for number in range(40)}
    assert len({comment.id for comment in issue.comments}) == 40
    times = [*(each.created for each in issue.histories), *(each.created for each in issue.comments)]
    assert len(set(times)) == 80


def test_data_survives_a_restart(run: Callable[..., JiraStandin], rest_to: Callable[..., Any], tmp_path: Path) -> None:
    data = tmp_path / "jira.sqlite"
    first = run("datacenter", data=data)
    rest = rest_to(first)
    key = rest.create(labels=["a"], description="d", customfield_10013=[{"value": "Lund"}])
    rest.walk(key, "11", "21", "31")
    mark = {"key": "kibcase.comment", "value": {"id": 1}}
    rest("POST", f"issue/{key}/comment", {"body": "c", "properties": [mark]})
    rest("POST", f"issue/{key}/remotelink", {"globalId": "g", "object": {"url": "https://k.example", "title": "t"}})
    rest("PUT", f"issue/{key}/properties/kibcase", {"case": [1, None]})
    first.as_person("maria.lindqvist").attach(key, "a.bin", b"\x00\xff")
    rest("PUT", f"issue/{key}", {"fields": {"summary": "not kept"}, "update": {"comment": [{"remove": {"id": "1"}}]}})
    gone = rest.create()
    first.as_person("maria.lindqvist").delete(gone)
    before = first.state.issues()
    first.stop()
    second = run("datacenter", data=data)
    assert second.state.issues() == before
    rest = rest_to(second)
    (file,) = rest.fields(key)["attachment"]
    assert rest.session.get(file["content"], timeout=10).content == b"\x00\xff"
    assert [each["key"] for each in rest("GET", "search?jql=labels=a").json()["issues"]] == [key]
    assert rest.create() == "SOC-3"


def test_stop_twice(cloud: JiraStandin) -> None:
    cloud.stop()
    cloud.stop()


def test_an_address_in_use(cloud: JiraStandin) -> None:
    with pytest.raises(OSError, match=r"[Aa]ddress already in use"):
        JiraStandin(port=int(cloud.url.rsplit(":", 1)[1]))


def test_huge_bodies_are_refused(cloud: JiraStandin, rest_to: Callable[..., Any]) -> None:
    rest = rest_to(cloud)
    data = b'{"fields": {"summary": "' + b"x" * (17 * 1024 * 1024) + b'"}}'
    answer = rest("POST", "issue", data=data, headers={"content-type": "application/json"})
    assert answer.status_code == 413
