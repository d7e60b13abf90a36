from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from kibcase import (
    ApiError,
    BadRequestError,
    ConnectorRef,
    FailedDependency,
    JiraFields,
    Kibana,
    LicenseRequired,
    NotFoundError,
    PermissionDenied,
)
from kibcase.server.app import CasesServer

URL = "http://kibana.test:5601"
ONE = f"{URL}/api/actions/connector/j1"
JIRA = {
    "id": "j1", "name": "Jira", "connector_type_id": ".jira", "config": {"apiUrl": "https://j", "projectKey": "ES"},
    "is_preconfigured": False, "is_deprecated": False, "is_missing_secrets": False, "is_system_action": False,
}
CONFIG = {"apiUrl": "http://127.0.0.1:9", "projectKey": "ES"}
SECRETS = {"email": "bot@example.org", "apiToken": "s3cr3t"}


def body(remote: responses.RequestsMock, number: int = -1) -> Any:
    return json.loads(remote.calls[number].request.body or b"null")


def test_writing_connectors(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{URL}/api/actions/connector", json=JIRA)
    remote.post(ONE, json=JIRA)
    remote.put(ONE, json=JIRA)
    remote.delete(ONE, status=204)
    made = kibana.connectors.create(name="Jira", connector_type=".jira", config=CONFIG, secrets=SECRETS)
    assert (made.id, made.connector_type_id) == ("j1", ".jira")
    assert body(remote) == {"name": "Jira", "connector_type_id": ".jira", "config": CONFIG, "secrets": SECRETS}
    kibana.connectors.create(name="Jira", connector_type=".jira", config=CONFIG, secrets=SECRETS, connector_id="j1")
    kibana.connectors.update("j1", name="J", config=CONFIG, secrets=SECRETS)
    assert body(remote) == {"name": "J", "config": CONFIG, "secrets": SECRETS}
    kibana.connectors.delete("j1")


def test_running_a_connector(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{ONE}/_execute", json={"connector_id": "j1", "status": "ok", "data": {"id": "10001"}})
    assert kibana.connectors.incident("j1", "10001") == {"id": "10001"}
    assert body(remote) == {"params": {"subAction": "getIncident", "subActionParams": {"externalId": "10001"}}}


def test_a_connector_that_fails_answers_200(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{ONE}/_execute", json={
        "connector_id": "j1", "status": "error", "message": "an error occurred", "service_message": "no such issue",
    })
    with pytest.raises(FailedDependency, match="no such issue") as caught:
        kibana.connectors.run("j1", "issueTypes")
    assert (caught.value.status, caught.value.body["status"]) == (200, "error")
    assert len(remote.calls) == 1


def test_a_licence_that_lacks_the_type(kibana: Kibana, remote: responses.RequestsMock) -> None:
    text = "Action type .resilient is disabled because your basic license does not support it. Please upgrade."
    remote.post(f"{URL}/api/actions/connector", status=403, json={"message": text})
    with pytest.raises(LicenseRequired) as caught:
        kibana.connectors.create(name="R", connector_type=".resilient", config={}, secrets=SECRETS)
    assert (caught.value.tier, caught.value.feature) == ("platinum", "connectors of type .resilient")
    assert "s3cr3t" not in str(caught.value)
    no_right = {"message": "Unauthorized to create"}
    remote.replace(responses.POST, f"{URL}/api/actions/connector", status=403, json=no_right)
    with pytest.raises(PermissionDenied) as refused:
        kibana.connectors.create(name="R", connector_type=".resilient", config={}, secrets=SECRETS)
    assert type(refused.value) is PermissionDenied


@pytest.fixture
def real() -> Iterator[Kibana]:
    with (
        CasesServer(stack_version="9.5.0") as server,
        Kibana(server.kibana_url, username="elastic", password="changeme") as kibana,
    ):
        yield kibana


def test_with_the_server(real: Kibana) -> None:
    made = real.connectors.create(name="Jira", connector_type=".jira", config=CONFIG, secrets=SECRETS)
    assert [each.id for each in real.connectors.all()] == [made.id]
    assert [(each.id, each.type) for each in real.connectors.for_cases()] == [(made.id, ".jira")]
    assert "s3cr3t" not in repr(real.connectors.get(made.id))
    assert ".jira" in {each.id for each in real.connectors.types(feature="cases")}
    renamed = real.connectors.update(made.id, name="Tickets", config=CONFIG, secrets=SECRETS)
    assert renamed.name == "Tickets"
    with pytest.raises(BadRequestError):
        real.connectors.create(name="Jira", connector_type=".jira", config={}, secrets=SECRETS)
    case = real.cases.create(
        title="t", description="d", owner="cases", connector=ConnectorRef.of(made.id, JiraFields(), name="Tickets")
    )
    assert real.user_actions.needs_push(case, made.id)
    # Nothing listens there: the push fails behind Kibana, not in it.
    with pytest.raises(FailedDependency):
        real.cases.push(case)
    assert case.connector is not None
    assert case.connector.typed_fields == JiraFields(issue_type=None, priority=None, parent=None)
    real.connectors.delete(made.id)
    with pytest.raises(NotFoundError):
        real.connectors.get(made.id)


def test_a_basic_licence_has_no_jira() -> None:
    with (
        CasesServer(license="basic") as server,
        Kibana(server.kibana_url, username="elastic", password="changeme") as kibana,
    ):
        with pytest.raises(LicenseRequired) as caught:
            kibana.connectors.create(name="Jira", connector_type=".jira", config=CONFIG, secrets=SECRETS)
        assert caught.value.tier == "gold"
        assert isinstance(caught.value, ApiError)
