"""Kibana Cases as a side of sync: the cases of one owner in one space."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from kibcase import Case, Filters, FoundCases, UserAction
from kibcase_connectors.actions import Action
from kibcase_connectors.api import Announce, Capabilities
from kibcase_connectors.kibana.access import Access
from kibcase_connectors.kibana.checks import check
from kibcase_connectors.kibana.config import CaseFilter, KibanaConfig
from kibcase_connectors.kibana.cursor import Cursor, Watermark, iso
from kibcase_connectors.kibana.feed import FULL, PROBE, created_since, updated_since
from kibcase_connectors.kibana.mapping import case_map, marks_among
from kibcase_connectors.kibana.snapshot import EDITS, case_url, snapshot_of
from kibcase_connectors.kibana.writing import Writer
from kibcase_connectors.mapping import FieldMap
from kibcase_connectors.model import FIELDS, Changed, Changes, Finding, Receipt, Snapshot

log = logging.getLogger(__name__)

_READS: Final = 3
_ACTIONS: Final = 100


def _now() -> datetime:
    return datetime.now(UTC)


class KibanaConnector:
    """Implements ``Connector`` for Kibana Cases; nothing is sent by the constructor.

    ``filter`` says which cases may get a ticket; ``clock`` gives the present time with a time zone.
    Raises ``ValueError`` for an unusable address, ``FileNotFoundError`` for a missing certificate file.
    """

    kind = "kibana"

    def __init__(
        self, name: str, config: KibanaConfig, filter: CaseFilter | None = None,  # noqa: A002 - as configured
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._config = config
        self._filter = filter or CaseFilter()
        self._clock = clock
        self._mapping = case_map()
        self._access = Access(name, config, clock)
        self._kibana = self._access.kibana
        self._writer = Writer(self._access, self._mapping)

    @property
    def name(self) -> str:
        """The system's configured name, for messages."""
        return self._access.name

    @property
    def capabilities(self) -> Capabilities:
        """Kibana has every field and can edit comments; the lags are those of its configuration."""
        return Capabilities(
            fields=frozenset(FIELDS), find_lag=self._config.find_lag, read_lag=self._config.read_lag
        )

    @property
    def mapping(self) -> FieldMap:
        """What the values of a case mean."""
        return self._mapping

    def check(self) -> list[Finding]:
        """Look at account, version, licence, space, owner and filter."""
        return list(check(self._access, self._filter))

    def changes(self, cursor: str | None) -> Changes:
        """List cases updated or created since ``cursor``, found by ``GET /api/cases/_find``.

        An idle space costs two requests. Changes that leave ``updated_at`` alone (observables, the
        late number of a new case) are not listed.
        """
        started = self._clock()
        known = None if cursor is None else Cursor.load(cursor)
        with self._access.translated("look for changed cases", whole=True):
            if known is not None:
                changes = self._since(known, started)
                if changes is not None:
                    return changes
                log.info("%s: too much changed to be told apart; all cases are looked through", self.name)
            return self._everything(started)

    def read(self, key: str) -> Snapshot:
        """Read a case with its comments and activity; raises ``NotFound``.

        If the case changes while this goes on it is read again, a few times. If it never holds still,
        the version given is older than what is shown, so that a write based on it is a ``Conflict``.
        """
        with self._access.translated(f"read case {key}"):
            case = self._kibana.cases.get(key)
            for _ in range(_READS):
                attachments = list(self._kibana.comments.iter(key))
                actions = self._edits(key)
                again = self._kibana.cases.get(key)
                if again.version == case.version:
                    break
                before, case = case, again
            else:
                case = before
            url = case_url(self._config.url, self._config.space, self._config.owner, case.id)
            return snapshot_of(
                case, attachments, actions, url=url, offset=self._access.offset, settled=self._is_settled(case)
            )

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
        updated = updated_since(self._page, known.updated.floor(margin))
        if updated is None:
            return None
        created = list(created_since(self._page, known.created.floor(margin)))
        cursor = Cursor(
            updated=known.updated.after(_newest_update(updated), started, margin),
            created=known.created.after(_newest_creation(created), started, margin),
        )
        # A case that is in both lists was read later as one of the created.
        cases = {case.id: case for case in (*updated, *created)}
        oldest_first = sorted(cases.values(), key=lambda case: case.created_at)
        return Changes(items=tuple(map(self._changed, oldest_first)), cursor=cursor.dump())

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
        found = find(key, types=FIELDS, sort_order="desc", per_page=_ACTIONS)
        actions = found.user_actions
        if found.total <= _ACTIONS:
            return actions
        known = {action.type for action in actions if action.action in EDITS}
        for field in FIELDS:
            if field not in known:
                actions = [*actions, *find(key, types=[field], sort_order="desc", per_page=1).user_actions]
        return actions


def _newest_update(cases: Iterable[Case]) -> datetime | None:
    return max((case.updated_at for case in cases if case.updated_at is not None), default=None)


def _newest_creation(cases: Iterable[Case]) -> datetime | None:
    return max((case.created_at for case in cases), default=None)
