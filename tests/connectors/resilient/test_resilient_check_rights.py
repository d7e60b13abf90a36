"""What ``check`` asks of an account and an organisation that a link rule does not write to, or not all of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kibcase_connectors.model import ASSIGNEE, COMMENTS, CREATE, FILES, OBSERVABLES, SEVERITY, STATUS, TITLE
from kibcase_connectors.standins.resilient import DEFAULT_CUSTOM_FIELDS, TEAM_PERMISSIONS, Choice, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kibcase_connectors.resilient import ResilientConnector
    from tests.connectors.resilient.conftest import Bench, MakeBench

READING = {"read", "list_artifacts", "read_attachments"}
CAUSE = Field(
    id=1010, name="root_cause", text="Root cause", input_type="select", required="close", prefix="properties",
    choices=(Choice(value=91, label="Human error"),),
)
SITE = Field(id=1011, name="site", text="Site", input_type="text", required="always", prefix="properties")
SETTINGS: Mapping[str, Any] = {
    "link_field": "nowhere", "create_fields": {"gone": "x"}, "severity_labels": {"high": "Awful"},
    "incident_types": ["Nothing"],
}


def found(connector: ResilientConnector, level: str) -> dict[str, str]:
    return {finding.subject: finding.text for finding in connector.check() if finding.level == level}


@pytest.fixture
def closed(make: MakeBench) -> Bench:
    """An organisation that takes nothing of what the settings would write, from an account that may only read."""
    bench = make(custom_fields=(*DEFAULT_CUSTOM_FIELDS, CAUSE, SITE))
    bench.maria.create("x", site="Berlin")
    bench.soar.state.deny(5, *(TEAM_PERMISSIONS - READING))
    return bench


def test_where_nothing_is_written_an_account_that_only_reads_is_in_order(closed: Bench) -> None:
    connector = closed.connect(written=(), mark_field=None, **SETTINGS)
    assert found(connector, "problem") == {}
    assert found(connector, "ok")["permissions"] == "read, list_artifacts, read_attachments"
    notes = found(connector, "note")
    assert not {"permissions", "mark_field"} & notes.keys()


@pytest.mark.parametrize(("written", "lacking"), [
    ({CREATE}, "write"), ({TITLE}, "write"), ({STATUS}, "close"), ({COMMENTS}, "comment"), ({ASSIGNEE}, "assign"),
    ({OBSERVABLES}, "create_artifacts"), ({FILES}, "attach_file"), ({STATUS, COMMENTS}, "close, comment"),
])
def test_permissions_are_needed_for_what_is_written(closed: Bench, written: set[str], lacking: str) -> None:
    told = found(closed.connect(written=written), "problem")["permissions"]
    assert told.startswith(f"the account may not {lacking} on incident")


def test_what_the_rule_does_not_carry_needs_no_permission(closed: Bench) -> None:
    connector = closed.connect(written={COMMENTS, FILES, OBSERVABLES}, parts={TITLE})
    assert found(connector, "ok")["permissions"] == "read"


@pytest.mark.parametrize(("written", "subjects"), [
    ({CREATE}, {"link_field", "create_fields", "incident_types"}), ({STATUS}, {"close_fields"}),
    ({SEVERITY}, {"severity_labels"}), ({COMMENTS}, set()),
])
def test_settings_are_looked_at_where_they_are_used(closed: Bench, written: set[str], subjects: set[str]) -> None:
    wrong = found(closed.connect(written=written, **SETTINGS), "problem")
    assert set(wrong) == {"permissions"} | subjects
