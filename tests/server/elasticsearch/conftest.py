from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from kibcase.server.database import Database
from kibcase.server.elasticsearch.app import elasticsearch_app
from kibcase.server.elasticsearch.state import AlertState
from kibcase.server.faults import Faults
from kibcase.server.threaded import ServerThread

ALIAS = ".alerts-security.alerts-default"
CONCRETE = ".internal.alerts-security.alerts-default-000001"
STATUS = "kibana.alert.workflow_status"


@dataclass
class Clock:
    now: datetime = field(default_factory=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass(frozen=True)
class Node:
    url: str
    state: AlertState
    faults: Faults
    clock: Clock


def alert(number: int = 0, **fields: Any) -> dict[str, Any]:
    """A security alert in the shape detection rules write: dotted kibana keys, nested ECS."""
    return {
        "@timestamp": (datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=number)).isoformat(),
        "kibana.alert.uuid": f"a{number}",
        "kibana.alert.rule.name": "Odd login",
        "kibana.alert.rule.uuid": "rule-1",
        "kibana.alert.severity": "high",
        STATUS: "open",
        "kibana.space_ids": ["default"],
        "event": {"action": "logon"},
        "event.kind": "signal",
        "host": {"name": f"ws-{number % 10}"},
        **fields,
    }


def authenticate(header: str | None) -> str | None:
    return "elastic" if header == "Basic ZWxhc3RpYzpjaGFuZ2VtZQ==" else None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database()
    yield database
    database.close()


@pytest.fixture
def state(database: Database, clock: Clock) -> AlertState:
    return AlertState(database, clock)


@pytest.fixture
def node(state: AlertState, clock: Clock) -> Iterator[Node]:
    faults = Faults(elasticsearch_app(state, version="8.19.0", authenticate=authenticate))
    with ServerThread(faults) as server:
        yield Node(server.url, state, faults, clock)


@pytest.fixture
def client(node: Node) -> Iterator[Elasticsearch]:
    with Elasticsearch(node.url, basic_auth=("elastic", "changeme"), max_retries=0, request_timeout=10) as client:
        yield client
