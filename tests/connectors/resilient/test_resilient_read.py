"""Reading an incident and its notes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.actions import AddComment, EditComment
from kibcase_connectors.errors import Denied, NotFound
from kibcase_connectors.resilient import wire
from kibcase_connectors.standins.resilient import DEFAULT_KEYS, Account
from kibcase_connectors.standins.resilient.problem import ResilientProblem

if TYPE_CHECKING:
    from tests.connectors.resilient.conftest import Bench, MakeBench

MARK = "kibcase-kibana-0a1b2c3d-4e5f"


def test_a_snapshot(bench: Bench) -> None:
    number = bench.maria.create("Odd log-in", description="<div>one</div><div><b>two</b></div>", severity_code="Low")
    snapshot = bench.connector.read(str(number))
    assert snapshot.fields == {
        "title": "Odd log-in", "description": "<p>one</p><p><strong>two</strong></p>", "status": "A", "severity": "Low",
        "assignee": None, "observables": [],
    }
    assert bench.connector.mapping.canonical("description", snapshot.fields["description"]) == "one\n\n**two**"
    assert snapshot.label == str(number)
    assert snapshot.url == f"{bench.soar.url}/#incidents/{number}"
    assert snapshot.mark.startswith("kibcase-resilient-")
    assert snapshot.mark.endswith(f"-{number}")
    assert snapshot.created is not None
    assert (snapshot.created.at, snapshot.created.by) == (bench.clock.now, "Maria Lindqvist")
    assert snapshot.touched == {}
    assert snapshot.marks == ()


def test_an_incident_changed_since_its_creation_may_have_been_touched_in_any_field(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.clock.forward(minutes=5)
    bench.maria.edit(int(ticket.key), name="New")
    touched = bench.connector.read(ticket.key).touched
    assert {touch.at for touch in touched.values()} == {bench.clock.now}
    assert set(touched) == {"title", "description", "status", "severity", "assignee", "observables"}


def test_empty_values(bench: Bench) -> None:
    snapshot = bench.connector.read(str(bench.maria.create("x")))
    assert (snapshot.fields["description"], snapshot.fields["severity"]) == ("", "")
    assert bench.connector.mapping.canonical("severity", "") == "low"


def test_a_description_is_a_text_an_object_or_null(bench: Bench) -> None:
    key = str(bench.maria.create("x", description={"format": "html", "content": "<p>Seen</p>"}))
    assert bench.connector.mapping.canonical("description", bench.connector.read(key).fields["description"]) == "Seen"
    assert [wire.content(given) for given in ("a", {"format": "html", "content": "b"}, {"content": None}, None)] == [
        "a", "b", "", "",
    ]


def test_notes_replies_among_them_oldest_first(bench: Bench) -> None:
    number = int(bench.ticket().key)
    first = bench.maria.comment(number, "one")
    bench.clock.forward(seconds=1)
    second = bench.maria.comment(number, "<p>two</p><ul><li>a</li></ul>")
    bench.clock.forward(seconds=1)
    reply = bench.maria.comment(number, "to one", reply_to=first)
    deep = bench.maria.comment(number, "to the reply", reply_to=reply)
    comments = bench.connector.read(str(number)).comments
    assert [comment.key for comment in comments] == [str(each) for each in (first, second, reply, deep)]
    assert [comment.body for comment in comments] == ["one", "two\n\n- a", "to one", "to the reply"]
    assert {comment.author for comment in comments} == {"Maria Lindqvist"}
    assert comments[1].created == bench.clock.now - timedelta(seconds=1)
    assert all(comment.mark is None and comment.updated is None for comment in comments)


def test_a_deleted_note_has_no_text_and_is_none_though_its_replies_are(bench: Bench) -> None:
    number = int(bench.ticket().key)
    note = bench.maria.comment(number, "one")
    bench.maria.comment(number, "reply", reply_to=note)
    bench.maria.delete_comment(number, note)
    assert [comment.body for comment in bench.connector.read(str(number)).comments] == ["reply"]


def test_a_note_that_is_marked_as_deleted_is_none_whatever_its_text() -> None:
    raw = {"id": 1, "create_date": 5, "text": {"content": "x"}, "user_id": 3, "children": [
        {"id": "2", "create_date": 5, "text": "y", "user_id": 3, "user_name": "z"},
    ]}
    assert [note.id for note in wire.notes([raw])] == [1, 2]
    assert [(note.id, note.author) for note in wire.notes([{**raw, "is_deleted": True}])] == [(2, "principal 3")]


def test_an_edited_note_has_another_digest_and_version(bench: Bench) -> None:
    number = int(bench.ticket().key)
    note = bench.maria.comment(number, "one")
    before = bench.connector.read(str(number))
    bench.clock.forward(minutes=1)
    bench.maria.edit_comment(number, note, "two")
    after = bench.connector.read(str(number))
    assert after.comments[0].updated == bench.clock.now
    assert after.comments[0].digest != before.comments[0].digest
    assert after.version != before.version


def test_notes_of_api_keys_have_no_names_and_get_their_principals(make: MakeBench) -> None:
    other = Account(id=9, kind="apikey", login="4711-other", secret="s3cret", first_name="Ticket", last_name="Bot")
    bench = make(keys=(*DEFAULT_KEYS, other))
    number = int(bench.ticket().key)
    bench.soar.as_person(9).comment(number, "from a bot")
    assert bench.connector.read(str(number)).comments[0].author == "Ticket Bot"


def test_what_kibana_pushed_is_a_copy(bench: Bench) -> None:
    number = int(bench.ticket().key)
    for text in ("seen<br /><br />Added by elastic.", "Elastic Alerts attached to the case: 3"):
        bench.maria.comment(number, text)
    bench.maria.edit(number, description="body\n\nAdded by elastic.")
    snapshot = bench.connector.read(str(number))
    assert [(comment.body, comment.mark) for comment in snapshot.comments] == [
        ("seen", "kibcase-pushed"), ("Elastic Alerts attached to the case: 3", "kibcase-pushed"),
    ]
    assert snapshot.fields["description"] == "<p>body</p>"


def test_times_are_on_the_daemons_clock(bench: Bench) -> None:
    number = bench.maria.create("x")
    bench.maria.comment(number, "one")
    ahead = bench.connect(clock=lambda: bench.clock.now + timedelta(hours=3))
    snapshot = ahead.read(str(number))
    assert snapshot.created is not None
    for at in (snapshot.created.at, snapshot.comments[0].created):
        assert abs(at - bench.clock.now - timedelta(hours=3)) < timedelta(seconds=3)


def test_a_deleted_incident(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.maria.delete(int(ticket.key))
    with pytest.raises(NotFound):
        bench.connector.read(ticket.key)


@pytest.mark.parametrize("key", ["0x1", "1/../2", "", "²", "9" * 30])
def test_what_is_no_id_is_not_asked_for(bench: Bench, key: str) -> None:
    with pytest.raises(NotFound):
        bench.connector.read(key)
    assert all("incidents" not in path for _, path in bench.requests)


def test_nothing_is_gone_while_the_key_is_refused(bench: Bench) -> None:
    ticket = bench.ticket()
    wrong = bench.connect(api_key_secret="wrong")
    with pytest.raises(Denied):
        wrong.read(ticket.key)


@pytest.mark.parametrize("path", [r".*/incidents/\d+", r".*/comments", r".*/comments/\d+"])
def test_nothing_is_gone_unless_the_organisation_is_open_to_us(bench: Bench, path: str) -> None:
    ticket = bench.ticket()
    # The platform's own answer: any other 404 comes from something on the way to it.
    body = json.dumps(ResilientProblem(404).body()).encode()
    bench.soar.faults.arm(Fault(path=path, status=404, body=body))
    bench.soar.faults.arm(Fault(path="/rest/session", status=403))
    deeds: dict[str, Callable[[], object]] = {
        r".*/incidents/\d+": lambda: bench.connector.read(ticket.key),
        r".*/comments": lambda: bench.connector.apply(
            AddComment(key=ticket.key, mark=f"{MARK}#1", body="x"), bench.announced
        ),
        r".*/comments/\d+": lambda: bench.connector.apply(
            EditComment(key=ticket.key, comment="7", mark=f"{MARK}#1", body="x"), bench.announced
        ),
    }
    with pytest.raises(Denied):
        deeds[path]()


def test_the_organisation_by_name(bench: Bench) -> None:
    ticket = bench.ticket()
    for name in ("northwind soc", "northwind-soc", "201"):
        assert bench.connect(org=name).read(ticket.key).mark == ticket.mark
    with pytest.raises(Denied, match=r"'Elsewhere'; it has Northwind SOC"):
        bench.connect(org="Elsewhere").read(ticket.key)


def test_select_values_without_a_label_are_told_as_such(bench: Bench) -> None:
    assert bench.connector._site.label("severity_code", 99) == "#99"
