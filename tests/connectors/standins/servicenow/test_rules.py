"""States, data policies, business rules, journals."""

from __future__ import annotations

from typing import Any

import pytest

from kibcase_connectors.standins.servicenow import (
    CALLER_MANDATORY,
    DEFAULT_POLICIES,
    DEFAULT_RULES,
    DEFAULT_STATES,
    ITSM_STATES,
    SIR_STATES_OPEN,
    BusinessRule,
    Choice,
    ServiceNowProblem,
    ServiceNowStandin,
    aborted,
    foreign_assignee,
)


@pytest.mark.parametrize(
    ("impact", "urgency", "priority"),
    [("1", "1", "1"), ("1", "2", "2"), ("2", "1", "2"), ("1", "3", "3"), ("2", "2", "3"), ("2", "3", "4"),
     ("3", "1", "3"), ("3", "2", "4"), ("3", "3", "5")],
)
def test_priority_follows_impact_and_urgency(rest: Any, impact: str, urgency: str, priority: str) -> None:
    made = rest.create(impact=impact, urgency=urgency, priority="1")
    assert made["priority"] == priority
    assert rest.change(made["sys_id"], priority="2")["priority"] == priority


def test_the_priority_of_a_security_incident_is_taken(rest: Any) -> None:
    assert rest.create("sn_si_incident", priority="1", impact="3")["priority"] == "1"


def test_resolving_needs_a_code_and_notes(rest: Any) -> None:
    made = rest.create()
    path = f"table/incident/{made['sys_id']}"
    assert rest.refused(403, "PATCH", path, {"state": "6"}) == {
        "message": "Operation Failed",
        "detail": "Data Policy Exception: The following fields are mandatory: Resolution code, Resolution notes",
    }
    assert "Resolution notes" in rest.refused(403, "PATCH", path, {"state": "6", "close_code": "x"})["detail"]
    assert rest.record(made["sys_id"])["state"] == "1"
    done = rest.change(made["sys_id"], state="6", close_code="User error", close_notes="clicked")
    assert (done["state"], done["incident_state"], done["active"]) == ("6", "6", "true")
    assert done["resolved_at"] == "2026-03-02 14:30:15"
    reopened = rest.change(made["sys_id"], state="2")
    assert (reopened["resolved_at"], reopened["reopen_count"], reopened["close_code"]) == ("", "1", "User error")


def test_holding_needs_a_reason(rest: Any) -> None:
    made = rest.create()
    assert "On hold reason" in rest.refused(403, "PATCH", f"table/incident/{made['sys_id']}", {"state": "3"})["detail"]
    assert rest.change(made["sys_id"], state="3", hold_reason="1")["hold_reason"] == "1"
    assert rest.change(made["sys_id"], state="2")["hold_reason"] == ""


def test_a_closed_incident_is_read_only(standin: ServiceNowStandin, rest: Any) -> None:
    made = rest.create()
    shut = rest.change(made["sys_id"], state="7", close_code="Closed/Resolved by Caller", close_notes="Closed")
    assert (shut["active"], shut["closed_at"]) == ("false", "2026-03-02 14:30:15")
    path = f"table/incident/{made['sys_id']}"
    for body in ({"state": "2"}, {"work_notes": "late"}, {"description": "x"}):
        assert rest.refused(403, "PATCH", path, body)["detail"] == (
            "ACL Exception Update Failed due to security constraints"
        )
    standin.as_person("maria.lindqvist").edit(made["sys_id"], description="by an administrator")
    with pytest.raises(ServiceNowProblem, match="Validate state transition"):
        standin.as_person("maria.lindqvist").move(made["sys_id"], "2")


def test_the_older_state_column_moves_the_state(rest: Any) -> None:
    made = rest.create()
    assert rest.change(made["sys_id"], incident_state="2")["state"] == "2"
    detail = rest.refused(403, "PATCH", f"table/incident/{made['sys_id']}", {"incident_state": "16"})["detail"]
    assert detail.startswith("Operation against file 'incident' was aborted by Business Rule")


def test_security_incidents_move_phase_by_phase(rest: Any) -> None:
    made = rest.create("sn_si_incident")
    sys_id = made["sys_id"]
    assert (made["state"], made["number"]) == ("10", "SIR0010001")
    shut = {"state": "3", "close_code": "Threat mitigated", "close_notes": "done"}
    assert "aborted" in rest.refused(403, "PATCH", f"table/sn_si_incident/{sys_id}", shut)["detail"]
    for phase in ("16", "18", "19", "20", "100"):
        assert rest.change(sys_id, "sn_si_incident", state=phase)["state"] == phase
    assert "Close code" in rest.refused(403, "PATCH", f"table/sn_si_incident/{sys_id}", {"state": "3"})["detail"]
    assert rest.change(sys_id, "sn_si_incident", **shut)["active"] == "false"
    assert rest.change(sys_id, "sn_si_incident", state="16")["active"] == "true"


