"""A connector that leaves its system alone when that is what the system needs."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

from kibcase_connectors.actions import Action
from kibcase_connectors.api import Announce, Capabilities, Connector
from kibcase_connectors.breaker import CLOSED, Breaker, Cause, State, versioned
from kibcase_connectors.budget import Budget
from kibcase_connectors.errors import ConnectorError, Denied, Throttled
from kibcase_connectors.mapping import FieldMap
from kibcase_connectors.model import Changes, File, Finding, Json, Receipt, Snapshot

_VERSION: Final = 1
# While one call finds out whether a system is back, others come again after this many seconds.
_PROBE_WAIT: Final = 5
_ASK: Final = "`kibcase check` asks at once, and ends the wait if all is well."
_WHY: Final = {
    Cause.OUTAGE: "it failed several times in a row",
    Cause.THROTTLED: "it wants to be left alone",
    Cause.DENIED: "it refused the account",
}


def fingerprint(text: str) -> str:
    """Give a short digest of a system's settings, to be kept with its breaker.

    Two bytes only: enough to notice a change, too little to try out guesses of a password on.
    """
    return hashlib.sha256(text.encode()).hexdigest()[:4]


class Guard:
    """The circuit breaker and the hourly budget of one system, kept between runs.

    All connectors of a system share one guard; it may be used from several threads. ``load`` gives what ``save`` was
    given last, None if there is nothing yet; ``save`` is called only when the breaker has changed, once a minute for
    the budget while there are calls, and by ``keep``. ``clock`` gives seconds since the epoch. ``configuration``
    is the ``fingerprint`` of the settings: after a refused account, other settings are tried at once.

    Raises ``ValueError`` if ``load`` gives something else than a guard's state.
    """

    def __init__(
        self, *, load: Callable[[], Json], save: Callable[[Json], None], clock: Callable[[], float],
        budget: Budget | None = None, configuration: str = "",
    ) -> None:
        self._load = load
        self._save = save
        self._clock = clock
        self._configuration = configuration
        self._lock = threading.Lock()
        self._probing = False
        self._breaker, spent = _read(load())
        self._budget = budget if budget is None or spent is None else budget.resumed(spent)
        self._kept = self._budget

    @property
    def breaker(self) -> Breaker:
        """The breaker as it is now."""
        return self._breaker

    @contextmanager
    def call(self, system: str, *, sent: Callable[[], int] | None = None) -> Iterator[None]:
        """Make one call to the system inside, or none: raises ``Throttled`` or ``Denied`` if it is to be left alone.

        ``sent`` counts the requests sent so far, for the budget; without it a call counts as one request.
        """
        with self._lock:
            probe = self._admit(system)
            self._probing = self._probing or probe
        try:
            with self._counted(sent):
                yield
        except ConnectorError as error:
            self._settle(error)
            raise
        else:
            self._settle(None)
        finally:
            with self._lock:
                self._probing = self._probing and not probe

    @contextmanager
    def look(self, *, sent: Callable[[], int] | None = None) -> Iterator[Callable[[], None]]:
        """Make a call that a person wants now, whatever the state; what it gives is to be called if all went well."""
        try:
            with self._counted(sent):
                yield lambda: self._settle(None, asked=True)
        except ConnectorError as error:
            self._settle(error)
            raise

    def keep(self) -> None:
        """Save what the budget has counted since it was saved last."""
        with self._lock:
            if self._budget != self._kept:
                self._store()

    def _admit(self, system: str) -> bool:
        """Let a call pass or raise; True if it is the one that finds out whether the system is back."""
        now = self._clock()
        if self._breaker.state(now, self._configuration) is State.OPEN:
            # Another process may have found the system well in the meantime.
            self._breaker = _read(self._load())[0]
        state = self._breaker.state(now, self._configuration)
        if state is State.OPEN:
            raise _refusal(self._breaker, system, self._breaker.remaining(now, self._configuration))
        if state is State.HALF_OPEN and self._probing:
            what = f"nothing was sent: another call finds out whether it is back; it is asked again in {_PROBE_WAIT} s"
            raise Throttled(system, what, said=self._breaker.said, retry_after=_PROBE_WAIT)
        wait = 0.0 if self._budget is None else self._budget.wait(now)
        if wait > 0:
            what = f"nothing was sent: the hourly budget is used up; it is asked again in {_span(wait)}"
            raise Throttled(system, what, retry_after=wait)
        return state is State.HALF_OPEN

    @contextmanager
    def _counted(self, sent: Callable[[], int] | None) -> Iterator[None]:
        before = 0 if sent is None else sent()
        try:
            yield
        finally:
            calls = 1 if sent is None else sent() - before
            with self._lock:
                if self._budget is not None and calls > 0:
                    self._budget = self._budget.spend(self._clock(), calls)

    def _settle(self, outcome: ConnectorError | None, *, asked: bool = False) -> None:
        with self._lock:
            before, now = self._breaker, self._clock()
            after = before.after(outcome, now, self._configuration)
            # A call that was under way when another one was turned away proves nothing by its success.
            late = after == CLOSED and not asked and before.state(now, self._configuration) is State.OPEN
            self._breaker = before if late else after
            if self._breaker != before or _steps(self._budget) != _steps(self._kept):
                self._store()

    def _store(self) -> None:
        budget = None if self._budget is None else self._budget.to_json()
        self._save({"version": _VERSION, "breaker": self._breaker.to_json(), "budget": budget})
        self._kept = self._budget


class GuardedConnector:
    """A ``Connector`` around another one, behind a ``Guard``.

    While the guard holds calls back, every method that would ask the system raises ``Throttled`` with the remaining
    wait, or ``Denied``, and sends nothing; nothing is announced either. ``Throttled`` stands for outages, too,
    since then as well it is known when to come back. ``check`` always asks, and closes the breaker if it finds no
    problem. ``sent`` counts the requests that the connector has sent so far, for the budget of the guard.

    What the wrapped connector has beyond the protocol is passed on, methods behind the guard like the others.
    """

    def __init__(self, connector: Connector, guard: Guard, *, sent: Callable[[], int] | None = None) -> None:
        self._connector = connector
        self._guard = guard
        self._sent = sent

    @property
    def name(self) -> str:
        """The system's configured name."""
        return self._connector.name

    @property
    def kind(self) -> str:
        """The kind of system."""
        return self._connector.kind

    @property
    def capabilities(self) -> Capabilities:
        """What the system can do."""
        return self._connector.capabilities

    @property
    def mapping(self) -> FieldMap:
        """What the side's own values mean."""
        return self._connector.mapping

    def check(self) -> list[Finding]:
        """Look at everything, whether the breaker is open or not."""
        with self._guard.look(sent=self._sent) as well:
            findings = self._connector.check()
        if not any(finding.level == "problem" for finding in findings):
            well()
        return findings

    def changes(self, cursor: str | None) -> Changes:
        """List what may have changed; see ``Connector.changes``."""
        with self._call():
            return self._connector.changes(cursor)

    def read(self, key: str) -> Snapshot:
        """Read one thing; see ``Connector.read``."""
        with self._call():
            return self._connector.read(key)

    def fetch(self, key: str, file: File, into: BinaryIO) -> None:
        """Write the content of a file; see ``Connector.fetch``."""
        with self._call():
            self._connector.fetch(key, file, into)

    def find(self, mark: str) -> tuple[str, ...]:
        """Give the keys of what carries the mark; see ``Connector.find``."""
        with self._call():
            return self._connector.find(mark)

    def apply(self, action: Action, announce: Announce) -> Receipt:
        """Carry out one action; see ``Connector.apply``."""
        with self._call():
            return self._connector.apply(action, announce)

    def close(self) -> None:
        """Let go of connections, and save what the budget has counted."""
        try:
            self._connector.close()
        finally:
            self._guard.keep()

    def _call(self) -> Any:
        return self._guard.call(self._connector.name, sent=self._sent)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(self._connector, name)
        if not callable(found):
            return found

        def guarded(*args: Any, **kwargs: Any) -> Any:
            with self._call():
                return found(*args, **kwargs)

        return guarded


def _read(kept: Json) -> tuple[Breaker, Json]:
    if kept is None:
        return CLOSED, None
    fields = versioned(kept, "the state of a guard", _VERSION)
    return Breaker.from_json(fields.get("breaker")), fields.get("budget")


def _steps(budget: Budget | None) -> tuple[int, ...]:
    return () if budget is None else tuple(step for step, _ in budget.spent)


def _refusal(breaker: Breaker, system: str, remaining: float) -> ConnectorError:
    why = "" if breaker.cause is None else _WHY[breaker.cause]
    what = f"nothing was sent: {why}; it is asked again in {_span(remaining)}"
    if breaker.cause is Cause.DENIED:
        return Denied(system, what, said=breaker.said, advice=_ASK)
    return Throttled(system, what, said=breaker.said, advice=_ASK, retry_after=remaining)


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
