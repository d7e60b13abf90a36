"""ServiceNow's incidents and security incidents keep the contract, over HTTP to the stand-in."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack

from kibcase_connectors.servicenow import ServiceNowConfig, ServiceNowConnector
from kibcase_connectors.standins.servicenow import Person, ServiceNowStandin
from kibcase_connectors.testing import ConnectorContract
from tests.connectors.servicenow.conftest import CODES, LINK, PASSWORD, TAGS, Clock, Table
from tests.connectors.test_contract_over_http import OverHttp


class TestIncident(OverHttp, ConnectorContract):
    table: Table = "incident"
    ends: ExitStack
    clock: Clock
    servicenow: ServiceNowStandin
    maria: Person

    def start(self) -> None:
        self.ends, self.clock = ExitStack(), Clock()
        columns = [(self.table, TAGS), (self.table, LINK)]
        self.servicenow = self.ends.enter_context(ServiceNowStandin(clock=self.clock, columns=columns))
        self.faults, self.maria = self.servicenow.faults, self.servicenow.as_person("maria.lindqvist")

    def stop(self) -> None:
        self.ends.close()

    def connect(self, password: str = PASSWORD) -> ServiceNowConnector:
        config = ServiceNowConfig(
            url=self.servicenow.url, table=self.table, username="kibcase", password=password,
            close_code=CODES[self.table], tags_column="u_tags", url_column="u_case_url",
        )
        made = ServiceNowConnector("snow", config, clock=self.clock)
        self.ends.callback(made.close)
        return made

    def misconfigured(self) -> Iterable[ServiceNowConnector]:
        yield self.connect(password="wrong")

    def person_creates(self, title: str) -> str:
        return self.maria.create(title, table=self.table)

    def person_retitles(self, key: str, title: str) -> None:
        self.maria.edit(key, short_description=title)

    def person_comments(self, key: str, text: str) -> None:
        self.maria.work_note(key, text)

    def person_deletes(self, key: str) -> None:
        self.maria.delete(key)

    def pass_time(self, seconds: float) -> None:
        self.clock.forward(seconds=seconds)


class TestSecurityIncident(TestIncident):
    table: Table = "sn_si_incident"
