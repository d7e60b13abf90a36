"""Links from issue to issue, attachments and the media host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from kibcase_connectors.standins.jira import JiraProblem, JiraStandin

TOKEN = {"X-Atlassian-Token": "no-check"}


def blocks(source: str, target: str, **more: Any) -> dict[str, Any]:
    return {"type": {"name": "Blocks"}, "inwardIssue": {"key": source}, "outwardIssue": {"key": target}, **more}


def test_both_ends_show_the_link(standin: JiraStandin, rest: Any, clock: Any) -> None:
    one, two = rest.create(summary="One"), rest.create(summary="Two")
    before = rest.fields(two)["updated"]
    clock.forward(seconds=1)
    made = rest("POST", "issueLink", blocks(one, two, comment={"body": "Linked"}))
    assert (made.status_code, made.content) == (201, b"")
    (out,), (back,) = rest.fields(one)["issuelinks"], rest.fields(two)["issuelinks"]
    assert out["type"] | {"self": ""} == {
        "id": "10000", "name": "Blocks", "inward": "is blocked by", "outward": "blocks", "self": ""
    }
    assert (out["outwardIssue"]["key"], out["outwardIssue"]["fields"]["summary"]) == (two, "Two")
    assert (back["id"], back["inwardIssue"]["key"], "outwardIssue" in back) == (out["id"], one, False)
    whole = rest("GET", f"issueLink/{out['id']}").json()
    assert (whole["inwardIssue"]["key"], whole["outwardIssue"]["key"]) == (one, two)
    assert rest.fields(two)["updated"] > before
    (entry,) = rest("GET", f"issue/{two}?expand=changelog").json()["changelog"]["histories"]
    assert [(each["field"], each["to"], each["toString"]) for each in entry["items"]] == [
        ("Link", one, f"This issue is blocked by {one}")
    ]
    assert [each["body"] for each in rest.fields(one)["comment"]["comments"]] == ["Linked"]
    assert rest("DELETE", f"issueLink/{out['id']}").status_code == 204
    assert [rest.fields(each)["issuelinks"] for each in (one, two)] == [[], []]
    assert rest("GET", f"issueLink/{out['id']}").status_code == 404


def test_the_same_link_is_made_once(rest: Any) -> None:
    one, two = rest.create(), rest.create()
    assert [rest("POST", "issueLink", blocks(one, two)).status_code for _ in range(2)] == [201, 201]
    assert rest("POST", "issueLink", blocks(two, one)).status_code == 201
    assert len(rest.fields(one)["issuelinks"]) == 2


@pytest.mark.parametrize(("change", "status", "text"), [
    ({"type": {"name": "Envies"}}, 404, "No issue link type with name 'Envies' found."),
    ({"type": {"id": "7"}}, 404, "No issue link type with id '7' found."),
    ({"type": None}, 400, "The type of the issue link must be given by id or name."),
    ({"outwardIssue": {"key": "SOC-99"}}, 404, "Issue does not exist or you do not have permission to see it."),
    ({"outwardIssue": {"key": "SOC-1"}}, 400, "You cannot link an issue to itself."),
    ({"comment": {"body": ""}}, 400, None),
    ({"comment": "text"}, 400, "'comment' must be an object."),
])
def test_refused(rest: Any, change: dict[str, Any], status: int, text: str | None) -> None:
    one, two = rest.create(), rest.create()
    answer = rest("POST", "issueLink", {**blocks(one, two), **change})
    assert (answer.status_code, answer.json()["errorMessages"]) == (status, [text] if text else [])
    assert rest.fields(one)["issuelinks"] == []


def test_links_need_the_permission(standin: JiraStandin, rest: Any) -> None:
    one, two = rest.create(), rest.create()
    link = standin.as_person("maria.lindqvist").link(one, two, "Duplicate")
    standin.state.deny("kibcase", "LINK_ISSUES")
    answers = [rest("POST", "issueLink", blocks(one, two)), rest("DELETE", f"issueLink/{link}")]
    assert [each.status_code for each in answers] == [404, 404]
    assert "No Link Issue Permission" in answers[0].json()["errorMessages"][0]
    standin.as_person("maria.lindqvist").unlink(link)
    assert rest.fields(one)["issuelinks"] == []


def test_links_in_the_same_request(standin: JiraStandin, rest: Any) -> None:
    one = rest.create()
    add = {"issuelinks": [{"add": {"type": {"name": "Relates"}, "outwardIssue": {"key": one}}}]}
    fields = {"project": {"key": "SOC"}, "issuetype": {"name": "Task"}, "summary": "s"}
    two = rest("POST", "issue", {"fields": fields, "update": add}).json()["key"]
    three = rest.create()
    assert rest("PUT", f"issue/{three}", {"update": add}).status_code == 204
    assert [each["inwardIssue"]["key"] for each in rest.fields(one)["issuelinks"]] == [two, three]
    wrong = {"issuelinks": [{"remove": {"id": "1"}}]}
    assert rest("PUT", f"issue/{three}", {"update": wrong}).json()["errors"].keys() == {"issuelinks"}
    missing = {"issuelinks": [{"add": {"type": {"name": "Relates"}, "outwardIssue": {"key": "SOC-99"}}}]}
    before = standin.state.issues()
    assert rest("POST", "issue", {"fields": fields, "update": missing}).status_code == 404
    assert standin.state.issues() == before


def test_a_deleted_issue_leaves_no_link(standin: JiraStandin, rest: Any) -> None:
    one, two = rest.create(), rest.create()
    rest("POST", "issueLink", blocks(one, two))
    standin.as_person("maria.lindqvist").delete(two)
    assert rest.fields(one)["issuelinks"] == []


def test_link_types(rest: Any) -> None:
    types = rest("GET", "issueLinkType").json()["issueLinkTypes"]
    assert [each["name"] for each in types] == ["Blocks", "Cloners", "Duplicate", "Relates"]
    assert rest("GET", "issueLinkType/10002").json() == types[2]
    assert rest("GET", "issueLinkType/5").status_code == 404


def test_links_survive_a_restart(run: Callable[..., JiraStandin], rest_to: Callable[..., Any], tmp_path: Any) -> None:
    first = run("cloud", data=tmp_path / "jira.db")
    rest = rest_to(first)
    one, two = rest.create(), rest.create()
    rest("POST", "issueLink", blocks(one, two))
    before = rest.fields(one)["issuelinks"]
    first.stop()
    second = run("cloud", data=tmp_path / "jira.db")
    after = rest_to(second).fields(one)["issuelinks"]
    assert [each["outwardIssue"]["key"] for each in after] == [each["outwardIssue"]["key"] for each in before]


def upload(rest: Any, key: str, content: bytes = b"A") -> requests.Response:
    answer: requests.Response = rest(
        "POST", f"issue/{key}/attachments", files=[("file", ("a.txt", content, "text/plain"))], headers=TOKEN
    )
    return answer


def test_the_media_host_must_not_see_the_authorization(cloud: JiraStandin, rest_to: Callable[..., Any]) -> None:
    rest = rest_to(cloud)
    (file,) = upload(rest, rest.create()).json()
    followed = rest.session.get(file["content"], timeout=10)
    assert (followed.content, followed.headers["Content-Type"]) == (b"A", "text/plain; charset=utf-8")
    assert not followed.url.startswith(cloud.url)
    assert [each.authorized for each in cloud.media.requests] == [False]
    first = rest.session.get(file["content"], timeout=10, allow_redirects=False)
    assert first.status_code == 303
    leaked = requests.get(first.headers["Location"], auth=rest.session.auth, timeout=10)
    assert (leaked.status_code, [each.authorized for each in cloud.media.requests]) == (400, [False, True])
    strange = first.headers["Location"].replace("/file/", "/file/x")
    assert requests.get(strange, timeout=10).status_code == 404
    direct = rest.session.get(file["content"] + "?redirect=false", timeout=10, allow_redirects=False)
    assert (direct.status_code, direct.content) == (200, b"A")


def test_the_bytes_may_stay_on_the_same_host(run: Callable[..., JiraStandin], rest_to: Callable[..., Any]) -> None:
    standin = run("cloud", media_port=None)
    rest = rest_to(standin)
    (file,) = upload(rest, rest.create()).json()
    followed = rest.session.get(file["content"], timeout=10)
    assert (followed.content, followed.url.startswith(f"{standin.url}/media/")) == (b"A", True)
    assert standin.media.requests == []


def test_upload_limit(standin: JiraStandin, rest: Any) -> None:
    key = rest.create()
    standin.limit_uploads(3)
    assert rest("GET", "attachment/meta").json() == {"enabled": True, "uploadLimit": 3}
    assert [upload(rest, key, content).status_code for content in (b"AAA", b"AAAA")] == [200, 413]
    standin.limit_uploads(None)
    assert rest("GET", "attachment/meta").json() == {"enabled": False}
    assert upload(rest, key).status_code == 403
    with pytest.raises(JiraProblem, match="403"):
        standin.as_person("maria.lindqvist").attach(key, "a.txt", b"A")
    assert [each["size"] for each in rest.fields(key)["attachment"]] == [3]


def test_attachments_move_updated(standin: JiraStandin, rest: Any, clock: Any) -> None:
    key = rest.create()
    before = rest.fields(key)["updated"]
    clock.forward(seconds=1)
    (file,) = upload(rest, key).json()
    added = rest.fields(key)["updated"]
    clock.forward(seconds=1)
    assert rest("DELETE", f"attachment/{file['id']}").status_code == 204
    assert before < added < rest.fields(key)["updated"]
    histories = rest("GET", f"issue/{key}?expand=changelog").json()["changelog"]["histories"]
    items = sorted((each["from"] or "", each["to"] or "") for entry in histories for each in entry["items"])
    assert items == [("", file["id"]), (file["id"], "")]
