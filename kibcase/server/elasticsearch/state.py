"""The alert indices of the embedded server, and what cases do to the alerts in them."""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from kibcase.server.database import Database
from kibcase.server.elasticsearch import workflow
from kibcase.server.elasticsearch.dates import iso
from kibcase.server.elasticsearch.documents import Documents, document
from kibcase.server.elasticsearch.indices import Expansion, Indices
from kibcase.server.elasticsearch.search import Searches
from kibcase.server.elasticsearch.tables import STEPS, Document
from kibcase.server.elasticsearch.workflow import TooManyCases

__all__ = ["AlertState", "TooManyCases"]

Change = Callable[[dict[str, Any]], dict[str, Any] | None]
_PRESENT = Expansion(ignore_unavailable=True)
_EVERY_ALERT = ".alerts-*"


def automatic_id() -> str:
    """Make an id as Elasticsearch makes one: 20 characters, safe in a URL."""
    return secrets.token_urlsafe(15)


class AlertState:
    """Indices, documents and searches over one database, without HTTP.

    ``indices``, ``documents`` and ``searches`` are the operations of Elasticsearch's API and raise
    ``ElasticsearchError``. The methods are what Kibana does to alerts on behalf of a case; a target is
    (index or alias, alert id), and a target that does not exist is passed over in silence, as Kibana's update by
    query does. Each method is one transaction and joins one that is already open on ``database``.
    """

    def __init__(
        self, database: Database, clock: Callable[[], datetime], *, new_id: Callable[[], str] = automatic_id
    ) -> None:
        database.migrate("alerts", STEPS)
        self._database = database
        self._clock = clock
        self.indices = Indices(database, clock, new_id)
        self.documents = Documents(database, self.indices, new_id)
        self.searches = Searches(database, self.indices, clock, new_id)

    def get(self, index: str, alert_id: str) -> Document | None:
        """Read one alert, None if the index or the alert is not there."""
        return next((found for _, found in self.read([(index, alert_id)])), None)

    def read(self, targets: Iterable[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], Document]]:
        """Give (target, document) for the targets that exist, in the order of the targets."""
        wanted = list(dict.fromkeys(targets))
        found = dict(self._found(wanted))
        return ((target, found[target]) for target in wanted if target in found)

    def set_workflow_status(
        self, targets: Iterable[tuple[str, str]], status: str, *, reason: str | None = None, stamp: bool = True
    ) -> int:
        """Move alerts to ``status`` and give the number that really changed.

        Only a document whose dotted ``kibana.alert.workflow_status`` exists and differs changes (and a legacy
        ``signal.status``). ``reason`` is stored for ``closed`` only and removed by any other status; ``stamp``
        records the time as newer stacks do.
        """
        moment = iso(self._clock()) if stamp else None
        return self._change(
            targets, lambda source: workflow.with_status(source, status, reason=reason, stamp=moment)
        )

    def add_case_id(self, targets: Iterable[tuple[str, str]], case_id: str) -> None:
        """Note on alerts that they belong to a case; ``TooManyCases`` (and no change) beyond 10 on any alert."""
        self._change(targets, lambda source: workflow.with_case(source, case_id))

    def remove_case_id(self, targets: Iterable[tuple[str, str]], case_id: str) -> None:
        """Take one case off alerts."""
        self._change(targets, lambda source: workflow.without_cases(source, (case_id,)))

    def remove_case_everywhere(self, case_ids: Iterable[str]) -> None:
        """Take deleted cases off every alert of ``.alerts-*``."""
        gone = tuple(case_ids)
        with self._database.transaction():
            found = {each.number: each for case_id in gone for each in self._mentioning(case_id)}
            self._rewrite(found.values(), lambda source: workflow.without_cases(source, gone))

    def _change(self, targets: Iterable[tuple[str, str]], change: Change) -> int:
        with self._database.transaction():
            found = {each.number: each for _, each in self._found(targets)}
            return self._rewrite(found.values(), change)

    def _rewrite(self, found: Iterable[Document], change: Change) -> int:
        decided = [(each, change(each.source)) for each in found]
        changed = [(each, source) for each, source in decided if source is not None]
        with self.documents.writing() as writer:
            for each, source in changed:
                writer.replace(each, source)
        return len(changed)

    def _found(self, targets: Iterable[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], Document]]:
        by_index: dict[str, set[str]] = defaultdict(set)
        for index, alert_id in targets:
            if index and alert_id:
                by_index[index].add(alert_id)
        for index, ids in by_index.items():
            for each in self.searches.find(self.indices.resolve(index, _PRESENT), frozenset(ids)):
                yield (index, each.id), each

    # The id, quoted as JSON, stands in the text of every document that has it: one pass in SQLite, no decoding.
    def _mentioning(self, case_id: str) -> list[Document]:
        with self._database.transaction() as db:
            rows = [
                row
                for index in self.indices.resolve(_EVERY_ALERT, _PRESENT)
                for row in db.execute(
                    "SELECT * FROM alerts_documents WHERE index_name = ? AND instr(source, ?) > 0",
                    (index.name, json.dumps(case_id)),
                )
            ]
        return [document(row) for row in rows]
