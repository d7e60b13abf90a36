"""Spaces: what is in one is not in another."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.fixture
def hunt(kibana: Any) -> Any:
    made = kibana.send("POST", "/api/spaces/space", json={"id": "hunt", "name": "Hunt", "description": "x"})
    assert made.json() == {"id": "hunt", "name": "Hunt", "description": "x", "disabledFeatures": []}
    return type(kibana)(kibana.server, space="hunt")


def test_spaces_are_listed_and_read(kibana: Any, hunt: Any) -> None:
    assert [space["id"] for space in kibana.get("/api/spaces/space")] == ["default", "hunt"]
    assert kibana.get("/api/spaces/space/hunt")["name"] == "Hunt"
    assert kibana.refused("GET", "/api/spaces/space/nope", 404) == "Not Found"


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"id": "default", "name": "x"}, 409, "A space with the identifier default already exists."),
        ({"id": "Big", "name": "x"}, 400, '[request body.id]: lower case, a-z, 0-9, "_", and "-" are allowed'),
        ({"id": "x"}, 400, "[request body.name]: expected value of type [string] but got [undefined]"),
        ({"id": "x", "name": 1}, 400, "[request body.name]: expected value of type [string] but got [number]"),
        ({"id": "x", "name": "x", "more": 1}, 400, "[request body.more]: definition for this key is missing"),
    ],
)
def test_spaces_that_cannot_be(kibana: Any, body: Any, status: int, message: str) -> None:
    assert kibana.refused("POST", "/api/spaces/space", status, json=body) == message


def test_cases_stay_in_their_space(kibana: Any, hunt: Any, make_alert: Any) -> None:
    here, there = kibana.create(title="here"), hunt.create(title="there")
    hunt.comment(there)
    hunt.attach(there, make_alert("a1"))
    path = f"/api/cases/{there['id']}"
    assert kibana.refused("GET", path, 404) == f"Saved object [cases/{there['id']}] not found"
    patch = {"cases": [{"id": there["id"], "version": there["version"], "title": "x"}]}
    kibana.refused("PATCH", "/api/cases", 404, json=patch)
    kibana.refused("DELETE", "/api/cases", 404, params={"ids": json.dumps([there["id"]])})
    assert kibana.get(f"{path}/comments/_find")["total"] == 0
    assert kibana.get("/api/cases/alerts/a1") == []
    assert [case["title"] for case in kibana.get("/api/cases/_find")["cases"]] == ["here"]
    assert [case["title"] for case in hunt.get("/api/cases/_find")["cases"]] == ["there"]
    assert kibana.get(f"/s/default/api/cases/{here['id']}")["title"] == "here"


def test_each_space_numbers_its_own_cases(kibana: Any, hunt: Any) -> None:
    first, other = kibana.create(), hunt.create()
    assert kibana.get(f"/api/cases/{first['id']}")["incremental_id"] == 1
    assert hunt.get(f"/api/cases/{other['id']}")["incremental_id"] == 1


def test_an_unknown_space_is_not_found(kibana: Any) -> None:
    assert kibana.refused("GET", "/s/nope/api/cases/_find", 404) == "Saved object [space/nope] not found"
