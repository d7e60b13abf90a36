"""Owner, artifacts, custom fields and files kept in step by the engine, also after dying at every request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.api import Context
from kibcase_connectors.custom import CustomField
from kibcase_connectors.memory import Account, MemoryConnector, MemorySystem, Parts
from kibcase_connectors.model import ASSIGNEE, FIELDS, OBSERVABLES
from kibcase_connectors.resilient import ResilientConfig, ResilientConnector
from kibcase_connectors.standins.resilient import DEFAULT_CUSTOM_FIELDS, DEFAULT_KEYS, Field, ResilientStandin
from kibcase_daemon.look import LinkRule
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.types import Both, FieldRule, Policy, Rules
from tests.connectors.resilient.synced import Synced

KEY = DEFAULT_KEYS[0]
CUSTOM = (*DEFAULT_CUSTOM_FIELDS, Field(id=2005, name="score", text="Score", input_type="number", prefix="properties"))
MARIA, TOMASZ = "maria.lindqvist@example.com", "tomasz.nowak@example.com"
FIELDS_TOO = (*FIELDS, ASSIGNEE, OBSERVABLES, "score")
IP, URL, HOST = "ipv4 203.0.113.7", "url https://evil.example.com/a", "hostname WKS-7"
WRITES = r".*/incidents(/\d+(/(comments|artifacts|attachments)(/\d+)?)?)?"


class World(Synced):
    """Cases in memory with every part, incidents on a platform, and a daemon with nothing but its store."""

    def __init__(self, ends: ExitStack, *, children_count: bool = False) -> None:
        self.time = datetime(2026, 3, 2, 14, 30, tzinfo=UTC).timestamp()
        self.cases = MemorySystem(
            "case", clock=lambda: self.time, parts=Parts.all(score=CustomField(field="score")),
            accounts=(Account(id="m", name="Maria", email=MARIA), Account(id="t", name="Tomasz", email=TOMASZ)),
        )
        self.soar = ends.enter_context(
            ResilientStandin(clock=self.now, custom_fields=CUSTOM, children_count=children_count)
        )
        self.maria = self.soar.as_person(MARIA)
        settings: dict[str, Any] = {
            "url": self.soar.url, "org": self.soar.org_id, "api_key_id": KEY.login, "api_key_secret": KEY.secret,
            "custom": {"score": {"field": "Score"}},
        }
        self.ticket = ResilientConnector("soar", ResilientConfig(**settings), context=Context(clock=self.now))
        ends.callback(self.ticket.close)
        self.store = SqliteStore()
        ends.callback(lambda: self.store.close())
        self.rule = LinkRule(
            name="r", rules=Rules(fields={name: FieldRule(policy=Policy.CASE, removals=True) for name in FIELDS_TOO}),
            connectors=Both(case=MemoryConnector(self.cases), ticket=self.ticket),
            creates=Both(case=False, ticket=True),
        )

    @property
    def incident(self) -> Any:
        (one,) = self.soar.state.incidents()
        return one

    def live(self) -> None:
        """The history: a case with everything, its incident, work on both sides."""
        case = self.cases.add(title="Beacon", severity="high", observables=[IP], score="7")
        self.cases.assign(case.key, "m")
        self.cases.attach(case.key, "mail.eml", b"From: x\r\n" * 20_000, media_type="message/rfc822")
        self.settle()
        number = self.incident.id
        self.maria.add_artifact(number, "System Name", "WKS-7")
        self.maria.attach(number, "empty.log", b"")
        self.maria.assign(number, TOMASZ)
        self.maria.edit(number, score=8)
        self.settle()
        assert self.end()[0] == {"assignee": {"id": "t", "name": "Tomasz", "email": TOMASZ}, "score": "8"}
        self.cases.assign(case.key, "m")
        self.cases.edit(case.key, observables=[HOST, URL], score="9.5")
        self.cases.attach(case.key, "note.txt", b"two")
        self.settle()

    def end(self) -> tuple[Any, ...]:
        """What people see at the end, in either system."""
        (case,) = self.cases.things.values()
        held = self.incident
        return (
            {name: case.fields[name] for name in ("assignee", "score")}, sorted(case.fields["observables"]),  # type: ignore[arg-type]
            sorted((one.file.name, one.content) for one in case.files),
            held.values["owner_id"], held.values["properties.score"], sorted(one.value for one in held.artifacts),
            sorted((one.name, one.content) for one in held.attachments),
        )


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("children_count", [False, True])
def test_a_history_in_both_directions(ends: ExitStack, children_count: bool) -> None:
    world = World(ends, children_count=children_count)
    world.live()
    files = [("empty.log", b""), ("mail.eml", b"From: x\r\n" * 20_000), ("note.txt", b"two")]
    assert world.end() == (
        {"assignee": {"id": "m", "name": "Maria", "email": MARIA}, "score": "9.5"}, [HOST, URL], files,
        3, 9.5, ["WKS-7", "https://evil.example.com/a"], files,
    )
    world.soar.faults.forget()
    for _ in range(3):
        world.time += 400.0
        assert world.cycle().looked_at == 0
    assert world.cycle(full=True).in_step
    assert [seen.path for seen in world.soar.faults.writes if not seen.path.endswith("query_paged")] == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_losing_any_request_or_answer_changes_nothing_in_the_end(
    ends: ExitStack, when: Literal["before", "after"]
) -> None:
    calm = World(ends)
    calm.live()
    writes = [seen for seen in calm.soar.faults.writes if re.fullmatch(WRITES, seen.path)]
    assert {seen.method for seen in writes} == {"POST", "PATCH", "DELETE"}
    for number, write in enumerate(writes):
        world = World(ends)
        passing = sum(1 for seen in writes[:number] if seen.method == write.method)
        if passing:
            world.soar.faults.arm(Fault(method=write.method, path=WRITES, times=passing))
        world.soar.faults.arm(Fault(method=write.method, path=WRITES, drop=True, when=when))
        world.live()
        assert world.soar.faults.armed == []
        assert world.end() == calm.end(), f"{when} at write {number}, {write.method} {write.path}"
