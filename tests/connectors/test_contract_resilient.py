"""IBM Resilient keeps the contract, over HTTP to the stand-in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from kibcase_connectors.api import Context
from kibcase_connectors.resilient import ResilientConfig, ResilientConnector
from kibcase_connectors.standins.resilient import DEFAULT_CUSTOM_FIELDS, Person, ResilientStandin
from kibcase_connectors.standins.resilient.catalog import Field
from kibcase_connectors.testing import ConnectorContract, StormContract
from tests.connectors.resilient.conftest import KEY, Clock
from tests.connectors.test_contract_over_http import OverHttp

CUSTOM = (
    *DEFAULT_CUSTOM_FIELDS,
    Field(id=1002, name="labels", text="Labels", input_type="text", prefix="properties"),
    Field(id=1005, name="case_link", text="Case", input_type="text", prefix="properties"),
    Field(id=1006, name="plant", text="Plant", input_type="text", prefix="properties"),
    Field(id=1007, name="score", text="Score", input_type="number", prefix="properties"),
)
PHASES = {"Initial": "open", "Engage": "in-progress", "Respond": "in-progress", "Post-Incident": "in-progress"}


class TestPlain(OverHttp, ConnectorContract):
    settings: Mapping[str, object] = MappingProxyType({})
    colleague = "tomasz.nowak@example.com"
    custom = MappingProxyType({"plant": ("plant 7", "plant 8"), "score": ("7", "8")})
    unfit = MappingProxyType({"score": "many"})
    ends: ExitStack
    clock: Clock
    soar: ResilientStandin
    maria: Person

    def start(self) -> None:
        self.ends, self.clock, self.ahead = ExitStack(), Clock(), timedelta()
        self.soar = self.ends.enter_context(ResilientStandin(clock=self.theirs, custom_fields=CUSTOM))
        self.faults, self.maria = self.soar.faults, self.soar.as_person("maria.lindqvist@example.com")

    def stop(self) -> None:
        self.ends.close()

    def connect(self, secret: str = KEY.secret) -> ResilientConnector:
        given: dict[str, Any] = {
            "url": self.soar.url, "org": self.soar.org_id, "api_key_id": KEY.login, "api_key_secret": secret,
            "custom": {"plant": {"field": "plant"}, "score": {"field": "Score"}}, **self.settings,
        }
        config = ResilientConfig.model_validate(given)
        made = ResilientConnector("soar", config, context=Context(clock=self.clock))
        self.ends.callback(made.close)
        return made

    def misconfigured(self) -> Iterable[ResilientConnector]:
        yield self.connect(secret="wrong")

    def person_creates(self, title: str) -> str:
        return str(self.maria.create(title, severity_code="High"))

    def person_retitles(self, key: str, title: str) -> None:
        self.maria.edit(int(key), name=title)

    def person_comments(self, key: str, text: str) -> None:
        self.maria.comment(int(key), text)

    def person_deletes(self, key: str) -> None:
        self.maria.delete(int(key))

    def person_attaches(self, key: str, name: str, content: bytes) -> None:
        self.maria.attach(int(key), name, content)

    def person_assigns(self, key: str, person: str) -> None:
        self.maria.assign(int(key), person or None)

    def person_observes(self, key: str, element: str) -> None:
        kind, _, value = element.partition(" ")
        self.maria.add_artifact(int(key), {"ipv4": "IP Address", "domain": "DNS Name"}[kind], value)

    def person_sets(self, key: str, field: str, value: str) -> None:
        self.maria.edit(int(key), **{field: int(value) if field == "score" else value})

    def theirs(self) -> datetime:
        """The platform's clock."""
        return self.clock() + self.ahead

    def skew(self, seconds: float) -> None:
        self.ahead = timedelta(seconds=seconds)

    def pass_time(self, seconds: float) -> None:
        self.clock.forward(seconds=seconds)


class TestPhases(TestPlain):
    settings = MappingProxyType(
        {"tags_field": "labels", "link_field": "case_link", "status_field": "phase_id", "statuses": PHASES}
    )


class TestPlainInAStorm(StormContract, TestPlain):
    pass


class TestPhasesInAStorm(StormContract, TestPhases):
    pass
