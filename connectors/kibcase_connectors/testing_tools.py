"""The tools that the contract's tests are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar

from kibcase_connectors.errors import ConnectorError

Item = TypeVar("Item")
Raised = TypeVar("Raised", bound=BaseException)


def expect(condition: bool, broken: str) -> None:  # noqa: FBT001 - reads like an assertion
    """Fail the test with what was broken; works under ``python -O`` and without pytest's rewriting."""
    if not condition:
        raise AssertionError(broken)


def only(items: Sequence[Item]) -> Item:
    """Give the single one of these."""
    expect(len(items) == 1, f"one was expected, not {items}")
    return items[0]


@dataclass(slots=True)
class Caught(Generic[Raised]):
    """What ``raises`` caught; ``error`` may be read after its block."""

    found: Raised | None = None

    @property
    def error(self) -> Raised:
        """The error."""
        if self.found is None:
            raise AssertionError("nothing was raised yet")
        return self.found


@contextmanager
def raises(*kinds: type[Raised]) -> Iterator[Caught[Raised]]:
    """Expect exactly one of these errors, or one derived from them."""
    caught = Caught[Raised]()
    try:
        yield caught
    except kinds as error:
        caught.found = error
        return
    except ConnectorError as other:
        raise AssertionError(f"{type(other).__name__} came out where {_names(kinds)} was due: {other}") from other
    raise AssertionError(f"nothing was raised where {_names(kinds)} was due")


def _names(kinds: Iterable[type[BaseException]]) -> str:
    return " or ".join(kind.__name__ for kind in kinds)


def unless(capable: bool, lacking: str) -> None:  # noqa: FBT001 - reads like a sentence
    """Skip the test if the connector's capabilities do not have what it is about."""
    import pytest

    if not capable:
        pytest.skip(f"capabilities: {lacking}")


def lacking(hook: str) -> NoReturn:
    """Skip the test, visibly, since the system under test does not offer what the hook is for."""
    import pytest

    pytest.skip(f"the hook {hook} is not written")
