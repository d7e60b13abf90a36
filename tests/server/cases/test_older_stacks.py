"""What 8.x has and 9.x has not, and the other way round."""

from __future__ import annotations

from typing import Any

import pytest

DEPRECATED = ("/api/cases/status", "/api/cases/{id}/comments", "/api/cases/{id}/user_actions")


@pytest.fixture
def eight(connect: Any) -> Any:
    return connect(stack_version="8.18.2")


def test_a_case_is_read_with_its_comments(eight: Any) -> None:
    case = eight.create()
    eight.comment(case)
    read = eight.get(f"/api/cases/{case['id']}")
    assert [comment["comment"] for comment in read["comments"]] == ["hello"]
    assert read["version"] != case["version"]
    assert eight.get(f"/api/cases/{case['id']}", includeComments="false")["comments"] == []
    assert "includeComments" in eight.refused("GET", f"/api/cases/{case['id']}", 400, params={"includeComments": "x"})


def test_deprecated_lists(eight: Any) -> None:
    case = eight.create()
    eight.comment(case)
    answer = eight.send("GET", f"/api/cases/{case['id']}/comments")
    assert [comment["comment"] for comment in answer.json()] == ["hello"]
    assert answer.headers["warning"] == '299 Kibana-8.18.2 "Deprecated endpoint"'
    actions = eight.get(f"/api/cases/{case['id']}/user_actions")
    assert [(action["type"], action["case_id"]) for action in actions] == [
        ("create_case", case["id"]),
        ("comment", case["id"]),
    ]
    assert "id" not in actions[0]
    assert eight.get("/api/cases/status") == {
        "count_open_cases": 1, "count_in_progress_cases": 0, "count_closed_cases": 0,
    }
    assert eight.get("/api/cases/status", owner="cases")["count_open_cases"] == 0


@pytest.mark.parametrize("path", DEPRECATED)
def test_deprecated_reads_are_gone_in_9(kibana: Any, path: str) -> None:
    case = kibana.create()
    kibana.refused("GET", path.format(id=case["id"]), 404)


def test_newer_keys_are_unknown(eight: Any, make_case: Any) -> None:
    settings = {"syncAlerts": True, "extractObservables": True}
    assert eight.refused("POST", "/api/cases", 400, json=make_case(settings=settings)) == (
        'invalid keys "extractObservables"'
    )
    fields = {"issueType": "1", "priority": None, "parent": None, "otherFields": None}
    connector = {"id": "j", "name": "j", "type": ".jira", "fields": fields}
    message = eight.refused("POST", "/api/cases", 400, json=make_case(connector=connector))
    assert message == 'invalid keys "otherFields"'
    event = {"type": "event", "eventId": "e", "index": "i", "owner": "securitySolution"}
    case = eight.create()
    message = eight.refused("POST", f"/api/cases/{case['id']}/comments", 400, json=event)
    assert message == 'Invalid value "event" supplied to "type"'


def test_fields_by_version(connect: Any) -> None:
    def keys(version: str) -> set[str]:
        return set(connect(stack_version=version).create())

    assert keys("8.18.0") - keys("8.17.0") == {"observables"}
    assert keys("9.2.0") - keys("9.1.0") == {"totalEvents"}
    assert keys("9.3.0") - keys("9.2.0") == {"total_observables"}


def test_sync_stamps_alerts_from_9_2_on(connect: Any, make_alert: Any) -> None:
    for version, stamped in (("9.1.0", False), ("9.2.0", True)):
        kibana = connect(stack_version=version)
        kibana.alert("a1", "closed")
        kibana.attach(kibana.create(), make_alert("a1"))
        source = kibana.alert_source("a1")
        assert source["kibana.alert.workflow_status"] == "open"
        assert ("kibana.alert.workflow_status_updated_at" in source) is stamped