def test_an_open_process_lets_any_phase_follow(run: Any, rest_to: Any) -> None:
    rest = rest_to(run(states=(ITSM_STATES, SIR_STATES_OPEN)))
    made = rest.create("sn_si_incident")
    shut = {"state": "3", "close_code": "Threat mitigated", "close_notes": "done"}
    assert rest.change(made["sys_id"], "sn_si_incident", **shut)["state"] == "3"


def test_a_mandatory_caller(run: Any, rest_to: Any) -> None:
    standin = run(policies=(*DEFAULT_POLICIES, CALLER_MANDATORY))
    rest = rest_to(standin)
    body = {"short_description": "x", "caller_id": "Maria Lindqvist"}
    detail = rest.refused(403, "POST", "table/incident", body)["detail"]
    assert detail == "Data Policy Exception: The following fields are mandatory: Caller"
    caller = standin.state.user("maria.lindqvist").sys_id
    assert rest.create(caller_id=caller)["caller_id"]["value"] == caller


def test_own_rules(run: Any, rest_to: Any) -> None:
    def stop(change: Any) -> Any:
        if "forbidden" in change.after["description"]:
            raise aborted(change.table, "No such words")
        return {}

    rules = (
        *DEFAULT_RULES,
        BusinessRule(name="Stop", table="task", run=stop),
        BusinessRule(name="Mark", table="incident", when="after", run=lambda _change: {"correlation_display": "seen"}),
    )
    standin = run(rules=rules, states=DEFAULT_STATES)
    rest = rest_to(standin)
    made = rest.create()
    assert (made["correlation_display"], made["sys_mod_count"], made["sys_updated_by"]) == ("seen", "1", "kibcase")
    assert rest.change(made["sys_id"], description="fine")["sys_mod_count"] == "2"
    refused = rest.refused(403, "PATCH", f"table/incident/{made['sys_id']}", {"description": "forbidden"})
    assert "'No such words'" in refused["detail"]


def test_a_group_mismatch_may_blank_the_assignee(run: Any, rest_to: Any) -> None:
    plain = run()
    tomasz, desk = plain.state.user("tomasz.nowak").sys_id, plain.state.instance.groups[1].sys_id
    assert rest_to(plain).create(assigned_to=tomasz, assignment_group=desk)["assigned_to"]["value"] == tomasz
    strict = rest_to(run(rules=(*DEFAULT_RULES, foreign_assignee({desk: ()}))))
    made = strict.create(assigned_to=tomasz, assignment_group=desk)
    assert (made["assigned_to"], made["assignment_group"]["value"]) == ("", desk)


def test_journals_are_written_and_read_elsewhere(standin: ServiceNowStandin, rest: Any, clock: Any) -> None:
    made = rest.create(work_notes="first")
    clock.forward(seconds=3)
    changed = rest.change(made["sys_id"], work_notes="seen", comments="dear caller")
    assert (changed["work_notes"], changed["comments"], changed["sys_mod_count"]) == ("", "", "1")
    rest.change(made["sys_id"], work_notes="seen")
    standin.as_person("tomasz.nowak").work_note("INC0010001", "on it")
    query = f"element_id={made['sys_id']}^elementINcomments,work_notes^ORDERBYsys_created_on"
    rows = rest.find(query, "sys_journal_field")
    assert [(row["element"], row["value"], row["sys_created_by"]) for row in rows] == [
        ("work_notes", "first", "kibcase"), ("comments", "dear caller", "kibcase"), ("work_notes", "seen", "kibcase"),
        ("work_notes", "seen", "kibcase"), ("work_notes", "on it", "tomasz.nowak"),
    ]
    assert {row["name"] for row in rows} == {"incident"}
    shown = rest.record(made["sys_id"], sysparm_display_value="true", sysparm_fields="comments")
    assert shown == {"comments": "2026-03-02 14:30:18 - Kibcase Sync (Additional comments)\ndear caller\n\n"}
    entry = f"table/sys_journal_field/{rows[0]['sys_id']}"
    rest.refused(403, "PATCH", entry, {"value": "changed"})
    rest.refused(403, "DELETE", entry)
    rest.refused(403, "POST", "table/sys_journal_field", {"value": "new"})


def test_choices_are_data(standin: ServiceNowStandin, rest: Any) -> None:
    standin.state.replace_choices("incident", "close_code", [
        Choice(table="incident", element="close_code", value="Solved (Permanently)", label="Solved (Permanently)"),
        Choice(table="incident", element="close_code", value="Old", label="Old", inactive=True),
    ])
    found = rest.find("name=incident^element=close_code^inactive=false", "sys_choice")
    assert [row["value"] for row in found] == ["Solved (Permanently)"]
