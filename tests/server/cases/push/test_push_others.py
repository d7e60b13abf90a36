"""A case is pushed to Swimlane, TheHive and through a webhook."""

from __future__ import annotations

from typing import Any

TEXT = "Traffic every 60 s.\n\nAdded by Mara Lindqvist."


def mapping(identifier: str, kind: str = "text") -> dict[str, str]:
    return {"id": identifier, "key": identifier, "name": identifier, "fieldType": kind}


def test_swimlane(kibana: Any, remote: Any, connector: Any, push: Any) -> None:
    row = {"id": "r1", "name": "CASE-7", "createdDate": "2025-03-01T12:00:00Z", "modifiedDate": "2025-03-01T12:00:00Z"}
    swimlane = remote(lambda _seen: row)
    mappings = {
        "caseIdConfig": mapping("f1"), "caseNameConfig": mapping("f2"), "descriptionConfig": mapping("f3"),
        "commentsConfig": mapping("f4", "comments"), "severityConfig": mapping("f5", "numeric"),
    }
    config = {"apiUrl": swimlane.url, "appId": "app1", "connectorType": "cases", "mappings": mappings}
    made = connector(kibana, ".swimlane", config, {"apiToken": "sl-token"}, None)
    case = kibana.create(connector=made)
    kibana.comment(case, "look here")
    external = push(kibana, case, made)["external_service"]
    assert (external["external_id"], external["external_title"]) == ("r1", "CASE-7")
    assert external["external_url"] == f"{swimlane.url}/record/app1/r1"
    created, noted = swimlane.seen
    assert (created.path, created.headers["private-token"]) == ("/api/app/app1/record", "sl-token")
    assert created.body == {
        "applicationId": "app1", "values": {"f1": case["id"], "f2": "Beaconing host", "f3": TEXT}
    }
    assert noted.path == "/api/app/app1/record/r1/f4/comment"
    assert noted.body["message"] == "look here\n\nAdded by Mara Lindqvist."
    push(kibana, case, made)
    assert (swimlane.seen[2].method, swimlane.seen[2].path) == ("PATCH", "/api/app/app1/record/r1")
    swimlane.answers = lambda _seen: (400, {"ErrorCode": "3000", "Argument": "Field"})
    message = kibana.refused("POST", f"/api/cases/{case['id']}/connector/{made['id']}/_push", 424, json={})
    assert message.endswith("Status: 400. Error: Request failed with status code 400. Reason: Field (3000)")


def test_thehive(kibana: Any, remote: Any, connector: Any, push: Any) -> None:
    hive = remote(lambda _seen: {"_id": "~41", "title": "Beaconing host", "_createdAt": 1740830400000})
    config = {"url": hive.url, "organisation": "soc"}
    made = connector(kibana, ".thehive", config, {"apiKey": "hive-key"}, {"tlp": 3})
    case = kibana.create(connector=made, severity="critical")
    kibana.comment(case, "look here")
    external = push(kibana, case, made)["external_service"]
    assert (external["external_id"], external["external_url"]) == ("~41", f"{hive.url}/cases/~41/details")
    created, noted = hive.seen
    assert created.body == {
        "title": "Beaconing host", "description": TEXT, "tags": ["c2"], "tlp": 3, "severity": 4
    }
    assert created.headers["authorization"] == "Bearer hive-key"
    assert created.headers["x-organisation"] == "soc"
    assert noted.path == "/api/v1/case/~41/comment"
    push(kibana, case, made)
    assert (hive.seen[2].method, hive.seen[2].path) == ("PATCH", "/api/v1/case/~41")
    hive.answers = lambda _seen: (401, {"type": "AuthenticationError", "message": "Authentication failure"})
    message = kibana.refused("POST", f"/api/cases/{case['id']}/connector/{made['id']}/_push", 424, json={})
    assert message == "Status code: 401. Message: API Error: AuthenticationError - Authentication failure"


def test_webhook(kibana: Any, remote: Any, connector: Any, push: Any, clock: Any) -> None:
    system = remote(lambda seen: {"ticket": {"id": 7}} if seen.method == "POST" else {"title": "T 7"})
    config = {
        "createIncidentUrl": f"{system.url}/tickets/", "createIncidentResponseKey": "ticket.id",
        "createIncidentJson": '{"t": {{{case.title}}}, "d": {{{case.description}}}, "l": {{{case.tags}}}, '
                              '"s": {{{case.severity}}}, "c": {{{case.id}}}}',
        "getIncidentUrl": f"{system.url}/tickets/{{{{{{external.system.id}}}}}}",
        "getIncidentResponseExternalTitleKey": "title",
        "viewIncidentUrl": f"{system.url}/view/{{{{{{external.system.title}}}}}}",
        "updateIncidentUrl": f"{system.url}/tickets/{{{{{{external.system.id}}}}}}",
        "updateIncidentJson": '{"t": {{{case.title}}}, "state": {{{case.status}}}, "n": {{{external.system.id}}}}',
        "createCommentUrl": f"{system.url}/tickets/{{{{{{external.system.id}}}}}}/notes", "createCommentMethod": "post",
        "createCommentJson": '{"note": {{{case.comment}}}}', "headers": {"x-team": "soc"},
    }
    made = connector(kibana, ".cases-webhook", config, {"user": "u", "password": "p"}, None)
    case = kibana.create(connector=made, title='quote " and \\ and {{{x}}}')
    kibana.comment(case, "look here")
    external = push(kibana, case, made)["external_service"]
    assert external["external_id"] == "7"
    assert external["external_url"] == f"{system.url}/view/T%207"
    created = system.sent("POST")[0]
    assert created.body == {
        "t": 'quote " and \\ and {{{x}}}', "d": "Traffic every 60 s.", "l": ["c2"], "s": "low", "c": case["id"]
    }
    assert (created.headers["x-team"], created.headers["authorization"][:6]) == ("soc", "Basic ")
    assert system.sent("POST")[1].path == "/tickets/7/notes"
    assert system.sent("POST")[1].body == {"note": "look here\n\nAdded by Mara Lindqvist."}
    push(kibana, case, made)
    assert system.sent("PUT")[0].body == {"t": 'quote " and \\ and {{{x}}}', "state": "open", "n": "7"}
    system.answers = lambda _seen: (500, {"why": "broken"})
    message = kibana.refused("POST", f"/api/cases/{case['id']}/connector/{made['id']}/_push", 424, json={})
    assert 'Unable to update case with id 7. Error: Request failed with status code 500. {"why":"broken"}' in message
