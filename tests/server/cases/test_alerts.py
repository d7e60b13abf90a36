"""Alerts of cases: attaching, syncing, case ids."""

from __future__ import annotations

import json
from typing import Any

import pytest

STATUS = "kibana.alert.workflow_status"
CASES = "kibana.alert.case_ids"


def test_attaching_notes_the_case_and_sets_its_status(kibana: Any, make_alert: Any) -> None:
    kibana.alert("a1", "closed")
    case = kibana.patch(kibana.create(), status="in-progress")
    whole = kibana.attach(case, {**make_alert("a1"), "alertId": "a1", "index": make_alert("a1")["index"][0]})
    assert (whole["totalAlerts"], whole["totalComment"]) == (1, 1)
    assert whole["comments"][0]["alertId"] == ["a1"]
    source = kibana.alert_source("a1")
    assert (source[STATUS], source[CASES]) == ("acknowledged", [case["id"]])
    (action,) = kibana.actions(case, types="alert")
    assert action["payload"]["comment"]["alertId"] == ["a1"]


def test_attaching_without_sync_leaves_the_status(kibana: Any, make_alert: Any) -> None:
    kibana.alert("a1", "closed")
    kibana.attach(kibana.create(settings={"syncAlerts": False}), make_alert("a1"))
    assert kibana.alert_source("a1")[STATUS] == "closed"


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        (True, {"status": "closed"}, "closed"),
        (True, {"status": "in-progress"}, "acknowledged"),
        (False, {"status": "closed"}, "open"),
        (False, {"settings": {"syncAlerts": True}}, "open"),
        (False, {"settings": {"syncAlerts": True}, "status": "closed"}, "closed"),
        (True, {"settings": {"syncAlerts": False}, "status": "closed"}, "closed"),
        (True, {"settings": {"syncAlerts": False}}, "open"),
        (True, {"title": "other"}, "open"),
    ],
)
def test_which_changes_reach_the_alerts(kibana: Any, make_alert: Any, before: bool, change: Any, after: str) -> None:
    kibana.alert("a1")
    case = kibana.create(settings={"syncAlerts": before})
    kibana.patch(kibana.attach(case, make_alert("a1")), **change)
    assert kibana.alert_source("a1")[STATUS] == after


def test_switching_sync_on_brings_alerts_up_to_date(kibana: Any, make_alert: Any) -> None:
    kibana.alert("a1")
    case = kibana.attach(kibana.create(settings={"syncAlerts": False}), make_alert("a1"))
    case = kibana.patch(case, status="closed")
    assert kibana.alert_source("a1")[STATUS] == "open"
    kibana.patch(case, settings={"syncAlerts": True})
    assert kibana.alert_source("a1")[STATUS] == "closed"


def test_alerts_that_do_not_exist_are_passed_over(kibana: Any, make_alert: Any) -> None:
    case = kibana.attach(kibana.create(), make_alert("ghost"))
    assert kibana.patch(case, status="closed")["status"] == "closed"


def test_an_alert_is_attached_once(kibana: Any, make_alert: Any) -> None:
    kibana.alert("a1")
    kibana.alert("a2")
    case = kibana.attach(kibana.create(), make_alert("a1", "a1"))
    assert case["comments"][0]["alertId"] == ["a1"]
    assert kibana.attach(case, make_alert("a1"))["version"] == case["version"]
    case = kibana.attach(case, make_alert("a1", "a2"))
    assert [attachment["alertId"] for attachment in case["comments"]] == [["a1"], ["a2"]]
    assert case["totalAlerts"] == 2


def test_what_cannot_be_attached(kibana: Any, make_alert: Any) -> None:
    case = kibana.create()
    path = f"/api/cases/{case['id']}/comments"
    message = kibana.refused("POST", path, 400, json={**make_alert("a1"), "index": ["x", "y"]})
    assert message == (
        'Received an alert comment with ids and indices arrays of different lengths ids: ["a1"] indices: ["x","y"]'
    )
    assert kibana.refused("POST", path, 400, json=make_alert(*map(str, range(1001)))) == (
        "Case has reached the maximum allowed number (1000) of attached alerts."
    )
    kibana.patch(case, status="closed")
    assert kibana.refused("POST", path, 400, json=make_alert("a1")) == "Alert cannot be attached to a closed case"


