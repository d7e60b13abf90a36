"""PATCH /api/cases: order of checks, differences, times, user actions."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest


def entry(case: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": case["id"], "version": case["version"], **fields}


def test_a_change_moves_version_and_time_and_is_recorded(kibana: Any, clock: Any, mara: Any) -> None:
    case = kibana.create()
    clock.forward(minutes=1)
    changed = kibana.patch(case, title=" New ", severity="critical", tags=["c2", "dns"])
    assert (changed["title"], changed["severity"], changed["tags"]) == ("New", "critical", ["c2", "dns"])
    assert (changed["updated_at"], changed["updated_by"]) == ("2025-03-01T12:01:00.000Z", mara)
    assert changed["version"] != case["version"]
    recorded = {action["type"]: (action["action"], action["payload"]) for action in kibana.actions(case)[1:]}
    assert recorded == {
        "title": ("update", {"title": "New"}),
        "severity": ("update", {"severity": "critical"}),
        "tags": ("add", {"tags": ["dns"]}),
    }


def test_lists_are_recorded_as_differences(kibana: Any) -> None:
    case = kibana.create(tags=["a", "b"], assignees=[{"uid": "u1"}])
    kibana.patch(case, tags=["b", "c"], assignees=[{"uid": "u2"}, {"uid": "u2"}, {"uid": ""}])
    recorded = [(action["type"], action["action"], action["payload"]) for action in kibana.actions(case)[1:]]
    assert recorded == [
        ("tags", "add", {"tags": ["c"]}),
        ("tags", "delete", {"tags": ["a"]}),
        ("assignees", "add", {"assignees": [{"uid": "u2"}]}),
        ("assignees", "delete", {"assignees": [{"uid": "u1"}]}),
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("description", "Other"),
        ("category", "Malware"),
        ("settings", {"syncAlerts": False}),
        ("status", "in-progress"),
        (
            "connector",
            {"id": "j", "name": "Jira", "type": ".jira",
             "fields": {"issueType": "1", "priority": None, "parent": None, "otherFields": None}},
        ),
    ],
)
def test_single_fields_are_recorded_with_their_new_value(kibana: Any, field: str, value: Any) -> None:
    case = kibana.create()
    assert kibana.patch(case, **{field: value})[field] == value
    action = kibana.actions(case)[1]
    assert (action["type"], action["action"], action["payload"]) == (field, "update", {field: value})


def test_missing_cases_come_before_stale_ones_and_those_before_no_change(kibana: Any) -> None:
    one, two = kibana.create(), kibana.create()
    kibana.patch(two, title="moved")
    body = {"cases": [{"id": "nope", "version": "x", "title": "a"}, entry(two, title="b"), entry(one, title="c")]}
    message = kibana.refused("PATCH", "/api/cases", 404, json=body)
    assert message == "These cases nope do not exist. Please check you have the correct ids."
    body = {"cases": body["cases"][1:]}
    message = kibana.refused("PATCH", "/api/cases", 409, json=body)
    assert message == (
        f"These cases {two['id']} have been updated. Please refresh before saving additional updates."
    )
    body = {"cases": [entry(one, title=one["title"], tags=["c2", "c2"])]}
    message = kibana.refused("PATCH", "/api/cases", 406, json=body)
    assert message == "All update fields are identical to current version."
    assert kibana.get(f"/api/cases/{one['id']}")["title"] == one["title"]


def test_the_same_patch_twice_is_a_conflict(kibana: Any) -> None:
    case = kibana.create()
    kibana.patch(case, title="new")
    kibana.refused("PATCH", "/api/cases", 409, json={"cases": [entry(case, title="new")]})


def test_only_cases_that_change_are_answered(kibana: Any) -> None:
    one, two = kibana.create(), kibana.create()
    body = {"cases": [entry(one, title="new"), entry(two, title=two["title"])]}
    answer = kibana.send("PATCH", "/api/cases", json=body).json()
    assert [case["id"] for case in answer] == [one["id"]]


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ([], "The length of the field cases is too short. Array must be of length >= 1."),
        ([{"id": "x"}], 'Invalid value "undefined" supplied to "cases,version"'),
        ([{"id": "x", "version": "v", "status": "done"}], 'Invalid value "done" supplied to "cases,status"'),
        ([{"id": "x", "version": "v", "observables": []}], 'invalid keys "observables"'),
        ([{"id": "x", "version": "v", "closeReason": "duplicate"}], 'invalid keys "closeReason"'),
        ([{"id": "x", "version": "v"}] * 101, "Array must be of length <= 100."),
    ],
)
def test_bodies_are_checked_before_cases_are_looked_up(kibana: Any, cases: Any, message: str) -> None:
    assert message in kibana.refused("PATCH", "/api/cases", 400, json={"cases": cases})


def test_the_owner_cannot_change(kibana: Any) -> None:
    case = kibana.create()
    body = {"cases": [entry(case, owner="cases")]}
    message = kibana.refused("PATCH", "/api/cases", 400, json=body)
    assert message == f"Updating the owner of a case is not allowed ids: [{case['id']}]"
    assert kibana.patch(case, owner=case["owner"], title="same owner is no change")["owner"] == case["owner"]


def test_times_of_status(kibana: Any, clock: Any, mara: Any) -> None:
    case = kibana.create()
    clock.forward(seconds=10)
    case = kibana.patch(case, status="in-progress")
    assert (case["in_progress_at"], case["time_to_acknowledge"]) == ("2025-03-01T12:00:10.000Z", 10)
    clock.forward(seconds=20.9)
    case = kibana.patch(case, status="closed")
    assert (case["closed_at"], case["closed_by"], case["duration"]) == ("2025-03-01T12:00:30.900Z", mara, 30)
    assert (case["time_to_acknowledge"], case["time_to_investigate"], case["time_to_resolve"]) == (10, 20, 30)
    clock.forward(seconds=30)
    case = kibana.patch(case, status="open")
    assert (case["closed_at"], case["closed_by"], case["duration"]) == (None, None, None)
    assert (case["time_to_acknowledge"], case["time_to_investigate"], case["time_to_resolve"]) == (None, None, None)
    case = kibana.patch(case, status="in-progress")
    assert (case["in_progress_at"], case["time_to_acknowledge"]) == ("2025-03-01T12:00:10.000Z", 60)


def test_closing_at_once_counts_everything_as_acknowledging(kibana: Any, clock: Any) -> None:
    case = kibana.create()
    clock.forward(seconds=5)
    case = kibana.patch(case, status="closed")
    assert (case["time_to_acknowledge"], case["time_to_investigate"], case["time_to_resolve"]) == (5, 0, 5)
    assert "in_progress_at" not in case


def test_older_stacks_have_only_duration(connect: Any) -> None:
    case = connect(stack_version="9.1.0")
    closed = case.patch(case.create(), status="closed")
    assert closed["duration"] == 0
    assert not {"time_to_resolve", "in_progress_at", "totalEvents"} & set(closed)


def test_settings_that_are_not_sent_stay_though_the_answer_lacks_them(kibana: Any) -> None:
    case = kibana.create(settings={"syncAlerts": True, "extractObservables": True})
    assert kibana.patch(case, settings={"syncAlerts": False})["settings"] == {"syncAlerts": False}
    read = kibana.get(f"/api/cases/{case['id']}")
    assert read["settings"] == {"syncAlerts": False, "extractObservables": True}
    assert kibana.actions(case)[-1]["payload"] == {"settings": {"syncAlerts": False}}


def test_of_two_entries_for_one_case_the_first_is_stored_and_the_last_recorded(
    connect: Callable[..., Any], make_alert: Any
) -> None:
    kibana = connect(stack_version="9.4.0", incremental_ids=False)
    other, case = kibana.create(), kibana.create()
    kibana.alert("a1")
    case = kibana.attach(case, make_alert("a1"))
    before = len(kibana.actions(case))
    body = {
        "cases": [
            entry(case, title="first", status="in-progress"),
            entry(other, title="other"),
            entry(case, title=case["title"]),
            entry(case, severity="high", status="closed", closeReason="duplicate"),
        ]
    }
    answer = kibana.send("PATCH", "/api/cases", json=body).json()
    assert [(each["id"], each["title"]) for each in answer] == [(case["id"], "first"), (other["id"], "other")]
    assert (answer[0]["status"], answer[0]["severity"]) == ("in-progress", "low")
    assert answer[0]["updateSummary"] == {"syncedAlertCount": 1}
    assert kibana.get(f"/api/cases/{case['id']}")["version"] == answer[0]["version"]
    assert [(action["type"], action["payload"]) for action in kibana.actions(case)[before:]] == [
        ("severity", {"severity": "high"}),
        ("status", {"status": "closed", "closeReason": "duplicate", "syncedAlertCount": 1}),
    ]
    source = kibana.alert_source("a1")
    assert (source["kibana.alert.workflow_status"], source["kibana.alert.workflow_reason"]) == ("closed", "duplicate")


def test_every_entry_for_one_case_is_checked(connect: Callable[..., Any]) -> None:
    kibana = connect(incremental_ids=False)
    case = kibana.create()
    body = {"cases": [entry(case, title="new"), entry(case, owner="cases")]}
    kibana.refused("PATCH", "/api/cases", 400, json=body)
    assert kibana.get(f"/api/cases/{case['id']}")["version"] == case["version"]


@pytest.mark.parametrize(
    ("owner", "sync", "reason", "message"),
    [
        ("securitySolution", True, "benign_positive", None),
        ("securitySolution", True, "lunch", 'Invalid close reason: "lunch"'),
        ("cases", True, "lunch", None),
        ("cases", False, "lunch", "Cannot provide a close reason for case {id} when sync alerts is disabled."),
        ("cases", False, "  ", None),
    ],
)
def test_reasons_for_closing(
    connect: Callable[..., Any], owner: str, sync: bool, reason: str, message: str | None
) -> None:
    kibana = connect(stack_version="9.4.0")
    case = kibana.create(owner=owner, settings={"syncAlerts": sync})
    if message is None:
        assert kibana.patch(case, status="closed", closeReason=reason)["status"] == "closed"
        payload = kibana.actions(case)[-1]["payload"]
        assert payload.get("closeReason") == (reason.strip() or None)
    else:
        body = {"cases": [entry(case, status="closed", closeReason=reason)]}
        assert kibana.refused("PATCH", "/api/cases", 400, json=body) == message.format(id=case["id"])


def test_a_space_may_have_reasons_of_its_own(connect: Callable[..., Any]) -> None:
    kibana = connect(stack_version="9.4.0")
    changes = {"changes": {"securitySolution:detectionsCloseReasons": ["lunch"]}}
    assert kibana.send("POST", "/internal/kibana/settings", json=changes).json() == {
        "settings": {"securitySolution:detectionsCloseReasons": {"userValue": ["lunch"]}}
    }
    case = kibana.create()
    assert kibana.patch(case, status="closed", closeReason="lunch")["status"] == "closed"
    assert kibana.send("DELETE", "/internal/kibana/settings/securitySolution:detectionsCloseReasons").json() == {
        "settings": {}
    }
    body = {"cases": [entry(kibana.create(), status="closed", closeReason="lunch")]}
    kibana.refused("PATCH", "/api/cases", 400, json=body)


def test_a_reason_that_closes_nothing_is_no_change(connect: Callable[..., Any]) -> None:
    kibana = connect(stack_version="9.4.0")
    kibana.refused("PATCH", "/api/cases", 406, json={"cases": [entry(kibana.create(), closeReason="duplicate")]})


def test_assignees_are_recorded_last(kibana: Any) -> None:
    case = kibana.create()
    kibana.patch(case, assignees=[{"uid": "u1"}], title="new")
    assert [action["type"] for action in kibana.actions(case)[1:]] == ["title", "assignees"]


def test_assignees_take_a_licence(connect: Callable[..., Any]) -> None:
    kibana = connect(license="basic")
    one, two = kibana.create(), kibana.create()
    body = {"cases": [entry(one, title="new"), entry(two, assignees=[{"uid": "u1"}])]}
    assert kibana.refused("PATCH", "/api/cases", 403, json=body) == (
        "In order to assign users to cases, you must be subscribed to an Elastic Platinum license, "
        f"ids: [{two['id']}]"
    )
    body = {"cases": [entry(two, assignees=[{"uid": ""}])]}
    kibana.refused("PATCH", "/api/cases", 406, json=body)


def test_of_many_writers_with_one_version_one_wins(kibana: Any) -> None:
    case = kibana.create()
    bodies = [{"cases": [entry(case, title=f"writer {number}")]} for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda body: kibana.send("PATCH", "/api/cases", json=body).status_code, bodies))
    assert sorted(codes) == [200] + [409] * 7
    assert len(kibana.actions(case, types="title")) == 1


def test_a_case_holds_10000_user_actions(kibana: Any) -> None:
    case = kibana.create()
    store = kibana.server.cases.cases.context.store
    filler = {"type": "title", "action": "update", "payload": {}, "created_at": "2025-01-01T00:00:00.000Z"}
    number = store.case("default", case["id"]).number
    store.add_user_actions(number, [(str(place), filler) for place in range(9_998)])
    message = f"The case with case id {case['id']} has reached the limit of 10000 user actions."
    two = {"cases": [entry(case, title="x", severity="high")]}
    assert kibana.refused("PATCH", "/api/cases", 400, json=two) == message
    kibana.patch(case, title="the last one")
    comment = {"type": "user", "comment": "one too many", "owner": case["owner"]}
    assert kibana.refused("POST", f"/api/cases/{case['id']}/comments", 400, json=comment) == message
