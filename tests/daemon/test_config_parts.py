"""People, custom fields, files, templates and budgets in the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from kibcase_connectors.model import COMMENTS, FILES
from kibcase_daemon.config import Config, parse_config
from kibcase_daemon.errors import ConfigError
from kibcase_daemon.sync.types import FILE_LIMIT, Direction

GOOD = """\
version: 1
systems:
  soc:
    type: kibana
    url: https://kibana.example.com
    api_key: abc
    owner: cases
    custom: {unit: {field: Unit}, only_here: {field: Other}}
  it:
    type: jira
    url: https://jira.example.com
    token: abc
    project: SOC
    custom: {unit: {field: customfield_1, values: {EMEA: Europe}}}
links:
  - name: soc-to-it
    case: soc
    ticket: it
    fields: {assignee: {direction: both}, unit: {policy: ticket}, observables: {removals: true}}
    files: to_ticket
    templates:
      ticket: {title: "[SOC {label}] {title}", description: "{description}\\n\\nFrom {url}"}
people:
  - {name: Mara Lindqvist, email: Mara@Example.com, accounts: {soc: mara, it: mlindqvist}}
  - {name: The Bot, accounts: {it: bot}}
limits: {calls_per_hour: {it: 500}}
"""


def read(text: str) -> Config:
    return parse_config(text, folder=Path("/etc/kibcase"), source="config.yaml", env={})


def problems(old: str, new: str) -> tuple[str, ...]:
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        read(GOOD.replace(old, new))
    return caught.value.problems


def test_what_is_configured_is_what_sync_gets() -> None:
    config = read(GOOD)
    link, = config.links
    custom = config.custom_fields(link)
    assert custom == ("unit",), "a custom field of one system alone takes no part"
    rules = link.rules(custom)
    assert rules.fields["assignee"].direction is Direction.BOTH
    assert rules.fields["unit"].direction is Direction.BOTH
    assert rules.fields["observables"].removals
    assert (rules.files, rules.file_limit) == (Direction.TO_TICKET, FILE_LIMIT)
    assert {"unit", "assignee", COMMENTS, FILES} <= link.parts(custom)
    worn = link.worn()
    assert worn.ticket["title"].on("Beacon", {"label": "#1", "url": ""}) == "[SOC #1] Beacon"
    assert worn.case == {}


def test_people_are_known_by_account_and_address() -> None:
    people = read(GOOD).directory()
    for system, account, email in (("soc", "MARA", ""), ("it", "mlindqvist", ""), ("x", "", "mara@example.COM")):
        found = people.known(system, [account], email)
        assert found is not None
        assert found.name == "Mara Lindqvist"
    assert people.known("soc", ["mlindqvist"]) is None
    assert people.account("it", "The Bot") == "bot"
    assert people.account("soc", "The Bot") is None
    assert people.name_of("it", ["bot"], "Jira Automation") == "The Bot"
    assert people.name_of("it", ["somebody"], "Some Body") == "Some Body"


@pytest.mark.parametrize("off", ["off", "'off'"])
def test_what_takes_no_part_is_not_asked_for(off: str) -> None:
    text = GOOD.replace("files: to_ticket", f"files: {off}\n    comments: {off}")
    text = text.replace("both}, unit", f"{off}}}, unit")
    link, = read(text).links
    assert {COMMENTS, FILES, "assignee"}.isdisjoint(link.parts())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("unit: {policy: ticket}", "unti: {policy: ticket}", "unti (line 19): unknown field; did you mean unit?"),
        ("unit: {policy: ticket}", "only_here: {}", "name it under custom: of the other as well"),
        ("accounts: {it: bot}", "accounts: {ti: bot}", "accounts.ti (line 25): unknown system; known: it, soc"),
        ("name: The Bot,", "name: x, email: mara@example.com,", "people[1] (line 25): people[0] is the same person"),
        ("email: Mara@Example.com", "email: Mara", "people[0].email (line 24): must be an e-mail address"),
        ("calls_per_hour: {it: 500}", "calls_per_hour: {ti: 500}", "calls_per_hour.ti (line 26): unknown system"),
        ("calls_per_hour: {it: 500}", "calls_per_hour: {it: 0}", "limits.calls_per_hour.it (line 26): must be greater"),
        ('{title}"', '{titel}"', "ticket.title (line 22): {titel} is not known here; known: {title}, {label}"),
        ("[SOC {label}] {title}", "[SOC]", "{title} must stand in it exactly once"),
        ("files: to_ticket", "files: once", "files (line 20): must be 'both', 'to_ticket', 'to_case' or 'off'"),
        ("custom: {unit: {field: Unit}", "custom: {title: {field: Unit}", "this name is taken"),
        ("custom: {unit: {field: Unit}", "custom: {a-b: {field: Unit}", "made of letters, digits and _"),
        ("    files: to_ticket", "    max_file_size: 0", "max_file_size (line 20): must be greater"),
    ],
)
def test_mistakes_are_told_with_their_place(old: str, new: str, said: str) -> None:
    assert any(said in problem for problem in problems(old, new)), problems(old, new)
