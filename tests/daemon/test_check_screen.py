"""What ``kibcase check`` shows of each system on one screen, and how it says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from click.testing import CliRunner

from kibcase import Kibana
from kibcase.server.app import CasesServer
from kibcase.server.users import User
from kibcase_connectors.model import SEVERITIES
from kibcase_connectors.standins import jira, resilient, servicenow
from kibcase_connectors.standins.resilient.catalog import Field
from kibcase_connectors.standins.servicenow.schema import Column
from kibcase_daemon.cli.app import app

LINES, COLUMNS = 40, 150
KIBANA_USERS = {
    "elastic": User(password="elastic-password"),
    "kibcase": User(password="kibcase-password", full_name="Kibcase Sync"),
    "mara": User(
        password="mara-password", full_name="Mara Lindqvist", email="mara@example.com", profile_uid="u_mara_0"
    ),
}
LABELLED = {"vector": {"field": "Attack vector"}}


@dataclass(frozen=True, slots=True)
class Ticketing:
    """A ticketing system: what starts it and gives settings for it, who the person in the table of people is there."""

    start: Callable[[ExitStack, Mapping[str, Any]], dict[str, Any]]
    account: str


def jira_of(kind: Literal["cloud", "datacenter"]) -> Ticketing:
    def start(ends: ExitStack, options: Mapping[str, Any]) -> dict[str, Any]:
        standin = ends.enter_context(jira.JiraStandin(**{"deployment": kind, **options}))
        standin.as_person("maria.lindqvist").create("Beacon", duedate="2026-03-04")
        us = jira.DEFAULT_USERS[0]
        login = {"email": us.email, "api_token": us.secret} if kind == "cloud" else {"token": us.secret}
        return {"type": "jira", "url": standin.url, "project": "SOC", **login, "custom": LABELLED}

    maria = jira.DEFAULT_USERS[1]
    return Ticketing(start, account=maria.account_id if kind == "cloud" else maria.username)


def snow_of(table: str, code: str) -> Ticketing:
    column = Column(name="u_vector", label="Attack vector", max_length=100)

    def start(ends: ExitStack, options: Mapping[str, Any]) -> dict[str, Any]:
        further = tuple((table, each) for each in options.get("columns", ()))
        standin = ends.enter_context(servicenow.ServiceNowStandin(columns=[(table, column), *further]))
        standin.as_person("tomasz.nowak").create("Beacon", table=table)
        us = servicenow.DEFAULT_USERS[0]
        login = {"username": us.user_name, "password": us.password}
        return {
            "type": "servicenow", "url": standin.url, "table": table, **login, "close_code": code,
            "assignment_group": "Security Operations", "custom": {"vector": {"field": "u_vector"}},
        }

    return Ticketing(start, account="tomasz.nowak")


def soar() -> Ticketing:
    vector = Field(id=1010, name="vector", text="Attack vector", input_type="text", prefix="properties")

    def start(ends: ExitStack, options: Mapping[str, Any]) -> dict[str, Any]:
        fields = (*resilient.DEFAULT_CUSTOM_FIELDS, vector, *options.get("fields", ()))
        standin = ends.enter_context(resilient.ResilientStandin(custom_fields=fields))
        standin.as_person("maria.lindqvist@example.com").create("Beacon", **options.get("values", {}))
        key = resilient.DEFAULT_KEYS[0]
        return {
            "type": "resilient", "url": standin.url, "org": standin.org_id, "api_key_id": key.login,
            "api_key_secret": key.secret, "custom": {"vector": {"field": "vector"}},
        }

    return Ticketing(start, account="maria.lindqvist@example.com")


TICKETING = {
    "Jira Cloud": jira_of("cloud"), "Jira Data Center": jira_of("datacenter"),
    "ServiceNow ITSM": snow_of("incident", "Solution provided"),
    "ServiceNow SIR": snow_of("sn_si_incident", "Threat mitigated"), "Resilient": soar(),
}


@dataclass(frozen=True, slots=True)
class Screen:
    """What one run showed of one system."""

    code: int
    lines: list[str]

    @property
    def findings(self) -> list[str]:
        """The findings, those that go over several lines joined."""
        joined: list[str] = []
        for line in self.lines[3:]:
            if line[:6].strip():
                joined.append(line)
            elif line.strip():
                joined[-1] += " " + line
        return [" ".join(each.split()) for each in joined]

    @property
    def problems(self) -> list[str]:
        return [line for line in self.findings if line.startswith("problem ")]


class Bench:
    """A Kibana and one ticketing system with a rule between them."""

    def __init__(self, ends: ExitStack, folder: Path, system: str, options: Mapping[str, Any]) -> None:
        self.server = ends.enter_context(CasesServer(users=KIBANA_USERS))
        self.ticketing = TICKETING[system]
        self.file = folder / "config.yaml"
        self.analyst = ends.enter_context(
            Kibana(self.server.kibana_url, username="mara", password="mara-password")
        )
        self.fields({"key": "vector", "label": "Attack vector", "type": "text", "required": False})
        self.config: dict[str, Any] = {
            "version": 1, "state": "state.db",
            "systems": {
                "soc": {
                    "type": "kibana", "url": self.server.kibana_url, "username": "kibcase",
                    "password": "kibcase-password", "owner": "securitySolution", "custom": LABELLED,
                },
                "it": self.ticketing.start(ends, options),
            },
            "links": [{
                "name": "rule", "case": "soc", "ticket": "it", "create_cases": True,
                "fields": {"assignee": {"direction": "both"}},
            }],
            "people": [{
                "name": "Mara Lindqvist", "email": "mara@example.com",
                "accounts": {"soc": "mara", "it": self.ticketing.account},
            }],
        }

    def fields(self, *given: dict[str, Any]) -> None:
        self.analyst.configuration.replace("securitySolution", custom_fields=list(given))

    def check(self) -> dict[str, Screen]:
        """Run the command; gives the screens of the sides ``case`` and ``ticket``."""
        self.file.write_text(yaml.safe_dump(self.config), encoding="utf-8")
        done = CliRunner().invoke(
            app, ["check", "-c", str(self.file)], env={"COLUMNS": str(COLUMNS)}, standalone_mode=False
        )
        if done.exception is not None:
            raise done.exception
        lines = done.output.splitlines()
        starts = [number for number, line in enumerate(lines) if re.search(r", the (case|ticket) side of rule", line)]
        first, second = starts
        assert max(map(len, lines)) <= COLUMNS
        return {
            "case": Screen(done.return_value, lines[first:second]),
            "ticket": Screen(done.return_value, lines[second:-1]),
        }


MakeBench = Callable[..., Bench]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeBench]:
    """Build benches; ``options`` go to the ticketing system."""
    with ExitStack() as ends:
        yield lambda system, **options: Bench(ends, tmp_path, system, options)


GOOD = {
    "Jira Cloud": {
        "who": "account Kibcase Sync (5f1a2b3c4d5e6f0071a2b3c4)", "time zone": "time zone America/New_York",
        "rights": "permissions BROWSE_PROJECTS, CREATE_ISSUES", "required": "create screen kibcase fills every",
        "workflow": "workflow from To Do: In Progress", "closing": "closing To Do to In Progress",
        "states": "statuses Done means closed", "choices": "priorities Highest is critical, High is high",
        "resolutions": "resolution Done on closing; there is Done, ", "lengths": "lengths title 255, texts 32,767",
        "custom": "vector customfield_10012, option", "people": "people 1 accounts",
    },
    "ServiceNow ITSM": {
        "who": "account Kibcase Sync (kibcase)", "time zone": "ok time zone UTC", "rights": " roles ",
        "required": "required kibcase fills every required column", "states": "states New (1) open, In Progress (2)",
        "choices": "severity 1 - Critical is critical", "close codes": "close_code Solution provided",
        "lengths": "lengths short_description 160", "custom": "custom vector is kept in u_vector",
        "group": "assignment_group Security Operations", "people": "people 1 accounts",
    },
    "Resilient": {
        "who": "account API key with principal 5, organisation Northwind SOC (201)", "time zone": "times in UTC",
        "rights": "permissions read, ", "required": "create_fields new incidents require name",
        "closing": "close_fields closing requires resolution_id", "states": "statuses an active incident is open",
        "choices": "severity_labels Low is low, Medium is medium", "lengths": "lengths characters: names 200",
        "custom": "custom.vector vector (Attack vector), text", "people": "people 2 active users, 1 in the table",
    },
}
GOOD["Jira Data Center"] = {**GOOD["Jira Cloud"], "who": "account Kibcase Sync (JIRAUSER10100)"}
GOOD["ServiceNow SIR"] = {
    **GOOD["ServiceNow ITSM"], "states": "states Draft (10) open", "close codes": "close_code Threat mitigated",
}
GOOD_KIBANA = {
    "who": "account logged in as Kibcase Sync", "time zone": "times are in UTC", "rights": " rights ",
    "required": "required no custom field that nothing fills", "workflow": "status open, in-progress, closed, each",
    "choices": "severity low, medium, high, critical", "lengths": "lengths titles 160, texts 30,000",
    "custom": "vector the custom field Attack vector",
}


@pytest.mark.parametrize("system", TICKETING)
def test_one_screen_tells_of_all_that_matters(make: MakeBench, system: str) -> None:
    screens = make(system).check()
    for screen, wanted in ((screens["ticket"], GOOD[system]), (screens["case"], GOOD_KIBANA)):
        shown = "\n".join(screen.findings)
        assert {subject: text for subject, text in wanted.items() if text not in shown} == {}
        assert screen.problems == []
        assert screen.code == 0
        assert len(screen.lines) <= LINES


Change = Callable[[Bench], None]


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong: in the configuration by ``change``, or in the system by its ``options``."""

    subject: str
    change: Change
    said: str
    options: Mapping[str, Any] = field(default_factory=dict)


