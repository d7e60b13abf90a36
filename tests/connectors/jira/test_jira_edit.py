"""Changing fields and comments of a ticket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.actions import AddComment, EditComment, SetFields
from kibcase_connectors.errors import Conflict, NotFound, OutcomeUnknown, Refused

if TYPE_CHECKING:
    from tests.connectors.jira.conftest import Bench

MARK = "kibcase-kibana-0a1b2c3d"


def test_fields_are_set_in_one_request(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.announced.values.clear()
    bench.jira.faults.forget()
    receipt = bench.connector.apply(
        SetFields(
            key=ticket.key, version=ticket.version,
            fields={"title": "New", "description": "*see* **that**", "severity": "low"},
            add={"tags": ("vip",)}, remove={"tags": ("edr",)},
        ),
        bench.announced,
    )
    text = "_see_ **that**" if bench.deployment == "cloud" else "_see_ *that*"
    expected = {
        "title": "New", "description": text, "severity": "Low", "tags": ["apt-29", MARK, "vip"],
    }
    assert receipt.stored == expected
    assert bench.announced.values == [expected]
    assert [method for method, _ in bench.requests if method != "GET"] == ["PUT"]
    assert {k: v for k, v in bench.connector.read(ticket.key).fields.items() if k in expected} == expected


def test_a_put_goes_to_the_context_path(make: Any, deployment: Any) -> None:
    bench = make(deployment, context_path="/ex/jira/1234")
    ticket = bench.ticket()
    bench.connector.apply(SetFields(key=ticket.key, version=ticket.version, fields={"title": "B"}), bench.announced)
    assert bench.maria.issue(ticket.key).values["summary"] == "B"


def test_a_ticket_that_moved_on_is_a_conflict(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.maria.add_labels(ticket.key, "vip")
    with pytest.raises(Conflict):
        bench.connector.apply(
            SetFields(key=ticket.key, version=ticket.version, fields={"title": "B"}), bench.announced
        )
    assert bench.maria.issue(ticket.key).values["summary"] == "Beacon on WKS-7"


def test_nothing_to_set_sends_nothing(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.jira.faults.forget()
    bench.announced.values.clear()
    receipt = bench.connector.apply(SetFields(key=ticket.key, version=ticket.version), bench.announced)
    assert receipt.stored == {}
    assert bench.jira.faults.writes == []
    assert bench.announced.values == []


def test_a_label_added_by_a_person_at_the_same_time_survives(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.jira.faults.arm(
        Fault(method="PUT", path=".*/issue/.*", call=lambda _: bench.maria.add_labels(ticket.key, "theirs"))
    )
    receipt = bench.connector.apply(
        SetFields(key=ticket.key, version=ticket.version, add={"tags": ("ours",)}), bench.announced
    )
    labels = bench.maria.issue(ticket.key).values["labels"]
    assert {"theirs", "ours"} <= set(labels)
    assert receipt.stored["tags"] == list(labels)


def test_an_edit_by_a_person_after_ours_is_not_taken_as_stored(bench: Bench) -> None:
    ticket = bench.ticket()

    def meddle(_: object) -> None:
        bench.maria.edit(ticket.key, summary="Theirs", description="Theirs", priority="Lowest")
        bench.maria.add_labels(ticket.key, "theirs")

    bench.jira.faults.arm(Fault(method="PUT", path=".*/issue/.*", when="after", call=meddle))
    receipt = bench.connector.apply(
        SetFields(
            key=ticket.key, version=ticket.version, add={"tags": ("ours",)},
            fields={"title": "Ours", "description": "Ours", "severity": "critical"},
        ),
        bench.announced,
    )
    assert receipt.stored == {
        "title": "Ours", "description": "Ours", "severity": "Highest", "tags": ["apt-29", "edr", MARK, "ours"],
    }


def test_an_edit_by_a_person_after_a_write_that_changed_nothing(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.jira.faults.arm(
        Fault(
            method="PUT", path=".*/issue/.*", when="after",
            call=lambda _: bench.maria.edit(ticket.key, summary="Theirs"),
        )
    )
    receipt = bench.connector.apply(
        SetFields(key=ticket.key, version=ticket.version, fields={"title": "Beacon on WKS-7"}), bench.announced
    )
    assert receipt.stored == {"title": "Beacon on WKS-7"}


def test_a_change_whose_answer_is_lost_is_not_repeated(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.jira.faults.forget()
    bench.jira.faults.arm(Fault(method="PUT", path=".*/issue/.*", when="after", drop=True))
    with pytest.raises(OutcomeUnknown):
        bench.connector.apply(
            SetFields(key=ticket.key, version=ticket.version, fields={"title": "B"}), bench.announced
        )
    assert len(bench.jira.faults.writes) == 1


def test_a_change_that_cannot_be_read_back_has_an_unknown_outcome(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.jira.faults.arm(
        Fault(
            method="PUT", path=".*/issue/.*", when="after",
            call=lambda _: bench.jira.faults.arm(Fault(method="GET", path=".*/issue/.*", status=503)),
        )
    )
    with pytest.raises(OutcomeUnknown, match="read back"):
        bench.connector.apply(
            SetFields(key=ticket.key, version=ticket.version, fields={"title": "B"}), bench.announced
        )


def test_a_status_is_no_field(bench: Bench) -> None:
    ticket = bench.ticket()
    with pytest.raises(Refused) as refused:
        bench.connector.apply(
            SetFields(key=ticket.key, version=ticket.version, fields={"status": "closed"}), bench.announced
        )
    assert refused.value.field == "status"


def test_what_jira_says_of_a_field_is_passed_on(bench: Bench) -> None:
    ticket = bench.ticket()
    with pytest.raises(Refused, match="labels: ") as refused:
        bench.connector.apply(
            SetFields(key=ticket.key, version=ticket.version, add={"tags": ("two words",)}), bench.announced
        )
    assert refused.value.field == "tags"


def test_a_comment_is_written_with_its_mark_and_hidden_from_customers(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.announced.values.clear()
    receipt = bench.connector.apply(
        AddComment(key=ticket.key, mark=f"{MARK}#9", body="see `x{0}`"), bench.announced
    )
    assert receipt.comment is not None
    assert (receipt.comment.mark, receipt.comment.body, receipt.comment.updated) == (f"{MARK}#9", "see `x{0}`", None)
    assert bench.announced.values == [{}]
    assert bench.connector.read(ticket.key).comments == (receipt.comment,)
    (stored,) = bench.maria.issue(ticket.key).comments
    assert stored.properties == {"kibcase": {"mark": f"{MARK}#9"}, "sd.public.comment": {"internal": True}}


def test_comments_can_be_open_to_customers(bench: Bench) -> None:
    ticket = bench.ticket()
    connector = bench.connect(internal_comments=False)
    connector.apply(AddComment(key=ticket.key, mark=f"{MARK}#9", body="x"), bench.announced)
    (stored,) = bench.maria.issue(ticket.key).comments
    assert stored.properties == {"kibcase": {"mark": f"{MARK}#9"}}


def test_a_comment_is_edited_and_keeps_its_mark(bench: Bench) -> None:
    ticket = bench.ticket()
    made = bench.connector.apply(AddComment(key=ticket.key, mark=f"{MARK}#9", body="one"), bench.announced).comment
    assert made is not None
    edit = EditComment(key=ticket.key, comment=made.key, mark=f"{MARK}#9", body="two")
    changed = bench.connector.apply(edit, bench.announced).comment
    assert changed is not None
    assert (changed.key, changed.body, changed.mark) == (made.key, "two", f"{MARK}#9")
    assert changed.digest != made.digest
    assert bench.connector.read(ticket.key).comments == (changed,)


def test_a_comment_that_is_gone(bench: Bench) -> None:
    ticket = bench.ticket()
    comment = bench.maria.comment(ticket.key, "x")
    bench.maria.delete_comment(ticket.key, comment)
    with pytest.raises(NotFound):
        bench.connector.apply(
            EditComment(key=ticket.key, comment=comment, mark=f"{MARK}#9", body="two"), bench.announced
        )


def test_a_ticket_that_is_gone_takes_no_comment(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.maria.delete(ticket.key)
    with pytest.raises(NotFound):
        bench.connector.apply(AddComment(key=ticket.key, mark=f"{MARK}#9", body="x"), bench.announced)


def test_a_comment_whose_answer_is_lost_is_there_once(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.jira.faults.arm(Fault(method="POST", path=".*/comment", when="after", drop=True))
    with pytest.raises(OutcomeUnknown):
        bench.connector.apply(AddComment(key=ticket.key, mark=f"{MARK}#9", body="x"), bench.announced)
    assert [c.mark for c in bench.connector.read(ticket.key).comments] == [f"{MARK}#9"]


def test_a_comment_too_long_is_cut_visibly(bench: Bench) -> None:
    ticket = bench.ticket()
    receipt = bench.connector.apply(
        AddComment(key=ticket.key, mark=f"{MARK}#9", body="log line\n" * 9000), bench.announced
    )
    assert receipt.comment is not None
    assert "Cut here" in receipt.comment.body
