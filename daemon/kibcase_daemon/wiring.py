"""From a configuration to running engines: the store, the connectors, the link rules."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from kibcase_connectors.api import Connector, Context
from kibcase_connectors.budget import Budget
from kibcase_connectors.guarded import Guard, GuardedConnector, fingerprint
from kibcase_connectors.kinds import kinds
from kibcase_connectors.model import Json, Side
from kibcase_daemon.config import Config, LinkConfig
from kibcase_daemon.config.model import System
from kibcase_daemon.engine import Engine
from kibcase_daemon.errors import ConfigError, DaemonError, StoreError
from kibcase_daemon.logs import log_event
from kibcase_daemon.look import LinkRule
from kibcase_daemon.store.api import AuditEntry, Link, StateStore
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.templates import unreadable
from kibcase_daemon.sync.types import Both, Maps

Clock = Callable[[], float]
"""Gives seconds since the epoch."""

Tell = Callable[[AuditEntry], None]
"""Is told each change when it has been applied."""


class Stopped(DaemonError):
    """A cycle ended between two links because it was asked to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Everything that one configuration needs to sync: one engine per link rule, in the order of the file."""

    config: Config
    store: SqliteStore
    rules: tuple[LinkRule, ...]
    engines: tuple[Engine, ...]
    stopping: threading.Event


@contextmanager
def wired(config: Config, *, clock: Clock = time.time, tell: Tell = lambda _: None) -> Iterator[Wiring]:
    """Open the state for writing, make connectors and engines; everything is closed at the end.

    Once ``stopping`` of the wiring is set, a running cycle raises ``Stopped`` before it takes up its next
    link. Raises ``StoreBusy`` if another process has the state, ``StoreError`` if it cannot be used,
    ``ConfigError`` if a system's settings turn out to be unusable.
    """
    with ExitStack() as ends:
        stopping = threading.Event()
        store = ends.enter_context(closing(_StoppableStore(config.state, stopping)))
        store.lock()
        yield _assembled(config, store, ends, clock=clock, tell=tell, stopping=stopping)


@contextmanager
def previewing(config: Config, *, clock: Clock = time.time) -> Iterator[Wiring]:
    """Do as ``wired`` on a copy of the state: the state file is neither written, nor locked, nor created."""
    with ExitStack() as ends:
        store = ends.enter_context(copied_store(config.state))
        yield _assembled(config, store, ends, clock=clock, tell=lambda _: None, stopping=threading.Event())


@contextmanager
def copied_store(path: Path) -> Iterator[SqliteStore]:
    """Open a copy of the state as it is now; an empty one if there is no file.

    Raises ``StoreError`` if the file cannot be read.
    """
    if not path.exists():
        with closing(SqliteStore()) as store:
            yield store
        return
    with ExitStack() as ends:
        try:
            copy = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="kibcase-"))) / "state.db"
            _copy(path, copy)
        except OSError as error:
            raise StoreError(f"the state file {path} cannot be copied to look at it: {error}") from error
        yield ends.enter_context(closing(SqliteStore(copy, called=path)))


def connector_for(config: Config, link: LinkConfig, side: Side, *, clock: Clock = time.time) -> Connector:
    """Make the connector of one side of a link rule; nothing is sent yet. Raises ``ConfigError``."""
    name = link.case if side is Side.CASE else link.ticket
    custom = config.custom_fields(link)
    return connect(
        config, name, link.cases if side is Side.CASE else link.tickets, parts=link.parts(custom),
        written=link.written(side, custom), clock=clock,
    )


def connect(
    config: Config, name: str, wanted: object = None, *, parts: frozenset[str] | None = None,
    written: frozenset[str] | None = None, clock: Clock = time.time,
) -> Connector:
    """Make a connector to the system of that name; ``wanted`` is its filter.

    ``parts`` is what is carried at all, ``written`` what of it is written there; None: everything.
    Raises ``ConfigError``.
    """
    system = config.systems[name]
    context = Context(
        clock=lambda: datetime.fromtimestamp(clock(), UTC), people=config.directory(), parts=parts,
        written=written,
    )
    try:
        return kinds()[system.kind]().connect(name, system.settings, wanted, context)
    except (ValueError, OSError) as error:
        raise ConfigError(config.source, (f"systems.{name}: {error}",)) from error


def unreadable_templates(link: LinkConfig, maps: Maps) -> list[tuple[Side, str]]:
    """Say which templates of a rule, on which side, would not be known again when they are read back."""
    why = "it is another text; leave out what the system may take for markup"
    return [
        (side, f"templates.{side}.{name} of {link.name}: read back from the {side} {why}")
        for side, name in unreadable(maps, link.worn())
    ]


def _assembled(
    config: Config, store: SqliteStore, ends: ExitStack, *, clock: Clock, tell: Tell, stopping: threading.Event
) -> Wiring:
    guards = {name: guard_for(config, name, store, clock=clock) for name in config.systems}
    rules = tuple(_rule(config, link, guards, ends, clock) for link in config.links)
    limits = config.limits.limits()
    engines = tuple(Engine(rule, store, clock=clock, limits=limits, tell=tell) for rule in rules)
    return Wiring(config=config, store=store, rules=rules, engines=engines, stopping=stopping)


def _rule(config: Config, link: LinkConfig, guards: Mapping[str, Guard], ends: ExitStack, clock: Clock) -> LinkRule:
    made: dict[Side, Connector] = {}
    for side, name in ((Side.CASE, link.case), (Side.TICKET, link.ticket)):
        connector = connector_for(config, link, side, clock=clock)
        guarded = GuardedConnector(connector, guards[name], sent=requests_of(connector))
        made[side] = ends.enter_context(closing(guarded))
    rule = LinkRule(
        name=link.name, rules=link.rules(config.custom_fields(link)),
        connectors=Both(case=made[Side.CASE], ticket=made[Side.TICKET]),
        creates=Both(case=link.create_cases, ticket=link.create_tickets), templates=link.worn(),
    )
    problems = unreadable_templates(link, rule.maps)
    if problems:
        raise ConfigError(config.source, tuple(text for _, text in problems))
    return rule


def requests_of(connector: Connector) -> Callable[[], int] | None:
    """Give what counts the requests that a connector has sent (``requests_sent``), None if it does not count them."""
    return partial(getattr, connector, "requests_sent") if hasattr(connector, "requests_sent") else None


def guard_for(config: Config, name: str, store: StateStore, *, clock: Clock = time.time) -> Guard:
    """Make the guard of a system; it is kept in the state, so that the next run leaves alone what asked for it."""
    calls = config.limits.calls_per_hour.get(name)

    budget = None if calls is None else Budget(limit=calls)

    def load() -> Json:
        state = dict(store.noted(f"guard/{name}") or {}) or None
        return state if _is_readable(state, name, budget) else None

    def save(state: Json) -> None:
        store.note(f"guard/{name}", state if isinstance(state, dict) else {})

    return Guard(load=load, save=save, clock=clock, budget=budget, configuration=_fingerprint(config.systems[name]))


def _is_readable(state: Json, name: str, budget: Budget | None) -> bool:
    """Tell whether this is a guard's state; what another version has kept is worth a warning, and no more."""
    try:
        Guard(load=lambda: state, save=lambda _: None, clock=lambda: 0.0, budget=budget)
    except ValueError as error:
        log_event(logging.WARNING, "guard-forgotten", system=name, error=str(error))
        return False
    return True


