"""A stand-in of ServiceNow, a connector on it, and people who work in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from kibcase_connectors.actions import AddComment, Create, SetFields, SetStatus
from kibcase_connectors.api import Context, now
from kibcase_connectors.model import Canonical, Json, Receipt, Snapshot
from kibcase_connectors.people import NOBODY, People
from kibcase_connectors.servicenow import ServiceNowConfig, ServiceNowConnector, ServiceNowFilter
from kibcase_connectors.standins.servicenow import Column, Person, ServiceNowStandin
from kibcase_connectors.standins.servicenow.records import Row

MARK = "kibcase-kibana-0a1b2c3d"
PASSWORD = "kibcase-password"
Table = Literal["incident", "sn_si_incident"]
CODES = {"incident": "Solution provided", "sn_si_incident": "Threat mitigated"}
TAGS = Column(name="u_tags", label="Tags", max_length=255)
LINK = Column(name="u_case_url", label="Case", max_length=255)


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    now: datetime = field(default_factory=lambda: datetime(2026, 3, 2, 14, 30, 15, tzinfo=UTC))

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
    """A stand-in with a connector on it; ``maria`` (an administrator) and ``tomasz`` are people who work in it."""

    servicenow: ServiceNowStandin
    connector: ServiceNowConnector
    announced: Announced
    maria: Person
    tomasz: Person
    table: Table
    ends: ExitStack

    def connect(
        self, accepts: ServiceNowFilter | None = None, clock: Callable[[], datetime] | None = None,
        people: People | None = None, parts: Iterable[str] | None = None, written: Iterable[str] | None = None,
        **settings: Any,
    ) -> ServiceNowConnector:
        """Give another connector; settings replace those of the configuration."""
        usual = {
            "url": self.servicenow.url, "table": self.table, "username": "kibcase", "password": PASSWORD,
            "close_code": CODES[self.table],
        }
        given = {name: value for name, value in {**usual, **settings}.items() if value is not None}
        context = Context(
            clock=clock or now, people=people or NOBODY, parts=None if parts is None else frozenset(parts),
            written=None if written is None else frozenset(written),
        )
        made = ServiceNowConnector("snow", ServiceNowConfig(**given), accepts, context=context)
        self.ends.callback(made.close)
        return made

    def create(self, mark: str = MARK, **fields: Canonical) -> Receipt:
        given: dict[str, Canonical] = {"title": "Beacon on WKS-7", "description": "Seen by EDR.", "severity": "high"}
        action = Create(mark=mark, fields=given | fields, origin_label="case 7")
        return self.connector.apply(action, self.announced)

    def ticket(self) -> Snapshot:
        """Make a record and read it."""
        return self.connector.read(self.create().key)

    def person_makes(self, title: str = "Phishing mail", **columns: Any) -> str:
        return self.tomasz.create(title, table=self.table, **columns)

    def set_fields(self, ticket: Snapshot, **fields: Canonical) -> Receipt:
        action = SetFields(key=ticket.key, version=ticket.version, fields=fields)
        return self.connector.apply(action, self.announced)

    def set_status(self, key: str, status: str) -> Receipt:
        ticket = self.connector.read(key)
        action = SetStatus(key=ticket.key, version=ticket.version, status=status)
        return self.connector.apply(action, self.announced)

    def comment(self, key: str, body: str = "**Ann** wrote:\n\nblocked", number: int = 1) -> Receipt:
        return self.connector.apply(AddComment(key=key, mark=f"{MARK}#{number}", body=body), self.announced)

    def row(self, key: str) -> Row:
        """Look at a record as it is stored."""
        found = self.servicenow.state.find(self.table, key)
        assert found is not None
        return found

    def rows(self) -> list[Row]:
        return self.servicenow.state.rows(self.table)

    def journal(self, key: str) -> list[Row]:
        return self.maria.journal(key)

    def late_entry(self, key: str, text: str, element: str = "work_notes") -> Row:
        """Write a journal entry that does not touch its record, as a script of the instance may."""
        state = self.servicenow.state
        values = {"name": self.table, "element": element, "element_id": key, "value": text}
        entry = state.blank("sys_journal_field", "tomasz.nowak", values)
        state.commit([entry])
        return entry

    @property
    def requests(self) -> list[tuple[str, str]]:
        """The requests so far: method, and path behind ``/api/now/v2/``."""
        return [(seen.method, seen.path.rpartition("/api/now/v2/")[2]) for seen in self.servicenow.faults.requests]


MakeBench = Callable[..., Bench]


@pytest.fixture(params=["incident", "sn_si_incident"])
def table(request: pytest.FixtureRequest) -> Table:
    given: Table = request.param
    return given


@pytest.fixture
def make() -> Iterator[MakeBench]:
    """Build benches; keyword arguments go to the stand-in, ``settings`` to the connector."""
    with ExitStack() as ends:

        def build(table: Table = "incident", settings: Mapping[str, Any] | None = None, **options: Any) -> Bench:
            options.setdefault("columns", [(table, TAGS), (table, LINK)])
            servicenow = ends.enter_context(ServiceNowStandin(**options))
            bench = Bench(
                servicenow=servicenow, connector=None, announced=Announced(),  # type: ignore[arg-type]
                maria=servicenow.as_person("maria.lindqvist"), tomasz=servicenow.as_person("tomasz.nowak"),
                table=table, ends=ends,
            )
            bench.connector = bench.connect(**(settings or {}))
            return bench

        yield build


@pytest.fixture
def bench(make: MakeBench, table: Table) -> Bench:
    return make(table)


@pytest.fixture
def incidents(make: MakeBench) -> Bench:
    return make("incident")


@pytest.fixture
def security(make: MakeBench) -> Bench:
    return make("sn_si_incident")
