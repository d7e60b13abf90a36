"""Comments, properties, remote links and attachments over bare HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.standins import multipart
from kibcase_connectors.standins.jira import JiraStandin


def test_comments_with_properties(standin: JiraStandin, rest: Any) -> None:
    key = rest.create()
    mark = {"key": "kibcase.comment", "value": {"id": "c-1"}}
    made = rest("POST", f"issue/{key}/comment", {"body": "Hello", "properties": [mark]})
    assert made.status_code == 201
    comment = made.json()
    assert comment["self"] == f"{standin.url}/rest/api/2/issue/10001/comment/{comment['id']}"
    assert "properties" not in comment
    path = f"issue/{key}/comment?expand=properties"
    assert rest("GET", path).json()["comments"][0]["properties"] == [mark]
    assert "properties" not in rest("GET", f"issue/{key}/comment").json()["comments"][0]
    at = f"comment/{comment['id']}/properties"
    before = rest.fields(key)["updated"]
    assert rest("PUT", f"{at}/kibcase.comment", {"id": "c-2"}).status_code == 200
    assert rest("PUT", f"{at}/other", 5).status_code == 201
    assert rest("GET", f"{at}/kibcase.comment").json() == {"key": "kibcase.comment", "value": {"id": "c-2"}}
    assert [each["key"] for each in rest("GET", at).json()["keys"]] == ["kibcase.comment", "other"]
    assert rest("GET", f"{at}/none").status_code == 404
    assert rest.fields(key)["updated"] == before


def test_comment_pages(rest: Any, clock: Any, standin: JiraStandin) -> None:
    key = rest.create()
    for number in range(5):
        clock.forward(seconds=1)
        rest("POST", f"issue/{key}/comment", {"body": str(number)})
    page = rest("GET", f"issue/{key}/comment?startAt=1&maxResults=2&orderBy=-created").json()
    assert (page["startAt"], page["maxResults"], page["total"]) == (1, 2, 5)
    assert [each["body"] for each in page["comments"]] == ["3", "2"]
    whole = rest("GET", f"issue/{key}/comment").json()
    assert whole["maxResults"] == (100 if standin.state.catalog.cloud else 1_048_576)
    assert rest("GET", f"issue/{key}/comment?orderBy=body").status_code == 400


@pytest.mark.parametrize(("body", "text"), [
    ({"body": ""}, "Comment body can not be empty!"), ({"body": " \n"}, "Comment body can not be empty!"),
    ({}, "Comment body can not be empty!"),
    ({"body": "x" * 32_768}, "The entered text is too long. It exceeds the allowed limit of 32,767 characters."),
])
def test_refused_comments(rest: Any, body: object, text: str) -> None:
    key = rest.create()
    answer = rest("POST", f"issue/{key}/comment", body)
    assert (answer.status_code, answer.json()["errors"]) == (400, {"comment": text})
    assert rest.fields(key)["comment"]["total"] == 0


def test_edits_show_who_and_when(standin: JiraStandin, rest: Any, clock: Any) -> None:
    key = rest.create()
    comment = rest("POST", f"issue/{key}/comment", {"body": "a"}).json()
    clock.forward(minutes=1)
    standin.as_person("maria.lindqvist").edit_comment(key, comment["id"], "b")
    found = rest("GET", f"issue/{key}/comment/{comment['id']}").json()
    assert (found["author"]["displayName"], found["updateAuthor"]["displayName"]) == ("Kibcase Sync", "Maria Lindqvist")
    assert (found["created"], found["updated"]) == (comment["created"], "2026-03-02T14:31:15.250+0000")


def test_comments_of_others_need_a_permission(standin: JiraStandin, rest: Any) -> None:
    key = rest.create()
    theirs = standin.as_person("maria.lindqvist").comment(key, "mine")
    assert rest("PUT", f"issue/{key}/comment/{theirs}", {"body": "x"}).status_code == 403
    assert rest("DELETE", f"issue/{key}/comment/{theirs}").status_code == 403
    standin.state.deny("kibcase", "ADD_COMMENTS")
    denied = rest("POST", f"issue/{key}/comment", {"body": "x"})
    name, status = ("Kibcase Sync", 400) if standin.state.catalog.cloud else ("kibcase", 403)
    assert (denied.status_code, denied.json()["errorMessages"]) == (
        status, [f"{name}, you do not have the permission to comment on this issue."]
    )
    missing = rest("GET", f"issue/{key}/comment/1")
    assert (missing.status_code, missing.json()["errorMessages"]) == (404, ["Can not find a comment for the id: 1."])


def test_internal_comments_and_visibility(standin: JiraStandin, rest: Any) -> None:
    key = rest.create()
    internal = {"key": "sd.public.comment", "value": {"internal": True}}
    visibility = {"type": "role", "value": "Administrators"}
    made = rest("POST", f"issue/{key}/comment", {"body": "a", "properties": [internal], "visibility": visibility})
    assert made.json()["visibility"] == visibility
    assert made.json().get("jsdPublic") == (False if standin.state.catalog.cloud else None)
    bad = rest("POST", f"issue/{key}/comment", {"body": "a", "visibility": {"type": "planet", "value": "Mars"}})
    assert bad.status_code == 400


def test_update_adds_edits_and_removes_comments(rest: Any) -> None:
    key = rest.create()
    rest("PUT", f"issue/{key}", {"update": {"comment": [{"add": {"body": "a"}}, {"add": {"body": "b"}}]}})
    first, second = (each["id"] for each in rest.fields(key)["comment"]["comments"])
    operations = [{"edit": {"id": first, "body": "a2"}}, {"remove": {"id": second}}]
    assert rest("PUT", f"issue/{key}", {"update": {"comment": operations}}).status_code == 204
    assert [each["body"] for each in rest.fields(key)["comment"]["comments"]] == ["a2"]
    assert rest("PUT", f"issue/{key}", {"update": {"comment": [{"set": {"body": "x"}}]}}).status_code == 400


def test_a_request_that_fails_halfway_changes_nothing(standin: JiraStandin, rest: Any) -> None:
    key = rest.create()
    before, issues = rest.fields(key), standin.state.issues()
    remove = [{"add": {"body": "a"}}, {"remove": {"id": "1"}}]
    edit = {"fields": {"summary": "new"}, "properties": [{"key": "p", "value": 1}], "update": {"comment": remove}}
    assert rest("PUT", f"issue/{key}", edit).status_code == 404
    step = {"transition": {"id": "11"}, "update": {"comment": remove}}
    assert rest("POST", f"issue/{key}/transitions", step).status_code == 404
    fields = {"project": {"key": "SOC"}, "issuetype": {"name": "Task"}, "summary": "s"}
    assert rest("POST", "issue", {"fields": fields, "update": {"comment": remove}}).status_code == 404
    assert rest.fields(key) == before
    assert standin.state.issues() == issues
    assert rest("GET", "issue/SOC-2").status_code == 404
    path = "search/jql" if standin.state.catalog.cloud else "search"
    (found,) = rest("GET", f"{path}?jql=project=SOC&fields=summary").json()["issues"]
    assert found["fields"]["summary"] == before["summary"]
    assert rest("PUT", f"issue/{key}", {"fields": {"summary": "after all"}}).status_code == 204


def test_issue_properties(rest: Any) -> None:
    key = rest.create()
    at = f"issue/{key}/properties"
    assert rest("PUT", f"{at}/kibcase", {"case_id": "c"}).status_code == 201
    assert rest("PUT", f"{at}/kibcase", {"case_id": "d"}).status_code == 200
    assert rest("GET", f"issue/{key}?properties=kibcase&fields=summary").json()["properties"] == {
        "kibcase": {"case_id": "d"}
    }
    assert rest("GET", f"{at}/none").json()["errorMessages"] == ["The property with key 'none' does not exist."]
    assert rest("PUT", f"{at}/{'k' * 256}", 1).status_code == 400
    assert rest("PUT", f"{at}/big", "x" * 32_767).status_code == 400
    assert rest("PUT", f"{at}/big", "x" * 32_766).status_code == 201
    assert rest("DELETE", f"{at}/kibcase").status_code == 204
    assert rest("DELETE", f"{at}/kibcase").status_code == 404


def test_properties_in_the_same_post(rest: Any) -> None:
    fields = {"project": {"key": "SOC"}, "issuetype": {"name": "Task"}, "summary": "s"}
    made = rest("POST", "issue", {"fields": fields, "properties": [{"key": "kibcase", "value": 1}]}).json()
    assert rest("GET", f"issue/{made['id']}/properties/kibcase").json()["value"] == 1


def test_remote_links(standin: JiraStandin, rest: Any) -> None:
    key = rest.create()
    at = f"issue/{key}/remotelink"
    link = {"globalId": "kibcase=c1", "object": {"url": "https://k.example/c1", "title": "Case"}}
    made, again = rest("POST", at, link), rest("POST", at, {**link, "relationship": "is detected by"})
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json()["id"] == again.json()["id"]
    assert rest("POST", at, {"object": link["object"]}).status_code == 201
    first = rest("GET", at).json()[0]
    assert (first["globalId"], first["relationship"]) == ("kibcase=c1", "is detected by")
    assert rest("GET", f"{at}?globalId=kibcase%3Dc1").json() == first
    assert rest("PUT", f"{at}/{first['id']}", {"object": {"url": "https://k.example", "title": "New"}}).ok
    assert rest("GET", f"{at}/{first['id']}").json()["object"]["title"] == "New"
    assert rest("DELETE", f"{at}?globalId=kibcase%3Dc1").status_code == 204
    assert rest("DELETE", f"{at}?globalId=kibcase%3Dc1").status_code == 404
    assert len(rest("GET", at).json()) == 1
    bad = rest("POST", at, {"object": {"url": "https://k.example"}})
    assert (bad.status_code, bad.json()["errors"]) == (400, {"title": "'title' is required."})


def test_attachments(standin: JiraStandin, rest: Any) -> None:
    key = rest.create()
    at, token = f"issue/{key}/attachments", {"X-Atlassian-Token": "no-check"}
    files = [("file", ("a.txt", b"A", "text/plain")), ("file", ("b.bin", b"\r\n\r\nB\r\n"))]
    assert rest("POST", at, files=files).status_code == 403
    made = rest("POST", at, files=files, headers=token)
    assert made.status_code == 200
    assert [(each["filename"], each["size"], each["mimeType"]) for each in made.json()] == [
        ("a.txt", 1, "text/plain"), ("b.bin", 7, "application/octet-stream")
    ]
    content = rest.session.get(made.json()[1]["content"], timeout=10)
    assert content.content == b"\r\n\r\nB\r\n"
    assert bool(content.history) is standin.state.catalog.cloud
    assert rest("POST", at, files=[("wrong", ("a.txt", b"A"))], headers=token).status_code == 400
    assert rest("POST", at, {"not": "a form"}, headers=token).status_code == 415
    limit = rest("GET", "attachment/meta").json()["uploadLimit"]
    big = rest("POST", at, files=[("file", ("big", b"x" * (limit + 1)))], headers=token)
    assert big.status_code == 413
    assert len(rest.fields(key)["attachment"]) == 2
    theirs = standin.as_person("maria.lindqvist").attach(key, "c.txt", b"C")
    assert rest("DELETE", f"attachment/{theirs}").status_code == 403
    assert rest("DELETE", f"attachment/{made.json()[0]['id']}").status_code == 204
    assert rest("GET", f"attachment/{made.json()[0]['id']}").status_code == 404


@given(st.lists(st.binary(max_size=50).filter(lambda data: b"--b0undary" not in data), min_size=1, max_size=4))
def test_any_content_survives_a_form(contents: list[bytes]) -> None:
    body = b"".join(
        b'--b0undary\r\nContent-Disposition: form-data; name="file"; filename="f%d"\r\n\r\n%s\r\n' % (number, each)
        for number, each in enumerate(contents)
    )
    parts = multipart.parse("multipart/form-data; boundary=b0undary", body + b"--b0undary--\r\n")
    assert [part.content for part in parts] == contents
    assert [part.filename for part in parts] == [f"f{number}" for number in range(len(contents))]


@pytest.mark.parametrize(("header", "name"), [
    ('filename="a b.txt"', "a b.txt"), (r'filename="say \"hi\".txt"', 'say "hi".txt'),
    ("filename=plain.txt", "plain.txt"),
    ("filename*=utf-8''%C3%9C.txt", "Ü.txt"), ('filename="%22q%22.txt"', '"q".txt'), ('filename="Ü.txt"', "Ü.txt"),
])
def test_file_names(header: str, name: str) -> None:
    body = f'--b\r\nContent-Disposition: form-data; name="file"; {header}\r\n\r\nx\r\n--b--\r\n'.encode()
    (part,) = multipart.parse("multipart/form-data; boundary=b", body)
    assert part.filename == name


@pytest.mark.parametrize("body", [b"", b"--b\r\n", b"--b\r\nno headers--b--", b"--b\r\n\r\nx\r\n--b--"])
def test_broken_forms(body: bytes) -> None:
    with pytest.raises(ValueError, match="multipart"):
        multipart.parse("multipart/form-data; boundary=b", body)
