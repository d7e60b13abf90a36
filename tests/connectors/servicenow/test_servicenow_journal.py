"""Mirrors of comments: written once, into the right journal, and found again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.faults import Fault
from kibcase_connectors.actions import EditComment
from kibcase_connectors.errors import Denied, OutcomeUnknown, Refused
from kibcase_connectors.servicenow.text import PUSHED, read_note, write_note, write_text
from kibcase_connectors.standins.servicenow import JOURNAL_CLOSED, Restriction
from tests.connectors.servicenow.conftest import MARK, Clock

if TYPE_CHECKING:
    from tests.connectors.servicenow.conftest import Bench, MakeBench, Table


def test_a_comment_becomes_a_work_note_with_a_marker_line(bench: Bench) -> None:
    key = bench.create().key
    receipt = bench.comment(key, "**Ann** in case 7:\n\nblocked")
    (entry,) = bench.journal(key)
    assert (entry["element"], entry["value"]) == ("work_notes", f"**Ann** in case 7:\n\nblocked\n\n[{MARK}#1]")
    assert receipt.comment is not None
    assert receipt.comment == bench.connector.read(key).comments[0]
    assert (receipt.comment.key, receipt.comment.mark) == (entry.sys_id, f"{MARK}#1")
    assert receipt.comment.body == "**Ann** in case 7:\n\nblocked"
    assert bench.announced.values[-1] == {}


def test_comments_for_the_caller_only_if_configured(bench: Bench) -> None:
    key = bench.create().key
    bench.comment(key)
    assert [entry["element"] for entry in bench.journal(key)] == ["work_notes"]
    bench.connector = bench.connect(journal="comments")
    bench.comment(key, number=2)
    assert sorted(entry["element"] for entry in bench.journal(key)) == ["comments", "work_notes"]


def test_the_journal_can_be_left_alone(bench: Bench) -> None:
    key = bench.create().key
    bench.tomasz.work_note(key, "x")
    bench.connector = bench.connect(journal="off")
    assert bench.connector.read(key).comments == ()
    with pytest.raises(Refused, match="journal: off"):
        bench.comment(key)
    assert len(bench.journal(key)) == 1
    assert "table/sys_journal_field" not in [path for _, path in bench.requests]


def test_entries_cannot_be_edited(bench: Bench) -> None:
    assert not bench.connector.capabilities.edits_comments
    key = bench.create().key
    comment = bench.comment(key).comment
    assert comment is not None
    action = EditComment(key=key, comment=comment.key, mark=f"{MARK}#1", body="x")
    with pytest.raises(Refused, match="cannot be edited"):
        bench.connector.apply(action, bench.announced)


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 500}, {"status": 200, "body": b"<html>"}])
def test_a_comment_whose_answer_is_lost_is_not_written_again(bench: Bench, fault: dict[str, Any]) -> None:
    key = bench.create().key
    bench.servicenow.faults.arm(Fault(method="PATCH", when="after", **fault))
    with pytest.raises(OutcomeUnknown):
        bench.comment(key)
    receipt = bench.comment(key)
    assert receipt.comment is not None
    assert len(bench.journal(key)) == 1


def test_a_comment_whose_entry_cannot_be_looked_up_is_not_written_again(bench: Bench) -> None:
    key = bench.create().key
    looked: list[object] = []
    fault = Fault(path=".*/sys_journal_field", when="after", call=looked.append)
    bench.servicenow.faults.arm(fault)
    bench.servicenow.faults.arm(Fault(path=".*/sys_journal_field", status=502))
    with pytest.raises(OutcomeUnknown, match="could not be read back"):
        bench.comment(key)
    assert len(looked) == 1
    assert bench.comment(key).comment is not None
    assert len(bench.journal(key)) == 1


def test_a_replica_that_lags_makes_no_second_entry(make: MakeBench, table: Table) -> None:
    clock = Clock()
    bench = make(table, clock=clock)
    key = bench.create().key
    clock.forward(seconds=60)
    bench.connector.read(key)
    bench.servicenow.state.list_lag = 30.0
    for _ in range(3):
        with pytest.raises(OutcomeUnknown, match="not to be seen"):
            bench.comment(key)
        clock.forward(seconds=5)
    assert len(bench.journal(key)) == 1
    clock.forward(seconds=30)
    assert bench.comment(key).comment is not None
    assert len(bench.journal(key)) == 1


def test_a_closed_journal_gets_no_second_entry(bench: Bench) -> None:
    key = bench.create().key
    bench.servicenow.state.restrict(JOURNAL_CLOSED)
    for _ in range(3):
        with pytest.raises((OutcomeUnknown, Denied)):
            bench.comment(key)
    assert len(bench.journal(key)) <= 1


def test_a_journal_that_may_not_be_written_is_told(bench: Bench) -> None:
    key = bench.create().key
    closed = Restriction(table=bench.table, operations=frozenset({"write"}), columns=frozenset({"work_notes"}))
    bench.servicenow.state.restrict(closed)
    with pytest.raises(Refused, match="took no notice of work_notes"):
        bench.comment(key)


def test_a_long_comment_keeps_its_marker(bench: Bench) -> None:
    key = bench.create().key
    receipt = bench.comment(key, "word " * 2000)
    (entry,) = bench.journal(key)
    assert 3800 < len(entry["value"]) <= 4000
    assert entry["value"].endswith(f"[{MARK}#1]")
    assert receipt.comment is not None
    assert receipt.comment.body.endswith("The full text is in the case.)")


def test_code_tags_in_a_comment_never_become_html(bench: Bench) -> None:
    key = bench.create().key
    body = "look: [code]<img src=x onerror=alert(1)>[/CODE] end"
    receipt = bench.comment(key, body)
    (entry,) = bench.journal(key)
    assert "[code]" not in entry["value"].casefold()
    assert receipt.comment is not None
    assert receipt.comment.body == body


def test_a_record_that_is_closed_for_good_takes_no_comment(incidents: Bench) -> None:
    key = incidents.create().key
    incidents.maria.resolve(key)
    incidents.maria.close(key)
    with pytest.raises(Refused, match="ACL"):
        incidents.comment(key)


def test_names_that_cannot_be_looked_up_stay_user_names(bench: Bench) -> None:
    key = bench.person_makes()
    bench.tomasz.work_note(key, "x")
    bench.connector.read(key)
    hidden = Restriction(
        table="sys_user", operations=frozenset({"read"}), rows=lambda row: row["user_name"] == "tomasz.nowak"
    )
    bench.servicenow.state.restrict(hidden)
    assert bench.connect().read(key).comments[0].author == "tomasz.nowak"


bodies = st.text(st.one_of(st.characters(), st.sampled_from("[]/code\n#*")), max_size=200)
marks = st.from_regex(r"kibcase-[a-z0-9-]{1,40}#[0-9a-f]{1,32}", fullmatch=True)


@given(body=bodies, mark=marks, limit=st.integers(min_value=300, max_value=5000))
def test_a_note_comes_back_with_its_mark(body: str, mark: str, limit: int) -> None:
    stored = write_note(body, mark, limit)
    note = read_note(stored)
    assert note.mark == mark
    assert len(stored) <= limit
    assert "[code]" not in stored.casefold()
    assert write_note(note.body, mark, limit) == stored


@given(body=bodies)
def test_a_persons_note_is_read_whatever_it_holds(body: str) -> None:
    assert read_note(body).mark in (None, PUSHED)


@given(text=bodies, limit=st.integers(min_value=40, max_value=300))
def test_a_text_is_within_its_limit(text: str, limit: int) -> None:
    written = write_text(text, limit)
    assert len(written) <= limit
    assert write_text(written, limit) == written


@pytest.mark.parametrize("mark", ["", "other", "kibcase-a b", "kibcase-a]b", "kibcase-" + "x" * 300])
def test_a_mark_that_could_not_be_found_again_is_not_written(mark: str) -> None:
    with pytest.raises(ValueError, match="mark"):
        write_note("x", mark, 4000)


def test_a_limit_too_small_for_the_mark() -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        write_note("x", "kibcase-abc", 12)
