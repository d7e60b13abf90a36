"""Cases are created, read and deleted."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

TEXT = {
    "title": (160, "title"), "description": (30000, "description"), "category": (50, "category"),
}


def test_a_new_case(kibana: Any) -> None:
    case = kibana.create(title="New")
    wanted: dict[str, Any] = {
        "title": "New", "status": "open", "severity": "low", "tags": [], "assignees": [], "category": None,
        "owner": "cases", "closed_at": None, "closed_by": None, "updated_at": None, "updated_by": None,
        "duration": None, "external_service": None, "totalComment": 0, "totalAlerts": 0, "customFields": [],
    }
    assert {name: case[name] for name in wanted} == wanted
    assert case["connector"] == {"id": "none", "name": "none", "type": ".none", "fields": None}
    assert case["settings"]["syncAlerts"] is False
    assert case["created_at"]
    assert kibana.read(case)["title"] == "New"


def test_a_case_with_everything(kibana: Any) -> None:
    jira = {
        "id": "some-jira", "name": "Jira", "type": ".jira",
        "fields": {"issueType": "10001", "priority": "High", "parent": None},
    }
    given: dict[str, Any] = {
        "title": "All", "description": "# Text", "tags": ["b", "a"], "severity": "critical", "category": "Kind",
        "connector": jira, "settings": {"syncAlerts": True},
    }
    if kibana.platinum:
        given["assignees"] = [{"uid": "u_blackbox"}]
    case = kibana.read(kibana.create(**given))
    for name in ("title", "description", "tags", "severity", "category", "connector"):
        assert case[name] == given[name]
    assert case["settings"]["syncAlerts"] is True
    assert [one["uid"] for one in case["assignees"]] == (["u_blackbox"] if kibana.platinum else [])


def test_texts_are_trimmed(kibana: Any) -> None:
    case = kibana.create(title="  a  ", description=" d\n", tags=[" t "], category=" c ")
    assert (case["title"], case["description"], case["tags"], case["category"]) == ("a", "d", ["t"], "c")


@pytest.mark.parametrize("name", ["title", "description", "tags", "connector", "settings", "owner"])
def test_what_is_required(kibana: Any, name: str) -> None:
    body = kibana.body()
    del body[name]
    kibana.refused(400, "POST", "/api/cases", body)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "open"}, {"id": "x"}, {"more": 1}, {"severity": "dire"}, {"title": 1}, {"tags": "one"},
        {"settings": {}}, {"assignees": [{"uid": "u", "name": "n"}]}, {"observables": []},
        {"connector": {"id": "j", "name": "j", "type": ".jira", "fields": {"colour": "red"}}},
        {"connector": {"id": "j", "name": "j", "type": ".unknown", "fields": None}},
    ],
    ids=json.dumps,
)
def test_what_is_no_case(kibana: Any, fields: Any) -> None:
    kibana.refused(400, "POST", "/api/cases", kibana.body(**fields))


@pytest.mark.parametrize("name", TEXT)
def test_texts_have_limits(kibana: Any, name: str) -> None:
    most, told = TEXT[name]
    assert kibana.create(**{name: "x" * most})[name] == "x" * most
    said = kibana.refused(400, "POST", "/api/cases", kibana.body(**{name: "x" * (most + 1)}))
    assert f"The length of the {told} is too long" in said
    said = kibana.refused(400, "POST", "/api/cases", kibana.body(**{name: "  "}))
    assert f"The {told} field cannot be an empty string" in said


@pytest.mark.parametrize("tags", [["x" * 257], [""], ["x"] * 201], ids=["long", "empty", "many"])
def test_tags_have_limits(kibana: Any, tags: list[str]) -> None:
    kibana.refused(400, "POST", "/api/cases", kibana.body(tags=tags))


def test_an_unknown_owner_is_forbidden(kibana: Any) -> None:
    kibana.refused(403, "POST", "/api/cases", kibana.body(owner="nobody"))


def test_every_solution_has_cases(kibana: Any) -> None:
    for owner in ("cases", "observability", "securitySolution"):
        assert kibana.create(owner=owner)["owner"] == owner


def test_a_case_that_is_not_there(kibana: Any) -> None:
    missing = str(uuid.uuid4())
    assert missing in kibana.refused(404, "GET", f"/api/cases/{missing}")


def test_reading_with_comments_is_a_thing_of_the_past(kibana: Any) -> None:
    case = kibana.create()
    kibana.comment(case)
    assert ("comments" in kibana.read(case)) == (kibana.release < (9, 0))


def test_a_case_is_resolved(kibana: Any) -> None:
    case = kibana.create()
    found = kibana.ok("GET", f"/api/cases/{case['id']}/resolve", headers={"x-elastic-internal-origin": "Kibana"})
    assert (found["outcome"], found["case"]["id"]) == ("exactMatch", case["id"])


def test_cases_are_deleted(kibana: Any) -> None:
    first, second = kibana.create(), kibana.create()
    kibana.comment(first)
    kibana.delete(first, second)
    for case in (first, second):
        kibana.refused(404, "GET", f"/api/cases/{case['id']}")


def test_deleting_is_all_or_nothing(kibana: Any) -> None:
    case = kibana.create()
    kibana.refused(404, "DELETE", "/api/cases", params={"ids": json.dumps([case["id"], str(uuid.uuid4())])})
    assert kibana.read(case)["id"] == case["id"]


@pytest.mark.parametrize("ids", [[], [""], ["x"] * 101], ids=["none", "empty", "many"])
def test_what_cannot_be_deleted(kibana: Any, ids: list[str]) -> None:
    kibana.refused(400, "DELETE", "/api/cases", params={"ids": json.dumps(ids)})


def test_many_cases_are_read_at_once(kibana: Any) -> None:
    first, second, missing = kibana.create(), kibana.create(), str(uuid.uuid4())
    found = kibana.ok("POST", "/internal/cases/_bulk_get", {"ids": [first["id"], missing, second["id"]]})
    assert {case["id"] for case in found["cases"]} == {first["id"], second["id"]}
    (error,) = found["errors"]
    assert (error["caseId"], error["status"]) == (missing, 404)
    kibana.refused(400, "POST", "/internal/cases/_bulk_get", {"ids": []})


def test_incremental_ids_come_later(kibana: Any) -> None:
    kibana.needs(9, 2)
    assert kibana.create().get("incremental_id") is None
