"""The configuration of a Kibana side and of its filter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from kibcase_connectors.kibana import CaseFilter, KibanaConfig

LOGIN: dict[str, Any] = {"username": "elastic", "password": "changeme"}
BASE: dict[str, Any] = {"type": "kibana", "url": "https://kibana.example.com/base/", "owner": "securitySolution"}


def test_defaults() -> None:
    config = KibanaConfig(**BASE, **LOGIN)
    assert config.url == "https://kibana.example.com/base"
    assert (config.space, config.sync_alerts, config.verify, config.timeout) == ("default", True, True, (5.0, 30.0))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "give username and password, or api_key"),
        ({**LOGIN, "api_key": "a2V5"}, "not both"),
        ({"username": "elastic"}, "one of them is missing"),
        ({"password": "changeme"}, "one of them is missing"),
        ({"username": "elastic", "api_key": "a2V5"}, "not both"),
        ({**LOGIN, "url": "kibana.example.com"}, "http:// or https://"),
        ({**LOGIN, "url": "https://elastic:hunter2@kibana.example.com"}, "credentials"),
        ({**LOGIN, "space": "../secrets"}, "pattern"),
        ({**LOGIN, "colour": "red"}, "Extra inputs"),
        ({**LOGIN, "timeout": (0, 30)}, "greater than 0"),
    ],
)
def test_what_is_refused_and_why(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said) as caught:
        KibanaConfig(**{**BASE, **given})
    assert "changeme" not in repr(caught.value.errors(include_input=False))


def test_secrets_are_not_shown() -> None:
    shown = repr(KibanaConfig(**BASE, **LOGIN)) + repr(KibanaConfig(**BASE, api_key="a2V5"))
    assert "changeme" not in shown
    assert "a2V5" not in shown


def test_every_setting_is_described() -> None:
    for model in (KibanaConfig, CaseFilter):
        assert [name for name, field in model.model_fields.items() if not field.description] == []


CASE: dict[str, Any] = {
    "tags": ("phishing", "vip"), "severity": "high", "status": "open", "category": None,
    "created": datetime(2025, 3, 1, tzinfo=UTC),
}


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, True),
        ({"tags": ["vip", "other"]}, True),
        ({"tags": ["other"]}, False),
        ({"severities": ["high", "critical"]}, True),
        ({"severities": ["critical"]}, False),
        ({"statuses": ["closed"]}, False),
        ({"categories": ["Malware"]}, False),
        ({"created_after": datetime(2025, 3, 1, tzinfo=UTC)}, True),
        ({"created_after": datetime(2025, 3, 2, tzinfo=UTC)}, False),
        ({"tags": ["vip"], "severities": ["low"]}, False),
    ],
)
def test_the_filter(conditions: dict[str, Any], expected: bool) -> None:
    assert CaseFilter(**conditions).accepts(**CASE) is expected


def test_the_filter_wants_a_time_zone() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        CaseFilter(created_after=datetime(2025, 3, 1))  # noqa: DTZ001
