"""The rights that ``check`` asks for: those for what the link rule writes to Jira."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.model import ASSIGNEE, COMMENTS, CREATE, FILES, STATUS, TITLE
from kibcase_connectors.standins.jira import DEFAULT_USERS

if TYPE_CHECKING:
    from kibcase_connectors.jira import JiraConnector
    from tests.connectors.jira.conftest import Bench, Deployment, MakeBench

READER = (replace(DEFAULT_USERS[0], permissions=frozenset({"BROWSE_PROJECTS"})), *DEFAULT_USERS[1:])


def found(connector: JiraConnector, level: str) -> dict[str, str]:
    return {one.subject: one.text for one in connector.check() if one.level == level}


@pytest.mark.parametrize(("written", "rights"), [
    ({CREATE}, "CREATE_ISSUES, EDIT_ISSUES, LINK_ISSUES"), ({TITLE}, "EDIT_ISSUES"), ({STATUS}, "TRANSITION_ISSUES"),
    ({COMMENTS}, "ADD_COMMENTS, EDIT_OWN_COMMENTS"), ({FILES}, "CREATE_ATTACHMENTS"),
    ({ASSIGNEE}, "EDIT_ISSUES, ASSIGN_ISSUES"), ({"score"}, "EDIT_ISSUES"),
])
def test_rights_are_needed_for_what_is_written(
    make: MakeBench, deployment: Deployment, written: set[str], rights: str
) -> None:
    bench = make(deployment, users=READER)
    connector = bench.connect(custom={"score": {"field": "Risk score"}}, written=frozenset(written))
    assert found(connector, "problem")["permissions"] == f"the account lacks {rights} in project SOC"


def test_what_the_rule_does_not_carry_needs_no_right(make: MakeBench, deployment: Deployment) -> None:
    bench = make(deployment, users=READER)
    connector = bench.connect(written=frozenset({COMMENTS, FILES}), parts=frozenset({TITLE}))
    assert found(connector, "ok")["permissions"] == "BROWSE_PROJECTS"


def test_where_nothing_is_written_an_account_that_only_reads_is_in_order(
    make: MakeBench, deployment: Deployment
) -> None:
    bench = make(deployment, users=READER)
    # What no ticket can be made, moved or given with makes no difference either.
    settings: dict[str, Any] = {
        "issue_type": "Incident", "create_fields": {"customfield_1": "x"}, "targets": {"closed": ["Nowhere"]},
        "resolution": "Gone", "transition_fields": {"customfield_2": "x"},
    }
    hidden = Fault(path=".*/createmeta/.*", status=403, body=b'{"errorMessages": ["no"], "errors": {}}', times=None)
    bench.jira.faults.arm(hidden)
    connector = bench.connect(written=frozenset(), **settings)
    assert found(connector, "problem") == {}
    assert "create screen" not in found(connector, "ok")
    wrong = found(bench.connect(**settings), "problem")
    assert {"permissions", "issue type", "resolution", "transition_fields"} <= set(wrong)


def test_attachments_that_are_switched_off_matter_where_files_are_written(bench: Bench) -> None:
    bench.jira.faults.arm(Fault(path=".*/attachment/meta", status=200, body=b'{"enabled": false}', times=None))
    assert "attachments" in found(bench.connector, "problem")
    assert "none to copy" in found(bench.connect(written=frozenset({CREATE})), "note")["attachments"]
