"""What can be set on a running stand-in, and how values given as JSON are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Final, Protocol

from pydantic import ConfigDict, Field, TypeAdapter

_YEARS: Final = 10 * 366 * 86_400.0
_DAY: Final = 86_400.0

STRICT: Final = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
"""How models of a switch are configured: nothing is converted, nothing unknown is let through."""

Seconds = Annotated[float, Field(ge=0, le=_DAY, allow_inf_nan=False)]
Offset = Annotated[float, Field(ge=-_YEARS, le=_YEARS, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
Positive = Annotated[int, Field(ge=1, le=1_000_000_000)]

FLAG: Final = TypeAdapter[Any](bool)
SECONDS: Final = TypeAdapter[Any](Seconds)
_OFFSET: Final = TypeAdapter[Any](Offset)


class BadSwitch(ValueError):
    """A value that a switch cannot take; the message says why."""


class Skewed(Protocol):
    """Something with a clock that may be off: ``skew`` is how far it runs ahead."""

    skew: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One thing that can be set: ``kind`` reads and writes it as JSON, ``write`` may raise ``BadSwitch``."""

    kind: TypeAdapter[Any]
    read: Callable[[], Any]
    write: Callable[[Any], None]

    def set(self, raw: bytes) -> None:
        """Take a value given as JSON; raises ``pydantic.ValidationError`` or ``BadSwitch``."""
        self.write(self.kind.validate_json(raw, strict=True))

    def shown(self) -> Any:
        """Give the value as JSON."""
        return self.kind.dump_python(self.read(), mode="json")


def attribute(kind: TypeAdapter[Any], owner: object, name: str) -> Switch:
    """Make a switch of an attribute."""
    return Switch(kind=kind, read=partial(getattr, owner, name), write=partial(setattr, owner, name))


def clock_skew(state: Skewed) -> Switch:
    """Make the switch of a clock: how many seconds it runs ahead, less than 0 behind; at most ten years."""
    def put(seconds: float) -> None:
        state.skew = timedelta(seconds=seconds)

    return Switch(kind=_OFFSET, read=lambda: state.skew.total_seconds(), write=put)
