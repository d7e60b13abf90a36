"""ServiceNow's incidents and security incidents keep the contract, over HTTP to the stand-in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from kibcase_connectors.api import Context
from kibcase_connectors.servicenow import ServiceNowConfig, ServiceNowConnector
from kibcase_connectors.standins.servicenow import DEFAULT_USERS, Column, Person, ServiceNowStandin
from kibcase_connectors.testing import ConnectorContract, StormContract
from tests.connectors.servicenow.conftest import CODES, LINK, PASSWORD, TAGS, Clock, Table
from tests.connectors.test_contract_over_http import OverHttp

COLUMNS = (
    TAGS, LINK, Column(name="u_plant", label="Plant", max_length=100),
    Column(name="u_score", label="Score", kind="integer"),
    Column(name="u_observables", label="Observables", max_length=4000),
)


class TestIncident(OverHttp, ConnectorContract):
    table: Table = "incident"
    settings: Mapping[str, str] = MappingProxyType({"observables_column": "u_observables"})
    colleague = "tomasz.nowak@example.com"
    custom = MappingProxyType({"plant": ("plant 7", "plant 8"), "score": ("7", "8")})
    unfit = MappingProxyType({"score": "many"})
    forbidden = (
        b'{"error": {"message": "Operation Failed", "detail": "ACL Exception Update Failed due to security '
        b'constraints"}, "status": "failure"}'
    )
    ends: ExitStack
    clock: Clock
    servicenow: ServiceNowStandin
    maria: Person

    def start(self) -> None:
        self.ends, self.clock, self.ahead = ExitStack(), Clock(), timedelta()
        columns = [(self.table, each) for each in COLUMNS]
        self.servicenow = self.ends.enter_context(ServiceNowStandin(
            clock=self.theirs, columns=columns,
            # Taking an observable away from a security incident needs this role.
            users=[replace(each, roles=each.roles | {"sn_ti.admin"}) for each in DEFAULT_USERS],
        ))
        self.faults, self.maria = self.servicenow.faults, self.servicenow.as_person("maria.lindqvist")

    def stop(self) -> None:
        self.ends.close()

    def connect(self, password: str = PASSWORD) -> ServiceNowConnector:
        given: dict[str, Any] = {
            "url": self.servicenow.url, "table": self.table, "username": "kibcase", "password": password,
            "close_code": CODES[self.table], "tags_column": "u_tags", "url_column": "u_case_url",
            "custom": {"plant": {"field": "u_plant"}, "score": {"field": "u_score"}}, **self.settings,
        }
        config = ServiceNowConfig.model_validate(given)
        made = ServiceNowConnector("snow", config, context=Context(clock=self.clock))
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

    def person_attaches(self, key: str, name: str, content: bytes) -> None:
        self.maria.attach(key, name, content)

    def person_assigns(self, key: str, person: str) -> None:
        self.maria.assign(key, "tomasz.nowak" if person else "")

    def person_observes(self, key: str, element: str) -> None:
        if self.table == "sn_si_incident":
            kind, _, value = element.partition(" ")
            self.maria.observe(key, value, {"ipv4": "ipv4-addr", "domain": "domain-name"}[kind])
            return
        held = self.maria.record(key)["u_observables"]
        self.maria.edit(key, u_observables="\n".join([*held.splitlines(), element]))

    def person_sets(self, key: str, field: str, value: str) -> None:
        self.maria.edit(key, **{f"u_{field}": value})

    def theirs(self) -> datetime:
        """The instance's clock."""
        return self.clock() + self.ahead

    def there(self) -> datetime:
        return self.servicenow.state.now()

    def skew(self, seconds: float) -> None:
        self.ahead = timedelta(seconds=seconds)

    def pass_time(self, seconds: float) -> None:
        self.clock.forward(seconds=seconds)


class TestSecurityIncident(TestIncident):
    table: Table = "sn_si_incident"
    settings: Mapping[str, str] = MappingProxyType({})


class TestIncidentInAStorm(StormContract, TestIncident):
    pass


class TestSecurityIncidentInAStorm(StormContract, TestSecurityIncident):
    pass
