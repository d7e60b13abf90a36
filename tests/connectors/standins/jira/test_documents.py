"""REST API v3 of Cloud: long texts are Atlassian documents, of the same issues that v2 shows as wiki markup."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.standins.jira import JiraStandin
from kibcase_connectors.standins.jira.documents import utf16_length

NOT_ADF = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
TEXTS = ("description", "environment", "customfield_10011")


def paragraph(*texts: str, **more: Any) -> dict[str, Any]:
    return {"type": "paragraph", "content": [{"type": "text", "text": text, **more} for text in texts]}


def doc(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"type": "doc", "version": 1, "content": list(blocks)}


RICH = doc(
    paragraph("Blocked ", marks=[{"type": "strong"}]),
    {"type": "panel", "attrs": {"panelType": "warning"}, "content": [paragraph("Do not reply.")]},
)


def v3(rest: Any, method: str, path: str, body: Any = None) -> Any:
    base = rest._base.replace("/api/2/", "/api/3/")
    sent = {"json": body} if body is not None else {}
    return rest.session.request(method, base + path, timeout=10, **sent)


@pytest.fixture
def rest(cloud: JiraStandin, rest_to: Callable[..., Any]) -> Any:
    return rest_to(cloud)


def new(rest: Any, **fields: Any) -> str:
    given = {"project": {"key": "SOC"}, "issuetype": {"name": "Task"}, "summary": "s", **fields}
    made = v3(rest, "POST", "issue", {"fields": given})
    assert made.status_code == 201, made.text
    assert "/rest/api/3/issue/" in made.json()["self"]
    return str(made.json()["key"])


def test_data_center_has_no_v3(datacenter: JiraStandin, rest_to: Callable[..., Any]) -> None:
    rest = rest_to(datacenter)
    key = rest.create()
    answers = [v3(rest, "GET", path) for path in ("myself", "serverInfo", f"issue/{key}", "search/jql")]
    assert [each.status_code for each in answers] == [404] * 4


@pytest.mark.parametrize("field", TEXTS)
def test_documents_come_back_as_they_were_written(rest: Any, field: str) -> None:
    key = new(rest, **{field: RICH})
    assert v3(rest, "GET", f"issue/{key}").json()["fields"][field] == RICH
    text = rest.fields(key)[field]
    assert "*Blocked" in text
    assert "Do not reply." in text
    other = doc(paragraph("Other"))
    assert v3(rest, "PUT", f"issue/{key}", {"fields": {field: other}}).status_code == 204
    assert (v3(rest, "GET", f"issue/{key}").json()["fields"][field], rest.fields(key)[field]) == (other, "Other")
    assert v3(rest, "PUT", f"issue/{key}", {"fields": {field: None}}).status_code == 204
    assert (v3(rest, "GET", f"issue/{key}").json()["fields"][field], rest.fields(key)[field]) == (None, None)


@pytest.mark.parametrize("field", TEXTS)
def test_wiki_markup_reads_as_a_document(rest: Any, field: str) -> None:
    key = rest.create(**{field: "*Bold* move"})
    found = v3(rest, "GET", f"issue/{key}").json()["fields"][field]
    assert found == doc({"type": "paragraph", "content": [
        {"type": "text", "text": "Bold", "marks": [{"type": "strong"}]}, {"type": "text", "text": " move"},
    ]})
    assert v3(rest, "PUT", f"issue/{key}", {"fields": {field: found}}).status_code == 204
    assert rest("GET", f"issue/{key}?expand=changelog").json()["changelog"]["total"] == 0
    assert rest.fields(key)[field] == "*Bold* move"


def test_writing_wiki_markup_replaces_the_document(rest: Any) -> None:
    key = new(rest, description=RICH)
    assert rest("PUT", f"issue/{key}", {"fields": {"description": rest.fields(key)["description"]}}).ok
    assert v3(rest, "GET", f"issue/{key}").json()["fields"]["description"] == RICH
    assert rest("PUT", f"issue/{key}", {"fields": {"description": "Plain"}}).ok
    assert v3(rest, "GET", f"issue/{key}").json()["fields"]["description"] == doc(paragraph("Plain"))


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize(("value", "text"), [
    ("Plain text", NOT_ADF), ({"type": "paragraph"}, NOT_ADF), ({"type": "doc", "content": []}, NOT_ADF),
    ([], NOT_ADF), (doc({"type": "text", "text": "loose"}), "INVALID_INPUT"), (doc(paragraph("")), "INVALID_INPUT"),
    (doc(paragraph("x" * 32_768)), "CONTENT_LIMIT_EXCEEDED"),
])
def test_refused_documents(rest: Any, field: str, value: object, text: str) -> None:
    key = new(rest)
    answer = v3(rest, "PUT", f"issue/{key}", {"fields": {field: value}})
    assert (answer.status_code, answer.json()) == (400, {"errorMessages": [], "errors": {field: text}})
    assert rest.fields(key)[field] is None


def test_v2_takes_no_document(rest: Any) -> None:
    key = rest.create()
    edit = rest("PUT", f"issue/{key}", {"fields": {"description": RICH}})
    assert edit.json()["errors"] == {"description": "Operation value must be a string"}
    comment = rest("POST", f"issue/{key}/comment", {"body": RICH})
    assert (comment.status_code, comment.json()["errors"]) == (400, {"comment": "Comment body is not valid!"})


def test_comments(cloud: JiraStandin, rest: Any) -> None:
    key = new(rest)
    made = v3(rest, "POST", f"issue/{key}/comment", {"body": RICH})
    assert (made.status_code, made.json()["body"]) == (201, RICH)
    assert made.json()["self"].startswith(f"{cloud.url}/rest/api/3/issue/")
    at = f"issue/{key}/comment/{made.json()['id']}"
    assert "Do not reply." in rest("GET", at).json()["body"]
    assert v3(rest, "PUT", at, {"body": doc(paragraph("Changed"))}).json()["body"] == doc(paragraph("Changed"))
    assert rest("GET", at).json()["body"] == "Changed"
    assert rest("PUT", at, {"body": "_Wiki_"}).ok
    (shown,) = v3(rest, "GET", f"issue/{key}/comment").json()["comments"]
    assert shown["body"]["content"][0]["content"][0]["marks"] == [{"type": "em"}]
    assert v3(rest, "GET", f"issue/{key}").json()["fields"]["comment"]["comments"][0]["body"] == shown["body"]


@pytest.mark.parametrize(("body", "expected"), [
    ("text", ([], {"comment": "Comment body is not valid!"})),
    (None, ([], {"comment": "Comment body can not be empty!"})),
    (doc(), ([], {"comment": "Comment body can not be empty!"})),
    (doc({"type": "listItem", "content": []}), (["INVALID_INPUT"], {})),
    (doc(paragraph("x" * 32_768)), ([], {"comment": "CONTENT_LIMIT_EXCEEDED"})),
])
def test_refused_comments(rest: Any, body: object, expected: tuple[list[str], dict[str, str]]) -> None:
    key = new(rest)
    sent = {"body": body}
    added = v3(rest, "POST", f"issue/{key}/comment", sent)
    edited = v3(rest, "PUT", f"issue/{key}", {"update": {"comment": [{"add": sent}]}})
    for answer in (added, edited):
        found = answer.json()
        assert (answer.status_code, found["errorMessages"], found["errors"]) == (400, *expected)
    assert rest.fields(key)["comment"]["total"] == 0


def test_transitions_take_documents(rest: Any) -> None:
    key = new(rest)
    step = {"transition": {"id": "11"}, "update": {"comment": [{"add": {"body": RICH}}]}}
    assert v3(rest, "POST", f"issue/{key}/transitions", step).status_code == 204
    assert v3(rest, "GET", f"issue/{key}/comment").json()["comments"][0]["body"] == RICH


def test_search(cloud: JiraStandin, rest: Any, clock: Any) -> None:
    keys = [new(rest, summary=f"Alert {number}", description=RICH) for number in range(5)]
    asked = {"jql": "project = SOC ORDER BY key ASC", "fields": ["summary", "description"], "maxResults": 2}
    found: list[Any] = []
    token = None
    for _ in range(3):
        page = v3(rest, "POST", "search/jql", {**asked, **({"nextPageToken": token} if token else {})}).json()
        found += page["issues"]
        token = page.get("nextPageToken")
        assert page["isLast"] is (token is None)
    assert [each["key"] for each in found] == keys
    assert all(each["fields"]["description"] == RICH for each in found)
    ids = v3(rest, "GET", "search/jql?jql=project=SOC").json()["issues"]
    assert all(set(each) == {"id"} for each in ids)
    unbounded = v3(rest, "GET", "search/jql?jql=ORDER BY key")
    assert (unbounded.status_code, "Unbounded" in unbounded.json()["errorMessages"][0]) == (400, True)
    assert v3(rest, "GET", "search?jql=project=SOC").status_code == 410
    cloud.state.search_lag = 30
    late = new(rest)
    number = v3(rest, "GET", f"issue/{late}").json()["id"]
    by_key = f"search/jql?jql=key={late}"
    assert v3(rest, "GET", by_key).json()["issues"] == []
    assert len(v3(rest, "GET", f"{by_key}&reconcileIssues={number}").json()["issues"]) == 1
    clock.forward(seconds=31)
    assert len(v3(rest, "GET", by_key).json()["issues"]) == 1


def test_people_write_in_either_form(cloud: JiraStandin, rest: Any) -> None:
    maria = cloud.as_person("maria.lindqvist")
    key = maria.create("Beacon", description=RICH)
    maria.edit(key, environment="*Production*")
    comment = maria.comment(key, doc(paragraph("Seen")))
    assert maria.document(key) == RICH
    maria.edit_comment(key, comment, "Seen *twice*")
    fields = v3(rest, "GET", f"issue/{key}").json()["fields"]
    assert fields["description"] == RICH
    assert fields["environment"]["content"][0]["content"][0]["marks"] == [{"type": "strong"}]
    assert fields["comment"]["comments"][0]["body"]["content"][0]["content"][0] == {"type": "text", "text": "Seen "}


def test_rendered_fields(rest: Any) -> None:
    key = rest.create(description="*Bold*")
    v3(rest, "POST", f"issue/{key}/comment", {"body": doc(paragraph("<script>"))})
    rendered = v3(rest, "GET", f"issue/{key}?expand=renderedFields").json()["renderedFields"]
    assert "<strong>Bold</strong>" in rendered["description"]
    assert "&lt;script" in rendered["comment"]["comments"][0]["body"]
    assert rest("GET", f"issue/{key}?expand=renderedFields&fields=summary").json()["renderedFields"] == {}


def test_documents_survive_a_restart(
    run: Callable[..., JiraStandin], rest_to: Callable[..., Any], tmp_path: Path
) -> None:
    first = run("cloud", data=tmp_path / "jira.db")
    rest = rest_to(first)
    key = new(rest, description=RICH)
    v3(rest, "POST", f"issue/{key}/comment", {"body": RICH})
    before = first.state.issues()
    first.stop()
    second = run("cloud", data=tmp_path / "jira.db")
    assert second.state.issues() == before
    fields = v3(rest_to(second), "GET", f"issue/{key}").json()["fields"]
    assert (fields["description"], fields["comment"]["comments"][0]["body"]) == (RICH, RICH)


@given(st.text())
def test_lengths_are_counted_as_java_does(text: str) -> None:
    assert utf16_length(text) == len(text.encode("utf-16-le", "surrogatepass")) // 2
