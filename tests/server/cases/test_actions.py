"""The actions API: connectors, their types, running them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kibcase.server.app import CasesServer

JIRA = {"apiUrl": "https://jira.example", "projectKey": "SOC"}
SECRETS = {"email": "sync@soc.example", "apiToken": "jira-token"}
BODY: dict[str, Any] = {"name": "Jira", "connector_type_id": ".jira", "config": JIRA, "secrets": SECRETS}
SHOWN = {
    "name": "Jira", "config": JIRA, "connector_type_id": ".jira", "is_preconfigured": False, "is_deprecated": False,
    "is_missing_secrets": False, "is_system_action": False, "is_connector_type_deprecated": False,
}
ROOT = "/api/actions/connector"


def create(kibana: Any, identifier: str = "", **changes: Any) -> Any:
    answer = kibana.send("POST", f"{ROOT}/{identifier}" if identifier else ROOT, json=BODY | changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_life_of_a_connector(kibana: Any) -> None:
    made = create(kibana, "my-jira")
    assert made == {"id": "my-jira"} | SHOWN
    assert kibana.get(f"{ROOT}/my-jira") == made
    assert kibana.get("/api/actions/connectors") == [made | {"referenced_by_count": 0}]
    change = {"name": "Other", "config": JIRA | {"projectKey": "OPS"}, "secrets": SECRETS}
    changed = kibana.send("PUT", f"{ROOT}/my-jira", json=change).json()
    assert (changed["name"], changed["config"]["projectKey"]) == ("Other", "OPS")
    assert kibana.send("DELETE", f"{ROOT}/my-jira").status_code == 204
    for method in ("GET", "DELETE"):
        assert kibana.refused(method, f"{ROOT}/my-jira", 404) == "Saved object [action/my-jira] not found"
    assert kibana.refused("PUT", f"{ROOT}/my-jira", 404, json=change) == "Saved object [action/my-jira] not found"


def test_secrets_are_never_answered(kibana: Any) -> None:
    made = create(kibana)
    for path in (f"{ROOT}/{made['id']}", "/api/actions/connectors", "/api/cases/configure/connectors/_find"):
        assert "jira-token" not in kibana.send("GET", path).text
    assert "jira-token" not in repr(kibana.server.cases.connectors.store.all("default"))


def test_an_id_is_taken_in_every_space(kibana: Any) -> None:
    create(kibana, "mine")
    assert kibana.refused("POST", f"{ROOT}/mine", 409, json=BODY) == "Saved object [action/mine] conflict"
    kibana.send("POST", "/api/spaces/space", json={"id": "soc", "name": "SOC"})
    assert kibana.refused("POST", f"/s/soc{ROOT}/mine", 409, json=BODY) == "Saved object [action/mine] conflict"
    assert kibana.refused("GET", f"/s/soc{ROOT}/mine", 404) == "Saved object [action/mine] not found"
    assert kibana.get("/s/soc/api/actions/connectors") == []
    assert kibana.refused("DELETE", f"/s/soc{ROOT}/mine", 404) == "Saved object [action/mine] not found"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"connector_type_id": ".nope"}, 'Action type ".nope" is not registered.'),
        ({"name": " "}, "[request body.name]: value ' ' is not valid"),
        ({"name": 7}, "[request body.name]: expected value of type [string] but got [number]"),
        ({"more": 1}, "[request body.more]: definition for this key is missing"),
        ({"config": {"apiUrl": "https://jira.example"}},
         "error validating connector type config: [projectKey]: expected value of type [string] but got [undefined]"),
        ({"config": JIRA | {"x": 1}},
         "error validating connector type config: [x]: definition for this key is missing"),
        ({"config": JIRA | {"apiUrl": "jira"}},
         ("error validating connector type config: error configuring connector action: error parsing url 'jira': "
          "Invalid URL")),
        ({"config": JIRA | {"apiUrl": "http://["}},
         ("error validating connector type config: error configuring connector action: error parsing url 'http://[': "
          "Invalid URL")),
        ({"secrets": {"email": "e"}},
         "error validating connector type secrets: [apiToken]: expected value of type [string] but got [undefined]"),
        ({"connector_type_id": ".servicenow", "config": {"apiUrl": "https://sn.example"}, "secrets": {"username": "u"}},
         "error validating action type connector: password must be provided when isOAuth = false"),
        ({"connector_type_id": ".swimlane", "secrets": {"apiToken": "t"},
          "config": {"apiUrl": "https://s.example", "appId": "a", "connectorType": "some", "mappings": {}}},
         ("error validating connector type config: [connectorType]: types that failed validation:\n"
         "- [connectorType.0]: expected value to equal [all]\n- [connectorType.1]: expected value to equal [alerts]\n"
         "- [connectorType.2]: expected value to equal [cases]")),
    ],
)
def test_refused_settings(kibana: Any, changes: Any, told: str) -> None:
    assert kibana.refused("POST", ROOT, 400, json=BODY | changes) == told
    assert kibana.get("/api/actions/connectors") == []


def test_defaults_of_settings(kibana: Any) -> None:
    made = create(
        kibana, connector_type_id=".servicenow", config={"apiUrl": "https://sn.example"},
        secrets={"username": "u", "password": "p"},
    )
    assert made["config"] == {
        "apiUrl": "https://sn.example", "isOAuth": False, "userIdentifierValue": None, "clientId": None,
        "jwtKeyId": None, "usesTableApi": True,
    }
    assert made["is_deprecated"]


def test_types(kibana: Any, connect: Any) -> None:
    types = {kind["id"]: kind for kind in kibana.get("/api/actions/connector_types")}
    assert types[".jira"] == {
        "id": ".jira", "name": "Jira", "enabled": True, "enabled_in_config": True, "enabled_in_license": True,
        "minimum_license_required": "gold", "supported_feature_ids": ["alerting", "cases", "uptime", "siem"],
        "is_system_action_type": False, "is_deprecated": False,
    }
    for_cases = {kind["id"] for kind in kibana.get("/api/actions/connector_types", feature_id="cases")}
    assert for_cases == types.keys() - {".index", ".server-log", ".webhook"}
    gold = {kind["id"]: kind for kind in connect(license="gold").get("/api/actions/connector_types")}
    assert {kind for kind in for_cases if not gold[kind]["enabled"]} == {".servicenow", ".servicenow-sir", ".resilient"}
    assert "is_deprecated" not in connect(stack_version="8.18.0").get("/api/actions/connector_types")[0]
    message = kibana.refused("GET", "/api/actions/connector_types", 400, params={"x": "1"})
    assert message == "[request query.x]: definition for this key is missing"


def test_licence(connect: Any) -> None:
    message = connect(license="basic").refused("POST", ROOT, 403, json=BODY)
    assert message == (
        "Action type .jira is disabled because your basic license does not support it. Please upgrade your license."
    )


def test_a_licence_that_ran_down(tmp_path: Path, kibana: Any, make_case: Any) -> None:
    data = tmp_path / "state.db"
    with CasesServer(data=data) as server:
        client = type(kibana)(server, user="elastic", password="changeme")
        made = create(client, "mine")
        connector = {"id": "mine", "name": "Jira", "type": ".jira", "fields": None}
        case = client.create(connector=connector)
    with CasesServer(data=data, license="basic") as server:
        client = type(kibana)(server, user="elastic", password="changeme")
        assert client.get(f"{ROOT}/mine") == made
        assert client.get("/api/cases/configure/connectors/_find") == []
        body = {"params": {"subAction": "issueTypes", "subActionParams": {}}}
        told = "Action type .jira is disabled because your basic license does not support it."
        assert client.refused("POST", f"{ROOT}/mine/_execute", 403, json=body).startswith(told)
        assert client.refused("POST", f"/api/cases/{case['id']}/connector/mine/_push", 403, json={}).startswith(told)


def test_connectors_for_cases(kibana: Any) -> None:
    made = create(kibana, name="b")
    create(kibana, name="a", connector_type_id=".index", config={"index": "x"}, secrets={})
    case = kibana.create(connector={"id": made["id"], "name": "b", "type": ".jira", "fields": None})
    found = kibana.get("/api/cases/configure/connectors/_find")
    assert found == [
        {
            "id": made["id"], "actionTypeId": ".jira", "name": "b", "config": JIRA, "isMissingSecrets": False,
            "isPreconfigured": False, "isDeprecated": False, "isSystemAction": False, "referencedByCount": 2,
        }
    ]
    assert [each["name"] for each in kibana.get("/api/actions/connectors")] == ["a", "b"]
    kibana.send("DELETE", "/api/cases", params={"ids": f'["{case["id"]}"]'})
    assert kibana.get("/api/cases/configure/connectors/_find")[0]["referencedByCount"] == 0


def test_refused_runs(kibana: Any) -> None:
    path = f"{ROOT}/{create(kibana)['id']}/_execute"
    message = kibana.refused("POST", path, 400, json={})
    assert message == "[request body.params]: expected value of type [object] but got [undefined]"
    message = kibana.refused("POST", f"{ROOT}/none/_execute", 404, json={"params": {}})
    assert message == "Saved object [action/none] not found"
    answer = kibana.send("POST", path, json={"params": {"subAction": "pushToService", "subActionParams": {}}})
    assert (answer.status_code, answer.json()["status"], answer.json()["retry"]) == (200, "error", False)
    text = answer.json()["message"]
    assert text.startswith("error validating action params: types that failed validation:\n- [0.subAction]: ")
    assert "[3.subActionParams.incident]: expected a plain object value, but found [undefined] instead." in text
    answer = kibana.send("POST", path, json={"params": {"subAction": "handshake", "subActionParams": {}}}).json()
    assert answer["message"] == "an error occurred while running the action"
    assert answer["service_message"] == "[Action][ExternalService] Unsupported subAction type handshake."


@pytest.mark.parametrize(
    ("incident", "told"),
    [
        ({"labels": ["two words"]}, "The label two words cannot contain spaces"),
        ({"otherFields": {"summary": "x"}},
         "The following properties cannot be defined inside otherFields: summary."),
        ({"otherFields": {f"f{n}": n for n in range(21)}},
         "A maximum of 20 fields in otherFields can be defined at a time."),
    ],
)
def test_refused_incidents(kibana: Any, incident: Any, told: str) -> None:
    path = f"{ROOT}/{create(kibana)['id']}/_execute"
    params = {"subAction": "pushToService", "subActionParams": {"incident": {"summary": "s"} | incident}}
    assert told in kibana.send("POST", path, json={"params": params}).json()["message"]


def test_a_type_that_is_only_known_is_not_run(kibana: Any) -> None:
    made = create(kibana, connector_type_id=".server-log", config={}, secrets={})
    answer = kibana.send("POST", f"{ROOT}/{made['id']}/_execute", json={"params": {"message": "x"}}).json()
    assert answer["status"] == "error"


def test_connectors_outlive_the_server(tmp_path: Path, kibana: Any) -> None:
    data = tmp_path / "state.db"
    with CasesServer(data=data) as server:
        made = create(type(kibana)(server, user="elastic", password="changeme"))
    with CasesServer(data=data) as server:
        client = type(kibana)(server, user="elastic", password="changeme")
        assert client.get(f"{ROOT}/{made['id']}") == made
        assert server.cases.connectors.store.all("default")[0].secrets == SECRETS
