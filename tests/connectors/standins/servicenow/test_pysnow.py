"""pysnow, a client that was written against real instances, works unmodified."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kibcase_connectors.standins.servicenow import OAuthApp

ROOT = Path(__file__).parents[4]
SCRIPT = Path(__file__).with_name("pysnow_script.py")


def interpreter() -> str:
    """Give a Python that has pysnow, or leave the test (in CI: fail it) with the reason."""
    python = os.environ.get("KIBCASE_CLIENTS_PYTHON") or str(ROOT / ".venv-clients/bin/python")
    reason = "no Python with pysnow: set KIBCASE_CLIENTS_PYTHON or make .venv-clients and install pysnow there"
    probe = [python, "-W", "ignore", "-c", "import pysnow"]
    if not (Path(python).exists() and not subprocess.run(probe, check=False, capture_output=True).returncode):
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return python


def tell(python: str, host: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, str(SCRIPT), host, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_life_of_a_ticket(run: Any, tmp_path: Path) -> None:
    python = interpreter()
    (tmp_path / "mail.txt").write_bytes(b"hello")
    standin = run(oauth_apps=(OAuthApp(client_id="soc", client_secret="soc-secret"),))
    done = tell(python, standin.url.removeprefix("http://"), str(tmp_path / "mail.txt"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().endswith("ok")
    assert [row["number"] for row in standin.state.rows("incident")] == ["INC0010002"]


def test_a_hibernating_instance(run: Any) -> None:
    python = interpreter()
    standin = run()
    standin.hibernate()
    done = tell(python, standin.url.removeprefix("http://"), "-", "hibernating")
    assert done.returncode == 0, done.stdout + done.stderr
