"""A stand-in of QRadar SOAR, a connector on it, and people who work in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kibcase_connectors.actions import Create, SetFields, SetStatus
from kibcase_connectors.api import Context
from kibcase_connectors.model import Canonical, Json, Receipt, Snapshot
from kibcase_connectors.people import NOBODY, People
from kibcase_connectors.resilient import ResilientConfig, ResilientConnector, ResilientFilter
from kibcase_connectors.standins.resilient import DEFAULT_KEYS, Account, Person, ResilientStandin

MARK = "kibcase-kibana-0a1b2c3d-4e5f"
KEY = DEFAULT_KEYS[0]


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    now: datetime = datetime(2026, 3, 2, 14, 30, 15, 250_000, tzinfo=UTC)

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


@dataclass
class Bench:
    """A stand-in with a connector on it; ``maria`` is a person who works in it."""

    soar: ResilientStandin
    connector: ResilientConnector
    announced: Announced
    maria: Person
    clock: Clock
    ends: ExitStack

    def connect(
        self, accepts: ResilientFilter | None = None, *, key: Account = KEY,
        clock: Callable[[], datetime] | None = None, people: People = NOBODY, parts: Iterable[str] | None = None,
        written: Iterable[str] | None = None, **settings: Any,
    ) -> ResilientConnector:
        """Give another connector; settings replace those of the configuration, None takes one out."""
        context = Context(
            clock=clock or self.clock, people=people, parts=None if parts is None else frozenset(parts),
            written=None if written is None else frozenset(written),
        )
        given = {
            "url": self.soar.url, "org": self.soar.org_id, "api_key_id": key.login, "api_key_secret": key.secret,
            **settings,
        }
        given = {name: value for name, value in given.items() if value is not None or name == "mark_field"}
        made = ResilientConnector("soar", ResilientConfig(**given), accepts, context=context)
        self.ends.callback(made.close)
        return made

    def create(self, mark: str = MARK, **fields: Canonical) -> Receipt:
        given: dict[str, Canonical] = {
            "title": "Beacon on WKS-7", "description": "Seen by **EDR**.", "severity": "high", "tags": (),
        }
        action = Create(mark=mark, fields=given | fields, origin_label="case 7")
        return self.connector.apply(action, self.announced)

    def ticket(self) -> Snapshot:
        """Make an incident and read it; nothing is recorded of that."""
        ticket = self.connector.read(self.create().key)
        self.announced.values.clear()
        self.soar.faults.forget()
        return ticket

    def set(self, ticket: Snapshot, **fields: Canonical) -> Receipt:
        action = SetFields(key=ticket.key, version=ticket.version, fields=fields)
        return self.connector.apply(action, self.announced)

    def move(self, ticket: Snapshot, status: str) -> Receipt:
        return self.connector.apply(SetStatus(key=ticket.key, version=ticket.version, status=status), self.announced)

    def value(self, key: str, path: str) -> Any:
        """Give what the platform holds in a field."""
        return self.maria.incident(int(key)).values[path]

    @property
    def requests(self) -> list[tuple[str, str]]:
        """The requests so far: method, and path behind the organisation's."""
        below = f"/rest/orgs/{self.soar.org_id}/"
        return [(seen.method, seen.path.removeprefix(below)) for seen in self.soar.faults.requests]

    @property
    def changing(self) -> list[tuple[str, str]]:
        """Those of ``requests`` that write."""
        return [(how, path) for how, path in self.requests if how != "GET" and not path.endswith("query_paged")]


MakeBench = Callable[..., Bench]


@pytest.fixture
def make() -> Iterator[MakeBench]:
    """Build benches; keyword arguments go to the stand-in, ``settings`` to the configuration."""
    with ExitStack() as ends:

        def build(*, settings: Mapping[str, Any] | None = None, **options: Any) -> Bench:
            clock = Clock()
            soar = ends.enter_context(ResilientStandin(**{"clock": clock, **options}))
            bench = Bench(
                soar=soar, connector=None, announced=Announced(),  # type: ignore[arg-type]
                maria=soar.as_person("maria.lindqvist@example.com"), clock=clock, ends=ends,
            )
            bench.connector = bench.connect(**dict(settings or {}))
            return bench

        yield build


@pytest.fixture
def bench(make: MakeBench) -> Bench:
    return make()
