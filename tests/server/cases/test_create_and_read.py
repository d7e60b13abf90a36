"""Creating, reading and deleting cases."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest


def test_a_new_case_has_the_fields_and_defaults_of_kibana(kibana: Any, mara: Any) -> None:
    case = kibana.create(title="  Beaconing host ", tags=[" c2 "], category=" Malware ")
    uuid.UUID(case.pop("id"))
    assert json.loads(base64.b64decode(case.pop("version"))) == [1, 1]
    assert case == {
        "title": "Beaconing host",
        "description": "Traffic every 60 s.",
        "tags": ["c2"],
        "category": "Malware",
        "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
        "settings": {"syncAlerts": True},
        "owner": "securitySolution",
        "severity": "low",
        "status": "open",
        "assignees": [],
        "customFields": [],
        "observables": [],
        "comments": [],
        "totalComment": 0,
        "totalAlerts": 0,
        "totalEvents": 0,
        "duration": None,
        "external_service": None,
        "created_at": "2025-03-01T12:00:00.000Z",
        "created_by": mara,
        "updated_at": None,
        "updated_by": None,
        "closed_at": None,
        "closed_by": None,
    }


def test_creation_is_the_first_user_action(kibana: Any, mara: Any) -> None:
    case = kibana.create(severity="high", assignees=[{"uid": "u1"}, {"uid": ""}])
    (action,) = kibana.actions(case)
    assert (action["type"], action["action"], action["comment_id"]) == ("create_case", "create", None)
    assert action["created_by"] == mara
    assert action["owner"] == "securitySolution"
    assert action["payload"] == {
        name: case[name]
        for name in (
            "title", "description", "tags", "connector", "settings", "owner", "severity", "status", "assignees",
            "category", "customFields",
        )
    }
    assert case["assignees"] == [{"uid": "u1"}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"title": " "}, "The title field cannot be an empty string."),
        ({"title": "x" * 161}, "The length of the title is too long. The maximum length is 160."),
        ({"description": "x" * 30_001}, "The length of the description is too long. The maximum length is 30000."),
        ({"tags": ["x" * 257]}, "The length of the tag is too long. The maximum length is 256."),
        (
            {"tags": [str(number) for number in range(201)]},
            "The length of the field tags is too long. Array must be of length <= 200.",
        ),
        ({"tags": "c2"}, 'Invalid value "c2" supplied to "tags"'),
        ({"category": ""}, 'The category field cannot be an empty string.,Invalid value "" supplied to "category"'),
        ({"severity": "grave"}, 'Invalid value "grave" supplied to "severity"'),
        ({"status": "closed"}, 'invalid keys "status"'),
        ({"id": "mine", "observables": []}, 'invalid keys "id,observables"'),
        ({"settings": {}}, 'Invalid value "undefined" supplied to "settings,syncAlerts"'),
        ({"settings": {"syncAlerts": True, "more": 1}}, 'invalid keys "more"'),
        (
            {"connector": {"id": "j", "name": "j", "type": ".bugzilla", "fields": None}},
            'Invalid value ".bugzilla" supplied to "connector,type"',
        ),
        (
            {"connector": {"id": "j", "name": "j", "type": ".jira", "fields": {"issueType": "1", "priority": None}}},
            'Invalid value "undefined" supplied to "connector,fields,parent"',
        ),
        (
            {"assignees": [{"uid": str(number)} for number in range(11)]},
            "The length of the field assignees is too long. Array must be of length <= 10.",
        ),
        ({"customFields": [{"key": "k", "type": "text", "value": "v"}]}, "No custom fields configured."),
    ],
)
def test_what_breaks_a_rule_is_refused(kibana: Any, make_case: Any, change: Any, message: str) -> None:
    assert message in kibana.refused("POST", "/api/cases", 400, json=make_case(**change))
    assert kibana.get("/api/cases/_find")["total"] == 0


def test_lengths_are_tested_after_trimming(kibana: Any) -> None:
    assert len(kibana.create(title="  " + "x" * 160 + "  ")["title"]) == 160


def test_an_unknown_owner_is_forbidden(kibana: Any, make_case: Any) -> None:
    message = kibana.refused("POST", "/api/cases", 403, json=make_case(owner="nobody"))
    assert message == 'Unauthorized to create case with owners: "nobody"'


def test_assignees_need_platinum(connect: Any, make_case: Any) -> None:
    basic = connect(license="basic")
    message = "In order to assign users to cases, you must be subscribed to an Elastic Platinum license"
    assert basic.refused("POST", "/api/cases", 403, json=make_case(assignees=[{"uid": "u"}])) == message
    case = basic.create(assignees=[])
    body = {"cases": [{"id": case["id"], "version": case["version"], "assignees": [{"uid": "u"}]}]}
    assert basic.refused("PATCH", "/api/cases", 403, json=body) == f"{message}, ids: [{case['id']}]"
    assert "filter cases by assignees" in basic.refused("GET", "/api/cases/_find", 403, params={"assignees": "u"})


def test_a_case_is_read_without_comments_on_9(kibana: Any) -> None:
    case = kibana.create()
    kibana.comment(case)
    read = kibana.get(f"/api/cases/{case['id']}")
    assert "comments" not in read
    assert read["totalComment"] == 1
    resolved = kibana.get(f"/api/cases/{case['id']}/resolve")
    assert (resolved["outcome"], resolved["case"]["id"]) == ("exactMatch", case["id"])


def test_an_unknown_case_is_a_missing_saved_object(kibana: Any) -> None:
    assert kibana.refused("GET", "/api/cases/nope", 404) == "Saved object [cases/nope] not found"
    assert kibana.refused("GET", "/api/cases/nope/alerts", 404) == "Saved object [cases/nope] not found"


def test_bulk_get_reports_what_is_missing(kibana: Any) -> None:
    one, two = kibana.create(title="one"), kibana.create(title="two")
    answer = kibana.send(
        "POST", "/internal/cases/_bulk_get", json={"ids": [two["id"], "nope", one["id"]]}
    ).json()
    assert [case["title"] for case in answer["cases"]] == ["two", "one"]
    assert answer["errors"] == [
        {"error": "Not Found", "message": "Saved object [cases/nope] not found", "status": 404, "caseId": "nope"}
    ]
    assert "too short" in kibana.refused("POST", "/internal/cases/_bulk_get", 400, json={"ids": []})


def test_delete_takes_all_or_none(kibana: Any) -> None:
    one, two = kibana.create(), kibana.create()
    kibana.comment(one)
    ids = json.dumps([one["id"], "nope"])
    assert kibana.refused("DELETE", "/api/cases", 404, params={"ids": ids}) == "Saved object [cases/nope] not found"
    assert kibana.get("/api/cases/_find")["total"] == 2
    gone = kibana.send("DELETE", "/api/cases", params={"ids": json.dumps([one["id"], two["id"]])})
    assert (gone.status_code, gone.content) == (204, b"")
    assert kibana.get("/api/cases/_find")["total"] == 0
    path = f"/api/cases/{one['id']}/user_actions/_find"
    assert kibana.refused("GET", path, 404) == f"Saved object [cases/{one['id']}] not found"


def test_delete_wants_a_json_list_of_ids(kibana: Any) -> None:
    one, two = kibana.create(), kibana.create()
    assert "could not parse array" in kibana.refused("DELETE", "/api/cases", 400, params={"ids": one["id"]})
    assert "got [undefined]" in kibana.refused("DELETE", "/api/cases", 400)
    assert "too short" in kibana.refused("DELETE", "/api/cases", 400, params={"ids": "[]"})
    assert kibana.send("DELETE", "/api/cases", params={"ids": [one["id"], two["id"]]}).status_code == 204


def test_a_case_is_numbered_when_it_is_read_and_its_version_moves(connect: Any, clock: Any) -> None:
    kibana = connect(incremental_id_delay=60)
    first, second = kibana.create(), kibana.create()
    assert kibana.get(f"/api/cases/{first['id']}")["version"] == first["version"]
    clock.forward(seconds=60)
    read = kibana.get(f"/api/cases/{second['id']}")
    assert read["incremental_id"] == 2
    assert read["version"] != second["version"]
    assert read["updated_at"] is None
    assert kibana.get(f"/api/cases/{second['id']}")["version"] == read["version"]
    assert kibana.patch(first, title="the POST's version still counts")["status"] == "open"
    found = {case["id"]: case["incremental_id"] for case in kibana.get("/api/cases/_find")["cases"]}
    assert found == {first["id"]: 1, second["id"]: 2}


def test_numbers_can_be_switched_off_and_do_not_exist_on_older_stacks(connect: Any) -> None:
    for kibana in (connect(incremental_ids=False), connect(stack_version="9.1.0")):
        case = kibana.create()
        read = kibana.get(f"/api/cases/{case['id']}")
        assert "incremental_id" not in read
        assert read["version"] == case["version"]


def test_the_creation_is_recorded_as_it_was_asked_for(connect: Callable[..., Any]) -> None:
    field = {"key": "ticket", "label": "Ticket", "type": "text", "required": False}
    body = {
        "owner": "securitySolution", "closure_type": "close-by-user", "customFields": [field],
        "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
    }
    for version, recorded in (("9.2.0", []), ("9.5.0", [{"key": "ticket", "type": "text", "value": None}])):
        kibana = connect(stack_version=version)
        assert kibana.send("POST", "/api/cases/configure", json=body).status_code == 200
        case = kibana.create(title=" Padded ")
        assert case["title"] == "Padded"
        payload = kibana.actions(case)[0]["payload"]
        assert (payload["title"], payload["customFields"], payload["status"]) == (" Padded ", recorded, "open")
