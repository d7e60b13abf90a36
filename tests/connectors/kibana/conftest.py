"""An embedded server, a connector on it, and the hands of an analyst."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kibcase import NEVER, Kibana
from kibcase.server.app import CasesServer
from kibcase.server.faults import Seen
from kibcase.server.users import User
from kibcase_connectors.actions import Create
from kibcase_connectors.kibana import CaseFilter, KibanaConfig, KibanaConnector
from kibcase_connectors.model import Json, Receipt

PASSWORD = "changeme"


@dataclass
class Clock:
    """A clock that moves a millisecond with each look, and otherwise when told to."""

    now: datetime = datetime(2025, 5, 1, 12, tzinfo=UTC)
    step: timedelta = timedelta(milliseconds=1)

    def __call__(self) -> datetime:
        self.now += self.step
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Announced:
    """Notes what is announced; ``then`` runs at each announcement."""

    values: list[dict[str, Json]] = field(default_factory=list)
    then: Callable[[], object] = lambda: None

    def __call__(self, values: Mapping[str, Json]) -> None:
        self.values.append(dict(values))
        self.then()


@dataclass
class Bench:
    """The server, the connector under test, and Kibana as an analyst uses it."""

    server: CasesServer
    clock: Clock
    connector: KibanaConnector
    analyst: Kibana
    announced: Announced
    ends: ExitStack

    def case(self, title: str = "Suspicious login", **more: Any) -> str:
        made = {"description": "From a new country.", "owner": "securitySolution", **more}
        return self.analyst.cases.create(title=title, **made).id

    def create(self, **fields: Any) -> Receipt:
        """Let the connector create a case as a copy of a ticket."""
        given = {"title": "Printer on fire", "description": "It burns.", "severity": "high", **fields}
        return self.connector.apply(
            Create(mark="kibcase-jira-ab12cd34-10001", fields=given, origin_label="SOC-1"), self.announced
        )

    def connect(self, wanted: CaseFilter | None = None, **config: Any) -> KibanaConnector:
        connector = KibanaConnector("soc", configure(self.server, **config), wanted, self.clock)
        self.ends.callback(connector.close)
        return connector

    def requests(self, since: int) -> list[Seen]:
        return self.server.kibana.requests[since:]

    @property
    def mark(self) -> int:
        return len(self.server.kibana.requests)


def configure(server: CasesServer, **config: Any) -> KibanaConfig:
    given: dict[str, Any] = {
        "type": "kibana", "url": server.kibana_url, "username": "elastic", "password": PASSWORD,
        "owner": "securitySolution", "timeout": (2.0, 10.0), **config,
    }
    return KibanaConfig(**{name: value for name, value in given.items() if value is not None})


@pytest.fixture
def serve() -> Iterator[Callable[..., Bench]]:
    """Start a server with a connector on it; ``ours`` is the connector's clock, by default the server's."""
    with ExitStack() as ends:

        def start(
            clock: Callable[[], datetime] | None = None, ours: Callable[[], datetime] | None = None, **options: Any
        ) -> Bench:
            hands = Clock()
            users: dict[str, str | User] = {
                "elastic": PASSWORD, "mara": User(password=PASSWORD, full_name="Mara Lindqvist"),
            }
            server = CasesServer(clock=clock or hands, users=users, **{"incremental_ids": False, **options})
            ends.enter_context(server)
            connector = KibanaConnector("soc", configure(server), clock=ours or clock or hands)
            ends.callback(connector.close)
            analyst = Kibana(server.kibana_url, username="mara", password=PASSWORD, retry=NEVER)
            ends.enter_context(analyst)
            return Bench(server, hands, connector, analyst, Announced(), ends)

        yield start


@pytest.fixture
def bench(serve: Callable[..., Bench]) -> Bench:
    return serve()
