"""What the contract test class asks of a system under test."""

from __future__ import annotations

import io
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from kibcase_connectors.actions import Action, AddComment, AddFile, Create, LinkBack, SetFields, SetStatus
from kibcase_connectors.api import Connector
from kibcase_connectors.model import (
    ASSIGNEE,
    DESCRIPTION,
    FIELDS,
    FURTHER,
    MARK_PREFIX,
    OBSERVABLES,
    SEVERITY,
    STATUS,
    TAGS,
    TITLE,
    Canonical,
    Json,
    Receipt,
    Snapshot,
)
from kibcase_connectors.testing_tools import expect, lacking

MARK: Final = f"{MARK_PREFIX}contract-0a1b2c3d-7"
"""The mark of the thing that the tests create."""

BODY: Final = "**Ann** wrote:\n\nblocked the host"
"""The comment that the tests mirror."""

URL: Final = "https://kibana.example.com/case/7"
"""The address of the case that the tests link to."""

CONTENT: Final = b"\x00\xffbeacon\r\n--boundary\r\n\x1a"
"""A file whose bytes do not survive being taken for text."""

_FIELDS: Final[Mapping[str, Canonical]] = {
    TITLE: "Beacon on WKS-7", DESCRIPTION: "Seen by EDR.", SEVERITY: "high", TAGS: ("edr", "apt29"),
}


class ContractHooks(ABC):
    """The hooks of ``ConnectorContract``. Each test has a fresh system: ``start`` before it, ``stop`` after it.

    The abstract ones must be written. The others are needed for what the connector's capabilities offer, or for what
    a stand-in can do that a throw-away instance cannot; a test that needs one that is not written is skipped and
    says so.

    ``colleague`` is the e-mail address of a person besides kibcase to whom things can be assigned. ``observables``
    are three elements that the system can hold, the third another spelling of the second. ``custom`` gives two
    values in the common form for each custom field that ``connect`` configures, ``unfit`` one that the system's own
    field cannot hold. ``many`` is how many things are more than a page of the change feed, ``forbidden`` the body with
    which the system itself answers 403.
    """

    connector: Connector
    colleague: str = ""
    observables: tuple[str, str, str] = ("ipv4 203.0.113.7", "domain evil.example", "domain EVIL.example")
    custom: Mapping[str, tuple[str, str]] = MappingProxyType({})
    unfit: Mapping[str, str] = MappingProxyType({})
    many: int = 120
    forbidden: bytes = b"{}"

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

    def person_attaches(self, key: str, name: str, content: bytes) -> None:  # noqa: ARG002
        """Let a person attach a file."""
        lacking("person_attaches")

    def person_assigns(self, key: str, person: str) -> None:  # noqa: ARG002
        """Let a person assign the thing to the one with this e-mail address, or to nobody ("")."""
        lacking("person_assigns")

    def person_observes(self, key: str, element: str) -> None:  # noqa: ARG002
        """Let a person add an observable, given as an element (``ipv4 203.0.113.7``)."""
        lacking("person_observes")

    def person_sets(self, key: str, field: str, value: str) -> None:  # noqa: ARG002
        """Let a person set a custom field, by its common name, to a value in the common form."""
        lacking("person_sets")

    def answer_with(
        self, status: int, *, headers: Mapping[str, str] = MappingProxyType({}), body: bytes = b"",  # noqa: ARG002
        writes: bool = False, times: int | None = None,  # noqa: ARG002
    ) -> None:
        """Let the next ``times`` HTTP requests (None: all) be answered so, without being carried out.

        With ``writes`` only those are meant that ask the system to store something.
        """
        lacking("answer_with")

    def answer_normally(self) -> None:
        """Take back what ``answer_with``, ``lose_request`` and ``lose_answer`` have arranged."""
        lacking("answer_normally")

    def there(self) -> datetime:
        """Give the time that the ``Date`` header of the system tells; by default the present time."""
        return datetime.now(UTC)

    def skew(self, seconds: float) -> None:  # noqa: ARG002
        """Let the system's clock be ahead of the daemon's by this much (below 0: behind) from now on."""
        lacking("skew")

    def pass_time(self, seconds: float) -> None:
        """Let time pass, by default by waiting; override it where the system's clock can be moved."""
        time.sleep(seconds)

    def setup_method(self) -> None:
        """Start the system; pytest calls this before each test."""
        self.start()
        self.connector = self.opened()

    def teardown_method(self) -> None:
        """End everything; pytest calls this after each test."""
        try:
            self.connector.close()
        finally:
            self.stop()

    def opened(self) -> Connector:
        """Give the connector that the tests work with."""
        return self.connect()

    def reconnect(self) -> None:
        """Close the connector and open another one, as a daemon that is started again."""
        self.connector.close()
        self.connector = self.opened()

    def expect_sent(self, before: int, number: int, broken: str) -> None:
        """Expect so many writing requests since there were ``before``."""
        sent = self.writes() - before
        expect(sent == number, f"{broken}: {sent} writing requests were sent")

    @property
    def custom_fields(self) -> tuple[str, ...]:
        """The custom fields of the connector, each of which must have values in ``custom``."""
        names = sorted(self.connector.capabilities.fields - {*FIELDS, *FURTHER})
        expect(set(names) <= set(self.custom), f"the hook ``custom`` has no values for all of {names}")
        return tuple(names)

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
        """Give one action of each kind that needs no comment, each of which changes something.

        Give them anew for each use: a file is read to its end by one.
        """
        actions: list[Action] = [
            SetFields(key=at.key, version=at.version, fields={TITLE: "Renamed"}),
            AddComment(key=at.key, mark=f"{MARK}#1", body=BODY),
        ]
        if self.connector.capabilities.links_back:
            actions.append(LinkBack(key=at.key, mark=MARK, label="case 7", url=URL))
        if self.connector.capabilities.files:
            actions.append(self.file(at.key))
        if self.has(ASSIGNEE) and self.colleague:
            actions.append(SetFields(key=at.key, version=at.version, fields={ASSIGNEE: self.colleague}))
        if self.has(OBSERVABLES):
            actions.append(SetFields(key=at.key, version=at.version, add={OBSERVABLES: self.observables[:1]}))
        actions += [
            SetFields(key=at.key, version=at.version, fields={name: self.custom[name][0]})
            for name in self.custom_fields
        ]
        close = SetStatus(key=at.key, version=at.version, status="closed")
        return [*actions, close] if self.has(STATUS) else actions

    def file(self, key: str, name: str = "beacon.txt", content: bytes = CONTENT) -> AddFile:
        """Give the attaching of a file."""
        return AddFile(
            key=key, name=name, size=len(content), media_type="application/octet-stream", content=io.BytesIO(content)
        )

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
