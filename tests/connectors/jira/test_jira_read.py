"""What a ticket looks like to sync."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.actions import AddComment
from kibcase_connectors.errors import Denied, NotFound, Unavailable
from kibcase_connectors.standins.jira import Project

if TYPE_CHECKING:
    from tests.connectors.jira.conftest import Bench, Deployment, MakeBench

MARK = "kibcase-kibana-0a1b2c3d"


def test_a_ticket_with_everything(bench: Bench) -> None:
    key = bench.create().key
    theirs = bench.maria.comment(key, "*Seen* on {{WKS-7}}")
    ours = bench.connector.apply(AddComment(key=key, mark=f"{MARK}#1", body="**Mara:** ok"), bench.announced)
    seen = bench.connector.read(key)
    assert (seen.key, seen.label, seen.url) == (key, "SOC-1", f"{bench.jira.url}/browse/SOC-1")
    assert seen.mark.startswith("kibcase-jira-")
    assert seen.mark.endswith(f"-{key}")
    assert seen.marks == (MARK,)
    assert seen.fields == {
        "title": "Beacon on WKS-7", "description": "Seen by EDR.", "severity": "High",
        "status": {"id": "10000", "name": "To Do", "category": "new"}, "tags": ["apt-29", "edr", MARK],
        "assignee": None,
    }
    assert seen.touched == {}
    assert seen.created is not None
    assert seen.created.by == "Kibcase Sync"
    assert [(c.key, c.body, c.author, c.mark) for c in seen.comments] == [
        (theirs, "**Seen** on `WKS-7`", "Maria Lindqvist", None),
        (ours.comment.key if ours.comment else "", "**Mara:** ok", "Kibcase Sync", f"{MARK}#1"),
    ]


def test_what_people_touched_is_known(bench: Bench) -> None:
    key = bench.create().key
    bench.maria.edit(key, summary="One")
    bench.jira.as_person("tomasz.nowak").edit(key, summary="Two")
    bench.maria.edit(key, priority="Low", description="New")
    bench.maria.add_labels(key, "vip")
    bench.maria.transition(key, "In Progress")
    touched = bench.connector.read(key).touched
    assert {field: touch.by for field, touch in touched.items()} == {
        "title": "Tomasz Nowak", "severity": "Maria Lindqvist", "description": "Maria Lindqvist",
        "tags": "Maria Lindqvist", "status": "Maria Lindqvist",
    }
    assert all(abs(touch.at - datetime.now(UTC)) < timedelta(minutes=1) for touch in touched.values())


def test_touches_are_on_the_clock_of_the_daemon(bench: Bench) -> None:
    ahead = bench.connect(clock=lambda: datetime.now(UTC) + timedelta(hours=3))
    key = bench.create().key
    bench.maria.edit(key, summary="One")
    shifted = ahead.read(key).touched["title"].at - bench.connector.read(key).touched["title"].at
    assert abs(shifted - timedelta(hours=3)) < timedelta(seconds=2)


def test_an_edited_comment_says_so(bench: Bench) -> None:
    key = bench.create().key
    comment = bench.maria.comment(key, "one")
    before = bench.connector.read(key).comments[0]
    bench.maria.edit_comment(key, comment, "two")
    after = bench.connector.read(key).comments[0]
    assert before.updated is None
    assert after.updated is not None
    assert after.digest != before.digest
    assert after.body == "two"


def test_all_comments_of_a_long_thread_are_read(bench: Bench) -> None:
    key = bench.create().key
    for number in range(230):
        bench.maria.comment(key, f"no {number}")
    assert [c.body for c in bench.connector.read(key).comments] == [f"no {n}" for n in range(230)]


def test_a_comment_deleted_during_the_walk_takes_no_other_with_it(bench: Bench) -> None:
    key = bench.create().key
    first = bench.maria.comment(key, "no 0")
    for number in range(1, 120):
        bench.maria.comment(key, f"no {number}")
    bench.jira.faults.arm(
        Fault(method="GET", path=".*/comment", when="after", call=lambda _: bench.maria.delete_comment(key, first))
    )
    assert [c.body for c in bench.connector.read(key).comments] == [f"no {n}" for n in range(1, 120)]


def test_a_thread_that_keeps_shrinking_is_unavailable(bench: Bench) -> None:
    key = bench.create().key
    ids = [bench.maria.comment(key, f"no {number}") for number in range(120)]
    bench.jira.faults.arm(
        Fault(
            method="GET", path=".*/comment", when="after", times=None,
            call=lambda _: bench.maria.delete_comment(key, ids.pop(0)),
        )
    )
    with pytest.raises(Unavailable, match="keeps changing"):
        bench.connector.read(key)


def test_many_edits_are_all_seen(bench: Bench) -> None:
    key = bench.create().key
    bench.maria.edit(key, priority="Low")
    for number in range(130):
        bench.maria.edit(key, summary=f"no {number}")
    touched = bench.connector.read(key).touched
    assert set(touched) == {"severity", "title"}


def test_an_empty_description_and_no_priority(bench: Bench) -> None:
    key = bench.maria.create("Bare", project="SOC")
    bench.maria.edit(key, description="x")
    bench.maria.edit(key, description=None)
    seen = bench.connector.read(key)
    assert seen.fields["description"] == ""
    assert bench.connector.mapping.canonical("description", seen.fields["description"]) == ""
    assert seen.fields["tags"] == []
    assert bench.connect(priorities={}).read(key).fields.keys() == {
        "title", "description", "status", "tags", "assignee"
    }


def test_a_moved_ticket_keeps_its_id_and_shows_its_new_key(make: MakeBench, deployment: Deployment) -> None:
    bench = make(deployment, more_projects=[Project(id="10001", key="OPS", name="Operations")])
    receipt = bench.create()
    bench.maria.move(receipt.key, "OPS")
    seen = bench.connector.read(receipt.key)
    assert (seen.key, seen.label) == (receipt.key, "OPS-1")
    assert bench.connector.read("SOC-1").key == receipt.key


def test_a_deleted_ticket_is_not_found_once_the_account_is_in_order(bench: Bench) -> None:
    receipt = bench.create()
    bench.maria.delete(receipt.key)
    bench.jira.faults.forget()
    with pytest.raises(NotFound):
        bench.connector.read(receipt.key)
    assert [path for _, path in bench.requests][1:] == ["myself", "project/SOC"]


def test_a_ticket_hidden_from_an_expired_account_is_not_gone(bench: Bench) -> None:
    receipt = bench.create()
    bench.jira.expire_credentials()
    with pytest.raises(Denied):
        bench.connector.read(receipt.key)


def test_a_ticket_of_a_project_that_is_hidden_is_not_gone(bench: Bench) -> None:
    receipt = bench.create()
    bench.maria.delete(receipt.key)
    body = b'{"errorMessages":["No project"]}'
    bench.jira.faults.arm(Fault(method="GET", path=".*/project/SOC", status=404, body=body))
    with pytest.raises(Denied, match="No project"):
        bench.connector.read(receipt.key)


def test_a_hostile_key_does_not_leave_its_place_in_the_path(bench: Bench) -> None:
    with pytest.raises((NotFound, Unavailable)):
        bench.connector.read("../project/SOC?x=")
    assert [path for _, path in bench.requests][1] == "issue/../project/SOC?x="


def test_another_address_to_browse(bench: Bench) -> None:
    key = bench.create().key
    assert bench.connect(browse_url="https://jira.example.com/").read(key).url == "https://jira.example.com/browse/SOC-1"


def test_a_context_path(make: MakeBench, deployment: Deployment) -> None:
    bench = make(deployment, context_path="/jira")
    seen = bench.ticket()
    assert seen.url == f"{bench.jira.url}/browse/SOC-1"
    assert bench.jira.url.endswith("/jira")
