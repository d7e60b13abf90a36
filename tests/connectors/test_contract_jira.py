"""Jira Cloud and Data Center keep the contract, over HTTP to the stand-in."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime

from kibcase_connectors.jira import JiraConfig, JiraConnector
from kibcase_connectors.standins.jira import JiraStandin, Person
from kibcase_connectors.testing import ConnectorContract
from tests.connectors.jira.conftest import Clock, Deployment, credentials
from tests.connectors.test_contract_over_http import OverHttp


class TestCloud(OverHttp, ConnectorContract):
    deployment: Deployment = "cloud"
    search_lag = 60.0
    ends: ExitStack
    clock: Clock
    jira: JiraStandin
    maria: Person
    older: str

    def start(self) -> None:
        self.ends, self.clock = ExitStack(), Clock()
        self.jira = self.ends.enter_context(JiraStandin(
            deployment=self.deployment, clock=self.clock, search_lag=self.search_lag
        ))
        self.faults, self.maria = self.jira.faults, self.jira.as_person("maria.lindqvist")
        # The Date of the HTTP server cannot be moved back with the clock, and it alone counts in an empty project.
        self.older = self.maria.create("An older ticket")
        self.clock.forward(seconds=2 * self.search_lag)

    def stop(self) -> None:
        self.ends.close()

    def connect(self, **settings: str) -> JiraConnector:
        config = JiraConfig(url=self.jira.url, project="SOC", **credentials(self.deployment) | settings)
        made = JiraConnector("jira", config, clock=self.clock)
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
