"""Kibana keeps the contract, over HTTP to the embedded server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from types import MappingProxyType

from kibcase import NEVER, Kibana
from kibcase.models.case import CustomField
from kibcase.models.configuration import CustomFieldDefinition
from kibcase.server.app import CasesServer
from kibcase.server.users import User
from kibcase_connectors.api import Context
from kibcase_connectors.kibana import KibanaConnector
from kibcase_connectors.testing import ConnectorContract, StormContract
from tests.connectors.kibana.conftest import PASSWORD, Clock, configure
from tests.connectors.test_contract_over_http import OverHttp

OWNER = "securitySolution"
ANN = "u_ann_0"


class TestKibana(OverHttp, ConnectorContract):
    colleague = "ann@example.com"
    custom = MappingProxyType({"impact": ("plant 7", "plant 8"), "score": ("7", "8"), "regulated": ("true", "false")})
    unfit = MappingProxyType({"score": "many", "regulated": "perhaps"})
    ends: ExitStack
    clock: Clock
    server: CasesServer
    analyst: Kibana

    def start(self) -> None:
        self.ends, self.clock, self.people, self.ahead = ExitStack(), Clock(), 0, timedelta()
        users: dict[str, str | User] = {
            "elastic": PASSWORD, "mara": PASSWORD,
            "ann": User(password=PASSWORD, full_name="Ann Berg", email="Ann@example.com", profile_uid=ANN),
        }
        server = CasesServer(clock=self.theirs, users=users, incremental_ids=False)
        self.server = self.ends.enter_context(server)
        self.faults = self.server.kibana
        analyst = Kibana(self.server.kibana_url, username="mara", password=PASSWORD, retry=NEVER)
        self.analyst = self.ends.enter_context(analyst)
        with self.by_hand():
            self.analyst.configuration.replace(OWNER, custom_fields=[
                CustomFieldDefinition(key="k-impact", label="Impact", type="text", required=False),
                CustomFieldDefinition(key="k-score", label="Score", type="number", required=False),
                CustomFieldDefinition(key="k-regulated", label="Regulated", type="toggle", required=False),
            ])

    def stop(self) -> None:
        self.ends.close()

    def theirs(self) -> datetime:
        """The server's clock."""
        return self.clock() + self.ahead

    def connect(self, password: str = PASSWORD) -> KibanaConnector:
        custom = {"impact": {"field": "Impact"}, "score": {"field": "k-score"}, "regulated": {"field": "Regulated"}}
        config = configure(self.server, password=password, custom=custom)
        made = KibanaConnector("soc", config, context=Context(clock=self.clock))
        self.ends.callback(made.close)
        return made

    def misconfigured(self) -> Iterable[KibanaConnector]:
        yield self.connect(password="wrong")

    def person_creates(self, title: str) -> str:
        with self.by_hand():
            return self.analyst.cases.create(title=title, description="Seen by EDR.", owner=OWNER).id

    def person_retitles(self, key: str, title: str) -> None:
        with self.by_hand():
            self.analyst.cases.update(key, title=title)

    def person_comments(self, key: str, text: str) -> None:
        with self.by_hand():
            self.analyst.comments.add(key, text, owner=OWNER)

    def person_deletes(self, key: str) -> None:
        with self.by_hand():
            self.analyst.cases.delete(key)

    def person_attaches(self, key: str, name: str, content: bytes) -> None:
        with self.by_hand():
            self.analyst.files.upload(key, content, name=name)

    def person_assigns(self, key: str, person: str) -> None:
        with self.by_hand():
            self.analyst.cases.update(key, assignees=[ANN] if person else [])

    def person_observes(self, key: str, element: str) -> None:
        kind, _, value = element.partition(" ")
        with self.by_hand():
            self.analyst.observables.add(key, f"observable-type-{kind}", value)

    def person_sets(self, key: str, field: str, value: str) -> None:
        kinds = {"impact": "text", "score": "number", "regulated": "toggle"}
        native = {"score": lambda: int(value), "regulated": lambda: value == "true"}.get(field, lambda: value)()
        with self.by_hand():
            changed = CustomField.model_validate({"key": f"k-{field}", "type": kinds[field], "value": native})
            others = [each for each in self.analyst.cases.get(key).custom_fields if each.key != changed.key]
            self.analyst.cases.update(key, custom_fields=[*others, changed])

    def skew(self, seconds: float) -> None:
        self.ahead = timedelta(seconds=seconds)

    def pass_time(self, seconds: float) -> None:
        self.clock.pass_seconds(seconds)

    @contextmanager
    def by_hand(self) -> Iterator[None]:
        """What the analyst sends is not counted among the connector's requests, and no fault is meant for it."""
        self.faults.disarm()
        before = self.writes()
        yield
        self.people += self.writes() - before


class TestKibanaInAStorm(StormContract, TestKibana):
    pass
