"""One cycle of one link rule: poll, queue, and bring every link in the queue into step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from kibcase_connectors.errors import (
    Conflict,
    ConnectorError,
    Denied,
    NotFound,
    OutcomeUnknown,
    Refused,
    Throttled,
    Unavailable,
)
from kibcase_connectors.model import Changed, Side
from kibcase_daemon.executor import Executor, FileUnavailable
from kibcase_daemon.look import LinkRule, Observer, Sight
from kibcase_daemon.schedule import ATTEMPTS_BEFORE_PARKING, pause
from kibcase_daemon.store.api import AuditEntry, Link, LinkState, Queued, StateStore
from kibcase_daemon.sync.guards import Limits, flood_suspected, loop_suspected
from kibcase_daemon.sync.types import Both, Plan, Planned
from kibcase_daemon.turn import Turn

_ROUNDS = 8
_OUTAGE_LINKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one cycle did.

    ``applied`` is every change written, in order. ``troubled`` are the links that are waiting or parked
    after the cycle, ``gone`` those whose case or ticket was found deleted in it. ``error`` says why the cycle
    ended early; ``denied`` whether that was for credentials or rights; ``retry_after`` the seconds that the
    remote side asked to be left alone.
    """

    rule: str
    applied: tuple[AuditEntry, ...] = ()
    looked_at: int = 0
    troubled: tuple[Link, ...] = ()
    gone: tuple[Link, ...] = ()
    error: str = ""
    denied: bool = False
    retry_after: float | None = None

    @property
    def in_step(self) -> bool:
        """Tell whether nothing is left to do or to look at."""
        return not (self.troubled or self.gone or self.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a cycle would do about one link; ``note`` says why it would do nothing."""

    link: Link
    plan: Plan
    note: str = ""


class Engine:
    """Syncs one link rule.

    ``clock`` gives seconds since the epoch; ``tell`` is called with each applied change as it happens. The
    engine has no state of its own: everything is in the store.
    """

    def __init__(
        self, rule: LinkRule, store: StateStore, *, clock: Callable[[], float], limits: Limits | None = None,
        tell: Callable[[AuditEntry], None] = lambda _: None,
    ) -> None:
        self._rule = rule
        self._store = store
        self._clock = clock
        self._limits = limits or Limits()
        self._tell = tell
        self._observer = Observer(rule, store, clock=clock)
        self._executor = Executor(store, clock=clock)

    def cycle(self, *, full: bool = False) -> Report:
        """Bring everything into step that has changed since the last cycle, or with ``full`` everything.

        A link that fails never stops another. A system that cannot be reached ends the cycle; what was
        queued stays queued. Raises only ``StoreError``.
        """
        run = _Run(self._tell)
        try:
            self._poll(full=full)
            self._work(run, full=full)
        except ConnectorError as error:
            run.error, run.denied = str(error), isinstance(error, Denied)
            run.retry_after = error.retry_after if isinstance(error, Throttled) else None
        report = Report(
            rule=self._rule.name, applied=tuple(run.applied), looked_at=run.looked_at, gone=tuple(run.gone),
            troubled=tuple(self._store.troubled(self._rule.name)), error=run.error, denied=run.denied,
            retry_after=run.retry_after,
        )
        if not report.error:
            self._store.note(f"success/{self._rule.name}", {"at": self._clock()})
        return report

    def preview(self, *, full: bool = False) -> list[Preview]:
        """Tell what a cycle would do, without writing anything anywhere.

        Raises what the connectors raise.
        """
        entries = [*self._store.queued(self._rule.name)]
        for side in Side:
            items = self._news(side, self._rule.connectors.of(side).changes(self._cursor(side, full=full)).items)
            entries.extend(Queued(rule=self._rule.name, side=side, change=item) for item in items)
        links = self._links(entries, full=full)
        flood = self._flood(links)
        return [preview for link in links if (preview := self._preview(link, flood)) is not None]

    def _preview(self, link: Link, flood: str | None) -> Preview | None:
        sight = self._observer.look(link)
        if sight.gone is not None:
            note = "" if link.state is LinkState.GONE else sight.link.reason
            return Preview(link=sight.link, plan=sight.plan, note=note) if note else None
        if sight.wait_until is not None:
            return Preview(link=sight.link, plan=sight.plan, note="waiting for an earlier write to become visible")
        if not sight.plan.actions and not sight.plan.held:
            return None
        stopped = flood if link.state is LinkState.NEW else self._doubt(sight.link, sight.plan)
        return Preview(link=sight.link, plan=self._observer.foreseen(sight), note=stopped or "")

    def _cursor(self, side: Side, *, full: bool) -> str | None:
        return None if full else self._store.cursor(self._rule.name, side)

    def _poll(self, *, full: bool) -> None:
        for side in Side:
            changes = self._rule.connectors.of(side).changes(self._cursor(side, full=full))
            self._store.enqueue(self._rule.name, side, self._news(side, changes.items), changes.cursor)

    def _news(self, side: Side, items: Iterable[Changed]) -> list[Changed]:
        """Leave out what is known to be in step at this version, and what takes no part."""
        news = []
        for item in items:
            link = self._store.link_of(self._rule.name, side, item.key)
            if link is None:
                if self._may_begin(side, item):
                    news.append(item)
            elif link.seen.of(side) != item.version:
                news.append(item)
        return news

    def _may_begin(self, side: Side, item: Changed) -> bool:
        """Tell whether a copy may be made; a copy is never copied back, even when the store forgot that it is one."""
        return item.eligible and not item.marked and self._rule.creates.of(side.other)

    def _work(self, run: _Run, *, full: bool) -> None:
        entries = self._store.queued(self._rule.name)
        links = self._links(entries, full=full)
        flood = self._flood(links)
        done: dict[tuple[Side, str], Queued] = {(entry.side, entry.change.key): entry for entry in entries}
        for link in links:
            if flood and link.state is LinkState.NEW:
                continue
            link = self._store.add_link(link)
            run.looked_at += 1
            mine = [done[side, key] for side in Side if (key := link.keys.of(side)) and (side, key) in done]
            self._sync(link, mine, run)
            self._store.dequeue(mine)
        self._store.dequeue([entry for entry in entries if self._is_idle(entry)])
        if flood:
            # Judged again next time: by then there may be another filter, another limit, or fewer of them.
            self._store.start_over(self._rule.name, self._store.queued(self._rule.name))
            run.error = flood

    def _flood(self, links: Sequence[Link]) -> str | None:
        return flood_suspected(sum(1 for link in links if link.state is LinkState.NEW), self._limits)

    def _is_idle(self, entry: Queued) -> bool:
        link = self._store.link_of(entry.rule, entry.side, entry.change.key)
        return link is None and not self._may_begin(entry.side, entry.change)

    def _links(self, entries: Sequence[Queued], *, full: bool) -> list[Link]:
        """Give the links that need a look, each once; those that do not exist yet are made up."""
        rule = self._rule.name
        found: dict[str, Link] = {}
        known = [*self._store.due(rule, self._clock()), *(self._store.links(rule) if full else [])]
        for link in known:
            found.setdefault(link.id, link)
        for entry in entries:
            existing = self._store.link_of(rule, entry.side, entry.change.key)
            if existing is not None:
                found.setdefault(existing.id, existing)
            elif self._may_begin(entry.side, entry.change):
                link = _new_link(rule, entry.side, entry.change.key)
                found.setdefault(link.id, link)
        return list(found.values())

    def _sync(self, link: Link, entries: Sequence[Queued], run: _Run) -> None:
        """Bring one link into step, or keep it with the reason why not."""
        self._pause_for_outage(run)
        # What is kept waiting has been noticed at these versions; only a newer one ends the wait.
        for entry in entries:
            link = replace(link, seen=link.seen.put(entry.side, entry.change.version))
        turn = Turn(link=link)
        try:
            for _ in range(self._rounds):
                if self._round(turn, run):
                    run.outages = 0
                    return
            self._wait(turn.link, "both sides keep changing", run)
        except Throttled as error:
            self._wait(turn.link, str(error), run, asked=error.retry_after, counts=False)
            if error.whole:
                raise
        except (Unavailable, Conflict) as error:
            run.outages += isinstance(error, Unavailable) and not isinstance(error, FileUnavailable)
            self._wait(turn.link, str(error), run)
        except OutcomeUnknown as error:
            self._wait(turn.link, str(error), run, soon=True)
        except (Refused, NotFound) as error:
            self._park(turn.link, str(error), run)

    @property
    def _rounds(self) -> int:
        """The most rounds of a turn; every field beyond the common ones is written in a round of its own."""
        return _ROUNDS + len(self._rule.rules.fields)

    def _pause_for_outage(self, run: _Run) -> None:
        if run.outages >= _OUTAGE_LINKS:
            raise Unavailable(self._rule.name, f"{run.outages} links failed one after the other; the rest waits")

    def _round(self, turn: Turn, run: _Run) -> bool:
        """Look, and do what does not depend on something else being done first; True if that was the last."""
        sight = self._observer.look(turn.link, turn.learned)
        turn.link = sight.link
        if sight.gone is not None:
            self._lose(sight.link, turn, run)
            return True
        if sight.wait_until is not None:
            self._store.save(
                replace(
                    turn.link, state=LinkState.WAITING, retry_at=sight.wait_until,
                    reason="an earlier write may still become visible",
                )
            )
            return True
        self._settle(turn, sight, run)
        if all(turn.has_refused(planned) for planned in sight.plan.actions):
            self._rest(turn, sight, run)
            return True
        doubt = self._doubt(turn.link, sight.plan)
        if doubt is not None:
            self._park(self._seen(turn.link, sight), doubt, run)
            return True
        self._act(turn, sight, run)
        return False

    def _doubt(self, link: Link, plan: Plan) -> str | None:
        now = self._clock()
        return loop_suspected(plan, self._store.recent(link.id, now - self._limits.loop_seconds), now, self._limits)

    def _lose(self, link: Link, turn: Turn, run: _Run) -> None:
        """Keep a link whose case or ticket is gone; people are told once."""
        if turn.began is LinkState.GONE:
            self._store.save(link)
            return
        run.gone.append(link)
        run.note(self._keep(link, link.reason))

    def _settle(self, turn: Turn, sight: Sight, run: _Run) -> None:
        if sight.settled:
            self._store.finish(turn.link, sight.settled)
        if sight.twins:
            why = f"also carries the mark: {', '.join(sight.twins)}; kibcase keeps to the oldest"
            run.note(self._keep(turn.link, why))

    def _act(self, turn: Turn, sight: Sight, run: _Run) -> None:
        failed: FileUnavailable | None = None
        for planned in sight.plan.actions:
            blocked = planned.later and not self._only_refused_before(turn, sight)
            if blocked or turn.has_refused(planned):
                continue
            try:
                turn.link, entries = self._executor.run(
                    turn.link, planned, self._rule.connectors, self._rule.maps
                )
            except Refused as error:
                self._refuse(turn, planned, error, run)
            except FileUnavailable as error:
                if turn.is_patient:
                    failed = failed or error
                else:
                    turn.give_up(planned, error)
            except (Conflict, NotFound):
                return
            else:
                run.note(*entries)
        if failed is not None:
            raise failed

    def _refuse(self, turn: Turn, planned: Planned, error: Refused, run: _Run) -> None:
        strangers = turn.learned.strangers
        turn.refuse(planned, error)
        if turn.learned.strangers != strangers and self._rule.rules.comments.carries(planned.side):
            run.note(self._keep(turn.link, f"told in a comment instead: {error}"))

    @staticmethod
    def _only_refused_before(turn: Turn, sight: Sight) -> bool:
        """Tell whether all that the waiting actions wait for has been refused, so that they wait no longer."""
        return all(
            planned.later or turn.has_refused(planned) or (planned.file is not None and not turn.is_patient)
            for planned in sight.plan.actions
        )

    def _rest(self, turn: Turn, sight: Sight, run: _Run) -> None:
        """Keep a link about which nothing more can be done now."""
        link = self._seen(turn.link, sight)
        refused = [turn.refused[planned.id][1] for planned in sight.plan.actions]
        reasons = [*refused, *(f"{change.field}: {change.why}" for change in sight.plan.held)]
        if reasons:
            keep = self._wait if turn.passing else self._park
            keep(link, "; ".join(dict.fromkeys(reasons)), run)
            return
        fresh = replace(link, state=LinkState.ACTIVE, reason="", retry_at=None, attempts=0)
        released = link.state is LinkState.PARKED
        self._store.save(fresh, audit=[self._state(fresh, "in step again")] if released else [])

    @staticmethod
    def _seen(link: Link, sight: Sight) -> Link:
        seen = link.seen
        for side in Side:
            snapshot = sight.snapshots.of(side)
            if snapshot is not None:
                # Of what may be incomplete no version counts as seen, not even the one that was queued.
                seen = seen.put(side, snapshot.version if snapshot.settled else None)
        return replace(link, seen=seen)

    def _wait(
        self, link: Link, reason: str, run: _Run, *, asked: float | None = None, soon: bool = False,
        counts: bool = True,
    ) -> None:
        attempts = (link.attempts if link.state is LinkState.WAITING else 0) + counts
        if attempts >= ATTEMPTS_BEFORE_PARKING:
            self._park(link, f"{reason} (after {attempts} attempts)", run)
            return
        seconds = 0.0 if soon and attempts == 1 else pause(attempts, parked=False, asked=asked)
        self._store.save(
            replace(
                link, state=LinkState.WAITING, reason=reason, attempts=attempts, retry_at=self._clock() + seconds
            )
        )

    def _park(self, link: Link, reason: str, run: _Run) -> None:
        attempts = (link.attempts if link.state is LinkState.PARKED else 0) + 1
        news = (link.state, link.reason) != (LinkState.PARKED, reason)
        link = replace(
            link, state=LinkState.PARKED, reason=reason, attempts=attempts,
            retry_at=self._clock() + pause(attempts, parked=True),
        )
        if news:
            run.note(self._keep(link, f"parked: {reason}"))
        else:
            self._store.save(link)

    def _keep(self, link: Link, why: str) -> AuditEntry:
        entry = self._state(link, why)
        self._store.save(link, audit=[entry])
        return entry

    def _state(self, link: Link, why: str) -> AuditEntry:
        return AuditEntry(
            at=self._clock(), rule=link.rule, link=link.id, case=link.labels.case, ticket=link.labels.ticket, side="",
            kind="state", field="", old="", new=link.state.value, why=why,
        )


class _Run:
    """What one cycle has gathered so far."""

    def __init__(self, tell: Callable[[AuditEntry], None]) -> None:
        self._tell = tell
        self.applied: list[AuditEntry] = []
        self.gone: list[Link] = []
        self.looked_at = 0
        self.outages = 0
        self.error = ""
        self.denied = False
        self.retry_after: float | None = None

    def note(self, *entries: AuditEntry) -> None:
        for entry in entries:
            self.applied.append(entry)
            self._tell(entry)


def _new_link(rule: str, side: Side, key: str) -> Link:
    keys: Both[str | None] = Both(case=None, ticket=None)
    return Link(id=f"{rule}/{side}/{key}", rule=rule, keys=keys.put(side, key), labels=Both(case="", ticket=""))
