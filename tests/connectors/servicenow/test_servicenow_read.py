"""What a snapshot tells of a record."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.errors import Denied, NotFound, Unavailable
from kibcase_connectors.standins.servicenow import JOURNAL_CLOSED, BusinessRule, Restriction, ServiceNowUser
from kibcase_connectors.standins.servicenow.people import DEFAULT_USERS
from tests.connectors.servicenow.conftest import MARK, Clock

if TYPE_CHECKING:
    from tests.connectors.servicenow.conftest import Bench, MakeBench, Table


def test_a_record_in_the_common_form(incidents: Bench) -> None:
    key = incidents.person_makes("Phishing mail", description="Many got it.", impact="1", urgency="2")
    ticket = incidents.connector.read(key)
    assert (ticket.key, ticket.label) == (key, "INC0010001")
    assert ticket.fields == {
        "title": "Phishing mail", "description": "Many got it.", "status": "1", "severity": "2",
        "assignee": None,
    }
    mapping = incidents.connector.mapping
    assert [mapping.canonical(name, value) for name, value in ticket.fields.items()] == [
        "Phishing mail", "Many got it.", "open", "high", "",
    ]
    assert ticket.url == f"{incidents.servicenow.url}/nav_to.do?uri=incident.do?sys_id={key}"
    assert (ticket.marks, ticket.comments, ticket.touched, ticket.settled) == ((), (), {}, True)
    assert ticket.created is not None
    assert ticket.created.by == "Tomasz Nowak"
    assert ticket.mark.startswith("kibcase-servicenow-")


def test_a_security_incident(security: Bench) -> None:
    ticket = security.connector.read(security.person_makes(priority="1"))
    assert ticket.label == "SIR0010001"
    assert (ticket.fields["status"], ticket.fields["severity"]) == ("10", "1")


def test_the_journal_is_read_oldest_first_with_author_and_time(make: MakeBench) -> None:
    clock = Clock()
    bench = make(clock=clock, time_zone="America/New_York")
    key = bench.person_makes()
    bench.tomasz.work_note(key, "looking")
    clock.forward(seconds=61)
    bench.maria.comment(key, "we are on it")
    first, second = bench.connector.read(key).comments
    assert [(c.body, c.author) for c in (first, second)] == [
        ("looking", "Tomasz Nowak"), ("we are on it", "Maria Lindqvist"),
    ]
    assert second.created - first.created == timedelta(seconds=61)
    assert first.key == bench.journal(key)[0].sys_id
    assert (first.mark, first.updated) == (None, None)


def test_times_are_on_the_clock_of_the_daemon(make: MakeBench) -> None:
    bench = make()
    ahead = bench.connect(clock=lambda: datetime.now(UTC) + timedelta(hours=1))
    key = bench.person_makes()
    one, other = bench.connector.read(key).created, ahead.read(key).created
    assert one is not None
    assert other is not None
    assert timedelta(minutes=59, seconds=57) < other.at - one.at < timedelta(minutes=60, seconds=3)


def test_times_are_never_read_from_display_values(make: MakeBench) -> None:
    odd = ServiceNowUser(
        user_name="kibcase", name="Kibcase Sync", email="k@example.com", password="kibcase-password",
        time_zone="Asia/Kolkata", date_format="dd-MM-yyyy", time_format="hh:mm:ss a",
    )
    bench = make(users=(odd, *DEFAULT_USERS[1:]))
    key = bench.person_makes()
    ticket = bench.connector.read(key)
    assert ticket.created is not None
    stamp = bench.row(key)["sys_created_on"]
    assert ticket.created.at.strftime("%Y-%m-%d %H:%M:%S") == stamp


def test_html_in_the_journal_becomes_text(bench: Bench) -> None:
    key = bench.person_makes()
    bench.tomasz.work_note(
        key, 'See [code]<p>the <b>report</b></p><a href="https://x.example/r?a=1&amp;b=2">here</a>'
        "<script>alert(1)</script>&lt;ok&gt;[/code] now",
    )
    (comment,) = bench.connector.read(key).comments
    assert comment.body == "See the report\nhere (https://x.example/r?a=1&b=2)<ok> now"


def test_what_kibana_pushed_is_a_copy(bench: Bench) -> None:
    key = bench.person_makes()
    bench.tomasz.work_note(key, "looked\n\nAdded by elastic.")
    bench.tomasz.work_note(key, "Elastic Alerts attached to the case: 3")
    assert [comment.mark for comment in bench.connector.read(key).comments] == ["kibcase-pushed"] * 2


def test_a_closed_journal_is_never_taken_for_an_empty_one(bench: Bench) -> None:
    key = bench.person_makes()
    bench.tomasz.work_note(key, "secret")
    bench.servicenow.state.restrict(JOURNAL_CLOSED)
    with pytest.raises(Denied, match="sys_journal_field"):
        bench.connector.read(key)
    assert bench.connect(journal="off").read(key).comments == ()


def test_a_record_that_is_gone(bench: Bench) -> None:
    key, other = bench.person_makes(), bench.person_makes()
    bench.maria.delete(key)
    with pytest.raises(NotFound):
        bench.connector.read(key)
    assert bench.connector.read(other).label


def test_lost_roles_do_not_look_like_deleted_records(bench: Bench) -> None:
    key = bench.person_makes()
    bench.servicenow.state.take_roles("kibcase", "itil", "sn_si.analyst")
    with pytest.raises(Denied, match="sees none"):
        bench.connector.read(key)


@pytest.mark.parametrize("body", [b'{"message": "no Route matched with those values"}', b"<html>404</html>"])
def test_nothing_is_gone_because_a_gateway_knows_no_way(bench: Bench, body: bytes) -> None:
    key = bench.person_makes()
    cursor = bench.connector.changes(None).cursor
    bench.servicenow.faults.arm(Fault(status=404, body=body, times=None))
    with pytest.raises(Unavailable):
        bench.connector.read(key)
    with pytest.raises(Unavailable):
        bench.connector.changes(cursor)


def test_a_single_hidden_record_is_gone_for_us(bench: Bench) -> None:
    key, _ = bench.person_makes("hidden"), bench.person_makes()
    hidden = Restriction(
        table=bench.table, operations=frozenset({"read"}), rows=lambda row: row["short_description"] == "hidden"
    )
    bench.servicenow.state.restrict(hidden)
    with pytest.raises(NotFound):
        bench.connector.read(key)


def test_every_change_makes_another_version(bench: Bench) -> None:
    key = bench.person_makes()
    versions = [bench.connector.read(key).version]
    for change in ({"short_description": "x"}, {"description": "y"}, {"work_notes": "z"}, {"comments": "z"}):
        bench.tomasz.edit(key, **change)
        versions.append(bench.connector.read(key).version)
    bench.late_entry(key, "quiet")
    versions.append(bench.connector.read(key).version)
    assert len(set(versions)) == len(versions)


def test_two_changes_in_one_second_are_told_apart_by_the_count(make: MakeBench, table: Table) -> None:
    bench = make(table, clock=Clock())
    key = bench.person_makes()
    before = bench.connector.read(key).version
    bench.tomasz.edit(key, description="a")
    after = bench.connector.read(key).version
    bench.tomasz.edit(key, description="b")
    assert len({before, after, bench.connector.read(key).version}) == 3


def test_without_an_audit_the_last_writer_stands_for_every_field(bench: Bench) -> None:
    key = bench.person_makes()
    bench.maria.edit(key, description="x")
    touched = bench.connector.read(key).touched
    assert {touch.by for touch in touched.values()} == {"Maria Lindqvist"}
    # Observables that are rows of their own do not tell who took them away.
    assert set(touched) == bench.connector.capabilities.fields - {"observables"}
    bench.comment(key)
    assert {touch.by for touch in bench.connector.read(key).touched.values()} == {""}


def audit_row(key: str, field: str, user: str, at: str) -> dict[str, str]:
    return {"sys_id": f"{field}{at}", "documentkey": key, "fieldname": field, "user": user, "sys_created_on": at}


def test_the_audit_tells_who_changed_a_field(incidents: Bench) -> None:
    key = incidents.person_makes()
    incidents.maria.edit(key, description="x")
    rows = [
        audit_row(key, "short_description", "tomasz.nowak", "2026-03-01 08:00:00"),
        audit_row(key, "short_description", "maria.lindqvist", "2026-03-01 09:00:00"),
        audit_row(key, "short_description", "kibcase", "2026-03-01 10:00:00"),
        audit_row(key, "state", "kibcase", "2026-03-01 10:00:00"),
        audit_row("0" * 32, "priority", "tomasz.nowak", "2026-03-01 10:00:00"),
    ]
    incidents.servicenow.faults.arm(
        Fault(path=".*/sys_audit", status=200, body=json.dumps({"result": rows}).encode(),
              headers=(("X-Total-Count", "5"),), times=None)
    )
    touched = incidents.connector.read(key).touched
    assert {name: (touch.by, touch.at.hour) for name, touch in touched.items()} == {
        "title": ("Maria Lindqvist", 9), "status": ("Kibcase Sync", 10),
    }


def test_an_audit_that_cannot_be_read_is_asked_for_once(bench: Bench) -> None:
    key = bench.person_makes()
    bench.maria.edit(key, description="x")
    for _ in range(3):
        bench.connector.read(key)
    assert sum(path == "table/sys_audit" for _, path in bench.requests) == 1
    silent = bench.connect(audit=False)
    bench.servicenow.faults.forget()
    silent.read(key)
    assert "table/sys_audit" not in [path for _, path in bench.requests]


def test_a_mark_is_read(bench: Bench) -> None:
    assert bench.ticket().marks == (MARK,)


def test_find_gives_the_oldest_first_and_only_exact_hits(make: MakeBench, table: Table) -> None:
    clock = Clock()
    bench = make(table, clock=clock)
    keys = []
    for mark in (MARK, MARK.upper(), f"{MARK}x", MARK, "other"):
        keys.append(bench.person_makes(correlation_id=mark))
        clock.forward(seconds=2)
    assert bench.connector.find(MARK) == (keys[0], keys[3])
    assert bench.connector.find("kibcase-none") == ()
    assert bench.connector.find("kibcase-a^ORnumberISNOTEMPTY") == ()
    with pytest.raises(ValueError, match="javascript"):
        bench.connector.find("javascript:gs.log(1)")


def test_an_ignored_condition_is_never_taken_for_a_hit(bench: Bench) -> None:
    bench.person_makes()
    bench.servicenow.faults.arm(
        Fault(path=f".*/{bench.table}", status=200, headers=(("X-Total-Count", "1"),),
              body=json.dumps({"result": [{"sys_id": "1" * 32, "number": "INC1"}]}).encode())
    )
    with pytest.raises(Denied, match="correlation_id"):
        bench.connector.find(MARK)


def test_incidents_that_kibana_pushed_are_adopted_only_if_configured(bench: Bench) -> None:
    key = bench.person_makes(correlation_id="8e6c", correlation_display="Elastic Case")
    alerting = bench.person_makes(correlation_id="9a1b", correlation_display="Alerting")
    assert bench.connector.find("kibcase-kibana-8e6c") == ()
    adopting = bench.connect(adopt_pushed=True)
    assert adopting.find("kibcase-kibana-8e6c") == (key,)
    assert adopting.find("kibcase-kibana-9a1b") == ()
    assert adopting.find("kibcase-jira-8e6c") == ()
    marked = {item.key: item.marked for item in bench.connector.changes(None).items}
    assert marked == {key: True, alerting: False}


def test_a_business_rule_that_writes_afterwards_is_a_change(make: MakeBench) -> None:
    late = BusinessRule(name="Note", table="incident", run=lambda change: {"category": "network"}, when="after")
    bench = make(rules=(late,))
    ticket = bench.ticket()
    assert bench.row(ticket.key)["sys_mod_count"] == "1"
    assert bench.connector.changes(None).items[0].version == ticket.version


def test_an_answer_that_is_cut_off_in_the_middle_is_not_used(bench: Bench) -> None:
    key = bench.person_makes()
    bench.connector.read(key)
    whole = {"result": {"sys_id": key, "short_description": "half"}, "error": {"message": "Transaction cancelled"}}
    bench.servicenow.faults.arm(Fault(path=f".*/{key}", status=200, body=json.dumps(whole).encode()))
    with pytest.raises(Unavailable, match="Transaction cancelled"):
        bench.connector.read(key)
