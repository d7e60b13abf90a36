"""The configuration: what is accepted, and how mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from kibcase_connectors.jira import JiraConfig, JiraFilter
from kibcase_connectors.kibana import CaseFilter, KibanaConfig
from kibcase_connectors.model import FIELDS, FURTHER
from kibcase_daemon.config import SIZE_LIMIT, Config, load_config, parse_config
from kibcase_daemon.config.document import parse
from kibcase_daemon.errors import ConfigError
from kibcase_daemon.sync.types import Direction, FieldRule, Policy

ROOT = Path(__file__).parents[2]
ENV = {"KIBANA_PASSWORD": "pw-from-env", "JIRA_TOKEN": "token-from-env"}

GOOD = """\
version: 1
systems:
  soc: {type: kibana, url: "https://kibana.example.com/", username: kibcase, password: {env: KIBANA_PASSWORD},
        owner: securitySolution}
  it:
    type: jira
    url: https://jira.example.com
    email: kibcase@example.com
    api_token: {env: JIRA_TOKEN}
    project: SOC
links:
  - name: soc-to-it
    case: soc
    ticket: it
"""


def read(text: str, folder: Path = Path("/etc/kibcase"), env: dict[str, str] | None = None) -> Config:
    return parse_config(text, folder=folder, source="config.yaml", env=ENV if env is None else env)


def problems(text: str, **more: object) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read(text, **more)  # type: ignore[arg-type]
    assert caught.value.source == "config.yaml"
    return caught.value.problems


def with_line(after: str, line: str) -> str:
    """Put a line into the good configuration, after the line that holds a text."""
    lines = GOOD.splitlines()
    place = next(number for number, each in enumerate(lines) if after in each)
    return "\n".join([*lines[: place + 1], line, *lines[place + 1 :]])


def test_defaults() -> None:
    config = read(GOOD)
    link = config.links[0]
    assert config.state == Path("/etc/kibcase/kibcase.db")
    assert (link.create_tickets, link.create_cases, link.comments) == (True, False, "both")
    rules = link.rules()
    assert tuple(rules.fields) == (*FIELDS, *FURTHER)
    assert rules.fields["assignee"].direction is Direction.OFF
    assert {rule for name, rule in rules.fields.items() if name != "assignee"} == {FieldRule()}
    assert rules.comments is Direction.BOTH
    assert config.limits.limits().creations == 50
    assert (config.schedule.every, config.schedule.reconcile) == (60, 86400)
    assert config.source == "config.yaml"


def test_systems_are_the_connectors_own() -> None:
    systems = read(GOOD).systems
    assert isinstance(systems["soc"].settings, KibanaConfig)
    assert isinstance(jira := systems["it"].settings, JiraConfig)
    assert isinstance(jira.api_token, SecretStr)
    assert jira.api_token.get_secret_value() == "token-from-env"


def test_overrides_and_filters() -> None:
    more = """\
    create_cases: true
    cases: {tags: [escalate], severities: [high]}
    tickets: {labels: [security]}
    fields:
      severity: {direction: to_ticket}
      status: {policy: ticket}
      tags: {removals: true}
    comments: to_ticket"""
    link = read(with_line("ticket: it", more)).links[0]
    assert isinstance(link.cases, CaseFilter)
    assert link.cases.tags == ("escalate",)
    assert link.tickets == JiraFilter(labels=("security",))
    fields = link.rules().fields
    assert fields["severity"] == FieldRule(direction=Direction.TO_TICKET)
    assert fields["status"] == FieldRule(policy=Policy.TICKET)
    assert fields["tags"] == FieldRule(removals=True)
    assert fields["title"] == FieldRule()
    assert link.rules().comments is Direction.TO_TICKET


def test_the_example_is_valid_and_complete() -> None:
    config = load_config(ROOT / "config.example.yaml", env=ENV)
    assert config.state == ROOT / "kibcase.db"
    text = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    for section in ("limits", "schedule", "log", "systems", "links"):
        assert f"\n{section}:" in text


def test_no_secret_in_repr() -> None:
    shown = repr(read(GOOD))
    assert "pw-from-env" not in shown
    assert "token-from-env" not in shown


def test_secret_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n", encoding="utf-8")
    settings = read(GOOD.replace("{env: JIRA_TOKEN}", "{file: token}"), folder=tmp_path).systems["it"].settings
    assert isinstance(settings, JiraConfig)
    assert settings.api_token == SecretStr("from-file")


def test_a_reference_may_stand_for_any_text() -> None:
    text = GOOD.replace("project: SOC", "project: {env: PROJECT}").replace("case: soc", "case: {env: SIDE}")
    config = read(text, env={**ENV, "PROJECT": "SEC", "SIDE": "soc"})
    settings = config.systems["it"].settings
    assert isinstance(settings, JiraConfig)
    assert (settings.project, config.links[0].case) == ("SEC", "soc")


def test_missing_variable_is_named_with_its_place() -> None:
    (problem,) = problems(GOOD, env={"KIBANA_PASSWORD": "x"})
    assert problem == "systems.it.api_token (line 9): the environment variable JIRA_TOKEN is not set"
    (problem,) = problems(GOOD, env={"KIBANA_PASSWORD": "x", "JIRA_TOKEN": ""})
    assert problem.endswith("JIRA_TOKEN is empty")


def test_missing_secret_file_is_named(tmp_path: Path) -> None:
    (problem,) = problems(GOOD.replace("{env: JIRA_TOKEN}", "{file: gone/token}"), folder=tmp_path)
    assert problem == "systems.it.api_token (line 9): cannot read the file gone/token: No such file or directory"


def test_every_problem_is_told_at_once_in_the_order_of_the_file() -> None:
    text = GOOD.replace("url: https", "ulr: https").replace("case: soc", "case: sco") + "schedul: {every: 5}\n"
    found = problems(text, env={"KIBANA_PASSWORD": "x"})
    assert found == (
        "systems.it.url (line 5): is missing",
        "systems.it.ulr (line 7): unknown key; did you mean url?",
        "systems.it.api_token (line 9): the environment variable JIRA_TOKEN is not set",
        "links[0].case (line 13): unknown system; did you mean soc?",
        "schedul (line 15): unknown key; did you mean schedule?",
    )


@pytest.mark.parametrize(("after", "line", "expected"), [
    ("ticket: it", "    fields: {severty: {}}", "fields.severty (line 15): unknown field; did you mean severity?"),
    (
        "ticket: it", "    fields: {severity: {direction: to_tickt}}",
        "severity.direction (line 15): must be 'both', 'to_ticket', 'to_case', 'once' or 'off'; did you mean to_tic",
    ),
    ("ticket: it", "    fields: {title: {polcy: case}}", "title.polcy (line 15): unknown key; did you mean policy?"),
    ("ticket: it", "    fields: {tags: {policy: case}}", "tags takes no policy"),
    ("ticket: it", "    fields: {title: {removals: true}}", "title takes no removals"),
    ("ticket: it", "    fields: {title: {direction: to_case}}", "new tickets would have no title"),
    ("ticket: it", "    fields: {title: {direction: off}}", "new tickets would have no title"),
    (
        "ticket: it", "    create_cases: true\n    fields: {title: {direction: to_ticket}}",
        "new cases would have no title",
    ),
    ("ticket: it", "    comments: once", "comments (line 15): must be 'both', 'to_ticket', 'to_case' or 'off'"),
    ("ticket: it", "    cases: {severities: [urgent]}", "cases.severities[0] (line 15): must be 'low', 'medium'"),
    ("ticket: it", "    cases: {tag: [a]}", "links[0].cases.tag (line 15): unknown key; did you mean tags?"),
    ("ticket: it", "    tickets: [a]", "links[0].tickets (line 15): must hold conditions"),
    ("ticket: it", "limits: {creations: 0}", "limits.creations (line 15): must be greater than or equal to 1"),
    ("project: SOC", "    timeout: [0, 1]", "systems.it.timeout[0] (line 11): must be greater than 0"),
    ("project: SOC", "    verify: nowhere.pem", "systems.it.verify (line 11): there is no such file of certificates"),
    ("project: SOC", "    issue_type: 5", "it.issue_type (line 11): must be a text; if it is one, put it in quotes"),
    ("project: SOC", "    token: abc", "systems.it (line 5): exactly one way to log in is needed"),
    ("project: SOC", "    project: SEC", "systems.it.project (line 11): this key is there twice"),
    ("project: SOC", "  hr: 5", "systems.hr (line 11): must hold the settings of a system"),
    ("project: SOC", "  hr: {url: x}", "systems.hr.type (line 11): is missing"),
    ("project: SOC", "  hr: {type: jera}", "systems.hr.type (line 11): unknown type; did you mean jira?"),
    ("project: SOC", "    <<: {a: b}", "merge keys (<<) are not read"),
    ("project: SOC", "    resolution: !!python/none x", "a value that begins with ! must be in quotes"),
    ("project: SOC", "    resolution: 2025-13-45", "looks like a date or number and is none"),
])
def test_mistakes(after: str, line: str, expected: str) -> None:
    (problem,) = problems(with_line(after, line))
    assert expected in problem


def test_rules_between_links() -> None:
    link = "  - {name: soc-to-it, case: it, ticket: soc}\n  - {name: x, case: soc, ticket: soc}\n"
    assert problems(GOOD + link) == (
        "links[1].name (line 15): links[0] has this name already",
        "links[1] (line 15): links[0] syncs the same two systems; make one rule of both",
        "links[2].ticket (line 16): is the same system as case; a link needs two",
    )


def test_a_name_that_cannot_be_one() -> None:
    (problem,) = problems(GOOD.replace("name: soc-to-it", "name: soc to it"))
    assert problem.startswith("links[0].name (line 12): must be 1 to 50 letters")
    (problem,) = problems(GOOD.replace("  it:", "  i t:").replace("ticket: it", "ticket: i t"))
    assert problem.startswith("systems.i t (line 5): as a name it must be 1 to 50 letters")


BOMB = "a: &a [x, x]\n" + "".join(
    f"{after}: &{after} [*{before}, *{before}, *{before}, *{before}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(("text", "expected"), [
    ("", "the file: must hold keys and values"),
    ("- 1\n- 2\n", "the file (line 1): must hold keys and values"),
    ("a: [1\nb: 2\n", "(line 2): not readable as YAML"),
    ("password: *hunter2\n", "(line 1): not readable as YAML: a value that begins with & or * must be in quotes"),
    ("a: 1\n---\nb: 2\n", "more than one YAML document"),
    ("a: \x01\n", "control character"),
    ("[" * 5000, "nested too deeply"),
    (BOMB, "too many values"),
])
def test_what_is_no_configuration(text: str, expected: str) -> None:
    assert any(expected in problem for problem in problems(text))


def test_secrets_are_in_no_message() -> None:
    secret = "hunter2-secret"
    for line in (
        f"    password: [{secret}]", f"    token: *{secret}", f"    token: !{secret} x", f"    token: {{a: {secret}}}",
        f"    priorities: {secret}", f"    deployment: {secret}", f"    token: '{secret} with blanks'",
        f"    create_fields: '{secret}'", f"    url2: {secret}",
        f"    token: %{secret}", f"    verify: {{x: {secret}}}",
    ):
        with pytest.raises(ConfigError) as caught:
            read(with_line("project: SOC", line))
        chain: BaseException | None = caught.value
        while chain is not None:
            assert secret not in f"{chain}{chain!r}", line
            chain = chain.__cause__


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    with pytest.raises(ConfigError, match=r"c\.yaml cannot be used:\n  the file: No such file"):
        load_config(path, env={})
    path.write_bytes(b"version: 1\nname: \xff\n")
    with pytest.raises(ConfigError, match=r"line 2\): is no UTF-8"):
        load_config(path, env={})
    path.write_bytes(b"#" * (SIZE_LIMIT + 1))
    with pytest.raises(ConfigError, match="larger than"):
        load_config(path, env={})


@given(st.text(max_size=300))
def test_any_text_is_parsed_or_told(text: str) -> None:
    document = parse(text)
    assert document.problems or document.value is None or isinstance(document.lines[()], int)


@given(st.text(alphabet="abcdefghi :{}[]-,'\"\n&*!#|>%@", max_size=200))
def test_any_text_is_a_configuration_or_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError):
        read(text)
