"""Metrics of one case and across cases, computed from what is stored."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kibcase.server import limits
from kibcase.server.cases.authorization import authorize, readable
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.find import both, many, owner_condition, range_condition
from kibcase.server.cases.lifespan import status_info
from kibcase.server.cases.patching import alert_targets
from kibcase.server.cases.store import CaseRecord
from kibcase.server.codec import Codec, array, decode, one_of, strict, string
from kibcase.server.elasticsearch.fields import values
from kibcase.server.errors import BadRequest

_SINGLE = ("alerts.count", "alerts.users", "alerts.hosts", "actions.isolateHost", "connectors", "lifespan")
_ACROSS = ("mttr", "status")
_SINGLE_REQUEST = strict({"features": array(one_of(*_SINGLE))})
_PERIOD: dict[str, Codec] = {"from": string, "to": string, "owner": many(string, "owner", high=None)}
_ACROSS_REQUEST = strict({"features": array(one_of(*_SINGLE, *_ACROSS))}, _PERIOD)
_STATUS_NAMES: Final = {"open": "open", "in-progress": "inProgress", "closed": "closed"}


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics of every case; raises ``KibanaError`` as Kibana's internal metrics routes answer."""

    context: Context

    def of_case(self, caller: Caller, case_id: str, features: Sequence[str]) -> Json:
        """Give the ``features`` of one case (``GET /internal/cases/metrics/{id}``).

        ``alerts.count``, ``alerts.users`` and ``alerts.hosts`` (ten most frequent in the alert documents, and the
        number of all), ``actions.isolateHost``, ``connectors`` (how many the case had), ``lifespan`` (milliseconds).
        """
        asked = decode(_SINGLE_REQUEST, {"features": list(features)})["features"]
        with self.context.store.transaction():
            record = self.context.case(caller, case_id)
            authorize(caller, "getCaseMetrics", [record.doc["owner"]])
            return self._computed(record, set(asked))

    def _computed(self, record: CaseRecord, asked: set[str]) -> Json:
        alerts: Json = {}
        if "alerts.count" in asked:
            alerts["count"] = record.alerts
        if asked & {"alerts.users", "alerts.hosts"}:
            sources = [found.source for _, found in self.context.alerts.read(alert_targets(self.context, record))]
            if "alerts.hosts" in asked:
                alerts["hosts"] = hosts_in(sources)
            if "alerts.users" in asked:
                alerts["users"] = users_in(sources)
        others: dict[str, Callable[[CaseRecord], Json]] = {
            "actions.isolateHost": self._isolations,
            "connectors": self._connectors,
            "lifespan": self._lifespan,
        }
        answer: Json = {"alerts": alerts} if alerts else {}
        for feature, compute in others.items():
            if feature in asked:
                answer[feature.partition(".")[0]] = compute(record)
        return answer

    def _isolations(self, record: CaseRecord) -> Json:
        docs = [found.doc for found in self.context.store.attachments(record.number)]
        kinds = Counter(doc["actions"]["type"] for doc in docs if doc.get("type") == "actions")
        return {"isolateHost": {verb: {"total": kinds[verb]} for verb in ("isolate", "unisolate")}}

    def _connectors(self, record: CaseRecord) -> Json:
        actions = self.context.store.user_actions(record.number, "type IN ('create_case', 'connector')")
        used = {(action.doc["payload"].get("connector") or {}).get("id", "none") for action in actions}
        return {"total": len(used - {"none"})}

    def _lifespan(self, record: CaseRecord) -> Json:
        actions = self.context.store.user_actions(record.number, "type = 'status' AND action = 'update'")
        changes = [(action.doc["created_at"], action.doc["payload"]["status"]) for action in actions]
        return {
            "creationDate": record.doc["created_at"],
            "closeDate": record.doc["closed_at"],
            "statusInfo": status_info(record.doc["created_at"], changes, self.context.clock()),
        }

    def across(self, caller: Caller, features: Sequence[str], query: Mapping[str, Any]) -> Json:
        """Give ``mttr`` (mean seconds to close, or null) and ``status`` (``GET /internal/cases/metrics``).

        ``query`` may have ``from`` and ``to`` (on ``created_at``, inclusive) and ``owner``.
        """
        fields = decode(_ACROSS_REQUEST, {"features": list(features)} | dict(query))
        wrong = [feature for feature in fields["features"] if feature not in _ACROSS]
        if wrong:
            raise BadRequest(
                f"invalid features: [{', '.join(wrong)}], please only provide valid features: [{', '.join(_ACROSS)}]"
            )
        condition = both(
            ("space = ?", [caller.space]),
            owner_condition(sorted(readable(caller, "getCasesMetrics"))),
            owner_condition(fields.get("owner")),
            range_condition(fields.get("from"), fields.get("to"), self.context.clock()),
        )
        rows = self.context.store.select(
            "status, count(*) AS n, count(json_extract(doc, '$.duration')) AS timed, "
            "total(json_extract(doc, '$.duration')) AS seconds",
            *condition,
            "GROUP BY status",
        )
        answer: Json = {}
        if "mttr" in fields["features"]:
            answer["mttr"] = _mean(sum(row["seconds"] for row in rows), sum(row["timed"] for row in rows))
        if "status" in fields["features"]:
            counts = {row["status"]: row["n"] for row in rows}
            answer["status"] = {name: counts.get(status, 0) for status, name in _STATUS_NAMES.items()}
        return answer


def users_in(sources: Iterable[Mapping[str, Any]]) -> Json:
    """Count ``user.name`` over alert documents: ``{total, values: [{name, count}]}``, the ten most frequent."""
    counts = Counter(name for source in sources for name in _keywords(source, "user.name"))
    return {"total": len(counts), "values": [{"name": name, "count": n} for name, n in _most_frequent(counts)]}


def hosts_in(sources: Iterable[Mapping[str, Any]]) -> Json:
    """Count ``host.id`` over alert documents: ``{total, values: [{name?, id, count}]}``, the ten most frequent.

    The name is ``host.name`` of the newest alert with that id.
    """
    seen: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for source in sources:
        for identifier in _keywords(source, "host.id"):
            seen[identifier].append(source)
    counts = Counter({identifier: len(found) for identifier, found in seen.items()})
    found = [
        {"name": _newest_name(seen[identifier]), "id": identifier, "count": n}
        for identifier, n in _most_frequent(counts)
    ]
    return {
        "total": len(counts),
        "values": [{key: value for key, value in host.items() if value is not None} for host in found],
    }


def _newest_name(sources: Sequence[Mapping[str, Any]]) -> str | None:
    newest = max(sources, key=lambda source: "".join(_keywords(source, "@timestamp")[-1:]))
    names = _keywords(newest, "host.name")
    return names[0] if names else None


def _keywords(source: Mapping[str, Any], field: str) -> list[str]:
    # As doc values have them: text, sorted, each once.
    return sorted({str(value) for value in values(dict(source), field)})


def _most_frequent(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: limits.METRIC_VALUES]


def _mean(total: float, count: int) -> float | int | None:
    if not count:
        return None
    mean = total / count
    return int(mean) if mean.is_integer() else mean
