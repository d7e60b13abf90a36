"""``kibcase check`` of rules that write to one side only, or carry less than their systems name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from kibcase.server.app import CasesServer
from kibcase.server.users import User
from kibcase_connectors.standins.jira import JiraStandin
from kibcase_daemon.cli.checking import check

READER = User(password="changeme", privileges=[{"feature": {"securitySolutionCasesV3": ["read"]}}])
EVERY = ("title", "description", "status", "severity", "tags", "assignee", "observables")
ONE_WAY: dict[str, Any] = {
    "create_cases": False, "comments": "to_ticket", "files": "to_ticket",
    "fields": {name: {"direction": "to_ticket"} for name in EVERY},
}
Check = Callable[..., tuple[int, dict[str, dict[str, tuple[str, str]]]]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Check]:
    """Check a rule; gives the exit code, and level and text by subject of what is said of each side."""
    with ExitStack() as ends:
        kibana = ends.enter_context(CasesServer(users={"elastic": "changeme", "sync": READER}))
        jira = ends.enter_context(JiraStandin(deployment="cloud"))

        def checked(
            rule: dict[str, Any], *, who: str = "sync", case: dict[str, Any] | None = None,
            ticket: dict[str, Any] | None = None,
        ) -> tuple[int, dict[str, dict[str, tuple[str, str]]]]:
            soc = {
                "type": "kibana", "url": kibana.kibana_url, "owner": "securitySolution", "username": who,
                "password": "changeme", **(case or {}),
            }
            desk = {
                "type": "jira", "url": jira.url, "project": "SOC", "email": "kibcase@example.com",
                "api_token": "kibcase-token", **(ticket or {}),
            }
            link = {"name": "soc-to-jira", "case": "soc", "ticket": "jira", **rule}
            config = {"version": 1, "state": "s.db", "systems": {"soc": soc, "jira": desk}, "links": [link]}
            (tmp_path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
            # Not the group, which would turn the code into an exit of the process.
            done = CliRunner().invoke(check, ["-c", str(tmp_path / "config.yaml"), "--json"], standalone_mode=False)
            assert done.exception is None, done.output
            told = {
                each["system"].partition(" ")[0]: {
                    one["subject"]: (one["level"], one["text"]) for one in each["findings"]
                }
                for each in json.loads(done.output)["systems"]
            }
            return done.return_value, told

        yield checked


def problems(told: dict[str, dict[str, tuple[str, str]]]) -> dict[str, set[str]]:
    return {
        system: {subject for subject, (level, _) in findings.items() if level == "problem"}
        for system, findings in told.items()
    }


def test_a_one_way_rule_needs_an_account_that_reads_and_no_more(run: Check) -> None:
    code, told = run(ONE_WAY)
    assert (code, problems(told)) == (0, {"soc": set(), "jira": set()})
    assert told["soc"]["rights"] == ("ok", "nothing is written here, so reading is enough")
    assert "CREATE_ISSUES" in told["jira"]["permissions"][1]


@pytest.mark.parametrize(("change", "needed"), [
    ({"comments": "both"}, "change cases, comment"), ({"files": "to_case"}, "comment"),
    (
        {"create_cases": True, "fields": {**ONE_WAY["fields"], "title": {"direction": "once"}}},
        "create cases, change cases",
    ),
    ({"fields": {**ONE_WAY["fields"], "status": {"direction": "both"}}}, "change cases, reopen cases"),
])
def test_whatever_is_written_to_cases_needs_its_right(run: Check, change: dict[str, Any], needed: str) -> None:
    code, told = run(ONE_WAY | change)
    assert (code, problems(told)) == (1, {"soc": {"rights"}, "jira": set()})
    assert told["soc"]["rights"][1].startswith(f"the account may not {needed};")


def test_rights_are_named_where_there_are_all(run: Check) -> None:
    # By default the assignee goes into new cases only, and this rule makes none.
    code, told = run({}, who="elastic")
    assert code == 0
    assert told["soc"]["rights"] == ("ok", "change cases, comment, reopen")


def test_a_custom_field_that_one_system_names_alone_takes_no_part(run: Check) -> None:
    score = {"score": {"field": "Risk score"}}
    code, told = run(ONE_WAY, ticket={"custom": score})
    note = ("note", "takes no part: name it under custom: of soc as well")
    assert (code, told["jira"]["score"]) == (0, note)
    assert "score" not in told["soc"]
    code, told = run(ONE_WAY, case={"custom": score})
    assert (code, told["soc"]["score"]) == (0, ("note", "takes no part: name it under custom: of jira as well"))
    _, told = run(ONE_WAY, case={"custom": score}, ticket={"custom": score})
    assert told["jira"]["score"] == ("ok", "customfield_10015, number")


def test_a_value_without_counterpart_would_park_links_and_is_a_problem(run: Check) -> None:
    partial = {"priorities": {"critical": "Highest", "high": "High"}}
    code, told = run({}, who="elastic", ticket=partial)
    assert (code, problems(told)) == (1, {"soc": set(), "jira": {"severity"}})
    assert "no counterpart of low, medium is configured" in told["jira"]["severity"][1]
    code, told = run({"fields": {"severity": {"direction": "to_case"}}}, who="elastic", ticket=partial)
    assert (code, problems(told)) == (0, {"soc": set(), "jira": set()})
