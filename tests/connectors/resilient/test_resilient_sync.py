"""A case system and the platform kept in step by the engine: both ways, and after dying at every request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.api import Context
from kibcase_connectors.memory import MemoryConnector, MemorySystem
from kibcase_connectors.model import FIELDS
from kibcase_connectors.resilient import ResilientConfig, ResilientConnector
from kibcase_connectors.standins.resilient import DEFAULT_CUSTOM_FIELDS, DEFAULT_KEYS, Field, ResilientStandin
from kibcase_daemon.look import LinkRule
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.types import Both, FieldRule, Policy, Rules
from tests.connectors.resilient.synced import Synced

KEY = DEFAULT_KEYS[0]
CUSTOM = (
    *DEFAULT_CUSTOM_FIELDS,
    Field(id=1002, name="labels", text="Labels", input_type="text", prefix="properties"),
    Field(id=1005, name="case_link", text="Case", input_type="text", prefix="properties"),
)
SETTINGS: dict[str, Any] = {
    "tags_field": "labels", "link_field": "case_link", "status_field": "phase_id",
    "statuses": {"Initial": "open", "Engage": "in-progress", "Respond": "in-progress", "Post-Incident": "in-progress"},
}
How = Literal["never arrives", "answer lost"]


class World(Synced):
    """Cases in memory, incidents on a platform that answers HTTP, and a daemon with nothing but its store."""

    def __init__(
        self, ends: ExitStack, *, settings: dict[str, Any] | None = None, create_cases: bool = False, **options: Any
    ) -> None:
        self.time = datetime(2026, 3, 2, 14, 30, tzinfo=UTC).timestamp()
        self.cases = MemorySystem("case", clock=lambda: self.time)
        self.soar = ends.enter_context(ResilientStandin(**{"clock": self.now, "custom_fields": CUSTOM, **options}))
        self.maria = self.soar.as_person("maria.lindqvist@example.com")
        config = ResilientConfig(
            url=self.soar.url, org=self.soar.org_id, api_key_id=KEY.login, api_key_secret=KEY.secret,
            **(SETTINGS if settings is None else settings),
        )
        self.ticket = ResilientConnector("soar", config, context=Context(clock=self.now))
        ends.callback(self.ticket.close)
        self.store = SqliteStore()
        ends.callback(lambda: self.store.close())
        self.rule = LinkRule(
            name="r", rules=Rules(fields={name: FieldRule(policy=Policy.CASE, removals=True) for name in FIELDS}),
            connectors=Both(case=MemoryConnector(self.cases), ticket=self.ticket),
            creates=Both(case=create_cases, ticket=True),
        )

    @property
    def incident(self) -> Any:
        (one,) = [each for each in self.soar.state.incidents() if each.values["properties.kibana_case_id"]]
        return one

    def live(self) -> None:
        """The history: a case, its incident, work on both sides, a conflict, a corrected note, the end."""
        case = self.cases.add(
            title="Beacon", description="# Seen\n\nby `edr` <script>", severity="high", tags=["c2", "edr"],
            status="in-progress",
        )
        first = self.cases.comment(case.key, "first *look*")
        self.settle()
        number = self.incident.id
        remark = self.maria.comment(number, "<p>blocked at the <b>proxy</b></p>")
        self.maria.comment(number, "confirmed", reply_to=remark)
        self.cases.edit(case.key, severity="low")
        self.settle()
        self.cases.edit(case.key, title="Beacon to a new domain", tags=["c2"])
        self.maria.edit(number, name="Proxy block", labels="c2, edr, net", description="<div>seen</div><p>twice</p>")
        self.maria.edit_comment(number, remark, "<p>blocked at both proxies</p>")
        self.cases.edit_comment(case.key, first.key, "first *look*\nsecond line")
        self.settle()
        self.maria.close(number, resolution="Duplicate", summary="see 2001")
        self.settle()
        self.cases.edit(case.key, status="open")
        self.settle()
        self.cases.edit(case.key, status="closed")
        self.settle()

    def end(self) -> tuple[Any, ...]:
        """What people see at the end, in either system; keys and times differ from run to run."""
        (case,) = self.cases.things.values()
        said = sorted((comment.body.rpartition("\n\n")[2], comment.mark is not None) for comment in case.comments)
        held = self.incident
        shown = {name: value for name, value in held.values.items() if name not in ("discovered_date", "members")}
        notes = sorted(str(note.text).partition("UTC:")[2] or str(note.text) for note in held.comments)
        return case.fields, said, shown, notes


MakeWorld = Callable[..., World]


@pytest.fixture
def make_world() -> Iterator[MakeWorld]:
    with ExitStack() as ends:
        yield lambda **options: World(ends, **options)


def test_a_history_in_both_directions(make_world: MakeWorld) -> None:
    world = make_world()
    world.live()
    (case,) = world.cases.things.values()
    held = world.incident.values
    assert case.fields["title"] == held["name"] == "Beacon to a new domain"
    assert case.fields["description"] == "seen\n\ntwice"
    assert (case.fields["severity"], held["severity_code"]) == ("low", 4)
    assert (case.fields["tags"], held["properties.labels"]) == (["c2", "net"], "c2, net")
    assert (case.fields["status"], held["plan_status"], held["resolution_id"]) == ("closed", "C", 8)
    assert held["properties.case_link"] == f"https://case.example/{case.key}"
    assert [comment.mark is None for comment in case.comments] == [True, False, False]
    assert [comment.body.rpartition("\n\n")[2] for comment in case.comments[1:]] == [
        "blocked at both proxies", "confirmed",
    ]
    notes = [str(note.text) for note in world.incident.comments]
    assert len(notes) == 3
    assert "first <em>look</em><br />second line" in notes[0]


def test_nothing_echoes(make_world: MakeWorld) -> None:
    world = make_world()
    world.live()
    world.soar.faults.forget()
    before = len(world.cases.writes)
    for _ in range(5):
        world.time += 400.0
        assert world.cycle().looked_at == 0
    assert world.cycle(full=True).in_step
    assert len(world.cases.writes) == before
    assert [seen.path for seen in world.soar.faults.writes if not seen.path.endswith("query_paged")] == []


def test_incidents_become_cases_and_the_daemon_may_forget_everything(make_world: MakeWorld) -> None:
    world = make_world(create_cases=True)
    number = world.maria.create("Odd log-in", description="<b>late</b>", labels="vip")
    world.maria.comment(number, "who was it?")
    case = world.cases.add(title="Beacon", severity="high")
    world.settle()
    world.store.close()
    world.store = SqliteStore()
    world.settle()
    assert len(world.cases.things) == 2
    assert len(world.soar.state.incidents()) == 2
    copy = next(thing for thing in world.cases.things.values() if thing.key != case.key)
    assert (copy.fields["title"], copy.fields["description"], copy.fields["severity"]) == (
        "Odd log-in", "**late**", "low"
    )
    assert len(copy.comments) == 1


def test_an_organisation_with_nothing_but_the_defaults(make_world: MakeWorld) -> None:
    world = make_world(settings={}, custom_fields=DEFAULT_CUSTOM_FIELDS)
    case = world.cases.add(title="Beacon", severity="high", tags=["c2"], status="in-progress")
    world.settle()
    assert world.cases.thing(case.key).fields["status"] == "in-progress"
    assert world.incident.values["plan_status"] == "A"
    world.maria.close(world.incident.id)
    world.settle()
    assert world.cases.thing(case.key).fields["status"] == "closed"


def test_without_severities_incidents_are_made_all_the_same(make_world: MakeWorld) -> None:
    world = make_world(settings={"severity_labels": {}, "mark_field": None}, custom_fields=())
    world.cases.add(title="Beacon", severity="high")
    world.settle()
    (incident,) = world.soar.state.incidents()
    assert incident.values["severity_code"] is None


def test_a_mark_that_somebody_removed_is_put_back(make_world: MakeWorld) -> None:
    world = make_world()
    case = world.cases.add(title="Beacon", severity="high")
    world.settle()
    mark = world.incident.values["properties.kibana_case_id"]
    world.maria.edit(world.incident.id, kibana_case_id=None)
    world.settle()
    assert world.incident.values["properties.kibana_case_id"] == mark == f"kibcase-{case.key}"


def test_a_closing_that_is_refused_is_told_on_the_link(make_world: MakeWorld) -> None:
    world = make_world()
    case = world.cases.add(title="Beacon", severity="high")
    world.settle()
    world.soar.refuse_closing("Tasks are open.")
    world.cases.edit(case.key, status="closed")
    (link,) = world.cycle().troubled
    assert "Tasks are open." in link.reason
    assert world.incident.values["plan_status"] == "A"


def test_a_playbook_that_always_has_the_last_word_ends_in_no_loop(make_world: MakeWorld) -> None:
    world = make_world()
    world.soar.add_playbook(lambda written, system: system.edit(written.incident_id, severity_code="High"))
    case = world.cases.add(title="Beacon", severity="low")
    world.settle()
    assert world.cases.thing(case.key).fields["severity"] in ("high", "critical")


@pytest.mark.parametrize("how", ["never arrives", "answer lost"])
def test_losing_any_request_or_answer_changes_nothing_in_the_end(make_world: MakeWorld, how: How) -> None:
    calm = make_world()
    calm.live()
    writes = [seen for seen in calm.soar.faults.writes if re.fullmatch(_WRITES, seen.path)]
    assert len(writes) >= 9
    assert {seen.method for seen in writes} == {"POST", "PATCH", "PUT"}
    for number, write in enumerate(writes):
        world = make_world()
        passing = sum(1 for seen in writes[:number] if seen.method == write.method)
        if passing:
            world.soar.faults.arm(Fault(method=write.method, path=_WRITES, times=passing))
        when: Literal["before", "after"] = "before" if how == "never arrives" else "after"
        world.soar.faults.arm(Fault(method=write.method, path=_WRITES, drop=True, when=when))
        world.live()
        assert world.soar.faults.armed == []
        assert world.end() == calm.end(), f"{how} at write {number}, {write.method}"


_WRITES = r".*/incidents(/\d+(/comments(/\d+)?)?)?"
