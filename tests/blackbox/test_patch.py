"""Cases are changed, several at a time, all or none."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest


def patch(kibana: Any, status: int, *entries: Any) -> Any:
    response = kibana.send("PATCH", "/api/cases", json={"cases": list(entries)})
    assert response.status_code == status, response.text
    return response.json()


def test_fields_are_changed(kibana: Any) -> None:
    case = kibana.create()
    jira = {
        "id": "j", "name": "J", "type": ".jira", "fields": {"issueType": None, "priority": None, "parent": None},
    }
    fields = {
        "title": "New", "description": "New text", "tags": ["a"], "severity": "high", "category": "Kind",
        "connector": jira, "status": "in-progress",
    }
    changed = kibana.change(case, **fields, settings={"syncAlerts": True})
    assert {name: changed[name] for name in fields} == fields
    assert changed["settings"]["syncAlerts"] is True
    assert changed["updated_at"] is not None
    assert changed["updated_by"] == changed["created_by"]
    assert changed["version"] != case["version"]
    read = kibana.read(case)
    assert {name: read[name] for name in fields} == fields


def test_comments_are_not_in_the_answer(kibana: Any) -> None:
    case = kibana.create()
    kibana.comment(case)
    changed = kibana.change(case, title="New")
    assert (changed.get("comments", []), changed["totalComment"]) == ([], 1)


def test_a_stale_version_is_a_conflict_and_nothing_is_written(kibana: Any) -> None:
    first, second = kibana.create(), kibana.create()
    stale = kibana.read(first)["version"]
    kibana.change(first, title="Changed")
    said = patch(
        kibana, 409, {"id": first["id"], "version": stale, "title": "A"}, kibana.entry(second, title="B")
    )
    assert first["id"] in said["message"]
    assert second["id"] not in said["message"]
    assert (kibana.read(first)["title"], kibana.read(second)["title"]) == ("Changed", "Black box")


def test_a_repeated_change_is_a_conflict(kibana: Any) -> None:
    entry = kibana.entry(kibana.create(), title="Once")
    patch(kibana, 200, entry)
    patch(kibana, 409, entry)


def test_an_unknown_case_stops_all(kibana: Any) -> None:
    case, missing = kibana.create(), str(uuid.uuid4())
    entry = kibana.entry(case, title="B")
    said = patch(kibana, 404, entry, {"id": missing, "version": entry["version"], "title": "A"})
    assert missing in said["message"]
    assert kibana.read(case)["title"] == "Black box"


def test_nothing_to_change_is_not_acceptable(kibana: Any) -> None:
    case = kibana.create(tags=["a", "b"])
    said = patch(kibana, 406, kibana.entry(case, title="Black box"))
    assert "identical" in said["message"]
    patch(kibana, 406, kibana.entry(case, tags=["b", "a"]))


def test_unchanged_cases_are_left_out_of_the_answer(kibana: Any) -> None:
    first, second = kibana.create(), kibana.create()
    changed = patch(kibana, 200, kibana.entry(first, title="New"), kibana.entry(second, title="Black box"))
    assert [case["id"] for case in changed] == [first["id"]]


def test_several_cases_are_changed(kibana: Any) -> None:
    cases = [kibana.create() for _ in range(3)]
    changed = patch(kibana, 200, *(kibana.entry(case, severity="high") for case in cases))
    assert {case["id"] for case in changed} == {case["id"] for case in cases}
    assert {case["severity"] for case in changed} == {"high"}


@pytest.mark.parametrize(
    "fields",
    [
        {"owner": "securitySolution"}, {"more": 1}, {"created_at": "2020-01-01T00:00:00.000Z"}, {"status": "done"},
        {"severity": "dire"}, {"title": ""}, {"title": "x" * 161}, {"tags": [""]}, {"observables": []},
        {"settings": {}},
    ],
    ids=json.dumps,
)
def test_what_cannot_be_changed(kibana: Any, fields: Any) -> None:
    case = kibana.create()
    patch(kibana, 400, kibana.entry(case, **fields))
    assert kibana.read(case)["updated_at"] is None


def test_the_number_of_cases_has_limits(kibana: Any) -> None:
    patch(kibana, 400)
    patch(kibana, 400, *({"id": str(number), "version": "x", "title": "y"} for number in range(101)))


def test_an_entry_needs_id_and_version(kibana: Any) -> None:
    entry = kibana.entry(kibana.create(), title="New")
    for name in ("id", "version"):
        patch(kibana, 400, {key: value for key, value in entry.items() if key != name})


def test_tags_replace_each_other(kibana: Any) -> None:
    case = kibana.create(tags=["a", "b"])
    assert sorted(kibana.change(case, tags=["b", "c"])["tags"]) == ["b", "c"]
    assert kibana.change(case, tags=[])["tags"] == []


def test_texts_are_trimmed(kibana: Any) -> None:
    assert kibana.change(kibana.create(), title="  New ", category=" c ")["title"] == "New"


def test_a_category_is_taken_away(kibana: Any) -> None:
    assert kibana.change(kibana.create(category="Kind"), category=None)["category"] is None


def test_closing_and_reopening(kibana: Any) -> None:
    case = kibana.create()
    closed = kibana.change(case, status="closed")
    assert closed["closed_at"] is not None
    assert closed["closed_by"] == closed["created_by"]
    assert isinstance(closed["duration"], int)
    opened = kibana.change(case, status="open")
    assert (opened["closed_at"], opened["closed_by"], opened["duration"]) == (None, None, None)


def test_times_of_work(kibana: Any) -> None:
    kibana.needs(9, 2)
    case = kibana.create()
    working = kibana.change(case, status="in-progress")
    assert working["in_progress_at"] is not None
    assert working["time_to_acknowledge"] >= 0
    assert working["time_to_resolve"] is None
    closed = kibana.change(case, status="closed")
    assert closed["in_progress_at"] == working["in_progress_at"]
    assert closed["time_to_resolve"] >= closed["time_to_investigate"] >= 0


def test_a_connector_outside_stays_as_it_was(kibana: Any) -> None:
    assert kibana.change(kibana.create(), title="x")["external_service"] is None
