"""Sets merge element by element: additions survive, removals follow the rule, order does not matter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.mapping import Elements, FieldMap
from kibcase_connectors.memory import CASE_MAP, TICKET_MAP
from kibcase_connectors.model import MARK_PREFIX, TAGS, UNSET, Json, Side, Unset
from kibcase_daemon.sync.sets import MergedSet, advance_set, elements, identity, merge_set, spell
from kibcase_daemon.sync.types import NEVER, Agreed, Both, Direction, FieldRule, Verdict

MAPS = Both(case=CASE_MAP, ticket=TICKET_MAP)
TAG = st.sampled_from(["apt", "lab 7", "needs review", "vip", "kibcase-mark"])
"""No two of these are spellings of one element; one is a mark and no tag."""

CASE_TAGS: st.SearchStrategy[Json] = st.lists(TAG, unique=True).map(lambda tags: [*tags])
TICKET_TAGS: st.SearchStrategy[Json] = st.lists(TAG, unique=True).map(
    lambda tags: [tag.replace(" ", "-") for tag in tags]
)
RULE = st.builds(
    FieldRule, removals=st.booleans(), direction=st.sampled_from([one for one in Direction if one != Direction.OFF])
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Agreed, Both[Json], FieldRule]:
    never: st.SearchStrategy[Json | Unset] = st.just(UNSET)
    base: Agreed = Both(case=draw(never | CASE_TAGS), ticket=draw(never | TICKET_TAGS))
    return base, Both(case=draw(CASE_TAGS), ticket=draw(TICKET_TAGS)), draw(RULE)


def keys(native: object, side: Side) -> set[str]:
    return set(elements(TAGS, native, side, MAPS))


def merge(
    base: tuple[Json | Unset, Json | Unset], now: tuple[Json, Json], *, removals: bool = False,
    direction: Direction = Direction.BOTH,
) -> MergedSet | None:
    rule = FieldRule(removals=removals, direction=direction)
    return merge_set(TAGS, Both(case=base[0], ticket=base[1]), Both(case=now[0], ticket=now[1]), rule=rule, maps=MAPS)


def written(now: Both[Json], merged: MergedSet) -> Both[Json]:
    """Carry the changes out, as a system does that stores what it is told."""
    for change in merged.changes:
        if change.to is not None:
            held = now.of(change.to)
            assert isinstance(held, list)
            kept = [item for item in held if item not in change.remove]
            now = now.put(change.to, [*kept, *(item for item in change.add if item not in kept)])
    return now


def moved(now: Both[Json], merged: MergedSet) -> Agreed:
    """Move the base by every change that was carried out; ``now`` is what the changes were made from."""
    agreed = merged.agreed
    for change in merged.changes:
        if change.to is not None:
            agreed = advance_set(TAGS, agreed, change, change.to, now.of(change.to.other), MAPS)
    return agreed


def test_additions_on_both_sides_survive() -> None:
    merged = merge((["apt"], ["apt"]), (["apt", "lab 7"], ["apt", "net"]))
    assert merged is not None
    assert {(change.to, change.add, change.remove) for change in merged.changes} == {
        (Side.TICKET, ("lab-7",), ()), (Side.CASE, ("net",), ()),
    }


def test_a_removal_is_carried_only_if_the_rule_says_so() -> None:
    kept = merge((["apt"], ["apt"]), ([], ["apt"]))
    assert kept is not None
    assert kept.changes == ()
    carried = merge((["apt"], ["apt"]), ([], ["apt"]), removals=True)
    assert carried is not None
    assert [(change.to, change.remove) for change in carried.changes] == [(Side.TICKET, ("apt",))]


def test_a_removal_that_is_not_carried_stays_as_it_is() -> None:
    merged = merge((["apt"], ["apt"]), ([], ["apt"]))
    assert merged is not None
    assert merged.agreed == Both(case=[], ticket=["apt"])
    assert merge(([], ["apt"]), ([], ["apt"])) is None, "and does not come back from the other side"


def test_what_one_side_adds_anew_and_the_other_removed_is_kept() -> None:
    """The ticket never had the element at the last agreement, so the case's removal says nothing about it."""
    merged = merge((["apt"], []), ([], ["apt"]), removals=True)
    assert merged is not None
    assert [(change.to, change.add, change.remove) for change in merged.changes] == [(Side.CASE, ("apt",), ())]


def test_a_removal_is_made_in_the_written_sides_own_spelling() -> None:
    merged = merge((["lab 7"], ["lab-7"]), (["lab 7"], []), removals=True)
    assert merged is not None
    assert [(change.to, change.remove) for change in merged.changes] == [(Side.CASE, ("lab 7",))]


@pytest.mark.parametrize(
    ("direction", "to"),
    [
        (Direction.BOTH, {Side.CASE, Side.TICKET}), (Direction.TO_CASE, {Side.CASE}),
        (Direction.TO_TICKET, {Side.TICKET}), (Direction.ONCE, set()),
    ],
)  # fmt: skip
def test_the_direction_says_who_is_written(direction: Direction, to: set[Side]) -> None:
    merged = merge(([], []), (["apt"], ["net"]), direction=direction)
    assert merged is not None
    assert {change.to for change in merged.changes} == to


def test_two_spellings_of_one_element_are_no_difference() -> None:
    merged = merge((UNSET, UNSET), (["lab 7"], ["lab-7"]))
    assert merged is not None
    assert merged.changes == ()


def test_a_mark_is_no_element() -> None:
    assert elements(TAGS, ["kibcase-case-1", "apt"], Side.TICKET, MAPS) == {"apt": "apt"}


def test_no_list_is_no_element() -> None:
    assert elements(TAGS, UNSET, Side.CASE, MAPS) == elements(TAGS, None, Side.CASE, MAPS) == {}