def of_ticket(**settings: Any) -> Change:
    return lambda bench: bench.config["systems"]["it"].update(settings)


def of_kibana(**settings: Any) -> Change:
    return lambda bench: bench.config["systems"]["soc"].update(settings)


def of_rule(**settings: Any) -> Change:
    return lambda bench: bench.config["links"][0].update(settings)


def of_people(**accounts: str) -> Change:
    return lambda bench: bench.config["people"][0]["accounts"].update(accounts)


def nothing(_: Bench) -> None:
    """Leave the configuration as it is: what is wrong is the system."""


def unit(required: Literal["always", "close"]) -> Field:
    return Field(id=1011, name="unit", text="Unit", input_type="text", required=required, prefix="properties")


REQUIRED = jira.Project(id="10000", key="SOC", name="Security Operations", required=("duedate",))
TEAM = Column(name="u_team", label="Team", mandatory=True)
JIRA_WRONG = (
    Wrong("priority", of_ticket(priorities=dict.fromkeys(SEVERITIES, "High") | {"high": "Urgent"}),
          "priorities high: there is no priority 'Urgent'; there is Highest, High"),
    Wrong("resolution", of_ticket(resolution="Fixt"), "resolution there is no resolution 'Fixt'; there is Done"),
    Wrong("custom field", of_ticket(custom={"vector": {"field": "Vektor"}}),
          "vector Jira shows this account no field 'Vektor'"),
    Wrong("required field", nothing, "create screen new tickets require .*duedate.*; give it in create_fields",
          {"project": REQUIRED}),
    Wrong("person", of_people(it="nobody-at-all"), "people the account 'nobody-at-all'"),
    Wrong("filter", of_rule(tickets={"issue_types": ["Incidnt"]}),
          "tickets the project has no issue type 'Incidnt'; it has Task"),
    Wrong("target", of_ticket(targets={"closed": ["In Review"]}),
          "targets In Review means in-progress, not closed.*Say in statuses"),
)
SNOW_WRONG = (
    Wrong("close code", of_ticket(close_code="Fixt"), "close_code there is no 'Fixt'; there is "),
    Wrong("custom field", of_ticket(custom={"vector": {"field": "u_vektor"}}), "custom vector: .*u_vektor"),
    Wrong("required field", nothing, r"required new records require Team \(u_team\); give it in create_fields",
          {"columns": (TEAM,)}),
    Wrong("person", of_people(it="nobody.at.all"),
          "people sys_user has no active account nobody.at.all; correct the table of people"),
    Wrong("group", of_ticket(assignment_group="Nobody"),
          "references .*'Nobody' in sys_user_group: there is no such active record. Check assignment_group"),
    Wrong("filter", of_rule(tickets={"assignment_groups": ["Ghosts"]}), "filter sys_user_group has no Ghosts"),
    Wrong("state", of_ticket(targets={"closed": "99"}),
          "states there is no state '99' to set for closed; name one in targets"),
)
SOAR_WRONG = (
    Wrong("severity", of_ticket(severity_labels=dict.fromkeys(SEVERITIES, "High") | {"high": "Urgent"}),
          "severity_labels .*has no value 'Urgent'; there is Low, Medium, High"),
    Wrong("resolution", of_ticket(resolution="Fixt"), "closing .*'Fixt'"),
    Wrong("custom field", of_ticket(custom={"vector": {"field": "vektor"}}), "custom.vector .*vektor"),
    Wrong("required field", nothing, r"create_fields new incidents require Unit \(unit\); give it in create_fields",
          {"fields": (unit("always"),), "values": {"unit": "SOC"}}),
    Wrong("required to close", nothing, r"close_fields closing requires Unit \(unit\); give it in close_fields",
          {"fields": (unit("close"),)}),
    Wrong("person", of_people(it="nobody@example.com"),
          "people there is no user 'nobody@example.com', whom the table of people names"),
    Wrong("type", of_ticket(incident_types=["Ghost"]), "incident_types .*has no value 'Ghost'; there is "),
    Wrong("filter", of_rule(tickets={"incident_types": ["Ghost"]}), "filter .*has no value 'Ghost'; there is "),
)
WRONG: dict[str, tuple[Wrong, ...]] = {
    "Jira Cloud": JIRA_WRONG, "Jira Data Center": JIRA_WRONG,
    "ServiceNow ITSM": (*SNOW_WRONG, Wrong(
        "priority", of_ticket(levels={key: ["1", "1"] for key in SEVERITIES} | {"high": ["0", "1"]}),
        "severity impact has no choice '0'; it has 1, 2, 3"
    )),
    "ServiceNow SIR": (*SNOW_WRONG, Wrong(
        "priority", of_ticket(priorities=dict.fromkeys(SEVERITIES, "1") | {"high": "9"}),
        "severity priority has no choice '9'; it has 1, 2, 3"
    )),
    "Resilient": SOAR_WRONG,
}


