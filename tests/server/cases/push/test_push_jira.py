"""A case is pushed to Jira, as Kibana does it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from kibcase.server.app import CasesServer
from kibcase.server.cases.context import Caller

TEXT = "Traffic every 60 s.\n\nAdded by Mara Lindqvist."


@pytest.fixture
def pushed_case(kibana: Any, jira_connector: Any) -> Any:
    connector = jira_connector(kibana)
    return kibana.create(connector=connector, tags=["c2", "two  words"]), connector


def test_first_push_creates_an_issue(kibana: Any, jira: Any, pushed_case: Any, push: Any, mara: Any) -> None:
    case, connector = pushed_case
    answer = push(kibana, case, connector)
    issue = jira.as_person("kibcase").issue("SOC-1")
    assert (issue.values["summary"], issue.values["description"]) == ("Beaconing host", TEXT)
    assert sorted(issue.values["labels"]) == ["c2", "two-words"]
    assert answer["external_service"] == {
        "connector_id": connector["id"], "connector_name": "My .jira", "external_id": str(issue.id),
        "external_title": "SOC-1", "external_url": f"{jira.url}/browse/SOC-1",
        "pushed_at": "2025-03-01T12:00:00.000Z", "pushed_by": mara,
    }
    assert (answer["updated_at"], answer["updated_by"], answer["comments"]) == ("2025-03-01T12:00:00.000Z", mara, [])
    assert answer["version"] != case["version"]
    assert kibana.get(f"/api/cases/{case['id']}")["external_service"] == answer["external_service"]
    action = kibana.actions(case, types="pushed")[0]
    assert (action["type"], action["action"]) == ("pushed", "push_to_service")
    assert action["payload"] == {"externalService": answer["external_service"]}


def test_fields_of_the_case_connector(kibana: Any, jira: Any, jira_connector: Any, push: Any) -> None:
    other = '{"customfield_10010": "case seven"}'
    connector = jira_connector(kibana, issueType="10004", priority="High", otherFields=other)
    case = kibana.create(connector=connector, title="one\n two \n\nthree")
    push(kibana, case, connector)
    issue = jira.as_person("kibcase").issue("SOC-1")
    assert issue.values["summary"] == "one, two, three"
    assert (issue.values["issuetype"], issue.values["priority"]) == ("10004", "2")
    assert issue.values["customfield_10010"] == "case seven"


def test_later_pushes_update_the_same_issue(
    kibana: Any, jira: Any, pushed_case: Any, push: Any, clock: Any
) -> None:
    case, connector = pushed_case
    whole = kibana.comment(case, "first")
    push(kibana, case, connector)
    clock.forward(minutes=1)
    first = whole["comments"][0]
    kibana.comment(case, "second")
    body = {"id": first["id"], "type": "user", "comment": "first, corrected", "owner": "securitySolution"}
    latest = kibana.get(f"/api/cases/{case['id']}/comments/{first['id']}")["version"]
    edited = kibana.send("PATCH", f"/api/cases/{case['id']}/comments", json=body | {"version": latest})
    assert edited.status_code == 200, edited.text
    clock.forward(minutes=1)
    answer = push(kibana, case, connector)
    comments = [comment.body for comment in jira.as_person("kibcase").issue("SOC-1").comments]
    footer = "\n\nAdded by Mara Lindqvist."
    assert comments[0] == f"first{footer}"
    assert sorted(comments[1:]) == sorted([f"second{footer}", f"first, corrected{footer}"])
    assert answer["external_service"]["external_title"] == "SOC-1"
    assert [comment["pushed_at"] for comment in answer["comments"]] == [
        "2025-03-01T12:00:00.000Z", "2025-03-01T12:02:00.000Z",
    ]
    assert len({comment["version"] for comment in answer["comments"]} - {latest}) == 2


def test_the_incident_is_the_one_of_the_same_connector(
    kibana: Any, jira: Any, pushed_case: Any, jira_connector: Any, push: Any, clock: Any
) -> None:
    case, connector = pushed_case
    other = jira_connector(kibana)
    push(kibana, case, connector)
    push(kibana, case, other)
    answer = push(kibana, case, connector)
    assert answer["external_service"]["external_title"] == "SOC-1"
    assert jira.as_person("kibcase").issue("SOC-2").values["summary"] == "Beaconing host"


def test_alerts_are_counted_until_they_are_pushed(
    kibana: Any, jira: Any, pushed_case: Any, push: Any, make_alert: Any
) -> None:
    case, connector = pushed_case
    kibana.attach(case, make_alert("a1", "a2"))
    push(kibana, case, connector)
    push(kibana, case, connector)
    comments = [comment.body for comment in jira.as_person("kibcase").issue("SOC-1").comments]
    assert comments == ["Elastic Alerts attached to the case: 2"]


def test_close_by_pushing(kibana: Any, pushed_case: Any, push: Any, make_alert: Any, clock: Any, mara: Any) -> None:
    case, connector = pushed_case
    none = {"id": "none", "name": "none", "type": ".none", "fields": None}
    body = {"connector": none, "closure_type": "close-by-pushing", "owner": "securitySolution"}
    assert kibana.send("POST", "/api/cases/configure", json=body).status_code == 200
    kibana.alert("a1")
    kibana.attach(case, make_alert("a1"))
    clock.forward(seconds=90)
    answer = push(kibana, case, connector)
    now = "2025-03-01T12:01:30.000Z"
    assert [answer[name] for name in ("status", "closed_at", "closed_by", "duration")] == ["closed", now, mara, 90]
    assert (answer["time_to_resolve"], answer["time_to_acknowledge"]) == (90, 90)
    assert kibana.alert_source("a1")["kibana.alert.workflow_status"] == "closed"
    newest = kibana.actions(case, sortOrder="asc")[-2:]
    assert [action["type"] for action in newest] == ["status", "pushed"]
    assert newest[0]["payload"] == {"status": "closed"}


def test_another_owners_closure_type_does_not_count(kibana: Any, pushed_case: Any, push: Any) -> None:
    case, connector = pushed_case
    none = {"id": "none", "name": "none", "type": ".none", "fields": None}
    body = {"connector": none, "closure_type": "close-by-pushing", "owner": "observability"}
    kibana.send("POST", "/api/cases/configure", json=body)
    assert push(kibana, case, connector)["status"] == "open"


def test_what_is_not_there(kibana: Any, pushed_case: Any, connect: Any) -> None:
    case, connector = pushed_case
    message = kibana.refused("POST", f"/api/cases/none/connector/{connector['id']}/_push", 404, json={})
    assert message == "Saved object [cases/none] not found"
    message = kibana.refused("POST", f"/api/cases/{case['id']}/connector/none/_push", 404, json={})
    assert message == "Saved object [action/none] not found"
    assert kibana.send("POST", "/api/spaces/space", json={"id": "soc", "name": "SOC"}).status_code == 200
    path = f"/s/soc/api/cases/{case['id']}/connector/{connector['id']}/_push"
    assert kibana.refused("POST", path, 404, json={}) == f"Saved object [cases/{case['id']}] not found"


def test_a_failing_jira_leaves_the_case_alone(kibana: Any, jira: Any, pushed_case: Any) -> None:
    case, connector = pushed_case
    jira.expire_credentials()
    path = f"/api/cases/{case['id']}/connector/{connector['id']}/_push"
    message = kibana.refused("POST", path, 424, json={})
    assert message.startswith("[Action][Jira]: Unable to get issue types. Error: Request failed with status code 40")
    assert kibana.send("POST", path, json={}).json()["error"] == "Failed Dependency"
    left = kibana.get(f"/api/cases/{case['id']}")
    assert (left["external_service"], left["updated_at"]) == (None, None)
    assert kibana.actions(case, types="pushed") == []


def test_a_jira_that_is_not_there(kibana: Any, jira: Any, pushed_case: Any) -> None:
    case, connector = pushed_case
    jira.stop()
    message = kibana.refused("POST", f"/api/cases/{case['id']}/connector/{connector['id']}/_push", 424, json={})
    port = jira.url.rpartition(":")[2]
    assert f"Error: connect ECONNREFUSED 127.0.0.1:{port}." in message
    assert "kibcase-token" not in message


def test_a_push_that_loses_the_race_leaves_an_unknown_issue(kibana: Any, jira: Any, jira_connector: Any) -> None:
    moment = datetime(2025, 3, 1, tzinfo=UTC)
    caller = Caller(space="default", user={"username": "noor", "full_name": None, "email": None})
    changed: list[str] = []

    def interfering() -> datetime:
        # The clock is asked between the last look at the case and the write.
        if jira.faults.writes and not changed:
            changed.append(case["id"])
            current = server.cases.cases.get(caller, case["id"])
            entry = {"id": case["id"], "version": current["version"], "title": "changed meanwhile"}
            server.cases.patching.patch(caller, {"cases": [entry]})
        return moment

    with CasesServer(clock=interfering) as server:
        client = type(kibana)(server, user="elastic", password="changeme")
        connector = jira_connector(client)
        case = client.create(connector=connector)
        path = f"/api/cases/{case['id']}/connector/{connector['id']}/_push"
        assert client.refused("POST", path, 409, json={}) == f"Saved object [cases/{case['id']}] conflict"
        assert jira.as_person("kibcase").issue("SOC-1").values["summary"] == "Beaconing host"
        left = client.get(f"/api/cases/{case['id']}")
        assert (left["external_service"], left["title"]) == (None, "changed meanwhile")
        assert client.send("POST", path, json={}).json()["external_service"]["external_title"] == "SOC-2"


def test_links_to_kibana(connect: Any, jira: Any, jira_connector: Any, push: Any, make_alert: Any) -> None:
    kibana = connect(public_base_url="https://kibana.soc.example/")
    connector = jira_connector(kibana)
    case = kibana.create(connector=connector)
    kibana.attach(case, make_alert("a1"))
    push(kibana, case, connector)
    issue = jira.as_person("kibcase").issue("SOC-1")
    url = f"https://kibana.soc.example/app/security/cases/{case['id']}"
    assert issue.values["description"] == (
        f"{TEXT}\nFor more details, view this case in Kibana.\nCase URL: {url}"
    )
    assert issue.comments[0].body == (
        "Elastic Alerts attached to the case: 1\n\nFor more details, view the alerts in Kibana\n"
        f"Alerts URL: {url}/?tabId=alerts"
    )


def test_other_requests_are_answered_while_a_push_waits(
    kibana: Any, remote: Any, connector: Any, make_case: Any
) -> None:
    entered, release = threading.Event(), threading.Event()

    def slow(_seen: Any) -> Any:
        entered.set()
        release.wait(20)
        return 500, {}

    system = remote(slow)
    made = connector(
        kibana, ".jira", {"apiUrl": system.url, "projectKey": "SOC"}, {"email": "e", "apiToken": "t"}
    )
    case = kibana.create(connector=made)
    answers = []
    path = f"/api/cases/{case['id']}/connector/{made['id']}/_push"
    pusher = threading.Thread(target=lambda: answers.append(kibana.send("POST", path, json={})))
    pusher.start()
    assert entered.wait(10)
    assert kibana.get("/api/cases/_find")["total"] == 1
    release.set()
    pusher.join(10)
    assert answers[0].status_code == 424


def test_a_system_that_does_not_answer_in_time(connect: Any, remote: Any, connector: Any) -> None:
    kibana, release = connect(external_timeout=0.2), threading.Event()

    def silent(_seen: Any) -> Any:
        release.wait(20)
        return {}

    system = remote(silent)
    made = connector(kibana, ".jira", {"apiUrl": system.url, "projectKey": "SOC"}, {"email": "e", "apiToken": "t"})
    case = kibana.create(connector=made)
    message = kibana.refused("POST", f"/api/cases/{case['id']}/connector/{made['id']}/_push", 424, json={})
    release.set()
    assert "Error: timeout of 200ms exceeded." in message
