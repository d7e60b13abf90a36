"""The client against the embedded server, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from kibcase import (
    AlertAttachment,
    AuthenticationError,
    BadRequestError,
    Case,
    CaseChange,
    CaseStatus,
    ConflictError,
    ConnectionFailed,
    Fate,
    Kibana,
    LicenseRequired,
    LostRace,
    NotFoundError,
    NothingToUpdate,
    Policy,
    ServerError,
    UnsupportedByStack,
    UserComment,
    Version,
)
from kibcase.server.app import CasesServer
from kibcase.server.faults import Fault

INDEX = ".internal.alerts-security.alerts-default-000001"


@pytest.fixture
def server() -> Iterator[CasesServer]:
    with CasesServer() as running:
        yield running


@pytest.fixture
def kibana(server: CasesServer) -> Iterator[Kibana]:
    with client(server) as opened:
        yield opened


def client(server: CasesServer, **settings: Any) -> Kibana:
    defaults: dict[str, Any] = {
        "username": "elastic", "password": "changeme", "retry": Policy(base=0.0), "proxies": {},
        "timeout": (5.0, 10.0),
    }
    return Kibana(server.kibana_url, **{**defaults, **settings})


def new(kibana: Kibana, title: str = "Odd logon", **fields: Any) -> Case:
    return kibana.cases.create(**{"title": title, "description": "At night", "owner": "securitySolution", **fields})


def test_the_life_of_a_case(kibana: Kibana) -> None:
    case = new(kibana, tags=["a", "b"], severity="high", category="logon")
    assert (case.status, case.severity, case.tags, case.category) == ("open", "high", ["a", "b"], "logon")
    assert case.updated_at is None
    assert case.created_by is not None
    assert case.created_by.username == "elastic"
    case = kibana.cases.update(case, status=CaseStatus.IN_PROGRESS, tags=["b"], category=None)
    case = kibana.cases.update(case, status="closed", title="Solved")
    read = kibana.cases.get(case.id)
    assert (read.title, read.status, read.tags, read.category) == ("Solved", "closed", ["b"], None)
    assert read.closed_at is not None
    assert read.duration is not None
    kibana.cases.delete(read)
    with pytest.raises(NotFoundError) as caught:
        kibana.cases.get(case.id)
    assert caught.value.status == 404


def test_what_is_stored_is_trimmed(kibana: Kibana) -> None:
    case = new(kibana, "  Odd logon ", tags=[" a "])
    assert (case.title, case.tags) == ("Odd logon", ["a"])


def test_old_versions_conflict_and_equal_values_are_nothing_to_update(kibana: Kibana) -> None:
    case = new(kibana)
    kibana.cases.update(case, title="Other")
    with pytest.raises(ConflictError):
        kibana.cases.update(case, title="Third")
    with pytest.raises(NothingToUpdate):
        kibana.cases.update(case.id, title="Other")
    with pytest.raises(NotFoundError):
        kibana.cases.update("missing", version=case.version, title="x")


def test_an_update_whose_answer_leaves_out_the_case(server: CasesServer, kibana: Kibana) -> None:
    case = new(kibana)
    server.kibana.arm(Fault(method="PATCH", path="/api/cases", status=200, body=b"[]"))
    with pytest.raises(LostRace):
        kibana.cases.update(case, title="x")


def test_updating_many(kibana: Kibana) -> None:
    cases = [new(kibana, f"Case {number}") for number in range(3)]
    changes = [CaseChange.of(case, title="Case 1") for case in cases]
    result = kibana.cases.update_many(changes)
    assert {case.id for case in result.updated} == {cases[0].id, cases[2].id}
    assert result.of(Fate.UNCHANGED) == [cases[1].id]
    assert result.ok


def test_finding(kibana: Kibana) -> None:
    for number in range(5):
        new(kibana, f"Case {number}", tags=[f"t{number % 2}"], severity="high" if number else "low")
    found = kibana.cases.find(tags="t0", severity=["high"], sort_field="title", sort_order="asc")
    assert [case.title for case in found.cases] == ["Case 2", "Case 4"]
    assert (found.total, found.count_open_cases) == (2, 2)
    assert kibana.cases.find(created_from=datetime.now(UTC) + timedelta(hours=1)).total == 0
    assert kibana.cases.find(created_from="now-1h", created_to=datetime.now(UTC) + timedelta(hours=1)).total == 5
    assert kibana.cases.find(search="Case", search_fields="title", per_page=2, page=3).total == 5


def test_going_through_all_pages(server: CasesServer, kibana: Kibana) -> None:
    ids = [new(kibana, f"Case {number}").id for number in range(7)]
    server.kibana.forget()
    found = kibana.cases.iter(per_page=2, sort_order="asc")
    assert server.kibana.requests == []
    assert [case.id for case in islice(found, 3)] == ids[:3]
    assert len(server.kibana.requests) == 2
    assert [case.id for case in found] == ids[3:]
    assert len(server.kibana.requests) == 4


def test_reading_many(kibana: Kibana) -> None:
    case = new(kibana)
    result = kibana.cases.bulk_get([case.id, "missing"])
    assert [each.id for each in result.cases] == [case.id]
    assert [(error.case_id, error.status) for error in result.errors] == [("missing", 404)]


def test_taxonomies(kibana: Kibana) -> None:
    new(kibana, tags=["b", "a"], category="logon")
    assert sorted(kibana.cases.tags()) == ["a", "b"]
    assert [user.username for user in kibana.cases.reporters(owner="securitySolution")] == ["elastic"]
    assert kibana.cases.categories() == ["logon"]


def test_comments(kibana: Kibana) -> None:
    case = new(kibana)
    first = kibana.comments.add(case, "Looked at **it**.")
    second = kibana.comments.add(case.id, "Looked at **it**.", "securitySolution")
    assert first.id != second.id
    changed = kibana.comments.update(case.id, first, "Looked again.")
    assert (changed.id, changed.comment) == (first.id, "Looked again.")
    with pytest.raises(ConflictError):
        kibana.comments.update(case.id, first, "Third")
    assert [each.id for each in kibana.comments.iter(case.id, per_page=1)] == [first.id, second.id]
    assert kibana.comments.find(case.id).total == 2
    read = kibana.comments.get(case.id, second.id)
    assert isinstance(read, UserComment)
    assert read.comment == "Looked at **it**."
    kibana.comments.delete(case.id, second.id)
    kibana.comments.delete_all(case.id)
    with pytest.raises(NotFoundError):
        kibana.comments.get(case.id, first.id)


def test_alerts(kibana: Kibana) -> None:
    case = new(kibana)
    after = kibana.alerts.attach(case, ["a1", "a2"], INDEX, {"id": "r1", "name": "Rule"})
    assert after.total_alerts == 2
    attached = [each for each in after.comments or () if isinstance(each, AlertAttachment)]
    assert [each.alert_ids for each in attached] == [["a1", "a2"]]
    assert {(alert.id, alert.index) for alert in kibana.alerts.of_case(case.id)} == {("a1", INDEX), ("a2", INDEX)}
    assert [each.id for each in kibana.alerts.cases_of("a1")] == [case.id]
    kibana.cases.update(after, status="closed")
    with pytest.raises(BadRequestError, match="closed case"):
        kibana.alerts.attach(case, "a3", INDEX)


def test_activity(kibana: Kibana) -> None:
    case = kibana.cases.update(new(kibana), status="closed")
    kibana.comments.add(case, "Done.")
    kinds = [entry.type for entry in kibana.user_actions.iter(case.id, sort_order="asc", per_page=1)]
    assert kinds == ["create_case", "status", "comment"]
    only = kibana.user_actions.find(case.id, types=["status"], sort_order="desc")
    assert [entry.payload for entry in only.user_actions] == [{"status": "closed"}]


def test_spaces_are_apart(server: CasesServer, kibana: Kibana) -> None:
    import requests

    made = requests.post(
        f"{server.kibana_url}/api/spaces/space", json={"id": "soc", "name": "SOC"}, auth=("elastic", "changeme"),
        headers={"kbn-xsrf": "true"}, timeout=10,
    )
    assert made.status_code == 200
    case = new(kibana.space("soc"))
    assert kibana.space("soc").cases.get(case.id).id == case.id
    with pytest.raises(NotFoundError):
        kibana.cases.get(case.id)
    assert kibana.space("soc").space("default").space_id == "default"


def test_status(kibana: Kibana) -> None:
    assert kibana.status.get().available
    assert kibana.status.version == Version(9, 2, 0)
    assert kibana.status.license().allows("platinum")


def test_wrong_credentials(server: CasesServer) -> None:
    with pytest.raises(AuthenticationError):
        client(server, password="wrong").cases.find()


def test_an_api_key() -> None:
    with CasesServer(api_keys={"id1:key1": "elastic"}) as server:
        kibana = client(server, username=None, password=None, api_key=("id1", "key1"))
        assert new(kibana).owner == "securitySolution"


def test_an_old_stack_is_not_sent_what_it_does_not_know() -> None:
    with CasesServer(stack_version="8.18.0") as server:
        kibana = client(server)
        for _ in range(2):
            with pytest.raises(UnsupportedByStack):
                new(kibana, extract_observables=True)
        assert [(seen.method, seen.path) for seen in server.kibana.requests] == [("GET", "/api/status")]
        assert new(kibana, category="c", severity="low").status == "open"


def test_a_recent_stack_is_sent_what_it_knows(kibana: Kibana) -> None:
    case = new(kibana, extract_observables=False)
    assert case.settings is not None
    assert case.settings.extract_observables is False
    with pytest.raises(UnsupportedByStack, match=r"closeReason needs stack 9\.4\.0"):
        kibana.cases.update(case, status="closed", close_reason="duplicate")


def test_a_basic_licence_assigns_nobody() -> None:
    with CasesServer(license="basic") as server, pytest.raises(LicenseRequired) as caught:
        new(client(server), assignees=["u_1"])
    assert caught.value.tier == "platinum"


def test_an_answer_that_is_lost_leaves_one_case(server: CasesServer, kibana: Kibana) -> None:
    server.kibana.arm(Fault(method="POST", path="/api/cases", when="after", drop=True))
    with pytest.raises(ConnectionFailed) as caught:
        new(kibana)
    assert caught.value.sent is True
    assert kibana.cases.find().total == 1


def test_writes_are_not_repeated_reads_are(server: CasesServer, kibana: Kibana) -> None:
    case = new(kibana)
    server.kibana.forget()
    server.kibana.arm(Fault(status=503, body=b"not ready", times=2))
    assert kibana.cases.get(case.id).id == case.id
    assert [seen.status for seen in server.kibana.requests] == [503, 503, 200]
    server.kibana.arm(Fault(method="PATCH", status=503, body=b"not ready"))
    with pytest.raises(ServerError, match="not ready"):
        kibana.cases.update(case, title="x")
    assert len(server.kibana.writes) == 1
    assert kibana.cases.get(case.id).title == case.title
