"""Pushing takes a right on cases and one on connectors."""

from __future__ import annotations

from typing import Any

import pytest

from kibcase.server.app import CasesServer
from kibcase.server.users import User


def user(**features: list[str]) -> User:
    return User(password="secret", privileges=[{"spaces": ["*"], "feature": features}])


@pytest.mark.parametrize(
    ("features", "told"),
    [
        ({"securitySolutionCasesV3": ["read"], "actions": ["all"]},
         'Unauthorized to push case with owners: "securitySolution"'),
        ({"securitySolutionCasesV3": ["all"]}, "Unauthorized to get actions"),
    ],
)
def test_refused(kibana: Any, jira: Any, jira_connector: Any, features: Any, told: str) -> None:
    with CasesServer(users={"elastic": "changeme", "mara": user(**features)}) as server:
        admin, mara = type(kibana)(server, user="elastic", password="changeme"), type(kibana)(server)
        connector = jira_connector(admin)
        case = admin.create(connector=connector)
        path = f"/api/cases/{case['id']}/connector/{connector['id']}/_push"
        assert mara.refused("POST", path, 403, json={}) == told
        assert jira.faults.writes == []


def test_reading_connectors_is_not_changing_them(kibana: Any, jira_connector: Any) -> None:
    with CasesServer(users={"elastic": "changeme", "mara": user(actions=["read"])}) as server:
        admin, mara = type(kibana)(server, user="elastic", password="changeme"), type(kibana)(server)
        connector = jira_connector(admin)
        path = f"/api/actions/connector/{connector['id']}"
        assert mara.get(path)["id"] == connector["id"]
        assert mara.refused("DELETE", path, 403) == "Unauthorized to delete actions"
        body = {"name": "x", "connector_type_id": ".server-log"}
        message = mara.refused("POST", "/api/actions/connector", 403, json=body)
        assert message == 'Unauthorized to create a ".server-log" action'
