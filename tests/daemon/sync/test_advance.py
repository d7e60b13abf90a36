"""How the base moves: with what was stored, and, after a cut-short write, with what can be seen of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from kibcase_connectors.actions import AddComment, Create, LinkBack, SetFields, SetStatus
from kibcase_connectors.model import UNSET, Json, Receipt, Side, Touch, Unset
from kibcase_daemon.sync.advance import Intent, advance, after_creation, settle
from kibcase_daemon.sync.types import (
    Base,
    Both,
    CommentChange,
    CommentPair,
    FieldChange,
    Maps,
    Planned,
    Verdict,
)

if TYPE_CHECKING:
    from tests.daemon.sync.conftest import MakeComment, MakeSnapshot

SENT = Touch(at=datetime(2026, 1, 5, 9, tzinfo=UTC), by="Bo")


def base_of(**fields: tuple[Json | Unset, Json | Unset]) -> Base:
    return Base(fields={name: Both(case=case, ticket=ticket) for name, (case, ticket) in fields.items()})


def intent(kind: str, **more: object) -> Intent:
    given: dict[str, object] = {
        "id": "i", "link": "l", "side": Side.TICKET, "kind": kind, "sent_at": 1.0, "attempts": 1, **more,
    }
    return Intent(**given)  # type: ignore[arg-type]


def change(field: str, value: str) -> FieldChange:
    return FieldChange(field=field, verdict=Verdict.CARRY, why="changed", to=Side.TICKET, value=value)


def test_the_base_becomes_what_was_stored_and_not_what_was_sent(maps: Maps) -> None:
    action = SetFields(key="ticket-1", version="7", fields={"title": "a title far too long"})
    planned = Planned(
        id="i", side=Side.TICKET, action=action, changes=(change("title", "a title far too long"),),
        sources={"title": "a title far too long"},
    )
    receipt = Receipt(key="ticket-1", stored={"title": "a title"})
    moved = advance(base_of(title=("old", "old")), planned, receipt, maps)
    assert moved.agreed("title") == Both(case="a title far too long", ticket="a title")


def test_a_field_of_which_the_system_says_nothing_counts_as_never_agreed(maps: Maps) -> None:
    action = SetStatus(key="ticket-1", version="7", status="closed")
    planned = Planned(
        id="i", side=Side.TICKET, action=action, changes=(change("status", "closed"),), sources={"status": "closed"}
    )
    moved = advance(base_of(status=("open", "To Do")), planned, Receipt(key="ticket-1"), maps)
    assert moved.agreed("status") == Both(case="closed", ticket=UNSET)


def test_other_fields_stay_as_they_were(maps: Maps) -> None:
    action = SetStatus(key="ticket-1", version="7", status="closed")
    planned = Planned(
        id="i", side=Side.TICKET, action=action, changes=(change("status", "closed"),), sources={"status": "closed"}
    )
    before = base_of(status=("open", "To Do"), title=("a", "a"))
    moved = advance(before, planned, Receipt(key="ticket-1", stored={"status": "Done"}), maps)
    assert moved.agreed("title") == before.agreed("title")
    assert moved.agreed("status") == Both(case="closed", ticket="Done")


def test_a_link_back_is_remembered(maps: Maps) -> None:
    planned = Planned(
        id="i", side=Side.TICKET, action=LinkBack(key="ticket-1", mark="m", label="L", url="https://x.example")
    )
    assert advance(Base(), planned, Receipt(key="ticket-1"), maps).linked == {Side.TICKET}


def test_a_mirror_is_paired_with_its_original(maps: Maps, comment: MakeComment) -> None:
    written = comment("m1", "said", mark="kibcase-case-1#c1", digest="stored")
    told = CommentChange(to=Side.TICKET, key="c1", digest="d", author="Ada", body="said")
    action = AddComment(key="ticket-1", mark="kibcase-case-1#c1", body="said")
    planned = Planned(id="i", side=Side.TICKET, action=action, comment=told)
    moved = advance(Base(), planned, Receipt(key="ticket-1", comment=written), maps)
    assert moved.comments == (
        CommentPair(origin=Side.CASE, key="c1", mirror="m1", digest="d", mirror_digest="stored"),
    )


def test_a_new_thing_agrees_on_what_was_sent_and_on_nothing_else(maps: Maps) -> None:
    sources: dict[str, Json] = {"title": "Beacon", "status": "closed", "tags": ["lab 7"]}
    stored: dict[str, Json] = {"title": "Beacon", "status": "To Do", "tags": ["lab-7", "auto", "kibcase-case-1"]}
    base = after_creation(sources, {"title", "tags"}, stored, Side.TICKET, maps)
    assert base.agreed("title") == Both(case="Beacon", ticket="Beacon")
    assert base.agreed("status") == Both(case=UNSET, ticket="To Do"), "the case's status is still to be carried"
    assert base.agreed("tags") == Both(case=["lab 7"], ticket=["lab-7"]), "and so is what the system added itself"


def test_creation_advances_by_what_the_receipt_says(maps: Maps) -> None:
    action = Create(mark="kibcase-case-1", fields={"title": "Beacon"}, origin_label="CASE-1")
    planned = Planned(id="i", side=Side.TICKET, action=action, sources={"title": "Beacon"})
    moved = advance(Base(), planned, Receipt(key="t", stored={"title": "Beacon", "severity": "Medium"}), maps)
    assert moved.agreed("title") == Both(case="Beacon", ticket="Beacon")
    assert moved.agreed("severity") == Both(case=UNSET, ticket="Medium")


class TestSettle:
    """What a write that has no receipt did, as far as the snapshots show it."""

    def test_our_value_is_no_change_of_a_person(self, maps: Maps, snapshot: MakeSnapshot) -> None:
        now = Both(case=snapshot("case-1"), ticket=snapshot("ticket-1", fields={"title": "ours"}))
        begun = intent("fields", sources={"title": "ours"}, announced={"title": ["ours"]})
        settled = settle(base_of(title=("old", "old")), [begun], now, maps)
        assert settled.agreed("title").ticket == "ours"

    def test_what_left_no_trace_did_not_happen(self, maps: Maps, snapshot: MakeSnapshot) -> None:
        now = Both(case=snapshot("case-1"), ticket=snapshot("ticket-1", fields={"title": "a person's"}))
        begun = intent("fields", sources={"title": "ours"}, announced={"title": ["ours"]})
        base = base_of(title=("old", "old"))
        assert settle(base, [begun], now, maps) == base

    @pytest.mark.parametrize("step", ["In Progress", "In Review", "Done"])
    def test_every_step_of_a_way_is_ours(self, step: str, maps: Maps, snapshot: MakeSnapshot) -> None:
        now = Both(
            case=snapshot("case-1", fields={"status": "closed"}), ticket=snapshot("ticket-1", fields={"status": step})
        )
        begun = intent(
            "status", sources={"status": "closed"}, announced={"status": ["In Progress", "In Review", "Done"]}
        )
        agreed = settle(base_of(status=("open", "To Do")), [begun], now, maps).agreed("status")
        assert agreed == Both(case=UNSET, ticket=step), "and the rest of the way is still to be gone"

    def test_a_way_on_which_no_step_was_made_moves_nothing(self, maps: Maps, snapshot: MakeSnapshot) -> None:
        now = Both(case=snapshot("case-1", fields={"status": "closed"}), ticket=snapshot("ticket-1"))
        begun = intent("status", sources={"status": "closed"}, announced={"status": ["In Progress"]})
        base = base_of(status=("open", "To Do"))
        assert settle(base, [begun], now, maps) == base

    def creation(self) -> Intent:
        return intent(
            "create", mark="kibcase-case-1",
            sources={"title": "Beacon", "severity": "low", "status": "closed", "tags": ["lab 7"]},
            announced={"title": ["Beacon"], "severity": ["Low"], "tags": [["lab-7", "kibcase-case-1"]]},
        )

    def test_a_creation_nobody_touched_since_agrees_on_what_was_sent(
        self, maps: Maps, snapshot: MakeSnapshot
    ) -> None:
        ticket = snapshot("ticket-1", fields={"severity": "Low", "tags": ["lab-7", "kibcase-case-1"]})
        settled = settle(Base(), [self.creation()], Both(case=snapshot("case-1"), ticket=ticket), maps)
        assert settled.agreed("title") == Both(case="Beacon", ticket="Beacon")
        assert settled.agreed("severity") == Both(case="low", ticket="Low")
        assert settled.agreed("status") == Both(case=UNSET, ticket="To Do")
        assert settled.agreed("tags") == Both(case=["lab 7"], ticket=["lab-7"])

    def test_people_may_edit_the_new_thing_meanwhile(self, maps: Maps, snapshot: MakeSnapshot) -> None:
        ticket = snapshot(
            "ticket-1", fields={"title": "a person's", "severity": "Low"}, touched={"title": SENT}
        )
        settled = settle(Base(), [self.creation()], Both(case=snapshot("case-1"), ticket=ticket), maps)
        assert settled.agreed("title") == Both(case="Beacon", ticket="Beacon"), "so it shows as their change"
        assert settled.agreed("severity") == Both(case="low", ticket="Low")

    def test_people_may_edit_the_original_meanwhile(self, maps: Maps, snapshot: MakeSnapshot) -> None:
        case = snapshot("case-1", fields={"title": "a person's"}, touched={"title": SENT})
        settled = settle(Base(), [self.creation()], Both(case=case, ticket=snapshot("ticket-1")), maps)
        assert settled.agreed("title") == Both(case="Beacon", ticket="Beacon")

    def test_a_creation_is_settled_only_while_nothing_is_agreed(self, maps: Maps, snapshot: MakeSnapshot) -> None:
        base = base_of(title=("a", "b"))
        now = Both(case=snapshot("case-1"), ticket=snapshot("ticket-1"))
        assert settle(base, [self.creation()], now, maps) == base

    def test_a_mirror_is_known_by_its_mark_and_was_written_from_the_text_of_then(
        self, maps: Maps, comment: MakeComment, snapshot: MakeSnapshot
    ) -> None:
        mark = "kibcase-case-1#c1"
        now = Both(
            case=snapshot("case-1", comment("c1", digest="edited since")),
            ticket=snapshot("ticket-1", comment("m1", mark=mark, digest="stored")),
        )
        begun = intent("add-comment", mark=mark, comment="c1", digest="then", body=now.ticket.comments[0].body)
        assert settle(Base(), [begun], now, maps).comments == (
            CommentPair(origin=Side.CASE, key="c1", mirror="m1", digest="then", mirror_digest="stored"),
        )

    def test_an_edit_that_did_not_arrive_is_still_to_be_made(
        self, maps: Maps, comment: MakeComment, snapshot: MakeSnapshot
    ) -> None:
        mark = "kibcase-case-1#c1"
        pair = CommentPair(origin=Side.CASE, key="c1", mirror="m1", digest="old", mirror_digest="stored")
        now = Both(
            case=snapshot("case-1", comment("c1", digest="new")),
            ticket=snapshot("ticket-1", comment("m1", mark=mark, digest="stored")),
        )
        begun = intent("edit-comment", mark=mark, comment="c1", digest="new", body="what was sent")
        base = Base(comments=(pair,))
        assert settle(base, [begun], now, maps) == base

    def test_elements_that_arrived_are_agreed_and_others_are_not(self, maps: Maps, snapshot: MakeSnapshot) -> None:
        now = Both(
            case=snapshot("case-1", fields={"tags": ["lab 7", "apt"]}),
            ticket=snapshot("ticket-1", fields={"tags": ["lab-7", "old"]}),
        )
        begun = intent(
            "fields", sources={"tags": ["lab 7", "apt"]}, announced={"tags": [["lab-7", "apt"]]},
            add={"tags": ["lab-7", "apt"]}, remove={"tags": ["old", "gone"]},
        )
        base = base_of(tags=(["old", "gone"], ["old", "gone"]))
        settled = settle(base, [begun], now, maps).agreed("tags")
        assert settled == Both(case=["old", "lab 7"], ticket=["old", "lab-7"])

    def test_an_edit_that_arrived_is_done(
        self, maps: Maps, comment: MakeComment, snapshot: MakeSnapshot
    ) -> None:
        mark = "kibcase-case-1#c1"
        pair = CommentPair(origin=Side.CASE, key="c1", mirror="m1", digest="old", mirror_digest="stored")
        now = Both(
            case=snapshot("case-1", comment("c1", digest="new")),
            ticket=snapshot("ticket-1", comment("m1", "what was sent", mark=mark, digest="stored anew")),
        )
        begun = intent("edit-comment", mark=mark, comment="c1", digest="new", body="what was  sent")
        (settled,) = settle(Base(comments=(pair,)), [begun], now, maps).comments
        assert (settled.digest, settled.mirror_digest) == ("new", "stored anew")
