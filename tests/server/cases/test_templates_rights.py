"""What users without all rights may do with templates and the field library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from kibcase.server.app import CasesServer
from kibcase.server.users import User

OWNER = "securitySolution"
TEMPLATE = {"owner": OWNER, "name": "T", "definition": "fields: []"}
FIELD = {"owner": OWNER, "definition": "name: a\ntype: keyword\ncontrol: INPUT_TEXT\n"}


def granted(feature: str, *privileges: str) -> User:
    return User(password="secret", privileges=[{"feature": {feature: list(privileges)}, "spaces": ["*"]}])


@pytest.fixture
def server() -> Iterator[CasesServer]:
    users = {
        "elastic": User(password="secret"),
        "reader": granted("securitySolutionCasesV3", "read"),
        "stranger": granted("observabilityCasesV3", "all"),
    }
    with CasesServer(stack_version="9.5.0", users=users) as running:
        yield running


def send(server: CasesServer, user: str, method: str, path: str, **more: Any) -> requests.Response:
    url = server.kibana_url + path
    return requests.request(method, url, auth=(user, "secret"), headers={"kbn-xsrf": "test"}, timeout=10, **more)


@pytest.mark.parametrize("user", ["reader", "stranger"])
def test_templates_are_read_by_readers_and_written_by_nobody_else(server: CasesServer, user: str) -> None:
    made = send(server, "elastic", "POST", "/api/cases/templates", json=TEMPLATE).json()
    path = f"/api/cases/templates/{made['templateId']}"
    reads = user == "reader"
    assert send(server, user, "GET", path).status_code == (200 if reads else 403)
    assert send(server, user, "GET", "/api/cases/templates").json()["total"] == (1 if reads else 0)
    for method, where in (("POST", "/api/cases/templates"), ("PUT", path), ("DELETE", path)):
        refused = send(server, user, method, where, json=TEMPLATE | {"name": "Other"})
        assert (refused.status_code, refused.json()["message"]) == (
            403, f'Unauthorized to update case templates with owners: "{OWNER}"',
        )
    assert send(server, "elastic", "GET", path).json()["templateVersion"] == 1


def test_the_field_library_is_hidden_from_those_who_may_not_read_it(server: CasesServer) -> None:
    made = send(server, "elastic", "POST", "/api/cases/field_definitions", json=FIELD).json()
    path = f"/api/cases/field_definitions/{made['fieldDefinitionId']}"
    query = {"owner": OWNER}
    assert send(server, "reader", "GET", "/api/cases/field_definitions", params=query).json()["total"] == 1
    assert send(server, "stranger", "GET", "/api/cases/field_definitions", params=query).status_code == 403
    assert send(server, "stranger", "GET", "/api/cases/fields", params=query).status_code == 403
    for method in ("PUT", "DELETE"):
        assert send(server, "reader", method, path, json=FIELD).status_code == 403
        hidden = send(server, "stranger", method, path, json=FIELD)
        assert (hidden.status_code, hidden.json()["message"]) == (
            404, f"Field definition with id {made['fieldDefinitionId']} not found",
        )
    assert send(server, "reader", "POST", "/api/cases/field_definitions", json=FIELD).status_code == 403
    assert send(server, "elastic", "DELETE", path).status_code == 204
