"""A configuration with a Resilient system, from the file to a connector that works."""

from __future__ import annotations

from pathlib import Path

import pytest

from kibcase_connectors.model import Side
from kibcase_connectors.resilient import ResilientConfig, ResilientConnector, ResilientFilter
from kibcase_connectors.standins.resilient import DEFAULT_KEYS, ResilientStandin
from kibcase_daemon.config import Config, parse_config
from kibcase_daemon.errors import ConfigError
from kibcase_daemon.wiring import connect, connector_for

ROOT = Path(__file__).parents[2]
KEY = DEFAULT_KEYS[0]
ENV = {"KIBANA_API_KEY": "a2V5OmtleQ==", "SOAR_KEY_SECRET": KEY.secret}
GOOD = f"""\
version: 1
systems:
  soc: {{type: kibana, url: "https://kibana.example.com", api_key: {{env: KIBANA_API_KEY}}, owner: securitySolution}}
  ir:
    type: resilient
    url: URL
    org: Northwind SOC
    api_key_id: {KEY.login}
    api_key_secret: {{env: SOAR_KEY_SECRET}}
    status_field: phase_id
    statuses: {{Initial: open, Engage: in-progress, Respond: in-progress, Post-Incident: in-progress}}
links:
  - name: soc-to-ir
    case: soc
    ticket: ir
    tickets: {{incident_types: [Phishing], severities: [High]}}
"""


def read(text: str) -> Config:
    return parse_config(text, folder=ROOT, source="config.yaml", env=ENV)


def test_a_resilient_system() -> None:
    config = read(GOOD.replace("URL", "https://soar.example.com/"))
    settings = config.systems["ir"].settings
    assert isinstance(settings, ResilientConfig)
    assert (settings.url, settings.org) == ("https://soar.example.com", "Northwind SOC")
    assert KEY.secret not in repr(config)
    assert isinstance(config.links[0].tickets, ResilientFilter)
    connector = connector_for(config, config.links[0], Side.TICKET)
    assert isinstance(connector, ResilientConnector)
    connector.close()


def test_it_works_against_a_platform() -> None:
    with ResilientStandin() as soar:
        connector = connect(read(GOOD.replace("URL", soar.url)), "ir")
        assert [finding.text for finding in connector.check() if finding.level == "problem"] == []
        soar.as_person("tomasz.nowak@example.com").create("Phishing")
        assert len(connector.changes(None).items) == 1
        connector.close()


@pytest.mark.parametrize(("line", "told"), [
    ("    api_key_secret: {env: NOWHERE}", "NOWHERE is not set"),
    ("    org: 1.5", "org"),
    ("    mark_feild: x", "did you mean mark_field?"),
    ("    severity_labels: {urgent: High}", "severity_labels"),
    ("    statuses: {Initial: closed}", "statuses"),
])
def test_mistakes_are_told_with_their_place(line: str, told: str) -> None:
    key = line.strip().partition(":")[0]
    lines = [each for each in GOOD.splitlines() if not each.startswith(f"    {key}:")]
    lines.insert(lines.index("    url: URL") + 1, line)
    with pytest.raises(ConfigError) as caught:
        read("\n".join(lines).replace("URL", "https://soar.example.com"))
    assert any(told in problem and "systems.ir" in problem for problem in caught.value.problems)
    assert KEY.secret not in str(caught.value)
