"""What Kibana's interface asks Jira through a connector."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kibcase_connectors.standins.jira import JiraStandin


def run(kibana: Any, connector: Any, sub_action: str, **params: Any) -> Any:
    body = {"params": {"subAction": sub_action, "subActionParams": params}}
    answer = kibana.send("POST", f"/api/actions/connector/{connector['id']}/_execute", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_reading(kibana: Any, jira: Any, jira_connector: Any, push: Any) -> None:
    connector = jira_connector(kibana)
    case = kibana.create(connector=connector)
    push(kibana, case, connector)
    assert run(kibana, connector, "issueTypes") == {
        "status": "ok", "connector_id": connector["id"],
        "data": [{"id": "10002", "name": "Task"}, {"id": "10004", "name": "Bug"}, {"id": "10003", "name": "Sub-task"},
                 {"id": "10000", "name": "Epic"}],
    }
    fields = run(kibana, connector, "fieldsByIssueType", id="10002")["data"]
    assert (fields["summary"]["required"], fields["priority"]["allowedValues"][0]["name"]) == (True, "Highest")
    assert run(kibana, connector, "getFields")["data"].keys() == fields.keys()
    issue = {"id": "10001", "key": "SOC-1", "title": "Beaconing host"}
    assert run(kibana, connector, "issue", id="SOC-1")["data"] == issue
    assert run(kibana, connector, "issues", title="Beaconing")["data"] == [issue]
    read = run(kibana, connector, "getIncident", externalId="10001")["data"]
    assert (read["id"], read["key"], read["summary"]) == ("10001", "SOC-1", "Beaconing host")
    failed = run(kibana, connector, "getIncident", externalId="../../myself")
    assert (failed["status"], failed["retry"]) == ("error", True)
    assert failed["service_message"].startswith(
        "[Action][Jira]: Unable to get incident with id ../../myself. Error: Request failed with status code 404."
    )


@pytest.mark.parametrize("title", ['say "hello"', "back\\slash", "a AND b) OR (c", "two\nlines"])
def test_titles_are_data(kibana: Any, jira: Any, jira_connector: Any, title: str) -> None:
    connector = jira_connector(kibana)
    assert run(kibana, connector, "issues", title=title)["status"] == "ok"


def test_secrets_in_any_script_and_out_of_messages(kibana: Any, remote: Any, connector: Any) -> None:
    system = remote(lambda _seen: {"values": []})
    secrets = {"email": "p\u00e4r@soc.example", "apiToken": "\u043f\u0430\u0440\u043e\u043b\u044c"}
    made = connector(kibana, ".jira", {"apiUrl": system.url, "projectKey": "SOC"}, secrets)
    assert run(kibana, made, "issueTypes")["status"] == "ok"
    given = base64.b64decode(system.seen[0].headers["authorization"].removeprefix("Basic ")).decode()
    assert given == f"{secrets['email']}:{secrets['apiToken']}"
    hive = connector(kibana, ".thehive", {"url": system.url}, {"apiKey": secrets["apiToken"]})
    answer = run(kibana, hive, "getIncident", externalId="1")
    assert answer["status"] == "error"
    assert secrets["apiToken"] not in str(answer)


def test_data_center(kibana: Any, connector: Any, push: Any) -> None:
    with JiraStandin(deployment="datacenter") as standin:
        config = {"apiUrl": standin.url + "/", "projectKey": "SOC"}
        made = connector(kibana, ".jira", config, {"email": "kibcase", "apiToken": "kibcase-token"}, None)
        case = kibana.create(connector=made)
        assert push(kibana, case, made)["external_service"]["external_title"] == "SOC-1"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("<html>", "Error: Unsupported content type: text/html in get"),
        ({"issueTypes": {}}, "Error: Response is not a valid JSON"),
        ((500, []), "Error: Request failed with status code 500. Reason: unknown: errorResponse was null"),
        ({"values": [{"no": "id"}]}, "cannot be read"),
        ({"values": ["x" * 1_100_000]}, "Error: maxContentLength size of 1000000 exceeded"),
    ],
)
def test_odd_answers(kibana: Any, remote: Any, connector: Any, answer: Any, told: str) -> None:
    system = remote(lambda _seen: answer)
    made = connector(kibana, ".jira", {"apiUrl": system.url, "projectKey": "SOC"}, {"email": "e", "apiToken": "t"})
    assert told in run(kibana, made, "issueTypes")["service_message"]
