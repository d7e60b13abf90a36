"""What ``check`` says of the account's rights, from what Kibana tells its own pages of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from kibcase.models.configuration import CustomFieldDefinition
from kibcase.server.faults import Fault
from kibcase.server.users import User
from kibcase_connectors.kibana import KibanaConnector
from kibcase_connectors.model import ASSIGNEE, COMMENTS, CREATE, FILES, STATUS, TITLE, Finding
from tests.connectors.kibana.conftest import PASSWORD

if TYPE_CHECKING:
    from tests.connectors.kibana.conftest import Bench

PATH = "/api/core/capabilities"
READ = {"read_cases": True, "cases_connectors": True}
WRITE = {**READ, "create_cases": True, "update_cases": True, "push_cases": True}
MORE = "give it the privileges minimal_all, case_reopen, cases_assign of securitySolutionCasesV3"
ALL = {**WRITE, "create_comment": True, "case_reopen": True, "cases_assign": True}
NOTHING = dict.fromkeys(ALL, False)


def tell(bench: Bench, **features: dict[str, bool]) -> None:
    told = {name: NOTHING | given for name, given in features.items()}
    body = {"navLinks": {"management": True}, "catalogue": {}, **told}
    bench.server.kibana.arm(Fault(method="POST", path=PATH, status=200, body=json.dumps(body).encode(), times=None))


def rights(connector: KibanaConnector) -> Finding:
    (found,) = (each for each in connector.check() if each.subject == "rights")
    return found


def test_an_account_with_all_rights(bench: Bench) -> None:
    tell(bench, securitySolutionCasesV3=ALL, generalCasesV3={})
    found = rights(bench.whole())
    assert (found.level, found.text) == ("ok", "create and change cases, comment, reopen, assign")
    (sent,) = [seen for seen in bench.server.kibana.requests if seen.path.endswith(PATH)]
    assert sent.method == "POST"


def test_an_account_that_may_only_read(bench: Bench) -> None:
    tell(bench, securitySolutionCases=READ, securitySolutionCasesV3=READ, generalCasesV3=ALL)
    found = rights(bench.whole())
    assert found.level == "problem"
    assert found.text.startswith("the account may not create cases, change cases, comment, reopen cases, assign cases")
    assert "minimal_all, create_comment, case_reopen, cases_assign of securitySolutionCasesV3" in found.text


@pytest.mark.parametrize("missing", ["create_comment", "case_reopen", "cases_assign"])
def test_one_right_is_missing(bench: Bench, missing: str) -> None:
    tell(bench, securitySolutionCasesV3={**ALL, missing: False})
    found = rights(bench.whole())
    assert found.level == "problem"
    assert f"the privilege {missing} of securitySolutionCasesV3" in found.text


@pytest.mark.parametrize(
    ("parts", "needed"),
    [({TITLE}, set()), ({COMMENTS}, {"create_comment"}), ({FILES}, {"create_comment"}), ({STATUS}, {"case_reopen"})],
)
def test_rights_for_parts_that_are_not_carried_are_not_asked_for(
    bench: Bench, parts: set[str], needed: set[str]
) -> None:
    tell(bench, securitySolutionCasesV3=WRITE)
    found = rights(bench.connect(parts=frozenset(parts)))
    assert found.level == ("problem" if needed else "ok")
    assert all(name in found.text for name in needed)


@pytest.mark.parametrize(("written", "needed"), [
    ({CREATE}, "create cases"), ({TITLE}, "change cases"), ({CREATE, TITLE}, "create cases, change cases"),
    ({COMMENTS}, "change cases, comment"), ({FILES}, "comment"), ({STATUS}, "change cases, reopen cases"),
    ({ASSIGNEE}, "assign cases"), ({"impact"}, "change cases"),
])
def test_rights_are_needed_for_what_is_written(bench: Bench, written: set[str], needed: str) -> None:
    tell(bench, securitySolutionCasesV3=READ)
    impact = CustomFieldDefinition(key="k-impact", label="Impact", type="text")
    bench.analyst.configuration.replace("securitySolution", custom_fields=[impact])
    connector = bench.whole(custom={"impact": {"field": "Impact"}}, written=frozenset(written))
    found = rights(connector)
    assert (found.level, found.text.partition(";")[0]) == ("problem", f"the account may not {needed}")


@pytest.mark.parametrize(("written", "told"), [
    ({FILES}, "change cases, comment"), ({ASSIGNEE}, "change cases, assign"), ({CREATE}, "create cases"),
])
def test_what_an_older_stack_has_no_right_for_is_a_change(
    serve: Callable[..., Bench], written: set[str], told: str
) -> None:
    bench = serve(stack_version="8.17.0")
    body = json.dumps({"securitySolutionCases": WRITE}).encode()
    bench.server.kibana.arm(Fault(method="POST", path=PATH, status=200, body=body, times=None))
    assert rights(bench.whole(written=frozenset(written))).text == told


@pytest.mark.parametrize("version", ["8.17.0", "9.2.0"])
def test_where_nothing_is_written_an_account_that_only_reads_is_in_order(
    serve: Callable[..., Bench], version: str
) -> None:
    privileges = [{"feature": {"securitySolutionCases": ["read"]}}]
    bench = serve(stack_version=version, users={"sync": User(password=PASSWORD, privileges=privileges)})
    required = CustomFieldDefinition(key="k-impact", label="Impact", type="text", required=True)
    bench.analyst.configuration.replace("securitySolution", custom_fields=[required])
    found = bench.whole(username="sync", written=frozenset()).check()
    assert [each for each in found if each.level == "problem"] == []
    told = {each.subject: each.text for each in found}
    assert told["rights"] == "nothing is written here, so reading is enough"
    assert not {"alerts", "required"} & told.keys()
    wrong = {each.subject for each in bench.whole(username="sync").check() if each.level == "problem"}
    assert wrong == {"rights", "required"}


@pytest.mark.parametrize(("privileges", "level", "text"), [
    (["all"], "ok", "create and change cases, comment, reopen, assign"),
    (["minimal_all", "create_comment", "cases_assign"], "problem",
     "the account may not reopen cases; give it the privilege case_reopen of securitySolutionCasesV3"),
    (["read", "create_comment"], "problem",
     f"the account may not create cases, change cases, reopen cases, assign cases; {MORE}"),
])  # fmt: skip
def test_the_rights_that_an_account_really_has(
    serve: Callable[..., Bench], privileges: list[str], level: str, text: str
) -> None:
    given = [{"feature": {"securitySolutionCasesV3": privileges}}]
    bench = serve(users={"sync": User(password=PASSWORD, privileges=given)})
    found = rights(bench.whole(username="sync"))
    assert (found.level, found.text) == (level, text)


def test_rights_may_come_through_an_older_feature(bench: Bench) -> None:
    tell(bench, securitySolutionCases=ALL, securitySolutionCasesV3={})
    assert rights(bench.whole()).level == "ok"


def test_older_stacks_have_fewer_kinds_of_rights(serve: Callable[..., Bench]) -> None:
    bench = serve(stack_version="8.17.0")
    body = json.dumps({"securitySolutionCases": WRITE}).encode()
    bench.server.kibana.arm(Fault(method="POST", path=PATH, status=200, body=body, times=None))
    assert rights(bench.whole()).level == "ok"


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, b'{"statusCode":404,"error":"Not Found","message":"Not Found"}'), (403, b"{}"), (200, b"[]"), (200, b"{}"),
     (200, b'{"securitySolutionCasesV3":[]}')],
)  # fmt: skip
def test_rights_that_are_not_told(bench: Bench, status: int, body: bytes) -> None:
    bench.server.kibana.arm(Fault(method="POST", path=PATH, status=status, body=body, times=None))
    found = rights(bench.whole())
    assert (found.level, found.text[:8]) == ("note", "not told")


def test_an_account_without_any_right_still_gets_its_screen(serve: Callable[..., Bench]) -> None:
    nothing: list[dict[str, Any]] = []
    bench = serve(stack_version="9.4", users={"sync": User(password=PASSWORD, privileges=nothing)})
    found = bench.whole(username="sync").check()
    assert found[0].subject == "account"
    problems = {each.subject for each in found if each.level == "problem"}
    assert {"cases", "required"} <= problems


def test_the_screen_tells_what_cannot_be_configured(serve: Callable[..., Bench]) -> None:
    bench = serve(ours=lambda: datetime.now(UTC))
    told = {each.subject: each.text for each in bench.connector.check() if each.level == "ok"}
    assert told["clock"] == "times are in UTC; Kibana's clock agrees with ours"
    assert told["choices"].startswith("status open, in-progress, closed, each from each; severity low, medium")
    assert told["required"] == "no custom field that nothing fills"
