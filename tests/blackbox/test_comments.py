"""Comments on cases."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest


@pytest.fixture
def case(kibana: Any) -> Any:
    return kibana.create()


@pytest.fixture
def path(case: Any) -> str:
    return f"/api/cases/{case['id']}/comments"


def given(attached: Any, **fields: Any) -> dict[str, Any]:
    named = {name: attached[name] for name in ("id", "version", "type", "owner", "comment")}
    return named | fields


def test_a_comment_is_added(kibana: Any, case: Any) -> None:
    whole = kibana.comment(case, "first")
    (comment,) = whole["comments"]
    assert (comment["type"], comment["comment"], comment["owner"]) == ("user", "first", "cases")
    assert (comment["updated_at"], comment["pushed_at"]) == (None, None)
    assert comment["created_by"] == case["created_by"]
    assert (whole["totalComment"], whole["totalAlerts"]) == (1, 0)


def test_a_comment_moves_the_case(kibana: Any, case: Any) -> None:
    whole = kibana.comment(case)
    assert whole["version"] != case["version"]
    assert whole["updated_at"] is not None
    assert kibana.comment(case)["updated_at"] >= whole["updated_at"]


def test_an_answer_has_all_comments(kibana: Any, case: Any) -> None:
    kibana.comment(case, "first")
    assert {one["comment"] for one in kibana.comment(case, "second")["comments"]} == {"first", "second"}


def test_a_comment_is_changed(kibana: Any, case: Any, path: str) -> None:
    (comment,) = kibana.comment(case, "first")["comments"]
    (changed,) = kibana.ok("PATCH", path, given(comment, comment="second"))["comments"]
    assert (changed["id"], changed["comment"]) == (comment["id"], "second")
    assert changed["version"] != comment["version"]
    assert changed["updated_at"] is not None
    said = kibana.refused(409, "PATCH", path, given(comment, comment="third"))
    assert "has been updated" in said


def test_a_comment_keeps_its_kind_and_owner(kibana: Any, case: Any, path: str) -> None:
    (comment,) = kibana.comment(case)["comments"]
    kibana.refused(400, "PATCH", path, given(comment, owner="observability"))
    alert = {"type": "alert", "alertId": "a", "index": "i", "rule": {"id": None, "name": None}}
    body = {name: value for name, value in given(comment, **alert).items() if name != "comment"}
    kibana.refused(400, "PATCH", path, body)


def test_a_comment_that_is_not_there(kibana: Any, case: Any, path: str) -> None:
    (comment,) = kibana.comment(case)["comments"]
    missing = str(uuid.uuid4())
    assert missing in kibana.refused(404, "PATCH", path, given(comment, id=missing))
    kibana.refused(404, "GET", f"{path}/{missing}")
    kibana.refused(404, "DELETE", f"{path}/{missing}")


def test_a_comment_of_another_case(kibana: Any, case: Any) -> None:
    (comment,) = kibana.comment(case)["comments"]
    other = f"/api/cases/{kibana.create()['id']}/comments"
    kibana.refused(404, "PATCH", other, given(comment, comment="x"))
    kibana.refused(404, "DELETE", f"{other}/{comment['id']}")


@pytest.mark.parametrize(
    "fields",
    [
        {"comment": ""}, {"comment": "  "}, {"comment": "x" * 30001}, {"comment": None}, {"type": "song"}, {"more": 1},
        {"owner": "observability"},
    ],
    ids=lambda fields: json.dumps(fields)[:40],
)
def test_what_is_no_comment(kibana: Any, path: str, fields: Any) -> None:
    kibana.refused(400, "POST", path, {"type": "user", "comment": "x", "owner": "cases"} | fields)


def test_a_comment_may_be_long(kibana: Any, case: Any) -> None:
    assert len(kibana.comment(case, "x" * 30000)["comments"][0]["comment"]) == 30000


def test_a_comment_on_no_case(kibana: Any) -> None:
    body = {"type": "user", "comment": "x", "owner": "cases"}
    kibana.refused(404, "POST", f"/api/cases/{uuid.uuid4()}/comments", body)


def test_comments_are_deleted(kibana: Any, case: Any, path: str) -> None:
    kibana.comment(case, "first")
    first, _ = kibana.comment(case, "second")["comments"]
    kibana.gone(f"{path}/{first['id']}")
    assert kibana.read(case)["totalComment"] == 1
    kibana.gone(path)
    assert kibana.get(f"{path}/_find")["total"] == 0
    kibana.refused(404, "DELETE", path)


def test_deleting_moves_the_case(kibana: Any, case: Any, path: str) -> None:
    before = kibana.comment(case)
    kibana.gone(f"{path}/{before['comments'][0]['id']}")
    after = kibana.read(case)
    assert after["version"] != before["version"]
    assert after["updated_at"] >= before["updated_at"]


def test_comments_come_in_pages(kibana: Any, case: Any, path: str) -> None:
    for text in ("first", "second", "third"):
        kibana.comment(case, text)
    page = kibana.get(f"{path}/_find", page=2, perPage=2, sortOrder="asc")
    assert [one["comment"] for one in page["comments"]] == ["third"]
    assert (page["page"], page["per_page"], page["total"]) == (2, 2, 3)
    page = kibana.get(f"{path}/_find", sortOrder="desc")
    assert [one["comment"] for one in page["comments"]] == ["third", "second", "first"]
    for params in ({"perPage": 101}, {"page": 101, "perPage": 100}, {"sortOrder": "up"}):
        kibana.refused(400, "GET", f"{path}/_find", params=params)


def test_one_comment_is_read(kibana: Any, case: Any, path: str) -> None:
    (comment,) = kibana.comment(case, "first")["comments"]
    assert kibana.get(f"{path}/{comment['id']}")["comment"] == "first"


def test_many_at_once(kibana: Any, case: Any) -> None:
    bulk = f"/internal/cases/{case['id']}/attachments"
    bodies = [{"type": "user", "comment": text, "owner": "cases"} for text in ("a", "b", "c")]
    whole = kibana.ok("POST", f"{bulk}/_bulk_create", bodies)
    assert len(whole["comments"]) == 3
    kibana.refused(400, "POST", f"{bulk}/_bulk_create", [bodies[0], bodies[1] | {"comment": ""}])
    kibana.refused(400, "POST", f"{bulk}/_bulk_create", bodies[:1] * 101)
    assert kibana.read(case)["totalComment"] == 3
    missing = str(uuid.uuid4())
    ids = [one["id"] for one in whole["comments"]]
    found = kibana.ok("POST", f"{bulk}/_bulk_get", {"ids": [ids[0], missing]})
    assert [one["id"] for one in found["attachments"]] == ids[:1]
    assert [(one["attachmentId"], one["status"]) for one in found["errors"]] == [(missing, 404)]


def test_many_are_deleted_at_once(kibana: Any, case: Any, path: str) -> None:
    kibana.needs(9, 5)
    kibana.comment(case, "first")
    ids = [one["id"] for one in kibana.comment(case, "second")["comments"]]
    kibana.refused(404, "POST", f"{path}/_bulk_delete", {"ids": [ids[0], str(uuid.uuid4())]})
    assert kibana.read(case)["totalComment"] == 2
    deleted = kibana.send("POST", f"{path}/_bulk_delete", json={"ids": ids})
    assert deleted.status_code == 204
    assert kibana.read(case)["totalComment"] == 0


def test_comments_on_closed_cases(kibana: Any, case: Any) -> None:
    kibana.change(case, status="closed")
    assert kibana.comment(case)["totalComment"] == 1
