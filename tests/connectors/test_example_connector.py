"""The connector that the documentation shows: it keeps the contract, and is used from a configuration."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from kibcase import Kibana
from kibcase.server.app import CasesServer
from kibcase_connectors.memory.faults import FaultKind
from kibcase_connectors.testing_hooks import ContractHooks

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "connectors" / "example"

CONFIG = """
version: 1
state: {state}
systems:
  soc: {{type: kibana, url: "{kibana}", username: elastic, password: changeme, owner: cases, find_lag: 0, read_lag: 0}}
  it: {{type: desk, url: "{desk}", token: {{env: DESK_TOKEN}}}}
links:
  - {{name: soc-to-it, case: soc, ticket: it}}
"""


def load(name: str) -> Any:
    """Import a module of the example, which is no package of ours."""
    sys.path.insert(0, str(EXAMPLE))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(EXAMPLE))


TestDesk = load("test_desk").TestDesk
TestDeskInAStorm = load("test_desk").TestDeskInAStorm


def test_it_has_fewer_than_150_lines() -> None:
    lines = (EXAMPLE / "desk_connector.py").read_text(encoding="utf-8").splitlines()
    assert 0 < len(lines) < 150
    assert max(map(len, lines)) <= 120


def test_the_documentation_leads_to_it() -> None:
    for file in EXAMPLE.iterdir():
        if file.is_file():
            assert f"(example/{file.name})" in readme(), f"{file.name} is not mentioned"


def readme() -> str:
    return (EXAMPLE.parent / "README.md").read_text(encoding="utf-8")


def test_the_documentation_names_every_hook_and_every_fault() -> None:
    optional = {name for name in vars(ContractHooks) if name.startswith("person_")} | {*ContractHooks.__annotations__}
    others = {"answer_with", "answer_normally", "there", "skew", "pass_time"}
    assert others < {*vars(ContractHooks)}
    for name in ContractHooks.__abstractmethods__ | optional - {"connector"} | others | {*get_args(FaultKind)}:
        assert f"`{name}`" in readme(), f"{name} is not documented"


def test_the_documentation_shows_faults_that_work() -> None:
    (snippet,) = [each for each in re.findall(r"```python\n(.*?)```", readme(), re.DOTALL) if "MemoryFault" in each]
    names: dict[str, Any] = {}
    exec(compile(snippet, "README.md", "exec"), names)
    assert [fault.kind for fault in names["system"].faults.armed] == ["throttled", "unavailable"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the example as a package of its own, away from this one, without asking any index."""
    there = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "desk_connector.py"):
        (source / name).write_bytes((EXAMPLE / name).read_bytes())
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation",
        "--disable-pip-version-check", "--no-cache-dir", "--target", str(there), str(source),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return there


@pytest.fixture
def desk() -> Iterator[Any]:
    with load("desk_standin").DeskStandin() as running:
        yield running


def kibcase(site: Path, *arguments: str, folder: Path, token: str = "desk-token") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "DESK_TOKEN": token, "COLUMNS": "200"}
    command = [sys.executable, "-m", "kibcase_daemon.cli", *arguments, "-c", str(folder / "kibcase.yaml")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_it_is_used_through_its_entry_point(installed: Path, desk: Any, tmp_path: Path) -> None:
    with CasesServer(users={"elastic": "changeme"}) as server:
        written = CONFIG.format(state=tmp_path / "kibcase.db", kibana=server.kibana_url, desk=desk.url)
        (tmp_path / "kibcase.yaml").write_text(written, encoding="utf-8")

        checked = kibcase(installed, "check", folder=tmp_path)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "I am kibcase" in checked.stdout

        refused = kibcase(installed, "check", folder=tmp_path, token="wrong")
        assert refused.returncode != 0
        assert "Who are you?" in refused.stdout
        assert "wrong" not in refused.stdout + refused.stderr

        with Kibana(server.kibana_url, username="elastic", password="changeme") as analyst:
            case = analyst.cases.create(title="Beacon on WKS-7", description="Seen by EDR.", owner="cases")
            synced = kibcase(installed, "sync", folder=tmp_path)
            assert synced.returncode == 0, synced.stdout + synced.stderr
            (ticket,) = desk.tickets.values()
            assert ticket["fields"]["title"] == "Beacon on WKS-7"
            desk.edit(ticket["id"], "Maria", status="working")
            synced = kibcase(installed, "sync", folder=tmp_path)
            assert synced.returncode == 0, synced.stdout + synced.stderr
            assert analyst.cases.get(case.id).status == "in-progress"


def test_without_the_package_its_kind_is_unknown(desk: Any, tmp_path: Path) -> None:
    written = CONFIG.format(state=tmp_path / "kibcase.db", kibana="https://kibana.example.com", desk=desk.url)
    (tmp_path / "kibcase.yaml").write_text(written, encoding="utf-8")
    checked = kibcase(tmp_path, "check", folder=tmp_path)
    assert checked.returncode != 0
    assert "unknown type; known: jira, kibana, resilient, servicenow" in checked.stderr
