"""IBM Resilient keeps the contract, over HTTP to the stand-in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from types import MappingProxyType

from kibcase_connectors.resilient import ResilientConfig, ResilientConnector
from kibcase_connectors.standins.resilient import DEFAULT_CUSTOM_FIELDS, Person, ResilientStandin
from kibcase_connectors.standins.resilient.catalog import Field
from kibcase_connectors.testing import ConnectorContract
from tests.connectors.resilient.conftest import KEY, Clock
from tests.connectors.test_contract_over_http import OverHttp

CUSTOM = (
    *DEFAULT_CUSTOM_FIELDS,
    Field(id=1002, name="labels", text="Labels", input_type="text", prefix="properties"),
    Field(id=1005, name="case_link", text="Case", input_type="text", prefix="properties"),
)
PHASES = {"Initial": "open", "Engage": "in-progress", "Respond": "in-progress", "Post-Incident": "in-progress"}


class TestPlain(OverHttp, ConnectorContract):
    settings: Mapping[str, object] = MappingProxyType({})
    ends: ExitStack
    clock: Clock
    soar: ResilientStandin
    maria: Person

    def start(self) -> None:
        self.ends, self.clock = ExitStack(), Clock()
        self.soar = self.ends.enter_context(ResilientStandin(clock=self.clock, custom_fields=CUSTOM))
        self.faults, self.maria = self.soar.faults, self.soar.as_person("maria.lindqvist@example.com")

    def stop(self) -> None:
        self.ends.close()

    def connect(self, secret: str = KEY.secret) -> ResilientConnector:
        given = {"url": self.soar.url, "org": self.soar.org_id, "api_key_id": KEY.login, "api_key_secret": secret}
        made = ResilientConnector("soar", ResilientConfig.model_validate({**given, **self.settings}), clock=self.clock)
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

    def pass_time(self, seconds: float) -> None:
        self.clock.forward(seconds=seconds)


class TestPhases(TestPlain):
    settings = MappingProxyType(
        {"tags_field": "labels", "link_field": "case_link", "status_field": "phase_id", "statuses": PHASES}
    )
