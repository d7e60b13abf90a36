"""/api/cases/field_definitions: the field library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

PRIORITY = "name: priority\nlabel: Priority\ntype: keyword\ncontrol: SELECT_BASIC\nmetadata: {options: [low, high]}\n"
NONE = {"id": "none", "name": "none", "type": ".none", "fields": None}


@pytest.fixture
def kibana(connect: Callable[..., Any]) -> Any:
    return connect(stack_version="9.5.0")


def write(kibana: Any, definition: str = PRIORITY, *, status: int = 200, **fields: Any) -> dict[str, Any]:
    body = {"owner": "securitySolution", "definition": definition, **fields}
    answer = kibana.send("POST", "/api/cases/field_definitions", json=body)
    assert answer.status_code == status, answer.text
    saved: dict[str, Any] = answer.json()
    return saved


def text_field(name: str) -> str:
    return f"name: {name}\ntype: keyword\ncontrol: INPUT_TEXT\n"


def configure(kibana: Any, *fields: dict[str, Any]) -> dict[str, Any]:
    body = {
        "owner": "securitySolution", "closure_type": "close-by-user", "connector": NONE, "customFields": list(fields),
    }
    answer = kibana.send("POST", "/api/cases/configure", json=body)
    assert answer.status_code == 200, answer.text
    saved: dict[str, Any] = answer.json()
    return saved


def test_a_definition_is_saved_read_and_listed(kibana: Any) -> None:
    saved = write(kibana, description="How urgent", isGlobal=True)
    assert saved == {
        "fieldDefinitionId": saved["fieldDefinitionId"], "name": "priority", "definition": PRIORITY,
        "owner": "securitySolution", "description": "How urgent", "isGlobal": True,
    }
    assert kibana.get(f"/api/cases/field_definitions/{saved['fieldDefinitionId']}") == saved
    listed = kibana.get("/api/cases/field_definitions", owner="securitySolution")
    assert listed == {"fieldDefinitions": [saved], "page": 1, "perPage": 20, "total": 1}


def test_lists_are_filtered_sorted_and_paged(kibana: Any) -> None:
    write(kibana, text_field("b"), isGlobal=True)
    write(kibana, text_field("a"), description="Sea level")
    write(kibana, text_field("c"), owner="cases")

    def names(**query: Any) -> list[str]:
        found = kibana.get("/api/cases/field_definitions", **{"owner": "securitySolution", **query})
        return [each["name"] for each in found["fieldDefinitions"]]

    assert names() == ["b", "a"]
    assert names(sortField="name", sortOrder="asc") == ["a", "b"]
    assert names(sortField="name") == ["b", "a"]
    assert names(isGlobal="true") == ["b"]
    assert names(isGlobal="false") == ["b", "a"]
    assert names(search="SEA") == ["a"]
    assert names(owner=["cases", "securitySolution"], perPage=2, page=2) == ["c"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, "[request query.owner]: expected at least one defined value but got [undefined]"),
        ({"owner": "cases", "perPage": 101}, "[request query.perPage]: Value must be equal to or lower than [100]."),
        ({"owner": "cases", "page": "x"}, "[request query.page]: expected value of type [number] but got [string]"),
        ({"owner": "cases", "isGlobal": "x"}, "expected value of type [boolean] but got [string]"),
        ({"owner": "cases", "sortField": "x"}, "- [request query.sortField.0]: expected value to equal [name]"),
        ({"owner": "cases", "more": "x"}, "[request query.more]: definition for this key is missing"),
    ],
)
def test_what_cannot_be_asked(kibana: Any, query: dict[str, Any], message: str) -> None:
    assert message in kibana.refused("GET", "/api/cases/field_definitions", 400, params=query)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"definition": "a: [", "name": "a"}, "Invalid YAML definition: "),
        ({"definition": "label: x"}, "Invalid field definition: the YAML must contain a valid field schema"),
        ({"definition": "$ref: priority"}, "Invalid field definition: the YAML must contain a valid field schema"),
        (
            {"name": "other"},
            'The name attribute ("other") must match the name in the YAML definition ("priority").',
        ),
        ({"legacyKey": "x"}, "Unrecognized key"),
        ({"owner": ""}, "expected string to have >=1 characters"),
        ({"definition": text_field("x" * 51)}, "Field name must not exceed 50 characters"),
        ({"definition": text_field("a b")}, 'Field name "a b" must contain only letters'),
    ],
)
def test_what_is_no_definition(kibana: Any, fields: dict[str, Any], message: str) -> None:
    body = {"owner": "securitySolution", "definition": PRIORITY, **fields}
    assert message in kibana.refused("POST", "/api/cases/field_definitions", 400, json=body)
    assert kibana.get("/api/cases/field_definitions", owner="securitySolution")["total"] == 0


def test_names_are_unique_per_owner_and_limited(kibana: Any) -> None:
    write(kibana)
    taken = write(kibana, PRIORITY.replace("name: priority", "name: PRIORITY"), status=409)
    assert taken["message"] == 'A field definition with name "priority" already exists for this owner.'
    write(kibana, owner="cases")
    store = kibana.server.cases.field_definitions.library.store
    for number in range(199):
        store.put_field("default", {"fieldDefinitionId": f"f{number}", "name": f"f{number}", "owner": "cases",
                                    "definition": text_field(f"f{number}")})
    refused = write(kibana, text_field("more"), owner="cases", status=400)
    assert refused["message"] == "Cannot create more than 200 field definitions per owner."


def test_a_definition_keeps_its_identity(kibana: Any) -> None:
    saved = write(kibana)
    path = f"/api/cases/field_definitions/{saved['fieldDefinitionId']}"
    body = {"owner": "securitySolution", "definition": PRIORITY.replace("high", "top"), "isGlobal": True}
    assert kibana.send("PUT", path + "?dry_run=true", json=body).json() == {"valid": True}
    assert kibana.get(path) == saved
    changed = kibana.send("PUT", path, json=body).json()
    assert (changed["isGlobal"], "top" in changed["definition"]) == (True, True)
    moved = "name: urgency\ntype: boolean\ncontrol: TOGGLE\n"
    answer = kibana.send("PUT", path, json=body | {"definition": moved})
    assert answer.status_code == 409
    assert answer.json()["attributes"] == {"code": "field_identity_immutable", "changed": ["name", "type"]}
    assert answer.json()["message"].startswith('Cannot change the name or type of field definition "priority".')
    message = kibana.refused("PUT", path, 400, json=body | {"owner": "cases"})
    assert message == "Cannot change the owner of a field definition. Current owner: securitySolution"


def test_a_definition_in_use_is_not_deleted(kibana: Any) -> None:
    saved = write(kibana)
    path = f"/api/cases/field_definitions/{saved['fieldDefinitionId']}"
    template = {"owner": "securitySolution", "name": "T", "definition": "fields: [{$ref: Priority}]"}
    made = kibana.send("POST", "/api/cases/templates", json=template).json()
    assert made["fieldDefinitions"][0]["name"] == "priority"
    message = kibana.refused("DELETE", path, 409)
    assert message == 'Cannot delete field definition "priority": it is referenced by 1 active template(s): "T"'
    kibana.send("DELETE", f"/api/cases/templates/{made['templateId']}")
    assert kibana.send("DELETE", path).status_code == 204
    identifier = saved["fieldDefinitionId"]
    for method in ("GET", "DELETE"):
        assert kibana.refused(method, path, 404) == f"Saved object [cases-field-definition/{identifier}] not found"


def test_custom_fields_make_definitions_that_stay_linked(kibana: Any) -> None:
    configure(
        kibana,
        {"key": "k1", "label": "Ticket No.", "type": "text", "required": False},
        {"key": "k2", "label": "Ticket no", "type": "number", "required": True, "defaultValue": 5},
        {"key": "k3", "label": "!?", "type": "toggle", "required": False},
    )
    found = kibana.get("/api/cases/field_definitions", owner="securitySolution")["fieldDefinitions"]
    names = [each["name"] for each in found]
    assert names[0] == "ticket_no"
    assert names[1].startswith("ticket_no_")
    assert names[2].startswith("custom_field_")
    assert found[1]["definition"] == (
        f"name: {names[1]}\nlabel: Ticket no\nvalidation:\n  required: true\ntype: integer\ncontrol: INPUT_NUMBER\n"
        "metadata:\n  default: 5\n"
    )
    assert all(each["isGlobal"] and "legacyKey" not in each for each in found)
    path = f"/api/cases/field_definitions/{found[0]['fieldDefinitionId']}"
    assert "it is linked to an active custom field" in kibana.refused("DELETE", path, 409)
    body = {"owner": "securitySolution", "definition": found[0]["definition"], "isGlobal": False}
    assert kibana.refused("PUT", path, 409, json=body).startswith("Cannot remove the global flag")
    configure(kibana)
    assert kibana.get("/api/cases/field_definitions", owner="securitySolution")["total"] == 3
    assert kibana.send("DELETE", path).status_code == 204


def test_a_custom_field_takes_over_the_definition_of_its_name(kibana: Any) -> None:
    write(kibana, text_field("Ticket"), isGlobal=True)
    configure(kibana, {"key": "ticket", "label": "Other", "type": "text", "required": False})
    assert kibana.get("/api/cases/field_definitions", owner="securitySolution")["total"] == 1


def test_a_configuration_that_cannot_be_linked_is_refused(kibana: Any) -> None:
    old = configure(kibana, {"key": "k", "label": "K", "type": "text", "required": False})
    store = kibana.server.cases.field_definitions.library.store
    entry = store.fields("default", ["securitySolution"])[0]
    store.put_field("default", entry | {"fieldDefinitionId": "twin", "name": "twin"})
    body = {"version": old["version"], "customFields": old["customFields"]}
    message = kibana.refused("PATCH", f"/api/cases/configure/{old['id']}", 400, json=body)
    assert message == (
        "Cannot save the Cases configuration: the following custom fields could not be linked to a field definition: "
        '"k" (multiple field definitions claim this custom field key). Resolve the field library state and retry.'
    )
    assert kibana.get("/api/cases/configure") == [old]


def test_definitions_belong_to_a_space_and_to_newer_stacks(kibana: Any, connect: Callable[..., Any]) -> None:
    saved = write(kibana)
    kibana.send("POST", "/api/spaces/space", json={"id": "soc", "name": "SOC"})
    kibana.refused("GET", f"/s/soc/api/cases/field_definitions/{saved['fieldDefinitionId']}", 404)
    older = connect(stack_version="9.4.0")
    assert older.refused("GET", "/api/cases/field_definitions/x", 404) == "Not Found"
