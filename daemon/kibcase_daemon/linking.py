"""A link that a person makes: a case and a ticket that exist already belong together from now on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kibcase_connectors.actions import SetFields
from kibcase_connectors.errors import NotFound
from kibcase_connectors.model import TAGS, Side, Snapshot
from kibcase_daemon.errors import DaemonError
from kibcase_daemon.look import LinkRule
from kibcase_daemon.store.api import AuditEntry, Link, LinkState, StateStore
from kibcase_daemon.sync.types import Both


class CannotLinkError(DaemonError):
    """These two cannot be linked: what stands in the way, and what to do."""


def link_existing(rule: LinkRule, store: StateStore, case: str, ticket: str, *, clock: Callable[[], float]) -> Link:
    """Link a case and a ticket, by their keys or whatever else the systems know them by.

    The ticket gets the mark of the case, so that the link is found again if the state is lost; the next cycle
    brings the two into step. Doing it again changes nothing. Raises ``CannotLinkError``, also where the case has, or
    may just be given, another ticket, and what connectors raise.
    """
    now = Both(case=_read(rule, Side.CASE, case), ticket=_read(rule, Side.TICKET, ticket))
    known = _known(rule, store, now)
    if known is not None:
        return known
    others = [mark for mark in now.ticket.marks if mark != now.case.mark]
    if others or now.case.marks:
        copy, marks = (now.ticket, others) if others else (now.case, list(now.case.marks))
        raise CannotLinkError(
            f"{copy.label} carries the mark {marks[0]}: it is a copy of something else already; take the mark off first"
        )
    _not_made_already(rule, store, now)
    if now.case.mark not in now.ticket.marks:
        action = SetFields(key=now.ticket.key, version=now.ticket.version, add={TAGS: (now.case.mark,)})
        rule.connectors.ticket.apply(action, lambda _: None)
    return _kept(rule, store, now, clock())


def _read(rule: LinkRule, side: Side, name: str) -> Snapshot:
    connector = rule.connectors.of(side)
    if not name.strip():
        raise CannotLinkError(f"which {side} of {connector.name}? Name it by its id or key")
    try:
        return connector.read(name.strip())
    except NotFound as error:
        why = "or this account may not see it; name it by its id or key"
        raise CannotLinkError(f"{connector.name} has no {side} {name}, {why}") from error


def _known(rule: LinkRule, store: StateStore, now: Both[Snapshot]) -> Link | None:
    found = {side: store.link_of(rule.name, side, now.of(side).key) for side in Side}
    case, ticket = found[Side.CASE], found[Side.TICKET]
    if case is not None and ticket is not None and case.id == ticket.id:
        return case
    for side in Side:
        link, other = found[side], side.other
        if link is not None and (side is Side.TICKET or link.keys.of(other) is not None):
            partner = link.labels.of(other) or link.keys.of(other) or "nothing yet"
            raise CannotLinkError(f"{now.of(side).label} is linked already, with {partner}")
    return None


def _not_made_already(rule: LinkRule, store: StateStore, now: Both[Snapshot]) -> None:
    """Refuse a case of which there is, or may just be made, another ticket."""
    begun = store.link_of(rule.name, Side.CASE, now.case.key)
    if begun is not None and store.intents(begun.id):
        raise CannotLinkError(
            f"a ticket for {now.case.label} was begun, and may be there already; run `kibcase sync` first"
        )
    copies = [
        key for key in rule.connectors.ticket.find(now.case.mark)
        if key != now.ticket.key and store.link_of(rule.name, Side.TICKET, key) is None
    ]
    if copies:
        raise CannotLinkError(
            f"{now.case.label} has a ticket already: {', '.join(copies)} carries its mark; link it with that one, or "
            "take the mark off there first"
        )


def _kept(rule: LinkRule, store: StateStore, now: Both[Snapshot], at: float) -> Link:
    keys: Both[str | None] = Both(case=now.case.key, ticket=now.ticket.key)
    labels = Both(case=now.case.label, ticket=now.ticket.label)
    new = Link(id=f"{rule.name}/{Side.CASE}/{now.case.key}", rule=rule.name, keys=keys, labels=labels)
    link = replace(
        store.add_link(new), keys=keys, labels=labels, state=LinkState.WAITING, retry_at=at, attempts=0,
        reason="linked by a person, and not synced yet",
    )
    entry = AuditEntry(
        at=at, rule=rule.name, link=link.id, case=labels.case, ticket=labels.ticket, side="", kind="state", field="",
        old="", new=link.state.value, why="linked by a person",
    )
    store.save(link, audit=[entry])
    return link
