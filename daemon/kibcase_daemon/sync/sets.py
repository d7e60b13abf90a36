"""The merge of a field that is a set, element by element; sets cannot conflict."""

from __future__ import annotations

from dataclasses import dataclass

from kibcase_connectors.mapping import FieldMap, NotCarriedError, UnmappedError
from kibcase_connectors.model import UNSET, Json, Side, Unset
from kibcase_daemon.sync.types import Agreed, Both, FieldChange, FieldRule, Maps, Verdict

Elements = dict[str, str]
"""Elements by identity; the values are the spelling of the side they come from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedSet:
    """The outcome for one set: what to write where, and the base as far as it moves without a write."""

    changes: tuple[FieldChange, ...]
    agreed: Agreed


def merge_set(name: str, base: Agreed, now: Both[Json], *, rule: FieldRule, maps: Maps) -> MergedSet | None:
    """Decide about one set; None if the base already says what is there.

    Additions on both sides survive; a removal is carried only if the rule says so, and never against an
    addition on the other side.
    """
    was = Both(case=elements(name, base.case, Side.CASE, maps), ticket=elements(name, base.ticket, Side.TICKET, maps))
    here = Both(case=elements(name, now.case, Side.CASE, maps), ticket=elements(name, now.ticket, Side.TICKET, maps))
    changes = tuple(change for side in Side for change in _towards(name, side, was, here, now, rule=rule, maps=maps))
    agreed: Agreed = Both(
        case=_known(Side.CASE, was, here, changes, name, maps),
        ticket=_known(Side.TICKET, was, here, changes, name, maps),
    )
    if not changes and _as_sets(agreed) == _as_sets(base):
        return None
    return MergedSet(changes=changes, agreed=agreed)


def elements(name: str, native: object, side: Side, maps: Maps) -> Elements:
    """Give a side's elements by their common identity; UNSET and None count as empty."""
    return {identity(name, item, maps): item for item in _items(name, native, side, maps)}


def _items(name: str, native: object, side: Side, maps: Maps) -> tuple[str, ...]:
    if not isinstance(native, list):
        return ()
    found = maps.of(side).canonical(name, native)
    return (found,) if isinstance(found, str) else found


def identity(name: str, element: str, maps: Maps) -> str:
    """Give what makes two spellings one element: what is left of both sides' distinctions."""
    return maps.ticket.key(name, maps.case.key(name, element))


def _towards(
    name: str, target: Side, was: Both[Elements], here: Both[Elements], now: Both[Json], *, rule: FieldRule, maps: Maps
) -> list[FieldChange]:
    if not rule.direction.carries(target):
        return []
    source = target.other
    lacking = {key: item for key, item in here.of(source).items() if key not in here.of(target)}
    new = {key: item for key, item in lacking.items() if key not in was.of(source)}
    gone = {
        key for key in was.of(source)
        if rule.removals and key not in here.of(source) and key in here.of(target) and key in was.of(target)
    }
    add, _ = spell(name, tuple(new.values()), maps.of(target))
    remove = tuple(item for item in _items(name, now.of(target), target, maps) if identity(name, item, maps) in gone)
    changes = []
    if add or remove:
        change = FieldChange(
            field=name, verdict=Verdict.CARRY, to=target, why=f"changed on the {source}", value=add,
            old=list(here.of(target).values()), add=add, remove=remove,
        )
        changes.append(change)
    _, unspelled = spell(name, tuple(lacking.values()), maps.of(target))
    if unspelled:
        reason = f"{', '.join(map(repr, unspelled))} cannot be written on the {target}"
        changes.append(FieldChange(field=name, verdict=Verdict.HELD, why=reason))
    return changes


def spell(name: str, items: tuple[str, ...], to: FieldMap) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the elements as a side spells them, and those it has no spelling for; what it does not hold is neither."""
    spelled: dict[str, None] = {}
    unspelled = []
    for item in items:
        try:
            native = to.native(name, (item,))
        except NotCarriedError:
            continue
        except UnmappedError:
            unspelled.append(item)
            continue
        spelled.update(dict.fromkeys(str(one) for one in native) if isinstance(native, list) else {})
    return tuple(spelled), tuple(unspelled)


def _known(
    side: Side, was: Both[Elements], here: Both[Elements], changes: tuple[FieldChange, ...], name: str, maps: Maps
) -> Json:
    """Give what this side's base holds now: all that is there, less what still waits to be carried over.

    A removal that is to be carried stays in the base until it has been.
    """
    outgoing = next((change for change in changes if change.to is side.other), None)
    waiting = {identity(name, item, maps) for item in outgoing.add} if outgoing else set()
    removing = {identity(name, item, maps) for item in outgoing.remove} if outgoing else set()
    kept = [item for key, item in here.of(side).items() if key not in waiting]
    return [*kept, *(item for key, item in was.of(side).items() if key in removing)]


def _as_sets(agreed: Agreed) -> tuple[frozenset[str] | None, frozenset[str] | None]:
    def items(value: object) -> frozenset[str] | None:
        return frozenset(str(item) for item in value) if isinstance(value, list) else None

    return items(agreed.case), items(agreed.ticket)


def advance_set(
    name: str, base: Agreed, change: FieldChange, target: Side, source: Json, maps: Maps, *,
    stored: Json | Unset = UNSET,
) -> Agreed:
    """Give the base after ``change`` was written to ``target``; ``source`` is the other side's set it came from.

    ``stored`` is the target's set after the write, if it is known: an element that was stored in another form is not
    in the target's base, so that its absence is never taken for a removal.
    """
    origin = target.other
    theirs = elements(name, source, origin, maps)
    added = {identity(name, item, maps): item for item in change.add}
    removed = {identity(name, item, maps) for item in change.remove}
    held = {**added} if isinstance(stored, Unset) else elements(name, stored, target, maps)
    arrived = {key: item for key, item in added.items() if key in held}
    return Both(
        **{
            target.value: _merge(elements(name, base.of(target), target, maps), arrived, removed),
            origin.value: _merge(
                elements(name, base.of(origin), origin, maps),
                {key: theirs[key] for key in added if key in theirs}, removed,
            ),
        }
    )


def _merge(known: Elements, added: Elements, removed: set[str]) -> Json:
    return [item for key, item in {**known, **added}.items() if key not in removed]
