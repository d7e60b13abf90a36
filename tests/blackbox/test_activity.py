"""What happened to a case: its user actions."""

from __future__ import annotations

import json
from typing import Any

import pytest


def test_creation_is_told_in_full(kibana: Any) -> None:
    case = kibana.create(title="New", tags=["a"], severity="high")

    def check() -> None:
        (entry,) = kibana.actions(case)
        assert (entry["type"], entry["action"], entry["owner"]) == ("create_case", "create", "cases")
        assert entry["created_by"] == case["created_by"]
        assert entry["comment_id"] is None
        payload = entry["payload"]
        assert (payload["title"], payload["tags"]) == ("New", ["a"])
        assert (payload["severity"], payload["status"]) == ("high", "open")
        assert payload["connector"]["type"] == ".none"

    kibana.until(check)


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"title": "New"}, [("title", "update", {"title": "New"})]),
        ({"description": "New"}, [("description", "update", {"description": "New"})]),
        ({"severity": "high"}, [("severity", "update", {"severity": "high"})]),
        ({"tags": ["b", "c"]}, [("tags", "add", {"tags": ["c"]}), ("tags", "delete", {"tags": ["a"]})]),
        ({"category": "Kind"}, [("category", "update", {"category": "Kind"})]),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_changes_are_told(kibana: Any, fields: Any, wanted: Any) -> None:
    case = kibana.create(tags=["a", "b"])
    kibana.change(case, **fields)

    def check() -> None:
        told = [(one["type"], one["action"], one["payload"]) for one in kibana.actions(case)[1:]]
        assert sorted(told, key=str) == sorted(wanted, key=str)

    kibana.until(check)


def test_several_changes_are_several_entries(kibana: Any) -> None:
    case = kibana.create()
    kibana.change(case, title="New", status="closed", settings={"syncAlerts": True})

    def check() -> None:
        found = {one["type"]: one["payload"] for one in kibana.actions(case)[1:]}
        assert found.keys() == {"title", "status", "settings"}
        assert found["status"]["status"] == "closed"
        assert found["settings"]["settings"]["syncAlerts"] is True

    kibana.until(check)


def test_comments_are_told(kibana: Any) -> None:
    case = kibana.create()
    (comment,) = kibana.comment(case, "first")["comments"]
    path = f"/api/cases/{case['id']}/comments"
    named = {name: comment[name] for name in ("id", "version", "type", "owner")}
    kibana.ok("PATCH", path, named | {"comment": "second"})
    kibana.gone(f"{path}/{comment['id']}")

    def check() -> None:
        told = kibana.actions(case, types="comment")
        assert [(one["action"], one["comment_id"]) for one in told] == [
            (verb, comment["id"]) for verb in ("create", "update", "delete")
        ]
        assert [one["payload"]["comment"]["comment"] for one in told[:2]] == ["first", "second"]

    kibana.until(check)


def test_types(kibana: Any) -> None:
    case = kibana.create()
    kibana.comment(case, "first")
    kibana.change(case, title="New", severity="high")
    wanted = {
        "title": {"title"}, "user": {"comment"}, "action": {"create_case", "title", "severity"}, "alert": set(),
    }

    def check() -> None:
        for kind, types in wanted.items():
            assert {one["type"] for one in kibana.actions(case, types=kind)} == types
        assert {one["type"] for one in kibana.actions(case, types=["title", "severity"])} == {"title", "severity"}

    kibana.until(check)


def test_pages(kibana: Any) -> None:
    case = kibana.create()
    for title in ("a", "b", "c"):
        kibana.change(case, title=title)
    path = f"/api/cases/{case['id']}/user_actions/_find"

    def check() -> None:
        page = kibana.get(path, page=2, perPage=2, sortOrder="desc")
        assert (page["page"], page["perPage"], page["total"]) == (2, 2, 4)
        assert [one["payload"].get("title") for one in page["userActions"]] == ["a", "Black box"]

    kibana.until(check)
    for params in ({"perPage": 101}, {"page": 101, "perPage": 100}, {"types": "song"}, {"sortOrder": "up"}):
        kibana.refused(400, "GET", path, params=params)


def test_statistics(kibana: Any) -> None:
    case = kibana.create()
    kibana.comment(case)
    kibana.change(case, title="New")

    def check() -> None:
        told = kibana.ok("GET", f"/internal/cases/{case['id']}/user_actions/_stats")
        assert (told["total"], told["total_comments"], told["total_other_actions"]) == (3, 1, 2)

    kibana.until(check)


def test_users(kibana: Any) -> None:
    case = kibana.create()
    kibana.comment(case)

    def check() -> None:
        told = kibana.ok("GET", f"/internal/cases/{case['id']}/_users")
        name = case["created_by"]["username"]
        assert told["reporter"]["user"]["username"] == name
        assert [one["user"]["username"] for one in told["participants"]] == [name]
        assert told["assignees"] == []

    kibana.until(check)


def test_connectors_of_a_case(kibana: Any) -> None:
    assert kibana.ok("GET", f"/internal/cases/{kibana.create()['id']}/_connectors") == {}
