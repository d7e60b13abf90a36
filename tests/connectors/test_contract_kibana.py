"""Kibana keeps the contract, over HTTP to the embedded server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from kibcase import NEVER, Kibana
from kibcase.server.app import CasesServer
from kibcase.server.users import User
from kibcase_connectors.kibana import KibanaConnector
from kibcase_connectors.testing import ConnectorContract
from tests.connectors.kibana.conftest import PASSWORD, Clock, configure
from tests.connectors.test_contract_over_http import OverHttp


class TestKibana(OverHttp, ConnectorContract):
    ends: ExitStack
    clock: Clock
    server: CasesServer
    analyst: Kibana

    def start(self) -> None:
        self.ends, self.clock, self.people = ExitStack(), Clock(), 0
        users: dict[str, str | User] = {"elastic": PASSWORD, "mara": PASSWORD}
        server = CasesServer(clock=self.clock, users=users, incremental_ids=False)
        self.server = self.ends.enter_context(server)
        self.faults = self.server.kibana
        analyst = Kibana(self.server.kibana_url, username="mara", password=PASSWORD, retry=NEVER)
        self.analyst = self.ends.enter_context(analyst)

    def stop(self) -> None:
        self.ends.close()

    def connect(self, password: str = PASSWORD) -> KibanaConnector:
        made = KibanaConnector("soc", configure(self.server, password=password), clock=self.clock)
        self.ends.callback(made.close)
        return made

    def misconfigured(self) -> Iterable[KibanaConnector]:
        yield self.connect(password="wrong")

    def person_creates(self, title: str) -> str:
        with self.by_hand():
            return self.analyst.cases.create(title=title, description="Seen by EDR.", owner="securitySolution").id

    def person_retitles(self, key: str, title: str) -> None:
        with self.by_hand():
            self.analyst.cases.update(key, title=title)

    def person_comments(self, key: str, text: str) -> None:
        with self.by_hand():
            self.analyst.comments.add(key, text, owner="securitySolution")

    def person_deletes(self, key: str) -> None:
        with self.by_hand():
            self.analyst.cases.delete(key)

    def pass_time(self, seconds: float) -> None:
        self.clock.pass_seconds(seconds)

    @contextmanager
    def by_hand(self) -> Iterator[None]:
        """What the analyst sends is not counted among the connector's requests."""
        before = self.writes()
        yield
        self.people += self.writes() - before
