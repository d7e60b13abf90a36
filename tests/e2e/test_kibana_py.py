"""kibana-py, a client that was written against a real Kibana, works unmodified: its cases, and what they need."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from kibcase.server.app import CasesServer
from kibcase_connectors.standins.jira import JiraStandin

ROOT = Path(__file__).parents[2]


def interpreter() -> str:
    """Give a Python that has kibana-py, or leave the test (in CI: fail it) with the reason."""
    python = os.environ.get("KIBCASE_CLIENTS_PYTHON") or str(ROOT / ".venv-clients/bin/python")
    reason = "no Python with kibana-py: set KIBCASE_CLIENTS_PYTHON or make .venv-clients and install kibana-py there"
    present = Path(python).exists() and not subprocess.run([python, "-c", "import kibana"], check=False).returncode
    if not present:
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return python


@pytest.mark.parametrize("script", ["kibana_py_script.py", "kibana_py_async_script.py"])
@pytest.mark.parametrize("version", ["8.18.0", "9.2.0", "9.5.0"])
def test_a_script_for_kibana_works(version: str, script: str) -> None:
    python = interpreter()
    with CasesServer(stack_version=version) as server, JiraStandin() as jira:
        run = subprocess.run(
            [python, "-W", "error", str(Path(__file__).with_name(script)), server.kibana_url, version, jira.url],
            capture_output=True, text=True, timeout=60, check=False,
        )
        summaries = [str(issue.values["summary"]) for issue in jira.state.issues()]
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.strip().endswith("ok")
    assert summaries == ["From kibana-py", "From kibana-py"]
