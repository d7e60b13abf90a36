"""Two systems with work between them, for commands that run as real processes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from kibcase import Kibana
from kibcase_daemon.config import load_config
from kibcase_daemon.sandbox import Sandbox
from kibcase_daemon.service import Outcome, run_once
from kibcase_daemon.wiring import wired

SECONDS = 60
OWNER = "securitySolution"
SECRETS = ("kibcase-password", "kibcase-token", "s3cr3t")
Done = subprocess.CompletedProcess[str]


class Bench:
    """A sandbox and a configuration for it.

    One link exists, has changed on both sides and waits to be synced; a new case waits for its ticket.
    """

    def __init__(self, sandbox: Sandbox, folder: Path, analyst: Kibana) -> None:
        self.sandbox = sandbox
        self.analyst = analyst
        self.config = folder / "config.yaml"
        self.state = folder / "state.db"
        self.good = sandbox.config_text("state.db")
        self.config.write_text(self.good, encoding="utf-8")

    def begin(self) -> None:
        """Link a case, change it on both sides, open another one."""
        old = self.case("Beacon", severity="high")
        assert self.sync_here().exit_code == 0
        self.analyst.cases.update(
            self.analyst.cases.get(old), title="Beacon to a new domain", severity="critical", status="in-progress"
        )
        self.sandbox.jira.as_person("maria.lindqvist").comment("SOC-1", "blocked at the proxy")
        self.case("Phishing wave")
        self.forget()

    def case(self, title: str, **more: Any) -> str:
        fields: dict[str, Any] = {"description": "Seen by EDR.", "severity": "low", "tags": ["edr"], **more}
        return self.analyst.cases.create(title=title, owner=OWNER, **fields).id

    def change(self, old: str, new: str) -> None:
        text = self.config.read_text(encoding="utf-8")
        assert old in text
        self.config.write_text(text.replace(old, new), encoding="utf-8")

    def repair(self) -> None:
        self.config.write_text(self.good, encoding="utf-8")
        self.sandbox.jira.renew_credentials()
        for faults in (self.sandbox.kibana.kibana, self.sandbox.jira.faults):
            faults.disarm()

    def forget(self) -> None:
        self.sandbox.kibana.kibana.forget()
        self.sandbox.jira.faults.forget()

    def run(self, *arguments: str, largest_file: int | None = None) -> Done:
        """Run a command; ``largest_file`` (bytes) makes the disk seem full beyond."""

        def limit() -> None:
            if largest_file is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

        return subprocess.run(
            [sys.executable, "-m", "kibcase_daemon.cli", arguments[0], "-c", str(self.config), *arguments[1:]],
            capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL, preexec_fn=limit,
            env={name: value for name, value in os.environ.items() if name != "COLUMNS"},
        )

    def plain_http(self) -> requests.Session:
        """Mara's browser, which sends what a client library would not."""
        session = requests.Session()
        session.auth = ("mara", "mara-password")
        session.headers["kbn-xsrf"] = "test"
        return session

    def from_kibana(self, path: str) -> Any:
        """Ask Kibana over HTTP."""
        with self.plain_http() as http:
            return http.get(self.sandbox.kibana.kibana_url + path, timeout=SECONDS).json()

    def from_jira(self, path: str) -> Any:
        """Ask Jira over HTTP, as the integration's account."""
        told = self.sandbox.describe()["jira"]
        login = (told["email"], told["api_token"])
        return requests.get(told["url"] + path, auth=login, timeout=SECONDS).json()

    def sync_here(self) -> Outcome:
        """Do what ``kibcase sync`` does, in this process, which is quicker."""
        with wired(load_config(self.config, env=os.environ)) as wiring:
            return run_once(wiring, full=False, wait=0, clock=time.time, sleep=time.sleep)

    @staticmethod
    def told(done: Done) -> str:
        """Give what a person reads, lines put together again; it is checked for what must never be in it."""
        text = done.stdout + done.stderr
        assert "Traceback" not in text, text
        assert not [secret for secret in SECRETS if secret in text]
        assert not [char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs") and char != "\n"]
        return " ".join(text.split())

    @property
    def requests_seen(self) -> int:
        return len(self.sandbox.kibana.kibana.requests) + len(self.sandbox.jira.faults.requests)

    @property
    def writes(self) -> list[tuple[str, str]]:
        both = (*self.sandbox.kibana.kibana.writes, *self.sandbox.jira.faults.writes)
        return [(seen.method, seen.path) for seen in both]

    def picture(self) -> tuple[list[Any], list[Any]]:
        """Everything that both systems hold; Kibana numbers a case when it is read, which is no change."""
        store = self.sandbox.kibana.cases.cases.context.store
        cases = [
            (
                record.id, {name: value for name, value in record.doc.items() if name != "incremental_id"},
                [attachment.doc for attachment in store.attachments(record.number)],
            )
            for record in store.select_cases("1", (), "number", -1, 0)
        ]
        return cases, list(self.sandbox.jira.state.issues())

    def titles(self) -> list[str]:
        return sorted(str(issue.values["summary"]) for issue in self.sandbox.jira.state.issues())

    def finish(self) -> None:
        """Sync as if nothing had been; nothing may be lost or there twice."""
        outcome = self.sync_here()
        assert outcome.exit_code == 0, outcome
        assert self.titles() == ["Beacon to a new domain", "Phishing wave"]
        comments = [doc["comment"] for _, _, docs in self.picture()[0] for doc in docs if doc["type"] == "user"]
        assert sum("blocked at the proxy" in text for text in comments) == 1
        self.forget()
        assert self.sync_here().exit_code == 0
        assert self.writes == []


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Sandbox() as sandbox, Kibana(
        sandbox.kibana.kibana_url, username="mara", password="mara-password"
    ) as analyst:
        bench = Bench(sandbox, tmp_path, analyst)
        bench.begin()
        yield bench
