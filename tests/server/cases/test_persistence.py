"""The data file outlives the server, even one that is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

SERVE = """
import sys, time
from pathlib import Path
from kibcase.server.app import CasesServer
server = CasesServer(data=Path(sys.argv[1])).start()
print(server.kibana_url, flush=True)
time.sleep(60)
"""


def test_everything_is_there_after_a_restart(connect: Any, start: Any, tmp_path: Path, make_alert: Any) -> None:
    file = tmp_path / "state.db"
    kibana = connect(data=file)
    kibana.send("POST", "/api/spaces/space", json={"id": "hunt", "name": "Hunt"})
    kibana.alert("a1")
    case = kibana.attach(kibana.create(), make_alert("a1"))
    kibana.comment(case)
    read = kibana.get(f"/api/cases/{case['id']}")
    actions = kibana.actions(case)
    kibana.server.stop()
    again = connect(data=file)
    assert again.get(f"/api/cases/{case['id']}") == read
    assert again.actions(case) == actions
    assert again.get("/api/spaces/space/hunt")["name"] == "Hunt"
    assert again.alert_source("a1")["kibana.alert.case_ids"] == [case["id"]]
    assert again.create()["version"] not in {read["version"], *(action["version"] for action in actions)}


@pytest.mark.kill
def test_what_was_answered_survives_a_kill(tmp_path: Path, start: Any, make_case: Any) -> None:
    file = tmp_path / "state.db"
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(file)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        session = requests.Session()
        session.auth = ("elastic", "changeme")
        session.headers["kbn-xsrf"] = "1"
        made = [session.post(f"{url}/api/cases", json=make_case(), timeout=10).json()["id"] for _ in range(20)]
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
        if process.stdout is not None:
            process.stdout.close()
    server = start(data=file)
    answer = requests.get(
        f"{server.kibana_url}/api/cases/_find?perPage=100", auth=("elastic", "changeme"), timeout=10
    ).json()
    assert [case["id"] for case in answer["cases"]] == made
