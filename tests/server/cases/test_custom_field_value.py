"""Replacing the value of one custom field."""

from __future__ import annotations

from typing import Any

import pytest

FIELDS = [
    {"key": "asset", "label": "Asset", "type": "text", "required": True, "defaultValue": "unknown"},
    {"key": "vip", "label": "VIP", "type": "toggle", "required": False},
    {"key": "score", "label": "Score", "type": "number", "required": False},
]


@pytest.fixture
def case(kibana: Any) -> dict[str, Any]:
    connector = {"id": "none", "name": "none", "type": ".none", "fields": None}
    body = {"owner": "securitySolution", "closure_type": "close-by-user", "connector": connector}
    answer = kibana.send("POST", "/api/cases/configure", json={**body, "customFields": FIELDS})
    assert answer.status_code == 200, answer.text
    created: dict[str, Any] = kibana.create()
    return created


def path(case: dict[str, Any], key: str) -> str:
    return f"/internal/cases/{case['id']}/custom_fields/{key}"


@pytest.mark.parametrize(
    ("key", "kind", "value"), [("asset", "text", "ws-01"), ("vip", "toggle", True), ("score", "number", 7)]
)
def test_a_value_is_replaced(kibana: Any, case: dict[str, Any], clock: Any, key: str, kind: str, value: Any) -> None:
    clock.forward(seconds=1)
    answer = kibana.send("PUT", path(case, key), json={"value": value, "caseVersion": case["version"]})
    expected = {"key": key, "type": kind, "value": value}
    assert (answer.status_code, answer.json()) == (200, expected)
    read = kibana.get(f"/api/cases/{case['id']}")
    assert read["customFields"][0] == expected
    assert len(read["customFields"]) == 3
    assert (read["updated_at"], read["updated_by"]["username"]) == ("2025-03-01T12:00:01.000Z", "mara")
    assert read["version"] != case["version"]
    (action,) = kibana.actions(case, types="customFields")
    assert (action["action"], action["payload"]) == ("update", {"customFields": [expected]})


def test_an_optional_value_is_emptied(kibana: Any, case: dict[str, Any]) -> None:
    body = {"value": None, "caseVersion": case["version"]}
    assert kibana.send("PUT", path(case, "vip"), json=body).json()["value"] is None


@pytest.mark.parametrize(
    ("key", "body", "status", "message"),
    [
        ("asset", {"value": "x"}, 400, 'Invalid value "undefined" supplied to "caseVersion"'),
        ("asset", {"value": "x", "caseVersion": "stale", "x": 1}, 400, 'invalid keys "x"'),
        ("asset", {"value": "x" * 161}, 400, "The length of the value is too long. The maximum length is 160."),
        ("score", {"value": 2**60}, 400, "The value field should be an integer between -(2^53 - 1) and 2^53 - 1"),
        ("ghost", {"value": "x"}, 400, "cannot find custom field"),
        ("asset", {"value": None}, 400, "Custom field value cannot be null or undefined."),
        ("vip", {"value": "yes"}, 400, 'Invalid value "yes" supplied to "value"'),
    ],
)
def test_what_is_refused(
    kibana: Any, case: dict[str, Any], key: str, body: dict[str, Any], status: int, message: str
) -> None:
    given = body if "caseVersion" in message else {"caseVersion": case["version"], **body}
    assert message in kibana.refused("PUT", path(case, key), status, json=given)
    assert kibana.get(f"/api/cases/{case['id']}")["updated_at"] is None


def test_a_stale_version(kibana: Any, case: dict[str, Any]) -> None:
    kibana.patch(kibana.get(f"/api/cases/{case['id']}"), title="other")
    message = kibana.refused("PUT", path(case, "asset"), 409, json={"value": "x", "caseVersion": case["version"]})
    assert message == f"This case {case['id']} has been updated. Please refresh before saving additional updates."


def test_unknown_cases(kibana: Any, case: dict[str, Any]) -> None:
    body = {"value": "x", "caseVersion": case["version"]}
    assert kibana.refused("PUT", path({"id": "ghost"}, "asset"), 404, json=body) == (
        "Saved object [cases/ghost] not found"
    )
    kibana.send("POST", "/api/spaces/space", json={"id": "soc", "name": "SOC"})
    kibana.refused("PUT", "/s/soc" + path(case, "asset"), 404, json=body)


def test_without_a_configuration(connect: Any) -> None:
    kibana = connect()
    case = kibana.create()
    body = {"value": "x", "caseVersion": case["version"]}
    assert kibana.refused("PUT", path(case, "asset"), 400, json=body) == "cannot find custom field"


def test_the_linked_extended_field_follows(connect: Any) -> None:
    kibana = connect(stack_version="9.5.0")
    connector = {"id": "none", "name": "none", "type": ".none", "fields": None}
    body = {"owner": "securitySolution", "closure_type": "close-by-user", "connector": connector}
    answer = kibana.send("POST", "/api/cases/configure", json={**body, "customFields": FIELDS})
    assert answer.status_code == 200, answer.text
    case = kibana.create()
    given = {"value": "ws-07", "caseVersion": case["version"]}
    assert kibana.send("PUT", path(case, "asset"), json=given).status_code == 200
    read = kibana.get(f"/api/cases/{case['id']}")
    assert "ws-07" in read["extended_fields"].values()
    assert [action["type"] for action in kibana.actions(case)][-1] == "extended_fields"
    assert len(kibana.actions(case, types="customFields")) == 0
