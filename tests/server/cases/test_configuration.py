"""/api/cases/configure, and the custom fields that follow from it."""

from __future__ import annotations

from typing import Any

import pytest

NONE = {"id": "none", "name": "none", "type": ".none", "fields": None}
TEXT = {"key": "ticket", "label": "Ticket", "type": "text", "required": False}
SCORE = {"key": "score", "label": "Score", "type": "number", "required": True, "defaultValue": 5}
FLAG = {"key": "flag", "label": "Flag", "type": "toggle", "required": True}


def body(**fields: Any) -> dict[str, Any]:
    return {"owner": "securitySolution", "closure_type": "close-by-user", "connector": NONE, **fields}


def save(kibana: Any, **fields: Any) -> dict[str, Any]:
    answer = kibana.send("POST", "/api/cases/configure", json=body(**fields))
    assert answer.status_code == 200, answer.text
    saved: dict[str, Any] = answer.json()
    return saved


def test_nothing_is_configured_at_first(kibana: Any) -> None:
    assert kibana.get("/api/cases/configure") == []
    assert kibana.get("/api/cases/configure/connectors/_find") == []


def test_a_configuration_is_saved_and_replaced(kibana: Any, mara: Any) -> None:
    first = save(kibana, customFields=[TEXT])
    identifier, version = first.pop("id"), first.pop("version")
    assert first == body(
        customFields=[TEXT], templates=[], observableTypes=[], mappings=[], error=None,
        created_at="2025-03-01T12:00:00.000Z", created_by=mara, updated_at=None, updated_by=None,
    )
    save(kibana, owner="cases")
    second = save(kibana)
    assert second["id"] != identifier
    assert second["version"] != version
    assert [saved["owner"] for saved in kibana.get("/api/cases/configure")] == ["cases", "securitySolution"]
    assert kibana.get("/api/cases/configure", owner="securitySolution") == [second]


def test_a_jira_connector_brings_its_mapping(kibana: Any) -> None:
    jira = {"id": "j", "name": "Jira", "type": ".jira", "fields": None}
    saved = save(kibana, connector=jira, closure_type="close-by-pushing")
    assert {"source": "title", "target": "summary", "action_type": "overwrite"} in saved["mappings"]


def test_a_configuration_is_changed_by_version(kibana: Any, mara: Any) -> None:
    saved = save(kibana, customFields=[TEXT])
    path = f"/api/cases/configure/{saved['id']}"
    change = {"version": saved["version"], "closure_type": "close-by-pushing"}
    changed = kibana.send("PATCH", path, json=change).json()
    assert (changed["closure_type"], changed["customFields"]) == ("close-by-pushing", [TEXT])
    assert changed["updated_by"] == mara
    assert kibana.refused("PATCH", path, 409, json=change) == (
        "This configuration has been updated. Please refresh before saving additional updates."
    )
    other = {**TEXT, "type": "toggle"}
    message = kibana.refused("PATCH", path, 400, json={"version": changed["version"], "customFields": [other]})
    assert message == 'Invalid custom field types in request for the following labels: "Ticket"'
    assert kibana.refused("PATCH", "/api/cases/configure/x", 404, json=change) == (
        "Saved object [cases-configure/x] not found"
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"closure_type": "never"}, 'Invalid value "never" supplied to "closure_type"'),
        ({"more": 1}, 'invalid keys "more"'),
        ({"customFields": [TEXT, TEXT]}, "Invalid duplicated customFields keys in request: ticket"),
        ({"customFields": [{**TEXT, "key": "Big"}]}, "Key must be lower case, a-z, 0-9, '_', and '-' are allowed"),
        ({"customFields": [TEXT] * 11}, "Array must be of length <= 10."),
        ({"templates": [{"key": "t", "name": "T"}]}, 'Invalid value "undefined" supplied to "templates,caseFields"'),
        (
            {"templates": [{"key": "t", "name": "T", "caseFields": None}], "customFields": [TEXT]},
            "No custom fields added to template.",
        ),
        (
            {"observableTypes": [{"key": "k1", "label": "IPv4"}]},
            "Invalid duplicated observable types in request: ipv4",
        ),
    ],
)
def test_what_cannot_be_configured(kibana: Any, fields: Any, message: str) -> None:
    assert message in kibana.refused("POST", "/api/cases/configure", 400, json=body(**fields))
    assert kibana.get("/api/cases/configure") == []


def test_custom_fields_are_filled_and_checked(kibana: Any, make_case: Any) -> None:
    save(kibana, customFields=[TEXT, SCORE])
    case = kibana.create(customFields=[{"key": "ticket", "type": "text", "value": "T-1"}])
    assert case["customFields"] == [
        {"key": "ticket", "type": "text", "value": "T-1"},
        {"key": "score", "type": "number", "value": 5},
    ]
    changed = kibana.patch(case, customFields=[{"key": "score", "type": "number", "value": 9}])
    assert changed["customFields"] == [
        {"key": "score", "type": "number", "value": 9},
        {"key": "ticket", "type": "text", "value": None},
    ]
    payloads = [action["payload"]["customFields"] for action in kibana.actions(case, types="customFields")]
    assert payloads == [
        [{"key": "score", "type": "number", "value": 9}],
        [{"key": "ticket", "type": "text", "value": None}],
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([], 'Missing required custom fields without default value configured: "Flag"'),
        (
            [{"key": "flag", "type": "toggle", "value": None}],
            'Invalid value "null" supplied for the following required custom fields: "Flag"',
        ),
        ([{"key": "x", "type": "text", "value": "x"}], "Invalid custom field keys: x"),
        (
            [{"key": "flag", "type": "text", "value": "x"}],
            'The following custom fields have the wrong type in the request: "Flag"',
        ),
        (
            [{"key": "flag", "type": "toggle", "value": True}] * 2,
            "Invalid duplicated customFields keys in request: flag",
        ),
        (
            [{"key": "score", "type": "number", "value": 1.5}],
            "The value field should be an integer between -(2^53 - 1) and 2^53 - 1, inclusive.",
        ),
        ([{"key": "ticket", "type": "text", "value": "x" * 161}], "The maximum length is 160."),
    ],
)
def test_custom_fields_that_do_not_fit(kibana: Any, make_case: Any, fields: Any, message: str) -> None:
    save(kibana, customFields=[FLAG, TEXT, SCORE])
    assert message in kibana.refused("POST", "/api/cases", 400, json=make_case(customFields=fields))


