"""Alerts on cases. Those that are only named need not exist; what is written into them needs the embedded server."""

from __future__ import annotations

import uuid
from typing import Any

import pytest


def body(index: str, *identifiers: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "alert", "alertId": list(identifiers), "index": [index] * len(identifiers),
        "rule": {"id": "r1", "name": "Rule"}, "owner": "cases", **fields,
    }


@pytest.fixture
def attach(kibana: Any) -> Any:
    """Attach alerts of an index that nobody has."""

    def do(case: Any, *identifiers: str) -> Any:
        given = body("kibcase-blackbox-none", *identifiers)
        return kibana.ok("POST", f"/api/cases/{case['id']}/comments", given)

    return do


def test_alerts_are_attached(kibana: Any, attach: Any) -> None:
    case, first, second = kibana.create(), uuid.uuid4().hex, uuid.uuid4().hex
    whole = attach(case, first, second)
    assert whole["totalAlerts"] == 2
    assert kibana.find(search=case["id"])["cases"][0]["totalComment"] == 0
    assert (whole["comments"][0]["alertId"], whole["comments"][0]["type"]) == ([first, second], "alert")
    found = kibana.get(f"/api/cases/{case['id']}/alerts")
    assert [(one["id"], one["index"]) for one in found] == [
        (first, "kibcase-blackbox-none"), (second, "kibcase-blackbox-none"),
    ]
    assert all(one["attached_at"] for one in found)


def test_one_alert_may_be_no_list(kibana: Any) -> None:
    case = kibana.create()
    given = body("kibcase-blackbox-none") | {"alertId": uuid.uuid4().hex, "index": "kibcase-blackbox-none"}
    whole = kibana.ok("POST", f"/api/cases/{case['id']}/comments", given)
    assert whole["comments"][0]["alertId"] == [given["alertId"]]


def test_an_alert_is_attached_once(kibana: Any, attach: Any) -> None:
    case, first, second = kibana.create(), uuid.uuid4().hex, uuid.uuid4().hex
    attach(case, first)
    again = attach(case, first)
    assert (again["totalAlerts"], len(again["comments"])) == (1, 1)
    both = attach(case, first, second)
    assert both["totalAlerts"] == 2
    assert [one["alertId"] for one in both["comments"]] == [[first], [second]]


def test_cases_of_an_alert(kibana: Any, attach: Any) -> None:
    first, second, alert = kibana.create(title="One"), kibana.create(title="Two"), uuid.uuid4().hex
    attach(first, alert)
    attach(second, alert)
    kibana.comment(first)
    found = {one["id"]: one for one in kibana.get(f"/api/cases/alerts/{alert}")}
    assert {one["title"] for one in found.values()} == {"One", "Two"}
    totals = found[first["id"]]["totals"]
    assert (totals["alerts"], totals["userComments"]) == (1, 1)
    assert kibana.get(f"/api/cases/alerts/{alert}", owner="observability") == []
    assert kibana.get(f"/api/cases/alerts/{uuid.uuid4().hex}") == []
    kibana.delete(second)
    assert [one["id"] for one in kibana.get(f"/api/cases/alerts/{alert}")] == [first["id"]]


def test_ids_and_indices_go_together(kibana: Any) -> None:
    path = f"/api/cases/{kibana.create()['id']}/comments"
    said = kibana.refused(400, "POST", path, body("i", "a", "b") | {"index": ["i"]})
    assert "different lengths" in said


@pytest.mark.parametrize("name", ["alertId", "index", "rule", "owner"])
def test_what_an_alert_needs(kibana: Any, name: str) -> None:
    path = f"/api/cases/{kibana.create()['id']}/comments"
    given = {key: value for key, value in body("i", "a").items() if key != name}
    kibana.refused(400, "POST", path, given)


def test_a_closed_case_takes_no_alert(kibana: Any) -> None:
    case = kibana.create()
    kibana.change(case, status="closed")
    said = kibana.refused(400, "POST", f"/api/cases/{case['id']}/comments", body("i", "a"))
    assert "closed case" in said


def test_cases_that_have_all_alerts(kibana: Any, attach: Any) -> None:
    kibana.needs(8, 19)
    first, second, one, two = kibana.create(), kibana.create(), uuid.uuid4().hex, uuid.uuid4().hex
    attach(first, one, two)
    attach(second, one)
    name = "documentIds" if kibana.release >= (9, 2) else "alertIds"
    asked = {name: [one, two], "caseIds": [first["id"], second["id"]]}
    found = kibana.ok("POST", "/internal/cases/case/attachments/_find_containing_all", asked)
    assert found["casesWithAllAttachments"] == [first["id"]]


def test_an_alert_is_taken_off(kibana: Any, attach: Any) -> None:
    case, alert = kibana.create(), uuid.uuid4().hex
    (attached,) = attach(case, alert)["comments"]
    kibana.gone(f"/api/cases/{case['id']}/comments/{attached['id']}")
    assert kibana.read(case)["totalAlerts"] == 0
    assert kibana.get(f"/api/cases/{case['id']}/alerts") == []


def test_events_are_counted_apart(kibana: Any) -> None:
    kibana.needs(9, 2)
    case = kibana.create()
    event = {"type": "event", "eventId": [uuid.uuid4().hex], "index": ["kibcase-blackbox-none"], "owner": "cases"}
    whole = kibana.ok("POST", f"/api/cases/{case['id']}/comments", event)
    assert (whole["totalEvents"], whole["totalAlerts"]) == (1, 0)


def status(kibana: Any, identifier: str) -> str:
    told: str = kibana.alert(identifier)["kibana.alert.workflow_status"]
    return told


def test_alerts_follow_their_case(kibana: Any, index: str) -> None:
    kibana.needs_alerts()
    alert = uuid.uuid4().hex
    kibana.put_alert(alert)
    case = kibana.create(settings={"syncAlerts": True})
    kibana.ok("POST", f"/api/cases/{case['id']}/comments", body(index, alert))
    assert kibana.alert(alert)["kibana.alert.case_ids"] == [case["id"]]
    for given, wanted in (("in-progress", "acknowledged"), ("closed", "closed"), ("open", "open")):
        kibana.change(case, status=given)
        assert status(kibana, alert) == wanted


def test_an_attached_alert_takes_the_status_of_its_case(kibana: Any, index: str) -> None:
    kibana.needs_alerts()
    alert = uuid.uuid4().hex
    kibana.put_alert(alert)
    case = kibana.create(settings={"syncAlerts": True})
    kibana.change(case, status="in-progress")
    kibana.ok("POST", f"/api/cases/{case['id']}/comments", body(index, alert))
    assert status(kibana, alert) == "acknowledged"


def test_switching_sync_on_tells_the_alerts(kibana: Any, index: str) -> None:
    kibana.needs_alerts()
    alert = uuid.uuid4().hex
    kibana.put_alert(alert)
    case = kibana.create()
    kibana.ok("POST", f"/api/cases/{case['id']}/comments", body(index, alert))
    kibana.change(case, status="in-progress")
    assert status(kibana, alert) == "open"
    kibana.change(case, settings={"syncAlerts": True})
    assert status(kibana, alert) == "acknowledged"


def test_a_deleted_case_leaves_its_alerts(kibana: Any, index: str) -> None:
    kibana.needs_alerts()
    alert = uuid.uuid4().hex
    kibana.put_alert(alert)
    case = kibana.create()
    kibana.ok("POST", f"/api/cases/{case['id']}/comments", body(index, alert))
    kibana.delete(case)
    assert kibana.alert(alert)["kibana.alert.case_ids"] == []
