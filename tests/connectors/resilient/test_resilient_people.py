"""Owners as assignees, and what authors are called."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.actions import Create
from kibcase_connectors.errors import Refused
from kibcase_connectors.mapping import UnmappedError
from kibcase_connectors.people import People, Person
from kibcase_connectors.standins.resilient import DEFAULT_USERS, Account

if TYPE_CHECKING:
    from tests.connectors.resilient.conftest import Bench, MakeBench

MARIA, TOMASZ = DEFAULT_USERS
MARIA_NATIVE = {"id": "3", "name": "Maria Lindqvist", "email": MARIA.login, "login": MARIA.login}
OUTSIDER = Account(id=31, login="eve@example.com", secret="x", first_name="Eve", workspaces=frozenset({2}))
NAMESAKE = Account(id=32, login="MARIA.lindqvist@example.com", secret="x", first_name="Other")
ROBOT = Account(id=33, login="soar-robot", secret="x", first_name="Robot")
TABLE = People([
    Person(name="Maria L.", email="maria@corp.example", accounts={"soar": "maria.lindqvist@example.com"}),
    Person(name="The robot", accounts={"soar": "33", "jira": "bot"}),
    Person(name="Nobody here", email="gone@corp.example", accounts={"soar": "gone@example.com"}),
])


def owner(bench: Bench, key: str) -> Any:
    return bench.value(key, "owner_id")


def test_an_owner_is_read_as_a_person(bench: Bench) -> None:
    number = bench.maria.create("x", owner_id=MARIA.login)
    snapshot = bench.connector.read(str(number))
    assert snapshot.fields["assignee"] == MARIA_NATIVE
    assert bench.connector.mapping.canonical("assignee", snapshot.fields["assignee"]) == MARIA.login


def test_a_group_is_shown_and_not_carried(bench: Bench) -> None:
    number = bench.maria.create("x", owner_id="Incident Response")
    shown = bench.connector.read(str(number)).fields["assignee"]
    assert shown == {"id": "50", "name": "Incident Response", "email": ""}
    with pytest.raises(UnmappedError, match="Incident Response"):
        bench.connector.mapping.canonical("assignee", shown)


def test_an_owner_is_set_by_address_and_taken_away(bench: Bench) -> None:
    ticket = bench.ticket()
    receipt = bench.set(ticket, assignee="MARIA.lindqvist@example.com".casefold())
    assert receipt.stored == {"assignee": MARIA_NATIVE}
    assert bench.announced.values == [{"assignee": MARIA_NATIVE}]
    assert owner(bench, ticket.key) == 3
    assert bench.set(bench.connector.read(ticket.key), assignee="").stored == {"assignee": None}
    assert owner(bench, ticket.key) is None


def test_who_owns_it_already_is_not_sent(bench: Bench) -> None:
    number = bench.maria.create("x", owner_id=3)
    bench.set(bench.connector.read(str(number)), assignee=MARIA.login)
    assert bench.changing == []


def test_an_incident_is_created_with_its_owner(bench: Bench) -> None:
    create = Create(mark="kibcase-kibana-0-1", fields={"title": "x", "assignee": TOMASZ.login}, origin_label="case 7")
    receipt = bench.connector.apply(create, bench.announced)
    assert owner(bench, receipt.key) == 4
    assert receipt.stored == bench.connector.read(receipt.key).fields


def test_the_table_of_people_comes_first(make: MakeBench) -> None:
    bench = make(users=(*DEFAULT_USERS, ROBOT))
    bench.connector = bench.connect(people=TABLE)
    ticket = bench.ticket()
    for person, number in (("maria@corp.example", 3), ("The robot", 33)):
        ticket = bench.connector.read(ticket.key)
        receipt = bench.set(ticket, assignee=person)
        assert owner(bench, ticket.key) == number
        assert bench.connector.mapping.canonical("assignee", receipt.stored["assignee"]) == person


@pytest.mark.parametrize(("person", "told"), [
    ("nobody@example.com", "no active user has nobody"), ("gone@corp.example", "no user has gone@example.com"),
    ("maria.lindqvist@example.com", "several users have"), ("off@example.com", "no active user"),
])
def test_who_is_not_one_active_user_is_refused(make: MakeBench, person: str, told: str) -> None:
    bench = make(users=(*DEFAULT_USERS, NAMESAKE))
    bench.connector = bench.connect(people=TABLE)
    off = b'[{"id": 3, "email": "%s"}, {"id": 32, "email": "%s"}, {"id": 9, "email": "off@example.com", "status": "D"}]'
    users = off.replace(b"%s", MARIA.login.encode(), 1).replace(b"%s", NAMESAKE.login.encode())
    bench.soar.faults.arm(Fault(path=".*/users", status=200, body=users, times=None))
    ticket = bench.ticket()
    with pytest.raises(Refused, match=told) as refused:
        bench.set(ticket, assignee=person)
    assert refused.value.field == "assignee"
    assert bench.changing == []


def test_who_is_not_of_the_workspace_is_refused_by_the_platform(make: MakeBench) -> None:
    bench = make(users=(*DEFAULT_USERS, OUTSIDER))
    ticket = bench.ticket()
    with pytest.raises(Refused, match="not a member of the workspace") as refused:
        bench.set(ticket, assignee=OUTSIDER.login)
    assert refused.value.field == "assignee"
    create = Create(mark="kibcase-kibana-0-2", fields={"title": "x", "assignee": OUTSIDER.login}, origin_label="7")
    with pytest.raises(Refused) as refused:
        bench.connector.apply(create, bench.announced)
    assert refused.value.field == "assignee"


def test_a_user_who_is_new_is_found(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.connector.read(str(bench.maria.create("x", owner_id=3)))
    new = Account(id=77, login="new@example.com", secret="x")
    accounts = {**bench.soar.state.catalog.accounts, 77: new}
    bench.soar.state.catalog = replace(bench.soar.state.catalog, accounts=accounts)
    bench.clock.forward(minutes=2)
    assert bench.set(ticket, assignee="new@example.com").stored["assignee"] == {
        "id": "77", "name": "new@example.com", "email": "new@example.com", "login": "new@example.com",
    }


def test_users_are_asked_for_once_an_hour(bench: Bench) -> None:
    number = bench.maria.create("x", owner_id=3)
    for minutes in (0, 10, 30, 30):
        bench.clock.forward(minutes=minutes)
        bench.connector.read(str(number))
    assert [path for _, path in bench.requests].count("users") == 2


def test_an_owner_that_nobody_knows_is_asked_for_once_a_minute(bench: Bench) -> None:
    number = bench.maria.create("x", owner_id=3)
    bench.soar.faults.arm(Fault(path=".*/users", status=200, body=b"[]", times=None))
    for _ in range(5):
        assert bench.connector.read(str(number)).fields["assignee"] == {"id": "3", "name": "#3", "email": ""}
    assert [path for _, path in bench.requests].count("users") == 2


def test_a_group_that_may_not_be_listed_is_told_by_number(bench: Bench) -> None:
    number = bench.maria.create("x", owner_id="Incident Response")
    bench.soar.faults.arm(Fault(path=".*/groups", status=403, times=None))
    for _ in range(3):
        assert bench.connector.read(str(number)).fields["assignee"] == {"id": "50", "name": "#50", "email": ""}
    assert [path for _, path in bench.requests].count("groups") == 1


def test_authors_are_called_by_the_table(bench: Bench) -> None:
    number = bench.maria.create("x")
    bench.maria.comment(number, "a note")
    bench.maria.attach(number, "a.txt", b"x")
    snapshot = bench.connect(people=TABLE).read(str(number))
    assert snapshot.created is not None
    assert {snapshot.created.by, snapshot.comments[0].author, snapshot.files[0].author} == {"Maria L."}


def test_where_users_may_not_be_listed_names_are_as_the_platform_shows_them(bench: Bench) -> None:
    bench.connector = bench.connect(people=TABLE, parts=("title", "comments", "files"))
    number = bench.maria.create("x")
    bench.maria.comment(number, "a note")
    bench.maria.attach(number, "a.txt", b"x")
    bench.soar.faults.arm(Fault(path=".*/users", status=403, times=None))
    for _ in range(3):
        snapshot = bench.connector.read(str(number))
    assert (snapshot.comments[0].author, snapshot.files[0].author) == ("Maria Lindqvist", "principal 3")
    assert [path for _, path in bench.requests].count("users") == 1
    findings = bench.connector.check()
    assert "note" in {finding.level for finding in findings if finding.subject == "people"}
    full = bench.connect(people=TABLE).check()
    assert "problem" in {finding.level for finding in full if finding.subject == "people"}


def test_check_tells_of_accounts_that_are_not_there(bench: Bench) -> None:
    found = [one for one in bench.connect(people=TABLE).check() if one.subject == "people"]
    assert [one.text for one in found if one.level == "problem"] == [
        "there is no user '33', whom the table of people names",
        "there is no user 'gone@example.com', whom the table of people names",
    ]
    assert "2 active users, 3 in the table of people" in {one.text for one in found}


NEWS = {"newsfeed": True}


def test_the_newsfeed_tells_who_changed_what(make: MakeBench) -> None:
    bench = make(settings=NEWS)
    ticket = bench.ticket()
    bench.clock.forward(minutes=5)
    bench.maria.edit(int(ticket.key), name="New")
    named = bench.clock.now
    bench.clock.forward(minutes=5)
    bench.soar.as_person(TOMASZ.login).edit(int(ticket.key), severity_code="Low")
    touched = bench.connector.read(ticket.key).touched
    assert {name: (touch.at, touch.by) for name, touch in touched.items() if name != "observables"} == {
        "title": (named, "Maria Lindqvist"), "severity": (bench.clock.now, "Tomasz Nowak"),
    }


@pytest.mark.parametrize("fault", [
    Fault(path=".*/newsfeed", status=403, times=None), Fault(path=".*/newsfeed", status=404, times=None),
    Fault(path=".*/newsfeed", status=404, body=b"<html>no such page</html>", times=None),
    Fault(path=".*/newsfeed", status=404, body=b'{"success": false, "message": "Not Found"}', times=None),
    Fault(path=".*/newsfeed", status=200, body=b'[{"odd": 1}, 7]', times=None),
    Fault(path=".*/newsfeed", status=200, body=b'{"entities": []}', times=None),
])
def test_a_newsfeed_that_cannot_be_read_tells_nothing_wrong(make: MakeBench, fault: Fault) -> None:
    bench = make(settings=NEWS)
    ticket = bench.ticket()
    bench.clock.forward(minutes=5)
    bench.maria.edit(int(ticket.key), name="New")
    bench.soar.faults.arm(fault)
    touched = bench.connector.read(ticket.key).touched
    assert {touch.at for touch in touched.values()} == {bench.clock.now}
    assert "title" in touched
    assert [one.level for one in bench.connector.check() if one.subject == "newsfeed"] == ["note"]


def test_the_newsfeed_is_not_asked_for_by_default(bench: Bench) -> None:
    bench.connector.read(bench.ticket().key)
    assert [path for _, path in bench.requests if "newsfeed" in path] == []
