"""What becomes of one scalar field: every direction, every policy, and the laws behind them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.mapping import UnmappedError
from kibcase_connectors.memory import CASE_MAP, TICKET_MAP
from kibcase_connectors.model import (
    DESCRIPTION,
    SEVERITIES,
    SEVERITY,
    STATUS,
    STATUSES,
    TITLE,
    UNSET,
    Json,
    Side,
    Touch,
    Unset,
)
from kibcase_daemon.sync.merge import Merged, Touches, merge_field
from kibcase_daemon.sync.types import NEVER, Agreed, Both, Direction, FieldRule, Policy, Verdict

MAPS = Both(case=CASE_MAP, ticket=TICKET_MAP)
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
NOBODY: Touches = Both(case={}, ticket={})
LONG = "a title of a case that is far too long for a ticket"

CASE_VALUES: dict[str, st.SearchStrategy[Json]] = {
    TITLE: st.text(max_size=60), DESCRIPTION: st.text(max_size=20),
    STATUS: st.sampled_from([*STATUSES, "Weird"]), SEVERITY: st.sampled_from([*SEVERITIES, "Weird"]),
}
TICKET_VALUES: dict[str, st.SearchStrategy[Json]] = {
    TITLE: st.text(max_size=45), DESCRIPTION: st.text(max_size=20),
    STATUS: st.sampled_from(["To Do", "In Progress", "In Review", "Done", "Blocked"]),
    SEVERITY: st.sampled_from(["High", "Medium", "Low", "Blocker", None]),
}
FIELD = st.sampled_from([TITLE, DESCRIPTION, STATUS, SEVERITY])
RULE = st.builds(
    FieldRule, direction=st.sampled_from([one for one in Direction if one is not Direction.OFF]),
    policy=st.sampled_from(list(Policy)),
)
MOMENT = st.none() | st.integers(-2, 2).map(lambda hours: START + timedelta(hours=hours))


def touches(name: str, case: datetime | None, ticket: datetime | None) -> Touches:
    def of(at: datetime | None, by: str) -> dict[str, Touch]:
        return {} if at is None else {name: Touch(at=at, by=by)}

    return Both(case=of(case, "Ada"), ticket=of(ticket, "Bo"))


@st.composite
def situations(draw: st.DrawFn) -> tuple[str, Agreed, Both[Json], FieldRule, Touches]:
    """A field, a base that may know either side, what is there now, a rule, and who did what when."""
    name = draw(FIELD)
    never: st.SearchStrategy[Json | Unset] = st.just(UNSET)
    now: Both[Json] = Both(case=draw(CASE_VALUES[name]), ticket=draw(TICKET_VALUES[name]))
    base: Agreed = Both(
        case=draw(CASE_VALUES[name] | never | st.just(now.case)),
        ticket=draw(TICKET_VALUES[name] | never | st.just(now.ticket)),
    )
    return name, base, now, draw(RULE), touches(name, draw(MOMENT), draw(MOMENT))


def merge(
    base: tuple[Json | Unset, Json | Unset], now: tuple[Json, Json], *, name: str = SEVERITY,
    direction: Direction = Direction.BOTH, policy: Policy = Policy.NEWEST, touched: Touches = NOBODY,
) -> Merged | None:
    return merge_field(
        name, Both(case=base[0], ticket=base[1]), Both(case=now[0], ticket=now[1]),
        rule=FieldRule(direction=direction, policy=policy), maps=MAPS, touched=touched,
    )


def after(base: Agreed, now: Both[Json], merged: Merged, name: str) -> tuple[Agreed, Both[Json]]:
    """Carry the decision out, in a system that stores what it is asked to."""
    change = merged.change
    if change.to is None or change.value is None:
        return merged.agreed, now
    written = MAPS.of(change.to).native(name, change.value)
    assert not isinstance(written, Unset)
    now = now.put(change.to, written)
    return merged.agreed.put(change.to.other, now.of(change.to.other)).put(change.to, written), now


BASE = ("high", "High")
BOTH, TO_TICKET, TO_CASE, ONCE = Direction.BOTH, Direction.TO_TICKET, Direction.TO_CASE, Direction.ONCE


@pytest.mark.parametrize(
    ("now", "direction", "verdict", "to"),
    [
        (("low", "High"), BOTH, Verdict.CARRY, Side.TICKET),
        (("low", "High"), TO_TICKET, Verdict.CARRY, Side.TICKET),
        (("low", "High"), TO_CASE, Verdict.IGNORED, None),
        (("low", "High"), ONCE, Verdict.IGNORED, None),
        (("high", "Low"), BOTH, Verdict.CARRY, Side.CASE),
        (("high", "Low"), TO_TICKET, Verdict.IGNORED, None),
        (("high", "Low"), TO_CASE, Verdict.CARRY, Side.CASE),
        (("high", "Low"), ONCE, Verdict.IGNORED, None),
        (("low", "Low"), BOTH, Verdict.AGREED, None),
        (("low", "Low"), TO_TICKET, Verdict.AGREED, None),
        (("low", "Low"), TO_CASE, Verdict.AGREED, None),
        (("low", "Low"), ONCE, Verdict.AGREED, None),
        (("low", "Medium"), BOTH, Verdict.CONFLICT, Side.TICKET),
        (("low", "Medium"), TO_TICKET, Verdict.CONFLICT, Side.TICKET),
        (("low", "Medium"), TO_CASE, Verdict.CONFLICT, Side.CASE),
        (("low", "Medium"), ONCE, Verdict.IGNORED, None),
    ],
)  # fmt: skip
def test_who_changed_and_the_direction_decide(
    now: tuple[str, str], direction: Direction, verdict: Verdict, to: Side | None
) -> None:
    merged = merge(BASE, now, direction=direction)
    assert merged is not None
    assert (merged.change.verdict, merged.change.to) == (verdict, to)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("policy", "case_at", "ticket_at", "winner"),
    [
        (Policy.CASE, START, START + HOUR, Side.CASE),
        (Policy.TICKET, START + HOUR, START, Side.TICKET),
        (Policy.NEWEST, START + HOUR, START, Side.CASE),
        (Policy.NEWEST, START, START + HOUR, Side.TICKET),
        (Policy.NEWEST, START, START, Side.CASE),
        (Policy.NEWEST, None, START, Side.CASE),
        (Policy.NEWEST, START, None, Side.CASE),
        (Policy.NEWEST, None, None, Side.CASE),
        (Policy.MANUAL, START, START + HOUR, None),
    ],
)  # fmt: skip
def test_the_policy_settles_a_conflict(
    policy: Policy, case_at: datetime | None, ticket_at: datetime | None, winner: Side | None
) -> None:
    merged = merge(BASE, ("low", "Medium"), policy=policy, touched=touches(SEVERITY, case_at, ticket_at))
    assert merged is not None
    change = merged.change
    assert change.to is (winner.other if winner else None)
    assert change.verdict is (Verdict.CONFLICT if winner else Verdict.HELD)
    if winner:
        assert change.value == ("low" if winner is Side.CASE else "medium")
        assert change.old == ("Medium" if winner is Side.CASE else "low"), "the losing value, in its own form"


@pytest.mark.parametrize(("direction", "winner"), [(TO_TICKET, Side.CASE), (TO_CASE, Side.TICKET)])
@pytest.mark.parametrize("policy", list(Policy))
def test_a_direction_outranks_the_policy(direction: Direction, winner: Side, policy: Policy) -> None:
    merged = merge(BASE, ("low", "Medium"), direction=direction, policy=policy)
    assert merged is not None
    assert merged.change.to is winner.other


def test_the_explanation_names_who_made_the_winning_change() -> None:
    merged = merge(BASE, ("high", "Low"), touched=touches(SEVERITY, START, START + HOUR))
    assert merged is not None
    assert merged.change.by == "Bo"
    assert merged.change.why == "changed on the ticket"


def test_nothing_known_and_no_difference_in_meaning_is_agreement() -> None:
    merged = merge((UNSET, UNSET), ("critical", "High"))
    assert merged is not None
    assert merged.change.verdict is Verdict.AGREED
    assert merged.agreed == Both(case="critical", ticket="High")


def test_a_ticket_moving_between_statuses_of_one_meaning_writes_nothing() -> None:
    merged = merge(("in-progress", "In Progress"), ("in-progress", "In Review"), name=STATUS)
    assert merged is not None
    assert merged.change.verdict is Verdict.AGREED
    assert merged.agreed.ticket == "In Review"


@pytest.mark.parametrize(
    ("base", "now", "name"),
    [
        (("open", "To Do"), ("open", "Blocked"), STATUS),
        (("high", "High"), ("high", None), SEVERITY),
        ((UNSET, "High"), ("weird", "High"), SEVERITY),
    ],
)  # fmt: skip
def test_a_value_without_a_counterpart_is_held_and_named(
    base: tuple[Json | Unset, Json | Unset], now: tuple[Json, Json], name: str
) -> None:
    merged = merge(base, now, name=name)
    assert merged is not None
    assert merged.change.verdict is Verdict.HELD
    assert merged.change.to is None
    assert "has no counterpart in the mapping" in merged.change.why
    assert merged.agreed == Both(case=base[0], ticket=base[1]), "the question stays open until it is answered"


def test_an_unmapped_value_does_not_keep_the_other_side_from_winning() -> None:
    merged = merge(("open", "To Do"), ("closed", "Blocked"), name=STATUS, policy=Policy.CASE)
    assert merged is not None
    assert (merged.change.verdict, merged.change.to, merged.change.old) == (Verdict.CONFLICT, Side.TICKET, "Blocked")


def test_a_cut_title_is_no_change() -> None:
    cut = TICKET_MAP.native(TITLE, LONG)
    assert merge((LONG, cut), (LONG, str(cut)), name=TITLE) is None
    fresh = merge((UNSET, UNSET), (LONG, str(cut)), name=TITLE)
    assert fresh is not None
    assert fresh.change.verdict is Verdict.AGREED


@pytest.mark.parametrize("policy", [Policy.TICKET, Policy.NEWEST])
def test_an_excerpt_never_comes_back_as_the_whole(policy: Policy) -> None:
    cut = str(TICKET_MAP.native(TITLE, LONG))
    merged = merge((LONG, cut), (LONG, "corrected"), name=TITLE, policy=policy)
    assert merged is not None
    assert merged.change.verdict is Verdict.HELD
    assert merged.change.why == "the ticket holds only a part of this title; edit it in the case"


@given(situations())
def test_nothing_changed_is_nothing_to_do(given_: tuple[str, Agreed, Both[Json], FieldRule, Touches]) -> None:
    """However little the two values have to do with each other: a lossy mapping never looks like a change."""
    name, _, now, rule, touched = given_
    same: Agreed = Both(case=now.case, ticket=now.ticket)
    assert merge_field(name, same, now, rule=rule, maps=MAPS, touched=touched) is None


@given(situations())
def test_a_decision_carried_out_is_final(given_: tuple[str, Agreed, Both[Json], FieldRule, Touches]) -> None:
    """Projecting twice is projecting once: after the write, with the base moved, nothing is left to do or say."""
    name, base, now, rule, touched = given_
    merged = merge_field(name, base, now, rule=rule, maps=MAPS, touched=touched)
    if merged is None:
        return
    moved, there = after(base, now, merged, name)
    again = merge_field(name, moved, there, rule=rule, maps=MAPS, touched=touched)
    if merged.change.verdict is Verdict.HELD:
        assert again == merged, "a question stays the same question"
    else:
        assert again is None


@given(situations())
def test_only_what_the_direction_allows_is_written(
    given_: tuple[str, Agreed, Both[Json], FieldRule, Touches]
) -> None:
    name, base, now, rule, touched = given_
    merged = merge_field(name, base, now, rule=rule, maps=MAPS, touched=touched)
    if merged is not None and merged.change.to is not None:
        assert rule.direction.carries(merged.change.to)


@given(situations())
def test_a_side_that_alone_has_changed_is_never_overwritten(
    given_: tuple[str, Agreed, Both[Json], FieldRule, Touches]
) -> None:
    name, base, now, rule, touched = given_
    changed = [side for side in Side if now.of(side) != base.of(side)]
    merged = merge_field(name, base, now, rule=rule, maps=MAPS, touched=touched)
    if len(changed) == 1:
        assert merged is not None
        assert merged.change.to is not changed[0]


@given(situations())
def test_a_value_that_is_overwritten_against_a_change_is_a_conflict(
    given_: tuple[str, Agreed, Both[Json], FieldRule, Touches]
) -> None:
    """What somebody has changed is overwritten only under the name of conflict, and is kept in ``old``."""
    name, base, now, rule, touched = given_
    merged = merge_field(name, base, now, rule=rule, maps=MAPS, touched=touched)
    if merged is None or merged.change.to is None:
        return
    target = merged.change.to
    assert merged.change.old == now.of(target)
    assert (merged.change.verdict is Verdict.CONFLICT) == (now.of(target) != base.of(target))


@given(situations())
def test_what_is_carried_is_what_the_source_means(
    given_: tuple[str, Agreed, Both[Json], FieldRule, Touches]
) -> None:
    name, base, now, rule, touched = given_
    merged = merge_field(name, base, now, rule=rule, maps=MAPS, touched=touched)
    if merged is not None and merged.change.to is not None:
        source = merged.change.to.other
        assert merged.change.value == MAPS.of(source).canonical(name, now.of(source))


@given(situations())
def test_held_moves_nothing(given_: tuple[str, Agreed, Both[Json], FieldRule, Touches]) -> None:
    name, base, now, rule, touched = given_
    merged = merge_field(name, base, now, rule=rule, maps=MAPS, touched=touched)
    if merged is not None and merged.change.verdict is Verdict.HELD:
        assert merged.change.to is None
        assert merged.agreed == base


@given(FIELD.flatmap(lambda name: st.tuples(st.just(name), CASE_VALUES[name], TICKET_VALUES[name])))
def test_without_a_base_agreement_is_found_from_either_side(triple: tuple[str, Json, Json]) -> None:
    """A link that was lost with the store: where the values mean the same, nothing is written."""
    name, case, _ = triple
    try:
        projected = TICKET_MAP.native(name, CASE_MAP.canonical(name, case))
    except UnmappedError:
        return
    assert not isinstance(projected, Unset)
    merged = merge_field(name, NEVER, Both(case=case, ticket=projected), rule=FieldRule(), maps=MAPS, touched=NOBODY)
    assert merged is not None
    assert merged.change.verdict is Verdict.AGREED
