"""One action: intent, call, receipt."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO, cast

from kibcase_connectors.actions import AddComment, AddFile, Create, EditComment, LinkBack, SetFields, SetStatus
from kibcase_connectors.api import Connector
from kibcase_connectors.errors import (
    Conflict,
    Denied,
    NotFound,
    OutcomeUnknown,
    Refused,
    Throttled,
    Unavailable,
)
from kibcase_connectors.model import SETS, File, Json, Receipt
from kibcase_daemon.store.api import AuditEntry, Link, LinkState, StateStore
from kibcase_daemon.sync.advance import Intent, advance
from kibcase_daemon.sync.guards import outcome, shown
from kibcase_daemon.sync.types import Both, FieldChange, Maps, Planned, Verdict

_TEXT_LIMIT = 65_536
_KINDS = {
    Create: "create", LinkBack: "link", SetFields: "fields", SetStatus: "status", AddComment: "add-comment",
    EditComment: "edit-comment", AddFile: "add-file",
}
_NAME_LIMIT = 120
_IN_MEMORY = 4 * 1024 * 1024


class FileUnavailable(Unavailable):
    """One file cannot be copied at present; that says nothing about the rest of the two systems."""


class Executor:
    """Carries out planned actions one at a time, so that a crash at any instruction can be made good.

    Before every request the journal holds the intent, with the time and the values of that request; the
    receipt, the advanced base and the audit go to the store in one transaction. No transaction is open
    during a call.
    """

    def __init__(self, store: StateStore, *, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    def run(
        self, link: Link, planned: Planned, connectors: Both[Connector], maps: Maps
    ) -> tuple[Link, list[AuditEntry]]:
        """Carry out one action; gives the link as it is then, and what to tell people.

        The content of a file is fetched first, to a temporary file if it is large.

        Raises what the connector raises, and ``FileUnavailable`` for a file. The journal then keeps the intent
        if something may have been written, for ``sync.advance.settle``.
        """
        journal = _Journal(self._store, self._intent(link, planned), self._lost(link, planned), self._clock)
        try:
            receipt = _applied(link, planned, connectors, journal.announce)
        except (Refused, Unavailable, Conflict, NotFound, Denied):
            # These say that the last request wrote nothing. Steps of a status before it may have.
            if journal.announced and not isinstance(planned.action, SetStatus):
                self._store.finish(link, [journal.intent.id])
            raise
        except OutcomeUnknown:
            # The request may have been under way until now: only from now on does the lag of a search count.
            journal.renew()
            raise
        done = _moved(link, planned, receipt, maps)
        entries = self._entries(done, planned, receipt)
        self._store.finish(done, [journal.intent.id], audit=entries)
        return done, [*journal.lost, *entries]

    def _intent(self, link: Link, planned: Planned) -> Intent:
        action, comment = planned.action, planned.comment
        return Intent(
            id=planned.id, link=link.id, side=planned.side, kind=_KINDS[type(action)], sent_at=self._clock(),
            attempts=0,
            mark="" if isinstance(action, SetFields | SetStatus | AddFile) else action.mark,
            sources=planned.sources,
            file=action.name if isinstance(action, AddFile) else "",
            size=action.size if isinstance(action, AddFile) else 0,
            comment=comment.key if comment else "", digest=comment.digest if comment else "",
            body=comment.body if comment else "",
            add=action.add if isinstance(action, SetFields) else {},
            remove=action.remove if isinstance(action, SetFields) else {},
        )

    def _lost(self, link: Link, planned: Planned) -> list[AuditEntry]:
        entries = [
            self._entry(
                link, planned, "conflict", change.field, shown(change.old), outcome(change), change.why, change.by
            )
            for change in planned.changes
            if change.verdict is Verdict.CONFLICT
        ]
        if planned.comment is not None and planned.comment.lost is not None:
            why = "the mirror of a comment said something else; the original wins"
            entries.append(self._entry(link, planned, "conflict", "comment", planned.comment.lost, "", why, ""))
        return entries

    def _entries(self, link: Link, planned: Planned, receipt: Receipt) -> list[AuditEntry]:
        if isinstance(planned.action, Create):
            why = f"{planned.action.origin_label} has no {planned.side} yet"
            by = planned.changes[0].by if planned.changes else ""
            return [self._entry(link, planned, "create", "", "", receipt.label, why, by)]
        if isinstance(planned.action, LinkBack):
            why = f"people find the {planned.side.other} from here"
            return [self._entry(link, planned, "link", "", "", planned.action.url, why, "")]
        if planned.comment is not None:
            verb = "new comment" if planned.comment.mirror is None else "edited comment"
            comment = planned.comment
            why = f"{verb} on the {planned.side.other}"
            return [self._entry(link, planned, "comment", "comment", "", comment.body, why, comment.author)]
        if planned.file is not None:
            file = planned.file.file
            why = f"new file on the {planned.side.other}"
            return [self._entry(link, planned, "file", "files", "", file.name, why, file.author)]
        return [
            replace(
                self._entry(
                    link, planned, "field", change.field, shown(change.old), _stored(change, receipt), change.why,
                    change.by,
                ),
                meant=_bounded(outcome(change)),
            )
            for change in planned.changes
        ]

    def _entry(
        self, link: Link, planned: Planned, kind: str, field: str, old: str, new: str, why: str, by: str
    ) -> AuditEntry:
        return AuditEntry(
            at=self._clock(), rule=link.rule, link=link.id, case=link.labels.case, ticket=link.labels.ticket,
            side=planned.side.value, kind=kind, field=field, old=_bounded(old), new=_bounded(new), why=why, by=by,
        )


def _applied(
    link: Link, planned: Planned, connectors: Both[Connector], announce: Callable[[Mapping[str, Json]], None]
) -> Receipt:
    target = connectors.of(planned.side)
    if not isinstance(planned.action, AddFile) or planned.file is None:
        return target.apply(planned.action, announce)
    source, file = connectors.of(planned.side.other), planned.file.file
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as content:
        _fetch(source, link.keys.of(planned.side.other) or "", file, cast("BinaryIO", content))
        content.seek(0)
        return _attach(target, replace(planned.action, content=cast("BinaryIO", content)), announce)


def _attach(target: Connector, action: AddFile, announce: Callable[[Mapping[str, Json]], None]) -> Receipt:
    what = f"attaching the file {action.name[:_NAME_LIMIT]!r}"
    try:
        return target.apply(action, announce)
    except Throttled:
        raise
    except Unavailable as error:
        raise FileUnavailable(target.name, what, said=str(error)) from error
    except NotFound as error:
        # If it is the ticket that is gone, the next look says so.
        raise Refused(target.name, what, said=str(error)) from error


def _fetch(source: Connector, key: str, file: File, into: BinaryIO) -> None:
    what = f"fetching the file {file.name[:_NAME_LIMIT]!r}"
    try:
        source.fetch(key, file, into)
    except NotFound as error:
        raise Refused(source.name, what, said=f"it is listed, but not there ({error})") from error
    except Throttled:
        raise
    except Unavailable as error:
        raise FileUnavailable(source.name, what, said=str(error)) from error
    if into.tell() != file.size:
        raise FileUnavailable(source.name, what, said=f"{into.tell()} of {file.size} bytes came")


class _Journal:
    """Writes the intent before each request of one action."""

    def __init__(
        self, store: StateStore, intent: Intent, lost: Sequence[AuditEntry], clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._clock = clock
        self.intent = intent
        self.lost = list(lost)
        self.announced = False

    def announce(self, values: Mapping[str, Json]) -> None:
        known = {name: list(steps) for name, steps in self.intent.announced.items()}
        for name, value in values.items():
            known.setdefault(name, []).append(value)
        self.intent = replace(
            self.intent, announced=known, sent_at=self._clock(), attempts=self.intent.attempts + 1
        )
        # The value that loses is on disk before it is overwritten.
        self._store.begin(self.intent, audit=[] if self.announced else self.lost)
        self.announced = True

    def renew(self) -> None:
        if self.announced:
            self.intent = replace(self.intent, sent_at=self._clock())
            self._store.begin(self.intent)


def _moved(link: Link, planned: Planned, receipt: Receipt, maps: Maps) -> Link:
    link = replace(link, base=advance(link.base, planned, receipt, maps))
    if not isinstance(planned.action, Create):
        return link
    return replace(
        link, keys=link.keys.put(planned.side, receipt.key), labels=link.labels.put(planned.side, receipt.label),
        state=LinkState.ACTIVE,
    )


def _stored(change: FieldChange, receipt: Receipt) -> str:
    """Give what the field now holds, as the remote system stored it; of sets the elements that changed."""
    if change.field in SETS or change.field not in receipt.stored:
        return outcome(change)
    return shown(receipt.stored[change.field])


def _bounded(text: str) -> str:
    return text if len(text) <= _TEXT_LIMIT else text[: _TEXT_LIMIT - 1] + "…"
