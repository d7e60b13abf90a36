"""This suite keeps to its own spaces, and is gone from a Kibana when it ends; an embedded server plays a real one."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kibcase.server.app import CasesServer
from kibcase.server.faults import Fault

HERE = Path(__file__).parent
VARIABLE = "KIBCASE_BLACKBOX_KIBANA"
KEY = "key1:opensesame"
ENCODED = base64.b64encode(KEY.encode()).decode()
ALLOWED = re.compile(
    r"/s/kibcase-blackbox-[0-9a-f]{12}/|/api/status\Z|/api/licensing/info\Z"
    r"|/api/spaces/space(/kibcase-blackbox-[0-9a-f]{12})?\Z"
)

pytestmark = pytest.mark.skipif(VARIABLE in os.environ, reason="a real Kibana is under test")


def run(server: CasesServer, login: str, *names: str) -> subprocess.CompletedProcess[str]:
    return run_against(server.kibana_url.replace("://", f"://{login}@"), *names)


def run_against(address: str, *names: str) -> subprocess.CompletedProcess[str]:
    options = ("-q", "-n0", "-p", "no:cacheprovider")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *(str(HERE / name) for name in names)],
        env=os.environ | {VARIABLE: address}, cwd=HERE.parents[1],
        capture_output=True, text=True, timeout=120, check=False,
    )


def left(server: CasesServer) -> list[str]:
    return [space["id"] for space in server.cases.spaces.list()]


@pytest.mark.parametrize(
    ("login", "names"),
    [
        ("elastic:changeme", ("test_spaces.py", "test_files.py", "test_alerts.py", "test_protocol.py")),
        (f"apikey:{ENCODED}", ("test_licence.py", "test_metrics.py", "test_protocol.py")),
    ],
    ids=["password", "key"],
)
def test_it_keeps_to_its_spaces(login: str, names: tuple[str, ...]) -> None:
    with CasesServer(license="basic", api_keys={KEY: "elastic"}, stack_version="9.4") as server:
        server.cases.spaces.create({"id": "other", "name": "Other"})
        done = run(server, login, *names)
        assert done.returncode == 0, done.stdout + done.stderr
        assert " passed" in done.stdout
        assert left(server) == ["default", "other"]
        elsewhere = [seen.path for seen in server.kibana.requests if not ALLOWED.match(seen.path)]
    assert elsewhere == []


def test_it_cleans_up_after_failures() -> None:
    with CasesServer() as server:
        server.kibana.arm(Fault(method="POST", path=".*/api/cases", status=500))
        server.kibana.arm(Fault(method="DELETE", path="/api/spaces/space/.*", status=503))
        server.kibana.arm(Fault(method="DELETE", path="/api/spaces/space/.*", drop=True))
        done = run(server, "elastic:changeme", "test_files.py")
        assert done.returncode == 1, done.stdout + done.stderr
        assert left(server) == ["default"]


def test_wrong_credentials_are_told() -> None:
    with CasesServer() as server:
        done = run(server, "elastic:wrong", "test_metrics.py")
        assert "/api/status: Kibana does not know these credentials" in told_once(done)
        assert "wrong@" not in done.stdout + done.stderr
        assert left(server) == ["default"]


@pytest.mark.parametrize(("address", "said"), [
    ("http://elastic:s3cret@127.0.0.1:1", "/api/status: no answer: ConnectionRefusedError"),
    ("http://elastic:s3cret@kibana.invalid", "/api/status: no answer: "),
    ("https://elastic:s3cret@127.0.0.1:1?ca=/nowhere.pem", "/nowhere.pem"),
    ("kibana:5601", "must be of the form"), ("", "must be of the form"),
])
def test_an_address_that_leads_nowhere_is_told_once(address: str, said: str) -> None:
    done = run_against(address, "test_metrics.py", "test_files.py")
    assert said in told_once(done)
    assert "s3cret" not in done.stdout + done.stderr


def told_once(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout + done.stderr
    (line,) = (line for line in (done.stdout + done.stderr).splitlines() if line.strip())
    assert line.startswith(f"ERROR: {VARIABLE}")
    return line
