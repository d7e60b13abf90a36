"""The connector object of a case, by type and by stack; the mapping of a configured connector."""

from __future__ import annotations

from typing import Any

import pytest

FIELDS: dict[str, Any] = {
    ".jira": {"issueType": "10002", "priority": None, "parent": None},
    ".servicenow": {"impact": "1", "severity": None, "urgency": None, "category": None, "subcategory": None},
    ".servicenow-sir": {"category": None, "subcategory": None, "priority": "1", "destIp": True, "sourceIp": None,
                        "malwareHash": None, "malwareUrl": False},
    ".resilient": {"incidentTypes": ["17"], "severityCode": "6"},
    ".swimlane": {"caseId": "7"},
    ".thehive": {"tlp": 3},
}


def named(kind: str, fields: Any) -> dict[str, Any]:
    return {"id": "c1", "name": "mine", "type": kind, "fields": fields}


@pytest.mark.parametrize("kind", sorted(FIELDS))
def test_fields_are_strict_and_may_be_null(kibana: Any, make_case: Any, kind: str) -> None:
    for fields in (FIELDS[kind], None):
        assert kibana.create(connector=named(kind, fields))["connector"] == named(kind, fields)
    body = make_case(connector=named(kind, FIELDS[kind] | {"more": 1}))
    assert kibana.refused("POST", "/api/cases", 400, json=body) == 'invalid keys "more"'
    first, *_ = FIELDS[kind]
    short = {name: value for name, value in FIELDS[kind].items() if name != first}
    message = kibana.refused("POST", "/api/cases", 400, json=make_case(connector=named(kind, short)))
    assert f'Invalid value "undefined" supplied to "connector,fields,{first}"' in message


@pytest.mark.parametrize(
    ("kind", "name"),
    [(".jira", "otherFields"), (".servicenow", "additionalFields"), (".servicenow-sir", "additionalFields"),
     (".resilient", "additionalFields")],
)
def test_other_fields_by_stack(connect: Any, make_case: Any, kind: str, name: str) -> None:
    connector = named(kind, FIELDS[kind] | {name: '{"a": 1}'})
    assert connect().create(connector=connector)["connector"] == connector
    older = connect(stack_version="8.18.0")
    assert older.refused("POST", "/api/cases", 400, json=make_case(connector=connector)) == f'invalid keys "{name}"'


def test_none_and_the_webhook_have_no_fields(kibana: Any, make_case: Any) -> None:
    assert kibana.create(connector=named(".cases-webhook", None))["connector"]["type"] == ".cases-webhook"
    body = make_case(connector=named(".cases-webhook", {}))
    assert 'Invalid value "{}" supplied to "connector,fields"' in kibana.refused("POST", "/api/cases", 400, json=body)


@pytest.mark.parametrize(
    ("kind", "targets"),
    [
        (".jira", {"title": "summary", "description": "description", "tags": "labels", "comments": "comments"}),
        (".servicenow", {"title": "short_description", "description": "description", "comments": "work_notes"}),
        (".resilient", {"title": "name", "description": "description", "comments": "comments"}),
        (".swimlane", {"title": "caseName", "description": "description", "comments": "comments"}),
        (".thehive", {"title": "title", "description": "description", "tags": "tags", "comments": "comments"}),
        (".cases-webhook", {}),
        (".none", {}),
    ],
)
def test_mapping_of_a_configured_connector(kibana: Any, kind: str, targets: Any) -> None:
    connector = named(kind, None) if kind != ".none" else {"id": "none", "name": "none", "type": kind, "fields": None}
    body = {"connector": connector, "closure_type": "close-by-user", "owner": "securitySolution"}
    answer = kibana.send("POST", "/api/cases/configure", json=body).json()
    assert {each["source"]: each["target"] for each in answer["mappings"]} == targets
