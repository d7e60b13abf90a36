"""Requests that schemathesis makes up from the OpenAPI document: no 500, no undocumented status."""

from __future__ import annotations

import copy
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kibcase import BasicAuth, Kibana, Transport
from kibcase.server.app import CasesServer

pytestmark = pytest.mark.contract
Json = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
Statuses = dict[str, dict[int, str]]


# What the document, which is that of 8.18, has and stack 9 has no more.
GONE = {"/api/cases/status", "/api/cases/{caseId}/user_actions"}
GONE_READS = {"/api/cases/{caseId}/comments"}


@pytest.fixture
def python() -> str:
    beside = Path(__file__).parents[2] / ".venv-clients" / "bin" / "python"
    found = os.environ.get("KIBCASE_CLIENTS_PYTHON") or (str(beside) if beside.exists() else "")
    if not found:
        reason = "KIBCASE_CLIENTS_PYTHON names no interpreter that has schemathesis; `make test` makes one"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return found


@pytest.fixture(params=["8.18.0", "9.5.0"])
def server(request: pytest.FixtureRequest) -> Iterator[CasesServer]:
    with CasesServer(stack_version=request.param) as server:
        yield server


def test_no_500_and_no_undocumented_status(
    official: Json, statuses: Statuses, python: str, server: CasesServer, tmp_path: Path
) -> None:
    given = tmp_path / "openapi.yaml"
    prepared = _prepared(official, statuses, Targets(server))
    if server.cases.stack.release >= (9, 0):
        _forget(prepared)
    given.write_text(yaml.safe_dump(prepared), encoding="utf-8")
    done = subprocess.run(
        [
            python, "-m", "schemathesis.cli", "run", str(given), "--url", server.kibana_url, "--no-color",
            "-H", f"Authorization: {BasicAuth('elastic', 'changeme').header()}", "-H", "kbn-xsrf: true",
            "--checks", "not_a_server_error,status_code_conformance,content_type_conformance",
            "--phases", "examples,coverage,fuzzing", "--max-examples", "40", "--seed", "1",
            "--generation-database", "none",
        ],
        capture_output=True, text=True, timeout=300, cwd=tmp_path,
    )
    answered = {seen.status for seen in server.kibana.requests}
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    # Those that look for holes must have come in: a run that is refused at the door proves nothing.
    assert {200, 204, 400, 404, 409} <= answered, answered
    assert len(server.kibana.requests) > 1000


class Targets:
    """Things that exist, new ones for every operation: what one operation deletes another still finds."""

    def __init__(self, server: CasesServer) -> None:
        self._kibana = Kibana.over(
            Transport(server.kibana_url, auth=BasicAuth("elastic", "changeme"), proxies={})
        )

    def values(self, path: str) -> dict[str, list[str]]:
        case = self._kibana.cases.create(title="t", description="d", owner="cases", tags=["x"])
        comment = self._kibana.comments.add(case, "hello").id
        self._kibana.comments.add(case.id, "another", owner="cases")
        return {"caseId": [case.id, "missing"], "commentId": [comment, "missing"]} if "{caseId}" in path else {}


def _prepared(raw: Json, statuses: Statuses, targets: Targets) -> Json:
    document: Json = _loosened(copy.deepcopy(raw))
    # Schemathesis cannot read the document's schemas of /api/actions: names in `required` that are objects.
    kept = ("/api/cases", "/api/detection_engine", "/api/spaces", "/api/status")
    document["paths"] = {path: item for path, item in document["paths"].items() if path.startswith(kept)}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                _open(document, statuses[f"{method.upper()} {path}"], item[method], targets.values(path))
    return document


def _forget(document: Json) -> None:
    document["paths"] = {path: item for path, item in document["paths"].items() if path not in GONE}
    for path in GONE_READS:
        del document["paths"][path]["get"]


def _open(document: Json, statuses: dict[int, str], described: Json, values: dict[str, list[str]]) -> None:
    for status, meaning in statuses.items():
        described["responses"].setdefault(str(status), {"description": meaning})
    described["parameters"] = [
        _pointed(_resolved(document, parameter), values) for parameter in described.get("parameters", [])
    ]


def _pointed(parameter: Json, values: dict[str, list[str]]) -> Json:
    known = values.get(parameter["name"])
    return {**parameter, "schema": {"type": "string", "enum": known}} if known else parameter


def _resolved(document: Json, parameter: Json) -> Json:
    node: Any = parameter
    if "$ref" in parameter:
        node = document
        for part in parameter["$ref"].removeprefix("#/").split("/"):
            node = node[part]
    copied: Json = copy.deepcopy(node)
    return copied


def _loosened(node: Any) -> Any:
    # The document's `oneOf`s overlap (payloads without required keys), so that no answer could satisfy them.
    if isinstance(node, dict):
        if "oneOf" in node and "discriminator" not in node:
            node["anyOf"] = node.pop("oneOf")
        for value in node.values():
            _loosened(value)
    elif isinstance(node, list):
        for value in node:
            _loosened(value)
    return node
