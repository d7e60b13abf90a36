from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kibcase import Kibana
from kibcase.server.app import CasesServer

EXAMPLES = Path(__file__).parents[2] / "examples"
USER, PASSWORD = "elastic", "changeme"
SECONDS = 60


class Kit:
    """An embedded server whose clock the test moves, and a way to run examples against it."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.server = CasesServer(clock=self.now)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    @property
    def env(self) -> dict[str, str]:
        return {
            **os.environ, "KIBCASE_URL": self.server.kibana_url, "ELASTICSEARCH_URL": self.server.elasticsearch_url,
            "KIBCASE_USER": USER, "KIBCASE_PASSWORD": PASSWORD, "PYTHONUNBUFFERED": "1",
        }

    def command(self, name: str, *arguments: str) -> list[str]:
        return [sys.executable, str(EXAMPLES / name), *arguments]

    def run(self, name: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(name, *arguments), env={**self.env, **env}, capture_output=True, text=True, timeout=SECONDS,
            check=False,
        )

    def lines(self, name: str, *arguments: str) -> list[str]:
        done = self.run(name, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()


@pytest.fixture
def kit() -> Iterator[Kit]:
    kit = Kit()
    with kit.server:
        yield kit


@pytest.fixture
def kibana(kit: Kit) -> Iterator[Kibana]:
    with Kibana(kit.server.kibana_url, username=USER, password=PASSWORD) as client:
        yield client
