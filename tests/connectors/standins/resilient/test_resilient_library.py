"""IBM's ``resilient`` library, written against real servers, works unmodified."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from kibcase_connectors.standins.resilient import DEFAULT_KEYS, DEFAULT_USERS, Organization, ResilientStandin

ROOT = Path(__file__).parents[4]
SCRIPT = Path(__file__).with_name("resilient_library_script.py")


def interpreter() -> str:
    """Give a Python that has the library, or leave the test (in CI: fail it) with the reason."""
    python = os.environ.get("KIBCASE_CLIENTS_PYTHON") or str(ROOT / ".venv-clients/bin/python")
    reason = "no Python with resilient: set KIBCASE_CLIENTS_PYTHON or make .venv-clients and install resilient there"
    present = Path(python).exists() and not subprocess.run([python, "-c", "import resilient"], check=False).returncode
    if not present:
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return python


@pytest.mark.parametrize("by", ["name", "uuid", "cloud_account"])
def test_the_library_drives_a_full_life_of_an_incident(by: str) -> None:
    python, org, key, user = interpreter(), Organization(), DEFAULT_KEYS[0], DEFAULT_USERS[0]
    with ResilientStandin(org=org) as standin:
        arguments = [standin.url, getattr(org, by), key.login, key.secret, user.login, user.secret]
        run = subprocess.run(
            [python, str(SCRIPT), *arguments], capture_output=True, text=True, timeout=60, check=False,
            env=os.environ | {"NO_PROXY": "*", "no_proxy": "*"},
        )
        requests = [(seen.method, seen.status) for seen in standin.faults.requests]
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.strip().endswith("ok")
    assert ("PATCH", 200) in requests
    assert 0 not in {status for _, status in requests}
