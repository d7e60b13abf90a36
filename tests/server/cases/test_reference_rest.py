"""What Kibana's own API integration tests and sources say of attachments, push and configuration."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from kibcase.server.app import CasesServer
from kibcase.server.users import User

INDEX = ".internal.alerts-security.alerts-default-000001"
OWNER = "securitySolution"
EVENT = {"type": "event", "eventId": ["e1"], "index": ["logs"], "owner": OWNER}


def bulk(kibana: Any, case: dict[str, Any], *payloads: dict[str, Any]) -> dict[str, Any]:
    response = kibana.send("POST", f"/internal/cases/{case['id']}/attachments/_bulk_create", json=list(payloads))
    assert response.status_code == 200, response.text
    whole: dict[str, Any] = response.json()
    return whole


@pytest.mark.parametrize("version", ["8.17.0", "9.2.0", "9.5.0"])
def test_writes_count_every_attachment_as_a_comment(connect: Any, make_alert: Any, version: str) -> None:
    kibana = connect(stack_version=version)
    case = kibana.create()
    whole = kibana.attach(case, make_alert("a1"))
    assert (whole["totalComment"], whole["totalAlerts"]) == (1, 1)
    whole = kibana.comment(case)
    assert (whole["totalComment"], len(whole["comments"])) == (2, 2)
    assert bulk(kibana, case, make_alert("a2"))["totalComment"] == 3
    edit = {name: whole["comments"][1][name] for name in ("id", "version", "type", "owner")} | {"comment": "other"}
    edited = kibana.send("PATCH", f"/api/cases/{case['id']}/comments", json=edit).json()
    assert edited["totalComment"] == 3
    assert kibana.get("/api/cases/_find")["cases"][0]["totalComment"] == 1


@pytest.mark.parametrize("version", ["8.18.0", "9.2.0"])
def test_a_resolved_case_counts_the_attachments_that_it_shows(connect: Any, make_alert: Any, version: str) -> None:
    kibana = connect(stack_version=version)
    case = kibana.attach(kibana.create(), make_alert("a1"))
    path = f"/api/cases/{case['id']}"
    assert kibana.get(path)["totalComment"] == 0
    full = kibana.get(f"{path}/resolve", includeComments="true")["case"]
    assert (len(full["comments"]), full["totalComment"], full["totalAlerts"]) == (1, 1, 1)
    bare = kibana.get(f"{path}/resolve", includeComments="false")["case"]
    assert (bare["comments"], bare["totalComment"], bare["totalAlerts"]) == ([], 0, 0)


def test_a_bulk_create_is_remembered_as_it_came(kibana: Any, make_alert: Any) -> None:
    kibana.alert("a1")
    kibana.alert("a2")
    case = kibana.patch(kibana.attach(kibana.create(), make_alert("a1")), status="in-progress")
    kibana.alert_source("a1")
    single = {**make_alert("a2"), "alertId": "a2", "index": INDEX}
    whole = bulk(kibana, case, make_alert("a1", "a3"), single, make_alert("a1"))
    assert [comment["alertId"] for comment in whole["comments"]] == [["a1"], ["a3"], ["a2"]]
    payloads = [action["payload"]["comment"] for action in kibana.actions(case, types="alert", sortOrder="asc")]
    assert [payload["alertId"] for payload in payloads] == [["a1"], ["a1", "a3"], "a2"]
    assert kibana.alert_source("a2")["kibana.alert.case_ids"] == [case["id"]]


def test_one_attachment_is_remembered_without_what_the_case_has(kibana: Any, make_alert: Any) -> None:
    case = kibana.attach(kibana.create(), make_alert("a1"))
    kibana.attach(case, make_alert("a1", "a2"))
    payloads = [action["payload"]["comment"] for action in kibana.actions(case, types="alert", sortOrder="asc")]
    assert [payload["alertId"] for payload in payloads] == [["a1"], ["a2"]]


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"type": "alert", "alertId": "a", "index": "far:alerts", "rule": {"id": "r", "name": "n"}, "owner": OWNER},
         "Cannot attach an alert from a linked project or remote cluster index: far:alerts"),
        ({**EVENT, "index": ["far:logs::data"]},
         "Cannot attach an event from a linked project or remote cluster index: far:logs::data"),
        ({**EVENT, "eventId": ["e1", "e2"], "index": ["logs", "logs"]}, "Referenced event(s) not found: e1, e2"),
    ],
)  # fmt: skip
def test_documents_that_are_elsewhere_are_refused(connect: Any, payload: Any, message: str) -> None:
    kibana = connect(stack_version="9.5.3")
    case = kibana.create()
    path = f"/api/cases/{case['id']}/comments"
    assert kibana.refused("POST", path, 400, json=payload) == message
    assert kibana.get(f"/api/cases/{case['id']}/resolve")["case"]["comments"] == []
    older = connect(stack_version="9.5.2")
    assert older.attach(older.create(), payload)["totalComment"] == 1


def test_an_event_that_is_there_is_attached(connect: Any) -> None:
    kibana = connect(stack_version="9.5.3")
    kibana.alert("e1")
    assert kibana.attach(kibana.create(), {**EVENT, "index": [INDEX]})["totalEvents"] == 1


@pytest.mark.parametrize("version", ["8.17.0", "9.2.0", "9.5.0"])
def test_only_the_comments_of_people_are_found(connect: Any, make_alert: Any, version: str) -> None:
    kibana = connect(stack_version=version)
    case = kibana.create()
    first = kibana.comment(case)["comments"][0]
    kibana.attach(case, make_alert("a1"))
    second = kibana.comment(case, "more")["comments"][2]
    path = f"/api/cases/{case['id']}/comments/_find"
    assert kibana.get(path) == {"comments": [first, second], "page": 1, "per_page": 20, "total": 2}
    assert kibana.get(path, perPage=1, page=2, sortOrder="desc")["comments"] == [first]


def test_what_bulk_get_cannot_give_is_told_by_reason(kibana: Any) -> None:
    case, other = kibana.create(), kibana.create()
    there = kibana.comment(other)["comments"][0]["id"]
    answer = kibana.send(
        "POST", f"/internal/cases/{case['id']}/attachments/_bulk_get", json={"ids": [there, "does-not-exist"]}
    ).json()
    assert answer == {
        "attachments": [],
        "errors": [
            {
                "attachmentId": "does-not-exist",
                "error": "Not Found",
                "message": "Saved object [cases-comments/does-not-exist] not found",
                "status": 404,
            },
            {
                "attachmentId": there,
                "error": "Bad Request",
                "message": f"Attachment is not attached to case id={case['id']}",
                "status": 400,
            },
        ],
    }


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_comment_that_is_gone_is_a_missing_saved_object(kibana: Any, method: str) -> None:
    path = f"/api/cases/{kibana.create()['id']}/comments"
    edit = {"id": "gone", "version": "WzEsMV0=", "type": "user", "comment": "x", "owner": OWNER}
    sent: dict[str, Any] = {"json": edit} if method == "PATCH" else {}
    message = kibana.refused(method, path if sent else f"{path}/gone", 404, **sent)
    assert message == "Saved object [cases-comments/gone] not found"


@pytest.mark.parametrize(
    ("privilege", "whose"),
    [
        ("read", "of any owner"),
        ("all", 'with owners: "securitySolution"'),
    ],
)
def test_who_may_not_configure_is_told_for_whom(privilege: str, whose: str) -> None:
    privileges = [{"feature": {"observabilityCasesV3": [privilege]}, "spaces": ["*"]}]
    with CasesServer(users={"ana": User(password="secret", privileges=privileges)}) as server:
        body = {
            "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
            "closure_type": "close-by-user",
            "owner": OWNER,
        }
        answer = requests.post(
            f"{server.kibana_url}/api/cases/configure", json=body, auth=("ana", "secret"),
            headers={"kbn-xsrf": "test"}, timeout=10,
        )
    assert answer.status_code == 403
    assert answer.json()["message"] == f"Unauthorized to create case configuration {whose}"


FILE = {"name": "test_file", "extension": "png", "mimeType": "image/png", "created": "2023-02-27T20:26:54.345Z"}


@pytest.mark.parametrize("version", ["9.2.0", "9.5.0"])
def test_an_attachment_holds_one_file(connect: Any, version: str) -> None:
    kibana = connect(stack_version=version)
    payload = {
        "type": "externalReference",
        "owner": OWNER,
        "externalReferenceId": "my-id",
        "externalReferenceStorage": {"type": "savedObject", "soType": "file"},
        "externalReferenceAttachmentTypeId": ".files",
        "externalReferenceMetadata": {"files": [FILE, FILE]},
    }
    path = f"/api/cases/{kibana.create()['id']}/comments"
    assert kibana.refused("POST", path, 400, json=payload) == "Only a single file can be stored in an attachment"
