"""What can be configured, and what the messages say when it is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from kibcase_connectors.jira import JiraConfig, JiraFilter

BASE: dict[str, Any] = {"url": "https://jira.example.com", "project": "SOC"}


@pytest.mark.parametrize(
    "scheme",
    [{"email": "a@b.c", "api_token": "s3cret"}, {"username": "a", "password": "s3cret"}, {"token": "s3cret"}],
)
def test_each_way_to_log_in(scheme: dict[str, str]) -> None:
    config = JiraConfig(**BASE, **scheme)
    assert "s3cret" not in repr(config)
    assert "s3cret" not in config.model_dump_json()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "exactly one way to log in is needed, none is given"),
        ({"token": "s3cret", "username": "a", "password": "s3cret"}, "given: username and password, token"),
        ({"email": "a@b.c"}, "email and api_token go together"),
        ({"password": "s3cret"}, "username and password go together"),
        ({"token": "s3cret\n"}, "white space"),
        ({"token": ""}, "must not be empty"),
        ({"token": "s3cret", "url": "jira.example.com"}, "must begin with http"),
        ({"token": "s3cret", "url": "https://"}, "name a host"),
        ({"token": "s3cret", "url": "https://a:s3cret@jira.example.com"}, "credentials do not belong"),
        ({"token": "s3cret", "url": "https://jira.example.com/?x=1"}, "must end with its path"),
        ({"token": "s3cret", "create_fields": {"labels": ["a"]}}, "labels: kibcase fills this itself"),
        ({"token": "s3cret", "colour": "red"}, "colour"),
        ({"token": "s3cret", "statuses": {"Done": "finished"}}, "statuses"),
        ({"token": "s3cret", "timeout": (0, 30)}, "timeout"),
    ],
)
def test_what_is_wrong_is_said_without_secrets(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=text) as wrong:
        JiraConfig(**(BASE | settings))
    assert "s3cret" not in str(wrong.value)


def test_a_slash_at_the_end_does_not_matter() -> None:
    assert JiraConfig(**(BASE | {"url": "https://h/jira/"}), token="x").url == "https://h/jira"


def test_every_setting_is_described() -> None:
    for model in (JiraConfig, JiraFilter):
        assert all(field.description for field in model.model_fields.values())


def test_a_filter_without_conditions_accepts_everything() -> None:
    assert JiraFilter().accepts(labels=(), issue_type="Bug")
    assert not JiraFilter(labels=("a",)).accepts(labels=("b",), issue_type="Bug")
    assert JiraFilter(issue_types=("bug",)).accepts(labels=(), issue_type="Bug")
