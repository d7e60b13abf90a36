"""Assignees, groups, and the names of authors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.errors import OutcomeUnknown, Refused
from kibcase_connectors.mapping import UnmappedError
from kibcase_connectors.people import People, Person
from kibcase_connectors.standins.servicenow import ServiceNowUser, foreign_assignee
from kibcase_connectors.standins.servicenow.people import DEFAULT_USERS, fixed_id
from tests.connectors.servicenow.test_servicenow_check import found

if TYPE_CHECKING:
    from tests.connectors.servicenow.conftest import Bench, MakeBench

TOMASZ = "tomasz.nowak@example.com"
TABLE = People([
    Person(name="Ann Analyst", email="ann@soc.example", accounts={"snow": "maria.lindqvist"}),
    Person(name="On call", accounts={"snow": fixed_id("sys_user", "tomasz.nowak")}),
    Person(name="Gone", email="gone@soc.example", accounts={"snow": "nobody"}),
])


def assigned(bench: Bench, key: str) -> str:
    return bench.row(key)["assigned_to"]


def test_the_assignee_is_read_with_name_and_address(bench: Bench) -> None:
    key = bench.person_makes()
    bench.maria.assign(key, "tomasz.nowak")
    ticket = bench.connector.read(key)
    assert ticket.fields["assignee"] == {
        "id": fixed_id("sys_user", "tomasz.nowak"), "login": "tomasz.nowak", "name": "Tomasz Nowak", "email": TOMASZ,
    }
    assert bench.connector.mapping.canonical("assignee", ticket.fields["assignee"]) == TOMASZ


def test_a_change_of_the_assignee_is_noticed(bench: Bench) -> None:
    key = bench.person_makes()
    before = bench.connector.read(key).version
    bench.maria.assign(key, "tomasz.nowak")
    assert bench.connector.read(key).version != before


def test_by_address(bench: Bench) -> None:
    receipt = bench.set_fields(bench.ticket(), assignee=TOMASZ)
    assert assigned(bench, receipt.key) == fixed_id("sys_user", "tomasz.nowak")
    assert receipt.stored == {"assignee": bench.connector.read(receipt.key).fields["assignee"]}
    assert bench.announced.values[-1] == receipt.stored
    receipt = bench.set_fields(bench.connector.read(receipt.key), assignee="")
    assert (assigned(bench, receipt.key), receipt.stored) == ("", {"assignee": None})


@pytest.mark.parametrize(("person", "account"), [("ann@soc.example", "maria.lindqvist"), ("On call", "tomasz.nowak")])
def test_by_the_table_of_people(bench: Bench, person: str, account: str) -> None:
    bench.connector = bench.connect(people=TABLE)
    receipt = bench.create(assignee=person)
    assert assigned(bench, receipt.key) == fixed_id("sys_user", account)
    assert bench.connector.mapping.canonical("assignee", receipt.stored["assignee"]) == person


@pytest.mark.parametrize("person", [
    "unknown@example.com", "Nobody", "gone@soc.example", "a^b@example.com", "javascript:@x",
])
def test_nobody_of_that_name(bench: Bench, person: str) -> None:
    bench.connector = bench.connect(people=TABLE)
    ticket = bench.ticket()
    with pytest.raises(Refused) as caught:
        bench.set_fields(ticket, assignee=person)
    assert caught.value.field == "assignee"
    assert assigned(bench, ticket.key) == ""


def test_the_inactive_and_the_ambiguous_are_refused(make: MakeBench) -> None:
    twin = ServiceNowUser(user_name="t.nowak", name="T Nowak", email=TOMASZ, password="x")
    bench = make(users=(*DEFAULT_USERS, twin))
    with pytest.raises(Refused, match="2 active users"):
        bench.set_fields(bench.ticket(), assignee=TOMASZ)
    for user in (twin, bench.servicenow.state.user("tomasz.nowak")):
        bench.servicenow.state.change_user(replace(user, active=False))
    with pytest.raises(Refused, match="no active user"):
        bench.set_fields(bench.connector.read(bench.rows()[0].sys_id), assignee=TOMASZ)


def test_an_answer_that_does_not_satisfy_the_query_is_nobody(bench: Bench) -> None:
    ticket = bench.ticket()
    body = b'{"result": [{"sys_id": "1", "user_name": "x", "name": "X", "email": "x@example.com", "active": "true"}]}'
    bench.servicenow.faults.arm(Fault(path=".*/sys_user", status=200, body=body))
    with pytest.raises(Refused, match="no active user"):
        bench.set_fields(ticket, assignee=TOMASZ)


def test_somebody_outside_the_group_is_told(make: MakeBench) -> None:
    rule = foreign_assignee({fixed_id("sys_user_group", "Service Desk"): (fixed_id("sys_user", "maria.lindqvist"),)})
    bench = make(rules=(rule,), settings={"assignment_group": "Service Desk"})
    ticket = bench.ticket()
    with pytest.raises(Refused, match="into the group 'Service Desk'") as caught:
        bench.set_fields(ticket, assignee=TOMASZ)
    assert caught.value.field == "assignee"
    bench.set_fields(ticket, assignee="maria.lindqvist@example.com")
    ticket = bench.connector.read(ticket.key)
    with pytest.raises(OutcomeUnknown, match="emptied assigned_to"):
        bench.set_fields(ticket, assignee=TOMASZ)
    with pytest.raises(Refused):
        bench.set_fields(bench.connector.read(ticket.key), assignee=TOMASZ)


def test_the_group_by_id(bench: Bench) -> None:
    group = fixed_id("sys_user_group", "Service Desk")
    bench.connector = bench.connect(assignment_group=group)
    assert bench.row(bench.create().key)["assignment_group"] == group
    wrong = found(bench.connect(assignment_group="0" * 32), "problem")
    assert "no such active record" in wrong["references"]


def test_what_is_not_wanted_is_neither_read_nor_written(bench: Bench) -> None:
    bench.connector = bench.connect(parts={"title"})
    assert "assignee" not in bench.connector.capabilities.fields
    ticket = bench.ticket()
    assert "assignee" not in ticket.fields
    with pytest.raises(Refused):
        bench.set_fields(ticket, assignee=TOMASZ)


def test_somebody_without_an_address(make: MakeBench) -> None:
    quiet = ServiceNowUser(user_name="quiet", name="Quiet", email="", password="x")
    bench = make(users=(*DEFAULT_USERS, quiet))
    key = bench.person_makes()
    bench.maria.assign(key, "quiet")
    with pytest.raises(UnmappedError, match="Quiet"):
        bench.connector.mapping.canonical("assignee", bench.connector.read(key).fields["assignee"])


def test_authors_are_called_as_in_the_table(bench: Bench) -> None:
    key = bench.person_makes()
    bench.maria.work_note(key, "looking")
    bench.maria.attach(key, "a.txt", b"1")
    ticket = bench.connect(people=TABLE).read(key)
    assert (ticket.comments[0].author, ticket.files[0].author) == ("Ann Analyst", "Ann Analyst")
    assert {touch.by for touch in ticket.touched.values()} <= {"Ann Analyst"}


def test_accounts_in_the_table_that_are_not_there(bench: Bench) -> None:
    assert "nobody" in found(bench.connect(people=TABLE), "problem")["people"]
    good = People([Person(name="Ann", accounts={"snow": "Maria.Lindqvist", "other": "nobody"})])
    assert "people" in found(bench.connect(people=good), "ok")
