"""A stand-in of Jira, a connector on it, and people who work in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from kibcase_connectors.actions import Create
from kibcase_connectors.api import Context
from kibcase_connectors.jira import JiraConfig, JiraConnector, JiraFilter
from kibcase_connectors.model import Canonical, Json, Receipt, Snapshot
from kibcase_connectors.people import NOBODY, People
from kibcase_connectors.standins.jira import JiraStandin, Person

MARK = "kibcase-kibana-0a1b2c3d"
SECRET = "kibcase-token"
Deployment = Literal["cloud", "datacenter"]


@dataclass
class Clock:
    """A clock that stands still until a test moves it; behind that of the HTTP server, which cannot be moved."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(days=1))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Announced:
    """Notes what is announced; ``then`` runs at each announcement."""

    values: list[dict[str, Json]] = field(default_factory=list)
    then: Callable[[], None] = lambda: None

    def __call__(self, values: Mapping[str, Json]) -> None:
        self.values.append(dict(values))
        self.then()


def credentials(deployment: Deployment) -> dict[str, Any]:
    if deployment == "cloud":
        return {"email": "kibcase@example.com", "api_token": SECRET}
    return {"token": SECRET}


@dataclass
class Bench:
    """A stand-in with a connector on it; ``maria`` is a person who works in it."""

    jira: JiraStandin
    connector: JiraConnector
    announced: Announced
    maria: Person
    deployment: Deployment
    ends: ExitStack

    def connect(
        self, accepts: JiraFilter | None = None, clock: Callable[[], datetime] | None = None,
        people: People = NOBODY, parts: frozenset[str] | None = None, written: frozenset[str] | None = None,
        **settings: Any,
    ) -> JiraConnector:
        """Give another connector; settings replace those of the configuration."""
        given = {"url": self.jira.url, "project": "SOC", **credentials(self.deployment), **settings}
        given_context: dict[str, Any] = {"people": people, "parts": parts, "written": written}
        context = Context(**given_context) if clock is None else Context(clock=clock, **given_context)
        made = JiraConnector("jira", JiraConfig(**given), accepts, context=context)
        self.ends.callback(made.close)
        return made

    def create(self, mark: str = MARK, **fields: Canonical) -> Receipt:
        given: dict[str, Canonical] = {
            "title": "Beacon on WKS-7", "description": "Seen by EDR.", "severity": "high", "tags": ("apt 29", "edr"),
        }
        action = Create(mark=mark, fields=given | fields, origin_label="case 7")
        return self.connector.apply(action, self.announced)

    def ticket(self) -> Snapshot:
        """Make a ticket and read it."""
        return self.connector.read(self.create().key)

    @property
    def requests(self) -> list[tuple[str, str]]:
        """The requests so far: method, and path behind ``/rest/api/N/``."""
        return [(seen.method, re.sub(r".*/rest/api/\d/", "", seen.path)) for seen in self.jira.faults.requests]


@pytest.fixture(params=["cloud", "datacenter"])
def deployment(request: pytest.FixtureRequest) -> Deployment:
    given: Deployment = request.param
    return given


MakeBench = Callable[..., Bench]


@pytest.fixture
def make() -> Iterator[MakeBench]:
    """Build benches; keyword arguments go to the stand-in."""
    with ExitStack() as ends:

        def build(deployment: Deployment, **options: Any) -> Bench:
            jira = ends.enter_context(JiraStandin(deployment=deployment, **options))
            bench = Bench(
                jira=jira, connector=None, announced=Announced(),  # type: ignore[arg-type]
                maria=jira.as_person("maria.lindqvist"), deployment=deployment, ends=ends,
            )
            bench.connector = bench.connect()
            return bench

        yield build


@pytest.fixture
def bench(make: MakeBench, deployment: Deployment) -> Bench:
    return make(deployment)


@pytest.fixture
def cloud(make: MakeBench) -> Bench:
    return make("cloud")


@pytest.fixture
def datacenter(make: MakeBench) -> Bench:
    return make("datacenter")