def _fingerprint(system: System) -> str:
    values = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in system.settings
    }
    return fingerprint(repr(values))


def _copy(source: Path, target: Path) -> None:
    if _copied_at_rest(source, target):
        return
    try:
        _backup(source, target, "mode=ro")
    except sqlite3.Error as error:
        raise StoreError(f"the state file {source} cannot be read: {error}") from error


def _copied_at_rest(source: Path, target: Path) -> bool:
    """Copy a file that no process has open; False if one has, or had meanwhile.

    SQLite's ordinary read-only way leaves two files of its own beside a file in WAL mode.
    """
    log = source.with_name(f"{source.name}-wal")
    if log.exists():
        return False
    before = source.stat()
    try:
        _backup(source, target, "mode=ro&immutable=1")
    except sqlite3.Error:
        return False
    after = source.stat()
    return not log.exists() and (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)


def _backup(source: Path, target: Path, how: str) -> None:
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?{how}", uri=True, timeout=10)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)


class _StoppableStore(SqliteStore):
    def __init__(self, path: Path, stopping: threading.Event) -> None:
        super().__init__(path)
        self._stopping = stopping

    def add_link(self, link: Link) -> Link:
        # The engine begins each link of a cycle with this call: here, and only here, nothing is half done.
        if self._stopping.is_set():
            raise Stopped("asked to stop; what is left is taken up by the next cycle")
        return super().add_link(link)
