"""What a cycle costs in requests, with 1, 10 and 200 links: cost follows change.

A cycle looks a while back, since a write may become visible late (in Kibana for the configured ``margin``, a
minute; in Jira Cloud for five minutes): what was written in that time is listed again, a page of 100 at a time.
So right after 200 links were made, an idle cycle lists them once more. Here they are made with every clock set
to an hour ago, and one cycle in the present sees that nothing came late; what counts is what comes after it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from kibcase import Kibana, UserComment
from kibcase.server.app import CasesServer
from kibcase.server.cases.context import Caller
from kibcase.server.faults import Faults, Seen, stores
from kibcase.server.users import User
from kibcase_connectors.standins.jira import DEFAULT_USERS, JiraStandin, Person
from kibcase_daemon.config import load_config
from kibcase_daemon.engine import Report
from kibcase_daemon.wiring import wired

OWNER = "securitySolution"
HOUR = 3600.0
MANY = 200
SIZES = (1, 10, MANY)
USERS: dict[str, str | User] = {
    "kibcase": User(password="kibcase-password"), "mara": User(password="mara-password", full_name="Mara Lindqvist"),
}
_KEY = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/issue/)(?:\d+|SOC-\d+)|(?<=/comment/)\d+")

LOGIN = Counter({"GET /rest/api/3/serverInfo": 1})
"""Once per process: the jira library asks what it talks to."""

POLL = Counter({"GET /api/cases/_find": 3, "GET /rest/api/3/search/jql": 1})
"""Once per cycle: cases by update, by creation, and for their observables; tickets by update."""

LOOK = Counter(
    {
        "GET /api/cases/*": 2, "GET /api/cases/*/comments/_find": 1, "GET /api/cases/*/user_actions/_find": 1,
        "POST /api/files/files/securitySolutionFilesCases/list": 1,
        "GET /rest/api/3/issue/*": 1, "GET /rest/api/3/issue/*/comment": 1,
    }
)
"""Once per link before something is done, and once after it: both sides as they are now."""

READ_TICKET, READ_CASE = "GET /rest/api/3/issue/*", "GET /api/cases/*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a person does to one link, and the requests that this costs beside ``POLL`` and ``LOOK``."""

    do: Callable[[Link], object]
    looks: int = 2
    more: Mapping[str, int]

    @property
    def cost(self) -> dict[str, int]:
        total = POLL + Counter(self.more)
        for _ in range(self.looks):
            total += LOOK
        return dict(total)


class Link:
    """One linked pair, as people see it."""

    def __init__(self, world: World, title: str) -> None:
        self.analyst = world.analyst
        self.maria: Person = world.jira.as_person("maria.lindqvist")
        self.id = next(case.id for case in world.analyst.cases.iter(owner=OWNER) if case.title == title)
        issues = world.jira.state.issues()
        self.ticket: str = next(issue.key for issue in issues if issue.values["summary"] == title)

    def update(self, **fields: Any) -> None:
        self.analyst.cases.update(self.analyst.cases.get(self.id), **fields)

    def comment(self) -> None:
        self.analyst.comments.add(self.analyst.cases.get(self.id), "isolated")

    def correct_comment(self) -> None:
        (comment,) = (one for one in self.analyst.comments.iter(self.id) if isinstance(one, UserComment))
        self.analyst.comments.update(self.id, comment, "isolated at noon")


# In the order in which they are done.
CHANGES = {
    "nothing": Change(do=lambda _: None, looks=0, more={}),
    # A ticket is read right before it is written, and right after, to see what Jira made of it.
    "title of the case": Change(
        do=lambda link: link.update(title="Renamed"), more={"PUT /rest/api/3/issue/*": 1, READ_TICKET: 2}
    ),
    "three fields of the case": Change(
        do=lambda link: link.update(description="Seen twice.", severity="low", tags=["edr", "c2"]),
        more={"PUT /rest/api/3/issue/*": 1, READ_TICKET: 2},
    ),
    "status of the case": Change(
        do=lambda link: link.update(status="in-progress"),
        more={"GET /rest/api/3/issue/*/transitions": 1, "POST /rest/api/3/issue/*/transitions": 1, READ_TICKET: 1},
    ),
    "comment on the case": Change(do=Link.comment, more={"POST /rest/api/3/issue/*/comment": 1}),
    "comment of the case corrected": Change(
        do=Link.correct_comment, more={"PUT /rest/api/3/issue/*/comment/*": 1}
    ),
    # A case is written with the version that was read; the answer of Kibana lacks what is read after.
    "summary of the ticket": Change(
        do=lambda link: link.maria.edit(link.ticket, summary="Renamed by IT"),
        more={"PATCH /api/cases": 1, READ_CASE: 1},
    ),
    "comment on the ticket": Change(
        do=lambda link: link.maria.comment(link.ticket, "blocked at the proxy"), more={"POST /api/cases/*/comments": 1}
    ),
    # "In Review" means in-progress, as "In Progress" does: seen, and nothing to do.
    "status of the ticket with the same meaning": Change(
        do=lambda link: link.maria.transition(link.ticket, "Ask for review"), looks=1, more={}
    ),
}


