"""Which connectors a case has had, and whether it has news for them."""

from __future__ import annotations

from typing import Any


def state_of(kibana: Any, case: Any, connector: Any) -> Any:
    return kibana.get(f"/internal/cases/{case['id']}/_connectors")[connector["id"]]


def test_the_life_of_a_connector(kibana: Any, jira_connector: Any, push: Any, clock: Any) -> None:
    connector = jira_connector(kibana)
    case = kibana.create(connector=connector)
    assert state_of(kibana, case, connector) == connector | {"push": {"needsToBePushed": True, "hasBeenPushed": False}}
    clock.forward(minutes=1)
    external = push(kibana, case, connector)["external_service"]
    assert state_of(kibana, case, connector)["push"] == {
        "needsToBePushed": False,
        "hasBeenPushed": True,
        "details": {
            "latestUserActionPushDate": "2025-03-01T12:01:00.000Z",
            "oldestUserActionPushDate": "2025-03-01T12:01:00.000Z",
            "externalService": external,
        },
    }
    clock.forward(minutes=1)
    case = kibana.patch(kibana.get(f"/api/cases/{case['id']}"), severity="high", status="in-progress")
    assert not state_of(kibana, case, connector)["push"]["needsToBePushed"]
    kibana.comment(case)
    assert state_of(kibana, case, connector)["push"]["needsToBePushed"]
    clock.forward(minutes=1)
    push(kibana, case, connector)
    assert not state_of(kibana, case, connector)["push"]["needsToBePushed"]
    clock.forward(minutes=1)
    changed = connector | {"fields": connector["fields"] | {"priority": "High"}}
    kibana.patch(kibana.get(f"/api/cases/{case['id']}"), connector=changed)
    shown = state_of(kibana, case, connector)
    assert (shown["fields"]["priority"], shown["push"]["needsToBePushed"]) == ("High", True)
    assert shown["push"]["details"]["oldestUserActionPushDate"] == "2025-03-01T12:01:00.000Z"


def test_names_are_those_of_today(kibana: Any, jira: Any, jira_connector: Any) -> None:
    connector = jira_connector(kibana)
    case = kibana.create(connector=connector)
    body = {"name": "New name", "config": {"apiUrl": jira.url, "projectKey": "SOC"},
            "secrets": {"email": "kibcase@example.com", "apiToken": "kibcase-token"}}
    path = f"/api/actions/connector/{connector['id']}"
    assert kibana.send("PUT", path, json=body).json()["name"] == "New name"
    assert state_of(kibana, case, connector)["name"] == "New name"
    assert kibana.send("DELETE", path).status_code == 204
    assert state_of(kibana, case, connector)["name"] == connector["name"]


def test_no_connector_and_no_case(kibana: Any) -> None:
    case = kibana.create()
    assert kibana.get(f"/internal/cases/{case['id']}/_connectors") == {}
    assert kibana.get("/internal/cases/none/_connectors") == {}
    del kibana.session.headers["x-elastic-internal-origin"]
    kibana.refused("GET", f"/internal/cases/{case['id']}/_connectors", 400)


def test_severity_counts_for_thehive(kibana: Any, remote: Any, connector: Any, push: Any, clock: Any) -> None:
    hive = remote(lambda _seen: {"_id": "~41", "title": "t", "_createdAt": 1740830400000})
    made = connector(kibana, ".thehive", {"url": hive.url}, {"apiKey": "k"}, {"tlp": None})
    case = kibana.create(connector=made)
    clock.forward(minutes=1)
    push(kibana, case, made)
    assert not state_of(kibana, case, made)["push"]["needsToBePushed"]
    clock.forward(minutes=1)
    kibana.patch(kibana.get(f"/api/cases/{case['id']}"), severity="high")
    assert state_of(kibana, case, made)["push"]["needsToBePushed"]
