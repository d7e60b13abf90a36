"""A space sees nothing of another one; and this suite leaves none behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="module")
def other(new_space: Callable[[], Any]) -> Any:
    return new_space()


def test_a_case_is_in_one_space(kibana: Any, other: Any, tag: str) -> None:
    case = kibana.create(tags=[tag])
    version = kibana.read(case)["version"]
    other.refused(404, "GET", f"/api/cases/{case['id']}")
    other.refused(404, "PATCH", "/api/cases", {"cases": [{"id": case["id"], "version": version, "title": "x"}]})
    other.refused(404, "DELETE", "/api/cases", params={"ids": json.dumps([case["id"]])})
    comment = {"type": "user", "comment": "x", "owner": "cases"}
    other.refused(404, "POST", f"/api/cases/{case['id']}/comments", comment)
    assert other.find(tags=tag)["total"] == 0
    assert kibana.find(tags=tag)["total"] == 1


def test_lists_are_of_one_space(kibana: Any, other: Any, tag: str) -> None:
    kibana.create(tags=[tag])
    assert tag in kibana.get("/api/cases/tags")
    assert tag not in other.get("/api/cases/tags")
    assert [one["caseId"] for one in other.ok(
        "POST", "/internal/cases/_bulk_get", {"ids": [kibana.create()["id"]]}
    )["errors"]]


def test_alerts_are_of_one_space(kibana: Any, other: Any, tag: str) -> None:
    body = {
        "type": "alert", "alertId": tag, "index": "kibcase-blackbox-none", "rule": {"id": None, "name": None},
        "owner": "cases",
    }
    kibana.ok("POST", f"/api/cases/{kibana.create()['id']}/comments", body)
    assert len(kibana.get(f"/api/cases/alerts/{tag}")) == 1
    assert other.get(f"/api/cases/alerts/{tag}") == []


def test_configurations_are_of_one_space(kibana: Any, other: Any) -> None:
    none = {"id": "none", "name": "none", "type": ".none", "fields": None}
    kibana.ok("POST", "/api/cases/configure", {"owner": "cases", "closure_type": "close-by-user", "connector": none})
    assert len(kibana.get("/api/cases/configure")) == 1
    assert other.get("/api/cases/configure") == []


def test_a_space_is_read_and_changed(other: Any) -> None:
    path = f"/api/spaces/space/{other.space}"
    assert other.target.outside("GET", path).json()["name"] == other.space
    changed = other.target.outside("PUT", path, json={"id": other.space, "name": "Renamed", "color": "#aabbcc"})
    assert (changed.status_code, changed.json()["name"]) == (200, "Renamed")
    assert other.space in [space["id"] for space in other.target.outside("GET", "/api/spaces/space").json()]


def test_a_space_is_gone_with_its_cases(new_space: Callable[[], Any], clean_up: Callable[..., None]) -> None:
    space = new_space()
    case = space.create()
    clean_up(space.target, space.space)
    assert space.target.outside("GET", f"/api/spaces/space/{space.space}").status_code == 404
    assert space.send("GET", f"/api/cases/{case['id']}").status_code == 404
    clean_up(space.target, space.space)


def test_only_own_spaces_are_cleaned_up(kibana: Any, clean_up: Callable[..., None]) -> None:
    with pytest.raises(AssertionError):
        clean_up(kibana.target, "default")


def test_the_default_space_cannot_be_deleted(kibana: Any) -> None:
    if kibana.target.server is None:
        pytest.skip("this is not tried on a real Kibana")
    assert kibana.target.outside("DELETE", "/api/spaces/space/default").status_code == 400
