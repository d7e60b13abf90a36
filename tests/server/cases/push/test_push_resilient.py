"""A case is pushed to IBM Resilient."""

from __future__ import annotations

from typing import Any

import pytest

SECRETS = {"apiKeyId": "key", "apiKeySecret": "res-secret"}
OLD = {"id": 2095, "name": "old", "description": {"content": "before", "format": "html"}, "create_date": 1740830400000,
       "inc_last_modified_date": 1740834000000, "incident_type_ids": [17], "severity_code": {"id": 5, "name": "Medium"},
       "properties": {"test_text": "was"}}
FIELDS = [
    {"name": "test_text", "input_type": "text", "read_only": False, "text": "Test", "prefix": "properties"},
    {"name": "city", "input_type": "text", "read_only": False, "text": "City", "prefix": None},
]


def organisation(seen: Any) -> Any:
    if seen.path.endswith("/types/incident/fields"):
        return FIELDS
    if "/types/incident/fields/" in seen.path:
        return {"values": [{"value": 17, "label": "Phishing"}]}
    if seen.method == "PATCH":
        return {"success": True, "message": None}
    return OLD


@pytest.fixture
def resilient(remote: Any) -> Any:
    return remote(organisation)


@pytest.fixture
def pushed_case(kibana: Any, resilient: Any, connector: Any) -> Any:
    additional = '{"test_text": "is", "city": "L"}'
    fields = {"incidentTypes": ["17", "21"], "severityCode": "6", "additionalFields": additional}
    made = connector(kibana, ".resilient", {"apiUrl": resilient.url, "orgId": "201"}, SECRETS, fields)
    return kibana.create(connector=made), made


def test_create_and_update(kibana: Any, resilient: Any, pushed_case: Any, push: Any, clock: Any) -> None:
    case, made = pushed_case
    kibana.comment(case, "look here")
    external = push(kibana, case, made)["external_service"]
    assert (external["external_id"], external["external_title"]) == ("2095", "2095")
    assert external["external_url"] == f"{resilient.url}/#incidents/2095"
    created, noted = resilient.sent("POST")
    text = "Traffic every 60 s.\n\nAdded by Mara Lindqvist."
    assert (created.path, created.query) == (
        "/rest/orgs/201/incidents", {"text_content_output_format": "objects_convert"}
    )
    assert created.body == {
        "name": "Beaconing host", "discovered_date": 1740830400000,
        "description": {"format": "html", "content": text}, "incident_type_ids": [{"id": 17}, {"id": 21}],
        "severity_code": {"id": 6}, "city": "L", "properties": {"test_text": "is"},
    }
    assert noted.path == "/rest/orgs/201/incidents/2095/comments"
    assert noted.body == {"text": {"format": "text", "content": "look here\n\nAdded by Mara Lindqvist."}}

    push(kibana, case, made)
    (patch,) = resilient.sent("PATCH")
    changes = {change["field"]["name"]: (change["old_value"], change["new_value"]) for change in patch.body["changes"]}
    assert changes == {
        "name": ({"text": "old"}, {"text": "Beaconing host"}),
        "description": ({"textarea": {"format": "html", "content": "before"}},
                        {"textarea": {"format": "html", "content": text}}),
        "incident_type_ids": ({"ids": [17]}, {"ids": [17, 21]}),
        "severity_code": ({"id": 5}, {"id": 6}),
        "test_text": ({"text": "was"}, {"text": "is"}),
        "city": ({}, {"text": "L"}),
    }


def test_a_refused_change(kibana: Any, resilient: Any, pushed_case: Any, push: Any) -> None:
    case, made = pushed_case
    push(kibana, case, made)

    def refusing(seen: Any) -> Any:
        return {"success": False, "message": "Owner is required"} if seen.method == "PATCH" else organisation(seen)

    resilient.answers = refusing
    path = f"/api/cases/{case['id']}/connector/{made['id']}/_push"
    message = kibana.refused("POST", path, 424, json={})
    assert message == (
        "[Action][IBM Resilient]: Unable to update incident with id 2095. "
        "Error: Error while updating incident: Owner is required."
    )
    resilient.answers = lambda _seen: (401, {"message": "nope"})
    assert "Status code: 401. Message: Unauthorized API Error" in kibana.refused("POST", path, 424, json={})


def test_sub_actions(kibana: Any, pushed_case: Any) -> None:
    path = f"/api/actions/connector/{pushed_case[1]['id']}/_execute"
    body = {"params": {"subAction": "incidentTypes", "subActionParams": {}}}
    assert kibana.send("POST", path, json=body).json()["data"] == [{"id": "17", "name": "Phishing"}]
    body = {"params": {"subAction": "getIncident", "subActionParams": {}}}
    answer = kibana.send("POST", path, json=body).json()
    assert answer["service_message"].startswith('Sub action "getIncident" is not registered. Connector id: ')
