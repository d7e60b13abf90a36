"""/api/cases/templates, and cases that are made from a template."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

DEFINITION = """\
name: Security incident
severity: high
category: Malware
tags: [security, security]
assignees: [{uid: u1}]
settings: {extractObservables: false}
fields:
  - name: priority
    label: Priority
    type: keyword
    control: SELECT_BASIC
    metadata: {options: [low, medium, high], default: medium}
  - name: score
    type: integer
    control: INPUT_NUMBER
    validation: {min: 0, max: 10}
  - name: notes
    type: keyword
    control: TEXTAREA
    validation: {required_on_close: true}
  - name: help
    control: MARKDOWN
    metadata: {content: "**Read me**"}
"""


@pytest.fixture
def kibana(connect: Callable[..., Any]) -> Any:
    return connect(stack_version="9.5.0")


def write(kibana: Any, *, method: str = "POST", path: str = "", **fields: Any) -> dict[str, Any]:
    body = {"owner": "securitySolution", "definition": DEFINITION, **fields}
    answer = kibana.send(method, "/api/cases/templates" + path, json=body)
    assert answer.status_code == 200, answer.text
    saved: dict[str, Any] = answer.json()
    return saved


def use(template: dict[str, Any], version: int | None = None) -> dict[str, Any]:
    return {"id": template["templateId"]} | ({} if version is None else {"version": version})


def test_a_template_is_saved_read_and_listed(kibana: Any) -> None:
    saved = write(kibana, description="For incidents", tags=["soc"])
    assert (saved["name"], saved["templateVersion"], saved["latestVersion"]) == ("Security incident", 1, 1)
    assert (saved["author"], saved["isEnabled"], saved["isLatest"], saved["deletedAt"]) == ("mara", True, True, None)
    assert saved["definitionString"] == DEFINITION
    assert saved["definition"]["fields"][0]["metadata"] == {"options": ["low", "medium", "high"], "default": "medium"}
    assert saved["fieldCount"] == 4
    assert saved["fieldDefinitions"][0] == {
        "name": "priority", "label": "Priority", "type": "keyword", "control": "SELECT_BASIC",
    }
    assert kibana.get(f"/api/cases/templates/{saved['templateId']}") == saved
    listed = kibana.get("/api/cases/templates")
    assert listed == {
        "page": 1, "perPage": 20, "total": 1, "templates": [saved | {"fieldSearchMatches": False}],
    }


def test_a_template_is_replaced_by_a_new_version(kibana: Any) -> None:
    first = write(kibana, description="For incidents")
    path = f"/{first['templateId']}"
    second = write(kibana, method="PUT", path=path, name="Renamed", definition="fields: []\n", isEnabled=False)
    assert (second["templateVersion"], second["name"], second["isEnabled"]) == (2, "Renamed", False)
    assert "description" not in second
    old = kibana.get(f"/api/cases/templates{path}", version=1)
    assert (old["name"], old["isLatest"], old["latestVersion"]) == ("Security incident", False, 2)
    message = kibana.refused("GET", f"/api/cases/templates{path}", 404, params={"version": 3})
    assert message == f"Template with id {first['templateId']} not found"


def test_lists_are_filtered_sorted_and_paged(kibana: Any) -> None:
    write(kibana, name="b", tags=["x"])
    write(kibana, name="a", owner="cases", isEnabled=False, definition="fields: []")
    write(kibana, name="c", definition="fields: []", description="Deep sea")

    def names(**query: Any) -> list[str]:
        return [each["name"] for each in kibana.get("/api/cases/templates", **query)["templates"]]

    assert names() == ["a", "b", "c"]
    assert names(sortOrder="desc", perPage=2) == ["c", "b"]
    assert names(page=2, perPage=2) == ["c"]
    assert names(owner="cases") == ["a"]
    assert names(isEnabled="true") == ["b", "c"]
    assert names(tags="x") == ["b"]
    assert names(search="SEA") == ["c"]
    assert names(author="noor") == []
    found = kibana.get("/api/cases/templates", search="priority")["templates"]
    assert [(each["name"], each["fieldSearchMatches"]) for each in found] == [("b", True)]
    message = kibana.refused("GET", "/api/cases/templates", 400, params={"x": 1})
    assert message == "[request query.x]: definition for this key is missing"


def test_a_dry_run_checks_and_saves_nothing(kibana: Any) -> None:
    answer = kibana.send(
        "POST", "/api/cases/templates?dry_run=true", json={"owner": "cases", "definition": DEFINITION}
    )
    assert answer.json() == {"valid": True}
    assert kibana.get("/api/cases/templates")["total"] == 0
    saved = write(kibana)
    path = f"/api/cases/templates/{saved['templateId']}?dry_run=true"
    body = {"owner": "securitySolution", "definition": "fields: []", "name": "x"}
    assert kibana.send("PUT", path, json=body).json() == {"valid": True}
    assert kibana.get("/api/cases/templates")["templates"][0]["templateVersion"] == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"definition": "fields: []"}, '"path":["owner"],"message":"Invalid input: expected string, received'),
        ({"owner": "cases", "definition": "fields: []", "usageCount": 1}, 'Unrecognized key: \\"usageCount\\"'),
        ({"owner": "cases", "definition": "fields: [", "name": "x"}, "Invalid YAML definition: YAMLParseError:"),
        ({"owner": "cases", "definition": "!!python/name:os.system x", "name": "x"}, "Invalid YAML definition:"),
        ({"owner": "cases", "definition": "name: x"}, "Invalid template definition: ["),
        ({"owner": "cases", "definition": "x" * 30_001}, "expected string to have <=30000 characters"),
        ({"owner": "cases", "definition": "fields: []", "name": "x" * 51}, "expected string to have <=50 characters"),
        ({"owner": "cases", "definition": "fields: []"}, "Template name is required."),
        (
            {"owner": "cases", "name": "x", "definition": "fields: [{name: a-b, type: keyword, control: INPUT_TEXT}]"},
            'Field name "a-b" must contain only letters (A-Z, a-z), digits, and underscores.',
        ),
        (
            {"owner": "cases", "name": "x", "definition": "fields: [{$ref: a}, {$ref: a}]"},
            "Field names must be unique.",
        ),
        (
            {"owner": "cases", "name": "x",
             "definition": "fields:\n" + "".join(f"  - {{$ref: f{number}}}\n" for number in range(201))},
            "A template cannot have more than 200 fields.",
        ),
    ],
)
def test_what_is_no_template(kibana: Any, body: Any, message: str) -> None:
    assert message in kibana.refused("POST", "/api/cases/templates", 400, json=body)
    assert kibana.get("/api/cases/templates")["total"] == 0


def test_names_are_unique_per_owner(kibana: Any) -> None:
    saved = write(kibana)
    body = {"owner": "securitySolution", "definition": "fields: []", "name": "SECURITY incident"}
    message = kibana.refused("POST", "/api/cases/templates", 409, json=body)
    assert message == 'A template with name "Security incident" already exists for this owner.'
    write(kibana, owner="cases")
    write(kibana, method="PUT", path=f"/{saved['templateId']}")


def test_an_owner_has_at_most_200_templates(kibana: Any) -> None:
    library = kibana.server.cases.templates.library
    saved = write(kibana)
    doc = library.template("default", saved["templateId"])
    for number in range(199):
        library.store.add_template("default", doc | {"templateId": f"t{number}", "name": f"T{number}"})
    body = {"owner": "securitySolution", "definition": "fields: []", "name": "one more"}
    message = kibana.refused("POST", "/api/cases/templates", 400, json=body)
    assert message == "Cannot create more than 200 templates per owner."


def test_legacy_names_stay_but_get_no_twins(kibana: Any) -> None:
    saved = write(kibana)
    library = kibana.server.cases.templates.library
    old = "fields: [{name: my-field, type: keyword, control: INPUT_TEXT}]"
    library.store.put_template("default", library.template("default", saved["templateId"]) | {"definition": old})
    write(kibana, method="PUT", path=f"/{saved['templateId']}", name="x", definition=old)
    twin = old.replace("my-field", "my_field")
    body = {"owner": "securitySolution", "name": "x", "definition": twin}
    message = kibana.refused("PUT", f"/api/cases/templates/{saved['templateId']}", 400, json=body)
    assert 'Field name "my_field" conflicts with the existing field "my-field".' in message


def test_a_case_takes_its_defaults_from_a_template(kibana: Any, clock: Any) -> None:
    template = write(kibana)
    case = kibana.create(template=use(template), tags=[])
    assert case["template"] == {"id": template["templateId"], "version": 1}
    assert (case["severity"], case["category"], case["tags"]) == ("high", "Malware", ["security"])
    assert [person["uid"] for person in case["assignees"]] == ["u1"]
    assert case["settings"] == {"syncAlerts": True, "extractObservables": False}
    assert case["extended_fields"] == {"priority_as_keyword": "medium", "score_as_integer": "", "notes_as_keyword": ""}
    read = kibana.get(f"/api/cases/{case['id']}")
    assert read["extended_fields_labels"] == {
        "priority_as_keyword": "Priority", "score_as_integer": "score", "notes_as_keyword": "notes",
    }
    found = kibana.get("/api/cases/_find")["cases"][0]
    assert found["extended_fields_labels"] == read["extended_fields_labels"]
    used = kibana.get(f"/api/cases/templates/{template['templateId']}")
    assert (used["usageCount"], used["lastUsedAt"]) == (1, "2025-03-01T12:00:00.000Z")
    actions = kibana.actions(case)
    assert [action["type"] for action in actions] == ["create_case", "template"]
    assert "template" not in actions[0]["payload"]
    assert actions[1]["payload"] == {
        "template": {"id": template["templateId"], "version": 1, "name": "Security incident"}
    }
    assert actions[1]["action"] == "update"


def test_what_the_caller_says_comes_before_the_template(kibana: Any) -> None:
    template = write(kibana)
    case = kibana.create(
        template=use(template, 1), tags=["mine"], severity="low", category=None, assignees=[],
        settings={"syncAlerts": True, "extractObservables": True},
        extended_fields={"priority_as_keyword": "high", "score_as_integer": "7"},
    )
    assert (case["severity"], case["category"], case["tags"], case["assignees"]) == ("low", None, ["mine"], [])
    assert case["settings"]["extractObservables"] is True
    assert case["extended_fields"]["priority_as_keyword"] == "high"
    recorded = kibana.actions(case, types="extended_fields")
    assert [action["payload"] for action in recorded] == [
        {"extended_fields": {"priority_as_keyword": "high", "score_as_integer": "7"}}
    ]


def test_a_template_without_platinum_assigns_nobody(connect: Callable[..., Any]) -> None:
    kibana = connect(stack_version="9.5.0", license="basic")
    assert kibana.create(template=use(write(kibana)))["assignees"] == []


def test_a_connector_of_the_template_is_used_if_it_exists(kibana: Any) -> None:
    fields = {"issueType": "1", "priority": None, "parent": None}
    definition = "connector: {id: jira-1, type: .jira, fields: {issueType: '1', priority: null, parent: null}}"
    template = write(kibana, name="x", definition=definition + "\nfields: []")
    assert kibana.create(template=use(template))["connector"]["type"] == ".none"
    body = {
        "connector_type_id": ".jira", "name": "Our Jira",
        "config": {"apiUrl": "https://jira.example", "projectKey": "SOC"},
        "secrets": {"email": "a@soc.example", "apiToken": "t"},
    }
    assert kibana.send("POST", "/api/actions/connector/jira-1", json=body).status_code == 200
    wanted = {"id": "jira-1", "name": "Our Jira", "type": ".jira", "fields": fields}
    assert kibana.create(template=use(template))["connector"] == wanted
    other = {"id": "none", "name": "mine", "type": ".cases-webhook", "fields": None}
    assert kibana.create(template=use(template), connector=other)["connector"] == other


@pytest.mark.parametrize("spoil", ["unknown", "disabled", "deleted", "owner", "version"])
def test_a_template_that_cannot_be_used(kibana: Any, make_case: Any, spoil: str) -> None:
    template = write(kibana, isEnabled=spoil != "disabled", owner="cases" if spoil == "owner" else "securitySolution")
    asked = use(template, 9 if spoil == "version" else None)
    if spoil == "unknown":
        asked = {"id": "nope"}
    if spoil == "deleted":
        assert kibana.send("DELETE", f"/api/cases/templates/{template['templateId']}").status_code == 204
    message = kibana.refused("POST", "/api/cases", 400, json=make_case(template=asked))
    assert message == f"Template {asked['id']} not found"


def test_a_deleted_template_is_taken_off_its_cases(kibana: Any) -> None:
    template = write(kibana)
    case = kibana.create(template=use(template))
    assert kibana.send("DELETE", f"/api/cases/templates/{template['templateId']}").status_code == 204
    read = kibana.get(f"/api/cases/{case['id']}")
    assert read["template"] is None
    assert read["extended_fields"] == case["extended_fields"]
    assert kibana.actions(case)[-1]["payload"] == {"template": None}
    for method in ("GET", "DELETE"):
        message = kibana.refused(method, f"/api/cases/templates/{template['templateId']}", 404)
        assert message == f"Template with id {template['templateId']} not found"
    assert kibana.get("/api/cases/templates")["total"] == 0


def test_templates_belong_to_a_space(kibana: Any) -> None:
    template = write(kibana)
    kibana.send("POST", "/api/spaces/space", json={"id": "soc", "name": "SOC"})
    kibana.refused("GET", f"/s/soc/api/cases/templates/{template['templateId']}", 404)
    assert kibana.get("/s/soc/api/cases/templates")["total"] == 0


def test_ids_have_a_length(kibana: Any) -> None:
    message = kibana.refused("GET", "/api/cases/templates/" + "x" * 37, 400)
    assert message == (
        "[request params.template_id]: value has length [37] but it must have a maximum length of [36]."
    )


@pytest.mark.parametrize("version", ["9.2.0", "9.4.0"])
def test_older_stacks_have_no_templates(connect: Callable[..., Any], version: str) -> None:
    kibana = connect(stack_version=version)
    assert kibana.refused("POST", "/api/cases/templates", 404, json={}) == "Not Found"
    assert kibana.refused("GET", "/api/cases/x/fields", 404) == "Not Found"
    assert kibana.refused("GET", "/api/cases/templates", 404) == "Saved object [cases/templates] not found"


def test_a_stack_with_the_keys_alone(connect: Callable[..., Any], make_case: Any) -> None:
    older = connect(stack_version="9.3.0")
    message = older.refused("POST", "/api/cases", 400, json=make_case(template=None, extended_fields={}))
    assert message == 'invalid keys "template,extended_fields"'
    kibana = connect(stack_version="9.4.0")
    assert kibana.create(template=None, extended_fields={})["extended_fields"] == {}
    message = kibana.refused("POST", "/api/cases", 400, json=make_case(template={"id": "t"}))
    assert message == (
        "template.version is required (template t). It may only be omitted on case creation when the templates "
        "feature is enabled."
    )
    message = kibana.refused("POST", "/api/cases", 400, json=make_case(extended_fields={"a_as_keyword": "x"}))
    assert message == (
        'Invalid extended_fields: Unknown extended field key: "a_as_keyword". No fields are available for this case'
    )
