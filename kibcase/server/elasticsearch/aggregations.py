"""Aggregations over documents that matched: the buckets and metrics that reports on alerts ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from kibcase.server.elasticsearch.dates import date_millis, iso
from kibcase.server.elasticsearch.errors import ElasticsearchError, illegal_argument, parsing_error
from kibcase.server.elasticsearch.leaf import Candidate, Field, Fields, as_text
from kibcase.server.elasticsearch.mapping import NUMBERS, TEXTS
from kibcase.server.elasticsearch.query import compile_query

Json = dict[str, Any]
Documents = Sequence[Candidate]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_DEPTH = 10


def aggregate(
    body: Any, documents: Documents, types: dict[str, str], now: Callable[[], datetime], *, depth: int = 0
) -> Json:
    """Answer the ``aggs`` of a search: terms, missing, filter, cardinality, value_count, min, max, sum and avg.

    Buckets may hold further aggregations. Raises ``ElasticsearchError`` for any other kind and for malformed ones.
    """
    if not isinstance(body, dict):
        raise parsing_error("Found a non-object where [aggregations] expects an object")
    if depth > _MAX_DEPTH:
        raise illegal_argument(f"aggregations are nested more than {_MAX_DEPTH} deep")
    one = _One(Fields(types, now), types, now, depth)
    return {name: one.answer(name, given, documents) for name, given in body.items()}


class _One:
    def __init__(self, fields: Fields, types: dict[str, str], now: Callable[[], datetime], depth: int) -> None:
        self._fields = fields
        self._types = types
        self._now = now
        self._depth = depth

    def answer(self, name: str, given: Any, documents: Documents) -> Json:
        kind, options, inner = _parts(name, given)
        if kind == "filter":
            query = compile_query(options, self._types, self._now)
            return self._bucket([each for each in documents if query.matches(each)], inner)
        field = self._field(kind, options)
        if kind == "missing":
            return self._bucket([each for each in documents if not field.values(each)], inner)
        if kind == "terms":
            return self._terms(field, options, inner, documents)
        if inner:
            raise illegal_argument(f"Aggregator [{name[:64]}] of type [{kind}] cannot accept sub-aggregations")
        return _metric(kind, field, documents)

    def _field(self, kind: str, options: Json) -> Field:
        allowed = {"field", "size", "order", "min_doc_count"} if kind == "terms" else {"field", "precision_threshold"}
        unknown = options.keys() - allowed
        if unknown:
            raise parsing_error(f"[{kind}] unknown field [{min(unknown)[:64]}]")
        name = options.get("field")
        if not isinstance(name, str):
            raise parsing_error(f"[{kind}] requires a [field]")
        field = self._fields.resolve(name)
        if field.type in TEXTS:
            raise illegal_argument(f"Fielddata is disabled on [{name[:64]}]: it is text; use a keyword field instead")
        return field

    def _bucket(self, documents: Documents, inner: Any) -> Json:
        below = aggregate(inner, documents, self._types, self._now, depth=self._depth + 1) if inner else {}
        return {"doc_count": len(documents), **below}

    def _terms(self, field: Field, options: Json, inner: Any, documents: Documents) -> Json:
        held: dict[Any, list[Candidate]] = {}
        for each in documents:
            for key in dict.fromkeys(_comparable(field, each)):
                held.setdefault(key, []).append(each)
        least, size = _whole(options, "min_doc_count", 1), _whole(options, "size", 10)
        keys = [key for key in sorted(held) if len(held[key]) >= least]
        _sort(keys, held, options.get("order"))
        rest = sum(len(held[key]) for key in keys[size:])
        buckets = [{**_shown(field, key), **self._bucket(held[key], inner)} for key in keys[:size]]
        return {"doc_count_error_upper_bound": 0, "sum_other_doc_count": rest, "buckets": buckets}


def _parts(name: str, given: Any) -> tuple[str, Json, Any]:
    if not isinstance(given, dict):
        raise parsing_error(f"Aggregation definition for [{name[:64]}] must be an object")
    inner = given.get("aggs", given.get("aggregations"))
    kinds = [key for key in given if key not in ("aggs", "aggregations", "meta")]
    if len(kinds) != 1:
        found = "Missing definition for" if not kinds else "Found two aggregation type definitions in"
        raise parsing_error(f"{found} aggregation [{name[:64]}]")
    kind = kinds[0]
    if kind not in ("filter", "missing", "terms", "cardinality", *_METRICS):
        raise parsing_error(f"Unknown aggregation type [{kind[:64]}]")
    if not isinstance(given[kind], dict):
        raise parsing_error(f"[{kind}] malformed, expected an object")
    return kind, given[kind], inner


def _comparable(field: Field, document: Candidate) -> list[Any]:
    found = field.values(document)
    if field.is_date:
        return [moment for moment in map(date_millis, found) if moment is not None]
    if field.type in NUMBERS:
        return [value for value in found if isinstance(value, int | float) and not isinstance(value, bool)]
    if field.type == "boolean":
        return [int(as_text(value) == "true") for value in found]
    return [as_text(value) for value in found]


def _sort(keys: list[Any], held: dict[Any, list[Candidate]], order: Any) -> None:
    criteria = [{"_count": "desc"}] if order is None else order if isinstance(order, list) else [order]
    for each in reversed(criteria):
        if not isinstance(each, dict) or len(each) != 1:
            raise parsing_error("[terms] order must be an object with one key")
        ((by, direction),) = each.items()
        if by not in ("_count", "_key") or direction not in ("asc", "desc"):
            raise illegal_argument(f"this server orders terms by _count or _key, asc or desc; not by [{str(by)[:64]}]")
        if by == "_count":
            keys.sort(key=lambda key: len(held[key]), reverse=direction == "desc")
        else:
            keys.sort(reverse=direction == "desc")


def _shown(field: Field, key: Any) -> Json:
    if field.is_date:
        return {"key": key, **_written("key_as_string", key)}
    if field.type == "boolean":
        return {"key": key, "key_as_string": "true" if key else "false"}
    return {"key": key}


def _metric(kind: str, field: Field, documents: Documents) -> Json:
    found = [value for each in documents for value in _comparable(field, each)]
    if kind == "cardinality":
        return {"value": len(set(found))}
    if kind == "value_count":
        return {"value": len(found)}
    if found and not (field.is_date or field.type in NUMBERS):
        raise illegal_argument(f"Field [{field.path[:64]}] of type [{field.type}] is not supported for [{kind}]")
    value = _METRICS[kind](found)
    return {"value": value, **_dated(kind, field, value)}


def _dated(kind: str, field: Field, value: float | None) -> Json:
    if kind == "sum" or value is None or not field.is_date:
        return {}
    return _written("value_as_string", value)


def _written(name: str, millis: float) -> Json:
    try:
        return {name: iso(_EPOCH + timedelta(milliseconds=millis))}
    except OverflowError:
        # Elasticsearch's calendar goes beyond the year 9999, Python's does not: the number alone tells the date.
        return {}


def _whole(options: Json, name: str, default: int) -> int:
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ElasticsearchError(400, "illegal_argument_exception", f"[{name}] must be greater than 0. Found [{value}]")
    return value


_METRICS: dict[str, Callable[[list[Any]], float | None]] = {
    "avg": lambda found: sum(found) / len(found) if found else None,
    "max": lambda found: float(max(found)) if found else None,
    "min": lambda found: float(min(found)) if found else None,
    "sum": lambda found: float(sum(found)),
    "value_count": lambda found: float(len(found)),
}
