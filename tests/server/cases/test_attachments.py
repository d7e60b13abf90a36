"""Comments and other attachments."""

from __future__ import annotations

from typing import Any

import pytest

USER = {"type": "user", "comment": "hello", "owner": "securitySolution"}
LENS = {
    "type": "persistableState",
    "persistableStateAttachmentTypeId": ".lens",
    "persistableStateAttachmentState": {"a": 1},
    "owner": "securitySolution",
}
FILE: dict[str, Any] = {
    "type": "externalReference",
    "externalReferenceId": "f1",
    "externalReferenceStorage": {"type": "savedObject", "soType": "file"},
    "externalReferenceAttachmentTypeId": ".files",
    "externalReferenceMetadata": {
        "files": [{"name": "a", "extension": "txt", "mimeType": "text/plain", "created": "2025-03-01"}]
    },
    "owner": "securitySolution",
}
ISOLATE = {
    "type": "actions",
    "comment": "isolated",
    "actions": {"type": "isolate", "targets": [{"hostname": "h", "endpointId": "e"}]},
    "owner": "securitySolution",
}
EVENT = {"type": "event", "eventId": "e1", "index": "logs-x", "owner": "securitySolution"}


def comments_of(kibana: Any, case: Any, method: str, status: int, **more: Any) -> str:
    message: str = kibana.refused(method, f"/api/cases/{case['id']}/comments", status, **more)
    return message


def test_a_comment_is_answered_with_the_case_and_moves_it(kibana: Any, clock: Any, mara: Any) -> None:
    case = kibana.create()
    clock.forward(seconds=1)
    whole = kibana.comment(case, " hi ")
    (comment,) = whole["comments"]
    assert (whole["totalComment"], whole["updated_at"], whole["updated_by"]) == (1, "2025-03-01T12:00:01.000Z", mara)
    assert whole["version"] not in (case["version"], comment["version"])
    identifier = comment.pop("id")
    comment.pop("version")
    assert comment == {
        "type": "user",
        "comment": " hi ",
        "owner": "securitySolution",
        "created_at": "2025-03-01T12:00:01.000Z",
        "created_by": mara,
        "pushed_at": None,
        "pushed_by": None,
        "updated_at": None,
        "updated_by": None,
    }
    action = kibana.actions(case)[1]
    assert (action["type"], action["action"], action["comment_id"]) == ("comment", "create", identifier)
    assert action["payload"] == {"comment": {**USER, "comment": " hi "}}


def test_a_comment_is_edited_by_its_version(kibana: Any) -> None:
    case = kibana.create()
    (comment,) = kibana.comment(case)["comments"]
    body = {**USER, "id": comment["id"], "version": comment["version"], "comment": "better"}
    answer = kibana.send("PATCH", f"/api/cases/{case['id']}/comments", json=body).json()
    (edited,) = answer["comments"]
    assert (edited["comment"], edited["updated_by"]["username"]) == ("better", "mara")
    assert edited["created_at"] == comment["created_at"]
    message = comments_of(kibana, case, "PATCH", 409, json=body)
    assert message == "This case has been updated. Please refresh before saving additional updates."
    assert [action["action"] for action in kibana.actions(case, types="comment")] == ["create", "update"]


def test_edits_that_are_refused(kibana: Any) -> None:
    case, other = kibana.create(), kibana.create()
    (comment,) = kibana.comment(case)["comments"]
    right = {**USER, "id": comment["id"], "version": comment["version"]}
    wrong = [
        (404, {**right, "id": "nope"}, "Saved object [cases-comments/nope] not found"),
        (400, {**ISOLATE, **{name: right[name] for name in ("id", "version")}},
         "You cannot change the type of the comment."),
        (400, {**right, "owner": "cases"}, "You cannot change the owner of the comment."),
        (400, {**USER, "id": comment["id"]}, 'Invalid value "undefined" supplied to "version"'),
        (400, {**right, "more": 1}, 'invalid keys "more"'),
    ]
    for status, body, message in wrong:
        assert comments_of(kibana, case, "PATCH", status, json=body) == message
    assert "does not exist in" in comments_of(kibana, other, "PATCH", 404, json=right)