class World:
    """A Kibana and a Jira with links between them, and the daemon's configuration."""

    def __init__(self, folder: Path, kibana: CasesServer, jira: JiraStandin, analyst: Kibana) -> None:
        self.kibana = kibana
        self.jira = jira
        self.analyst = analyst
        self.config = folder / "config.yaml"
        self.config.write_text(config_text(kibana.kibana_url, jira.url), encoding="utf-8")

    def populate(self, cases: int) -> None:
        """Open cases, past HTTP, which is quicker."""
        caller = Caller(space="default", user={"username": "mara", "full_name": "Mara Lindqvist", "email": None})
        for number in range(cases):
            self.kibana.cases.cases.create(caller, case_body(f"Case {number}"))

    def requests(self) -> dict[str, int]:
        """Give how many requests of each kind there were since this was last asked."""
        kinds = Counter(f"{seen.method} {_KEY.sub('*', seen.path)}" for seen in self.seen())
        for faults in self._faults:
            faults.forget()
        return dict(kinds)

    def seen(self) -> list[Seen]:
        return [seen for faults in self._faults for seen in faults.requests]

    @property
    def _faults(self) -> tuple[Faults, Faults]:
        return self.kibana.kibana, self.jira.faults

    @contextmanager
    def daemon(self, shift: float = 0.0) -> Iterator[Callable[[], Report]]:
        """Give the cycle of a daemon that runs in this process; its clock is ``shift`` seconds ahead."""
        with wired(load_config(self.config, env=os.environ), clock=lambda: time.time() + shift) as wiring:
            yield wiring.engines[0].cycle

    def sync(self) -> dict[str, Any]:
        """Run ``kibcase sync`` as cron does."""
        done = subprocess.run(
            [sys.executable, "-m", "kibcase_daemon.cli", "sync", "--json", "-c", str(self.config)],
            capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told


def config_text(kibana: str, jira: str) -> str:
    login = DEFAULT_USERS[0]
    return yaml.safe_dump(
        {
            "version": 1,
            "state": "state.db",
            "systems": {
                "soc": {
                    "type": "kibana", "url": kibana, "username": "kibcase", "password": "kibcase-password",
                    "owner": OWNER, "find_lag": 0, "read_lag": 0,
                },
                "it": {
                    "type": "jira", "url": jira, "deployment": "cloud", "email": login.email,
                    "api_token": login.secret, "project": "SOC", "find_lag": 0,
                },
            },
            "links": [{"name": "soc-to-it", "case": "soc", "ticket": "it", "create_tickets": True}],
            "limits": {"creations": MANY},
        }
    )


def case_body(title: str) -> dict[str, Any]:
    connector = {"id": "none", "name": "none", "type": ".none", "fields": None}
    return {
        "title": title, "description": "Seen by EDR.", "tags": ["edr"], "severity": "high", "owner": OWNER,
        "settings": {"syncAlerts": True}, "connector": connector,
    }


@contextmanager
def world_with(cases: int, folder: Path) -> Iterator[World]:
    """Give a world with so many links that were made an hour ago; one of them was changed just now."""
    shift = -HOUR

    def clock() -> datetime:
        return datetime.fromtimestamp(time.time() + shift, UTC)

    with (
        CasesServer(users=USERS, clock=clock) as kibana, JiraStandin(project="SOC", clock=clock) as jira,
        Kibana(kibana.kibana_url, username="mara", password="mara-password") as analyst,
    ):
        world = World(folder, kibana, jira, analyst)
        world.populate(cases)
        with world.daemon(shift) as cycle:
            made = cycle()
            assert (made.in_step, made.looked_at) == (True, cases)
            world.requests()
            # Right after the burst more is listed, but nothing is read and nothing written.
            assert cycle().looked_at == 0
            assert {seen.method for seen in world.seen()} == {"GET"}
        shift = 0.0
        link = Link(world, f"Case {cases - 1}")
        with world.daemon() as cycle:
            assert cycle().in_step
            link.maria.edit(link.ticket, summary=f"Case {cases - 1}, seen")
            assert cycle().in_step
        link.update(title=f"Case {cases - 1}")
        with world.daemon() as cycle:
            assert cycle().in_step
        world.requests()
        yield world


@pytest.mark.parametrize("cases", SIZES)
def test_cost_follows_change_not_the_number_of_links(cases: int, tmp_path: Path) -> None:
    with world_with(cases, tmp_path) as world:
        # The process that cron starts.
        assert world.sync()["in_step"]
        assert world.requests() == dict(POLL + LOGIN)

        link = Link(world, "Case 0")
        with world.daemon() as cycle:
            # Who it is in Jira, a process asks when it first has something to do.
            link.update(severity="medium")
            assert cycle().in_step
            for what, change in CHANGES.items():
                change.do(link)
                world.requests()
                report = cycle()
                assert (report.in_step, report.looked_at) == (True, min(change.looks, 1)), what
                assert world.requests() == change.cost, what
                # What the daemon wrote itself is no change that costs anything.
                assert cycle().looked_at == 0, what
                assert world.requests() == dict(POLL), what
        assert world.sync()["in_step"]
        assert world.requests() == dict(POLL + LOGIN)


def _stores(request: str) -> bool:
    method, path = request.split()
    return stores(Seen(number=0, method=method, path=path, query=""))


def test_idle_cycles_write_nothing_and_a_change_is_written_once() -> None:
    """The table itself: at most one write for each change, and few requests."""
    writes = {what: [each for each in change.cost if _stores(each)] for what, change in CHANGES.items()}
    assert {what: len(kinds) for what, kinds in writes.items()} == {
        what: 0 if change.looks < 2 else 1 for what, change in CHANGES.items()
    }
    assert sum(POLL.values()) == 4
    assert max(sum(change.cost.values()) for change in CHANGES.values()) == 21
