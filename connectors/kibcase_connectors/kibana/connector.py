"""Kibana Cases as a side of sync: the cases of one owner in one space."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import BinaryIO, Final, Literal

from kibcase import Case, Filters, FoundCases, UserAction
from kibcase_connectors.actions import Action
from kibcase_connectors.api import Announce, Capabilities, Context
from kibcase_connectors.kibana.access import Access
from kibcase_connectors.kibana.checks import check
from kibcase_connectors.kibana.config import CaseFilter, KibanaConfig
from kibcase_connectors.kibana.cursor import Cursor, Watermark, iso
from kibcase_connectors.kibana.directory import Directory
from kibcase_connectors.kibana.feed import FULL, PROBE, FindPage, created_since, updated_since
from kibcase_connectors.kibana.fields import CaseFields
from kibcase_connectors.kibana.files import CaseFiles
from kibcase_connectors.kibana.mapping import case_map, marks_among
from kibcase_connectors.kibana.observed import Typing
from kibcase_connectors.kibana.observing import ObservableWriter
from kibcase_connectors.kibana.offers import Offers
from kibcase_connectors.kibana.snapshot import (
    ASSIGNEES,
    CUSTOM_FIELDS,
    EDITS,
    Names,
    case_url,
    comments_of,
    snapshot_of,
    touched_by,
)
from kibcase_connectors.kibana.writing import Writer
from kibcase_connectors.mapping import FieldMap
from kibcase_connectors.model import (
    ASSIGNEE,
    COMMENTS,
    FIELDS,
    FILES,
    OBSERVABLES,
    Changed,
    Changes,
    File,
    Finding,
    Receipt,
    Snapshot,
    Touch,
)

log = logging.getLogger(__name__)

_READS: Final = 3
_ACTIONS: Final = 100


class KibanaConnector:
    """Implements ``Connector`` for Kibana Cases; nothing is sent by the constructor.

    ``filter`` says which cases may get a ticket. Until Kibana was asked for the first time, every field that is
    wanted counts as one that it has. Raises ``ValueError`` for an unusable address, ``FileNotFoundError`` for a
    missing certificate file.
    """

    kind = "kibana"

    def __init__(
        self, name: str, config: KibanaConfig, filter: CaseFilter | None = None,  # noqa: A002 - as configured
        *, context: Context | None = None,
    ) -> None:
        self._config = config
        self._filter = filter or CaseFilter()
        self._context = context = context or Context()
        self._clock = context.clock
        typing = Typing(config.observable_types)
        self._mapping = case_map(name, context.people, typing, config.custom)
        self._access = access = Access(name, config, context.clock)
        self._kibana = access.kibana
        self._names = Names(system=name, people=context.people)
        self._offers = Offers(access, context)
        self._directory = Directory(access, context.people)
        self._files = CaseFiles(access, context.people)
        self._fields = CaseFields(access, self._mapping, self._offers, self._directory, typing)
        self._writer = Writer(
            access, self._offers, self._fields, self._files, ObservableWriter(access, typing), self._names
        )

    @property
    def name(self) -> str:
        """The system's configured name, for messages."""
        return self._access.name

    @property
    def capabilities(self) -> Capabilities:
        """What this Kibana has of what is wanted; the lags are those of its configuration."""
        return Capabilities(
            fields=self._offers.fields, find_lag=self._config.find_lag, read_lag=self._config.read_lag,
            files=self._context.wants(FILES),
        )

    @property
    def mapping(self) -> FieldMap:
        """What the values of a case mean."""
        return self._mapping

    @property
    def requests_sent(self) -> int:
        """How many requests were sent so far, transfers of files among them; for an hourly budget."""
        return self._access.transport.sent

    def check(self) -> list[Finding]:
        """Look at account, version, licence, space, owner, filter, and every part that is wanted."""
        return list(
            check(self._access, self._filter, self._context, self._offers, self._files, self._directory)
        )

    def changes(self, cursor: str | None) -> Changes:
        """List cases updated or created since ``cursor``, found by ``GET /api/cases/_find``.

        An idle space costs two requests. Observables leave ``updated_at`` alone: where they take part, a third
        request goes round through all cases, a hundred a time, and what the first two showed is listed as well.
        """
        started = self._clock()
        known = None if cursor is None else Cursor.load(cursor)
        with self._access.translated("look for changed cases", whole=True):
            if known is None:
                self._offers.learn(again=True)
            else:
                changes = self._since(known, started)
                if changes is not None:
                    return changes
                log.info("%s: too much changed to be told apart; all cases are looked through", self.name)
            return self._everything(started)

    def read(self, key: str) -> Snapshot:
        """Read a case with its comments, files and activity; raises ``NotFound``.

        If the case changes while this goes on it is read again, a few times. If it never holds still,
        the version given is older than what is shown, so that a write based on it is a ``Conflict``.
        """
        with self._access.translated(f"read case {key}"):
            self._offers.learn()
            case = self._kibana.cases.get(key)
            for _ in range(_READS):
                attachments = list(self._kibana.comments.iter(key)) if self._context.wants(COMMENTS) else []
                files = self._files.of_case(key) if self._context.wants(FILES) else ()
                actions = self._edits(key)
                again = self._kibana.cases.get(key)
                if again.version == case.version:
                    break
                before, case = case, again
            else:
                case = before
            offset = self._access.offset
            customs = {one.key: name for name, one in self._offers.definitions.items()}
            return snapshot_of(
                case, self._fields.of(case), comments=comments_of(attachments, self._names), files=files,
                touched=touched_by(actions, offset, self._names, customs),
                url=case_url(self._config.url, self._config.space, self._config.owner, case.id),
                created=Touch(at=case.created_at + offset, by=self._names.of(case.created_by)),
                settled=self._is_settled(case),
            )

    def fetch(self, key: str, file: File, into: BinaryIO) -> None:
        """Write the content of a file to ``into``; see ``Connector.fetch``."""
        self._files.fetch(key, file, into)

    def _is_settled(self, case: Case) -> bool:
        """Tell whether the comments are complete: they are read by search, which may lag behind the case."""
        changed = (case.updated_at or case.created_at) + self._access.offset
        return self._clock() - changed >= timedelta(seconds=self._config.read_lag)

    def find(self, mark: str) -> tuple[str, ...]:
        """Give the ids of the cases that have ``mark`` as a tag, oldest first."""
        with self._access.translated(f"find the case with the mark {mark}", whole=True):
            found = self._kibana.cases.iter(
                tags=mark, owner=self._config.owner, sort_field="createdAt", sort_order="asc"
            )
            return tuple(case.id for case in found if mark in case.tags)

    def apply(self, action: Action, announce: Announce) -> Receipt:
        """Carry out one action; see ``Connector.apply``."""
        return self._writer.apply(action, announce)

    def close(self) -> None:
        """Close the connections."""
        self._access.close()

    def _since(self, known: Cursor, started: datetime) -> Changes | None:
        margin = timedelta(seconds=self._config.margin)
        shown: dict[str, Case] = {}
        page = self._noting(shown)
        updated = updated_since(page, known.updated.floor(margin))
        if updated is None:
            return None
        created = list(created_since(page, known.created.floor(margin)))
        goes_on = known.round
        if OBSERVABLES in self._offers.fields:
            found = page(sort="createdAt", page=goes_on.page, last=goes_on.last)
            goes_on = goes_on.after(_oldest_creation(found.cases), more=found.total > goes_on.page * FULL)
        else:
            # A case that is in both lists was read later as one of the created.
            shown = {case.id: case for case in (*updated, *created)}
        cursor = Cursor(
            updated=known.updated.after(_newest_update(updated), started, margin),
            created=known.created.after(_newest_creation(created), started, margin), round=goes_on,
        )
        oldest_first = sorted(shown.values(), key=lambda case: case.created_at)
        return Changes(items=tuple(map(self._changed, oldest_first)), cursor=cursor.dump())

    def _noting(self, shown: dict[str, Case]) -> FindPage:
        """Give ``_page``, which then puts every case that it gives into ``shown``, the latest reading last."""

        def page(
            *, sort: Literal["createdAt", "updatedAt"], page: int = 1, per_page: int = FULL,
            first: datetime | None = None, last: datetime | None = None,
        ) -> FoundCases:
            found = self._page(sort=sort, page=page, per_page=per_page, first=first, last=last)
            shown.update((case.id, case) for case in found.cases)
            return found

        return page

    def _everything(self, started: datetime) -> Changes:
        # The newest update is asked for first: what changes while the cases are listed comes next time.
        updated = _newest_update(self._page(sort="updatedAt", per_page=PROBE).cases)
        items: list[Changed] = []
        created: datetime | None = None
        for case in created_since(self._page, None):
            created = created or case.created_at
            items.append(self._changed(case))
        cursor = Cursor(
            updated=Watermark(stamp=updated, since=started), created=Watermark(stamp=created, since=started)
        )
        return Changes(items=tuple(reversed(items)), cursor=cursor.dump())

    def _page(
        self, *, sort: Literal["createdAt", "updatedAt"], page: int = 1, per_page: int = FULL,
        first: datetime | None = None, last: datetime | None = None,
    ) -> FoundCases:
        filters = Filters(owner=self._config.owner)
        if first is not None:
            filters["created_from"] = iso(first)
        if last is not None:
            filters["created_to"] = iso(last, up=True)
        return self._kibana.cases.find(
            page=page, per_page=per_page, sort_field=sort, sort_order="desc", **filters
        )

    def _changed(self, case: Case) -> Changed:
        eligible = self._filter.accepts(
            tags=tuple(case.tags), severity=str(case.severity), status=str(case.status), category=case.category,
            created=case.created_at,
        )
        return Changed(
            key=case.id, version=case.version, eligible=eligible, marked=bool(marks_among(tuple(case.tags)))
        )

    def _edits(self, key: str) -> list[UserAction]:
        """Give the newest changes of the fields, at least the last one of each field, newest first."""
        find = self._kibana.user_actions.find
        types = self._activity()
        found = find(key, types=types, sort_order="desc", per_page=_ACTIONS)
        actions = found.user_actions
        if found.total <= _ACTIONS:
            return actions
        known = {action.type for action in actions if action.action in EDITS or action.type == OBSERVABLES}
        for each in types:
            if each not in known:
                actions = [*actions, *find(key, types=[each], sort_order="desc", per_page=1).user_actions]
        return actions

    def _activity(self) -> list[str]:
        """Give the types of user actions that tell of changes of the fields which take part."""
        fields = self._offers.fields
        further = [(ASSIGNEES, ASSIGNEE in fields), (OBSERVABLES, OBSERVABLES in fields)]
        custom = (CUSTOM_FIELDS, bool(self._offers.definitions))
        return [*FIELDS, *(kind for kind, wanted in (*further, custom) if wanted)]


def _newest_update(cases: Iterable[Case]) -> datetime | None:
    return max((case.updated_at for case in cases if case.updated_at is not None), default=None)


def _newest_creation(cases: Iterable[Case]) -> datetime | None:
    return max((case.created_at for case in cases), default=None)


def _oldest_creation(cases: Iterable[Case]) -> datetime | None:
    return min((case.created_at for case in cases), default=None)