def test_the_limit_of_alerts_comes_before_duplicates(kibana: Any, make_alert: Any) -> None:
    many = make_alert(*map(str, range(600)))
    case = kibana.attach(kibana.create(settings={"syncAlerts": False}), many)
    assert "(1000)" in kibana.refused("POST", f"/api/cases/{case['id']}/comments", 400, json=many)


def test_the_eleventh_case_of_an_alert_is_refused_too_late(kibana: Any, make_alert: Any) -> None:
    kibana.alert("a1")
    for _ in range(10):
        kibana.attach(kibana.create(), make_alert("a1"))
    case = kibana.create()
    message = kibana.refused("POST", f"/api/cases/{case['id']}/comments", 400, json=make_alert("a1"))
    assert message == "You cannot attach more than 10 cases to an alert"
    assert len(kibana.alert_source("a1")[CASES]) == 10
    assert kibana.get(f"/api/cases/{case['id']}")["totalAlerts"] == 1


def test_alerts_and_their_cases_are_listed(kibana: Any, make_alert: Any) -> None:
    case = kibana.attach(kibana.create(), make_alert("a/1", "a2"))
    listed = kibana.get(f"/api/cases/{case['id']}/alerts")
    assert [(alert["id"], alert["attached_at"]) for alert in listed] == [
        ("a/1", "2025-03-01T12:00:00.000Z"),
        ("a2", "2025-03-01T12:00:00.000Z"),
    ]
    (related,) = kibana.get("/api/cases/alerts/a%2F1")
    assert related == {
        "id": case["id"],
        "title": case["title"],
        "description": case["description"],
        "status": "open",
        "createdAt": case["created_at"],
        "totals": {"alerts": 2, "userComments": 0, "events": 0},
    }
    assert kibana.get("/api/cases/alerts/a2", owner="cases") == []
    assert kibana.get("/api/cases/alerts/nope") == []


def test_removing_takes_the_case_off_the_alert_and_leaves_the_status(kibana: Any, make_alert: Any) -> None:
    kibana.alert("a1")
    kibana.alert("a2")
    case = kibana.patch(kibana.create(), status="in-progress")
    whole = kibana.attach(kibana.attach(case, make_alert("a1")), make_alert("a2"))
    path = f"/api/cases/{case['id']}/comments"
    assert kibana.send("DELETE", f"{path}/{whole['comments'][0]['id']}").status_code == 204
    assert kibana.alert_source("a1").get(CASES, []) == []
    assert kibana.alert_source("a1")[STATUS] == "acknowledged"
    assert kibana.alert_source("a2")[CASES] == [case["id"]]
    assert kibana.send("DELETE", "/api/cases", params={"ids": json.dumps([case["id"]])}).status_code == 204
    assert kibana.alert_source("a2").get(CASES, []) == []


def test_close_reasons_of_newer_stacks(connect: Any, make_alert: Any) -> None:
    kibana = connect(stack_version="9.4.0")
    kibana.alert("a1")
    case = kibana.attach(kibana.create(), make_alert("a1"))
    entry = {"id": case["id"], "version": case["version"], "status": "closed"}
    wrong = {"cases": [{**entry, "closeReason": "boredom"}]}
    assert kibana.refused("PATCH", "/api/cases", 400, json=wrong) == 'Invalid close reason: "boredom"'
    off = {"cases": [{**entry, "closeReason": "duplicate", "settings": {"syncAlerts": False}}]}
    assert "when sync alerts is disabled" in kibana.refused("PATCH", "/api/cases", 400, json=off)
    closed = kibana.patch(case, status="closed", closeReason="duplicate")
    assert closed["updateSummary"] == {"syncedAlertCount": 1}
    assert kibana.alert_source("a1")["kibana.alert.workflow_reason"] == "duplicate"
    payload = kibana.actions(case, types="status")[0]["payload"]
    assert payload == {"status": "closed", "closeReason": "duplicate", "syncedAlertCount": 1}
    kibana.patch(closed, status="open")
    assert "kibana.alert.workflow_reason" not in kibana.alert_source("a1")
