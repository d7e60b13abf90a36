"""Kibana's own push, said by the embedded Cases server, works against the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from kibcase.server.app import CasesServer
from kibcase_connectors.standins.resilient import DEFAULT_KEYS, Choice, Field, ResilientStandin, richtext

FIELDS = (
    Field(id=1001, name="ticket", text="Ticket", input_type="text", prefix="properties"),
    Field(id=1002, name="triaged", text="Triaged", input_type="boolean", prefix="properties"),
    Field(id=1003, name="sites", text="Sites", input_type="multiselect", prefix="properties",
          choices=(Choice(value=71, label="Lund"), Choice(value=72, label="Kiel"))),
)
NEW = {
    "title": "Beaconing host", "description": "Traffic <b> every 60 s.\nSince noon.", "tags": [],
    "settings": {"syncAlerts": False}, "owner": "securitySolution",
}


@pytest.fixture
def standin() -> Iterator[ResilientStandin]:
    with ResilientStandin(custom_fields=FIELDS) as running:
        yield running


class Kibana:
    """A user of Kibana who pushes."""

    def __init__(self, server: CasesServer) -> None:
        self._base = server.kibana_url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = ("elastic", "changeme")
        self.session.headers["kbn-xsrf"] = "test"

    def __call__(self, method: str, path: str, body: Any, status: int = 200) -> Any:
        answer = self.session.request(method, self._base + path, json=body, timeout=10)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
def kibana() -> Iterator[Kibana]:
    with CasesServer(users={"elastic": "changeme"}) as server:
        user = Kibana(server)
        yield user
        user.session.close()


@pytest.fixture
def connector(kibana: Kibana, standin: ResilientStandin) -> Any:
    key = DEFAULT_KEYS[0]
    return kibana("POST", "/api/actions/connector", {
        "name": "SOAR", "connector_type_id": ".resilient",
        "config": {"apiUrl": standin.url, "orgId": str(standin.org_id)},
        "secrets": {"apiKeyId": key.login, "apiKeySecret": key.secret},
    })


def created(kibana: Kibana, connector: Any, additional: str) -> Any:
    fields = {"incidentTypes": ["17", "21"], "severityCode": "6", "additionalFields": additional}
    named = {"id": connector["id"], "name": "SOAR", "type": ".resilient", "fields": fields}
    return kibana("POST", "/api/cases", NEW | {"connector": named})


def test_a_case_is_pushed_and_pushed_again(kibana: Kibana, standin: ResilientStandin, connector: Any) -> None:
    case = created(kibana, connector, '{"ticket": "T-1", "triaged": true, "sites": [71], "city": "Lund"}')
    comment = {"type": "user", "comment": "5 < 6", "owner": "securitySolution"}
    kibana("POST", f"/api/cases/{case['id']}/comments", comment)
    push = f"/api/cases/{case['id']}/connector/{connector['id']}/_push"
    external = kibana("POST", push, {})["external_service"]
    (incident,) = standin.state.incidents()
    assert (external["external_id"], external["external_title"]) == (str(incident.id), str(incident.id))
    held = incident.values
    assert (held["name"], held["severity_code"], held["incident_type_ids"]) == ("Beaconing host", 6, (17, 21))
    assert (held["properties.ticket"], held["properties.triaged"], held["properties.sites"]) == ("T-1", True, (71,))
    assert held["city"] == "Lund"
    assert [richtext.to_text(note.text or "") for note in incident.comments] == ["5 < 6\n\nAdded by elastic."]

    standin.as_person("maria.lindqvist@example.com").edit(
        incident.id, description="<p>rewritten</p>", sites=[72], city=None, severity_code="Low"
    )
    kibana("POST", push, {})
    (after,) = standin.state.incidents()
    assert after.values == held
    assert after.vers == 3
    assert [each.actor for each in after.events] == [5, 5, 3, 5]


def test_a_refused_push_says_why(kibana: Kibana, standin: ResilientStandin, connector: Any) -> None:
    case = created(kibana, connector, "{}")
    push = f"/api/cases/{case['id']}/connector/{connector['id']}/_push"
    kibana("POST", push, {})
    standin.state.deny(5, "write")
    standin.as_person(3).edit(standin.state.incidents()[0].id, name="other")
    message = kibana("POST", push, {}, status=424)["message"]
    assert message.endswith("Error: Status code: 403. Message: API Error: Forbidden.")


def test_the_choices_that_kibana_offers(kibana: Kibana, connector: Any) -> None:
    path = f"/api/actions/connector/{connector['id']}/_execute"

    def ask(action: str) -> Any:
        return kibana("POST", path, {"params": {"subAction": action, "subActionParams": {}}})["data"]

    assert ask("severity") == [
        {"id": "4", "name": "Low"}, {"id": "5", "name": "Medium"}, {"id": "6", "name": "High"},
    ]
    assert {"id": "22", "name": "Phishing"} in ask("incidentTypes")
    assert {"ticket", "name"} <= {each["name"] for each in ask("getFields")}
