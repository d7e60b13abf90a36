"""Field types: taken from a given mapping, or found out from the first value as dynamic mapping does."""

from __future__ import annotations

import re
from typing import Any

from kibcase.server.elasticsearch.dates import looks_like_date
from kibcase.server.elasticsearch.errors import ElasticsearchError
from kibcase.server.elasticsearch.fields import flatten

NUMBERS = frozenset({
    "long", "integer", "short", "byte", "unsigned_long", "double", "float", "half_float", "scaled_float",
})  # fmt: skip
TEXTS = frozenset({"text", "match_only_text"})
_WORD = re.compile(r"\w+")
_ALERT_PREFIXES = (
    ".ds-.alerts-", ".alerts-", ".internal.alerts-", ".reindexed-v8-internal.alerts-", ".preview.alerts-",
    ".internal.preview.alerts-", ".reindexed-v8-internal.preview.alerts-",
)
# ECS gives these two running text; every other string of an alert is a keyword.
_ALERT_TEXTS = frozenset({"message", "error.message"})


def is_alert_index(name: str) -> bool:
    """Tell whether a concrete index holds alerts, where strings are keywords rather than text."""
    return name.startswith(_ALERT_PREFIXES)


def given_types(given: Any, prefix: str = "") -> dict[str, str]:
    """Flatten the ``properties`` of a mapping to field name -> type, multi-fields included.

    Raises ``ElasticsearchError`` if they have another shape.
    """
    found: dict[str, str] = {}
    for name, options in _object(given, prefix).items():
        full = prefix + name
        options = _object(options, full)
        kind = options.get("type", "object")
        if not isinstance(kind, str):
            raise _malformed(full)
        if "properties" in options:
            found |= given_types(options["properties"], full + ".")
        elif kind not in {"object", "nested", "alias"}:
            found[full] = kind
        found |= given_types(options.get("fields"), full + ".")
    return found


def new_types(known: dict[str, str], source: dict[str, Any], *, alerts: bool) -> dict[str, str]:
    """Give the types of the fields of ``source`` that are not yet ``known``."""
    found: dict[str, str] = {}
    for name, value in flatten(source):
        if name not in known and name not in found:
            found[name] = _infer(name, value, alerts=alerts)
    return found


def properties(types: dict[str, str]) -> dict[str, Any]:
    """Write field types as the ``properties`` of a mapping."""
    tree: dict[str, Any] = {}
    for name in sorted(types):
        parts = name.split(".")
        level = tree
        for part in parts[:-1]:
            level = level.setdefault(part, {}).setdefault("properties", {})
        leaf = level.setdefault(parts[-1], {})
        leaf["type"] = types[name]
    return tree


def words(text: str) -> list[str]:
    """Split text as the standard analyser does, near enough: lower-case words."""
    return _WORD.findall(text.lower())


def _object(given: Any, name: str) -> dict[str, Any]:
    if given is not None and not isinstance(given, dict):
        raise _malformed(name)
    return given or {}


def _malformed(name: str) -> ElasticsearchError:
    reason = f"Failed to parse mapping: Expected map for property [{name.rstrip('.')[:64]}]"
    return ElasticsearchError(400, "mapper_parsing_exception", reason)


def _infer(name: str, value: Any, *, alerts: bool) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "long"
    if isinstance(value, float):
        return "double"
    if looks_like_date(value):
        return "date"
    return "keyword" if alerts and name not in _ALERT_TEXTS else "text"


_KEYWORDS = (
    "uuid instance.id status workflow_status workflow_user workflow_reason workflow_tags workflow_assignee_ids "
    "case_ids severity reason building_block_type group.id rule.uuid rule.name rule.category rule.consumer "
    "rule.producer rule.rule_type_id rule.rule_id rule.tags rule.execution.uuid "
    "ancestors.id ancestors.index ancestors.type"
)
_DATES = "workflow_status_updated_at original_time start end last_detected intended_timestamp updated_at"

ALERT_TYPES: dict[str, str] = {
    "@timestamp": "date",
    "event.kind": "keyword",
    "kibana.space_ids": "keyword",
    "kibana.version": "keyword",
    "signal.status": "keyword",
    "kibana.alert.risk_score": "float",
    "kibana.alert.depth": "long",
    "kibana.alert.rule.revision": "long",
    "kibana.alert.duration.us": "long",
    **{f"kibana.alert.{name}": "keyword" for name in _KEYWORDS.split()},
    **{f"kibana.alert.{name}": "date" for name in _DATES.split()},
}
"""What the mapping of every alert index has before the first document (Kibana's alert field map)."""
