"""What users without all rights may do with attachments and files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from kibcase.server.app import CasesServer
from kibcase.server.users import User

OWNER = "securitySolution"
KIND = "/api/files/files/securitySolutionFilesCases"
USER = {"type": "user", "comment": "hello", "owner": OWNER}
COMMENT = {"type": "comment", "owner": OWNER, "data": {"content": "hello"}}


def granted(feature: str, *privileges: str) -> User:
    return User(password="secret", privileges=[{"feature": {feature: list(privileges)}, "spaces": ["*"]}])


@pytest.fixture
def server() -> Iterator[CasesServer]:
    users = {
        "elastic": User(password="secret"),
        "reader": granted("securitySolutionCasesV3", "read"),
        "stranger": granted("observabilityCasesV3", "all"),
        "nobody": User(password="secret", privileges=[]),
    }
    with CasesServer(stack_version="9.5.0", users=users) as running:
        yield running


def send(server: CasesServer, user: str, method: str, path: str, **more: Any) -> requests.Response:
    headers = {"kbn-xsrf": "test", "x-elastic-internal-origin": "test"}
    url = server.kibana_url + path
    return requests.request(method, url, auth=(user, "secret"), headers=headers, timeout=10, **more)


@pytest.fixture
def case(server: CasesServer) -> dict[str, Any]:
    body = {
        "title": "t", "description": "d", "tags": [], "owner": OWNER, "settings": {"syncAlerts": False},
        "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
    }
    made = send(server, "elastic", "POST", "/api/cases", json=body).json()
    upload = {"file": ("a.txt", b"abc")}
    whole = send(server, "elastic", "POST", f"/api/cases/{made['id']}/files", files=upload).json()
    found: dict[str, Any] = send(server, "elastic", "POST", f"/api/cases/{made['id']}/comments", json=USER).json()
    assert found["comments"][0] == whole["comments"][0]
    return found


@pytest.mark.parametrize("user", ["reader", "stranger", "nobody"])
def test_who_may_not_write(server: CasesServer, case: dict[str, Any], user: str) -> None:
    path, comment = f"/api/cases/{case['id']}", case["comments"][1]
    file = case["comments"][0]["externalReferenceId"]
    edited = {**USER, "id": comment["id"], "version": comment["version"]}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"{path}/comments", {"json": USER}),
        ("PATCH", f"{path}/comments", {"json": edited}),
        ("DELETE", f"{path}/comments", {}),
        ("DELETE", f"{path}/comments/{comment['id']}", {}),
        ("POST", f"{path}/comments/_bulk_delete", {"json": {"ids": [comment["id"]]}}),
        ("POST", f"{path}/attachments", {"json": COMMENT}),
        ("PUT", f"{path}/attachments/{comment['id']}", {"json": {**COMMENT, "version": comment["version"]}}),
        ("POST", f"{path}/files", {"files": {"file": ("a.txt", b"x")}}),
        ("POST", f"/internal/cases/{case['id']}/attachments/_bulk_create", {"json": [USER]}),
        ("POST", f"/internal/cases/{case['id']}/attachments/files/_bulk_delete", {"json": {"ids": [file]}}),
        ("POST", KIND, {"json": {"name": "x"}}),
        ("DELETE", "/api/files/blobs", {"json": {"ids": [file]}}),
    ]
    for method, where, more in calls:
        answer = send(server, user, method, where, **more)
        assert answer.status_code == 403, (method, where, answer.text)
    left = send(server, "elastic", "GET", f"{path}/resolve").json()
    assert left["case"]["comments"] == case["comments"]
    assert send(server, "elastic", "GET", f"{KIND}/{file}/blob").content == b"abc"


def test_who_may_read(server: CasesServer, case: dict[str, Any]) -> None:
    path, file = f"/api/cases/{case['id']}", case["comments"][0]["externalReferenceId"]
    one = case["comments"][1]["id"]
    assert send(server, "reader", "GET", f"{path}/comments/_find").json()["total"] == 1
    assert send(server, "reader", "GET", f"{path}/attachments/{one}").json()["data"] == {"content": "hello"}
    assert send(server, "reader", "GET", f"{KIND}/{file}/blob").content == b"abc"
    assert send(server, "stranger", "GET", f"{path}/comments/_find").json()["comments"] == []
    assert send(server, "stranger", "GET", f"{path}/attachments").json()["data"] == []
    for where in (f"{path}/comments/{one}", f"{path}/attachments/{one}", f"{path}/alerts", f"{KIND}/{file}/blob"):
        assert send(server, "stranger", "GET", where).status_code == 403, where
    for where in (f"{path}/comments/_find", f"{path}/attachments"):
        assert send(server, "nobody", "GET", where).status_code == 403, where
    refusal = send(server, "stranger", "GET", f"{KIND}/{file}").json()["message"]
    assert refusal.endswith("this action is granted by the Kibana privileges [securitySolutionFilesCasesRead]")
