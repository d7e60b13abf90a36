"""The settings: what is accepted, what is refused, what they keep to themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from kibcase_connectors.api import Context
from kibcase_connectors.resilient import ResilientConfig, ResilientConnector, ResilientFilter

GOOD: dict[str, Any] = {
    "url": "https://soar.example.com/", "org": "Northwind", "api_key_id": "id", "api_key_secret": "s3cret",
}
STATES = {"status_field": "phase_id", "statuses": {"Initial": "open", "Engage": "in-progress"}}


def test_defaults() -> None:
    config = ResilientConfig(**GOOD)
    assert (config.type, config.url, config.mark_field) == ("resilient", "https://soar.example.com", "kibana_case_id")
    assert config.verify is True
    assert "s3cret" not in repr(config) + str(config)
    connector = ResilientConnector("soar", config)
    assert (connector.name, connector.kind) == ("soar", "resilient")
    capabilities = connector.capabilities
    assert capabilities.fields == {"title", "description", "status", "severity", "assignee", "observables"}
    assert (capabilities.find_lag, capabilities.read_lag, capabilities.edits_comments) == (35.0, 5.0, True)
    assert capabilities.files
    connector.close()
    connector.close()


def test_fields_that_take_part() -> None:
    config = ResilientConfig(
        **GOOD, tags_field="labels", severity_labels={}, link_field="case_link", custom={"region": {"field": "site"}},
    )
    connector = ResilientConnector("soar", config)
    assert connector.capabilities.fields == {
        "title", "description", "status", "tags", "assignee", "observables", "region",
    }
    assert connector.capabilities.fields <= set(connector.mapping.codecs)
    assert connector.capabilities.links_back
    wanting = Context(parts=frozenset({"title", "region"}))
    capabilities = ResilientConnector("soar", config, context=wanting).capabilities
    assert capabilities.fields == {"title", "description", "status", "tags", "region"}
    assert not capabilities.files
    without = config.model_copy(update={"artifact_types": {}})
    assert "observables" not in ResilientConnector("soar", without).capabilities.fields


def test_a_user_in_the_place_of_a_key() -> None:
    given = {"url": GOOD["url"], "org": 201, "email": "kibcase@example.com", "password": "a pass phrase"}
    config = ResilientConfig(**given)
    assert "pass phrase" not in repr(config)
    for change in ({"password": None}, {"email": None}, {"api_key_id": "id"}, {"client_key": "key.pem"}):
        with pytest.raises(ValidationError) as caught:
            ResilientConfig(**{**given, **change})
        assert "pass phrase" not in str(caught.value)


def test_files_of_certificates_must_be_there(tmp_path: Path) -> None:
    config = ResilientConfig(**GOOD, client_certificate=tmp_path / "client.pem")
    with pytest.raises(OSError, match=r"client\.pem"):
        ResilientConnector("soar", config)


@pytest.mark.parametrize("change", [
    {"url": "soar.example.com"}, {"url": "https://id:secret@soar.example.com"}, {"url": "https://soar.example.com/?a"},
    {"org": ""}, {"org": True}, {"org": 1.5}, {"api_key_id": ""}, {"api_key_id": "a:b"}, {"api_key_secret": ""},
    {"api_key_secret": "with blank"}, {"api_key_secret": "end\n"}, {"mark_field": "properties.x"},
    {"create_fields": {"name": "x"}}, {"create_fields": {"properties.x": "x"}}, {"close_fields": {"plan_status": "C"}},
    {"close_fields": {"resolution_id": "x"}}, {"link_field": "kibana_case_id"}, {"status_field": "phase_id"},
    {"statuses": {"Initial": "open"}}, {**STATES, "statuses": {"Initial": "open"}}, {"notes_per_cycle": -1},
    {**STATES, "statuses": {"Initial": "closed"}}, {"severity_labels": {"urgent": "High"}}, {"timeout": (0, 1)},
    {"tags_field": "x", "create_fields": {"x": "y"}}, {"email": "x@example.com"},
    {"api_key_secret": None}, {"api_key_id": None}, {"email": "x@example.com", "password": "p"},
    {"custom": {"title": {"field": "x"}}}, {"custom": {"region": {"field": "owner_id"}}},
    {"custom": {"region": {"field": "properties.kibana_case_id"}}}, {"artifact_types": {"URL": "Not a kind"}},
    {"custom": {"region": {"field": "x"}, "site": {"field": "x"}}},
])
def test_mistakes(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        ResilientConfig(**{**GOOD, **change})
    assert "s3cret" not in str(caught.value)


def test_good_ones() -> None:
    assert ResilientConfig(**{**GOOD, **STATES, "org": 201}).org == 201
    assert ResilientConfig(**{**GOOD, "mark_field": None}).mark_field is None


def test_the_filter() -> None:
    accepts = ResilientFilter(incident_types=("Malware",), severities=("High",))
    assert accepts.accepts(incident_types=("phishing", "MALWARE"), severity="high")
    assert not accepts.accepts(incident_types=("Phishing",), severity="High")
    assert not accepts.accepts(incident_types=("Malware",), severity="")
    assert ResilientFilter().accepts(incident_types=(), severity="")
