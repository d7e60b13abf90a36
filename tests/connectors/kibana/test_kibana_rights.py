"""The privileges that the set-up asks for are enough, and each is needed for what it is said to be needed for."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from kibcase.server.users import User
from kibcase_connectors.actions import Action, AddComment, AddFile, Create, EditComment, SetFields, SetStatus
from kibcase_connectors.errors import Refused
from kibcase_connectors.kibana import KibanaConnector
from kibcase_connectors.model import ASSIGNEE, OBSERVABLES
from tests.connectors.kibana.conftest import PASSWORD

if TYPE_CHECKING:
    from tests.connectors.kibana.conftest import Bench

FEATURE = "securitySolutionCasesV3"
LEAST = ["minimal_all", "create_comment", "case_reopen", "cases_assign"]
MARK = "kibcase-jira-1-2"


def account(serve: Callable[..., Bench], privileges: list[str]) -> tuple[Bench, KibanaConnector]:
    granted = [{"feature": {FEATURE: privileges}, "spaces": ["default"]}]
    bench = serve(stack_version="9.4", users={"sync": User(password=PASSWORD, privileges=granted)})
    return bench, bench.whole(username="sync")


def do(bench: Bench, connector: KibanaConnector, action: Action) -> str:
    receipt = connector.apply(action, bench.announced)
    return receipt.comment.key if receipt.comment is not None else receipt.key


def version(bench: Bench, key: str) -> str:
    return bench.analyst.cases.get(key).version


def test_the_api_key_of_the_document_is_enough(serve: Callable[..., Bench]) -> None:
    bench = serve(stack_version="9.4")
    text = (Path(__file__).parents[3] / "docs" / "connectors" / "kibana.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    made = requests.post(
        f"{bench.server.elasticsearch_url}/_security/api_key", json=json.loads(block), auth=("elastic", PASSWORD),
        timeout=10,
    ).json()
    connector = bench.whole(username=None, password=None, api_key=made["encoded"])
    key = do(bench, connector, Create(mark=MARK, fields={ASSIGNEE: "ann@example.com"}, origin_label="SOC-1"))
    do(bench, connector, AddFile(key=key, name="a.txt", size=1, media_type="", content=io.BytesIO(b"x")))
    assert [finding for finding in connector.check() if finding.level == "problem"] == []


def test_the_least_privileges_are_enough(serve: Callable[..., Bench]) -> None:
    bench, connector = account(serve, LEAST)
    fields = {"title": "Beacon", ASSIGNEE: "ann@example.com"}
    key = do(bench, connector, Create(mark=MARK, fields=fields, origin_label="SOC-1"))
    comment = do(bench, connector, AddComment(key=key, mark=f"{MARK}#1", body="a"))
    do(bench, connector, EditComment(key=key, comment=comment, mark=f"{MARK}#1", body="b"))
    do(bench, connector, AddFile(key=key, name="a.txt", size=1, media_type="", content=io.BytesIO(b"x")))
    observed = SetFields(key=key, version=version(bench, key), add={OBSERVABLES: ("ipv4 203.0.113.7",)})
    do(bench, connector, observed)
    for status in ("closed", "open"):
        do(bench, connector, SetStatus(key=key, version=version(bench, key), status=status))
    do(bench, connector, SetFields(key=key, version=version(bench, key), fields={ASSIGNEE: "bo@example.com"}))
    seen = connector.read(key)
    into = io.BytesIO()
    connector.fetch(key, seen.files[0], into)
    assert into.getvalue() == b"x"
    assert key in [item.key for item in connector.changes(None).items]
    assert [finding for finding in connector.check() if finding.level == "problem"] == []


@pytest.mark.parametrize("missing", ["create_comment", "case_reopen", "cases_assign"])
def test_each_of_them_is_needed(serve: Callable[..., Bench], missing: str) -> None:
    bench, connector = account(serve, [name for name in LEAST if name != missing])
    key = bench.case()
    actions: dict[str, Action] = {
        "create_comment": AddComment(key=key, mark=f"{MARK}#1", body="a"),
        "case_reopen": SetStatus(key=key, version=version(bench, key), status="in-progress"),
        "cases_assign": SetFields(key=key, version=version(bench, key), fields={ASSIGNEE: "ann@example.com"}),
    }
    if missing == "case_reopen":
        bench.analyst.cases.update(bench.analyst.cases.get(key), status="closed")
        actions[missing] = SetStatus(key=key, version=version(bench, key), status="open")
    with pytest.raises(Refused, match="privilege"):
        connector.apply(actions[missing], bench.announced)
