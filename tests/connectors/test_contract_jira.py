"""Jira Cloud and Data Center keep the contract, over HTTP to the stand-in."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from kibcase_connectors.api import Context
from kibcase_connectors.jira import JiraConfig, JiraConnector
from kibcase_connectors.standins.jira import DEFAULT_USERS, JiraStandin, Person
from kibcase_connectors.testing import ConnectorContract, StormContract
from tests.connectors.jira.conftest import Clock, Deployment, credentials
from tests.connectors.test_contract_over_http import OverHttp

FIELDS = {
    "plant": ("Case", "plant 7", "plant 8"), "vector": ("Attack vector", "phishing", "malware"),
    "score": ("customfield_10015", "7", "8"), "due": ("Report due", "2026-03-04", "2026-03-05"),
}
VECTORS = {"Phishing": "phishing", "Malware": "malware"}


class TestCloud(OverHttp, ConnectorContract):
    deployment: Deployment = "cloud"
    search_lag = 60.0
    colleague = "tomasz.nowak@example.com"
    custom = MappingProxyType({name: (one, other) for name, (_, one, other) in FIELDS.items()})
    unfit = MappingProxyType({"score": "many", "due": "tomorrow"})
    ends: ExitStack
    clock: Clock
    jira: JiraStandin
    maria: Person
    older: str

    def start(self) -> None:
        self.ends, self.clock = ExitStack(), Clock()
        self.jira = self.ends.enter_context(JiraStandin(
            deployment=self.deployment, clock=self.clock, search_lag=self.search_lag,
            users=[replace(each, email_hidden=False) for each in DEFAULT_USERS],
        ))
        self.faults, self.maria = self.jira.faults, self.jira.as_person("maria.lindqvist")
        # The Date of the HTTP server cannot be moved back with the clock, and it alone counts in an empty project.
        self.older = self.maria.create("An older ticket")
        self.clock.forward(seconds=2 * self.search_lag)

    def stop(self) -> None:
        self.ends.close()

    def connect(self, **settings: str) -> JiraConnector:
        custom: dict[str, Any] = {name: {"field": field} for name, (field, *_) in FIELDS.items()}
        custom["vector"]["values"] = VECTORS
        given = {**credentials(self.deployment), "custom": custom, "observables_field": "Observables", **settings}
        config = JiraConfig.model_validate({"url": self.jira.url, "project": "SOC", **given})
        made = JiraConnector("jira", config, context=Context(clock=self.clock))
        self.ends.callback(made.close)
        return made

    def misconfigured(self) -> Iterable[JiraConnector]:
        yield self.connect(**{"api_token" if self.deployment == "cloud" else "token": "wrong"})

    def person_creates(self, title: str) -> str:
        return str(self.maria.issue(self.maria.create(title)).id)

    def person_retitles(self, key: str, title: str) -> None:
        self.maria.edit(key, summary=title)

    def person_comments(self, key: str, text: str) -> None:
        self.maria.comment(key, text)

    def person_deletes(self, key: str) -> None:
        self.maria.delete(key)

    def person_attaches(self, key: str, name: str, content: bytes) -> None:
        self.maria.attach(key, name, content)

    def person_assigns(self, key: str, person: str) -> None:
        self.maria.edit(key, assignee="tomasz.nowak" if person else None)

    def person_observes(self, key: str, element: str) -> None:
        held = self.maria.issue(key).values.get("customfield_10011") or ""
        self.maria.edit(key, customfield_10011="\n".join([*str(held).split("\n"), element]).strip())

    def person_sets(self, key: str, field: str, value: str) -> None:
        ids = {"plant": "customfield_10010", "vector": "customfield_10012", "due": "customfield_10017"}
        native: Any = next((label for label, meaning in VECTORS.items() if meaning == value), value)
        self.maria.edit(key, **{ids.get(field, "customfield_10015"): float(value) if field == "score" else native})

    def there(self) -> datetime:
        return self.jira.state.now()

    def skew(self, seconds: float) -> None:
        self.jira.skew_clock(seconds)

    def pass_time(self, seconds: float) -> None:
        self.clock.forward(seconds=seconds)

    def test_changes_start_in_an_empty_project(self) -> None:
        self.maria.delete(self.older)
        self.settle()
        self.clock.now = datetime.now(UTC)
        changes = self.connector.changes(None)
        assert changes.items == ()
        key = self.person_creates("The first")
        self.settle()
        assert [item.key for item in self.connector.changes(changes.cursor).items] == [key]


class TestDatacenter(TestCloud):
    deployment: Deployment = "datacenter"
    search_lag = 5.0


class TestCloudInAStorm(StormContract, TestCloud):
    pass


class TestDatacenterInAStorm(StormContract, TestDatacenter):
    pass
