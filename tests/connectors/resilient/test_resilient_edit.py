"""Changing fields, marks, links and notes of an incident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.actions import AddComment, EditComment, LinkBack, SetFields
from kibcase_connectors.errors import Conflict, NotFound, OutcomeUnknown, Refused
from kibcase_connectors.standins.resilient import DEFAULT_CUSTOM_FIELDS, Choice, Field

if TYPE_CHECKING:
    from tests.connectors.resilient.conftest import Bench, MakeBench

MARK = "kibcase-kibana-0a1b2c3d-4e5f"
FIELDS = (
    *DEFAULT_CUSTOM_FIELDS,
    Field(id=1002, name="labels", text="Labels", input_type="text", prefix="properties"),
    Field(id=1003, name="topics", text="Topics", input_type="multiselect", prefix="properties",
          choices=(Choice(value=71, label="C2"), Choice(value=72, label="Phishing"), Choice(value=73, label="EDR"))),
    Field(id=1005, name="case_link", text="Case", input_type="text", prefix="properties"),
    Field(id=1006, name="case_box", text="Case box", input_type="textarea", rich_text=True, prefix="properties"),
)


def patch(**more: Any) -> Fault:
    return Fault(method="PATCH", path=".*/incidents/.*", **more)


def test_fields_are_set_in_one_request(bench: Bench) -> None:
    ticket = bench.ticket()
    receipt = bench.set(ticket, title="New", description="*see* `x<y`", severity="low")
    expected = {"title": "New", "description": "<p><em>see</em> <code>x&lt;y</code></p>", "severity": "Low"}
    assert receipt.stored == expected
    assert bench.announced.values == [expected]
    assert bench.changing == [("PATCH", f"incidents/{ticket.key}")]
    after = bench.connector.read(ticket.key)
    assert {name: after.fields[name] for name in expected} == expected


def test_only_real_differences_are_sent(bench: Bench) -> None:
    ticket = bench.ticket()
    receipt = bench.set(ticket, title="Beacon on WKS-7", description="Seen by **EDR**.", severity="critical")
    assert receipt.stored == {
        "title": "Beacon on WKS-7", "description": "<p>Seen by <strong>EDR</strong>.</p>", "severity": "High",
    }
    assert bench.changing == []
    assert bench.announced.values == []


def test_a_text_can_be_emptied(bench: Bench) -> None:
    ticket = bench.ticket()
    assert bench.set(ticket, description="").stored == {"description": ""}
    assert bench.value(ticket.key, "description") is None
    again = bench.connector.read(ticket.key)
    assert bench.set(again, description="back").stored == {"description": "<p>back</p>"}


def test_an_incident_that_moved_on_is_a_conflict(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.clock.forward(seconds=1)
    bench.maria.edit(int(ticket.key), severity_code="Low")
    with pytest.raises(Conflict):
        bench.set(ticket, title="B")
    assert bench.changing == []


def test_a_note_meanwhile_is_no_conflict(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.maria.comment(int(ticket.key), "x")
    assert bench.set(ticket, title="B").stored == {"title": "B"}


def test_the_old_value_is_a_lock_although_the_answer_has_status_200(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.soar.faults.arm(patch(call=lambda _: bench.maria.edit(int(ticket.key), name="Theirs")))
    with pytest.raises(Conflict, match="name") as conflict:
        bench.set(ticket, title="Ours", severity="low")
    assert conflict.value.field == "title"
    assert (bench.value(ticket.key, "name"), bench.value(ticket.key, "severity_code")) == ("Theirs", 6)


def test_a_refusal_with_status_200_is_a_refusal(bench: Bench) -> None:
    ticket = bench.ticket()
    body = b'{"success":false,"title":null,"message":"Severity can not be changed.","hints":[],"field_failures":[]}'
    bench.soar.faults.arm(patch(status=200, body=body))
    with pytest.raises(Refused, match="can not be changed") as refused:
        bench.set(ticket, severity="low")
    assert refused.value.field == "severity"


def test_an_answer_that_does_not_say_how_it_went(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.soar.faults.arm(patch(status=200, body=b"{}"))
    with pytest.raises(OutcomeUnknown):
        bench.set(ticket, severity="low")


def test_a_conflict_in_the_database_is_left_to_the_next_look(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.soar.conflict()
    with pytest.raises(Conflict):
        bench.set(ticket, title="B")
    assert len(bench.changing) == 1
    assert bench.set(ticket, title="B").stored == {"title": "B"}


def test_an_edit_by_a_person_after_ours_is_not_taken_as_stored(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.soar.faults.arm(
        patch(when="after", call=lambda _: bench.maria.edit(int(ticket.key), name="Theirs", severity_code="Medium"))
    )
    assert bench.set(ticket, title="Ours", severity="low").stored == {"title": "Ours", "severity": "Low"}


def test_what_a_playbook_makes_of_our_change_counts_as_theirs(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.soar.add_playbook(lambda written, system: system.edit(written.incident_id, severity_code="High"))
    assert bench.set(ticket, severity="low").stored == {"severity": "Low"}
    assert bench.connector.read(ticket.key).fields["severity"] == "High"


def test_a_change_whose_answer_is_lost_is_not_repeated(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.soar.faults.arm(patch(when="after", drop=True))
    with pytest.raises(OutcomeUnknown):
        bench.set(ticket, title="B")
    assert len(bench.changing) == 1
    # What was announced is what is shown: the engine recognises its own write by it.
    assert bench.connector.read(ticket.key).fields["title"] == bench.announced.values[0]["title"]


def test_an_announced_description_is_recognised_in_what_the_platform_kept(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.soar.faults.arm(patch(when="after", drop=True))
    text = "# T\n\na  b\nc <script>\n\n- [x](http://e.org/?a&b)\n\n```py\n1 < 2\n```"
    with pytest.raises(OutcomeUnknown):
        bench.set(ticket, description=text)
    assert bench.connector.read(ticket.key).fields["description"] == bench.announced.values[0]["description"]


def test_a_change_that_cannot_be_read_back_has_an_unknown_outcome(bench: Bench) -> None:
    ticket = bench.ticket()
    down = Fault(method="GET", path=".*/incidents/.*", status=503)
    bench.soar.faults.arm(patch(when="after", call=lambda _: bench.soar.faults.arm(down)))
    with pytest.raises(OutcomeUnknown, match="read back"):
        bench.set(ticket, title="B")


def test_a_status_is_no_field(bench: Bench) -> None:
    ticket = bench.ticket()
    with pytest.raises(Refused) as refused:
        bench.set(ticket, status="closed")
    assert refused.value.field == "status"


def test_missing_rights_park_the_incident(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.soar.state.deny(5, "write")
    with pytest.raises(Refused, match="permission"):
        bench.set(ticket, title="B")


@pytest.mark.parametrize(("settings", "path", "before", "after"), [
    ({"tags_field": "labels"}, "properties.labels", "apt 29, edr", "edr, vip"),
    ({"tags_field": "topics", "tag_values": ["C2", "Phishing", "EDR"]}, "properties.topics", (71, 73), (73, 72)),
])
def test_tags(make: MakeBench, settings: dict[str, Any], path: str, before: object, after: object) -> None:
    bench = make(custom_fields=FIELDS, settings=settings)
    number = bench.maria.create(
        "x", **{path.partition(".")[2]: "apt 29, edr" if "labels" in path else ["C2", "EDR"]}
    )
    assert bench.value(str(number), path) == before
    ticket = bench.connector.read(str(number))
    held = ticket.fields["tags"]
    assert isinstance(held, list)
    first, second = held
    new = "vip" if "labels" in path else "Phishing"
    receipt = bench.connector.apply(
        SetFields(key=ticket.key, version=ticket.version, add={"tags": (new,)}, remove={"tags": (str(first),)}),
        bench.announced,
    )
    assert receipt.stored == {"tags": [second, new]}
    assert bench.value(ticket.key, path) == after


def test_tags_without_a_field_for_them(bench: Bench) -> None:
    ticket = bench.ticket()
    assert "tags" not in bench.connector.capabilities.fields
    assert "tags" not in ticket.fields
    with pytest.raises(Refused) as refused:
        bench.connector.apply(
            SetFields(key=ticket.key, version=ticket.version, add={"tags": ("x",)}), bench.announced
        )
    assert refused.value.field == "tags"


def test_a_lost_mark_is_put_back_among_the_tags_to_add(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.clock.forward(seconds=1)
    bench.maria.edit(int(ticket.key), kibana_case_id=None)
    bare = bench.connector.read(ticket.key)
    assert bare.marks == ()
    put_back = SetFields(key=bare.key, version=bare.version, add={"tags": (MARK,)})
    bench.connector.apply(put_back, bench.announced)
    after = bench.connector.read(ticket.key)
    assert after.marks == (MARK,)
    assert bench.connector.find(MARK) == (ticket.key,)
    other = SetFields(key=after.key, version=after.version, add={"tags": ("kibcase-kibana-other",)})
    with pytest.raises(Refused, match=MARK):
        bench.connector.apply(other, bench.announced)


def test_a_title_keeps_the_mark_in_the_name_and_a_lost_one_is_put_back(make: MakeBench) -> None:
    bench = make(settings={"mark_field": None})
    ticket = bench.ticket()
    assert bench.set(ticket, title="New").stored == {"title": "New"}
    assert bench.value(ticket.key, "name") == f"New [{MARK}]"
    bench.clock.forward(seconds=1)
    bench.maria.edit(int(ticket.key), name="Theirs")
    bare = bench.connector.read(ticket.key)
    put_back = SetFields(key=bare.key, version=bare.version, add={"tags": (MARK,)})
    bench.connector.apply(put_back, bench.announced)
    assert bench.value(ticket.key, "name") == f"Theirs [{MARK}]"


@pytest.mark.parametrize("name", ["case_link", "case_box"])
def test_a_link_is_written_once(make: MakeBench, name: str) -> None:
    bench = make(custom_fields=FIELDS, settings={"link_field": name})
    assert bench.connector.capabilities.links_back
    ticket = bench.ticket()
    link = LinkBack(key=ticket.key, mark=MARK, label="case 7", url="https://kibana.example.com/app/cases/7")
    bench.connector.apply(link, bench.announced)
    bench.connector.apply(link, bench.announced)
    assert link.url in bench.value(ticket.key, f"properties.{name}")
    assert len(bench.changing) == len(bench.announced.values) == 1


def test_without_a_field_there_is_no_link(bench: Bench) -> None:
    assert not bench.connector.capabilities.links_back


def test_a_note_is_written_with_its_mark(bench: Bench) -> None:
    ticket = bench.ticket()
    body = "**Ann** in *case*:\n\nsee `x < y` & <b>\nthere"
    receipt = bench.connector.apply(AddComment(key=ticket.key, mark=f"{MARK}#9", body=body), bench.announced)
    assert receipt.comment is not None
    assert (receipt.comment.mark, receipt.comment.updated) == (f"{MARK}#9", None)
    assert receipt.comment.body == "**Ann** in _case_:\n\nsee `x < y` & \\<b>\nthere"
    assert bench.announced.values == [{}]
    assert bench.connector.read(ticket.key).comments == (receipt.comment,)
    (held,) = bench.maria.incident(int(ticket.key)).comments
    assert held.text is not None
    assert held.text.endswith(f"<p>[{MARK}#9]</p></div>")
    assert "&lt;b&gt;" in held.text


@pytest.mark.parametrize("html", [
    f"<blockquote><p>[{MARK}#9]</p></blockquote>", f"see [{MARK}#9]", f"<p>[{MARK}#9]</p><p>no</p>",
    f"<ul><li>[{MARK}#9]</li></ul>", f"<b>see</b> [{MARK}#9]",
])
def test_a_mark_that_is_quoted_or_spoken_of_makes_no_mirror(bench: Bench, html: str) -> None:
    number = int(bench.ticket().key)
    bench.maria.comment(number, html)
    assert bench.connector.read(str(number)).comments[0].mark is None


def test_a_mark_survives_an_editor_that_makes_lines_of_paragraphs(bench: Bench) -> None:
    number = int(bench.ticket().key)
    bench.maria.comment(number, f"<div>text<br>[{MARK}#9]</div>")
    (comment,) = bench.connector.read(str(number)).comments
    assert (comment.body, comment.mark) == ("text", f"{MARK}#9")


def test_a_note_is_edited_and_keeps_its_mark(bench: Bench) -> None:
    ticket = bench.ticket()
    made = bench.connector.apply(AddComment(key=ticket.key, mark=f"{MARK}#9", body="one"), bench.announced).comment
    assert made is not None
    bench.clock.forward(minutes=1)
    edit = EditComment(key=ticket.key, comment=made.key, mark=f"{MARK}#9", body="two")
    changed = bench.connector.apply(edit, bench.announced).comment
    assert changed is not None
    assert (changed.key, changed.body, changed.mark, changed.updated) == (
        made.key, "two", f"{MARK}#9", bench.clock.now
    )
    assert changed.digest != made.digest
    assert bench.connector.read(ticket.key).comments == (changed,)


def test_a_note_that_is_gone_or_of_somebody_else(bench: Bench) -> None:
    ticket = bench.ticket()
    theirs = bench.maria.comment(int(ticket.key), "x")
    with pytest.raises(Refused):
        bench.connector.apply(
            EditComment(key=ticket.key, comment=str(theirs), mark=f"{MARK}#9", body="two"), bench.announced
        )
    bench.maria.delete_comment(int(ticket.key), theirs)
    with pytest.raises(NotFound):
        bench.connector.apply(
            EditComment(key=ticket.key, comment=str(theirs), mark=f"{MARK}#9", body="two"), bench.announced
        )


def test_an_incident_that_is_gone_takes_no_note(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.maria.delete(int(ticket.key))
    with pytest.raises(NotFound):
        bench.connector.apply(AddComment(key=ticket.key, mark=f"{MARK}#9", body="x"), bench.announced)


def test_a_note_whose_answer_is_lost_is_there_once(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.soar.faults.arm(Fault(method="POST", path=".*/comments", when="after", drop=True))
    with pytest.raises(OutcomeUnknown):
        bench.connector.apply(AddComment(key=ticket.key, mark=f"{MARK}#9", body="x"), bench.announced)
    assert [comment.mark for comment in bench.connector.read(ticket.key).comments] == [f"{MARK}#9"]
    assert len(bench.changing) == 1


def test_what_is_no_mark_is_not_written(bench: Bench) -> None:
    ticket = bench.ticket()
    with pytest.raises(Refused):
        bench.connector.apply(AddComment(key=ticket.key, mark="no mark", body="x"), bench.announced)
    assert bench.changing == []


def test_nothing_is_sent_when_the_announcement_fails(bench: Bench) -> None:
    ticket = bench.ticket()

    def fail() -> None:
        raise RuntimeError("disk full")

    bench.announced.then = fail
    for action in (
        SetFields(key=ticket.key, version=ticket.version, fields={"title": "B"}),
        AddComment(key=ticket.key, mark=f"{MARK}#9", body="x"),
    ):
        with pytest.raises(RuntimeError):
            bench.connector.apply(action, bench.announced)
    assert bench.changing == []
