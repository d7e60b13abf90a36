"""What ``check`` says about a set-up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kibcase.server.faults import WRITES, Fault
from kibcase_connectors.api import Connector
from kibcase_connectors.errors import Unavailable
from kibcase_connectors.kibana import CaseFilter, KibanaConnector
from kibcase_connectors.kibana.checks import query_of
from kibcase_connectors.model import FIELDS
from kibcase_connectors.people import People, Person

if TYPE_CHECKING:
    from tests.connectors.kibana.conftest import Bench


def said(connector: KibanaConnector) -> dict[str, tuple[str, str]]:
    return {finding.subject: (finding.level, finding.text) for finding in connector.check()}


def refuse(bench: Bench, path: str, status: int, message: str = "no") -> None:
    body = f'{{"statusCode":{status},"error":"x","message":"{message}"}}'.encode()
    bench.server.kibana.arm(Fault(path=path, status=status, body=body))


def test_a_good_set_up(bench: Bench) -> None:
    bench.case(tags=["vip"])
    bench.case()
    me = b'{"username":"mara","full_name":"Mara Lindqvist"}'
    bench.server.kibana.arm(Fault(path="/internal/security/me", status=200, body=me))
    connector = bench.connect(CaseFilter(tags=("vip",)))
    found = said(connector)
    assert next(iter(found)) == "account"
    assert found["account"] == ("ok", "logged in as Mara Lindqvist")
    assert found["Kibana"] == ("ok", "Kibana 9.2.0, available")
    assert found["licence"][0] == "ok"
    assert found["space"][0] == "ok"
    assert found["cases"] == ("ok", "2 of securitySolution; the filter takes in 1")
    assert "follow the status" in found["alerts"][1]
    sent = [seen.path for seen in bench.server.kibana.requests[2:] if seen.method in WRITES]
    assert sent == ["/api/core/capabilities"]


@pytest.mark.parametrize("status", [401, 404])
def test_wrong_credentials(bench: Bench, status: int) -> None:
    refuse(bench, "/internal/security/me", status)
    [finding] = bench.connect(password="wrong").check()
    assert (finding.level, finding.subject) == ("problem", "account")
    assert "wrong" not in finding.text


def test_a_stack_that_tells_little_can_still_be_used(bench: Bench) -> None:
    refuse(bench, "/internal/security/me", 404, "Not Found")
    refuse(bench, "/api/status", 403)
    refuse(bench, "/api/licensing/info", 403)
    refuse(bench, "/api/spaces/space/default", 403)
    found = said(bench.connector)
    assert [found[subject][0] for subject in ("account", "Kibana", "licence", "space", "cases")] == [
        "note", "note", "note", "note", "ok",
    ]


def test_a_space_that_is_missing(bench: Bench) -> None:
    found = said(bench.connect(space="missing"))
    assert found["space"][0] == "problem"
    assert "cases" not in found


def test_credentials_that_hold_without_a_name(bench: Bench) -> None:
    refuse(bench, "/internal/security/me", 404, "Not Found")
    assert said(bench.connector)["account"][0] == "note"


def test_cases_that_may_not_be_read(bench: Bench) -> None:
    bench.server.kibana.arm(Fault(path="/internal/security/me", status=200, body=b"{}"))
    refuse(bench, "/api/cases/_find", 403, "Unauthorized to find cases of any owner")
    level, text = said(bench.connector)["cases"]
    assert level == "problem"
    assert "privilege" in text


def test_an_old_stack(serve: Callable[..., Bench]) -> None:
    bench = serve(stack_version="8.18.0")
    assert said(bench.connector)["Kibana"] == ("ok", "Kibana 8.18.0, available")
    status = b'{"version":{"number":"8.2.3"},"status":{"overall":{"level":"available"}}}'
    bench.server.kibana.arm(Fault(path="/api/status", status=200, body=status, times=None))
    level, text = said(bench.connect())["Kibana"]
    assert level == "problem"
    assert "too old" in text


def test_clocks_that_differ_are_mentioned(serve: Callable[..., Bench]) -> None:
    bench = serve(ours=lambda: datetime.now(UTC) + timedelta(hours=1))
    assert "behind; this is allowed for" in said(bench.connector)["clock"][1]


def test_settings_that_a_person_should_know(bench: Bench) -> None:
    found = said(bench.connect(sync_alerts=False))
    assert "do not follow" in found["alerts"][1]


def test_an_owner_that_kibana_has_not_is_refused_before_anything_is_asked(bench: Bench) -> None:
    with pytest.raises(ValueError, match="securitySolution"):
        bench.connect(owner="other")


def test_a_kibana_that_cannot_be_asked(bench: Bench) -> None:
    with pytest.raises(Unavailable):
        bench.connect(url="http://127.0.0.1:1").check()


def test_the_filter_asks_for_what_it_accepts(bench: Bench) -> None:
    after = datetime(2025, 5, 1, 12, tzinfo=UTC)
    wanted = CaseFilter(
        tags=("a", "b"), severities=("high",), statuses=("open",), categories=("c",), created_after=after
    )
    query: dict[str, Any] = dict(query_of(wanted, "cases"))
    assert query == {
        "owner": "cases", "tags": ("a", "b"), "severity": ("high",), "status": ("open",), "category": ("c",),
        "created_from": after,
    }
    bench.case(tags=["a"], severity="high", category="c")
    bench.case(tags=["a"], severity="low", category="c")
    assert said(bench.connect(wanted))["cases"][1].endswith("takes in 1")


def test_it_is_a_connector(bench: Bench) -> None:
    connector: Connector = bench.connector
    assert (connector.name, connector.kind) == ("soc", "kibana")
    assert connector.capabilities.fields == frozenset(FIELDS)
    assert connector.capabilities.edits_comments
    assert (connector.capabilities.read_lag, connector.capabilities.find_lag) == (2.0, 5.0)
    connector.close()
    connector.close()


def test_every_part_that_is_wanted_has_a_line(bench: Bench) -> None:
    found = said(bench.whole())
    assert {found[part][0] for part in ("assignee", "observables", "files", "lengths")} == {"ok"}
    assert "100 MiB each (images 10)" in found["files"][1]
    assert "titles 160" in found["lengths"][1]
    assert not {"assignee", "observables", "files"} & set(said(bench.connector))


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("/internal/cases/_suggest_user_profiles", "assignee"), ("/api/cases/configure", "observables"),
        ("/api/files/files/securitySolutionFilesCases/list", "files"),
    ],
)
def test_parts_that_the_account_may_not_use(bench: Bench, path: str, subject: str) -> None:
    body = b'{"statusCode":403,"error":"Forbidden","message":"no"}'
    bench.server.kibana.arm(Fault(path=path, status=403, body=body))
    assert said(bench.whole())[subject][0] == "problem"


def test_accounts_of_people_that_are_not_there(bench: Bench) -> None:
    there = [Person(name="Ann", accounts={"soc": "ann"}), Person(name="Bo", accounts={"soc": "u_bo_0", "jira": "x"})]
    assert said(bench.whole(People(there)))["assignee"][0] == "ok"
    gone = Person(name="Eve", accounts={"soc": "eve"})
    level, text = said(bench.whole(People([*there, gone])))["assignee"]
    assert level == "problem"
    assert text.startswith("eve: no such user")


def test_nothing_is_written_by_looking(bench: Bench) -> None:
    bench.case()
    before = bench.mark
    bench.whole(custom={"impact": {"field": "Impact"}}).check()
    posts = {seen.path.rpartition("/")[2] for seen in bench.requests(before) if seen.method in WRITES}
    assert posts <= {"list", "_suggest_user_profiles", "_bulk_get", "capabilities"}


def test_no_secret_is_shown(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    connector = bench.connect()
    connector.changes(None)
    shown = [repr(connector), caplog.text, *(repr(value) for value in vars(connector).values())]
    assert not [text for text in shown if "changeme" in text]
