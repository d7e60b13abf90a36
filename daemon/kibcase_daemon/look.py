"""Look at one link: read its sides, make good what was cut short, plan. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from kibcase_connectors.api import Capabilities, Connector
from kibcase_connectors.errors import NotFound
from kibcase_connectors.model import Side, Snapshot
from kibcase_daemon.store.api import Link, LinkState, StateStore
from kibcase_daemon.sync.advance import Intent, arrived, settle
from kibcase_daemon.sync.foresight import foresee
from kibcase_daemon.sync.plan import make_plan, plan_creation
from kibcase_daemon.sync.templates import BARE, Templates, dressed_maps
from kibcase_daemon.sync.types import Base, Both, Maps, Plan, Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRule:
    """What is synced with what: a name, the rules, a connector for each side.

    ``creates`` says on which side copies are made for things that have none: ``creates.ticket`` for cases
    without a ticket, ``creates.case`` for tickets without a case.
    """

    name: str
    rules: Rules
    connectors: Both[Connector]
    creates: Both[bool]
    templates: Templates = BARE

    @property
    def maps(self) -> Maps:
        """The field maps of the two sides, without templates."""
        return Both(case=self.connectors.case.mapping, ticket=self.connectors.ticket.mapping)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the systems have said to earlier attempts in the same turn.

    ``without`` are the fields that a new copy is to be made without, as they were refused; ``strangers`` the sides
    whose assignee the other system does not know.
    """

    without: frozenset[str] = frozenset()
    strangers: frozenset[Side] = frozenset()