@pytest.mark.parametrize(
    ("system", "wrong"),
    [pytest.param(name, one, id=f"{name}, {one.subject}") for name, group in WRONG.items() for one in group],
)
def test_what_is_wrong_with_a_ticketing_system_is_one_line_that_helps(
    make: MakeBench, system: str, wrong: Wrong
) -> None:
    bench = make(system, **wrong.options)
    wrong.change(bench)
    screens = bench.check()
    assert screens["ticket"].code == 1
    (problem,) = screens["ticket"].problems
    assert re.search(f"^problem {wrong.said}", problem)
    assert screens["case"].problems == []
    assert len(screens["ticket"].lines) <= LINES


def require_unit(bench: Bench) -> None:
    bench.fields(
        {"key": "vector", "label": "Attack vector", "type": "text", "required": False},
        {"key": "unit", "label": "Unit", "type": "text", "required": True},
    )


KIBANA_WRONG = (
    Wrong("custom field", of_kibana(custom={"vector": {"field": "Vektor"}}), "vector .*Vektor"),
    Wrong("required field", require_unit, r"required Unit \(unit\) must have a value.* Give it a default value"),
    Wrong("person", of_people(soc="nobody"), "assignee nobody: no such user.*; correct people"),
    Wrong("observable type", of_kibana(observable_types={"ghost": "hostname"}),
          "observables ghost: Kibana has no such type.*; it has "),
    Wrong("space", of_kibana(space="ghosts"), "space there is no space ghosts"),
)


@pytest.mark.parametrize("wrong", KIBANA_WRONG, ids=[one.subject for one in KIBANA_WRONG])
def test_what_is_wrong_with_kibana_is_one_line_that_helps(make: MakeBench, wrong: Wrong) -> None:
    bench = make("Jira Cloud")
    wrong.change(bench)
    screens = bench.check()
    assert screens["case"].code == 1
    (problem,) = screens["case"].problems
    assert re.search(f"^problem {wrong.said}", problem)
    assert screens["ticket"].problems == []


@pytest.mark.parametrize("side", ["soc", "it"])
def test_refused_credentials_are_another_exit_code(make: MakeBench, side: str) -> None:
    bench = make("Jira Cloud")
    secret = "password" if side == "soc" else "api_token"
    bench.config["systems"][side][secret] = "not-the-secret"
    screen = bench.check()["case" if side == "soc" else "ticket"]
    assert screen.code == 2
    (problem,) = screen.problems
    assert problem.startswith("problem account ")
    assert "not-the-secret" not in problem
