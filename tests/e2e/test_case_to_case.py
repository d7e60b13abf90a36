"""Cases are kept in step with cases: between spaces, solutions and servers, with nothing but a configuration."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kibcase import Case, Kibana
from kibcase.models.configuration import CustomFieldDefinition
from kibcase.server.app import CasesServer
from kibcase.server.faults import WRITES
from kibcase.server.users import User
from kibcase_daemon.config import load_config
from kibcase_daemon.service import Outcome, run_once
from kibcase_daemon.wiring import wired

READING = ("/list", "_bulk_get", "_suggest_user_profiles", "_find")
PASSWORD = "s3cr3t-pass"
USERS: dict[str, str | User] = {
    "elastic": PASSWORD,
    "mara": User(password=PASSWORD, full_name="Mara Lindqvist", email="mara@example.com", profile_uid="u_mara_0"),
    "ann": User(password=PASSWORD, full_name="Ann Berg", email="ann@example.com", profile_uid="u_ann_0"),
}


@dataclass
class End:
    """One of the two ends, and Mara at its Kibana."""

    server: CasesServer
    mara: Kibana
    space: str
    owner: str

    def settings(self) -> dict[str, Any]:
        return {
            "type": "kibana", "url": self.server.kibana_url, "username": "elastic", "password": PASSWORD,
            "space": self.space, "owner": self.owner, "read_lag": 0, "find_lag": 0,
            "custom": {"impact": {"field": "Impact"}},
        }

    def create(self, title: str, **more: Any) -> str:
        return self.mara.cases.create(title=title, description="Seen by EDR.", owner=self.owner, **more).id

    def change(self, key: str, **changes: Any) -> None:
        self.mara.cases.update(self.mara.cases.get(key), **changes)

    def only(self) -> Case:
        found = list(self.mara.cases.iter(owner=self.owner))
        assert len(found) == 1
        return self.mara.cases.get(found[0].id)

    def comments(self, key: str) -> list[str]:
        return [getattr(one, "comment", "") for one in self.mara.comments.iter(key)]

    def files(self, key: str) -> dict[str, bytes]:
        return {one.file_name: self.mara.files.read(one) for one in self.mara.files.list(key)}

    def writes(self) -> list[str]:
        return [
            seen.path for seen in self.server.kibana.requests
            if seen.method in WRITES and not seen.path.endswith(READING)
        ]


@dataclass
class Pair:
    """Two ends with a rule between them."""

    first: End
    second: End
    folder: Path

    def sync(self) -> Outcome:
        path = self.folder / "config.yaml"
        systems = {"one": self.first.settings(), "two": self.second.settings()}
        link = {
            "name": "cases", "case": "one", "ticket": "two", "create_cases": True,
            "fields": {"assignee": {"direction": "both"}},
        }
        # JSON is YAML.
        path.write_text(json.dumps({"version": 1, "systems": systems, "links": [link]}), encoding="utf-8")
        with wired(load_config(path, env={})) as wiring:
            return run_once(wiring, full=False, wait=5.0, clock=time.time, sleep=time.sleep)

    def settle(self) -> None:
        """Bring both into step; then nothing is left to write."""
        outcome = self.sync()
        assert outcome.exit_code == 0, outcome
        for end in (self.first, self.second):
            end.server.kibana.forget()
        outcome = self.sync()
        assert outcome.exit_code == 0, outcome
        assert self.first.writes() == []
        assert self.second.writes() == []


def spaces(start: Callable[..., CasesServer]) -> tuple[tuple[CasesServer, str, str], ...]:
    server = start()
    with Kibana(server.kibana_url, username="elastic", password=PASSWORD) as admin:
        admin.spaces.create("it", name="IT")
    return (server, "default", "securitySolution"), (server, "it", "securitySolution")


def owners(start: Callable[..., CasesServer]) -> tuple[tuple[CasesServer, str, str], ...]:
    server = start()
    return (server, "default", "securitySolution"), (server, "default", "observability")


def servers(start: Callable[..., CasesServer]) -> tuple[tuple[CasesServer, str, str], ...]:
    return (start("8.18"), "default", "cases"), (start("9.5"), "default", "securitySolution")


@pytest.fixture(params=[spaces, owners, servers], ids=lambda layout: layout.__name__)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    with ExitStack() as ends:

        def start(version: str = "9.2", **options: Any) -> CasesServer:
            server = CasesServer(stack_version=version, users=USERS, incremental_ids=False, **options)
            return ends.enter_context(server)

        made = []
        for server, space, owner in request.param(start):
            mara = Kibana(server.kibana_url, username="mara", password=PASSWORD, space=space)
            ends.enter_context(mara)
            impact = CustomFieldDefinition(key="k-impact", label="Impact", type="text")
            mara.configuration.replace(owner, custom_fields=[impact])
            made.append(End(server, mara, space, owner))
        yield Pair(made[0], made[1], tmp_path)


def test_a_case_gets_its_copy_with_everything(pair: Pair) -> None:
    key = pair.first.create(
        "Beacon", severity="high", tags=["edr"], assignees=["u_ann_0"],
        custom_fields=[{"key": "k-impact", "type": "text", "value": "plant 7"}],
    )
    pair.first.mara.comments.add(key, "blocked **at** the proxy", pair.first.owner)
    pair.first.mara.files.upload(key, b"\xd4\xc3\xb2\xa1", name="beacon.zip")
    pair.first.mara.observables.add(key, "observable-type-ipv4", "203.0.113.7")
    pair.settle()
    copy = pair.second.only()
    assert (copy.title, copy.description, str(copy.severity)) == ("Beacon", "Seen by EDR.", "high")
    assert "edr" in copy.tags
    assert [one.uid for one in copy.assignees] == ["u_ann_0"]
    assert [one.value for one in copy.custom_fields] == ["plant 7"]
    assert [(one.type_key, one.value) for one in copy.observables] == [("observable-type-ipv4", "203.0.113.7")]
    assert pair.second.files(copy.id) == {"beacon.zip": b"\xd4\xc3\xb2\xa1"}
    [comment] = pair.second.comments(copy.id)
    assert "blocked **at** the proxy" in comment
    assert "Mara Lindqvist" in comment


def test_a_case_of_the_other_end_gets_its_copy_too(pair: Pair) -> None:
    pair.second.create("Printer on fire", severity="low")
    pair.settle()
    assert pair.first.only().title == "Printer on fire"


def test_changes_go_both_ways(pair: Pair) -> None:
    key = pair.first.create("Beacon", tags=["edr"])
    pair.settle()
    copy = pair.second.only().id
    pair.second.change(copy, status="in-progress", title="Beacon to a new domain")
    pair.second.mara.comments.add(copy, "looking into it", pair.second.owner)
    pair.second.mara.observables.add(copy, "observable-type-domain", "evil.example")
    pair.second.mara.files.upload(copy, b"from:", name="mail.txt")
    pair.first.change(key, severity="critical", tags=["edr", "apt29"])
    pair.settle()
    one, two = pair.first.only(), pair.second.only()
    for case in (one, two):
        assert case.title == "Beacon to a new domain"
        assert (str(case.status), str(case.severity)) == ("in-progress", "critical")
        assert {"edr", "apt29"} <= set(case.tags)
        assert [found.value for found in case.observables] == ["evil.example"]
    assert any("looking into it" in text for text in pair.first.comments(key))
    assert pair.first.files(key) == pair.second.files(copy) == {"mail.txt": b"from:"}
    pair.first.change(key, status="closed", assignees=["u_mara_0"])
    pair.settle()
    assert str(pair.second.only().status) == "closed"
    assert [found.uid for found in pair.second.only().assignees] == ["u_mara_0"]


def test_an_observable_alone_is_noticed(pair: Pair) -> None:
    key = pair.first.create("Beacon")
    pair.settle()
    pair.first.mara.observables.add(key, "observable-type-ipv4", "203.0.113.7")
    pair.settle()
    assert [found.value for found in pair.second.only().observables] == ["203.0.113.7"]


def test_a_second_assignee_is_left_alone(pair: Pair) -> None:
    key = pair.first.create("Beacon", assignees=["u_ann_0", "u_mara_0"])
    pair.settle()
    assert [found.uid for found in pair.second.only().assignees] == ["u_ann_0"]
    pair.second.change(pair.second.only().id, assignees=["u_mara_0"])
    pair.settle()
    assert [found.uid for found in pair.first.mara.cases.get(key).assignees] == ["u_ann_0", "u_mara_0"]


def test_an_edited_comment_is_edited(pair: Pair) -> None:
    key = pair.first.create("Beacon")
    comment = pair.first.mara.comments.add(key, "frist", pair.first.owner)
    pair.settle()
    pair.first.mara.comments.update(key, comment, "first")
    pair.settle()
    [mirror] = pair.second.comments(pair.second.only().id)
    assert "first" in mirror
    assert "frist" not in mirror
