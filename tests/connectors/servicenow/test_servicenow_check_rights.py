"""What ``check`` asks of an account and a table that a link rule does not write to, or not all of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.model import COMMENTS, CREATE, OBSERVABLES, SEVERITY, STATUS, TAGS
from kibcase_connectors.standins.servicenow import Column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kibcase_connectors.servicenow import ServiceNowConnector
    from tests.connectors.servicenow.conftest import Bench, MakeBench

CLOSED_TAGS = Column(name="u_tags", label="Tags", max_length=255, read_only=True)
COST = Column(name="u_cost", label="Cost", mandatory=True)
CUSTOM = {"site": {"field": "u_site"}}
SITE = Column(name="u_site", label="Site", max_length=40, read_only=True)


def found(connector: ServiceNowConnector, level: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for finding in connector.check():
        if finding.level == level:
            texts[finding.subject] = f"{texts.get(finding.subject, '')} {finding.text}".strip()
    return texts


@pytest.fixture
def closed(make: MakeBench) -> Bench:
    """A table that takes nothing of what the settings below would write."""
    bench = make(columns=[("incident", each) for each in (CLOSED_TAGS, COST, SITE)])
    bench.person_makes()
    bench.servicenow.state.give_roles("kibcase", "sn_incident_read")
    bench.servicenow.state.take_roles("kibcase", "itil")
    me = bench.servicenow.state.user("kibcase").sys_id
    body = json.dumps({"result": [{"user": me, "role.name": "sn_incident_read"}]}).encode()
    total = (("X-Total-Count", "1"),)
    bench.servicenow.faults.arm(
        Fault(path=".*/sys_user_has_role", status=200, body=body, headers=total, times=None)
    )
    return bench


SETTINGS: Mapping[str, Any] = {
    "tags_column": "u_tags", "url_column": "u_none", "create_fields": {"u_nowhere": "x"}, "close_code": None,
    "targets": {"closed": "9"}, "levels": {"high": ["0", "1"]}, "assignment_group": "Nobody", "custom": CUSTOM,
}


def test_where_nothing_is_written_an_account_that_only_reads_is_in_order(closed: Bench) -> None:
    connector = closed.connect(written=(), **SETTINGS)
    assert found(connector, "problem") == {}
    assert "sn_incident_read" in found(connector, "ok")["roles"]
    assert "roles" not in found(connector, "note")
    assert "required" not in {finding.subject for finding in connector.check()}


@pytest.mark.parametrize(("written", "expected"), [
    ({CREATE}, {"columns": "create_fields", "required": "u_cost", "references": "no such active record"}),
    ({TAGS}, {"columns": "u_tags (tags_column) is read-only"}),
    ({STATUS}, {"states": "no state '9' to set for closed", "close_code": "none is configured"}),
    ({SEVERITY}, {"severity": "impact has no choice '0'"}), ({"site"}, {"custom": "site: u_site is read-only"}),
    ({COMMENTS}, {}),
])
def test_each_part_that_is_written_is_looked_at(
    closed: Bench, written: set[str], expected: dict[str, str]
) -> None:
    connector = closed.connect(written=written, **SETTINGS)
    wrong = found(connector, "problem")
    assert set(wrong) - {"hold_reason"} == set(expected)
    assert all(text in wrong[subject] for subject, text in expected.items())
    assert "none of them is itil" in found(connector, "note")["roles"]


def test_roles_that_are_not_told(closed: Bench) -> None:
    closed.servicenow.state.take_roles("kibcase", "sn_incident_read")
    assert found(closed.connect(written=()), "problem").keys() == {"table"}


def test_types_of_observables_matter_where_they_are_written(make: MakeBench) -> None:
    bench = make("sn_si_incident")
    settings: dict[str, Any] = {"observable_types": {"hostname": "No such"}}
    both = bench.connect(written={OBSERVABLES}, **settings), bench.connect(written=(), **settings)
    assert [list(found(connector, "problem")) for connector in both] == [["observables"], []]
    assert found(both[1], "ok")["observables"] == "readable; none is written"