def test_templates_follow_the_custom_fields(kibana: Any) -> None:
    saved = save(kibana)
    template = {"key": "t", "name": "T", "caseFields": {"title": "x"}}
    change = {"version": saved["version"], "templates": [template], "customFields": [SCORE]}
    changed = kibana.send("PATCH", f"/api/cases/configure/{saved['id']}", json=change).json()
    assert changed["templates"][0]["caseFields"]["customFields"] == [{"key": "score", "type": "number", "value": 5}]
    change = {"version": changed["version"]}
    changed = kibana.send("PATCH", f"/api/cases/configure/{saved['id']}", json=change).json()
    assert changed["templates"] == []


def test_a_template_takes_the_custom_fields_that_are_configured(kibana: Any) -> None:
    given = [{"key": "ticket", "type": "text", "value": "x"}]
    template = {"key": "t", "name": "T", "caseFields": {"customFields": given}}

    def refused(**fields: Any) -> str:
        message: str = kibana.refused("POST", "/api/cases/configure", 400, json=body(templates=[template], **fields))
        return message

    assert refused() == "No custom fields configured."
    assert refused(customFields=[]) == "Invalid custom field keys: ticket"
    template["caseFields"] = {"customFields": given * 2}
    assert refused(customFields=[TEXT]) == (
        "Invalid duplicated templates[0]'s customFields keys in request: ticket"
    )
    template["caseFields"] = {"customFields": [{"key": "ticket", "type": "toggle", "value": True}]}
    assert refused(customFields=[TEXT]) == (
        'The following custom fields have the wrong type in the request: "Ticket"'
    )


def test_assignees_of_a_template_take_a_licence(connect: Any) -> None:
    kibana = connect(license="basic")
    template = {"key": "t", "name": "T", "caseFields": {"assignees": [{"uid": "u1"}]}}
    message = kibana.refused("POST", "/api/cases/configure", 403, json=body(templates=[template]))
    assert message == "In order to assign users to cases, you must be subscribed to an Elastic Platinum license"


def test_a_custom_field_that_is_removed_leaves_the_templates(kibana: Any) -> None:
    values = [{"key": "ticket", "type": "text", "value": "x"}, {"key": "score", "type": "number", "value": 1}]
    template = {"key": "t", "name": "T", "caseFields": {"customFields": values}}
    saved = save(kibana, customFields=[TEXT, SCORE], templates=[template])
    change = {"version": saved["version"], "customFields": [SCORE], "templates": [template]}
    changed = kibana.send("PATCH", f"/api/cases/configure/{saved['id']}", json=change).json()
    assert changed["templates"][0]["caseFields"]["customFields"] == values[1:]
    change = {"version": changed["version"], "templates": [template]}
    changed = kibana.send("PATCH", f"/api/cases/configure/{saved['id']}", json=change).json()
    assert changed["templates"][0]["caseFields"]["customFields"] == []
    assert changed["customFields"] == [SCORE]


def test_the_configuration_decides_about_extraction(connect: Any) -> None:
    kibana = connect(stack_version="9.5.0")
    assert kibana.create()["settings"]["extractObservables"] is True
    saved = save(kibana, extractObservables=False, analytics_enabled=True)
    assert (saved["extractObservables"], saved["analytics_enabled"]) == (False, True)
    assert kibana.create()["settings"]["extractObservables"] is False
    assert kibana.create(owner="cases")["settings"]["extractObservables"] is False
    chosen = kibana.create(settings={"syncAlerts": False, "extractObservables": True})
    assert chosen["settings"]["extractObservables"] is True


def test_older_stacks_refuse_the_newer_keys(connect: Any) -> None:
    kibana = connect(stack_version="9.4.0")
    message = kibana.refused("POST", "/api/cases/configure", 400, json=body(extractObservables=True))
    assert message == 'invalid keys "extractObservables"'
    kibana = connect(stack_version="8.17.0")
    message = kibana.refused("POST", "/api/cases/configure", 400, json=body(observableTypes=[]))
    assert message == 'invalid keys "observableTypes"'


def test_observable_types_of_newer_stacks_are_taken(connect: Any) -> None:
    kibana = connect(stack_version="9.3.0")
    types = [{"key": "k1", "label": "agent id"}]
    message = kibana.refused("POST", "/api/cases/configure", 400, json=body(observableTypes=types))
    assert message == "Invalid duplicated observable types in request: agent id"
