"""From a base and two snapshots to actions: what, in which order, and what waits for what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from kibcase_connectors.actions import AddComment, Create, EditComment, LinkBack, SetFields, SetStatus
from kibcase_connectors.api import Capabilities
from kibcase_connectors.model import FIELDS, Json, Side, Touch
from kibcase_daemon.sync.comments import Sides, render
from kibcase_daemon.sync.plan import make_plan, plan_creation
from kibcase_daemon.sync.types import (
    Agreed,
    Base,
    Both,
    CommentPair,
    Direction,
    FieldRule,
    Maps,
    Plan,
    Policy,
    Rules,
    Verdict,
)

if TYPE_CHECKING:
    from tests.daemon.sync.conftest import MakeComment, MakeSnapshot

ALL = Rules(fields={name: FieldRule() for name in FIELDS})
YES, NO = Both(case=True, ticket=True), Both(case=False, ticket=False)


def in_step(now: Sides) -> Base:
    """Give the base that says that both sides are as agreed."""
    fields: dict[str, Agreed] = {
        name: Both(case=now.case.fields[name], ticket=now.ticket.fields[name]) for name in FIELDS
    }
    return Base(fields=fields)


def plan(
    base: Base, now: Sides, maps: Maps, *, rules: Rules = ALL, editable: Both[bool] = YES, links_back: Both[bool] = NO,
    files: Both[bool] = YES,
) -> Plan:
    able = Both(
        case=Capabilities(
            fields=frozenset(FIELDS), edits_comments=editable.case, links_back=links_back.case, files=files.case
        ),
        ticket=Capabilities(
            fields=frozenset(FIELDS), edits_comments=editable.ticket, links_back=links_back.ticket, files=files.ticket
        ),
    )
    return make_plan("r/case/1", base, now, rules=rules, maps=maps, able=able)


def order(planned: Plan) -> list[tuple[str, str, bool]]:
    """Give side, kind and ``later`` of each action."""
    return [(one.side.value, type(one.action).__name__, one.later) for one in planned.actions]


@pytest.fixture
def now(snapshot: MakeSnapshot) -> Sides:
    return Both(case=snapshot("case-1"), ticket=snapshot("ticket-1"))


def test_in_step_is_an_empty_plan(now: Sides, maps: Maps) -> None:
    base = in_step(now)
    assert plan(base, now, maps) == Plan(base=base)


def test_equal_arguments_give_an_equal_plan(now: Sides, maps: Maps, snapshot: MakeSnapshot) -> None:
    changed = now.put(Side.CASE, snapshot("case-1", fields={"title": "New", "status": "closed", "tags": ["a"]}))
    assert plan(in_step(now), changed, maps) == plan(in_step(now), changed, maps)


def test_a_field_without_a_rule_or_off_or_missing_on_a_side_is_left_alone(
    now: Sides, maps: Maps, snapshot: MakeSnapshot
) -> None:
    changed = now.put(Side.CASE, snapshot("case-1", fields={"title": "New", "severity": "low", "extra": 1}))
    rules = Rules(
        fields={"title": FieldRule(direction=Direction.OFF), "extra": FieldRule()}, comments=Direction.OFF
    )
    assert plan(in_step(now), changed, maps, rules=rules).actions == ()


def test_all_fields_of_a_side_go_in_one_write_with_what_they_were_made_from(
    now: Sides, maps: Maps, snapshot: MakeSnapshot
) -> None:
    fields: dict[str, Json] = {"title": "New", "severity": "critical", "tags": ["lab 7"]}
    changed = now.put(Side.CASE, snapshot("case-1", fields=fields))
    (only,) = plan(in_step(now), changed, maps).actions
    assert only.action == SetFields(
        key="ticket-1", version="7", fields={"title": "New"}, add={"tags": ("lab-7",)}
    ), "critical and high are one priority there"
    assert only.sources == {"title": "New", "tags": ["lab 7"]}
    assert only.id == "r/case/1/ticket/fields"


@pytest.mark.parametrize(
    ("case", "ticket", "wanted"),
    [
        ("closed", "To Do", [("ticket", "SetFields", False), ("ticket", "AddComment", False),
                             ("ticket", "SetStatus", True)]),
        ("open", "Done", [("ticket", "SetStatus", False), ("ticket", "SetFields", True),
                          ("ticket", "AddComment", True)]),
        ("in-progress", "To Do", [("ticket", "SetStatus", False), ("ticket", "SetFields", True),
                                  ("ticket", "AddComment", True)]),
    ],
)  # fmt: skip
def test_closing_comes_last_and_reopening_first(
    case: str, ticket: str, wanted: list[tuple[str, str, bool]], maps: Maps, comment: MakeComment,
    snapshot: MakeSnapshot,
) -> None:
    was = maps.ticket.canonical("status", ticket)
    assert isinstance(was, str)
    before = Both(
        case=snapshot("case-1", fields={"status": was}), ticket=snapshot("ticket-1", fields={"status": ticket})
    )
    after = before.put(Side.CASE, snapshot("case-1", comment("c1"), fields={"status": case, "title": "New"}))
    assert order(plan(in_step(before), after, maps)) == wanted


@pytest.mark.parametrize("status", ["closed", "in-progress"])
def test_a_status_alone_waits_for_nothing(status: str, now: Sides, maps: Maps, snapshot: MakeSnapshot) -> None:
    after = now.put(Side.CASE, snapshot("case-1", fields={"status": status}))
    planned = plan(in_step(now), after, maps)
    assert order(planned) == [("ticket", "SetStatus", False)]
    assert planned.actions[0].action == SetStatus(key="ticket-1", version="7", status=status)


def test_what_waits_on_one_side_does_not_wait_on_the_other(
    now: Sides, maps: Maps, comment: MakeComment, snapshot: MakeSnapshot
) -> None:
    after = Both(
        case=snapshot("case-1", comment("c1"), fields={"status": "closed"}),
        ticket=snapshot("ticket-1", comment("t1"), fields={"title": "New"}),
    )
    assert order(plan(in_step(now), after, maps)) == [
        ("case", "SetFields", False), ("case", "AddComment", False),
        ("ticket", "AddComment", False), ("ticket", "SetStatus", True),
    ]


def test_comments_are_written_with_their_mark_and_edited_by_key(
    maps: Maps, comment: MakeComment, snapshot: MakeSnapshot
) -> None:
    case = snapshot("case-1", comment("c1", "new text"), comment("c2", minute=1))
    ticket = snapshot("ticket-1", comment("m1", mark="kibcase-case-1#c1"))
    now = Both(case=case, ticket=ticket)
    pair = CommentPair(origin=Side.CASE, key="c1", mirror="m1", digest="old", mirror_digest=ticket.comments[0].digest)
    base = in_step(now).with_pair(pair)
    assert [one.action for one in plan(base, now, maps).actions] == [
        EditComment(key="ticket-1", comment="m1", mark="kibcase-case-1#c1", body=render(case.comments[0], case)),
        AddComment(key="ticket-1", mark="kibcase-case-1#c2", body=render(case.comments[1], case)),
    ]


def test_only_the_copy_gets_a_link_and_only_once(maps: Maps, snapshot: MakeSnapshot) -> None:
    case = snapshot("case-1", url="https://kibana.example/case-1")
    copy = snapshot("ticket-1", url="https://jira.example/1", marks=("kibcase-case-1",))
    now = Both(case=case, ticket=copy)
    planned = plan(in_step(now), now, maps, links_back=YES)
    assert [one.action for one in planned.actions] == [
        LinkBack(key="ticket-1", mark="kibcase-case-1", label="CASE-1", url="https://kibana.example/case-1")
    ]
    linked = Base(fields=planned.base.fields, linked=frozenset({Side.TICKET}))
    assert plan(linked, now, maps, links_back=YES).actions == ()
    assert plan(in_step(now), now, maps, links_back=NO).actions == ()


def test_no_address_no_link(maps: Maps, snapshot: MakeSnapshot) -> None:
    now = Both(case=snapshot("case-1"), ticket=snapshot("ticket-1", marks=("kibcase-case-1",)))
    assert plan(in_step(now), now, maps, links_back=YES).actions == ()


def test_a_question_about_one_field_holds_up_no_other(now: Sides, maps: Maps, snapshot: MakeSnapshot) -> None:
    rules = Rules(fields={name: FieldRule(policy=Policy.MANUAL) for name in FIELDS})
    after = Both(
        case=snapshot("case-1", fields={"title": "mine", "severity": "low"}),
        ticket=snapshot("ticket-1", fields={"title": "yours"}),
    )
    planned = plan(in_step(now), after, maps, rules=rules)
    assert [change.field for change in planned.held] == ["title"]
    assert [one.action for one in planned.actions] == [
        SetFields(key="ticket-1", version="7", fields={"severity": "low"})
    ]


def test_agreement_moves_the_base_without_a_write(now: Sides, maps: Maps, snapshot: MakeSnapshot) -> None:
    after = now.put(Side.TICKET, snapshot("ticket-1", fields={"title": "Same"}))
    after = after.put(Side.CASE, snapshot("case-1", fields={"title": "Same"}))
    planned = plan(in_step(now), after, maps)
    assert planned.actions == ()
    assert planned.base.agreed("title") == Both(case="Same", ticket="Same")
    assert [change.verdict for change in planned.changes] == [Verdict.AGREED]


@pytest.mark.parametrize("later", list(Side))
def test_a_field_that_nobody_touched_is_as_old_as_its_thing(
    later: Side, maps: Maps, snapshot: MakeSnapshot
) -> None:
    """Policy newest without a base, as after the loss of the store: what was made later wins."""

    def made(side: Side) -> Touch:
        return Touch(at=datetime(2026, 1, 5, 10 if side is later else 9, tzinfo=UTC), by=side.value)

    now = Both(
        case=snapshot("case-1", fields={"severity": "low"}, created=made(Side.CASE)),
        ticket=snapshot("ticket-1", fields={"severity": "High"}, created=made(Side.TICKET)),
    )
    (change,) = (change for change in plan(Base(), now, maps).changes if change.field == "severity")
    assert change.to is later.other


def created(
    maps: Maps, snapshot: MakeSnapshot, *, rules: Rules = ALL, side: Side = Side.TICKET, **fields: Json
) -> tuple[Create, Plan]:
    origin = snapshot("case-1" if side is Side.TICKET else "ticket-1", fields=dict(fields))
    planned = plan_creation("r/x", origin, side, rules=rules, maps=maps)
    (only,) = planned.actions
    assert isinstance(only.action, Create)
    assert only.sources == origin.fields
    assert planned.base == Base()
    return only.action, planned


def test_a_copy_carries_every_field_but_the_status(maps: Maps, snapshot: MakeSnapshot) -> None:
    action, _ = created(maps, snapshot, title="Beacon", tags=["lab 7"], severity="low", status="closed")
    assert action == Create(
        mark="kibcase-case-1", origin_label="CASE-1",
        fields={"title": "Beacon", "description": "", "severity": "low", "tags": ("lab 7",)},
    )


@pytest.mark.parametrize(
    ("direction", "side", "carried"),
    [
        (Direction.BOTH, Side.TICKET, True), (Direction.BOTH, Side.CASE, True),
        (Direction.ONCE, Side.TICKET, True), (Direction.ONCE, Side.CASE, True),
        (Direction.TO_TICKET, Side.TICKET, True), (Direction.TO_TICKET, Side.CASE, False),
        (Direction.TO_CASE, Side.TICKET, False), (Direction.TO_CASE, Side.CASE, True),
        (Direction.OFF, Side.TICKET, False), (Direction.OFF, Side.CASE, False),
    ],
)  # fmt: skip
def test_the_direction_says_what_a_new_copy_is_given(
    direction: Direction, side: Side, carried: bool, maps: Maps, snapshot: MakeSnapshot
) -> None:
    rules = Rules(fields={"title": FieldRule(), "severity": FieldRule(direction=direction)})
    action, _ = created(maps, snapshot, rules=rules, side=side)
    assert ("severity" in action.fields) is carried


def test_a_copy_is_made_without_a_value_that_has_no_counterpart_and_that_is_said(
    maps: Maps, snapshot: MakeSnapshot
) -> None:
    action, planned = created(maps, snapshot, severity="unheard of")
    assert "severity" not in action.fields
    assert [(change.field, change.verdict) for change in planned.held] == [("severity", Verdict.HELD)]


def test_marks_are_not_copied_as_tags(maps: Maps, snapshot: MakeSnapshot) -> None:
    action, _ = created(maps, snapshot, tags=["kibcase-something", "apt"])
    assert action.fields["tags"] == ("apt",)
