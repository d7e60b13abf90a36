"""Closing with all that the organisation requires, reopening, and phases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.errors import Conflict, OutcomeUnknown, Refused
from kibcase_connectors.standins.resilient import DEFAULT_CUSTOM_FIELDS, Choice, Field

if TYPE_CHECKING:
    from tests.connectors.resilient.conftest import Bench, MakeBench

CAUSE = Field(
    id=1010, name="root_cause", text="Root cause", input_type="select", required="close", prefix="properties",
    choices=(Choice(value=91, label="Human error"), Choice(value=92, label="Attack")),
)
PHASES = {
    "status_field": "phase_id",
    "statuses": {"Initial": "open", "Engage": "in-progress", "Respond": "in-progress", "Post-Incident": "in-progress"},
}


def test_closing_fills_what_is_required_in_one_request(bench: Bench) -> None:
    ticket = bench.ticket()
    receipt = bench.move(ticket, "closed")
    assert receipt.stored == {"status": "C"}
    assert bench.announced.values == [{"status": "C"}]
    assert bench.changing == [("PATCH", f"incidents/{ticket.key}")]
    held = bench.maria.incident(int(ticket.key)).values
    assert (held["plan_status"], held["resolution_id"]) == ("C", 10)
    assert "Closed in the case." in held["resolution_summary"]


def test_reopening(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.move(ticket, "closed")
    assert bench.move(bench.connector.read(ticket.key), "open").stored == {"status": "A"}
    assert bench.value(ticket.key, "plan_status") == "A"


def test_what_a_person_has_entered_stays(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.maria.edit(int(ticket.key), resolution_id="Duplicate", resolution_summary="see 2001")
    bench.move(bench.connector.read(ticket.key), "closed")
    assert bench.value(ticket.key, "resolution_id") == 8
    assert "see 2001" in bench.value(ticket.key, "resolution_summary")


def test_every_field_required_on_closing_must_be_configured(make: MakeBench) -> None:
    bench = make(custom_fields=(*DEFAULT_CUSTOM_FIELDS, CAUSE))
    ticket = bench.ticket()
    with pytest.raises(Refused, match=r"Root cause \(root_cause\), one of: Human error, Attack") as refused:
        bench.move(ticket, "closed")
    assert refused.value.field == "root_cause"
    assert bench.changing == []
    assert bench.announced.values == []


def test_further_fields_on_closing(make: MakeBench) -> None:
    bench = make(custom_fields=(*DEFAULT_CUSTOM_FIELDS, CAUSE), settings={
        "close_fields": {"root_cause": "attack"}, "resolution": "not an issue", "resolution_summary": "**ok**",
    })
    ticket = bench.ticket()
    assert bench.move(ticket, "closed").stored == {"status": "C"}
    held = bench.maria.incident(int(ticket.key)).values
    assert (held["properties.root_cause"], held["resolution_id"]) == (92, 9)
    assert "<strong>ok</strong>" in held["resolution_summary"]


@pytest.mark.parametrize("settings", [{"resolution": "Won"}, {"close_fields": {"root_cause": "Aliens"}}])
def test_labels_that_the_organisation_lacks_are_refused_before_sending(
    make: MakeBench, settings: dict[str, object]
) -> None:
    given = {"close_fields": {"root_cause": "Attack"}, **settings}
    bench = make(custom_fields=(*DEFAULT_CUSTOM_FIELDS, CAUSE), settings=given)
    ticket = bench.ticket()
    with pytest.raises(Refused, match="there is"):
        bench.move(ticket, "closed")
    assert bench.changing == []


def test_open_tasks_may_keep_an_incident_open(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.soar.refuse_closing("There are required tasks that are not closed.")
    with pytest.raises(Refused, match="required tasks"):
        bench.move(ticket, "closed")
    assert bench.value(ticket.key, "plan_status") == "A"


def test_without_a_field_an_active_incident_stands_for_both(bench: Bench) -> None:
    ticket = bench.ticket()
    for status in ("open", "in-progress"):
        assert bench.connector.mapping.same("status", "A", status)
        assert bench.move(ticket, status).stored == {"status": "A"}
    assert bench.changing == []
    assert bench.connector.mapping.canonical("status", "A") == "open"


def test_phases_tell_open_from_in_progress(make: MakeBench) -> None:
    bench = make(settings=PHASES)
    ticket = bench.ticket()
    assert ticket.fields["status"] == "A/Initial"
    assert bench.move(ticket, "in-progress").stored == {"status": "A/Engage"}
    assert bench.announced.values == [{"status": "A/Engage"}]
    bench.maria.edit(int(ticket.key), phase_id="Respond")
    now = bench.connector.read(ticket.key)
    assert now.fields["status"] == "A/Respond"
    assert bench.move(now, "in-progress").stored == {"status": "A/Respond"}
    assert bench.move(now, "closed").stored == {"status": "C"}
    closed = bench.connector.read(ticket.key)
    assert closed.fields["status"] == "C"
    assert bench.move(closed, "open").stored == {"status": "A/Initial"}


def test_labels_without_a_meaning_are_told(make: MakeBench) -> None:
    settings = {"status_field": "phase_id", "statuses": {"Initial": "open", "engage": "in-progress"}}
    bench = make(settings=settings)
    number = bench.maria.create("x", phase_id="Respond")
    native = bench.connector.read(str(number)).fields["status"]
    with pytest.raises(ValueError, match="A/Respond"):
        bench.connector.mapping.canonical("status", native)
    ticket = bench.ticket()
    assert bench.move(ticket, "in-progress").stored == {"status": "A/Engage"}


def test_a_phase_that_does_not_exist(make: MakeBench) -> None:
    bench = make(settings={"status_field": "phase_id", "statuses": {"Initial": "open", "Nowhere": "in-progress"}})
    ticket = bench.ticket()
    with pytest.raises(Refused, match="Nowhere") as refused:
        bench.move(ticket, "in-progress")
    assert refused.value.field == "status"


def test_what_moved_on_is_a_conflict(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.maria.edit(int(ticket.key), name="x")
    with pytest.raises(Conflict):
        bench.move(ticket, "closed")


def test_a_person_who_closes_at_the_same_time(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.soar.faults.arm(
        Fault(method="PATCH", path=".*", call=lambda _: bench.maria.close(int(ticket.key), resolution="Duplicate"))
    )
    with pytest.raises(Conflict) as conflict:
        bench.move(ticket, "closed")
    assert conflict.value.field == "status"
    assert bench.value(ticket.key, "resolution_id") == 8


def test_a_closing_whose_answer_is_lost(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.soar.faults.arm(Fault(method="PATCH", path=".*", when="after", drop=True))
    with pytest.raises(OutcomeUnknown):
        bench.move(ticket, "closed")
    assert bench.connector.read(ticket.key).fields["status"] == bench.announced.values[0]["status"]


def test_no_such_status(bench: Bench) -> None:
    with pytest.raises(Refused):
        bench.move(bench.ticket(), "resolved")
