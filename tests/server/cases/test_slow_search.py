"""A search that takes long keeps nobody else waiting."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from kibcase.server.cases import find_search, search_text
from kibcase.server.textsearch import Matcher, Tokens

SECONDS = 20


class Gate:
    """Lets a search go on when the test says so."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, text: str, *, every: bool = False) -> Matcher:
        def match(fields: Sequence[Tokens]) -> bool:
            self.entered.set()
            assert self.opened.wait(SECONDS)
            return True

        return match


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate()
    monkeypatch.setattr(find_search, "compile_search", gate)
    monkeypatch.setattr(search_text, "compile_search", gate)
    return gate


def find(kibana: Any) -> requests.Response:
    found: requests.Response = kibana.send("GET", "/api/cases/_find", params={"search": "beacon"})
    return found


def search(kibana: Any) -> requests.Response:
    body = {"owner": "securitySolution", "search": "beacon", "searchFields": ["cases.title", "cases-comments.comment"]}
    found: requests.Response = kibana.send("POST", "/internal/cases/_search", json=body)
    return found


@pytest.mark.parametrize("ask", [find, search])
def test_others_are_served_meanwhile(connect: Any, gate: Gate, ask: Any) -> None:
    kibana = connect(stack_version="9.5.0")
    case = kibana.create()
    kibana.comment(case)
    other = requests.Session()
    other.auth, other.headers["kbn-xsrf"] = kibana.session.auth, "t"
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(ask, kibana)
        try:
            assert gate.entered.wait(SECONDS)
            status = other.get(f"{kibana.base}/api/status", timeout=5)
            read = other.get(f"{kibana.base}/api/cases/{case['id']}", timeout=5)
            entry = {"id": case["id"], "version": read.json()["version"], "title": "Changed"}
            changed = other.patch(f"{kibana.base}/api/cases", json={"cases": [entry]}, timeout=5)
            assert [status.status_code, read.status_code, changed.status_code] == [200, 200, 200]
            assert not pending.done()
        finally:
            gate.opened.set()
        found = pending.result(SECONDS)
    assert [each["title"] for each in found.json()["cases"]] == ["Changed"]
