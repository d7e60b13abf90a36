"""What shall go wrong between a connector and its system in memory, said in advance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Literal, TypeAlias

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

FaultKind: TypeAlias = Literal[
    "lost-request", "lost-answer", "unavailable", "throttled", "denied", "conflict", "refused", "not-found",
]

READS: Final = frozenset({"check", "changes", "read", "find", "fetch"})
"""The requests that store nothing."""

WRITES: Final = frozenset(
    {"create", "link", "set-fields", "set-status", "add-comment", "edit-comment", "add-file"}
)
"""The requests that write; a status that takes three steps is three of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFault:
    """One thing that goes wrong, and for which requests.

    ``on`` is the name of a request (one of ``READS`` or ``WRITES``), ``reads``, ``writes``, or a pattern
    (``*-comment``). The first ``skip`` such requests pass, the next ``times`` (None: all) are hit, and only from
    ``start`` to before ``end`` (seconds since the epoch; None: no limit), which makes a maintenance window.

    The kinds, and what the connector makes of them: ``lost-request`` and ``lost-answer`` break the connection before
    and after the effect (``OutcomeUnknown`` for a write, ``Unavailable`` for a look), ``unavailable`` is a server's
    error before the effect, ``throttled`` asks to wait ``retry_after`` seconds (None: does not say how long),
    ``denied`` is about the account, ``refused`` about one ``field``; ``conflict`` and ``not-found`` are the errors of
    those names.
    """

    kind: FaultKind
    on: str = "*"
    times: int | None = 1
    skip: int = 0
    start: float | None = None
    end: float | None = None
    retry_after: float | None = None
    field: str | None = None

    def __post_init__(self) -> None:
        if self.on not in {"reads", "writes"} and not any(fnmatchcase(name, self.on) for name in READS | WRITES):
            raise ValueError(f"on={self.on!r} fits no request; there are {', '.join(sorted(READS | WRITES))}")
        if self.skip < 0 or (self.times is not None and self.times < 1):
            raise ValueError(f"skip={self.skip}, times={self.times}: such a fault never strikes")

    def matches(self, request: str, now: float) -> bool:
        """Tell whether the fault is for this request at this time."""
        named = request in {"reads": READS, "writes": WRITES}.get(self.on, ()) or fnmatchcase(request, self.on)
        return named and (self.start is None or now >= self.start) and (self.end is None or now < self.end)


class MemoryFaults:
    """The faults that lie in wait at a ``MemorySystem``; one request is hit by one fault, the first that fits."""

    def __init__(self, system: str, clock: Callable[[], float]) -> None:
        self._system = system
        self._clock = clock
        self._armed: list[_Armed] = []

    @property
    def armed(self) -> tuple[MemoryFault, ...]:
        """The faults that may still strike, in the order in which they were armed."""
        return tuple(each.fault for each in self._armed if each.left != 0)

    def arm(self, *faults: MemoryFault) -> None:
        """Add faults."""
        self._armed += [_Armed(fault, fault.skip, fault.times) for fault in faults]

    def disarm(self) -> None:
        """Take all faults away."""
        self._armed.clear()

    @contextmanager
    def around(self, request: str) -> Iterator[None]:
        """Run one request; the faults strike before its effect or, lost answers, after it."""
        fault = _struck(self._armed, request, self._clock())
        if fault is not None and fault.kind != "lost-answer":
            raise self._error(fault, request)
        yield
        if fault is not None:
            raise self._error(fault, request)

    def _error(self, fault: MemoryFault, request: str) -> ConnectorError:
        match fault.kind:
            case "lost-request" | "lost-answer":
                kind = Unavailable if request in READS else OutcomeUnknown
                return kind(self._system, request, said="the connection broke off")
            case "throttled":
                return Throttled(self._system, request, said="too many requests", retry_after=fault.retry_after)
            case "refused":
                return Refused(self._system, request, said="this is not allowed", field=fault.field)
            case other:
                kinds: dict[str, type[ConnectorError]] = {
                    "unavailable": Unavailable, "denied": Denied, "conflict": Conflict, "not-found": NotFound,
                }
                return kinds[other](self._system, request, said="a fault that was armed")


@dataclass(slots=True)
class _Armed:
    fault: MemoryFault
    pass_by: int
    left: int | None


def _struck(armed: Iterable[_Armed], request: str, now: float) -> MemoryFault | None:
    for each in armed:
        if each.left == 0 or not each.fault.matches(request, now):
            continue
        if each.pass_by > 0:
            each.pass_by -= 1
            continue
        each.left = None if each.left is None else each.left - 1
        return each.fault
    return None
