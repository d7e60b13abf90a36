"""What ``check`` says of the values in the settings, and of columns that the account may not read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.people import People, Person
from kibcase_connectors.servicenow import ServiceNowFilter
from kibcase_connectors.standins.servicenow import Column, Restriction

if TYPE_CHECKING:
    from kibcase_connectors.model import Finding
    from tests.connectors.servicenow.conftest import Bench, MakeBench

ORPHAN = "0" * 32


def texts(found: list[Finding], level: str) -> dict[str, str]:
    told: dict[str, str] = {}
    for one in found:
        if one.level == level:
            told[one.subject] = f"{told.get(one.subject, '')} {one.text}".strip()
    return told


@pytest.mark.parametrize(("given", "said"), [
    ({"category": "Nope"}, "category has no choice 'Nope'; it has inquiry, software"),
    ({"assigned_to": "tomasz.nowak"}, "assigned_to takes the sys_id of a row of sys_user, not 'tomasz.nowak'"),
    ({"assigned_to": ORPHAN}, f"sys_user has no row {ORPHAN} that the account sees (assigned_to)"),
    ({"u_vendor": "x" * 41}, "u_vendor: the text has 41 characters and u_vendor holds 40"),
    ({"u_hosts": "seven"}, "u_hosts: 'seven' is no such number"),
    ({"u_major": "maybe"}, "u_major: 'maybe' is neither true nor false"),
])
def test_values_for_new_records_that_will_not_work(make: MakeBench, given: dict[str, str], said: str) -> None:
    bench = make(columns=_further())
    assert said in texts(bench.connect(create_fields=given).check(), "problem")["create_fields"]


def test_values_for_new_records_that_work(make: MakeBench) -> None:
    bench = make(columns=_further())
    person = bench.servicenow.state.user("tomasz.nowak").sys_id
    given = {
        "category": "network", "assigned_to": person, "u_vendor": "Contoso", "u_hosts": "7", "u_major": "true",
        "u_seen": "2026-03-02 09:00:00",
    }
    bench.connector = bench.connect(create_fields=given)
    assert texts(bench.connector.check(), "problem") == {}
    row = bench.row(bench.create().key)
    assert {name: row[name] for name in given} == given


def _further() -> list[tuple[str, Column]]:
    return [
        ("incident", Column(name="u_vendor", label="Vendor")),
        ("incident", Column(name="u_hosts", label="Hosts", kind="integer")),
        ("incident", Column(name="u_major", label="Major", kind="boolean")),
        ("incident", Column(name="u_seen", label="Seen", kind="glide_date_time")),
    ]


@pytest.mark.parametrize("settings", [{"tags_column": "assigned_to"}, {"url_column": "u_hosts"}])
def test_own_columns_must_hold_texts(make: MakeBench, settings: dict[str, Any]) -> None:
    ((key, column),) = settings.items()
    wrong = texts(make(columns=_further()).connect(**settings).check(), "problem")
    assert f"{column} ({key}) is of the type" in wrong["columns"]


def test_the_filter(incidents: Bench) -> None:
    def problems(**given: Any) -> dict[str, str]:
        return texts(incidents.connect(ServiceNowFilter(**given)).check(), "problem")

    assert problems(assignment_groups=["security operations"], categories=["Network"]) == {}
    assert "sys_user_group has no Nobody, a,b that" in problems(assignment_groups=["Nobody", "a,b"])["filter"]
    assert "category has no choice zzz; it has inquiry" in problems(categories=["zzz"])["filter"]
    assert "has no javascript:x that" in problems(assignment_groups=["javascript:x"])["filter"]


@pytest.mark.parametrize("column", ["correlation_id", "correlation_display", "state", "short_description", "u_tags"])
def test_columns_that_the_account_may_not_read(incidents: Bench, column: str) -> None:
    incidents.person_makes()
    incidents.connector = incidents.connect(tags_column="u_tags")
    incidents.create(tags=("beacon",))
    assert texts(incidents.connector.check(), "problem") == {}
    incidents.servicenow.state.restrict(
        Restriction(table="incident", operations=frozenset({"read"}), columns=frozenset({column}))
    )
    assert f"{column} comes back empty" in texts(incidents.connector.check(), "problem")["columns"]


def test_columns_that_nobody_uses_are_not_taken_for_hidden(incidents: Bench) -> None:
    incidents.person_makes()
    assert texts(incidents.connect(tags_column="u_tags", url_column="u_case_url").check(), "problem") == {}
    wrong = texts(incidents.connect(tags_column="u_none").check(), "problem")
    assert wrong["columns"] == "incident has no column u_none (tags_column); ServiceNow would drop it silently"


def test_what_the_case_fills_is_not_asked_for(make: MakeBench) -> None:
    columns = [
        ("incident", Column(name=name, label=name, max_length=255, mandatory=True)) for name in ("u_tags", "u_plant")
    ]
    bench = make(columns=columns)
    found = bench.connect(tags_column="u_tags", custom={"plant": {"field": "u_plant"}}).check()
    assert "required" not in texts(found, "problem")
    assert "u_tags (u_tags); what has none in its case is refused" in texts(found, "note")["required"]


def test_that_all_is_filled_is_told_without_sight_of_data_policies(bench: Bench) -> None:
    assert texts(bench.connector.check(), "ok")["required"] == "kibcase fills every required column"


def test_a_severity_that_comes_back_as_another(make: MakeBench) -> None:
    found = make("incident").connect(levels={"high": ["1", "3"], "low": ["3", "3"]}).check()
    said = "is written so that the priority is 3, which means medium"
    assert f"high {said}" in texts(found, "note")["severity"]
    assert "low is written" not in texts(found, "note")["severity"]
    security = make("sn_si_incident").connect(priorities={"critical": "2"}).check()
    assert "priority is 2, which means high" in texts(security, "note")["severity"]


def test_lengths_beyond_the_dictionary(bench: Bench) -> None:
    notes = texts(bench.connect(lengths={"short_description": 5000}).check(), "note")
    assert "short_description holds 160 characters by sys_dictionary, and lengths says 5,000" in notes["lengths"]


def test_a_directory_that_is_closed_to_the_account(bench: Bench) -> None:
    body = b'{"error": {"message": "Operation Failed", "detail": "ACL"}, "status": "failure"}'
    bench.servicenow.faults.arm(Fault(path=".*/sys_user", status=403, body=body, times=None))
    (finding,) = bench.connector.check()
    assert (finding.level, finding.subject) == ("problem", "account")


def test_an_account_that_is_not_the_one_that_logs_in(bench: Bench) -> None:
    notes = texts(bench.connect(account="tomasz.nowak").check(), "note")
    assert "it logs in as kibcase" in notes["account"]


@pytest.mark.parametrize("apps", [(), ("x_elas2_sir_int",)])
def test_types_of_observables(make: MakeBench, apps: tuple[str, ...]) -> None:
    bench = make("sn_si_incident", elastic_apps=apps)
    assert "observables" not in texts(bench.connector.check(), "problem")
    wrong = texts(bench.connect(observable_types={"hostname": "No such"}).check(), "problem")
    assert "sn_ti_observable_type has no No such (hostname)" in wrong["observables"]
    bench.servicenow.state.take_roles("kibcase", "sn_ti.read", "sn_ti.write")
    assert "give the account the role sn_ti.read" in texts(bench.connector.check(), "problem")["observables"]


def test_accounts_that_cannot_be_asked_for(incidents: Bench) -> None:
    odd = People(Person(name=name, accounts={"snow": name}) for name in ("javascript:x", "a,b"))
    wrong = texts(incidents.connect(people=odd).check(), "problem")
    assert "sys_user has no active account javascript:x, a,b" in wrong["people"]
    assert "there is no user 'a,b'" in texts(incidents.connect(account="a,b").check(), "problem")["account"]


def test_authors_that_cannot_be_asked_for_keep_their_names(incidents: Bench) -> None:
    key = incidents.person_makes()
    entry = incidents.late_entry(key, "note")
    state = incidents.servicenow.state
    state.commit([replace(entry, values={**entry.values, "sys_created_by": "javascript:x"})])
    (comment,) = incidents.connector.read(key).comments
    assert comment.author == "javascript:x"


def test_a_severity_that_comes_back_as_none_is_a_problem(make: MakeBench) -> None:
    found = make("incident").connect(severities={"1": "critical"}).check()
    assert "high is written so that the priority is 2, which means nothing" in texts(found, "problem")["severity"]


def test_a_state_that_the_table_lacks_is_a_problem(make: MakeBench) -> None:
    assert "states names '99'" in texts(make("incident").connect(states={"99": "open"}).check(), "problem")["states"]
