"""Making tickets, and finding them again by their mark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.actions import LinkBack
from kibcase_connectors.api import Connector
from kibcase_connectors.errors import OutcomeUnknown, Refused, Unavailable
from kibcase_connectors.standins.jira import DEFAULT_USERS, Project

if TYPE_CHECKING:
    from tests.connectors.jira.conftest import Bench, MakeBench

MARK = "kibcase-kibana-0a1b2c3d"


def test_a_ticket_is_created_with_its_mark(bench: Bench) -> None:
    receipt = bench.create()
    assert receipt.label == "SOC-1"
    assert receipt.url == f"{bench.jira.url}/browse/SOC-1"
    assert receipt.stored == {
        "title": "Beacon on WKS-7", "description": "Seen by EDR.", "severity": "High",
        "status": {"id": "10000", "name": "To Do", "category": "new"}, "tags": ["apt-29", "edr", MARK],
        "assignee": None,
    }
    assert bench.announced.values == [
        {
            "title": "Beacon on WKS-7", "description": "Seen by EDR.", "severity": "High",
            "tags": [MARK, "apt-29", "edr"],
        },
    ]
    assert bench.connector.find(MARK) == (receipt.key,)


def test_a_ticket_costs_two_requests(bench: Bench) -> None:
    bench.connector.find(MARK)
    bench.jira.faults.forget()
    bench.create()
    assert [method for method, _ in bench.requests] == ["POST", "GET"]


def test_the_ticket_links_back_to_its_origin_once(bench: Bench) -> None:
    receipt = bench.create()
    for _ in range(2):
        action = LinkBack(key=receipt.key, mark=MARK, label="case 7", url="https://kb.example/c/7")
        bench.connector.apply(action, bench.announced)
    (link,) = bench.maria.issue(receipt.key).remote_links
    assert link.global_id == MARK
    assert link.body["object"] == {"url": "https://kb.example/c/7", "title": "case 7"}


def test_a_link_that_jira_refuses_is_refused(bench: Bench) -> None:
    receipt = bench.create()
    bench.jira.faults.arm(Fault(method="POST", path=".*/remotelink", status=403, body=b"{}"))
    action = LinkBack(key=receipt.key, mark=MARK, label="case 7", url="https://kb.example/c/7")
    with pytest.raises(Refused):
        bench.connector.apply(action, bench.announced)


def test_an_announcement_that_fails_sends_nothing(bench: Bench) -> None:
    def fail() -> None:
        raise OSError("disk full")

    bench.announced.then = fail
    with pytest.raises(OSError, match="disk full"):
        bench.create()
    assert bench.jira.faults.writes == []


def test_a_creation_whose_answer_is_lost_is_sent_once_and_can_be_found(bench: Bench) -> None:
    bench.jira.faults.arm(Fault(method="POST", path=".*/issue", when="after", drop=True))
    with pytest.raises(OutcomeUnknown):
        bench.create()
    assert len(bench.jira.faults.writes) == 1
    assert len(bench.connector.find(MARK)) == 1


def test_a_creation_that_cannot_be_read_back_has_an_unknown_outcome(bench: Bench) -> None:
    bench.jira.faults.arm(Fault(method="GET", path=".*/issue/.*", status=503))
    with pytest.raises(OutcomeUnknown, match="SOC-1"):
        bench.create()


def test_a_person_who_is_faster_than_the_receipt_does_not_change_it(bench: Bench) -> None:
    def meddle(_: object) -> None:
        bench.maria.edit("SOC-1", summary="Mine", description="Mine too", priority="Low", labels=["other"])
        bench.maria.transition("SOC-1", "In Progress")

    bench.jira.faults.arm(Fault(method="POST", path=".*/issue", when="after", call=meddle))
    stored = bench.create().stored
    assert stored["title"] == "Beacon on WKS-7"
    assert stored["description"] == "Seen by EDR."
    assert stored["severity"] == "High"
    assert stored["status"] == {"id": "10000", "name": "To Do", "category": "new"}
    assert sorted(map(str, stored["tags"])) == ["apt-29", "edr", MARK]  # type: ignore[arg-type]


def test_a_field_that_the_project_refuses_is_named(make: MakeBench, bench: Bench) -> None:
    connector = bench.connect(priorities={"high": "Urgent"})
    bench.connector = connector
    with pytest.raises(Refused) as refused:
        bench.create()
    assert refused.value.field == "severity"
    assert "priority" in refused.value.said


def test_a_value_without_counterpart_is_refused_before_anything_is_sent(bench: Bench) -> None:
    bench.connector = bench.connect(priorities={"low": "Low"})
    with pytest.raises(Refused, match="counterpart") as refused:
        bench.create(severity="high")
    assert refused.value.field == "severity"
    assert bench.jira.faults.writes == []


def test_long_and_multiline_texts_fit(bench: Bench) -> None:
    stored = bench.create(title="A\nB " + "x" * 400, description="line\n" * 20_000).stored
    title, description = stored["title"], stored["description"]
    assert isinstance(title, str)
    assert isinstance(description, str)
    assert title.startswith("A, B")
    assert len(title) == 255
    assert len(description) <= 32_767
    assert "Cut here" in description


def test_create_fields_are_sent(bench: Bench) -> None:
    bench.connector = bench.connect(create_fields={"customfield_10010": "kb"})
    receipt = bench.create()
    assert bench.maria.issue(receipt.key).values["customfield_10010"] == "kb"


def test_two_tickets_with_one_mark_are_found_oldest_first(bench: Bench) -> None:
    keys = tuple(bench.create().key for _ in range(11))
    assert bench.connector.find(MARK) == keys
    assert bench.connector.find(MARK.upper()) == ()
    assert bench.connector.find('x" OR project = "SOC') == ()


def test_find_sees_a_ticket_after_the_lag(make: MakeBench) -> None:
    bench = make("cloud", search_lag=3600.0)
    bench.create()
    assert bench.connector.find(MARK) == ()
    assert bench.connector.capabilities.find_lag == 90.0


def test_find_walks_all_pages(bench: Bench) -> None:
    bench.jira.limit_pages(2)
    keys = tuple(bench.create().key for _ in range(5))
    assert bench.connector.find(MARK) == keys


def test_a_creation_refused_for_a_missing_project_is_refused(make: MakeBench, deployment: Any) -> None:
    bench = make(deployment, more_projects=[Project(id="10001", key="OPS", name="Operations")])
    bench.connector = bench.connect(project="NOPE")
    with pytest.raises(Refused):
        bench.create()


def test_nothing_is_sent_before_it_is_needed(bench: Bench) -> None:
    connector: Connector = bench.connector
    assert (connector.kind, connector.name) == ("jira", "jira")
    assert connector.capabilities.fields == {"title", "description", "status", "severity", "tags", "assignee"}
    assert bench.requests == []


def test_a_server_that_is_down_is_unavailable(bench: Bench) -> None:
    bench.jira.stop()
    with pytest.raises(Unavailable) as down:
        bench.create()
    assert not isinstance(down.value, OutcomeUnknown)
    assert DEFAULT_USERS[0].secret not in str(down.value)
