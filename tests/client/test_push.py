from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import responses

from kibcase import Case, EndpointNotFound, FailedDependency, Kibana, NotFoundError, UnsupportedByStack

URL = "http://kibana.test:5601"
Build = Callable[..., dict[str, Any]]
JIRA = {"id": "j1", "name": "Jira", "type": ".jira", "fields": None}


def status(version: str) -> dict[str, Any]:
    return {"version": {"number": version}, "status": {"overall": {"level": "available"}}}


def test_push_goes_through_the_connector_of_the_case(
    kibana: Kibana, remote: responses.RequestsMock, case_json: Build
) -> None:
    service = {"connector_id": "j1", "external_id": "10001", "external_title": "ES-1", "external_url": "https://j"}
    remote.post(f"{URL}/api/cases/c1/connector/j1/_push", json=case_json(external_service=service, comments=[]))
    pushed = kibana.cases.push(Case.model_validate(case_json(connector=JIRA)))
    assert pushed.external_service is not None
    assert pushed.external_service.external_title == "ES-1"
    assert json.loads(remote.calls[0].request.body or b"") == {}


def test_a_push_needs_a_connector(kibana: Kibana, case_json: Build) -> None:
    with pytest.raises(ValueError, match="has no connector"):
        kibana.cases.push(Case.model_validate(case_json()))
    with pytest.raises(ValueError, match="name the connector"):
        kibana.cases.push("c1")


def test_a_push_is_never_repeated(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{URL}/api/cases/c1/connector/j1/_push", status=424, json={"message": "Jira is down"})
    with pytest.raises(FailedDependency, match="Jira is down"):
        kibana.cases.push("c1", "j1")
    assert len(remote.calls) == 1


@pytest.mark.parametrize(("needed", "known"), [(True, True), (False, True), (True, False)])
def test_does_it_need_a_push(kibana: Kibana, remote: responses.RequestsMock, *, needed: bool, known: bool) -> None:
    used = {**JIRA, "push": {"needsToBePushed": needed, "hasBeenPushed": True, "details": {
        "latestUserActionPushDate": "2024-05-01T10:00:00.000Z", "oldestUserActionPushDate": "2024-05-01T10:00:00.000Z",
        "externalService": {"external_id": "10001"},
    }}}
    remote.get(f"{URL}/internal/cases/c1/_connectors", json={"j1": used} if known else {})
    assert kibana.user_actions.needs_push("c1", "j1") is needed
    connectors = kibana.user_actions.connectors("c1")
    assert [each.push.details is not None for each in connectors.values()] == ([True] if known else [])


def test_external_sync_is_missing_in_releases(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{URL}/api/cases/c1/_sync", status=404, json={"message": "Not Found"})
    remote.get(f"{URL}/api/status", json=status("9.5.0"))
    with pytest.raises(UnsupportedByStack, match=r"_sync needs stack newer than every release.* technical preview"):
        kibana.cases.sync_external("c1")


def test_external_sync_where_it_is(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    remote.post(f"{URL}/api/cases/c1/_sync", json=case_json())
    assert kibana.cases.sync_external("c1").id == "c1"
    remote.post(f"{URL}/api/cases/c2/_sync", status=404, json={"message": "Saved object [cases/c2] not found"})
    with pytest.raises(NotFoundError) as caught:
        kibana.cases.sync_external("c2")
    assert not isinstance(caught.value, EndpointNotFound)
