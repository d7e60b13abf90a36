"""A configuration with a ServiceNow system, from the file to a connector that works."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kibcase_connectors.errors import Throttled
from kibcase_connectors.model import Side
from kibcase_connectors.servicenow import ServiceNowConfig, ServiceNowConnector, ServiceNowFilter
from kibcase_connectors.standins.servicenow import ServiceNowStandin
from kibcase_daemon.config import Config, parse_config
from kibcase_daemon.errors import ConfigError
from kibcase_daemon.wiring import connect, connector_for, wired

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


def test_off_needs_no_quotes() -> None:
    text = GOOD.replace("URL", "https://example.service-now.com").replace(
        "    close_code:", "    journal: off\n    observables: off\n    close_code:"
    )
    settings = read(text).systems["it"].settings
    assert isinstance(settings, ServiceNowConfig)
    assert (settings.journal, settings.observables) == ("off", "off")


def test_it_works_against_an_instance() -> None:
    with ServiceNowStandin() as servicenow:
        connector = connect(read(GOOD.replace("URL", servicenow.url)), "it")
        assert [f.text for f in connector.check() if f.level == "problem"] == []
        servicenow.as_person("tomasz.nowak").create("Phishing")
        assert len(connector.changes(None).items) == 1
        connector.close()


def test_the_budget_counts_requests(tmp_path: Path) -> None:
    with ServiceNowStandin() as servicenow:
        text = f"{GOOD.replace('URL', servicenow.url)}limits: {{calls_per_hour: {{it: 2}}}}\n"
        config = parse_config(text, folder=tmp_path, source="config.yaml", env=ENV)
        with wired(config) as wiring:
            ticket = wiring.rules[0].connectors.ticket
            ticket.changes(None)
            asked = len(servicenow.faults.requests)
            assert asked > 2
            with pytest.raises(Throttled, match="the hourly budget is used up"):
                ticket.changes(None)
            assert len(servicenow.faults.requests) == asked


def test_a_private_key_in_a_file(tmp_path: Path) -> None:
    keys = ("client_id: soc", "client_secret: s", "account: kibcase", "jwt_key_id: k", "jwt_user: u",
            "jwt_private_key: {file: servicenow.key}")
    text = GOOD.replace("username: kibcase\n    password: {env: SERVICENOW_PASSWORD}", "\n    ".join(keys))
    text = text.replace("URL", "https://example.service-now.com")
    made = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "servicenow.key").write_bytes(pem)
    config = parse_config(text, folder=tmp_path, source="config.yaml", env=ENV)
    connect(config, "it").close()
    assert pem.decode().splitlines()[1] not in repr(config)
    (tmp_path / "servicenow.key").write_bytes(pem[:200])
    with pytest.raises(ConfigError, match=r"systems\.it: jwt_private_key is no private key") as caught:
        connect(parse_config(text, folder=tmp_path, source="config.yaml", env=ENV), "it")
    assert pem.decode().splitlines()[1] not in str(caught.value)


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
    snippet, *parts = re.findall(r"^```yaml\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    assert {system.kind for system in read(snippet).systems.values()} == {"kibana", "servicenow"}
    assert parts
    for part in parts:
        assert set(yaml.safe_load(dedent(part))) <= set(ServiceNowConfig.model_fields)
