"""States: by the shortest way that the instance allows, with what closing asks for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.faults import Fault
from kibcase_connectors.actions import SetStatus
from kibcase_connectors.errors import Conflict, OutcomeUnknown, Refused, Throttled
from kibcase_connectors.servicenow.states import Model
from kibcase_connectors.standins.servicenow import SIR_STATES_OPEN, BusinessRule, Restriction, StateModel, aborted

if TYPE_CHECKING:
    from tests.connectors.servicenow.conftest import Bench, MakeBench, Table

STRICT = StateModel(
    table="incident", closed=frozenset({"7", "8"}), frozen=frozenset({"7"}),
    moves={"1": frozenset({"2"}), "2": frozenset({"6", "3"}), "6": frozenset({"2", "7"}), "3": frozenset({"2"})},
)


def states(bench: Bench) -> list[str]:
    return [str(values["status"]) for values in bench.announced.values if "status" in values]


def test_an_incident_is_resolved_with_code_and_notes(incidents: Bench) -> None:
    key = incidents.create().key
    receipt = incidents.set_status(key, "closed")
    row = incidents.row(key)
    assert (row["state"], row["close_code"], row["close_notes"]) == (
        "6", "Solution provided", "Closed with its case in Kibana.",
    )
    assert receipt.stored == {"status": "6"}
    assert states(incidents) == ["6"]


def test_close_fields_of_a_person_are_kept(incidents: Bench) -> None:
    key = incidents.create().key
    incidents.maria.edit(key, close_code="Duplicate", close_notes="See INC7")
    incidents.set_status(key, "closed")
    assert (incidents.row(key)["close_code"], incidents.row(key)["close_notes"]) == ("Duplicate", "See INC7")


def test_a_missing_close_code_is_told(bench: Bench) -> None:
    bench.connector = bench.connect(close_code=None)
    key = bench.create().key
    with pytest.raises(Refused, match="mandatory") as caught:
        bench.set_status(key, "closed")
    assert caught.value.field in ("Close code", "Resolution code")
    assert "close_code" in caught.value.advice


@pytest.mark.parametrize(("state", "meaning"), [
    ("1", "open"), ("2", "in-progress"), ("3", "in-progress"), ("6", "closed"), ("7", "closed"), ("8", "closed"),
])
def test_the_states_of_incidents(incidents: Bench, state: str, meaning: str) -> None:
    key = incidents.person_makes()
    more = {"hold_reason": "1"} if state == "3" else {}
    incidents.maria.move(key, state, close_code="Duplicate", close_notes="x", **more)
    ticket = incidents.connector.read(key)
    assert incidents.connector.mapping.canonical("status", ticket.fields["status"]) == meaning
    incidents.announced.values.clear()
    incidents.set_status(key, meaning)
    assert states(incidents) == []


def test_a_resolved_incident_is_reopened(incidents: Bench) -> None:
    key = incidents.create().key
    incidents.set_status(key, "closed")
    incidents.set_status(key, "open")
    assert incidents.row(key)["state"] == "1"
    incidents.set_status(key, "closed")
    incidents.set_status(key, "in-progress")
    assert incidents.row(key)["state"] == "2"


@pytest.mark.parametrize("state", ["7", "8"])
def test_what_is_closed_for_good_is_not_reopened(incidents: Bench, state: str) -> None:
    key = incidents.create().key
    incidents.maria.move(key, state, close_code="Duplicate", close_notes="x")
    with pytest.raises(Refused) as caught:
        incidents.set_status(key, "open")
    assert f"reopening INC0010001, which is in state {state}" in str(caught.value)
    assert "read-only for good" in caught.value.advice
    assert incidents.row(key)["state"] == state


def test_a_strict_state_model_is_walked(make: MakeBench) -> None:
    bench = make(states=(STRICT,))
    key = bench.create().key
    bench.set_status(key, "closed")
    assert bench.row(key)["state"] == "6"
    assert states(bench) == ["6", "2", "6"]


def test_going_back_where_no_way_leads_says_where_the_record_stands(make: MakeBench) -> None:
    bench = make(states=(STRICT,))
    key = bench.create().key
    bench.set_status(key, "closed")
    with pytest.raises(Refused, match=r"6 -> 2") as caught:
        bench.set_status(key, "open")
    assert "Validate state transition" in caught.value.said
    assert caught.value.field == "status"


def test_a_security_incident_goes_through_every_phase(security: Bench) -> None:
    key = security.create().key
    receipt = security.set_status(key, "closed")
    assert receipt.stored == {"status": "3"}
    done = security.row(key)
    assert (done["state"], done["close_code"]) == ("3", "Threat mitigated")
    assert [s for s in states(security) if s != "3"] == ["16", "18", "19", "20", "100"]
    # What was refused once is not tried first again.
    security.announced.values.clear()
    other = security.create("kibcase-other").key
    security.announced.values.clear()
    security.set_status(other, "closed")
    assert states(security) == ["16", "18", "19", "20", "100", "3"]


def test_an_open_process_is_left_at_once(make: MakeBench) -> None:
    bench = make("sn_si_incident", states=(SIR_STATES_OPEN,))
    key = bench.create().key
    bench.set_status(key, "closed")
    assert states(bench) == ["3"]


def test_a_closed_security_incident_is_reopened(security: Bench) -> None:
    key = security.create().key
    security.set_status(key, "closed")
    security.set_status(key, "in-progress")
    assert security.row(key)["state"] == "16"
    security.set_status(key, "open")
    assert security.row(key)["state"] == "10"
    security.set_status(key, "closed")
    security.set_status(key, "open")
    assert security.row(key)["state"] == "10"


def test_another_process_can_be_configured(make: MakeBench) -> None:
    model = StateModel(
        table="sn_si_incident", closed=frozenset({"3"}),
        moves={"10": frozenset({"11"}), "11": frozenset({"12"}), "12": frozenset({"3"})},
    )
    bench = make("sn_si_incident", states=(model,), settings={
        "order": [10, 11, 12, 3], "states": {11: "in-progress", 12: "in-progress"}, "targets": {"in-progress": 11},
    })
    key = bench.create().key
    bench.set_status(key, "in-progress")
    assert bench.row(key)["state"] == "11"
    bench.set_status(key, "closed")
    assert bench.row(key)["state"] == "3"


def test_on_hold_takes_its_reason_from_the_configuration(incidents: Bench) -> None:
    key = incidents.create().key
    incidents.connector = incidents.connect(targets={"in-progress": "3"})
    with pytest.raises(Refused, match="On hold reason"):
        incidents.set_status(key, "in-progress")
    incidents.connector = incidents.connect(targets={"in-progress": "3"}, hold_reason="4")
    incidents.set_status(key, "in-progress")
    assert (incidents.row(key)["state"], incidents.row(key)["hold_reason"]) == ("3", "4")


def test_a_state_that_is_dropped_without_a_word_is_told(bench: Bench) -> None:
    key = bench.create().key
    frozen = Restriction(table=bench.table, operations=frozenset({"write"}), columns=frozenset({"state"}))
    bench.servicenow.state.restrict(frozen)
    with pytest.raises(Refused, match="took no notice of state"):
        bench.set_status(key, "in-progress")


def test_a_rule_that_moves_on_by_itself_is_followed(make: MakeBench) -> None:
    def close(change: Any) -> Any:
        return {"state": "7"} if change.became("state", "6") else {}

    bench = make(rules=(BusinessRule(name="Close at once", table="incident", run=close),))
    key = bench.create().key
    assert bench.set_status(key, "closed").stored == {"status": "7"}


def test_a_state_nobody_knows_the_meaning_of(make: MakeBench) -> None:
    bench = make(states=())
    key = bench.person_makes()
    bench.maria.move(key, "42")
    ticket = bench.connector.read(key)
    with pytest.raises(ValueError, match="no counterpart"):
        bench.connector.mapping.canonical("status", ticket.fields["status"])
    bench.set_status(key, "in-progress")
    assert bench.row(key)["state"] == "2"


def test_a_record_that_has_changed_is_not_moved(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.maria.edit(ticket.key, description="x")
    action = SetStatus(key=ticket.key, version=ticket.version, status="in-progress")
    with pytest.raises(Conflict):
        bench.connector.apply(action, bench.announced)
    with pytest.raises(Refused, match="no such status"):
        bench.connector.apply(SetStatus(key=ticket.key, version="x", status="done"), bench.announced)


def test_a_refusal_for_another_reason_is_not_taken_for_a_wrong_way(make: MakeBench, table: Table) -> None:
    bench = make(table)
    key = bench.create().key
    body = json.dumps({"error": {"message": "Operation Failed", "detail": "ACL Exception Update Failed"}}).encode()
    bench.servicenow.faults.arm(Fault(method="PATCH", status=403, body=body, times=None))
    bench.servicenow.faults.forget()
    with pytest.raises(Refused, match="ACL"):
        bench.set_status(key, "closed")
    assert [method for method, _ in bench.requests].count("PATCH") == 1


@pytest.mark.parametrize("kind", [OutcomeUnknown, Throttled])
def test_a_way_that_breaks_off_says_how_far_it_came(security: Bench, kind: type[Exception]) -> None:
    key = security.create().key
    fault = Fault(method="PATCH", status=500 if kind is OutcomeUnknown else 429, headers=(("Retry-After", "7"),))
    count = [0]

    def arm() -> None:
        count[0] += 1
        if count[0] == 4:
            security.servicenow.faults.arm(fault)

    security.announced.then = arm
    with pytest.raises(kind, match="10 -> 16") as caught:
        security.set_status(key, "closed")
    if isinstance(caught.value, Throttled):
        assert caught.value.retry_after == 7


def test_every_move_refused(make: MakeBench, table: Table) -> None:
    def stop(change: Any) -> Any:
        if change.before and change.before["state"] != change.after["state"]:
            raise aborted(change.table, "Nothing moves")
        return {}

    bench = make(table, rules=(BusinessRule(name="Stop", table=table, run=stop),))
    key = bench.create().key
    with pytest.raises(Refused, match="Nothing moves"):
        bench.set_status(key, "closed")
    assert len(bench.servicenow.faults.writes) < 12


names = st.sampled_from(["a", "b", "c", "d", "e"])
meanings = st.dictionaries(names, st.sampled_from(["open", "in-progress", "closed"]), min_size=5)


@given(meanings=meanings, order=st.permutations(["a", "b", "c", "d", "e"]), here=names, target=names,
       visited=st.sets(names))
def test_the_candidates(
    meanings: dict[str, str], order: list[str], here: str, target: str, visited: set[str]
) -> None:
    status = meanings[target]
    model = Model(meanings=meanings, order=order, targets={status: target})
    found = model.candidates(here, status, visited=visited)
    assert len(set(found)) == len(found)
    assert not {here, *visited}.intersection(found)
    assert target in (*found, here, *visited)
    assert all(meanings[state] != "closed" for state in found if meanings[state] != status)
    last = model.candidates(here, status, visited=visited, refused={(here, target)})
    assert sorted(last) == sorted(found)
    assert target not in last or last[-1] == target
