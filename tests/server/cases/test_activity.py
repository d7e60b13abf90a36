"""User actions: statistics, the internal list, the people of a case."""

from __future__ import annotations

from typing import Any

import pytest

from kibcase.server.app import CasesServer
from kibcase.server.cases.activity_stats import matching
from kibcase.server.users import User

PEOPLE = {
    "mara": User(password="secret", full_name="Mara Lindqvist", email="mara@soc.example", profile_uid="u_mara"),
    "noor": User(password="noor-secret", full_name="Noor Haddad", profile_uid="u_noor"),
    "script": User(password="s"),
}


def stats(kibana: Any, case: dict[str, Any]) -> dict[str, int]:
    found: dict[str, int] = kibana.get(f"/internal/cases/{case['id']}/user_actions/_stats")
    return found


def history(kibana: Any, case: dict[str, Any], **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = kibana.get(f"/internal/cases/{case['id']}/user_actions/_find", **params)
    return found


def edited_case(kibana: Any, make_alert: Any) -> dict[str, Any]:
    case = kibana.create()
    whole = kibana.comment(kibana.comment(case, "first"), "second")
    first, second = whole["comments"]
    body = {"id": first["id"], "version": first["version"], "type": "user", "comment": "better", "owner": case["owner"]}
    assert kibana.send("PATCH", f"/api/cases/{case['id']}/comments", json=body).status_code == 200
    kibana.send("DELETE", f"/api/cases/{case['id']}/comments/{second['id']}")
    kibana.attach(case, make_alert("a1"))
    return {**case, "first": first["id"]}


def test_statistics(kibana: Any, make_alert: Any) -> None:
    assert stats(kibana, edited_case(kibana, make_alert)) == {
        "total": 6, "total_deletions": 1, "total_comments": 4, "total_comment_deletions": 1,
        "total_other_actions": 2, "total_other_action_deletions": 0,
    }


def test_statistics_of_older_stacks(connect: Any) -> None:
    older = connect(stack_version="9.1.0")
    case = older.comment(older.create())
    assert stats(older, case) == {"total": 2, "total_comments": 1, "total_other_actions": 1}


@pytest.mark.parametrize("rest", ["user_actions/_stats", "user_actions/_find", "_users"])
def test_unknown_cases(kibana: Any, rest: str) -> None:
    missing = "Saved object [cases/ghost] not found"
    assert kibana.refused("GET", f"/internal/cases/ghost/{rest}", 404) == missing
    kibana.send("POST", "/api/spaces/space", json={"id": "soc", "name": "SOC"})
    kibana.refused("GET", f"/s/soc/internal/cases/{kibana.create()['id']}/{rest}", 404)


def test_the_public_list_of_an_unknown_case(kibana: Any) -> None:
    assert kibana.refused("GET", "/api/cases/ghost/user_actions/_find", 404) == "Saved object [cases/ghost] not found"


def test_the_list_has_the_attachments_as_they_are_now(kibana: Any, make_alert: Any) -> None:
    case = edited_case(kibana, make_alert)
    found = history(kibana, case, sortOrder="desc")
    assert (found["page"], found["perPage"], found["total"], len(found["userActions"])) == (1, 20, 6, 6)
    assert {each["type"] for each in found["latestAttachments"]} == {"alert", "user"}
    (comment,) = [each for each in found["latestAttachments"] if each["type"] == "user"]
    assert (comment["id"], comment["comment"]) == (case["first"], "better")
    assert history(kibana, case, types="create_case")["latestAttachments"] == []
    assert history(kibana, case, perPage=2, page=3)["userActions"] == found["userActions"][:2][::-1]


def test_older_stacks_do_not_search_activity(kibana: Any) -> None:
    case = kibana.create()
    for params in ({"authors": "mara"}, {"search": "x"}):
        key = next(iter(params))
        path = f"/internal/cases/{case['id']}/user_actions/_find"
        assert kibana.refused("GET", path, 400, params=params) == f'invalid keys "{key}"'


def test_authors_and_search(connect: Any) -> None:
    newest = connect(stack_version="9.5.0")
    case = newest.create()
    newest.comment(case, "The Needle")
    theirs = type(newest)(newest.server, user="noor", password="noor-secret")
    theirs.comment(case, "hay")
    theirs_alone = history(newest, case, authors="noor")["userActions"]
    assert [action["created_by"]["username"] for action in theirs_alone] == ["noor"]
    assert history(newest, case, authors=["noor", "mara"])["total"] == 3
    found = history(newest, case, search="needle")
    assert (found["total"], found["userActions"][0]["payload"]["comment"]["comment"]) == (1, "The Needle")
    assert history(newest, case, search="NOOR")["total"] == 1
    assert history(newest, case, search="needle", types="create_case")["total"] == 0
    page = history(newest, case, search="a", perPage=1, page=2)
    assert (page["page"], page["perPage"], len(page["userActions"])) == (2, 1, 1)
    newest_first = history(newest, case, search="a", sortOrder="desc")["userActions"]
    assert newest_first == history(newest, case, search="a")["userActions"][::-1]
    assert history(newest, case, authors="noor", search="hay")["total"] == 1
    path = f"/internal/cases/{case['id']}/user_actions/_find"
    for params, message in (
        ({"search": ""}, "The search field cannot be an empty string."),
        ({"search": "x" * 257}, "The length of the search is too long. The maximum length is 256."),
        ({"authors": ["x"] * 101}, "The length of the field authors is too long. Array must be of length <= 100."),
    ):
        assert newest.refused("GET", path, 400, params=params) == message


def test_a_hit_in_extended_fields_shows_only_what_hit() -> None:
    action = {
        "type": "extended_fields", "created_by": {"username": "mara"},
        "payload": {"extended_fields": {"site_as_keyword": "Oslo", "risk_as_integer": "7"}},
    }
    found = matching(action, "oslo")
    assert found is not None
    assert found["payload"] == {"extended_fields": {"site_as_keyword": "Oslo"}}
    assert matching(action, "MARA") == action
    assert matching(action, "Rome") is None


@pytest.fixture
def staffed(clock: Any) -> Any:
    with CasesServer(users=PEOPLE, clock=clock, stack_version="9.5.0") as server:
        yield server


@pytest.fixture
def mara(staffed: Any, kibana: Any) -> Any:
    return type(kibana)(staffed)


def shown(username: str | None, full_name: str | None = None, email: str | None = None, **uid: str) -> dict[str, Any]:
    return {"user": {"email": email, "full_name": full_name, "username": username}, **uid}


MARA = shown("mara", "Mara Lindqvist", "mara@soc.example", uid="u_mara")
NOOR = shown("noor", "Noor Haddad", uid="u_noor")


def test_the_people_of_a_case(mara: Any) -> None:
    case = mara.create(assignees=[{"uid": "u_noor"}, {"uid": "u_gone"}])
    script = type(mara)(mara.server, user="script", password="s")
    script.comment(case)
    case = mara.patch(mara.get(f"/api/cases/{case['id']}"), assignees=[{"uid": "u_mara"}])
    assert mara.get(f"/internal/cases/{case['id']}/_users") == {
        "participants": [MARA, shown("script")],
        "assignees": [MARA],
        "unassignedUsers": [shown(None, uid="u_gone"), NOOR],
        "reporter": MARA,
    }


def test_assignees_are_answered_with_names(mara: Any) -> None:
    case = mara.create(assignees=[{"uid": "u_noor"}, {"uid": "ghost"}])
    named = [
        {"uid": "u_noor", "username": "noor", "full_name": "Noor Haddad", "email": None},
        {"uid": "ghost"},
    ]
    assert case["assignees"] == named
    assert mara.get("/api/cases/_find")["cases"][0]["assignees"] == named
    entry = {"id": case["id"], "version": case["version"], "assignees": named}
    message = mara.refused("PATCH", "/api/cases", 400, json={"cases": [entry]})
    assert message == 'invalid keys "username,full_name,email"'
    assert mara.actions(case)[0]["payload"]["assignees"] == [{"uid": "u_noor"}, {"uid": "ghost"}]


def test_older_stacks_give_uids_alone(kibana: Any) -> None:
    assert kibana.create(assignees=[{"uid": "x"}])["assignees"] == [{"uid": "x"}]


@pytest.fixture
def stranger(clock: Any, kibana: Any) -> Any:
    """Somebody who may do everything, but with cases of observability alone; and a case of security."""
    privileges = [{"feature": {"observabilityCasesV3": ["all"]}, "spaces": ["*"]}]
    users = {"mara": User(password="secret"), "olaf": User(password="o", privileges=privileges)}
    with CasesServer(users=users, clock=clock, stack_version="9.5.0") as server:
        owner = type(kibana)(server)
        case = owner.create()
        item = {"typeKey": "observable-type-hostname", "value": "ws-01", "description": None}
        owner.send("POST", f"/internal/cases/{case['id']}/observables", json={"observable": item})
        yield type(kibana)(server, user="olaf", password="o"), case


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("GET", "user_actions/_stats", None, 'Unauthorized to access case with owners: "securitySolution"'),
        ("GET", "user_actions/_find", None, 'Unauthorized to access case with owners: "securitySolution"'),
        ("GET", "_users", None, 'Unauthorized to access case with owners: "securitySolution"'),
        ("PUT", "custom_fields/x", {"value": None}, 'Unauthorized to update case with owners: "securitySolution"'),
    ],
)
def test_who_may_not(stranger: Any, method: str, path: str, body: Any, message: str) -> None:
    olaf, case = stranger
    version = type(olaf)(olaf.server).get(f"/api/cases/{case['id']}")["version"]
    given = None if body is None else {**body, "caseVersion": version}
    assert olaf.refused(method, f"/internal/cases/{case['id']}/{path}", 403, json=given) == message


def test_who_may_not_see_metrics_observables_or_documents(stranger: Any) -> None:
    olaf, case = stranger
    secret = 'Unauthorized to {} case with owners: "securitySolution"'
    path = f"/internal/cases/metrics/{case['id']}"
    assert olaf.refused("GET", path, 403, params={"features": "lifespan"}) == secret.format("access")
    item = {"typeKey": "observable-type-hostname", "value": "x", "description": None}
    path = f"/internal/cases/{case['id']}/observables"
    assert olaf.refused("POST", path, 400, json={"observable": item}) == (
        f"Failed to add observable: Error: {secret.format('update')}"
    )
    found = olaf.send("POST", f"/internal/cases/{case['id']}/_similar", json={}).json()
    assert found["cases"] == []
    body = {"documentIds": ["a"], "caseIds": [case["id"]]}
    message = olaf.refused("POST", "/internal/cases/case/attachments/_find_containing_all", 403, json=body)
    assert message.startswith("Unauthorized to access case")
    assert olaf.send("POST", "/internal/cases/_search", json={"owner": []}).json()["total"] == 0
    metrics = olaf.get("/internal/cases/metrics", features="status")
    assert metrics["status"] == {"open": 0, "inProgress": 0, "closed": 0}