def test_comments_are_removed_one_by_one_and_all_at_once(kibana: Any) -> None:
    case, other = kibana.create(), kibana.create()
    first = kibana.comment(case, "one")["comments"][0]
    kibana.comment(case, "two")
    before = kibana.comment(case, "three")
    path = f"/api/cases/{case['id']}/comments"
    message = kibana.refused("DELETE", f"/api/cases/{other['id']}/comments/{first['id']}", 404)
    assert message == f"This comment {first['id']} does not exist in {other['id']}."
    assert kibana.send("DELETE", f"{path}/{first['id']}").status_code == 204
    after = kibana.get(f"/api/cases/{case['id']}")
    assert after["totalComment"] == 2
    assert after["version"] != before["version"]
    assert kibana.refused("DELETE", f"{path}/{first['id']}", 404) == (
        f"Saved object [cases-comments/{first['id']}] not found"
    )
    assert kibana.send("DELETE", path).status_code == 204
    assert kibana.refused("DELETE", path, 404) == f"No comments found for {case['id']}."
    deleted = [action for action in kibana.actions(case) if action["action"] == "delete"]
    assert [action["payload"]["comment"]["comment"] for action in deleted] == ["one", "two", "three"]
    assert deleted[0]["comment_id"] == first["id"]


def test_comments_are_found_and_read(kibana: Any, clock: Any) -> None:
    case = kibana.create()
    for text in ("one", "two", "three"):
        kibana.comment(case, text)
        clock.forward(seconds=1)
    path = f"/api/cases/{case['id']}/comments"
    page = kibana.get(f"{path}/_find", page=1, perPage=2, sortOrder="desc")
    assert [comment["comment"] for comment in page["comments"]] == ["three", "two"]
    assert (page["page"], page["per_page"], page["total"]) == (1, 2, 3)
    identifier = page["comments"][0]["id"]
    assert kibana.get(f"{path}/{identifier}")["comment"] == "three"
    assert kibana.refused("GET", f"{path}/nope", 404) == "Saved object [cases-comments/nope] not found"
    assert "too high" in kibana.refused("GET", f"{path}/_find", 400, params={"perPage": 101})


@pytest.mark.parametrize("body", [USER, LENS, FILE, ISOLATE])
def test_every_type_comes_back_as_it_was_sent(kibana: Any, body: dict[str, Any]) -> None:
    (attached,) = kibana.attach(kibana.create(), body)["comments"]
    assert {name: attached[name] for name in body} == body


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({**USER, "comment": " "}, "The comment field cannot be an empty string."),
        ({**USER, "comment": "x" * 30_001}, "The length of the comment is too long. The maximum length is 30000."),
        ({**USER, "id": "mine"}, 'invalid keys "id"'),
        ({**USER, "type": "opinion"}, 'Invalid value "opinion" supplied to "type"'),
        ({"comment": "x"}, 'Invalid value "undefined" supplied to "type"'),
        ({**USER, "owner": "cases"}, "The owner field of the comment must match the case"),
        ({**LENS, "persistableStateAttachmentTypeId": "x"}, "Attachment type x is not registered."),
        ({**FILE, "externalReferenceAttachmentTypeId": "x"}, "Attachment type x is not registered."),
        ({**FILE, "externalReferenceMetadata": {"files": "x"}}, 'Invalid value "x" supplied to "files"'),
        ({**FILE, "externalReferenceStorage": {"type": "tape"}},
         'Invalid value "tape" supplied to "externalReferenceStorage,type"'),
    ],
)
def test_what_breaks_a_rule_is_not_attached(kibana: Any, body: dict[str, Any], message: str) -> None:
    case = kibana.create()
    assert comments_of(kibana, case, "POST", 400, json=body) == message
    assert kibana.get(f"/api/cases/{case['id']}/comments/_find")["total"] == 0


def test_a_comment_on_nothing_and_for_nobody(kibana: Any) -> None:
    assert comments_of(kibana, {"id": "nope"}, "POST", 404, json=USER) == "Saved object [cases/nope] not found"
    assert "nobody" in comments_of(kibana, kibana.create(), "POST", 403, json={**USER, "owner": "nobody"})


def test_bulk_create_takes_all_or_none(kibana: Any) -> None:
    case = kibana.create()
    path = f"/internal/cases/{case['id']}/attachments/_bulk_create"
    assert kibana.refused("POST", path, 400, json=[USER, {**USER, "comment": ""}])
    assert kibana.refused("POST", path, 400, json=[USER] * 101).endswith("Array must be of length <= 100.")
    assert "expected value of type [array]" in kibana.refused("POST", path, 400, json=USER)
    answer = kibana.send("POST", path, json=[USER, LENS]).json()
    assert [attachment["type"] for attachment in answer["comments"]] == ["user", "persistableState"]
    assert len(kibana.actions(case)) == 3
    assert kibana.send("POST", path, json=[]).json()["version"] == answer["version"]


