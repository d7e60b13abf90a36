"""The unified attachments API, and one attachment in both of its shapes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.cases.unified import attaching_of, to_legacy, to_unified, view
from kibcase.server.cases.unified_checks import findings_of, listing, shape, text
from kibcase.server.cases.unified_types import check_payload
from kibcase.server.errors import BadRequest

OWNER = "securitySolution"
INDEX = ".internal.alerts-security.alerts-default-000001"
COMMENT = {"type": "comment", "owner": OWNER, "data": {"content": "hello"}}
ALERT = {
    "type": "security.alert",
    "owner": OWNER,
    "attachmentId": "a1",
    "metadata": {"index": INDEX, "rule": {"id": "r1", "name": "Beacon"}},
}
RULELESS = {**ALERT, "metadata": {"index": INDEX}}
EVENT = {"type": "security.event", "owner": OWNER, "attachmentId": ["e1", "e2"], "metadata": {"index": "logs-x"}}
ENDPOINT = {
    "type": "security.endpoint",
    "owner": OWNER,
    "attachmentId": "action-1",
    "data": {"content": "isolated"},
    "metadata": {
        "command": "isolate",
        "targets": [{"endpointId": "e", "hostname": "h", "agentType": "endpoint"}],
    },
}
INDICATOR = {"type": "security.indicator", "owner": OWNER, "attachmentId": "i1", "metadata": {"indicatorName": "x"}}
OSQUERY = {"type": "osquery", "owner": OWNER, "attachmentId": "q1", "metadata": {"queryId": "q", "agentIds": ["a"]}}
TIMELINE = {"type": "security.timeline", "owner": OWNER, "attachmentId": "t1", "metadata": {"title": "My timeline"}}
DASHBOARD = {
    "type": "dashboard", "owner": OWNER, "attachmentId": "d1", "metadata": {"title": "D", "soType": "dashboard"},
}
SEARCH = {
    "type": "discoverSession", "owner": OWNER, "attachmentId": "s1", "metadata": {"title": "S", "soType": "search"},
}
LENS = {"type": "lens", "owner": OWNER, "data": {"state": {"attributes": {"title": "x"}}}}
LENS_BY_REFERENCE = {
    "type": "lens", "owner": OWNER, "attachmentId": "l1", "metadata": {"title": "L", "soType": "lens"},
}
SWIMLANE = {"type": "ml.anomaly_swimlane", "owner": OWNER, "data": {"jobIds": ["j"]}}
FILE = {
    "type": "file",
    "owner": OWNER,
    "attachmentId": "f1",
    "metadata": {
        "files": [{"name": "a", "extension": "txt", "mimeType": "text/plain", "created": "2025-03-01T00:00:00Z"}],
        "soType": "file",
    },
}
ALL = [
    COMMENT, ALERT, RULELESS, EVENT, ENDPOINT, INDICATOR, OSQUERY, TIMELINE, DASHBOARD, SEARCH, LENS, LENS_BY_REFERENCE,
    SWIMLANE, FILE,
]
ONLY_UNIFIED = [TIMELINE, DASHBOARD, SEARCH, LENS_BY_REFERENCE]


@pytest.fixture
def newest(connect: Any) -> Any:
    return connect(stack_version="9.5.0")


def create(kibana: Any, case: Any, body: Any) -> Any:
    response = kibana.send("POST", f"/api/cases/{case['id']}/attachments", json=body)
    assert response.status_code == 201, response.text
    return response.json()


def expected(body: dict[str, Any]) -> dict[str, Any]:
    """Alerts and events come back with lists of ids and indices, as long as one another."""
    if not body["type"].endswith((".alert", ".event")):
        return body
    ids = body["attachmentId"] if isinstance(body["attachmentId"], list) else [body["attachmentId"]]
    metadata = {**body["metadata"], "index": [body["metadata"]["index"]] * len(ids)}
    return {**body, "attachmentId": ids, "metadata": metadata}


def kinds(kibana: Any, case: Any, **query: Any) -> list[str]:
    answer = kibana.get(f"/api/cases/{case['id']}/attachments", **query)
    assert answer["total"] == len(answer["data"])
    return [attachment["type"] for attachment in answer["data"]]


@pytest.mark.parametrize("body", ALL, ids=lambda body: str(body["type"]))
def test_every_type_comes_back_as_it_was_sent(newest: Any, body: dict[str, Any]) -> None:
    case = newest.create()
    made = create(newest, case, body)
    assert {name: made[name] for name in body} == expected(body)
    assert made["updated_at"] is None
    path = f"/api/cases/{case['id']}/attachments"
    assert newest.get(f"{path}/{made['id']}") == made
    assert newest.get(path)["data"] == [made]
    assert kinds(newest, case, type=body["type"]) == [body["type"]]
    assert kinds(newest, case, type="map") == []
    action = newest.actions(case)[1]
    assert (action["type"], action["action"], action["comment_id"]) == ("comment", "create", made["id"])
    assert newest.send("DELETE", f"{path}/{made['id']}").status_code == 204
    assert newest.refused("GET", f"{path}/{made['id']}", 404)
    assert newest.actions(case)[2]["action"] == "delete"


def test_the_comments_endpoints_show_the_same_in_their_shape(newest: Any) -> None:
    case = newest.create()
    for body in (COMMENT, ALERT, EVENT, ENDPOINT, LENS, FILE, TIMELINE):
        create(newest, case, body)
    found = newest.get(f"/api/cases/{case['id']}/resolve")["case"]["comments"]
    assert [each["type"] for each in newest.get(f"/api/cases/{case['id']}/comments/_find")["comments"]] == ["user"]
    shown = [{name: value for name, value in each.items() if not name.endswith(("_at", "_by"))} for each in found]
    for each in shown:
        del each["id"], each["version"]
    assert shown == [
        {"type": "user", "owner": OWNER, "comment": "hello"},
        {"type": "alert", "owner": OWNER, "alertId": ["a1"], "index": [INDEX], "rule": {"id": "r1", "name": "Beacon"}},
        {"type": "event", "owner": OWNER, "eventId": ["e1", "e2"], "index": ["logs-x", "logs-x"]},
        {
            "type": "externalReference",
            "owner": OWNER,
            "externalReferenceId": "action-1",
            "externalReferenceStorage": {"type": "elasticSearchDoc"},
            "externalReferenceAttachmentTypeId": "endpoint",
            "externalReferenceMetadata": {**ENDPOINT["metadata"], "comment": "isolated"},  # type: ignore[dict-item]
        },
        {
            "type": "persistableState",
            "owner": OWNER,
            "persistableStateAttachmentTypeId": ".lens",
            "persistableStateAttachmentState": {"attributes": {"title": "x"}},
        },
        {
            "type": "externalReference",
            "owner": OWNER,
            "externalReferenceId": "f1",
            "externalReferenceStorage": {"type": "savedObject", "soType": "file"},
            "externalReferenceAttachmentTypeId": ".files",
            "externalReferenceMetadata": {"files": FILE["metadata"]["files"]},  # type: ignore[index]
        },
        TIMELINE,
    ]
    case = newest.get(f"/api/cases/{case['id']}")
    assert (case["totalComment"], case["totalAlerts"], case["totalEvents"]) == (1, 1, 2)


def test_what_the_comments_endpoints_take_is_unified_too(newest: Any) -> None:
    case = newest.create()
    isolate = {
        "type": "actions",
        "comment": "isolated",
        "actions": {"type": "isolate", "targets": [{"hostname": "h", "endpointId": "e"}]},
        "owner": OWNER,
    }
    (folded,) = newest.attach(case, isolate)["comments"]
    assert (folded["type"], folded["externalReferenceId"]) == ("externalReference", "legacy-actions")
    newest.comment(case, "hi")
    newest.attach(case, DASHBOARD)
    shown = newest.get(f"/api/cases/{case['id']}/attachments")["data"]
    assert [each["type"] for each in shown] == ["security.endpoint", "comment", "dashboard"]
    assert shown[0]["metadata"] == ENDPOINT["metadata"]
    assert (shown[0]["data"], shown[1]["data"]) == ({"content": "isolated"}, {"content": "hi"})
    path = f"/api/cases/{case['id']}/comments"
    empty = {**isolate, "actions": {"type": "isolate", "targets": []}}
    assert newest.refused("POST", path, 400, json=empty) == "Legacy actions payload has no targets to migrate"
    unknown = {"type": "not.registered", "owner": OWNER, "data": {}}
    assert newest.refused("POST", path, 400, json=unknown) == (
        "Attachment type not.registered is not registered in unified attachment type registry."
    )


def test_internal_calls_take_both_shapes_and_answer_the_unified_one(newest: Any) -> None:
    case = newest.create()
    path = f"/internal/cases/{case['id']}/attachments"
    user = {"type": "user", "comment": "old", "owner": OWNER}
    answer = newest.send("POST", f"{path}/_bulk_create", json=[user, COMMENT, LENS]).json()
    assert [each["type"] for each in answer["comments"]] == ["comment", "comment", "lens"]
    ids = [each["id"] for each in answer["comments"]]
    found = newest.send("POST", f"{path}/_bulk_get", json={"ids": ids}).json()
    assert found == {"attachments": answer["comments"], "errors": []}
    assert answer["totalComment"] == 3


def test_an_alert_behaves_like_one(newest: Any) -> None:
    newest.alert("a1", "open")
    newest.alert("a2", "open")
    case = newest.patch(newest.create(), status="in-progress")
    first = create(newest, case, ALERT)
    source = newest.alert_source("a1")
    assert (source["kibana.alert.workflow_status"], source["kibana.alert.case_ids"]) == ("acknowledged", [case["id"]])
    version = newest.get(f"/api/cases/{case['id']}")["version"]
    assert create(newest, case, {**ALERT, "attachmentId": ["a1"], "metadata": {"index": [INDEX]}}) == first
    assert newest.get(f"/api/cases/{case['id']}")["version"] == version
    both = {**ALERT, "attachmentId": ["a1", "a2"], "metadata": {"index": [INDEX, INDEX]}}
    assert create(newest, case, both)["attachmentId"] == ["a2"]
    assert [alert["id"] for alert in newest.get(f"/api/cases/{case['id']}/alerts")] == ["a1", "a2"]
    path = f"/api/cases/{case['id']}/attachments"
    uneven = {**ALERT, "attachmentId": ["a3", "a4"]}
    assert "different lengths" in newest.refused("POST", path, 400, json=uneven)
    assert newest.send("DELETE", path).status_code == 204
    assert newest.alert_source("a2")["kibana.alert.case_ids"] == []
    assert newest.refused("DELETE", path, 404) == f"No comments found for {case['id']}."
    closed = newest.patch(newest.get(f"/api/cases/{case['id']}"), status="closed")
    assert newest.refused("POST", path, 400, json=ALERT) == "Alert cannot be attached to a closed case"
    assert closed["totalAlerts"] == 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({**COMMENT, "owner": "cases"}, "The owner field of the comment must match the case"),
        ({**ALERT, "type": "stack.alert"}, "Attachment type stack.alert cannot be attached to a case with owner"),
        ({**COMMENT, "type": "opinion"}, "Attachment type opinion is not registered in unified attachment type"),
        ({**COMMENT, "data": {"content": " "}},
         "Invalid attachment payload for type 'comment': data.content: Comment content must be a non-empty string"),
        ({**COMMENT, "data": {"content": "x" * 30_001}}, "data.content: Comment content exceeds maximum length of"),
        ({**COMMENT, "data": {}}, "data.content: Invalid input: expected string, received undefined"),
        ({**TIMELINE, "metadata": {"title": "t", "x": 1}},
         "Invalid attachment payload for type 'security.timeline': metadata: Unrecognized key: \"x\""),
        ({**TIMELINE, "attachmentId": ""}, "attachmentId: Too small: expected string to have >=1 characters"),
        ({**DASHBOARD, "metadata": {"title": "t", "soType": "map"}},
         'metadata.soType: Invalid input: expected "dashboard"'),
        ({**ENDPOINT, "metadata": {"command": "isolate", "targets": []}}, "metadata.targets: Too small: expected"),
        ({**EVENT, "metadata": {"index": 1}}, "metadata.index: Invalid input"),
        ({"type": "user", "comment": "x", "owner": OWNER}, 'Invalid value "undefined" supplied to "attachmentId"'),
        ({**COMMENT, "more": 1}, 'invalid keys "more"'),
        ({"type": "comment", "data": {"content": "x"}}, 'supplied to "owner"'),
        ([], "expected a plain object value"),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_not_attached(newest: Any, body: Any, message: str) -> None:
    case = newest.create()
    assert message in newest.refused("POST", f"/api/cases/{case['id']}/attachments", 400, json=body)
    assert kinds(newest, case) == []


def test_an_attachment_is_replaced_by_its_version(newest: Any, clock: Any, mara: Any) -> None:
    case, other = newest.create(), newest.create()
    made = create(newest, case, SWIMLANE)
    clock.forward(seconds=1)
    path = f"/api/cases/{case['id']}/attachments/{made['id']}"
    body = {**SWIMLANE, "version": made["version"], "data": {"state": {"jobIds": ["k"]}}}
    replaced = newest.send("PUT", path, json=body).json()
    assert (replaced["data"], replaced["updated_by"]) == ({"state": {"jobIds": ["k"]}}, mara)
    assert replaced["created_at"] == made["created_at"]
    assert newest.get(path) == replaced
    assert newest.get(f"/api/cases/{case['id']}")["updated_at"] == "2025-03-01T12:00:01.000Z"
    assert [action["action"] for action in newest.actions(case, types="comment")] == ["create", "update"]
    assert newest.refused("PUT", path, 409, json=body).startswith("This case has been updated.")
    right = {**body, "version": replaced["version"]}
    wrong = [
        (400, path, {**right, "type": "ml.anomaly_charts"}, "You cannot change the type of the comment."),
        (400, path, {**right, "owner": "cases"}, "You cannot change the owner of the comment."),
        (400, path, SWIMLANE, 'Invalid value "undefined" supplied to "version"'),
        (404, f"/api/cases/{case['id']}/attachments/nope", right, "Saved object [cases-comments/nope] not found"),
        (404, path.replace(case["id"], other["id"]), right, "does not exist in"),
    ]
    for status, where, sent, message in wrong:
        assert message in newest.refused("PUT", where, status, json=sent)


def test_both_ways_to_edit_agree(newest: Any) -> None:
    case = newest.create()
    made = create(newest, case, SWIMLANE)
    patch = {
        "type": "persistableState",
        "persistableStateAttachmentTypeId": "ml_anomaly_swimlane",
        "persistableStateAttachmentState": {"x": 1},
        "owner": OWNER,
        "id": made["id"],
        "version": made["version"],
    }
    assert newest.send("PATCH", f"/api/cases/{case['id']}/comments", json=patch).status_code == 200
    now = newest.get(f"/api/cases/{case['id']}/attachments/{made['id']}")
    assert now["data"] == {"state": {"x": 1}}
    unified = {**SWIMLANE, "id": made["id"], "version": now["version"]}
    assert newest.send("PATCH", f"/api/cases/{case['id']}/comments", json=unified).status_code == 200
    assert newest.get(f"/api/cases/{case['id']}/attachments/{made['id']}")["data"] == SWIMLANE["data"]


def test_pages_of_attachments(newest: Any, clock: Any) -> None:
    case = newest.create()
    for body in (COMMENT, ALERT, DASHBOARD, LENS, LENS_BY_REFERENCE):
        create(newest, case, body)
        clock.forward(seconds=1)
    path = f"/api/cases/{case['id']}/attachments"
    page = newest.get(path, page=2, perPage=2, sortOrder="desc")
    assert [each["type"] for each in page["data"]] == ["dashboard", "security.alert"]
    assert (page["page"], page["per_page"], page["total"]) == (2, 2, 5)
    assert kinds(newest, case, type=["lens", "comment"]) == ["comment", "lens", "lens"]
    for query in ({"perPage": 101}, {"type": ["x"] * 21}, {"type": "x" * 51}, {"more": 1}):
        assert newest.refused("GET", path, 400, params=query)
    assert newest.get("/api/cases/nope/attachments")["data"] == []


def test_attachments_of_other_cases_and_of_none(newest: Any) -> None:
    case, other = newest.create(), newest.create()
    made = create(newest, case, COMMENT)
    path = f"/api/cases/{other['id']}/attachments/{made['id']}"
    message = newest.refused("GET", path, 404)
    assert message == f"This attachment {made['id']} does not exist in case {other['id']}."
    assert newest.refused("DELETE", path, 404) == f"This comment {made['id']} does not exist in {other['id']}."
    assert newest.refused("POST", "/api/cases/nope/attachments", 404, json=COMMENT) == (
        "Saved object [cases/nope] not found"
    )


def test_the_routes_are_internal_and_new(newest: Any, connect: Any) -> None:
    case = newest.create()
    path = f"/api/cases/{case['id']}/attachments"
    del newest.session.headers["x-elastic-internal-origin"]
    assert "current configuration" in newest.refused("GET", path, 400)
    older = connect(stack_version="9.4.0")
    assert older.refused("GET", path, 404) == "Not Found"
    case = older.create()
    assert older.refused("POST", f"/api/cases/{case['id']}/comments", 400, json=COMMENT) == (
        'Invalid value "comment" supplied to "type"'
    )


@pytest.mark.parametrize("body", ALL, ids=lambda body: str(body["type"]))
def test_kept_and_shown_again(body: dict[str, Any]) -> None:
    check_payload(body)
    kept = attaching_of(body)
    assert view(kept.payload, kept.original) == body
    assert (kept.payload == body) is (body in ONLY_UNIFIED)
    assert to_legacy(to_unified(kept.payload)) == kept.payload


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(ALL), st.text(max_size=5) | st.sampled_from(["data", "metadata", "attachmentId"]), JSON)
def test_no_payload_breaks_the_checks(body: dict[str, Any], key: str, value: Any) -> None:
    changed = {**body, key: value} if key not in ("type", "owner") else body
    try:
        check_payload(changed)
    except BadRequest:
        return
    kept = attaching_of(changed)
    assert view(kept.payload, kept.original) == changed


def test_findings_name_the_place() -> None:
    check = shape({"a": listing(shape({"b": text(2, 3)}), 1)})
    assert findings_of(check, {"a": [{"b": "x"}, {"b": 1}, 5], "c": 1, "d": 2}) == [
        "a.0.b: Too small: expected string to have >=2 characters",
        "a.1.b: Invalid input: expected string, received number",
        "a.2: Invalid input: expected object, received number",
        '(root): Unrecognized keys: "c", "d"',
    ]
    assert findings_of(check, None) == ["(root): Invalid input: expected object, received null"]


@pytest.mark.parametrize("owner", ["AAA", "", "alert"])
@pytest.mark.parametrize("body", [
    {"type": "alert", "alertId": "a", "index": "i", "rule": {"id": None, "name": None}},
    {"type": "event", "eventId": ["a"], "index": ["i"]},
    {"type": "user", "comment": "x"},
], ids=["alert", "event", "user"])
def test_an_owner_that_is_none(newest: Any, owner: str, body: dict[str, Any]) -> None:
    case = newest.create()
    given_body = body | {"owner": owner}
    refusal = f'Unauthorized to create comments with owners: "{owner}"'
    path = f"/api/cases/{case['id']}/comments"
    assert newest.refused("POST", path, 403, json=given_body) == refusal
    bulk = f"/internal/cases/{case['id']}/attachments/_bulk_create"
    assert newest.refused("POST", bulk, 403, json=[given_body]) == refusal
    (made,) = newest.comment(case)["comments"]
    edit = given_body | {"id": made["id"], "version": made["version"]}
    assert newest.send("PATCH", path, json=edit).status_code == 400
    assert [each["id"] for each in newest.get(f"/api/cases/{case['id']}/attachments")["data"]] == [made["id"]]


@pytest.mark.parametrize("kind", ["alert", "event", "user", "actions", "externalReference", "persistableState"])
def test_types_of_the_comments_endpoints_are_no_unified_ones(newest: Any, kind: str) -> None:
    case = newest.create()
    path = f"/api/cases/{case['id']}/attachments"
    made = create(newest, case, COMMENT)
    message = f"Attachment type {kind} is not registered in unified attachment type registry."
    for shape_ in ({"attachmentId": "x", "metadata": {"index": "i"}}, {"data": {"content": "x"}}):
        body = {"type": kind, "owner": OWNER, **shape_}
        assert newest.refused("POST", path, 400, json=body) == message
        versioned = body | {"version": made["version"]}
        assert newest.refused("PUT", f"{path}/{made['id']}", 400, json=versioned) == message