NOTHING: Final = Learned()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was found: the link as it should be kept, the snapshots, and what to do.

    ``settled`` are the ids of the open intents that ``link.base`` now accounts for. ``wait_until`` (seconds
    since the epoch) is set when a write of ours may still become visible: then ``plan`` is empty. ``gone`` is
    the side that no longer exists. ``twins`` are further things that carry the mark.
    """

    link: Link
    plan: Plan
    snapshots: Both[Snapshot | None]
    settled: tuple[str, ...] = ()
    wait_until: float | None = None
    gone: Side | None = None
    twins: tuple[str, ...] = ()


class Observer:
    """Reads links of one rule. It writes nothing, neither to the systems nor to the store."""

    def __init__(self, rule: LinkRule, store: StateStore, *, clock: Callable[[], float]) -> None:
        self._rule = rule
        self._store = store
        self._clock = clock

    def look(self, link: Link, learned: Learned = NOTHING) -> Sight:
        """Read both sides and plan. Raises what the connectors raise, except ``NotFound``."""
        intents = self._store.intents(link.id)
        missing = next((side for side in Side if link.keys.of(side) is None), None)
        if missing is None:
            return self._pair(link, intents, learned)
        return self._half(link, missing, intents, learned)

    def foreseen(self, sight: Sight) -> Plan:
        """Give the plan with what will follow on a creation, for people who want to see all of it."""
        origin = next(snapshot for side in Side if (snapshot := sight.snapshots.of(side)) is not None)
        afterwards = foresee(
            sight.link.id, sight.plan, origin, rules=self._rule.rules, maps=self._maps(sight.snapshots),
            able=self._able(),
        )
        return replace(sight.plan, afterwards=afterwards)

    def _half(self, link: Link, missing: Side, intents: Sequence[Intent], learned: Learned) -> Sight:
        origin = self._read(link, missing.other)
        if origin is None:
            return _gone(link, missing.other, orphans=self._orphans(missing, intents))
        link = replace(link, labels=link.labels.put(missing.other, origin.label))
        connector = self._rule.connectors.of(missing)
        found = self._find(link, missing, origin.mark)
        if found:
            adopted = replace(link, keys=link.keys.put(missing, found[0]))
            return replace(self._pair(adopted, intents, learned, origin=origin, side=missing.other), twins=found[1:])
        snapshots: Both[Snapshot | None] = Both(case=None, ticket=None)
        snapshots = snapshots.put(missing.other, origin)
        sent = [intent.sent_at for intent in intents if intent.kind == "create"]
        visible_at = max(sent, default=0.0) + connector.capabilities.find_lag
        if sent and self._clock() < visible_at:
            return Sight(link=link, plan=Plan(base=Base()), snapshots=snapshots, wait_until=visible_at)
        plan = plan_creation(
            link.id, origin, missing, rules=self._rule.rules, maps=self._maps(snapshots), without=learned.without
        )
        settled = tuple(intent.id for intent in intents)
        return Sight(link=link, plan=plan, snapshots=snapshots, settled=settled)

    def _find(self, link: Link, side: Side, mark: str) -> tuple[str, ...]:
        """Give what carries the mark and belongs to no other link: labels can be typed, and are cloned."""
        found = self._rule.connectors.of(side).find(mark)
        owners = {key: self._store.link_of(self._rule.name, side, key) for key in found}
        return tuple(key for key, owner in owners.items() if owner is None or owner.id == link.id)

    def _orphans(self, side: Side, intents: Sequence[Intent]) -> tuple[str, ...]:
        marks = {intent.mark for intent in intents if intent.kind == "create"}
        return tuple(key for mark in sorted(marks) for key in self._rule.connectors.of(side).find(mark))

    def _pair(
        self, link: Link, intents: Sequence[Intent], learned: Learned, *, origin: Snapshot | None = None,
        side: Side | None = None,
    ) -> Sight:
        read: dict[Side, Snapshot] = {side: origin} if origin is not None and side is not None else {}
        for one in Side:
            snapshot = read.get(one) or self._read(link, one)
            if snapshot is None:
                return _gone(link, one)
            read[one] = snapshot
        now = Both(case=read[Side.CASE], ticket=read[Side.TICKET])
        link = replace(link, labels=Both(case=now.case.label, ticket=now.ticket.label))
        snapshots: Both[Snapshot | None] = Both(case=now.case, ticket=now.ticket)
        visible_at = self._visible_at(intents, link.base, now)
        if visible_at is not None:
            return Sight(link=link, plan=Plan(base=link.base), snapshots=snapshots, wait_until=visible_at)
        base = settle(link.base, intents, now, self._rule.maps)
        plan = make_plan(
            link.id, base, now, rules=self._rule.rules, maps=self._maps(snapshots, base), able=self._able(),
            strangers=learned.strangers,
        )
        settled = tuple(intent.id for intent in intents)
        return Sight(link=replace(link, base=plan.base), plan=plan, snapshots=snapshots, settled=settled)

    def _maps(self, origins: Both[Snapshot | None], base: Base | None = None) -> Maps:
        return dressed_maps(self._rule.maps, self._rule.templates, origins, base or Base())

    def _able(self) -> Both[Capabilities]:
        connectors = self._rule.connectors
        return Both(case=connectors.case.capabilities, ticket=connectors.ticket.capabilities)

    def _visible_at(self, intents: Sequence[Intent], base: Base, now: Both[Snapshot]) -> float | None:
        """Tell until when a mirror or a file that was begun and is not to be seen may still turn up."""
        times = [
            intent.sent_at + self._rule.connectors.of(intent.side).capabilities.read_lag
            for intent in intents if not arrived(intent, base, now.of(intent.side))
        ]
        latest = max(times, default=0.0)
        return latest if latest > self._clock() else None

    def _read(self, link: Link, side: Side) -> Snapshot | None:
        key = link.keys.of(side)
        try:
            return self._rule.connectors.of(side).read(key) if key is not None else None
        except NotFound:
            return None


def _gone(link: Link, side: Side, *, orphans: tuple[str, ...] = ()) -> Sight:
    reason = f"the {side} {link.labels.of(side) or link.keys.of(side)} no longer exists or is no longer visible"
    if orphans:
        reason += f"; made for it and left alone: {side.other} {', '.join(orphans)}"
    link = replace(link, state=LinkState.GONE, reason=reason, retry_at=None)
    return Sight(link=link, plan=Plan(base=link.base), snapshots=Both(case=None, ticket=None), gone=side)
