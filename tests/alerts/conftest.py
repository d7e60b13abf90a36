from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from kibcase.alerts import AlertIndices
from kibcase.server.database import Database
from kibcase.server.elasticsearch.app import elasticsearch_app
from kibcase.server.elasticsearch.state import AlertState
from kibcase.server.faults import Faults
from kibcase.server.threaded import ServerThread

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCEPTED = {"Basic ZWxhc3RpYzpjaGFuZ2VtZQ==", "ApiKey aWQ6a2V5"}


@dataclass(frozen=True)
class Node:
    url: str
    state: AlertState
    faults: Faults


@pytest.fixture
def node() -> Iterator[Node]:
    database = Database()
    state = AlertState(database, lambda: NOW)
    faults = Faults(elasticsearch_app(
        state, version="9.2.0", authenticate=lambda header: "elastic" if header in ACCEPTED else None
    ))  # fmt: skip
    with ServerThread(faults) as server:
        yield Node(server.url, state, faults)
    database.close()


@pytest.fixture
def alerts(node: Node) -> Iterator[AlertIndices]:
    with AlertIndices(
        node.url, username="elastic", password="changeme", timeout=10, clock=lambda: NOW
    ) as alerts:
        yield alerts