def test_bulk_get_reports_what_is_missing(kibana: Any) -> None:
    case, other = kibana.create(), kibana.create()
    mine = kibana.comment(case)["comments"][0]["id"]
    theirs = kibana.comment(other)["comments"][0]["id"]
    path = f"/internal/cases/{case['id']}/attachments/_bulk_get"
    answer = kibana.send("POST", path, json={"ids": [mine, "nope", theirs]}).json()
    assert [attachment["id"] for attachment in answer["attachments"]] == [mine]
    assert [(error["attachmentId"], error["status"]) for error in answer["errors"]] == [("nope", 404), (theirs, 400)]


def test_events_are_attached_once(kibana: Any) -> None:
    case = kibana.create()
    whole = kibana.attach(case, EVENT)
    assert (whole["totalEvents"], whole["comments"][0]["eventId"]) == (1, ["e1"])
    again = kibana.attach(case, {**EVENT, "eventId": ["e1", "e2"], "index": ["logs-x", "logs-x"]})
    assert again["version"] == whole["version"]
    kibana.patch(again, status="closed")
    assert comments_of(kibana, case, "POST", 400, json=EVENT) == "Event cannot be attached to a closed case"


def test_a_case_holds_100_references_and_100_files(kibana: Any) -> None:
    case = kibana.create()
    path = f"/internal/cases/{case['id']}/attachments/_bulk_create"
    assert kibana.send("POST", path, json=[LENS] * 100).status_code == 200
    assert "(100) of attached persistable state" in comments_of(kibana, case, "POST", 400, json=LENS)
    assert kibana.send("POST", path, json=[FILE] * 100).status_code == 200
    uploaded = kibana.send("POST", f"/api/cases/{case['id']}/files", files={"file": ("a.txt", b"abc", "text/plain")})
    assert uploaded.status_code == 200
    assert kibana.refused("POST", path, 400, json=[FILE] * 100) == (
        "Case has reached the maximum allowed number (100) of attached files."
    )
    assert kibana.send("POST", path, json=[FILE] * 99).status_code == 200


def test_many_are_removed_at_once_or_none(connect: Any, make_alert: Any) -> None:
    kibana = connect(stack_version="9.5.0")
    case, other = kibana.create(), kibana.create()
    kibana.alert("a1")
    kibana.comment(case)
    before = kibana.attach(case, make_alert("a1"))
    theirs = kibana.comment(other)["comments"][0]["id"]
    mine = [comment["id"] for comment in before["comments"]]
    path = f"/api/cases/{case['id']}/comments/_bulk_delete"
    assert kibana.refused("POST", path, 404, json={"ids": [*mine, "nope"]}) == (
        "Saved object [cases-comments/nope] not found"
    )
    assert "does not exist in" in kibana.refused("POST", path, 404, json={"ids": [*mine, theirs]})
    assert "too short" in kibana.refused("POST", path, 400, json={"ids": []})
    assert "too long" in kibana.refused("POST", path, 400, json={"ids": [str(number) for number in range(101)]})
    assert kibana.refused("POST", path, 400, json={"ids": mine, "more": 1}) == 'invalid keys "more"'
    assert kibana.refused("POST", "/api/cases/nope/comments/_bulk_delete", 404, json={"ids": mine})
    assert kibana.send("POST", path, json={"ids": mine}).status_code == 204
    after = kibana.get(f"/api/cases/{case['id']}")
    assert (after["totalComment"], after["totalAlerts"]) == (0, 0)
    assert after["version"] != before["version"]
    assert [action["action"] for action in kibana.actions(case, types="comment")].count("delete") == 2
    assert kibana.alert_source("a1")["kibana.alert.case_ids"] == []


def test_bulk_delete_of_comments_is_new(kibana: Any) -> None:
    case = kibana.create()
    path = f"/api/cases/{case['id']}/comments/_bulk_delete"
    assert kibana.refused("POST", path, 404, json={"ids": ["x"]}) == "Not Found"


def test_types_of_user_actions(kibana: Any) -> None:
    case = kibana.create()
    kibana.comment(case)
    kibana.attach(case, LENS)

    def kinds(**params: Any) -> list[str]:
        return [action["type"] for action in kibana.actions(case, **params)]

    assert kinds() == ["create_case", "comment", "comment"]
    assert kinds(types="user") == ["comment"]
    assert kinds(types="action") == ["create_case", "comment"]
    assert kinds(types=["attachment", "create_case"]) == ["create_case", "comment"]
    assert kinds(sortOrder="desc")[-1] == "create_case"
    page = kibana.get(f"/api/cases/{case['id']}/user_actions/_find", page=2, perPage=2)
    assert (len(page["userActions"]), page["page"], page["perPage"], page["total"]) == (1, 2, 2, 3)
    assert kibana.refused("GET", f"/api/cases/{case['id']}/user_actions/_find", 400, params={"types": "x"})
