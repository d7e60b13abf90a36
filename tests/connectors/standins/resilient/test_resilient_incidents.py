"""Incidents: making, reading, changing, closing, deleting."""

from __future__ import annotations

from typing import Any

import pytest

from kibcase_connectors.standins.resilient import Choice, Field, ResilientStandin

MARIA = "maria.lindqvist@example.com"


def test_what_a_new_incident_holds(rest: Any, clock: Any) -> None:
    number = rest.create(
        description={"format": "text", "content": "a < b\nline"}, severity_code={"name": "Medium"},
        incident_type_ids=[{"id": 19}, "Phishing"], properties={"kibana_case_id": "c-1"},
    )
    incident = rest.ok("GET", f"/incidents/{number}")
    assert incident["description"] == '<div class="rte">a &lt; b<br />line</div>'
    assert (incident["severity_code"], incident["incident_type_ids"]) == (5, [19, 22])
    assert (incident["plan_status"], incident["vers"], incident["create_date"]) == ("A", 1, clock.millis)
    assert incident["properties"] == {"kibana_case_id": "c-1"}
    assert incident["creator"] is None
    assert incident["creator_principal"]["id"] == 5
    assert (incident["perms"]["write"], incident["perms"]["delete"]) == (True, False)
    named = rest.ok("GET", f"/incidents/{number}", headers={"handle_format": "names"})
    assert (named["severity_code"], named["incident_type_ids"]) == ("Medium", ["Malware", "Phishing"])
    objects = rest.ok("GET", f"/incidents/{number}?handle_format=objects")
    assert objects["severity_code"] == {"id": 5, "name": "Medium"}


@pytest.mark.parametrize(("output", "shown"), [
    ("default", '<div class="rte"><b>x</b> &amp; y</div>'),
    ("always_text", "x & y"),
    ("objects_convert", {"format": "html", "content": '<div class="rte"><b>x</b> &amp; y</div>'}),
    ("objects_convert_html", {"format": "html", "content": '<div class="rte"><b>x</b> &amp; y</div>'}),
    ("objects_no_convert", {"format": "html", "content": '<div class="rte"><b>x</b> &amp; y</div>'}),
    ("objects_convert_text", {"format": "text", "content": "x & y"}),
])
def test_how_text_is_shown(rest: Any, output: str, shown: Any) -> None:
    number = rest.create(description="<b onclick='e()'>x</b> &amp; <blink>y</blink><script>bad()</script>")
    path = f"/incidents/{number}"
    assert rest.ok("GET", f"{path}?text_content_output_format={output}")["description"] == shown
    assert rest.ok("GET", path, headers={"text_content_output_format": output})["description"] == shown
    assert rest.patch(number, description=(shown, "z"))["success"]


@pytest.mark.parametrize("wrong", [
    {"name": None}, {"name": ""}, {"discovered_date": None}, {"discovered_date": "2026-01-01"}, {"name": "x" * 201},
    {"severity_code": 99}, {"severity_code": "Highest"}, {"incident_type_ids": "Malware"},
    {"kibana_case_id": "at top"}, {"properties": {"unknown": 1}}, {"description": {"format": "wiki", "content": "x"}},
    {"artifacts": [{"type": "Nonsense", "value": "x"}]},
])
def test_what_is_not_accepted(rest: Any, standin: ResilientStandin, wrong: dict[str, Any]) -> None:
    answer = rest("POST", "/incidents", {"name": "n", "discovered_date": 1, **wrong})
    assert answer.status_code == 400
    assert (answer.json()["success"], answer.json()["error_code"]) == (False, "generic")
    assert standin.state.incidents() == []


def test_children_may_come_with_the_incident(rest: Any) -> None:
    number = rest.create(
        comments=[{"text": "first"}], artifacts=[{"type": {"name": "IP Address"}, "value": "192.0.2.7"}]
    )
    assert len(rest.ok("GET", f"/incidents/{number}/comments")) == 1
    assert len(rest.ok("GET", f"/incidents/{number}/artifacts")) == 1


def test_a_change_counts_once(rest: Any, clock: Any) -> None:
    number = rest.create()
    clock.forward(seconds=5)
    assert rest.patch(number, name=("Beaconing host", "Worse"), city=(None, "Lund")) == {
        "success": True, "title": None, "message": None, "hints": [], "field_failures": [],
    }
    incident = rest.ok("GET", f"/incidents/{number}")
    assert (incident["name"], incident["city"], incident["vers"]) == ("Worse", "Lund", 2)
    assert incident["inc_last_modified_date"] == clock.millis
    rest.patch(number, name=("Worse", "Worse"))
    assert rest.ok("GET", f"/incidents/{number}")["vers"] == 2


