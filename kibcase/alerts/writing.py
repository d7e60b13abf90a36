"""Read with versions, write with versions: the two requests behind setting a status."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from kibcase.alerts import status as workflow
from kibcase.alerts.failures import reason_of, translated
from kibcase.alerts.model import AlertFailure, AlertRef, StatusReport

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

BATCH = 500
Item = TypeVar("Item")
Planned = tuple[AlertRef, Mapping[str, Any], dict[str, Any]]
"""An alert, its document as it was read (with its version), and the partial document to write."""
_MISSING = "index_not_found_exception"


class Outcomes:
    """Collects what became of each alert."""

    def __init__(self) -> None:
        self._refs: dict[str, list[AlertRef]] = {}
        self._failed: list[AlertFailure] = []

    def note(self, outcome: str, ref: AlertRef) -> None:
        """Put an alert under one of the names of ``StatusReport``."""
        self._refs.setdefault(outcome, []).append(ref)

    def fail(self, ref: AlertRef, status: int, error: Any) -> None:
        """Note that Elasticsearch refused."""
        self._failed.append(AlertFailure(ref=ref, status=status, message=reason_of({"error": error})))

    def report(self) -> StatusReport:
        """Give the whole."""
        return StatusReport(failed=tuple(self._failed), **{name: tuple(refs) for name, refs in self._refs.items()})


def set_status(
    client: Elasticsearch, refs: Iterable[AlertRef], status: str, *, reason: str | None,
    refresh: bool | str, clock: Callable[[], datetime],
) -> StatusReport:
    """Set the status of many alerts; see ``AlertIndices.set_status``."""
    outcomes = Outcomes()
    for batch in batches(dict.fromkeys(refs)):
        changes = list(_planned(client, batch, status, reason, clock(), outcomes))
        if changes:
            _write(client, changes, outcomes, refresh=refresh)
    return outcomes.report()


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Cut into lists of at most 500."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _planned(
    client: Elasticsearch, refs: list[AlertRef], status: str, reason: str | None, now: datetime, outcomes: Outcomes
) -> Iterator[Planned]:
    docs = [{"_index": ref.index, "_id": ref.id} for ref in refs]
    with translated("POST", "/_mget"):
        found = client.mget(docs=docs, source_includes=list(workflow.NEEDED))["docs"]
    for ref, doc in zip(refs, found, strict=True):
        if "error" in doc:
            _not_read(ref, doc["error"], outcomes)
        elif not doc["found"]:
            outcomes.note("missing", ref)
        elif not workflow.has_status(doc["_source"]):
            outcomes.note("without_status", ref)
        else:
            change = workflow.partial(doc["_source"], status, reason=reason, now=now)
            if change is None:
                outcomes.note("unchanged", ref)
            else:
                yield ref, doc, change


def _not_read(ref: AlertRef, error: Any, outcomes: Outcomes) -> None:
    if error.get("type") == _MISSING:
        outcomes.note("missing", ref)
    else:
        outcomes.fail(ref, 400, error)


def _write(
    client: Elasticsearch, changes: list[Planned], outcomes: Outcomes, *, refresh: bool | str
) -> None:
    lines: list[dict[str, Any]] = []
    for _, doc, change in changes:
        version = {"if_seq_no": doc["_seq_no"], "if_primary_term": doc["_primary_term"]}
        lines += [{"update": {"_index": doc["_index"], "_id": doc["_id"], **version}}, {"doc": change}]
    with translated("POST", "/_bulk"):
        items = client.bulk(operations=lines, refresh=refresh)["items"]
    for (ref, _, _), item in zip(changes, items, strict=True):
        _written(ref, item["update"], outcomes)


def _written(ref: AlertRef, item: Mapping[str, Any], outcomes: Outcomes) -> None:
    if item["status"] == 409:
        outcomes.note("conflicts", ref)
    elif item["status"] == 404:
        outcomes.note("missing", ref)
    elif "error" in item:
        outcomes.fail(ref, item["status"], item["error"])
    else:
        outcomes.note("unchanged" if item["result"] == "noop" else "changed", ref)