def _strict(tag: str) -> str:
    if not tag.isascii():
        raise ValueError("only ASCII")
    return tag


def test_an_element_that_cannot_be_spelled_is_held_with_its_name() -> None:
    maps = Both(case=CASE_MAP, ticket=FieldMap({TAGS: Elements(write=_strict, key=_strict)}))
    now: Both[Json] = Both(case=["\u4e2d"], ticket=[])
    merged = merge_set(TAGS, NEVER, now, rule=FieldRule(), maps=maps)
    assert merged is not None
    assert [(change.verdict, change.to) for change in merged.changes] == [(Verdict.HELD, None)]
    assert "'\u4e2d' cannot be written on the ticket" in merged.changes[0].why


def test_spell_keeps_apart_what_it_can_and_cannot_write() -> None:
    narrow = FieldMap({TAGS: Elements(write=_strict, key=_strict)})
    assert spell(TAGS, ("a", "\u4e2d", "b", "a"), narrow) == (("a", "b"), ("\u4e2d",))


@given(situations())
def test_nothing_that_was_added_is_lost(situation: tuple[Agreed, Both[Json], FieldRule]) -> None:
    base, now, rule = situation
    merged = merge_set(TAGS, base, now, rule=rule, maps=MAPS)
    there = now if merged is None else written(now, merged)
    for side in Side:
        new = keys(now.of(side), side) - keys(base.of(side), side)
        assert new <= keys(there.of(side), side)
        if rule.direction.carries(side.other):
            assert new <= keys(there.of(side.other), side.other)


@given(situations())
def test_nothing_is_taken_out_that_nobody_took_out(situation: tuple[Agreed, Both[Json], FieldRule]) -> None:
    base, now, rule = situation
    merged = merge_set(TAGS, base, now, rule=rule, maps=MAPS)
    for change in merged.changes if merged else ():
        assert change.to is not None
        source = change.to.other
        gone = {identity(TAGS, item, MAPS) for item in change.remove}
        assert not gone or rule.removals
        assert gone <= keys(base.of(source), source) & keys(base.of(change.to), change.to)
        assert not gone & keys(now.of(source), source)


@given(situations())
def test_a_merge_carried_out_is_final(situation: tuple[Agreed, Both[Json], FieldRule]) -> None:
    """Also when a removal is not carried: what differs for a known reason stays as it is for good."""
    base, now, rule = situation
    merged = merge_set(TAGS, base, now, rule=rule, maps=MAPS)
    if merged is not None:
        assert merge_set(TAGS, moved(now, merged), written(now, merged), rule=rule, maps=MAPS) is None


@given(situations(), st.integers(0, 1))
def test_only_one_of_the_changes_carried_out_leaves_the_other_to_do(
    situation: tuple[Agreed, Both[Json], FieldRule], first: int
) -> None:
    """A crash between the writes of the two sides: nothing is forgotten, nothing is done twice."""
    base, now, rule = situation
    merged = merge_set(TAGS, base, now, rule=rule, maps=MAPS)
    if merged is None or len(merged.changes) < 2:
        return
    done, open_ = merged.changes[first], merged.changes[1 - first]
    assert done.to is not None
    half = MergedSet(changes=(done,), agreed=merged.agreed)
    base, now = moved(now, half), written(now, half)
    again = merge_set(TAGS, base, now, rule=rule, maps=MAPS)
    assert again is not None
    assert [(change.to, set(change.add), set(change.remove)) for change in again.changes] == [
        (open_.to, set(open_.add), set(open_.remove))
    ]


@given(situations(), st.randoms(use_true_random=False))
def test_order_says_nothing(situation: tuple[Agreed, Both[Json], FieldRule], random: object) -> None:
    base, now, rule = situation
    shuffle = getattr(random, "shuffle")  # noqa: B009 - hypothesis gives a Random of no public type

    def mixed(value: Json | Unset) -> Json | Unset:
        items = list(value) if isinstance(value, list) else value
        if isinstance(items, list):
            shuffle(items)
        return items

    def told(merged: MergedSet | None) -> object:
        changes = merged.changes if merged else ()
        return merged is None, [(change.to, set(change.add), set(change.remove)) for change in changes]

    other: Both[Json] = Both(
        case=list(now.case) if isinstance(now.case, list) else [],
        ticket=list(now.ticket) if isinstance(now.ticket, list) else [],
    )
    for side in (other.case, other.ticket):
        assert isinstance(side, list)
        shuffle(side)
    there: Agreed = Both(case=mixed(base.case), ticket=mixed(base.ticket))
    first, second = (merge_set(TAGS, b, n, rule=rule, maps=MAPS) for b, n in ((base, now), (there, other)))
    assert told(first) == told(second)


@given(situations())
def test_advancing_twice_is_advancing_once(situation: tuple[Agreed, Both[Json], FieldRule]) -> None:
    base, now, rule = situation
    merged = merge_set(TAGS, base, now, rule=rule, maps=MAPS)
    for change in merged.changes if merged else ():
        assert merged is not None
        assert change.to is not None
        source = now.of(change.to.other)
        once = advance_set(TAGS, merged.agreed, change, change.to, source, MAPS)
        assert advance_set(TAGS, once, change, change.to, source, MAPS) == once


@given(st.text(max_size=8))
def test_identity_survives_both_spellings(tag: str) -> None:
    """What the other side writes for an element is recognised as that element; a mark is never written for one."""
    spelled, unspelled = spell(TAGS, (tag,), TICKET_MAP)
    assert not any(one.startswith(MARK_PREFIX) for one in spelled)
    assert unspelled or {identity(TAGS, one, MAPS) for one in spelled} == {identity(TAGS, tag, MAPS)}