def test_a_stale_old_value_is_refused_with_status_200(rest: Any, standin: ResilientStandin) -> None:
    number = rest.create(severity_code=4)
    standin.as_person(MARIA).edit(number, severity_code="High")
    answer = rest.patch(number, severity_code=(4, 5), city=(None, "Lund"))
    assert answer["success"] is False
    assert answer["field_failures"] == [
        {"field": "severity_code", "your_original_value": 4, "actual_current_value": 6}
    ]
    assert rest.ok("GET", f"/incidents/{number}")["city"] is None


@pytest.mark.parametrize(("field", "old", "new"), [
    ("severity_code", {"id": 4}, {"id": 6}),
    ("severity_code", {"id": 4}, {"object": "High"}),
    ("severity_code", {"integer": 4}, {"integer": 6}),
    ("incident_type_ids", {"ids": [22, 19]}, {"ids": [{"id": 18}]}),
    ("city", {}, {"text": "Lund"}),
    ("city", {"text": ""}, {"text": "Lund"}),
    ("city", None, {"text": "Lund"}),
    ("confirmed", None, {"boolean": True}),
    ("start_date", None, {"date": 1_740_830_400_000}),
    ("description", {"textarea": {"format": "text", "content": "old"}}, {"textarea": {"content": "<p></p>x"}}),
    ("description", {"text": '<div class="rte">old</div>'}, {"text": "new"}),
    ("owner_id", None, {"object": {"name": MARIA}}),
    ("kibana_case_id", None, {"text": "c-1"}),
])
def test_typed_values(rest: Any, field: str, old: Any, new: Any) -> None:
    number = rest.create(severity_code=4, incident_type_ids=[19, 22], description="old")
    body = {"version": 1, "changes": [{"field": field, "old_value": old, "new_value": new}]}
    assert rest.ok("PATCH", f"/incidents/{number}", body)["success"] is True
    assert rest.ok("GET", f"/incidents/{number}")["vers"] == 2
    again = rest.ok("PATCH", f"/incidents/{number}", body)
    assert [each["field"] for each in again["field_failures"]] == [field]


@pytest.mark.parametrize("change", [
    {"field": "properties.kibana_case_id", "old_value": {}, "new_value": {"text": "x"}},
    {"field": "incident_type_ids", "old_value": {"ids": []}, "new_value": {"object": "Malware"}},
    {"field": "severity_code", "old_value": {}, "new_value": {"id": 1, "text": "x"}},
    {"field": "severity_code", "old_value": {}, "new_value": 5},
    {"old_value": {}, "new_value": {}},
])
def test_changes_that_make_no_sense(rest: Any, change: Any) -> None:
    assert rest("PATCH", f"/incidents/{rest.create()}", {"changes": [change]}).status_code == 400


def test_read_only_and_always_required_fields(rest: Any) -> None:
    number = rest.create()
    refused = rest.patch(number, name=("Beaconing host", None))
    assert (refused["success"], refused["message"]) == (False, "The following fields are required: Name.")
    created = rest.ok("GET", f"/incidents/{number}")["create_date"]
    assert rest.patch(number, create_date=(created, 1))["success"] is False


def test_closing_demands_what_the_organisation_demands(run: Any, rest_to: Any, clock: Any) -> None:
    root = Field(
        id=1100, name="root_cause", text="Root cause", input_type="select", prefix="properties", required="close",
        choices=(Choice(value=7001, label="Human"), Choice(value=7002, label="Gone", enabled=False)),
    )
    standin = run(custom_fields=(root,))
    rest = rest_to(standin)
    number = rest.create()
    refused = rest.patch(number, plan_status=("A", "C"))
    assert (refused["success"], refused["field_failures"]) == (False, [])
    assert refused["message"] == "The following fields are required: Resolution, Resolution Summary, Root cause."
    given = {"resolution_id": (None, 10), "resolution_summary": (None, {"format": "html", "content": "fixed"})}
    assert rest("PATCH", f"/incidents/{number}", {"changes": [
        {"field": "root_cause", "old_value": {}, "new_value": {"id": 7002}}
    ]}).status_code == 400
    standin.refuse_closing("There are open required tasks.")
    vetoed = rest.patch(number, plan_status=("A", "C"), root_cause=(None, 7001), **given)
    assert vetoed["message"] == "There are open required tasks."
    standin.refuse_closing(None)
    clock.forward(minutes=1)
    assert rest.patch(number, plan_status=("A", "C"), root_cause=(None, "Human"), **given)["success"]
    closed = rest.ok("GET", f"/incidents/{number}")
    assert (closed["plan_status"], closed["end_date"], closed["vers"]) == ("C", clock.millis, 2)
    standin.as_person(MARIA).reopen(number)
    assert rest.ok("GET", f"/incidents/{number}")["end_date"] is None


