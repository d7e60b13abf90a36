"""What ``check`` says about a set-up."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.errors import Unavailable
from kibcase_connectors.standins.servicenow import JOURNAL_CLOSED, Choice, Column, Restriction
from kibcase_connectors.standins.servicenow.choices import DEFAULT_CHOICES
from tests.connectors.servicenow.conftest import LINK, TAGS

if TYPE_CHECKING:
    from kibcase_connectors.servicenow import ServiceNowConnector
    from tests.connectors.servicenow.conftest import Bench, MakeBench, Table


def found(connector: ServiceNowConnector, level: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for finding in connector.check():
        if finding.level == level:
            texts[finding.subject] = f"{texts.get(finding.subject, '')} {finding.text}".strip()
    return texts


def test_a_good_set_up(bench: Bench) -> None:
    bench.tomasz.work_note(bench.person_makes(), "x")
    assert found(bench.connector, "problem") == {}
    fine = found(bench.connector, "ok")
    assert fine["account"] == "Kibcase Sync (kibcase)"
    assert fine["time zone"] == "UTC"
    assert "1 records" in fine["table"]
    assert "work_notes (internal)" in fine["journal"]
    assert "short_description 160" in fine["lengths"]
    assert ("New (1) open" if bench.table == "incident" else "Draft (10) open") in fine["states"]
    assert fine["close_code"] == bench.connector._site.config.close_code
    assert bench.connector.check()[0].subject == "account"
    assert bench.servicenow.faults.writes == []


def test_choices_in_several_languages_are_told_in_english(incidents: Bench) -> None:
    english = [one for one in DEFAULT_CHOICES if (one.table, one.element) == ("incident", "state")]
    german = [replace(one, label=f"{one.label} auf Deutsch", language="de") for one in english]
    only = Choice(table="incident", element="state", value="50", label="Zugewiesen", language="de")
    incidents.servicenow.state.replace_choices("incident", "state", [*english, *german, only])
    incidents.connector = incidents.connect(states={"50": "open"})
    states = found(incidents.connector, "ok")["states"]
    assert "New (1) open" in states
    assert "Zugewiesen (50) open" in states
    assert "Deutsch" not in states


def test_everything_that_will_not_work_is_told_at_once(incidents: Bench) -> None:
    connector = incidents.connect(
        create_fields={"u_nowhere": "x", "sys_tags": "y"}, tags_column="u_none", close_code="Closed/Solved",
        targets={"in-progress": "3", "closed": "9"}, levels={"high": ["0", "1"]}, assignment_group="Nobody",
        order=["1", "99"],
    )
    wrong = found(connector, "problem")
    assert "no column u_nowhere (create_fields)" in wrong["columns"]
    assert "no column u_none (tags_column)" in wrong["columns"]
    assert "sys_tags (create_fields) is read-only" in wrong["columns"]
    assert "there is no 'Closed/Solved'; there is Duplicate" in wrong["close_code"]
    assert "no state '9' to set for closed" in wrong["states"]
    assert "5 (Awaiting Change)" in wrong["hold_reason"]
    assert "impact has no choice '0'" in wrong["severity"]
    assert "no such active record" in wrong["references"]
    assert "order names '99'" in found(connector, "note")["states"]


def test_no_close_code(bench: Bench) -> None:
    wrong = found(bench.connect(close_code=None), "problem")
    assert wrong["close_code"].startswith("none is configured")
    assert set(wrong) == {"close_code"}


def test_an_account_that_is_not_there(bench: Bench) -> None:
    assert "no user 'sync'" in found(bench.connect(account="sync"), "problem")["account"]


@pytest.mark.parametrize(("zone", "literal", "level"), [
    ("UTC", "UTC", "ok"), ("UTC", "user", "ok"), ("", "UTC", "note"), ("Europe/Stockholm", "UTC", "note"),
    ("", "user", "problem"), ("Europe/Stockholm", "user", "problem"),
])
def test_the_time_zone(make: MakeBench, zone: str, literal: str, level: str) -> None:
    bench = make(time_zone=zone, literal_dates=literal)
    assert "time zone" in found(bench.connector, level)


def test_a_table_that_cannot_be_seen_ends_the_check(bench: Bench) -> None:
    bench.person_makes()
    bench.servicenow.state.take_roles("kibcase", "itil", "sn_si.analyst")
    wrong = found(bench.connector, "problem")
    assert "sees none" in wrong["table"]
    assert bench.connector.check()[-1].subject == "table"


def test_a_closed_journal(bench: Bench) -> None:
    bench.tomasz.work_note(bench.person_makes(), "x")
    bench.servicenow.state.restrict(JOURNAL_CLOSED)
    assert "none to be seen" in found(bench.connector, "problem")["journal"]
    assert "left alone" in found(bench.connect(journal="off", written=()), "note")["journal"]
    assert "set comments: off in the rule" in found(bench.connect(journal="off"), "problem")["journal"]
    bench.servicenow.state.give_roles("kibcase", "admin")
    assert "caller sees" in found(bench.connect(journal="comments"), "note")["journal"]


def test_required_columns(make: MakeBench, table: Table) -> None:
    plant = Column(name="u_plant", label="Plant", mandatory=True)
    bench = make(table, columns=[(table, TAGS), (table, LINK), (table, plant)])
    assert "Plant (u_plant)" in found(bench.connector, "problem")["required"]
    assert "required" not in found(bench.connect(create_fields={"u_plant": "x"}), "problem")


def rows(*given: dict[str, str]) -> dict[str, Any]:
    return {"status": 200, "body": json.dumps({"result": list(given)}).encode(), "times": None}


def test_data_policies_are_told_where_they_can_be_read(incidents: Bench) -> None:
    assert "cannot be read" in found(incidents.connector, "note")["required"]
    policy = {"mandatory": "true", "sys_data_policy.model_table": "incident"}
    incidents.servicenow.faults.arm(Fault(path=".*/sys_data_policy_rule", **rows(
        {"field": "caller_id", **policy}, {"field": "close_notes", **policy},
        {"field": "u_other", **policy, "sys_data_policy.model_table": "problem"},
    )))
    note = found(incidents.connector, "note")["required"]
    assert "caller_id" in note
    assert "close_notes" not in note
    assert "u_other" not in note
    assert "required" not in found(incidents.connect(caller="tomasz.nowak"), "note")


def test_roles_are_told_where_they_can_be_read(incidents: Bench) -> None:
    me = incidents.servicenow.state.user("kibcase").sys_id
    held = rows({"user": me, "role.name": "itil"}, {"user": "x", "role.name": "y"})
    fault = Fault(path=".*/sys_user_has_role", **held)
    number = incidents.servicenow.faults.arm(fault)
    assert found(incidents.connector, "ok")["roles"] == "itil"
    incidents.servicenow.faults.disarm(number)
    incidents.servicenow.faults.arm(
        Fault(path=".*/sys_user_has_role", **rows({"user": me, "role.name": "snc_internal"}))
    )
    assert "none of them is itil" in found(incidents.connector, "note")["roles"]


def test_choices_of_the_instance(bench: Bench) -> None:
    names = ("New", "Draft")
    extra = [Choice(table=bench.table, element="state", value=str(n), label=name) for n, name in enumerate(names, 50)]
    kept = [Choice(table=bench.table, element="state", value="3", label="Closed")]
    bench.servicenow.state.replace_choices(bench.table, "state", [*extra, *kept])
    wrong = found(bench.connector, "problem")["states"]
    assert "New (50) means nothing" in wrong
    assert "to set for open" in wrong


def test_without_dictionary_and_choices(bench: Bench) -> None:
    for table in ("sys_dictionary", "sys_choice"):
        bench.servicenow.state.restrict(Restriction(table=table, operations=frozenset({"read"})))
    notes = found(bench.connector, "note")
    assert "sys_dictionary shows nothing" in notes["columns"]
    assert "sys_choice shows no states" in notes["states"]


def test_a_forbidden_table_is_a_finding_and_an_outage_none(bench: Bench) -> None:
    body = json.dumps({"error": {"message": "Operation Failed", "detail": "ACL"}, "status": "failure"}).encode()
    number = bench.servicenow.faults.arm(Fault(path=".*/sys_choice", status=403, body=body, times=None))
    wrong = found(bench.connector, "problem")
    assert "ACL" in wrong["states"]
    bench.servicenow.faults.disarm(number)
    bench.servicenow.faults.arm(Fault(path=".*/sys_choice", status=500))
    with pytest.raises(Unavailable):
        bench.connector.check()


def test_an_unencrypted_connection_is_noted(bench: Bench) -> None:
    assert "not encrypted" in found(bench.connect(verify=False), "note")["server"]
