"""What the contract test class asks of a system under test, and the tools that its tests are made of."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

from kibcase_connectors.actions import Action, AddComment, Create, LinkBack, SetFields, SetStatus
from kibcase_connectors.api import Connector
from kibcase_connectors.errors import ConnectorError
from kibcase_connectors.model import (
    DESCRIPTION,
    MARK_PREFIX,
    SEVERITY,
    STATUS,
    TAGS,
    TITLE,
    Canonical,
    Json,
    Receipt,
    Snapshot,
)

MARK: Final = f"{MARK_PREFIX}contract-0a1b2c3d-7"
"""The mark of the thing that the tests create."""

Item = TypeVar("Item")

BODY: Final = "**Ann** wrote:\n\nblocked the host"
"""The comment that the tests mirror."""

URL: Final = "https://kibana.example.com/case/7"
"""The address of the case that the tests link to."""

_FIELDS: Final[Mapping[str, Canonical]] = {
    TITLE: "Beacon on WKS-7", DESCRIPTION: "Seen by EDR.", SEVERITY: "high", TAGS: ("edr", "apt29"),
}


class ContractHooks(ABC):
    """The hooks of ``ConnectorContract``. Each test has a fresh system: ``start`` before it, ``stop`` after it."""

    connector: Connector

    @abstractmethod
    def start(self) -> None:
        """Start a system in which nothing carries ``MARK``, with an account for kibcase and a person."""

    @abstractmethod
    def stop(self) -> None:
        """End the system and all that ``start`` began."""

    @abstractmethod
    def connect(self) -> Connector:
        """Give a new connector to the started system."""

    @abstractmethod
    def misconfigured(self) -> Iterable[Connector]:
        """Give connectors whose account cannot work; none if the system has no accounts."""

    @abstractmethod
    def person_creates(self, title: str) -> str:
        """Let a person create a thing with all synced fields filled that the system demands; gives its key."""

    @abstractmethod
    def person_retitles(self, key: str, title: str) -> None:
        """Let a person change the title."""

    @abstractmethod
    def person_comments(self, key: str, text: str) -> None:
        """Let a person comment where the connector mirrors comments."""

    @abstractmethod
    def person_deletes(self, key: str) -> None:
        """Let a person delete the thing."""

    @abstractmethod
    def writes(self) -> int:
        """Count the requests that asked the system to store something, of connectors, since ``start``."""

    @abstractmethod
    def lose_request(self) -> None:
        """Break the connection at the next writing request, before the system sees it."""

    @abstractmethod
    def lose_answer(self) -> None:
        """Break the connection at the next writing request, after it was carried out, before its answer."""

    @abstractmethod
    def take_down(self) -> None:
        """Let no request of any kind come through from now on."""

    def pass_time(self, seconds: float) -> None:
        """Let time pass, by default by waiting; override it where the system's clock can be moved."""
        time.sleep(seconds)

    def setup_method(self) -> None:
        """Start the system; pytest calls this before each test."""
        self.start()
        self.connector = self.connect()

    def teardown_method(self) -> None:
        """End everything; pytest calls this after each test."""
        try:
            self.connector.close()
        finally:
            self.stop()

    def has(self, *fields: str) -> bool:
        """Tell whether the connector's system has all of these fields."""
        return set(fields) <= self.connector.capabilities.fields

    def creation(self, mark: str = MARK) -> Create:
        """Give the creation of a thing with every field that the system has."""
        fields = {name: value for name, value in _FIELDS.items() if self.has(name)}
        return Create(mark=mark, fields=fields, origin_label="case 7")

    def apply(self, action: Action) -> Receipt:
        """Carry out an action; announcements are let through."""
        return self.connector.apply(action, lambda _: None)

    def copy(self) -> Snapshot:
        """Create a thing and read it once it can be seen."""
        key = self.apply(self.creation()).key
        self.pass_time(max(self.connector.capabilities.find_lag, self.connector.capabilities.read_lag))
        return self.connector.read(key)

    def stays(self, key: str) -> Snapshot:
        """Read a thing once nothing that was written to it may still be missing."""
        self.pass_time(self.connector.capabilities.read_lag)
        return self.connector.read(key)

    def title(self, key: str) -> Canonical:
        """Read the title of a thing."""
        return self.connector.mapping.canonical(TITLE, self.stays(key).fields[TITLE])

    def in_native(self, *tags: str) -> tuple[str, ...]:
        """Give tags in the form of the connector's side."""
        native = self.connector.mapping.native(TAGS, tags)
        return tuple(str(each) for each in native) if isinstance(native, list) else ()

    def changing(self, at: Snapshot) -> list[Action]:
        """Give one action of each kind that needs no comment, each of which changes something."""
        actions: list[Action] = [
            SetFields(key=at.key, version=at.version, fields={TITLE: "Renamed"}),
            AddComment(key=at.key, mark=f"{MARK}#1", body=BODY),
        ]
        if self.connector.capabilities.links_back:
            actions.append(LinkBack(key=at.key, mark=MARK, label="case 7", url=URL))
        close = SetStatus(key=at.key, version=at.version, status="closed")
        return [*actions, close] if self.has(STATUS) else actions

    def found(self) -> tuple[str, ...]:
        """Give what carries ``MARK`` once all that was created can be found."""
        self.pass_time(self.connector.capabilities.find_lag)
        return self.connector.find(MARK)

    def settle(self) -> None:
        """Wait until what was written can be found and read."""
        lags = self.connector.capabilities
        self.pass_time(max(lags.find_lag, lags.read_lag))

    def pause(self, seconds: float) -> None:
        """Let time pass, or none at all."""
        if seconds:
            self.pass_time(seconds)

    def elements(self, field: str, native: Json) -> set[str]:
        """Give the elements that a native value of a set shows."""
        shown = self.connector.mapping.canonical(field, native)
        return {shown} if isinstance(shown, str) else {*shown}

    def announced(self, action: Action) -> int:
        """Carry out an action and see each write request announced right before it; gives how many there were."""
        before, seen = self.writes(), list[int]()

        def announce(values: Mapping[str, Json]) -> None:
            expect(isinstance(values, Mapping), "what is announced is not a mapping")
            seen.append(self.writes() - before)

        self.connector.apply(action, announce)
        sent = self.writes() - before
        expect(seen == list(range(sent)), f"{action}: of {sent} requests, announced after {seen} were sent")
        return sent


def expect(condition: bool, broken: str) -> None:  # noqa: FBT001 - reads like an assertion
    """Fail the test with what was broken; works under ``python -O`` and without pytest's rewriting."""
    if not condition:
        raise AssertionError(broken)


def only(items: Sequence[Item]) -> Item:
    """Give the single one of these."""
    expect(len(items) == 1, f"one was expected, not {items}")
    return items[0]


@contextmanager
def raises(*kinds: type[BaseException]) -> Iterator[None]:
    """Expect exactly one of these errors, or one derived from them."""
    try:
        yield
    except kinds:
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
