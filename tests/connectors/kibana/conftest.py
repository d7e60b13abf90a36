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
from kibcase_connectors.api import Context
from kibcase_connectors.kibana import CaseFilter, KibanaConfig, KibanaConnector
from kibcase_connectors.model import COMMENTS, FIELDS, Json, Receipt
from kibcase_connectors.people import NOBODY, People

PASSWORD = "changeme"
CORE = frozenset({*FIELDS, COMMENTS})
"""What every Kibana has; the tests of the further parts ask for all."""


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

    def connect(
        self, wanted: CaseFilter | None = None, parts: frozenset[str] | None = CORE, people: People = NOBODY,
        written: frozenset[str] | None = None, **config: Any,
    ) -> KibanaConnector:
        context = Context(clock=self.clock, parts=parts, people=people, written=written)
        connector = KibanaConnector("soc", configure(self.server, **config), wanted, context=context)
        self.ends.callback(connector.close)
        return connector

    def whole(self, people: People = NOBODY, **config: Any) -> KibanaConnector:
        """Give a connector that all parts are wanted of."""
        return self.connect(parts=None, people=people, **config)

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
                "ann": User(password=PASSWORD, full_name="Ann Berg", email="ann@example.com", profile_uid="u_ann_0"),
                "bo": User(password=PASSWORD, full_name="Bo Dahl", email="Bo@example.com", profile_uid="u_bo_0"),
            }
            given = {"incremental_ids": False, **options, "users": users | options.get("users", {})}
            server = CasesServer(clock=clock or hands, **given)
            ends.enter_context(server)
            context = Context(clock=ours or clock or hands, parts=CORE)
            connector = KibanaConnector("soc", configure(server), context=context)
            ends.callback(connector.close)
            analyst = Kibana(server.kibana_url, username="mara", password=PASSWORD, retry=NEVER)
            ends.enter_context(analyst)
            return Bench(server, hands, connector, analyst, Announced(), ends)

        yield start


@pytest.fixture
def bench(serve: Callable[..., Bench]) -> Bench:
    return serve()
