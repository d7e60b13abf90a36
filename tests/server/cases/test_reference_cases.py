"""What Kibana's own sources and API integration tests say of cases, their activity and privileges."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from kibcase.server import limits
from kibcase.server.app import CasesServer
from kibcase.server.users import User

SECURITY = {"feature": {"securitySolutionCasesV3": ["all"]}, "spaces": ["soc"]}
PEOPLE = {
    "mara": User(password="secret", full_name="Mara Lindqvist", email="mara@soc.example", profile_uid="u_mara"),
    "noor": User(password="noor-secret", profile_uid="u_noor"),
    "olaf": User(password="olaf-secret", privileges=[SECURITY]),
}
MARA = {"uid": "u_mara", "username": "mara", "full_name": "Mara Lindqvist", "email": "mara@soc.example"}


def edited(kibana: Any, *, deleted: bool = False) -> dict[str, Any]:
    """A case whose one comment was changed and perhaps deleted."""
    case: dict[str, Any] = kibana.create()
    comment = kibana.comment(case)["comments"][0]
    body = {"id": comment["id"], "version": comment["version"], "type": "user", "comment": "b", "owner": case["owner"]}
    assert kibana.send("PATCH", f"/api/cases/{case['id']}/comments", json=body).status_code == 200
    if deleted:
        kibana.send("DELETE", f"/api/cases/{case['id']}/comments/{comment['id']}")
    return case


def stats(kibana: Any, case: dict[str, Any]) -> dict[str, int]:
    found: dict[str, int] = kibana.get(f"/internal/cases/{case['id']}/user_actions/_stats")
    return found


@pytest.fixture
def staffed(clock: Any) -> Any:
    with CasesServer(users=PEOPLE, clock=clock, stack_version="9.5.0") as server:
        yield server


@pytest.fixture
def mara(staffed: Any, kibana: Any) -> Any:
    return type(kibana)(staffed)


def test_updates_are_hidden_only_if_their_comment_was_deleted(connect: Any) -> None:
    newer = connect(stack_version="9.4.0")
    kept = stats(newer, edited(newer))
    assert (kept["total_comment_creations"], kept["total_hidden_comment_updates"]) == (1, 0)
    assert stats(newer, edited(newer, deleted=True)) == {
        "total": 4, "total_deletions": 1, "total_comments": 3, "total_comment_deletions": 1,
        "total_comment_creations": 1, "total_hidden_comment_updates": 1, "total_other_actions": 1,
        "total_other_action_deletions": 0,
    }


def test_what_is_counted_of_deletions_before_9_4(kibana: Any) -> None:
    assert stats(kibana, edited(kibana, deleted=True)) == {
        "total": 4, "total_deletions": 1, "total_comments": 3, "total_comment_deletions": 1,
        "total_other_actions": 1, "total_other_action_deletions": 0,
    }


def test_user_comments_were_listed_with_their_edits_before_9_4(kibana: Any, connect: Any) -> None:
    verbs = [action["action"] for action in kibana.actions(edited(kibana, deleted=True), types="user")]
    assert verbs == ["create", "update", "delete"]
    newer = connect(stack_version="9.4.0")
    assert [action["action"] for action in newer.actions(edited(newer), types="user")] == ["create"]


def test_assignees_get_their_names_when_they_are_written(mara: Any) -> None:
    case = mara.create(assignees=[{"uid": "u_mara"}, {"uid": "ghost"}, {"uid": "ghost"}])
    assert case["assignees"] == [MARA, {"uid": "ghost"}]
    assert mara.get("/api/cases/_find", assignees="u_mara")["cases"][0]["assignees"] == case["assignees"]
    case = mara.get(f"/api/cases/{case['id']}")
    same = {"id": case["id"], "version": case["version"], "assignees": [{"uid": "ghost"}, {"uid": "u_mara"}]}
    mara.refused("PATCH", "/api/cases", 406, json={"cases": [same]})
    moved = mara.patch(case, assignees=[{"uid": "u_noor"}, {"uid": "ghost"}, {"uid": ""}])
    noor = {"uid": "u_noor", "username": "noor", "full_name": None, "email": None}
    assert moved["assignees"] == [noor, {"uid": "ghost"}]
    assert [(action["action"], action["payload"]["assignees"]) for action in mara.actions(case, types="assignees")] == [
        ("add", [{"uid": "u_noor"}]), ("delete", [{"uid": "u_mara"}]),
    ]


@pytest.mark.parametrize("key", ["author", "authors", "search"])
def test_only_the_internal_list_of_activity_is_searched(connect: Any, key: str) -> None:
    newer = connect(stack_version="9.5.0")
    path = f"/api/cases/{newer.create()['id']}/user_actions/_find"
    assert newer.refused("GET", path, 400, params={key: "mara"}) == f'invalid keys "{key}"'


def test_authors_are_user_names(mara: Any) -> None:
    path = f"/internal/cases/{mara.create()['id']}/user_actions/_find"
    assert mara.get(path, authors="mara")["total"] == 1
    assert mara.get(path, authors="u_mara")["total"] == 0


def test_a_search_of_activity_ends_after_so_many(connect: Any, monkeypatch: Any) -> None:
    newer = connect(stack_version="9.5.0")
    case = newer.create()
    newer.comment(newer.comment(case, "first needle"), "second needle")
    monkeypatch.setattr(limits, "ACTIVITY_SEARCHED", 2)
    path = f"/internal/cases/{case['id']}/user_actions/_find"
    found = [newer.get(path, search="needle", sortOrder=order)["userActions"] for order in ("asc", "desc")]
    assert [[action["payload"]["comment"]["comment"] for action in each] for each in found] == [
        ["first needle"], ["second needle", "first needle"],
    ]


@pytest.mark.parametrize("rest", ["comments", "user_actions"])
def test_deprecated_lists_of_no_case_are_empty(connect: Any, rest: str) -> None:
    assert connect(stack_version="8.19.0").get(f"/api/cases/ghost/{rest}") == []


def test_who_has_no_privilege_in_a_space_cannot_even_ask(mara: Any) -> None:
    case = mara.create()
    olaf = type(mara)(mara.server, user="olaf", password="olaf-secret")
    item = {"typeKey": "observable-type-ipv4", "value": "127.0.0.1", "description": None}
    for method, path, body in (
        ("GET", "/api/cases/_find", None),
        ("GET", f"/api/cases/{case['id']}", None),
        ("GET", "/api/cases/ghost", None),
        ("POST", "/api/cases", {"unknown": True}),
        ("POST", f"/internal/cases/{case['id']}/observables", {"observable": item}),
        ("DELETE", f"/internal/cases/{case['id']}/observables/x", None),
        ("GET", f"/internal/cases/{case['id']}/_connectors", None),
    ):
        assert olaf.refused(method, path, 403, json=body) == "Unauthorized to get default space"
    mara.send("POST", "/api/spaces/space", json={"id": "soc", "name": "SOC"})
    inside = type(mara)(mara.server, user="olaf", password="olaf-secret", space="soc")
    assert inside.get("/api/cases/_find")["total"] == 0
    assert inside.refused("GET", "/api/cases/ghost", 404) == "Saved object [cases/ghost] not found"


def test_profiles_are_suggested_to_readers_of_cases(mara: Any) -> None:
    olaf = type(mara)(mara.server, user="olaf", password="olaf-secret")
    message = olaf.refused("POST", "/internal/cases/_suggest_user_profiles", 403, json={"name": "m", "owners": []})
    assert message == (
        "API [POST /internal/cases/_suggest_user_profiles] is unauthorized for user, this action is granted by the "
        "Kibana privileges [casesSuggestUserProfiles]"
    )


def test_a_slash_too_many_redirects(kibana: Any) -> None:
    answer = kibana.send("GET", "/api/cases/alerts/?owner=cases", allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, "/api%2Fcases%2Falerts?owner=cases")
    kibana.send("POST", "/api/spaces/space", json={"id": "soc", "name": "SOC"})
    answer = kibana.send("GET", "/s/soc/api/nothing/", allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, "/s/soc/api%2Fnothing")
    assert kibana.send("POST", "/api/nothing/", json={}).status_code == 404
    assert kibana.send("GET", "//", allow_redirects=False).status_code == 404


def test_unknown_pages_ask_for_credentials_first(server: Any) -> None:
    for path, status in (("/api/nothing", 401), ("/api/nothing/", 401)):
        assert requests.get(server.kibana_url + path, timeout=10).status_code == status
    assert requests.post(server.kibana_url + "/api/nothing", timeout=10).status_code == 404
    assert urlsplit(server.kibana_url).path == ""


@pytest.fixture
def searched(kibana: Any) -> Any:
    """Three cases, with what they are about in different fields."""
    jira = {"id": "j1", "name": "Our tracker", "type": ".jira",
            "fields": {"issueType": "Task", "priority": None, "parent": None}}
    kibana.create(title="On ws-01 and ws-02", tags=["Red Team", "c2"], category="Phishing")
    kibana.create(title="Other", description="see mail-gateway", owner="observability", connector=jira, tags=[])
    kibana.create(title="Third", description="dns tunnel", tags=[])
    return kibana


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"search": "c2"}, ["On ws-01 and ws-02"]),
        ({"search": "C2"}, []),
        ({"search": "Red"}, []),
        ({"search": "phishing"}, []),
        ({"search": "Phish*"}, ["On ws-01 and ws-02"]),
        ({"search": "observability"}, ["Other"]),
        ({"search": "tracker"}, ["Other"]),
        ({"search": "mara", "owner": "observability"}, ["Other"]),
        ({"search": "c2", "searchFields": ["title", "description"]}, []),
        ({"search": "c2 on", "defaultSearchOperator": "AND"}, ["On ws-01 and ws-02"]),
        ({"search": "ws-0*", "searchFields": "title"}, ["On ws-01 and ws-02"]),
        ({"search": "ws-0*"}, ["On ws-01 and ws-02"]),
        ({"search": "mail-gate*", "searchFields": ["title", "description"]}, ["Other"]),
        ({"search": "mail-gate*", "searchFields": "title"}, []),
        ({"search": "mail-gate*"}, []),
        ({"search": "dns nothing*", "searchFields": "description", "defaultSearchOperator": "AND"}, []),
        ({"search": "dns tun*", "searchFields": "description", "defaultSearchOperator": "AND"}, ["Third"]),
    ],
)
def test_where_a_search_looks(searched: Any, params: dict[str, Any], expected: list[str]) -> None:
    assert [case["title"] for case in searched.get("/api/cases/_find", **params)["cases"]] == expected


def test_a_search_for_an_id(kibana: Any) -> None:
    case = kibana.create(title="Wanted")
    other = kibana.create(title=f"Like {case['id']}")

    def found(**params: Any) -> list[str]:
        return [each["id"] for each in kibana.get("/api/cases/_find", search=case["id"], **params)["cases"]]

    assert found() == [case["id"]]
    assert found(searchFields="title") == [case["id"], other["id"]]
    assert found(searchFields="title", defaultSearchOperator="AND") == []


def test_reading_many_gives_every_one_as_often_as_asked(kibana: Any) -> None:
    case = kibana.create()
    body = {"ids": [case["id"], "ghost", case["id"]]}
    answer = kibana.send("POST", "/internal/cases/_bulk_get", json=body).json()
    assert [each["id"] for each in answer["cases"]] == [case["id"]] * 2
    assert json.dumps(answer["errors"]).count("ghost") == 2
