"""What ``check`` finds out about the set-up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.errors import Unavailable
from kibcase_connectors.standins.jira import DEFAULT_USERS, TEAM_PERMISSIONS

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
    notes = [found.text for found in connector.check() if found.level == "note"]
    assert any("'Parked'" in text for text in notes)


def test_a_hidden_project_is_a_problem(bench: Bench) -> None:
    assert "project" in problems(bench.connect(project="NOPE"))


def test_missing_rights_are_named(make: MakeBench, deployment: Deployment) -> None:
    users = (replace(DEFAULT_USERS[0], permissions=TEAM_PERMISSIONS - {"ADD_COMMENTS"}), *DEFAULT_USERS[1:])
    bench = make(deployment, users=users)
    assert "ADD_COMMENTS" in problems(bench.connector)["permissions"]


def test_a_wrong_kind_is_a_problem(datacenter: Bench) -> None:
    assert "datacenter" in problems(datacenter.connect(deployment="cloud"))["server"]


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
