"""A configuration with a ServiceNow system, from the file to a connector that works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kibcase_connectors.model import Side
from kibcase_connectors.servicenow import ServiceNowConfig, ServiceNowConnector, ServiceNowFilter
from kibcase_connectors.standins.servicenow import ServiceNowStandin
from kibcase_daemon.config import Config, parse_config
from kibcase_daemon.errors import ConfigError
from kibcase_daemon.wiring import connect, connector_for

ROOT = Path(__file__).parents[2]
ENV = {"KIBANA_API_KEY": "a2V5OmtleQ==", "SERVICENOW_PASSWORD": "kibcase-password"}
GOOD = """\
version: 1
systems:
  soc: {type: kibana, url: "https://kibana.example.com", api_key: {env: KIBANA_API_KEY}, owner: securitySolution}
  it:
    type: servicenow
    url: URL
    username: kibcase
    password: {env: SERVICENOW_PASSWORD}
    targets: {in-progress: 2}
    close_code: Solution provided
links:
  - name: soc-to-it
    case: soc
    ticket: it
    tickets: {assignment_groups: [Security Operations], created_after: 2026-01-01T00:00:00Z}
"""


def read(text: str) -> Config:
    return parse_config(text, folder=ROOT, source="config.yaml", env=ENV)


def test_a_servicenow_system() -> None:
    config = read(GOOD.replace("URL", "https://example.service-now.com/"))
    settings = config.systems["it"].settings
    assert isinstance(settings, ServiceNowConfig)
    assert (settings.url, settings.table) == ("https://example.service-now.com", "incident")
    assert settings.targets["in-progress"] == "2"
    assert "kibcase-password" not in repr(config)
    assert isinstance(config.links[0].tickets, ServiceNowFilter)
    connector = connector_for(config, config.links[0], Side.TICKET)
    assert isinstance(connector, ServiceNowConnector)
    connector.close()


def test_it_works_against_an_instance() -> None:
    with ServiceNowStandin() as servicenow:
        connector = connect(read(GOOD.replace("URL", servicenow.url)), "it")
        assert [f.text for f in connector.check() if f.level == "problem"] == []
        servicenow.as_person("tomasz.nowak").create("Phishing")
        assert len(connector.changes(None).items) == 1
        connector.close()


@pytest.mark.parametrize(("change", "said"), [
    (("username: kibcase", "username: kibcase\n    tabel: incident"), "tabel"),
    (("URL", "example.com"), "http:// or https://"),
    (("username: kibcase\n", "client_id: x\n"), "go together"),
    (("assignment_groups", "labels"), "labels"),
])
def test_mistakes_are_told_with_their_place(change: tuple[str, str], said: str) -> None:
    text = GOOD.replace(*change).replace("URL", "https://example.service-now.com")
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert any(said in problem and "line" in problem for problem in caught.value.problems)
    assert "kibcase-password" not in str(caught.value)


def test_the_configuration_of_the_page_is_valid() -> None:
    page = (ROOT / "docs/connectors/servicenow.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"^```yaml\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    assert {system.kind for system in read(snippet).systems.values()} == {"kibana", "servicenow"}