def test_put_is_the_whole_object_and_minds_the_version(rest: Any) -> None:
    number = rest.create(city="Lund")
    incident = rest.ok("GET", f"/incidents/{number}")
    assert rest.ok("PUT", f"/incidents/{number}", incident | {"name": "Other"})["vers"] == 2
    assert rest("PUT", f"/incidents/{number}", incident).status_code == 409
    del incident["city"]
    assert rest.ok("PUT", f"/incidents/{number}", incident | {"vers": 2})["city"] is None


def test_conflicts_of_the_database(rest: Any, standin: ResilientStandin) -> None:
    number = rest.create()
    standin.conflict(1)
    assert rest("PATCH", f"/incidents/{number}", {"changes": []}).status_code == 409
    assert rest.patch(number)["success"] is True


def test_deleting(run: Any, rest_to: Any, standin: ResilientStandin, rest: Any) -> None:
    first, second, third = rest.create(), rest.create(), rest.create()
    assert rest("PUT", "/incidents/delete", [first]).status_code == 403
    assert rest("DELETE", f"/incidents/{first}").status_code == 403
    standin.state.grant(5, "delete")
    assert rest("PUT", "/incidents/delete", [first, 1]).status_code == 404
    assert rest.ok("PUT", "/incidents/delete", [first, second])["success"] is True
    standin.as_person(MARIA).delete(third)
    assert [rest("GET", f"/incidents/{each}").status_code for each in (first, second, third)] == [404] * 3
    assert rest.create() == third + 1


def test_other_severity_ids(run: Any, rest_to: Any) -> None:
    rest = rest_to(run(severities={50: "Low", 51: "Medium", 52: "High"}))
    field = rest.ok("GET", "/types/incident/fields/severity_code")
    assert [(each["value"], each["label"]) for each in field["values"]] == [(50, "Low"), (51, "Medium"), (52, "High")]
    assert rest("POST", "/incidents", {"name": "n", "discovered_date": 1, "severity_code": 5}).status_code == 400
    assert rest.ok("GET", f"/incidents/{rest.create(severity_code='High')}")["severity_code"] == 52


def test_owners_are_of_the_workspace(run: Any, rest_to: Any) -> None:
    rest = rest_to(run(workspaces={1: "One", 2: "Two"}))
    number = rest.create(owner_id={"name": "Incident Response"})
    assert rest.patch(number, owner_id=(50, 4))["success"] is True
    assert rest("PATCH", f"/incidents/{number}", {"changes": [
        {"field": "owner_id", "old_value": {"id": 4}, "new_value": {"id": 77}}
    ]}).status_code == 400


def test_an_incident_of_another_workspace_is_invisible(run: Any, rest_to: Any) -> None:
    standin = run(workspaces={1: "One", 2: "Two"})
    rest, number = rest_to(standin), None
    number = rest.create()
    standin.as_person(MARIA).edit(number, workspace="Two")
    assert rest("GET", f"/incidents/{number}").status_code == 404
    assert rest.query(("id", "equals", number))["data"] == []


def test_rights_by_kind_of_change(rest: Any, standin: ResilientStandin) -> None:
    number = rest.create()
    standin.state.deny(5, "close", "assign")
    change = {"field": "owner_id", "old_value": {}, "new_value": {"id": 3}}
    answer = rest("PATCH", f"/incidents/{number}", {"changes": [change]})
    assert (answer.status_code, answer.json()) == (403, {
        "success": False, "title": None, "message": "Forbidden", "hints": [], "error_code": "generic",
    })
    standin.state.deny(5, "read")
    assert rest("GET", f"/incidents/{number}").status_code == 404


def test_playbooks_act_after_writes(rest: Any, standin: ResilientStandin) -> None:
    def enrich(written: Any, platform: Any) -> None:
        if written.kind == "incident_created":
            platform.edit(written.incident_id, severity_code="High")
            platform.comment(written.incident_id, "enriched")

    standin.add_playbook(enrich)
    number = rest.create(severity_code=4)
    incident = rest.ok("GET", f"/incidents/{number}")
    assert (incident["severity_code"], incident["vers"]) == (6, 2)
    feed = rest.ok("GET", f"/incidents/{number}/newsfeed")
    assert [(each["type"], each["principal"]["id"]) for each in feed] == [
        ("comment_added", 1), ("incident_changed", 1), ("incident_created", 5),
    ]
    assert feed[1]["changes"] == [{"field": "severity_code", "old_value": 4, "new_value": 6}]
    assert rest.ok("GET", f"/incidents/{number}/history?handle_format=names")[1]["changes"][0]["new_value"] == "High"
