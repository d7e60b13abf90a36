"""The three-way merge of one scalar field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kibcase_connectors.mapping import UnmappedError
from kibcase_connectors.model import Canonical, Json, Side, Touch, Unset
from kibcase_daemon.sync.types import NEVER, Agreed, Both, Direction, FieldChange, FieldRule, Maps, Policy, Verdict

Touches = Both[Mapping[str, Touch]]
"""Per side: who changed which field last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The outcome for one field: the explanation, and the base as far as it moves without a write."""

    change: FieldChange
    agreed: Agreed


def merge_field(
    name: str, base: Agreed, now: Both[Json], *, rule: FieldRule, maps: Maps, touched: Touches
) -> Merged | None:
    """Decide about one scalar field; None if neither side has changed.

    ``base`` and ``now`` hold each side's own form, so a mapping that loses distinctions never looks like
    a change. Raises nothing: values without a counterpart are ``held`` with the reason.
    """
    changed = [side for side in Side if now.of(side) != base.of(side)]
    if not changed:
        return None
    if same_meaning(name, now, maps):
        return _settled(name, now, Verdict.AGREED, "both sides mean the same")
    if rule.direction is Direction.ONCE:
        return _settled(name, now, Verdict.IGNORED, "carried at creation only")
    if len(changed) == 1:
        return _one_sided(name, base, now, changed[0], rule=rule, maps=maps, touched=touched)
    return _conflict(name, base, now, rule=rule, maps=maps, touched=touched)


def first_sight(name: str, base: Agreed, now: Both[Json], maps: Maps) -> Agreed:
    """Give the base to begin with where nothing was ever agreed: a side that holds nothing then says nothing.

    An empty description must not wipe a written one, nor nobody an assignee, because it happens to be newer.
    """
    empty = [side for side in Side if _meaning(name, now, side, maps) == ""]
    return base.put(empty[0], now.of(empty[0])) if base == NEVER and len(empty) == 1 else base


def same_meaning(name: str, now: Both[Json], maps: Maps) -> bool:
    """Tell whether one side already shows what the other one's value would make of it."""
    return any(
        (meaning := _meaning(name, now, side, maps)) is not None
        and maps.of(side.other).same(name, now.of(side.other), meaning)
        for side in Side
    )


def _meaning(name: str, now: Both[Json], side: Side, maps: Maps) -> Canonical | None:
    try:
        return maps.of(side).canonical(name, now.of(side))
    except UnmappedError:
        return None


def _settled(name: str, now: Both[Json], verdict: Verdict, why: str) -> Merged:
    change = FieldChange(field=name, verdict=verdict, why=why)
    return Merged(change=change, agreed=Both(case=now.case, ticket=now.ticket))


def _one_sided(
    name: str, base: Agreed, now: Both[Json], source: Side, *, rule: FieldRule, maps: Maps, touched: Touches
) -> Merged:
    if not rule.direction.carries(source.other):
        change = FieldChange(
            field=name, verdict=Verdict.IGNORED, why=f"{name} is not carried to the {source.other}"
        )
        return Merged(change=change, agreed=base.put(source, now.of(source)))
    return _carry(
        name, base, now, source, Verdict.CARRY, f"changed on the {source}", maps=maps, touched=touched
    )


def _conflict(
    name: str, base: Agreed, now: Both[Json], *, rule: FieldRule, maps: Maps, touched: Touches
) -> Merged:
    winner, why = _winner(name, rule, touched)
    if winner is not None and rule.direction is Direction.BOTH and _was_excerpt(name, base, now, winner, maps):
        winner, why = winner.other, f"the {winner} held only a part of it, so the {winner.other} wins"
    if winner is None:
        change = FieldChange(field=name, verdict=Verdict.HELD, why=f"{name} was changed on both sides; {why}")
        return Merged(change=change, agreed=base)
    return _carry(
        name, base, now, winner, Verdict.CONFLICT, f"changed on both sides; {why}", maps=maps, touched=touched
    )


def _winner(name: str, rule: FieldRule, touched: Touches) -> tuple[Side | None, str]:
    if rule.direction is not Direction.BOTH:
        side = Side.CASE if rule.direction.carries(Side.TICKET) else Side.TICKET
        return side, f"the direction {rule.direction} lets the {side} win"
    if rule.policy is Policy.MANUAL:
        return None, "a person must decide (policy manual)"
    if rule.policy is not Policy.NEWEST:
        return Side(rule.policy.value), f"policy {rule.policy}"
    case, ticket = touched.case.get(name), touched.ticket.get(name)
    if case is None or ticket is None:
        return Side.CASE, "policy newest: the times are not known, so the case wins"
    if case.at == ticket.at:
        return Side.CASE, "policy newest: both at the same time, so the case wins"
    side = Side.CASE if case.at > ticket.at else Side.TICKET
    return side, f"policy newest: the {side} was changed later"


def _carry(
    name: str, base: Agreed, now: Both[Json], source: Side, verdict: Verdict, why: str, *,
    maps: Maps, touched: Touches,
) -> Merged:
    target = source.other
    try:
        value = maps.of(source).canonical(name, now.of(source))
        maps.of(target).native(name, value)
    except UnmappedError as error:
        return Merged(change=FieldChange(field=name, verdict=Verdict.HELD, why=str(error)), agreed=base)
    if _is_excerpt(name, now, source, maps):
        reason = f"the {source} holds only a part of this {name}; edit it in the {target}"
        return Merged(change=FieldChange(field=name, verdict=Verdict.HELD, why=reason), agreed=base)
    touch = touched.of(source).get(name)
    change = FieldChange(
        field=name, verdict=verdict, why=why, to=target, value=value, old=now.of(target),
        by=touch.by if touch else "",
    )
    return Merged(change=change, agreed=base)


def _was_excerpt(name: str, base: Agreed, now: Both[Json], side: Side, maps: Maps) -> bool:
    """Tell whether what a side held when both last agreed was only a part of the text.

    Where nobody knows what was agreed, that is what its text looks like.
    """
    there = base.of(side.other)
    try:
        if isinstance(there, Unset):
            return base == NEVER and _looks_cut(name, now.of(side), side, maps)
        return maps.of(side).loses(name, maps.of(side.other).canonical(name, there))
    except UnmappedError:
        return False


def _looks_cut(name: str, native: Json, side: Side, maps: Maps) -> bool:
    """Tell whether a longer text, written there, would have become just this."""
    codec = maps.of(side).codecs[name]
    text = codec.canonical(native)
    return isinstance(text, str) and codec.loses(f"{text}x") and codec.native(f"{text}x") == native


def _is_excerpt(name: str, now: Both[Json], source: Side, maps: Maps) -> bool:
    """Tell whether the source could only take a part of the text: that must not come back as the whole."""
    full = _meaning(name, now, source.other, maps)
    return full is not None and maps.of(source).loses(name, full)
