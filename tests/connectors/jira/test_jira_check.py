"""What ``check`` finds out about the set-up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.errors import Unavailable
from kibcase_connectors.standins.jira import DEFAULT_USERS, TEAM_PERMISSIONS, Project

if TYPE_CHECKING:
    from kibcase_connectors.jira import JiraConnector
    from tests.connectors.jira.conftest import Bench, Deployment, MakeBench


def problems(connector: JiraConnector) -> dict[str, str]:
    return {found.subject: found.text for found in connector.check() if found.level == "problem"}


def test_a_good_set_up_has_no_problems_and_the_account_comes_first(bench: Bench) -> None:
    found = bench.connector.check()
    assert found[0].subject == "account"
    assert "Kibcase Sync" in found[0].text
    assert "America/New_York" in found[0].text
    assert problems(bench.connector) == {}
    texts = [f"{one.subject}: {one.text}" for one in found]
    assert "statuses: In Review means in-progress" in texts
    assert "project: SOC: Security Operations" in texts
    assert any(one.level == "note" and "not encrypted" in one.text for one in found)
    assert bench.jira.faults.writes == []


def test_bad_credentials_are_the_only_finding(bench: Bench) -> None:
    bench.jira.expire_credentials()
    (only,) = bench.connector.check()
    assert (only.level, only.subject) == ("problem", "account")


def test_a_server_that_is_down_raises(bench: Bench) -> None:
    bench.jira.stop()
    with pytest.raises(Unavailable):
        bench.connector.check()


def test_wrong_names_are_problems_that_say_what_there_is(bench: Bench) -> None:
    connector = bench.connect(
        issue_type="Incident", priorities={"high": "Urgent"}, statuses={"Parked": "open"},
    )
    assert "it has Task, Bug" in problems(connector)["issue type"]
    connector = bench.connect(priorities={"high": "Urgent"}, statuses={"Parked": "open"})
    assert "there is no priority 'Urgent'" in problems(connector)["priorities"]
    assert "'Parked'" in problems(connector)["statuses"]


def test_a_hidden_project_is_a_problem(bench: Bench) -> None:
    assert "project" in problems(bench.connect(project="NOPE"))


def test_missing_rights_are_named(make: MakeBench, deployment: Deployment) -> None:
    users = (replace(DEFAULT_USERS[0], permissions=TEAM_PERMISSIONS - {"ADD_COMMENTS"}), *DEFAULT_USERS[1:])
    bench = make(deployment, users=users)
    assert "ADD_COMMENTS" in problems(bench.connector)["permissions"]


def test_a_wrong_kind_is_a_problem(datacenter: Bench) -> None:
    wrong = datacenter.connect(deployment="cloud")
    assert "deployment: datacenter" in problems(wrong)["account"]
    assert "datacenter" in problems(datacenter.connect(deployment="cloud", api_version=2))["server"]


def test_an_address_without_jira_is_not_taken_for_another_kind(cloud: Bench) -> None:
    with pytest.raises(Unavailable, match="context path"):
        cloud.connect(url=f"{cloud.jira.url}/jira").check()


def test_fields_of_new_tickets(bench: Bench) -> None:
    body = (
        b'{"fields": %b, "values": %b, "isLast": true}'
    )
    rows = (
        b'[{"fieldId": "summary", "name": "Summary", "required": true, "hasDefaultValue": false},'
        b' {"fieldId": "customfield_1", "name": "Cost", "required": true, "hasDefaultValue": false,'
        b'  "allowedValues": [{"id": "1", "value": "A"}]}]'
    )
    fault = Fault(path=".*/createmeta/SOC/issuetypes/.*", status=200, body=body % (rows, rows))
    bench.jira.faults.arm(fault)
    found = problems(bench.connector)
    assert "Cost (customfield_1), one of: A" in found["create screen"]
    assert "marks its tickets" in found["labels"]
    assert "leave priorities empty" in found["severity"]
    assert "description" in found


def test_one_screen_says_it_all(make: MakeBench, deployment: Deployment) -> None:
    bench = make(deployment)
    custom = {"score": {"field": "Risk score"}}
    bench.connector = bench.connect(custom=custom, observables_field="Observables", issue_type="Task")
    bench.create()
    shown = {one.subject: one.text for one in bench.connector.check() if one.level == "ok"}
    assert shown["server"].endswith("REST API v3" if deployment == "cloud" else "REST API v2")
    assert "CREATE_ATTACHMENTS" in shown["permissions"]
    assert shown["score"] == "customfield_10015, number"
    assert shown["observables"] == "customfield_10011, one per line"
    assert "10,485,760 bytes" in shown["attachments"]
    assert "255" in shown["lengths"]
    assert problems(bench.connector) == {}


def test_types_priorities_and_resolutions_by_id(bench: Bench) -> None:
    ids = {"critical": "1", "high": "2", "medium": "3", "low": "4"}
    bench.connector = bench.connect(issue_type="10004", priorities=ids, severities={"5": "low"})
    assert problems(bench.connector) == {}
    receipt = bench.create()
    assert bench.maria.issue(receipt.key).values["issuetype"] == "10004"
    assert receipt.stored["severity"] == "2"
    bench.maria.edit(receipt.key, priority="Lowest")
    seen = bench.connector.read(receipt.key).fields["severity"]
    assert (seen, bench.connector.mapping.canonical("severity", seen)) == ("5", "low")


def test_links_and_parents(make: MakeBench, deployment: Deployment) -> None:
    bench = make(deployment)
    parent = bench.maria.create("The big one", issuetype="Epic" if deployment == "cloud" else "Task")
    other = bench.maria.create("Another")
    kind = "Task" if deployment == "cloud" else "Sub-task"
    links = [{"type": "Relates", "issue": other}, {"type": "Blocks", "issue": parent, "direction": "inward"}]
    bench.connector = bench.connect(parent=parent, issue_type=kind, issue_links=links)
    assert problems(bench.connector) == {}
    bench.jira.faults.forget()
    key = bench.create().key
    assert len(bench.jira.faults.writes) == 1
    assert bench.maria.issue(key).values["parent"] is not None
    assert len(bench.maria.issue(key).links) == 2
    bad = bench.connect(parent="SOC-99", issue_links=[{"type": "Loves", "issue": "SOC-98"}])
    found = [one.text for one in bad.check() if one.level == "problem"]
    assert any("SOC-99" in text for text in found)
    assert any("SOC-98" in text for text in found)
    assert any("'Loves'" in text and "Relates" in text for text in found)


def test_required_fields_that_a_rule_carries_are_a_note(make: MakeBench, deployment: Deployment) -> None:
    project = Project(id="10000", key="SOC", name="Security Operations", required=("customfield_10015", "duedate"))
    bench = make(deployment, project=project)
    bench.connector = bench.connect(custom={"score": {"field": "Risk score"}})
    assert "duedate" in problems(bench.connector)["create screen"]
    notes = [one.text for one in bench.connector.check() if (one.level, one.subject) == ("note", "create screen")]
    assert any("Risk score" in text for text in notes)
