"""A caller that does with a connector's errors what sync does with them, as a connector around a connector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import BinaryIO, Final, TypeVar

from kibcase_connectors.actions import (
    Action,
    AddComment,
    AddFile,
    Create,
    EditComment,
    LinkBack,
    SetFields,
    SetStatus,
)
from kibcase_connectors.api import Announce, Capabilities, Connector
from kibcase_connectors.errors import Conflict, OutcomeUnknown, Throttled, Unavailable
from kibcase_connectors.mapping import FieldMap
from kibcase_connectors.model import STATUS, Changes, File, Finding, Json, Receipt, Snapshot

Given = TypeVar("Given")

_DISTURBED: Final = 3
_TRIES: Final = 6
_PAUSE: Final = 1.0


class Patient:
    """Waits and tries again what was not carried out, and finds out what became of what may have been.

    ``disturb`` is called before the first tries of each call and may arrange a fault, ``calm`` before the rest.
    ``wait`` lets seconds pass.
    """

    def __init__(
        self, connector: Connector, *, disturb: Callable[[], None], calm: Callable[[], None],
        wait: Callable[[float], None],
    ) -> None:
        self._connector = connector
        self._disturb = disturb
        self._calm = calm
        self._wait = wait

    @property
    def name(self) -> str:
        """The connector's."""
        return self._connector.name

    @property
    def kind(self) -> str:
        """The connector's."""
        return self._connector.kind

    @property
    def capabilities(self) -> Capabilities:
        """The connector's."""
        self._calm()
        return self._connector.capabilities

    @property
    def mapping(self) -> FieldMap:
        """The connector's."""
        return self._connector.mapping

    def check(self) -> list[Finding]:
        """Look at the set-up on a calm day: what is wrong with it is not to be hidden by what passes."""
        self._calm()
        return self._connector.check()

    def changes(self, cursor: str | None) -> Changes:
        """List what has changed."""
        return self._look(lambda: self._connector.changes(cursor))

    def read(self, key: str) -> Snapshot:
        """Read a thing."""
        return self._look(lambda: self._connector.read(key))

    def find(self, mark: str) -> tuple[str, ...]:
        """Find what carries a mark."""
        return self._look(lambda: self._connector.find(mark))

    def fetch(self, key: str, file: File, into: BinaryIO) -> None:
        """Fetch a file; what came of it before the connection broke is thrown away."""
        start = into.tell()

        def anew() -> None:
            into.seek(start)
            into.truncate()
            self._connector.fetch(key, file, into)

        self._look(anew)

    def close(self) -> None:
        """Close the connector."""
        self._calm()
        self._connector.close()

    def apply(self, action: Action, announce: Announce) -> Receipt:
        """Carry out an action once, however often it takes."""
        before = self._files(action)
        steps = list[Json]()

        def noting(values: Mapping[str, Json]) -> None:
            announce(values)
            steps.append(values.get(STATUS))

        for number in range(_TRIES):
            self._weather(number)
            announced = len(steps)
            try:
                return self._connector.apply(_rewound(action), noting)
            except (Unavailable, OutcomeUnknown) as error:
                self._pause(error)
                # Requests before the one that failed have been carried out.
                unsure = isinstance(error, OutcomeUnknown) or len(steps) - announced > 1
            if unsure:
                settled = self._settled(action, before, steps)
                if isinstance(settled, Receipt):
                    return settled
                action = settled
        raise AssertionError(f"{action} did not come through in {_TRIES} tries, the last of them undisturbed")

    def _look(self, call: Callable[[], Given]) -> Given:
        for number in range(_TRIES - 1):
            self._weather(number)
            try:
                return call()
            except Unavailable as error:
                self._pause(error)
        return call()

    def _weather(self, number: int) -> None:
        if number < _DISTURBED:
            self._disturb()
        else:
            self._calm()

    def _pause(self, error: Exception) -> None:
        asked = error.retry_after if isinstance(error, Throttled) else None
        self._wait(_PAUSE if asked is None else asked)

    def _files(self, action: Action) -> frozenset[str]:
        """Give the keys of the files that are there before another one is."""
        files = self.read(action.key).files if isinstance(action, AddFile) else ()
        return frozenset(file.key for file in files)

    def _settled(self, action: Action, before: frozenset[str], steps: list[Json]) -> Receipt | Action:
        """Find out what became of an action: the receipt if it was carried out, else what is to be done now."""
        lags = self.capabilities
        self._wait(max(lags.find_lag, lags.read_lag))
        match action:
            case Create():
                return self._created(action)
            case AddComment():
                mirrors = [each for each in self.read(action.key).comments if each.mark == action.mark]
                return Receipt(key=action.key, comment=mirrors[0]) if mirrors else action
            case AddFile():
                new = [
                    each for each in self.read(action.key).files
                    if each.key not in before and (each.name, each.size) == (action.name, action.size)
                ]
                return Receipt(key=action.key, file=new[0]) if new else action
            case SetFields():
                return self._set(action)
            case SetStatus():
                return self._moved(action, steps)
            case LinkBack() | EditComment():
                return action

    def _created(self, action: Create) -> Receipt | Action:
        found = self.find(action.mark)
        if not found:
            return action
        made = self.read(found[0])
        return Receipt(key=made.key, label=made.label, url=made.url, stored=made.fields)

    def _set(self, action: SetFields) -> Receipt | Action:
        now = self.read(action.key)
        if now.version == action.version:
            return action
        if not all(self.mapping.same(name, now.fields[name], value) for name, value in action.fields.items()):
            raise Conflict(self.name, f"{action.key} has changed since it was read")
        if not self._shows(action, now):
            # Some elements of a set are there already. Sets cannot conflict: the rest follows.
            return replace(action, version=now.version)
        names = {*action.fields, *action.add, *action.remove}
        return Receipt(key=action.key, stored={name: now.fields[name] for name in names})

    def _moved(self, action: SetStatus, steps: list[Json]) -> Receipt | Action:
        now = self.read(action.key)
        if self.mapping.same(STATUS, now.fields[STATUS], action.status):
            return Receipt(key=action.key, stored={STATUS: now.fields[STATUS]})
        if now.version != action.version and now.fields[STATUS] not in steps:
            raise Conflict(self.name, f"{action.key} has changed since it was read")
        return SetStatus(key=action.key, version=now.version, status=action.status)

    def _shows(self, action: SetFields, now: Snapshot) -> bool:
        """Tell whether what was to be added to the sets is there, and what was to be removed is not."""
        key = self.mapping.key
        for name in {*action.add, *action.remove}:
            held = now.fields[name]
            shown = {key(name, str(each)) for each in held} if isinstance(held, list) else set()
            gone = {key(name, each) for each in action.remove.get(name, ())}
            if shown & gone or not {key(name, each) for each in action.add.get(name, ())} <= shown:
                return False
        return True


def _rewound(action: Action) -> Action:
    if isinstance(action, AddFile) and action.content is not None:
        action.content.seek(0)
    return action
