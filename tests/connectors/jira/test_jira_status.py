"""Bringing tickets to a status through their workflow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.actions import SetStatus
from kibcase_connectors.errors import Conflict, OutcomeUnknown, Refused, Throttled, Unavailable
from kibcase_connectors.standins.jira import Project, ScreenField, Status, Transition, Workflow

if TYPE_CHECKING:
    from kibcase_connectors.model import Receipt, Snapshot
    from tests.connectors.jira.conftest import Bench, Deployment, MakeBench

NEW = Status(id="1", name="Backlog", category="new")
WORK = Status(id="2", name="Working", category="indeterminate")
WAIT = Status(id="3", name="Waiting", category="indeterminate")
DONE = Status(id="4", name="Done", category="done")
DROP = Status(id="5", name="Rejected", category="done")


def way(
    number: int, source: Status, target: Status, *screen: ScreenField, users: frozenset[str] | None = None
) -> Transition:
    return Transition(
        id=str(number), name=f"{source.name} to {target.name}", sources=frozenset({source.id}), target=target.id,
        screen=screen, users=users,
    )


def move(bench: Bench, ticket: Snapshot, status: str) -> Receipt:
    bench.announced.values.clear()
    return bench.connector.apply(SetStatus(key=ticket.key, version=ticket.version, status=status), bench.announced)


def announced(bench: Bench) -> list[str]:
    return [str(values["status"]["name"]) for values in bench.announced.values]  # type: ignore[index, call-overload]


def test_the_way_from_to_do_to_done_is_found(bench: Bench) -> None:
    ticket = bench.ticket()
    receipt = move(bench, ticket, "closed")
    assert receipt.stored == {"status": {"id": "10002", "name": "Done", "category": "done"}}
    assert announced(bench) == ["In Progress", "In Review", "Done"]
    assert bench.connector.read(ticket.key).fields["status"] == receipt.stored["status"]
    assert bench.maria.issue(ticket.key).resolution is not None


def test_a_closed_ticket_is_reopened(bench: Bench) -> None:
    ticket = bench.ticket()
    move(bench, ticket, "closed")
    move(bench, bench.connector.read(ticket.key), "open")
    assert announced(bench) == ["In Progress", "To Do"]


def test_a_ticket_that_is_there_already_is_left_alone(bench: Bench) -> None:
    ticket = bench.ticket()
    receipt = move(bench, ticket, "open")
    assert receipt.stored == {"status": ticket.fields["status"]}
    assert announced(bench) == []


def test_a_ticket_that_moved_on_is_a_conflict(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.maria.transition(ticket.key, "In Progress")
    with pytest.raises(Conflict):
        move(bench, ticket, "closed")


def test_without_a_way_it_is_refused_and_says_what_there_is(make: MakeBench, deployment: Deployment) -> None:
    workflow = Workflow(statuses=(NEW, WORK, DONE), transitions=(way(1, NEW, WORK), way(2, WORK, NEW)))
    bench = make(deployment, workflow=workflow)
    ticket = bench.ticket()
    with pytest.raises(Refused) as refused:
        move(bench, ticket, "closed")
    assert refused.value.field == "status"
    assert "moved Backlog -> Working and stands there" in str(refused.value)
    assert "'Working to Backlog' to Backlog (open)" in str(refused.value)


def test_without_any_transition_it_is_refused(make: MakeBench, deployment: Deployment) -> None:
    bench = make(deployment, workflow=Workflow(
        statuses=(NEW, DONE), transitions=(way(1, NEW, DONE, users=frozenset({"maria.lindqvist"})),)
    ))
    with pytest.raises(Refused, match="offers this account no transition"):
        move(bench, bench.ticket(), "closed")


def test_what_was_learnt_leads_past_a_dead_end(make: MakeBench, deployment: Deployment) -> None:
    bench = make(deployment, workflow=Workflow(
        statuses=(NEW, WAIT, WORK, DONE),
        transitions=(way(1, NEW, WAIT), way(2, NEW, WORK), way(3, WORK, DONE), way(4, WAIT, NEW)),
    ))
    first, second = bench.ticket(), bench.ticket()
    with pytest.raises(Refused):
        move(bench, first, "closed")
    move(bench, second, "closed")
    assert announced(bench) == ["Working", "Done"]


def test_preferred_statuses_come_first(make: MakeBench, deployment: Deployment) -> None:
    bench = make(deployment, workflow=Workflow(
        statuses=(NEW, DROP, DONE), transitions=(way(1, NEW, DROP), way(2, NEW, DONE))
    ))
    bench.connector = bench.connect(targets={"closed": ("Gone", "done")})
    move(bench, bench.ticket(), "closed")
    assert announced(bench) == ["Done"]


def test_no_closed_status_is_passed_on_the_way_to_another(make: MakeBench, deployment: Deployment) -> None:
    bench = make(deployment, workflow=Workflow(
        statuses=(NEW, DONE, WORK), transitions=(way(1, NEW, DONE), way(2, DONE, WORK))
    ))
    with pytest.raises(Refused):
        move(bench, bench.ticket(), "in-progress")
    assert announced(bench) == []


def test_configured_meanings_override_the_category(make: MakeBench, deployment: Deployment) -> None:
    bench = make(deployment, workflow=Workflow(
        statuses=(NEW, WORK, WAIT), transitions=(way(1, NEW, WORK), way(2, WORK, WAIT))
    ))
    bench.connector = bench.connect(statuses={"waiting": "closed"})
    move(bench, bench.ticket(), "closed")
    assert announced(bench) == ["Working", "Waiting"]


def test_the_configured_resolution_is_set(bench: Bench) -> None:
    bench.connector = bench.connect(resolution="won't do")
    ticket = bench.ticket()
    move(bench, ticket, "closed")
    names = {each.id: each.name for each in bench.jira.state.catalog.resolutions}
    assert names[str(bench.maria.issue(ticket.key).resolution)] == "Won't Do"


def test_a_resolution_that_is_demanded_and_not_to_be_had(bench: Bench) -> None:
    bench.connector = bench.connect(resolution="Fixed")
    with pytest.raises(Refused, match="one of: Done, Won't Do, Duplicate") as refused:
        move(bench, bench.ticket(), "closed")
    assert refused.value.field == "resolution"
    assert "stands there" in str(refused.value)


def test_a_resolution_that_is_demanded_though_it_was_not_listed(make: MakeBench, deployment: Deployment) -> None:
    screen = ScreenField(id="resolution", required=True, listed=False)
    bench = make(deployment, workflow=Workflow(statuses=(NEW, DONE), transitions=(way(1, NEW, DONE, screen),)))
    move(bench, bench.ticket(), "closed")
    assert announced(bench) == ["Done", "Done"]


def test_a_listed_field_that_cannot_be_set_is_left_out(make: MakeBench, deployment: Deployment) -> None:
    screen = ScreenField(id="resolution")
    bench = make(deployment, workflow=Workflow(statuses=(NEW, DONE), transitions=(way(1, NEW, DONE, screen),)))
    ticket = bench.ticket()
    said = "Field 'resolution' cannot be set. It is not on the appropriate screen, or unknown."
    text = json.dumps({"errorMessages": [], "errors": {"resolution": said}}).encode()
    bench.jira.faults.arm(Fault(method="POST", path=".*/transitions", status=400, body=text))
    move(bench, ticket, "closed")
    assert announced(bench) == ["Done", "Done"]
    assert bench.maria.issue(ticket.key).resolution is None


def test_a_limit_on_one_ticket_stays_one_on_the_way(bench: Bench) -> None:
    ticket = bench.ticket()

    def limit() -> None:
        if len(bench.announced.values) > len(before) + 1:
            bench.jira.throttle(
                30, reason="jira-per-issue-on-write", method="POST", path=".*/transitions"
            )

    before = list(bench.announced.values)
    bench.announced.then = limit
    with pytest.raises(Throttled, match="stands there") as throttled:
        move(bench, ticket, "closed")
    assert throttled.value.retry_after is not None
    # Data Center does not say what its limits are for.
    assert throttled.value.whole is (bench.deployment == "datacenter")


def test_another_refusal_is_not_repeated(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.jira.faults.arm(
        Fault(method="POST", path=".*/transitions", status=400, body=b'{"errorMessages":["No."],"errors":{}}')
    )
    with pytest.raises(Refused, match="No"):
        move(bench, ticket, "closed")
    assert announced(bench) == ["In Progress"]


def test_transition_fields_are_filled_in(make: MakeBench, deployment: Deployment) -> None:
    screen = ScreenField(id="customfield_10010", required=True)
    bench = make(deployment, workflow=Workflow(statuses=(NEW, DONE), transitions=(way(1, NEW, DONE, screen),)))
    ticket = bench.ticket()
    with pytest.raises(Refused, match="customfield_10010"):
        move(bench, ticket, "closed")
    bench.connector = bench.connect(transition_fields={"customfield_10010": "by kibcase"})
    move(bench, ticket, "closed")
    assert bench.maria.issue(ticket.key).values["customfield_10010"] == "by kibcase"


def test_a_transition_whose_answer_is_lost_is_taken_once(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.jira.faults.forget()
    bench.jira.faults.arm(Fault(method="POST", path=".*/transitions", when="after", drop=True))
    with pytest.raises(OutcomeUnknown):
        move(bench, ticket, "closed")
    assert len(bench.jira.faults.writes) == 1


def test_a_throttle_half_way_says_when_and_where(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.jira.faults.arm(
        Fault(
            method="POST", path=".*/transitions", when="after",
            call=lambda _: bench.jira.faults.arm(
                Fault(method="GET", path=".*/transitions", status=429, headers=(("Retry-After", "7"),))
            ),
        )
    )
    with pytest.raises(Throttled, match="moved To Do -> In Progress") as throttled:
        move(bench, ticket, "closed")
    assert throttled.value.retry_after == 7.0


def test_an_unknown_status_is_refused(bench: Bench) -> None:
    with pytest.raises(Refused, match="no such status"):
        move(bench, bench.ticket(), "resolved")


def test_the_refusal_says_what_is_missing_and_which_setting_helps(make: MakeBench, deployment: Deployment) -> None:
    bench = make(deployment, workflow=Workflow(statuses=(NEW, WORK), transitions=(way(1, NEW, WORK),)))
    with pytest.raises(Refused, match="none of its statuses means closed") as refused:
        move(bench, bench.ticket(), "closed")
    assert "Say in statuses" in str(refused.value)
    bench = make(deployment, workflow=Workflow(statuses=(NEW, WORK, DONE), transitions=(way(1, NEW, WORK),)))
    with pytest.raises(Refused, match="closed is Done, and none of these transitions leads on to it") as refused:
        move(bench, bench.ticket(), "closed")
    assert "from Working to closed" in str(refused.value)


def test_a_reopened_ticket_loses_its_resolution(make: MakeBench, deployment: Deployment) -> None:
    screen = ScreenField(id="resolution", required=True)
    workflow = Workflow(statuses=(NEW, DONE), transitions=(way(1, NEW, DONE, screen), way(2, DONE, NEW)))
    bench = make(deployment, workflow=workflow, project=Project(
        id="10000", key="SOC", name="Security Operations", resolution_editable=True
    ))
    ticket = bench.ticket()
    move(bench, ticket, "closed")
    assert bench.maria.issue(ticket.key).resolution is not None
    bench.jira.faults.forget()
    move(bench, bench.connector.read(ticket.key), "open")
    assert bench.maria.issue(ticket.key).resolution is None
    assert announced(bench) == ["Backlog", "Backlog"]
    assert len(bench.jira.faults.writes) == 2
    assert not any((one.level, one.subject) == ("note", "resolution") for one in bench.connector.check())


def test_a_resolution_that_no_edit_may_clear_stays_and_is_told(
    make: MakeBench, deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    screen = ScreenField(id="resolution", required=True)
    workflow = Workflow(statuses=(NEW, DONE), transitions=(way(1, NEW, DONE, screen), way(2, DONE, NEW)))
    bench = make(deployment, workflow=workflow)
    ticket = bench.ticket()
    move(bench, ticket, "closed")
    receipt = move(bench, bench.connector.read(ticket.key), "open")
    assert receipt.stored["status"] == bench.connector.read(ticket.key).fields["status"]
    assert bench.maria.issue(ticket.key).resolution is not None
    assert "its resolution stays on" in caplog.text
    notes = [one.text for one in bench.connector.check() if (one.level, one.subject) == ("note", "resolution")]
    assert len(notes) == 1


def test_a_resolution_that_cannot_be_cleared_now_says_where_the_ticket_stands(
    make: MakeBench, deployment: Deployment
) -> None:
    screen = ScreenField(id="resolution", required=True)
    workflow = Workflow(statuses=(NEW, DONE), transitions=(way(1, NEW, DONE, screen), way(2, DONE, NEW)))
    bench = make(deployment, workflow=workflow)
    ticket = bench.ticket()
    move(bench, ticket, "closed")
    bench.jira.faults.arm(Fault(method="GET", path=".*/editmeta", status=503))
    with pytest.raises(Unavailable, match="moved Done -> Backlog and stands there"):
        move(bench, bench.connector.read(ticket.key), "open")


def test_a_transition_that_a_person_took_first_is_a_conflict(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.jira.faults.arm(Fault(
        method="POST", path=".*/transitions", call=lambda _: bench.maria.transition(ticket.key, "In Progress")
    ))
    with pytest.raises(Conflict, match="from To Do to In Progress"):
        move(bench, ticket, "closed")
