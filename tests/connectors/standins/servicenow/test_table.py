"""The Table API: records in and out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kibcase_connectors.standins.servicenow import Column, ServiceNowStandin


def test_a_new_incident(standin: ServiceNowStandin, rest: Any) -> None:
    answer = rest("POST", "table/incident", {"short_description": "Phishing mail", "impact": 1, "active": True})
    made = answer.json()["result"]
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{standin.url}/api/now/table/incident/{made['sys_id']}"
    assert len(made["sys_id"]) == 32
    expected = {
        "number": "INC0010001", "state": "1", "impact": "1", "urgency": "3", "priority": "3", "active": "true",
        "sys_created_on": "2026-03-02 14:30:15", "sys_created_by": "kibcase", "sys_mod_count": "0",
        "sys_class_name": "incident", "description": "", "work_notes": "",
    }
    assert {name: made[name] for name in expected} == expected
    assert made["opened_by"]["link"] == f"{standin.url}/api/now/table/sys_user/{made['opened_by']['value']}"
    assert all(isinstance(value, (str, dict)) for value in made.values())


def test_what_cannot_be_stored_is_dropped_silently(rest: Any) -> None:
    made = rest.create(
        u_nothing="x", number="INC1", sys_created_by="me", impact="soon", assigned_to="Maria Lindqvist",
        due_date="tomorrow", correlation_id=None,
    )
    assert (made["number"], made["sys_created_by"], made["impact"], made["assigned_to"]) == (
        "INC0010001", "kibcase", "3", ""
    )
    assert (made["due_date"], made["correlation_id"], "u_nothing" in made) == ("", "", False)


def test_too_long_text_is_cut_silently(rest: Any) -> None:
    made = rest.create(short_description="a" * 161, description="ä" * 4001, correlation_id="c" * 101)
    assert [len(made[name]) for name in ("short_description", "description", "correlation_id")] == [160, 4000, 100]


def test_an_update_counts_only_if_something_differs(rest: Any, clock: Any) -> None:
    made = rest.create()
    clock.forward(seconds=5)
    assert rest.change(made["sys_id"], short_description="Phishing mail")["sys_mod_count"] == "0"
    assert rest.change(made["sys_id"], u_nothing="x")["sys_updated_on"] == "2026-03-02 14:30:15"
    changed = rest("PUT", f"table/incident/{made['sys_id']}", {"urgency": "1"}).json()["result"]
    assert (changed["sys_mod_count"], changed["sys_updated_on"]) == ("1", "2026-03-02 14:30:20")
    assert changed["short_description"] == "Phishing mail"


def test_two_writes_in_a_second_differ_in_the_count_alone(standin: ServiceNowStandin, rest: Any, clock: Any) -> None:
    made = rest.create()
    ours = rest.change(made["sys_id"], description="ours")
    standin.as_person("tomasz.nowak").edit(made["sys_id"], description="theirs")
    now = rest.record(made["sys_id"])
    assert (now["sys_updated_on"], now["sys_updated_by"]) == (ours["sys_updated_on"], "tomasz.nowak")
    assert (ours["sys_mod_count"], now["sys_mod_count"]) == ("1", "2")


def test_empty_clears_text_but_no_choice(rest: Any) -> None:
    made = rest.create(description="long", category="network")
    changed = rest.change(made["sys_id"], description="", category="")
    assert (changed["description"], changed["category"]) == ("", "network")


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ({}, {"state": "2", "assigned_to": {"link": "L", "value": "U"}, "opened_at": "2026-03-02 14:30:15"}),
        ({"sysparm_exclude_reference_link": "true"},
         {"state": "2", "assigned_to": "U", "opened_at": "2026-03-02 14:30:15"}),
        ({"sysparm_display_value": "true"},
         {"state": "In Progress", "assigned_to": {"link": "L", "display_value": "Tomasz Nowak"},
          "opened_at": "2026-03-02 16:30:15"}),
        ({"sysparm_display_value": "TRUE", "sysparm_exclude_reference_link": "True"},
         {"state": "In Progress", "assigned_to": "Tomasz Nowak", "opened_at": "2026-03-02 16:30:15"}),
        ({"sysparm_display_value": "all", "sysparm_exclude_reference_link": "true"},
         {"state": {"display_value": "In Progress", "value": "2"},
          "assigned_to": {"display_value": "Tomasz Nowak", "value": "U"},
          "opened_at": {"display_value": "2026-03-02 16:30:15", "value": "2026-03-02 14:30:15"}}),
    ],
)
def test_values_and_display_values(run: Any, rest_to: Any, params: dict[str, str], shown: dict[str, Any]) -> None:
    standin = run(time_zone="Europe/Athens")
    rest = rest_to(standin)
    user = standin.state.user("tomasz.nowak").sys_id
    made = rest.create(assigned_to=user, state="2")
    fields = {"sysparm_fields": "state,assigned_to,opened_at,nothing"}
    text = rest("GET", f"table/incident/{made['sys_id']}", params=fields | params).text
    link = f"{standin.url}/api/now/table/sys_user/{user}"
    assert json.loads(text.replace(link, "L").replace(user, "U")) == {"result": shown}


def test_the_format_of_display_times_is_a_preference(standin: ServiceNowStandin, rest_to: Any) -> None:
    made = rest_to(standin).create()
    seen = rest_to(standin, "tomasz.nowak").record(made["sys_id"], sysparm_display_value="true")
    assert seen["sys_created_on"] == "02.03.2026 15:30:15"


def test_writing_display_values(run: Any, rest_to: Any) -> None:
    rest = rest_to(run(time_zone="Europe/Athens"))
    body = {
        "short_description": "x", "assigned_to": "Maria Lindqvist", "assignment_group": "Nobody's",
        "state": "In Progress", "due_date": "2026-03-05 10:00:00",
    }
    fields = "assigned_to.user_name,assignment_group,state,due_date"
    params = {"sysparm_input_display_value": "true", "sysparm_fields": fields}
    assert rest("POST", "table/incident", body, params=params).json()["result"] == {
        "assigned_to.user_name": "maria.lindqvist", "assignment_group": "", "state": "2",
        "due_date": "2026-03-05 08:00:00",
    }


def test_absent_records_and_tables(rest: Any) -> None:
    assert rest.refused(404, "GET", f"table/incident/{'0' * 32}") == {
        "message": "No Record found", "detail": "Record doesn't exist or ACL restricts the record retrieval"
    }
    assert rest.refused(400, "GET", "table/incidents")["message"] == "Invalid table incidents"
    assert rest.refused(400, "GET", "nothing")["message"] == "Requested URI does not represent any resource"
    assert rest.refused(405, "PUT", "table/incident", {})["message"] == "Method not supported"


def test_an_empty_list_depends_on_the_version(rest: Any) -> None:
    assert rest("GET", "table/incident").json() == {"result": []}
    assert rest("GET", "v2/table/incident").json() == {"result": []}
    assert rest.refused(404, "GET", "v1/table/incident")["message"] == "No Record found"


def test_a_task_is_any_kind_of_ticket(rest: Any) -> None:
    incident, security = rest.create(), rest.create("sn_si_incident")
    assert [row["number"] for row in rest.find("ORDERBYnumber", "task")] == ["INC0010001", "SIR0010001"]
    assert rest.record(incident["sys_id"], "task")["sys_class_name"] == "incident"
    assert "caller_id" not in rest.record(incident["sys_id"], "task")
    assert rest.refused(404, "GET", f"table/incident/{security['sys_id']}")["message"] == "No Record found"


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (400, {"Content-Type": "application/json"}, b"{"), (400, {"Content-Type": "application/json"}, b"3"),
        (400, {"Content-Type": "application/json"}, b'{"impact": NaN}'), (400, {"Content-Type": None}, b"{}"),
        (415, {"Content-Type": "text/xml"}, b"{}"),
        (406, {"Content-Type": "application/json", "Accept": "text/xml"}, b"{}"),
    ],
)
def test_malformed_requests(rest: Any, status: int, headers: dict[str, str], body: bytes) -> None:
    rest.refused(status, "POST", "table/incident", data=body, headers=headers)
    assert rest.find("") == []


def test_of_several_records_only_the_first_is_created(rest: Any) -> None:
    assert rest("POST", "table/incident", [{"short_description": "a"}, {"short_description": "b"}]).status_code == 201
    assert [row["short_description"] for row in rest.find("")] == ["a"]


def test_own_columns(run: Any, rest_to: Any) -> None:
    rest = rest_to(run(columns=[("incident", Column(name="u_case", label="Case", max_length=5))]))
    assert rest.create(u_case="case-123")["u_case"] == "case-"
    entry, = rest.find("name=incident^element=u_case", "sys_dictionary")
    assert (entry["max_length"], entry["internal_type"], entry["column_label"]) == ("5", "string", "Case")


def test_the_dictionary_and_the_choices_that_kibana_asks_for(rest: Any) -> None:
    rows = rest.find("name=task^ORname=incident^internal_type=string", "sys_dictionary", active="true")
    lengths = {row["element"]: row["max_length"] for row in rows}
    assert (lengths["short_description"], lengths["description"], "state" in lengths) == ("160", "4000", False)
    assert {row["name"] for row in rows} == {"task", "incident"}
    found = rest.find("name=task^ORname=incident^element=impact^ORelement=close_code^language=en", "sys_choice")
    assert {row["element"] for row in found} == {"impact", "close_code"}
    assert {"value": "1", "label": "1 - High"}.items() <= found[0].items()
