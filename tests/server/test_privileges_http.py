"""Users, roles and API keys, made over HTTP as scripts for a real stack make them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from kibcase.server.app import CasesServer
from kibcase.server.users import User

ROOT = ("elastic", "changeme")
ANA = ("ana", "ana-password")
ANALYST = {"kibana": [{"feature": {"securitySolutionCasesV3": ["all"]}, "spaces": ["default"]}]}
CASE = {
    "title": "Beacon", "description": "Seen.", "tags": [], "owner": "securitySolution",
    "settings": {"syncAlerts": True},
    "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
}


class Stack:
    """Both faces of one server."""

    def __init__(self, server: CasesServer) -> None:
        self.server = server

    def kibana(self, method: str, path: str, *, auth: Any = ROOT, key: str | None = None, **more: Any) -> Any:
        return self._send(self.server.kibana_url, method, path, auth, key, more)

    def search(self, method: str, path: str, *, auth: Any = ROOT, key: str | None = None, **more: Any) -> Any:
        return self._send(self.server.elasticsearch_url, method, f"/_security/{path}", auth, key, more)

    def make_ana(self, role: Any = ANALYST, **fields: Any) -> None:
        assert self.kibana("PUT", "/api/security/role/analyst", json=role).status_code == 204
        body = {"password": "ana-password", "roles": ["analyst"], **fields}
        answer = self.search("PUT", "user/ana", json=body)
        assert answer.json() == {"created": True}

    def creates(self, **who: Any) -> int:
        status: int = self.kibana("POST", "/api/cases", json=CASE, **who).status_code
        return status

    @staticmethod
    def _send(url: str, method: str, path: str, auth: Any, key: str | None, more: dict[str, Any]) -> requests.Response:
        headers = {"kbn-xsrf": "t", "x-elastic-internal-origin": "t"}
        if key is not None:
            headers["authorization"] = f"ApiKey {key}"
        who = None if key is not None else auth
        return requests.request(method, url + path, auth=who, headers=headers, timeout=10, **more)


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = datetime(2025, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stack(clock: Clock) -> Iterator[Stack]:
    with CasesServer(clock=clock) as server:
        yield Stack(server)


@pytest.fixture
def reopen(tmp_path: Path) -> Callable[[], CasesServer]:
    return lambda: CasesServer(data=tmp_path / "kibana.db")


def test_a_role_a_user_and_a_key(stack: Stack) -> None:
    role = {**ANALYST, "elasticsearch": {"cluster": ["manage_own_api_key"]}}
    stack.make_ana(role, full_name="Ana", email="a@b.example")
    assert stack.creates(auth=ANA) == 200
    me = stack.search("GET", "_authenticate", auth=ANA).json()
    assert me == {
        "username": "ana", "full_name": "Ana", "email": "a@b.example", "enabled": True, "roles": ["analyst"],
        "metadata": {}, "authentication_realm": {"name": "default_native", "type": "native"},
        "lookup_realm": {"name": "default_native", "type": "native"}, "authentication_type": "realm",
    }
    reading = {
        "role_descriptors": {"reading": {"applications": [{
            "application": "kibana-.kibana", "privileges": ["feature_securitySolutionCasesV3.read"],
            "resources": ["space:default"],
        }]}},
    }
    whole = stack.search("POST", "api_key", auth=ANA, json={"name": "whole"}).json()
    narrow = stack.search("POST", "api_key", auth=ANA, json={"name": "narrow", **reading}).json()
    assert set(whole) == {"id", "name", "api_key", "encoded"}
    assert stack.creates(key=whole["encoded"]) == 200
    assert stack.creates(key=narrow["encoded"]) == 403
    assert stack.kibana("GET", "/api/cases/_find", key=narrow["encoded"]).json()["total"] == 2
    told = stack.search("GET", "_authenticate", key=narrow["encoded"]).json()
    assert (told["username"], told["roles"], told["api_key"]) == ("ana", [], {"id": narrow["id"], "name": "narrow"})
    mine = stack.kibana("GET", "/internal/security/me", key=whole["encoded"]).json()
    assert mine["api_key"] == {"id": whole["id"], "name": "whole"}


def test_a_changed_role_is_good_at_once(stack: Stack) -> None:
    stack.make_ana()
    assert stack.creates(auth=ANA) == 200
    reader = {"kibana": [{"feature": {"securitySolutionCasesV3": ["read"]}}]}
    assert stack.kibana("PUT", "/api/security/role/analyst", json=reader).status_code == 204
    assert stack.creates(auth=ANA) == 403
    assert stack.kibana("DELETE", "/api/security/role/analyst").status_code == 204
    assert stack.kibana("GET", "/api/cases/_find", auth=ANA).status_code == 403


def test_roles_are_read_as_they_were_written(stack: Stack) -> None:
    body = {
        "description": "Analysts", "metadata": {"team": "soc"},
        "elasticsearch": {
            "cluster": ["monitor"], "indices": [{"names": [".alerts-*"], "privileges": ["read"]}], "run_as": [],
        },
        "kibana": [
            {"feature": {"generalCasesV3": ["minimal_all", "case_reopen"], "siemV5": ["all"]}, "spaces": ["soc"]},
            {"base": ["read"], "feature": {}, "spaces": ["*"]},
        ],
    }
    assert stack.kibana("PUT", "/api/security/role/a%20b", json=body).status_code == 204
    role = stack.kibana("GET", "/api/security/role/a%20b").json()
    assert role["kibana"][0]["feature"] == {"generalCasesV3": ["case_reopen", "minimal_all"], "siemV5": ["all"]}
    assert role["kibana"][1] == {"base": ["read"], "feature": {}, "spaces": ["*"]}
    assert (role["name"], role["description"], role["metadata"]) == ("a b", "Analysts", {"team": "soc"})
    assert role["elasticsearch"] == body["elasticsearch"]
    assert (role["_transform_error"], role["_unrecognized_applications"]) == ([], [])
    names = [each["name"] for each in stack.kibana("GET", "/api/security/role").json()]
    assert names == ["a b", "editor", "kibana_admin", "superuser", "viewer"]
    told = stack.search("GET", "role/a%20b").json()["a b"]
    assert {"application": "kibana-.kibana", "privileges": ["read"], "resources": ["*"]} in told["applications"]
    created = stack.kibana("PUT", "/api/security/role/a%20b", json=body, params={"createOnly": "true"})
    assert (created.status_code, created.json()["message"]) == (409, "Role already exists and cannot be created: a b")


@pytest.mark.parametrize(("body", "says"), [
    ({"kibana": [{"feature": {"generalCasesV3": ["fly"]}}]}, "Role cannot be updated due to validation errors: "),
    ({"kibana": [{"base": ["root"]}]}, "Role cannot be updated due to validation errors: "),
    ({"kibana": {}}, "[request body.kibana]: expected value of type [array]"),
    ({"kibana": ["all"]}, "[request body.kibana.0]: expected a plain object value"),
    ({"elasticsearch": {"cluster": "all"}}, "[request body.elasticsearch.cluster]: expected a list of strings"),
    ({"roles": []}, "[request body.roles]: definition for this key is missing"),
    ([], "[request body]: expected a plain object value, but found [Array] instead."),
])
def test_roles_that_are_refused(stack: Stack, body: Any, says: str) -> None:
    answer = stack.kibana("PUT", "/api/security/role/r", json=body)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(says)
    assert stack.kibana("GET", "/api/security/role/r").status_code == 404


def test_reserved_roles_stay(stack: Stack) -> None:
    answer = stack.kibana("PUT", "/api/security/role/superuser", json={})
    assert (answer.status_code, "reserved" in answer.json()["message"]) == (400, True)
    assert stack.kibana("DELETE", "/api/security/role/viewer").status_code == 400
    assert stack.kibana("DELETE", "/api/security/role/nobody").status_code == 404
    assert stack.kibana("PUT", f"/api/security/role/{'x' * 1025}", json={}).status_code == 400


def test_built_in_roles(stack: Stack) -> None:
    for name, status in (("viewer", 403), ("editor", 200), ("kibana_admin", 200), ("superuser", 200), ("nobody", 403)):
        body = {"password": "word-of-ben", "roles": [name]}
        assert stack.search("POST", f"user/{name}-ben", json=body).json() == {"created": True}
        assert stack.creates(auth=(f"{name}-ben", "word-of-ben")) == status


def test_users_are_changed_shown_and_removed(stack: Stack) -> None:
    stack.make_ana()
    shown: dict[str, Any] = {
        "username": "ana", "roles": ["analyst"], "full_name": None, "email": None, "metadata": {}, "enabled": True,
    }
    assert stack.search("GET", "user/ana").json() == {"ana": shown}
    assert set(stack.search("GET", "user").json()) == {"ana", "elastic"}
    assert "ana-password" not in stack.search("GET", "user").text
    assert stack.search("GET", "user/nobody").status_code == 404
    assert stack.search("PUT", "user/ana", json={"roles": ["analyst"], "enabled": False}).json() == {"created": False}
    assert stack.kibana("GET", "/api/cases/_find", auth=ANA).status_code == 401
    stack.search("PUT", "user/ana", json={"roles": ["analyst"]})
    assert stack.creates(auth=ANA) == 200
    stack.search("PUT", "user/ana", json={"roles": ["analyst"], "password": "another-word"})
    assert stack.creates(auth=ANA) == 401
    assert stack.creates(auth=("ana", "another-word")) == 200
    assert stack.search("DELETE", "user/ana").json() == {"found": True}
    again = stack.search("DELETE", "user/ana")
    assert (again.status_code, again.json()) == (404, {"found": False})
    assert stack.creates(auth=("ana", "another-word")) == 401


@pytest.mark.parametrize(("body", "says"), [
    ({"roles": []}, "password must be specified unless you are updating an existing user"),
    ({"password": "long-enough"}, "roles are missing"),
    ({"password": "short", "roles": []}, "passwords must be at least [6] characters long"),
    ({"password": 1234567, "roles": []}, "expected [password] to be a string"),
    ({"password": "long-enough", "roles": "analyst"}, "expected [roles] to be a list of strings"),
    ({"password": "long-enough", "roles": [], "admin": True}, "unexpected field [admin]"),
    ({"password": "long-enough", "roles": [], "enabled": "yes"}, "[enabled] must be a boolean"),
    ({"password": "long-enough", "roles": [], "metadata": 1}, "expected [metadata] to be an object"),
])
def test_users_that_are_refused(stack: Stack, body: Any, says: str) -> None:
    answer = stack.search("PUT", "user/ben", json=body)
    assert answer.status_code == 400
    assert says in answer.json()["error"]["reason"]
    assert set(stack.search("GET", "user").json()) == {"elastic"}


def test_given_users_and_odd_names_are_refused(stack: Stack) -> None:
    body = {"password": "long-enough", "roles": []}
    for name in ("elastic", "%20ana", "x" * 508):
        assert stack.search("PUT", f"user/{name}", json=body).status_code == 400
    assert stack.search("DELETE", "user/elastic").status_code == 400
    assert stack.creates() == 200


def test_only_managers_of_security_make_users(stack: Stack) -> None:
    stack.make_ana()
    calls: list[tuple[str, str, str]] = [
        ("PUT", "user/ben", "user/put"), ("DELETE", "user/ana", "user/delete"), ("GET", "user", "user/get"),
        ("PUT", "role/r", "role/put"), ("GET", "role", "role/get"), ("DELETE", "role/analyst", "role/delete"),
        ("POST", "api_key", "api_key/create"), ("GET", "api_key", "api_key/get"),
    ]
    for method, path, action in calls:
        answer = stack.search(method, path, auth=ANA, json={})
        assert answer.status_code == 403, answer.text
        reason = answer.json()["error"]["reason"]
        assert reason.startswith(
            f"action [cluster:admin/xpack/security/{action}] is unauthorized for user [ana] with effective roles "
            "[analyst], this action is granted by the cluster privileges ["
        )
    refused = stack.kibana("PUT", "/api/security/role/analyst", auth=ANA, json={"kibana": [{"base": ["all"]}]})
    assert refused.status_code == 403
    assert "cluster:admin/xpack/security/role/put" in refused.json()["message"]
    assert stack.kibana("GET", "/api/security/role", auth=ANA).status_code == 403


def test_keys_are_listed_and_invalidated(stack: Stack) -> None:
    stack.make_ana({**ANALYST, "elasticsearch": {"cluster": ["manage_own_api_key"]}})
    hers = stack.search("POST", "api_key", auth=ANA, json={"name": "one", "metadata": {"for": "test"}}).json()
    roots = stack.search("PUT", "api_key", json={"name": "two"}).json()
    listed = stack.search("GET", "api_key?owner=true", auth=ANA).json()["api_keys"]
    assert [key["id"] for key in listed] == [hers["id"]]
    assert (listed[0]["metadata"], listed[0]["username"], listed[0]["invalidated"]) == ({"for": "test"}, "ana", False)
    assert hers["api_key"] not in str(listed)
    assert "hash" not in listed[0]
    assert stack.search("GET", "api_key", auth=ANA).status_code == 403
    assert stack.search("GET", f"api_key?id={roots['id']}").json()["api_keys"][0]["name"] == "two"
    assert stack.search("GET", "api_key?id=nowhere").status_code == 404
    assert len(stack.search("GET", "api_key?name=*").json()["api_keys"]) == 2
    assert stack.search("DELETE", "api_key", auth=ANA, json={"ids": [roots["id"]]}).status_code == 403
    gone = {"invalidated_api_keys": [hers["id"]], "previously_invalidated_api_keys": [], "error_count": 0}
    assert stack.search("DELETE", "api_key", auth=ANA, json={"ids": [hers["id"]], "owner": True}).json() == gone
    assert stack.creates(key=hers["encoded"]) == 401
    again = stack.search("DELETE", "api_key", json={"name": "one"}).json()
    assert again["previously_invalidated_api_keys"] == [hers["id"]]
    assert stack.search("GET", "api_key?active_only=true").json()["api_keys"][0]["id"] == roots["id"]
    assert stack.search("DELETE", "api_key", json={}).status_code == 400


def test_keys_expire(stack: Stack, clock: Clock) -> None:
    key = stack.search("POST", "api_key", json={"name": "short", "expiration": "1h"}).json()
    assert key["expiration"] == int((clock.at + timedelta(hours=1)).timestamp() * 1000)
    assert stack.creates(key=key["encoded"]) == 200
    clock.at += timedelta(hours=1)
    assert stack.creates(key=key["encoded"]) == 401


def test_a_key_makes_no_stronger_key(stack: Stack) -> None:
    first = stack.search("POST", "api_key", json={"name": "first"}).json()
    refused = stack.search("POST", "api_key", key=first["encoded"], json={"name": "second"})
    assert refused.status_code == 400
    assert "creating derived api keys requires an explicit role descriptor that is empty" in refused.text
    empty = {"name": "second", "role_descriptors": {"none": {}}}
    second = stack.search("POST", "api_key", key=first["encoded"], json=empty).json()
    assert stack.kibana("GET", "/api/cases/_find", key=second["encoded"]).status_code == 403


@pytest.mark.parametrize("body", [
    {}, {"name": ""}, {"name": 1}, {"name": "k", "expiration": "soon"}, {"name": "k", "role_descriptors": {"r": 1}},
    {"name": "k", "roles": []}, {"name": "k", "role_descriptors": {"r": {"applications": [{"application": "a"}]}}},
    {"name": "k", "role_descriptors": {"r": {"applications": 1}}},
    {"name": "k", "role_descriptors": {"r": {"index": 1}}},
])
def test_keys_that_are_refused(stack: Stack, body: Any) -> None:
    assert stack.search("POST", "api_key", json=body).status_code == 400
    assert stack.search("GET", "api_key").json() == {"api_keys": []}


def test_accounts_outlive_the_server_and_secrets_are_hashed(reopen: Callable[[], CasesServer], tmp_path: Path) -> None:
    with reopen() as server:
        stack = Stack(server)
        stack.make_ana()
        key = stack.search("POST", "api_key", json={"name": "k"}).json()
    with reopen() as server:
        stack = Stack(server)
        assert stack.creates(auth=ANA) == 200
        assert stack.creates(key=key["encoded"]) == 200
        assert stack.search("DELETE", "api_key", json={"id": key["id"]}).ok
    with reopen() as server:
        assert Stack(server).creates(key=key["encoded"]) == 401
    database = sqlite3.connect(tmp_path / "kibana.db")
    kept = "\n".join(database.iterdump())
    database.close()
    assert "ana-password" not in kept
    assert key["api_key"] not in kept


def test_given_users_go_before_stored_ones(tmp_path: Path) -> None:
    with CasesServer(data=tmp_path / "k.db") as server:
        Stack(server).make_ana()
    with CasesServer(data=tmp_path / "k.db", users={"ana": User(password="given-word")}) as server:
        stack = Stack(server)
        assert stack.creates(auth=ANA) == 401
        assert stack.creates(auth=("ana", "given-word")) == 200
        assert stack.creates() == 401
