"""What ``check`` says of settings that this Jira cannot serve: it finds what would fail later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.actions import LinkBack
from kibcase_connectors.errors import Refused
from kibcase_connectors.jira import JiraFilter
from kibcase_connectors.model import COMMENTS, FIELDS, STATUS, TITLE
from kibcase_connectors.standins.jira import DEFAULT_USERS, DEFAULT_WORKFLOW, TEAM_PERMISSIONS, ScreenField

if TYPE_CHECKING:
    from kibcase_connectors.jira import JiraConnector
    from tests.connectors.jira.conftest import Bench, Deployment, MakeBench


def told(connector: JiraConnector, level: str) -> dict[str, str]:
    return {found.subject: found.text for found in connector.check() if found.level == level}


def without(make: MakeBench, deployment: Deployment, *rights: str) -> Bench:
    users = (replace(DEFAULT_USERS[0], permissions=TEAM_PERMISSIONS - {*rights}), *DEFAULT_USERS[1:])
    return make(deployment, users=users)


def test_a_resolution_that_there_is_not(bench: Bench) -> None:
    text = told(bench.connect(resolution="Fixt"), "problem")["resolution"]
    assert "'Fixt'" in text
    assert "Won't Do" in text
    assert told(bench.connect(resolution="won't do"), "problem") == {}
    chosen = bench.connect(resolution="Fixt", transition_fields={"resolution": {"name": "Done"}})
    assert told(chosen, "problem") == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"customfield_99999": "x"}, "is not on the create screen"),
        ({"customfield_10012": {"value": "nope"}}, "'nope'"),
        ({"customfield_10012": {"id": "nope"}}, "'nope'"),
    ],
)
def test_create_fields_that_jira_does_not_take(bench: Bench, given: dict[str, Any], said: str) -> None:
    bench.connector = bench.connect(create_fields=given)
    assert said in told(bench.connector, "problem")["create_fields"]
    with pytest.raises(Refused):
        bench.create()


def test_create_fields_that_jira_takes(bench: Bench) -> None:
    screen = bench.connector._site.client.create_screen("SOC", "10002")
    (option,) = (field for field in screen if field.id == "customfield_10012")
    value = option.allowed[0]["value"]
    bench.connector = bench.connect(create_fields={"customfield_10012": {"value": value}, "customfield_10010": "free"})
    assert told(bench.connector, "problem") == {}
    bench.create()


def test_transition_fields_that_there_are_not(bench: Bench) -> None:
    bench.connector = bench.connect(transition_fields={"customfield_99999": "x", "resolution": {"name": "Done"}})
    assert told(bench.connector, "problem")["transition_fields"].startswith("Jira shows this account no field 'cust")


def test_targets_that_lead_nowhere(bench: Bench) -> None:
    assert "'Dunn'" in told(bench.connect(targets={"closed": ["Dunn"]}), "problem")["targets"]
    astray = told(bench.connect(targets={"closed": ["In Progress"]}), "problem")["targets"]
    assert "In Progress means in-progress, not closed" in astray
    assert told(bench.connect(targets={"in-progress": ["in review"]}), "problem") == {}


def test_statuses_none_of_which_means_closed(bench: Bench) -> None:
    meanings = dict.fromkeys(("To Do", "In Progress", "In Review", "Done"), "open")
    found = bench.connect(statuses=meanings)
    assert "means closed" in told(found, "problem")["statuses"]
    assert "means in-progress" in told(found, "note")["statuses"]
    carried = bench.connect(statuses=meanings, parts=frozenset({*FIELDS, COMMENTS} - {STATUS}))
    assert told(carried, "problem") == {}


def test_a_filter_that_nothing_can_pass(bench: Bench) -> None:
    text = told(bench.connect(JiraFilter(issue_types=("Incidnt", "bug"))), "problem")["tickets"]
    assert "'Incidnt'" in text
    assert "Task" in text
    assert told(bench.connect(JiraFilter(issue_types=("bug",))), "problem") == {}


def test_priorities_that_severities_names_and_there_are_not(bench: Bench) -> None:
    bench.connector = bench.connect(severities={"Lowset": "low"})
    assert "'Lowset'" in told(bench.connector, "problem")["severities"]
    assert told(bench.connect(severities={"5": "low"}), "problem") == {}


def test_a_parent_of_the_wrong_level(cloud: Bench) -> None:
    task, epic = cloud.maria.create("A task"), cloud.maria.create("Big", issuetype="Epic")
    assert "Task SOC-1" in told(cloud.connect(parent=task), "problem")["parent"]
    assert told(cloud.connect(parent=epic), "problem") == {}


def test_the_link_to_the_case_needs_a_right(make: MakeBench, deployment: Deployment) -> None:
    bench = without(make, deployment, "LINK_ISSUES")
    assert "LINK_ISSUES" in told(bench.connector, "problem")["permissions"]
    with pytest.raises(Refused):
        bench.connector.apply(
            LinkBack(key=bench.create().key, mark="kibcase-a", label="case 7", url="https://k/7"), bench.announced
        )


def test_rights_for_parts_that_are_not_carried_are_not_asked_for(make: MakeBench, deployment: Deployment) -> None:
    bench = without(make, deployment, "ADD_COMMENTS", "EDIT_OWN_COMMENTS", "TRANSITION_ISSUES")
    assert told(bench.connect(parts=frozenset({TITLE})), "problem") == {}
    lacking = told(bench.connect(parts=frozenset({TITLE, STATUS, COMMENTS})), "problem")["permissions"]
    assert all(right in lacking for right in ("ADD_COMMENTS", "EDIT_OWN_COMMENTS", "TRANSITION_ISSUES"))


def test_a_workflow_that_is_not_told(bench: Bench) -> None:
    bench.jira.faults.arm(Fault(path=".*/project/SOC/statuses", status=200, body=b"[]", times=None))
    assert "no statuses of Task" in told(bench.connector, "problem")["statuses"]


def test_custom_values_that_a_field_does_not_take(bench: Bench) -> None:
    vector = {"field": "Attack vector", "values": {"Phishing": "phishing", "Fishing": "fishing"}}
    assert "'Fishing'" in told(bench.connect(custom={"vector": vector}), "problem")["vector"]
    known = {**vector, "values": {"Phishing": "phishing"}}
    assert told(bench.connect(custom={"vector": known}), "problem") == {}


def test_one_field_for_two_names(bench: Bench) -> None:
    bench.connector = bench.connect(custom={"one": {"field": "Risk score"}, "two": {"field": "customfield_10015"}})
    assert "'one'" in told(bench.connector, "problem")["two"]
    with pytest.raises(Refused, match="'one'"):
        bench.create(two="7")


def test_priorities_and_resolutions_are_listed_when_all_is_well(bench: Bench) -> None:
    shown = told(bench.connector, "ok")
    assert shown["priorities"] == "Highest is critical, High is high, Medium is medium, Low is low, Lowest is low"
    assert shown["resolution"] == "Done on closing; there is Done, Won't Do, Duplicate, Cannot Reproduce"
    chosen = told(bench.connect(transition_fields={"resolution": {"name": "Duplicate"}}), "ok")
    assert chosen["resolution"].startswith("that of transition_fields; there is Done, ")
    by_id = {"critical": "1", "high": "2", "medium": "3", "low": "4"}
    assert told(bench.connect(priorities=by_id), "ok")["priorities"] == shown["priorities"]


def test_the_way_to_close_is_told_as_far_as_the_newest_ticket_shows_it(bench: Bench) -> None:
    assert "no ticket to look at yet" in told(bench.connector, "note")["workflow"]
    key = bench.maria.create("A task")
    shown = told(bench.connector, "ok")
    assert shown["workflow"] == f"from To Do: In Progress (seen at Task {key})"
    assert shown["closing"] == "To Do to In Progress by 'Start progress', filling nothing, and on from there"
    for step in ("Start progress", "Ask for review"):
        bench.maria.transition(key, step)
    shown = told(bench.connector, "ok")
    assert shown["workflow"] == f"from In Review: Done (seen at Task {key})"
    assert shown["closing"] == "In Review to Done by 'Done', filling resolution"
    bench.maria.transition(key, "Done", resolution="Done")
    shown = told(bench.connector, "ok")
    assert shown["workflow"] == f"from Done: In Progress (seen at Task {key})"
    assert "closing" not in shown


def test_a_closing_screen_that_asks_for_more(make: MakeBench, deployment: Deployment) -> None:
    asking = replace(
        DEFAULT_WORKFLOW.transitions[2], sources=None, screen=(ScreenField(id="customfield_10012", required=True),)
    )
    bench = make(deployment, workflow=replace(DEFAULT_WORKFLOW, transitions=(asking,)))
    bench.maria.create("A task")
    text = told(bench.connector, "problem")["closing"]
    assert "To Do to Done by 'Done' requires Attack vector (customfield_10012), one of: " in text
    assert text.endswith("give it in transition_fields")
    vector = {"customfield_10012": {"value": "Phishing"}}
    assert told(bench.connect(transition_fields=vector), "problem") == {}
    carried = bench.connect(parts=frozenset({*FIELDS, COMMENTS} - {STATUS}))
    assert told(carried, "problem") == {}
    assert {"workflow", "closing"}.isdisjoint(one.subject for one in carried.check())


def test_workflows_that_lead_nowhere(make: MakeBench, deployment: Deployment) -> None:
    back = replace(DEFAULT_WORKFLOW.transitions[4], sources=None)
    bench = make(deployment, workflow=replace(DEFAULT_WORKFLOW, transitions=(back,)))
    bench.maria.create("A task")
    assert "no transition leads on from To Do" in told(bench.connector, "note")["closing"]
    bench = make(deployment, workflow=replace(DEFAULT_WORKFLOW, transitions=()))
    bench.maria.create("A task")
    assert "no transition that this account may take" in told(bench.connector, "note")["workflow"]


def test_nothing_is_written_by_looking(bench: Bench) -> None:
    bench.maria.create("A task")
    bench.jira.faults.forget()
    bench.connect(
        JiraFilter(issue_types=("Incidnt",)), resolution="Fixt", parent="SOC-1",
        create_fields={"customfield_99999": "x"}, transition_fields={"customfield_99999": "x"},
        targets={"closed": ["Dunn"]}, severities={"Lowset": "low"},
    ).check()
    assert bench.jira.faults.writes == []
