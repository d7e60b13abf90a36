"""Cases that act: against the embedded server."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator

import pytest

from kibcase import Case, ConflictError, Kibana, LostRace, NotFoundError, UnsupportedByStack
from kibcase.server.app import CasesServer
from kibcase.server.faults import Fault

OWNER = "securitySolution"


@pytest.fixture
def server() -> Iterator[CasesServer]:
    with CasesServer(incremental_ids=False) as running:
        yield running


@pytest.fixture
def kibana(server: CasesServer) -> Iterator[Kibana]:
    with Kibana(server.kibana_url, username="elastic", password="changeme") as client:
        yield client


@pytest.fixture
def case(kibana: Kibana) -> Case:
    return kibana.cases.create(title="Beacon", description="Seen.", owner=OWNER, tags=["edr"])


def test_a_case_closes_starts_and_reopens(kibana: Kibana, case: Case) -> None:
    assert case.start().status == "in-progress"
    closed = case.close()
    assert closed.status == "closed"
    assert closed.reopen().status == "open"
    assert (case.status, kibana.cases.get(case.id).status) == ("open", "open")


def test_what_was_done_through_a_case_is_no_conflict(kibana: Kibana, case: Case) -> None:
    assert case.comment("Isolated.").comment == "Isolated."
    assert case.close().total_comments == 1
    assert case.reopen().start().status == "in-progress"


def test_what_others_did_is_a_conflict(kibana: Kibana, case: Case) -> None:
    kibana.cases.update(case.id, title="Beacon on WKS-7")
    with pytest.raises(ConflictError):
        case.close()
    assert case.refresh().close().title == "Beacon on WKS-7"


def test_closing_twice_is_fine(kibana: Kibana, case: Case) -> None:
    assert kibana.case(case.id).close().close().case.status == "closed"


def test_every_way_to_read_a_case_lets_it_act(kibana: Kibana, case: Case) -> None:
    found = [
        kibana.cases.get(case.id), kibana.cases.find().cases[0], next(kibana.cases.iter(status="open")),
        kibana.cases.bulk_get([case.id]).cases[0], kibana.cases.update(case, title="Beacon 2"),
    ]
    for number, each in enumerate(found):
        assert each.refresh().update(title=f"Beacon {number + 10}").title == f"Beacon {number + 10}"
        assert each.refresh().version == kibana.cases.get(case.id).version


@pytest.mark.parametrize("made", [
    lambda case: Case.model_validate(case.to_api()), copy.copy, copy.deepcopy,
    lambda case: pickle.loads(pickle.dumps(case)), lambda case: case.model_copy(),
])
def test_a_case_that_no_client_read_says_so(made: object, kibana: Kibana, case: Case) -> None:
    case.comment("Bound.")
    other = made(case)  # type: ignore[operator]
    assert other == case
    with pytest.raises(RuntimeError, match=r"kibana\.case\(case\)"):
        other.close()
    assert kibana.case(other).refresh().close().case.status == "closed"


def test_the_client_is_in_no_dump(case: Case) -> None:
    case.comment("Bound.")
    assert not {"_home", "_handle"} & {*case.model_dump(), *case.to_api(), *(case.model_extra or {})}
    assert "Kibana(" not in repr(case)


def test_tags(server: CasesServer, case: Case) -> None:
    assert case.add_tags("c2", "edr", "c2").tags == ["edr", "c2"]
    assert case.remove_tags("edr", "unknown").tags == ["c2"]
    server.kibana.forget()
    assert case.add_tags("c2").tags == ["c2"]
    assert server.kibana.requests == []


def test_assignees(case: Case) -> None:
    assert [each.uid for each in case.assign("u_1", "u_2").assignees] == ["u_1", "u_2"]
    assert [each.uid for each in case.unassign("u_1").assignees] == ["u_2"]


def test_alerts(kibana: Kibana, case: Case) -> None:
    after = case.attach_alerts(["a1", "a2"], ".alerts-security.alerts-default", {"id": "r1", "name": "Beacon"})
    assert after.total_alerts == 2
    assert {each.id for each in kibana.alerts.of_case(case.id)} == {"a1", "a2"}
    assert after.start().status == "in-progress"


def test_a_close_reason_needs_a_stack_that_knows_it(kibana: Kibana, case: Case) -> None:
    with pytest.raises(UnsupportedByStack, match=r"needs stack 9\.4"):
        case.close(reason="false_positive")
    assert kibana.cases.get(case.id).status == "open"


def test_a_close_reason_on_a_stack_that_knows_it() -> None:
    with (
        CasesServer(stack_version="9.4.0", incremental_ids=False) as server,
        Kibana(server.kibana_url, username="elastic", password="changeme") as kibana,
    ):
        case = kibana.cases.create(title="Beacon", description="Seen.", owner=OWNER)
        assert case.close(reason="false_positive").status == "closed"
        (action,) = kibana.user_actions.iter(case.id, types=["status"])
        assert action.payload is not None
        assert action.payload["closeReason"] == "false_positive"


def test_a_handle_reads_when_it_is_needed(server: CasesServer, kibana: Kibana, case: Case) -> None:
    server.kibana.forget()
    handle = kibana.case(case.id)
    assert server.kibana.requests == []
    assert repr(handle) == f"CaseHandle({case.id!r}, {kibana!r})"
    assert handle.case.version == case.version
    assert "Beacon" in repr(handle)
    assert handle._repr_html_() == case._repr_html_()
    handle.delete()
    with pytest.raises(NotFoundError):
        handle.refresh()


def test_a_space_in_a_with_block_closes_nothing(server: CasesServer, kibana: Kibana) -> None:
    server.cases.spaces.create({"id": "soc", "name": "SOC"})
    adapters = kibana._transport._connections._all
    with kibana.space("soc") as soc:
        kibana.cases.find()
        soc.cases.create(title="Elsewhere", description="Seen.", owner=OWNER)
        (adapter,) = adapters
        pool = adapter.poolmanager.connection_from_url(server.kibana_url)
    assert adapter.poolmanager.connection_from_url(server.kibana_url) is pool
    kibana.close()
    assert adapter.poolmanager.connection_from_url(server.kibana_url) is not pool
    assert kibana.cases.find().total == 0


def test_retry_reads_and_applies_again(server: CasesServer, kibana: Kibana, case: Case) -> None:
    seen: list[str] = []

    def others_first(_: object) -> None:
        server.kibana.disarm()
        kibana.cases.update(case.id, tags=["edr", "theirs"])

    server.kibana.arm(Fault(method="PATCH", path="/api/cases", call=others_first))

    def mine(current: Case) -> dict[str, list[str]]:
        seen.append(current.version)
        return {"tags": [*current.tags, "mine"]}

    assert kibana.cases.retry(case.id, mine).tags == ["edr", "theirs", "mine"]  # type: ignore[arg-type]
    assert len(set(seen)) == 2


def test_lost_race_is_not_hidden(server: CasesServer, kibana: Kibana, case: Case) -> None:
    server.kibana.arm(Fault(method="PATCH", path="/api/cases", status=200, body=b"[]", times=None))
    with pytest.raises(LostRace):
        case.close()
