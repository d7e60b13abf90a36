"""Turn the filters of a search for alerts into Elasticsearch's query language. Pure.

Values go into the body as data; nothing is ever formatted into a query string.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kibcase.alerts.status import FIELD
from kibcase.errors import InvalidValue

RULE_FIELDS = ("kibana.alert.rule.name", "kibana.alert.rule.uuid", "kibana.alert.rule.rule_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """Which alerts: each part that is given must hold.

    ``status`` and ``rule`` take one value or several; a rule is named by its name, uuid or rule_id. ``since`` is an
    aware time or Elasticsearch's date math (``now-24h``), compared with ``@timestamp``. ``query`` is any further
    query in Elasticsearch's query language.
    """

    ids: Iterable[str] | None = None
    status: str | Iterable[str] | None = None
    rule: str | Iterable[str] | None = None
    since: datetime | str | None = None
    query: Mapping[str, Any] | None = None


def build(wanted: AlertFilter) -> dict[str, Any]:
    """Build the query; raises ``ValueError`` if ``since`` is a time without a zone."""
    parts: list[Mapping[str, Any]] = []
    if wanted.ids is not None:
        parts.append({"ids": {"values": list(wanted.ids)}})
    if wanted.status is not None:
        parts.append({"terms": {FIELD: _statuses(_several(wanted.status))}})
    if wanted.rule is not None:
        names = _several(wanted.rule)
        parts.append({"bool": {"should": [{"terms": {field: names}} for field in RULE_FIELDS]}})
    if wanted.since is not None:
        parts.append({"range": {"@timestamp": {"gte": _since(wanted.since)}}})
    if wanted.query is not None:
        parts.append(wanted.query)
    return {"bool": {"filter": parts}} if parts else {"match_all": {}}


def _several(given: str | Iterable[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _statuses(names: list[str]) -> list[str]:
    return [*names, "in-progress"] if "acknowledged" in names else names


def _since(given: datetime | str) -> str:
    if isinstance(given, str):
        return given
    if given.tzinfo is None:
        raise InvalidValue("since is a time with a time zone, or date math such as 'now-24h'")
    return given.isoformat()
