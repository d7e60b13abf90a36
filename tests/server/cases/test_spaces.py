"""Spaces: what is in one is not in another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kibcase.server.app import CasesServer
from kibcase.server.users import User


@pytest.fixture
def hunt(kibana: Any) -> Any:
    made = kibana.send("POST", "/api/spaces/space", json={"id": "hunt", "name": "Hunt", "description": "x"})
    assert made.json() == {"id": "hunt", "name": "Hunt", "description": "x", "disabledFeatures": []}
    return type(kibana)(kibana.server, space="hunt")


def test_spaces_are_listed_and_read(kibana: Any, hunt: Any) -> None:
    assert [space["id"] for space in kibana.get("/api/spaces/space")] == ["default", "hunt"]
    assert kibana.get("/api/spaces/space/hunt")["name"] == "Hunt"
    assert kibana.refused("GET", "/api/spaces/space/nope", 404) == "Not Found"


_ID = "must be lower case, a-z, 0-9, '_', and '-' are allowed"
_SOLUTIONS = "types that failed validation:\n" + "\n".join(
    f"- [request body.solution.{place}]: expected value to equal [{name}]"
    for place, name in enumerate(["es", "oblt", "security", "classic"])
)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"id": "Big"}, f"[request body.id]: {_ID}"),
        ({"id": ""}, f"[request body.id]: {_ID}"),
        ({"id": "a\n"}, f"[request body.id]: {_ID}"),
        ({"id": None}, "[request body.id]: expected value of type [string] but got [null]"),
        ({"name": 1}, "[request body.name]: expected value of type [string] but got [number]"),
        ({"name": ""}, "[request body.name]: value has length [0] but it must have a minimum length of [1]."),
        ({"description": []}, "[request body.description]: expected value of type [string] but got [Array]"),
        (
            {"initials": "abc"},
            "[request body.initials]: value has length [3] but it must have a maximum length of [2].",
        ),
        ({"color": "red"}, "[request body.color]: must be a 6 digit hex color, starting with a #"),
        ({"imageUrl": "http://x"}, "[request body.imageUrl]: must start with 'data:image'"),
        ({"disabledFeatures": "x"}, "[request body.disabledFeatures]: expected value of type [array] but got [string]"),
        (
            {"disabledFeatures": [{}]},
            "[request body.disabledFeatures.0]: expected value of type [string] but got [Object]",
        ),
        (
            {"disabledFeatures": ["x"] * 101},
            "[request body.disabledFeatures]: array size is [101], but cannot be greater than [100]",
        ),
        ({"_reserved": "yes"}, "[request body._reserved]: expected value of type [boolean] but got [string]"),
        ({"solution": "chat"}, f"[request body.solution]: {_SOLUTIONS}"),
        ({"more": 1}, "[request body.more]: definition for this key is missing"),
        ({"more": 1, "color": "red"}, "[request body.color]: must be a 6 digit hex color, starting with a #"),
    ],
)
def test_spaces_that_cannot_be(kibana: Any, hunt: Any, fields: Any, message: str) -> None:
    body = {"id": "x", "name": "x"} | fields
    assert kibana.refused("POST", "/api/spaces/space", 400, json=body) == message
    assert kibana.refused("PUT", "/api/spaces/space/hunt", 400, json=body) == message
    assert kibana.get("/api/spaces/space/hunt")["name"] == "Hunt"


def test_a_space_needs_a_name_and_an_id_of_its_own(kibana: Any) -> None:
    said = kibana.refused("POST", "/api/spaces/space", 400, json={"id": "x"})
    assert said == "[request body.name]: expected value of type [string] but got [undefined]"
    said = kibana.refused("POST", "/api/spaces/space", 409, json={"id": "default", "name": "x"})
    assert said == "A space with the identifier default already exists."
    said = kibana.refused("POST", "/api/spaces/space", 400, json=[])
    assert said == "[request body]: expected a plain object value, but found [Array] instead."


def test_spaces_come_by_name(kibana: Any) -> None:
    for identifier, name in (("a", "Zebra"), ("z", "Ant")):
        assert kibana.send("POST", "/api/spaces/space", json={"id": identifier, "name": name}).status_code == 200
    assert [space["name"] for space in kibana.get("/api/spaces/space")] == ["Ant", "Default", "Zebra"]


def test_a_space_is_changed(kibana: Any, hunt: Any) -> None:
    body = {"id": "other", "name": " Hunting ", "color": "#aabbcc", "initials": "Hu", "disabledFeatures": ["siemV2"]}
    wanted = {
        "id": "hunt", "name": "Hunting", "description": "x", "color": "#aabbcc", "initials": "Hu",
        "disabledFeatures": ["siemV2"],
    }
    assert kibana.send("PUT", "/api/spaces/space/hunt", json=body).json() == wanted
    assert kibana.get("/api/spaces/space/hunt") == wanted
    assert kibana.send("PUT", "/api/spaces/space/hunt", json={"id": "hunt", "name": "Hunting"}).json() == wanted | {
        "disabledFeatures": []
    }
    assert kibana.refused("GET", "/api/spaces/space/other", 404) == "Not Found"
    assert kibana.refused("PUT", "/api/spaces/space/nope", 404, json={"id": "nope", "name": "x"}) == "Not Found"


def test_the_default_space_stays_reserved(kibana: Any) -> None:
    changed = kibana.send("PUT", "/api/spaces/space/default", json={"id": "default", "name": "All", "_reserved": False})
    assert (changed.json()["name"], changed.json()["_reserved"]) == ("All", True)
    said = kibana.refused("DELETE", "/api/spaces/space/default", 400)
    assert said == "The default space cannot be deleted because it is reserved."


@pytest.mark.parametrize(
    ("solution", "hidden"),
    [("es", {"observability", "securitySolution"}), ("oblt", {"securitySolution"}), ("security", {"observability"})],
)
def test_a_solution_hides_the_others(kibana: Any, hunt: Any, solution: str, hidden: set[str]) -> None:
    body = {"id": "hunt", "name": "Hunt", "solution": solution, "disabledFeatures": ["apm"]}
    changed = kibana.send("PUT", "/api/spaces/space/hunt", json=body).json()
    assert changed["solution"] == solution
    assert {f"{owner}CasesV3" for owner in hidden} == {
        name for name in changed["disabledFeatures"] if name.endswith("CasesV3")
    }
    for owner in ("cases", "observability", "securitySolution"):
        made = hunt.send("POST", "/api/cases", json=_case(owner))
        assert made.status_code == (403 if owner in hidden else 200), made.text


def test_a_solution_view_keeps_what_was_disabled_by_hand(kibana: Any, hunt: Any) -> None:
    def put(**fields: Any) -> Any:
        body = {"id": "hunt", "name": "Hunt"} | fields
        return kibana.send("PUT", "/api/spaces/space/hunt", json=body).json()["disabledFeatures"]

    assert put(disabledFeatures=["ml"]) == ["ml"]
    shown = put(solution="security", disabledFeatures=["graph"])
    assert "ml" not in shown
    assert put(solution="classic", disabledFeatures=shown) == ["ml"]
    assert put(solution="classic", disabledFeatures=["graph"]) == ["graph"]


def test_an_older_stack_hides_its_own_generation_of_features(connect: Any) -> None:
    kibana = connect(stack_version="8.17.0")
    made = kibana.send("POST", "/api/spaces/space", json={"id": "o", "name": "o", "solution": "oblt"}).json()
    assert "securitySolutionCasesV2" in made["disabledFeatures"]


def test_a_deleted_space_takes_its_cases_along(kibana: Any, hunt: Any, make_alert: Any) -> None:
    here, there = kibana.create(title="here"), hunt.create(title="there")
    hunt.comment(there)
    hunt.attach(there, make_alert("a1"))
    uploaded = hunt.send("POST", f"/api/cases/{there['id']}/files", files={"file": ("a.txt", b"abc", "text/plain")})
    assert uploaded.status_code == 200, uploaded.text
    configuration = {"closure_type": "close-by-user", "owner": "cases", "connector": _case("cases")["connector"]}
    assert hunt.send("POST", "/api/cases/configure", json=configuration).status_code == 200
    deleted = kibana.send("DELETE", "/api/spaces/space/hunt")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert kibana.refused("DELETE", "/api/spaces/space/hunt", 404) == "Not Found"
    assert hunt.refused("GET", "/api/cases/_find", 404) == "Saved object [space/hunt] not found"
    assert kibana.get(f"/api/cases/{here['id']}")["title"] == "here"
    kibana.send("POST", "/api/spaces/space", json={"id": "hunt", "name": "Hunt"})
    assert hunt.get("/api/cases/_find")["total"] == 0
    assert hunt.get("/api/cases/configure") == []
    made = hunt.create()
    assert kibana.server.number_cases() == 2
    assert hunt.get(f"/api/cases/{made['id']}")["incremental_id"] == 1


def test_what_belongs_to_a_space_is_gone_from_the_file(kibana: Any, hunt: Any) -> None:
    case = hunt.create()
    hunt.comment(case)
    hunt.send("POST", f"/api/cases/{case['id']}/files", files={"file": ("a.txt", b"abc", "text/plain")})
    with kibana.server.cases.spaces.store.transaction() as db:
        tables = [row["name"] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: list(map(tuple, db.execute(f"SELECT * FROM {name}"))) for name in tables}
    assert any("hunt" in row for row in rows["cases"])
    kibana.send("DELETE", "/api/spaces/space/hunt")
    with kibana.server.cases.spaces.store.transaction() as db:
        for name in ("cases", "attachments", "user_actions", "files", "file_chunks", "attached_documents"):
            assert db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] == 0, name


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"purpose": "x"},
            (
                "[request query.purpose]: types that failed validation:\n"
                "- [request query.purpose.0]: expected value to equal [any]\n"
                "- [request query.purpose.1]: expected value to equal [copySavedObjectsIntoSpace]\n"
                "- [request query.purpose.2]: expected value to equal [shareSavedObjectsIntoSpace]"
            ),
        ),
        (
            {"include_authorized_purposes": "x"},
            "[request query.include_authorized_purposes]: expected value of type [boolean] but got [string]",
        ),
        (
            {"purpose": "any", "include_authorized_purposes": "true"},
            "[request query]: include_authorized_purposes can only be false when purpose is specified",
        ),
        ({"more": "1"}, "[request query.more]: definition for this key is missing"),
    ],
)
def test_the_list_of_spaces_knows_two_parameters(kibana: Any, params: Any, message: str) -> None:
    assert kibana.refused("GET", "/api/spaces/space", 400, params=params) == message


@pytest.fixture
def connect_as(kibana: Any, clock: Any) -> Iterator[tuple[Any, Any]]:
    """Speak to one server as a superuser and as somebody who may read cases in the space ``hunt`` alone."""
    reads = [{"feature": {"generalCasesV3": ["read"]}, "spaces": ["hunt"]}]
    users: dict[str, str | User] = {"elastic": "changeme", "noor": User(password="noor-secret", privileges=reads)}
    with CasesServer(users=users, clock=clock) as server:
        elastic = type(kibana)(server, user="elastic", password="changeme")
        made = elastic.send("POST", "/api/spaces/space", json={"id": "hunt", "name": "Hunt"})
        assert made.status_code == 200, made.text
        yield elastic, type(kibana)(server, user="noor", password="noor-secret")


def test_the_list_tells_what_a_person_may_do_where(connect_as: Any) -> None:
    elastic, noor = connect_as
    everything = {
        "any": True, "copySavedObjectsIntoSpace": True, "findSavedObjects": True, "shareSavedObjectsIntoSpace": True,
    }
    told = elastic.get("/api/spaces/space", include_authorized_purposes="true")
    assert [space["authorizedPurposes"] for space in told] == [everything, everything]
    assert [space["id"] for space in noor.get("/api/spaces/space", purpose="any")] == ["hunt"]
    told = noor.get("/api/spaces/space", include_authorized_purposes="true")
    assert told[0]["authorizedPurposes"] == everything | {
        "copySavedObjectsIntoSpace": False, "shareSavedObjectsIntoSpace": False,
    }
    said = noor.refused("GET", "/api/spaces/space", 403, params={"purpose": "copySavedObjectsIntoSpace"})
    assert said == "Forbidden"


def test_spaces_are_managed_by_those_who_may_do_everything(connect_as: Any) -> None:
    elastic, noor = connect_as
    body = {"id": "hunt", "name": "Hunt"}
    assert noor.refused("POST", "/api/spaces/space", 403, json=body) == "Unauthorized to create spaces"
    assert noor.refused("PUT", "/api/spaces/space/hunt", 403, json=body) == "Unauthorized to update spaces"
    assert noor.refused("PUT", "/api/spaces/space/nope", 403, json=body) == "Unauthorized to update spaces"
    assert noor.refused("DELETE", "/api/spaces/space/hunt", 403) == "Unauthorized to delete spaces"
    assert noor.refused("GET", "/api/spaces/space/default", 403) == "Unauthorized to get default space"
    assert noor.get("/api/spaces/space/hunt")["name"] == "Hunt"
    bad = noor.refused("POST", "/api/spaces/space", 400, json={"id": "x"})
    assert bad.startswith("[request body.name]")
    assert [space["id"] for space in elastic.get("/api/spaces/space")] == ["default", "hunt"]


def test_a_space_outlives_the_server(tmp_path: Path) -> None:
    with CasesServer(data=tmp_path / "state.db") as server:
        server.cases.spaces.create({"id": "a", "name": "A", "solution": "es"})
    with CasesServer(data=tmp_path / "state.db") as server:
        assert server.cases.spaces.get("a")["solution"] == "es"


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
    assert kibana.server.number_cases() == 2
    assert kibana.get(f"/api/cases/{first['id']}")["incremental_id"] == 1
    assert hunt.get(f"/api/cases/{other['id']}")["incremental_id"] == 1


def test_an_unknown_space_is_not_found(kibana: Any) -> None:
    assert kibana.refused("GET", "/s/nope/api/cases/_find", 404) == "Saved object [space/nope] not found"


def _case(owner: str) -> dict[str, Any]:
    return {
        "title": "t", "description": "d", "tags": [], "owner": owner, "settings": {"syncAlerts": False},
        "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
    }
