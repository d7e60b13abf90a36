"""Cases that change while a script works with them: lists that shrink, versions that move by themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from kibcase import Case, ConflictError, Kibana, LostRace
from kibcase.server.app import CasesServer
from kibcase.server.faults import Fault

OWNER = "securitySolution"


@pytest.fixture
def server() -> Iterator[CasesServer]:
    with CasesServer(stack_version="9.5.0", incremental_id_delay=0.0) as running:
        yield running


@pytest.fixture
def kibana(server: CasesServer) -> Iterator[Kibana]:
    with Kibana(server.kibana_url, username="elastic", password="changeme") as client:
        yield client


def new(kibana: Kibana) -> Case:
    return kibana.cases.create(title="Beacon", description="Seen.", owner=OWNER)


def test_a_loop_over_open_cases_may_close_them(kibana: Kibana) -> None:
    for _ in range(25):
        new(kibana)
    closed = [case.close().id for case in kibana.cases.iter(status="open", per_page=10)]
    assert len(set(closed)) == len(closed) == 25
    assert kibana.cases.counts().open == 0


def test_a_loop_over_comments_may_delete_them(kibana: Kibana) -> None:
    case = new(kibana)
    for number in range(7):
        kibana.comments.add(case, f"comment {number}")
    for comment in kibana.comments.iter(case, per_page=3):
        kibana.comments.delete(case, str(comment.id))
    assert list(kibana.comments.iter(case)) == []


@pytest.mark.parametrize("meanwhile", [
    lambda kibana, case: kibana.cases.get(case.id),
    lambda kibana, _: list(kibana.cases.iter()),
    lambda kibana, case: kibana.comments.add(case, "Isolated."),
    lambda kibana, case: kibana.files.upload(case, b"x", name="a.txt"),
    lambda kibana, case: kibana.alerts.attach(case, ["a1"], ".alerts"),
    lambda kibana, case: kibana.observables.add(case, "observable-type-ipv4", "10.0.0.7"),
], ids=["number", "listed", "comment", "file", "alert", "observable"])
def test_a_version_that_moved_alone_is_no_conflict(
    kibana: Kibana, meanwhile: Callable[[Kibana, Case], object]
) -> None:
    case = new(kibana)
    meanwhile(kibana, case)
    assert case.version != kibana.cases.get(case.id).version
    assert case.close().status == "closed"
    assert case.add_tags("edr").tags == ["edr"]


@pytest.mark.parametrize("theirs", [
    {"title": "Other"}, {"description": "Other."}, {"tags": ["theirs"]}, {"status": "in-progress"},
    {"severity": "high"}, {"category": "malware"}, {"assignees": ["u_1"]},
    {"settings": {"syncAlerts": False, "extractObservables": False}},
    {"connector": {"id": "none", "name": "other", "type": ".none", "fields": None}},
], ids=lambda theirs: str(next(iter(theirs))))
def test_what_others_changed_is_a_conflict(server: CasesServer, kibana: Kibana, theirs: dict[str, object]) -> None:
    case = new(kibana)
    kibana.cases.update(case.id, **theirs)  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(ConflictError) as caught:
            case.close()
        assert not isinstance(caught.value, LostRace)
    assert kibana.cases.get(case.id).status == theirs.get("status", "open")
    server.kibana.forget()
    assert case.refresh().close().status == "closed"


def test_extended_fields_that_others_changed_are_a_conflict(kibana: Kibana) -> None:
    kibana.fields.create(
        owner=OWNER, definition="name: site\ntype: keyword\ncontrol: INPUT_TEXT\nlabel: Site\n", is_global=True
    )
    case = new(kibana)
    kibana.cases.update(case.id, extended_fields={"site_as_keyword": "HQ"})
    with pytest.raises(ConflictError):
        case.close()


def test_a_race_that_was_lost_to_the_number_is_run_again(server: CasesServer, kibana: Kibana) -> None:
    case = new(kibana)
    server.kibana.arm(Fault(method="PATCH", path="/api/cases", status=200, body=b"[]", times=1))
    assert case.close().status == "closed"


def test_a_version_that_never_rests_is_a_conflict_in_the_end(server: CasesServer, kibana: Kibana) -> None:
    case = new(kibana)

    def comment(_: object) -> None:
        kibana.comments.add(case, "Again.")

    server.kibana.arm(Fault(method="PATCH", path="/api/cases", call=comment, times=None))
    with pytest.raises(ConflictError, match=re.escape(case.id)):
        case.close()
    assert 1 < len([seen for seen in server.kibana.requests if seen.method == "PATCH"]) < 10
