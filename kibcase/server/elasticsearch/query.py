"""The query language: a query body becomes a predicate over documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kibcase.server.elasticsearch import leaf
from kibcase.server.elasticsearch.errors import illegal_argument, parsing_error
from kibcase.server.elasticsearch.fields import flatten
from kibcase.server.elasticsearch.leaf import Candidate, Fields, Matcher

MAX_BOOL_DEPTH = 30
_COMMON = frozenset({"boost", "_name"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A compiled query.

    ``ids`` is the set outside of which no document can match, None if any may. ``score`` is every hit's score:
    relevance is not computed, so it is 1.0, or 0.0 where only filters select.
    """

    matches: Matcher
    ids: frozenset[str] | None
    score: float


def compile_query(body: Any, types: dict[str, str], now: Callable[[], datetime]) -> Query:
    """Compile a query body; None means everything.

    ``types`` maps the fields of the searched indices to their types. Raises ``ElasticsearchError`` with
    Elasticsearch's words for a query that is unknown or malformed.
    """
    if body is None:
        body = {"match_all": {}}
    fields = Fields(types, now)
    return Query(matches=_compile(body, fields, 0), ids=_ids(body), score=_score(body))


def _compile(body: Any, fields: Fields, depth: int) -> Matcher:
    name, clause = _only(body)
    if depth > MAX_BOOL_DEPTH:
        raise illegal_argument(
            f"The nested depth of the query exceeds the maximum nested depth for bool queries set in "
            f"[indices.query.bool.max_nested_depth] ({MAX_BOOL_DEPTH})"
        )
    if name == "bool":
        return _bool(_object(name, clause), fields, depth)
    if name == "constant_score":
        _allow(name, _object(name, clause), {"filter"})
        return _compile(clause.get("filter"), fields, depth + 1)
    build = _SIMPLE.get(name)
    if build is not None:
        return build(_object(name, clause), fields)
    by_field = leaf.QUERIES.get(name)
    if by_field is None:
        raise parsing_error(f"unknown query [{name[:64]}]")
    field, value = _field(name, _object(name, clause))
    return by_field(field, value, fields)


def _only(body: Any) -> tuple[str, Any]:
    if not isinstance(body, dict):
        raise parsing_error("[_na] query malformed, must start with start_object")
    if not body:
        raise illegal_argument("query malformed, empty clause found")
    if len(body) > 1:
        first = next(iter(body))
        raise parsing_error(f"[{first[:64]}] malformed query, expected [END_OBJECT] but found [FIELD_NAME]")
    name, clause = next(iter(body.items()))
    return name, clause


def _object(name: str, clause: Any) -> dict[str, Any]:
    if not isinstance(clause, dict):
        raise parsing_error(f"[{name}] query malformed, no start_object after query name")
    return clause


def _field(name: str, clause: dict[str, Any]) -> tuple[str, Any]:
    named = [key for key in clause if key not in _COMMON]
    if len(named) != 1:
        raise parsing_error(f"[{name}] query doesn't support multiple fields, found {named[:4]}")
    return named[0], clause[named[0]]


def _allow(name: str, clause: dict[str, Any], allowed: set[str]) -> None:
    for key in clause:
        if key not in allowed and key not in _COMMON:
            raise parsing_error(f"[{name}] query does not support [{key[:64]}]")


def _bool(clause: dict[str, Any], fields: Fields, depth: int) -> Matcher:
    _allow("bool", clause, {"must", "filter", "should", "must_not", "minimum_should_match", "adjust_pure_negative"})
    required = [_compile(part, fields, depth + 1) for part in _parts(clause, "must") + _parts(clause, "filter")]
    optional = [_compile(part, fields, depth + 1) for part in _parts(clause, "should")]
    forbidden = [_compile(part, fields, depth + 1) for part in _parts(clause, "must_not")]
    least = _minimum(clause, default=1 if optional and not required else 0)

    def matches(document: Candidate) -> bool:
        return (
            all(part(document) for part in required)
            and not any(part(document) for part in forbidden)
            and (least <= 0 or sum(part(document) for part in optional) >= least)
        )

    return matches


def _minimum(clause: dict[str, Any], default: int) -> int:
    given = clause.get("minimum_should_match", default)
    try:
        return int(given)
    except (TypeError, ValueError) as error:
        raise parsing_error(f"[bool] minimum_should_match must be a number, was [{str(given)[:64]}]") from error


def _parts(clause: dict[str, Any], key: str) -> list[Any]:
    part = clause.get(key, [])
    return part if isinstance(part, list) else [part]


def _match_all(clause: dict[str, Any], _fields: Fields) -> Matcher:
    _allow("match_all", clause, set())
    return lambda _document: True


def _match_none(clause: dict[str, Any], _fields: Fields) -> Matcher:
    _allow("match_none", clause, set())
    return lambda _document: False


def _ids_query(clause: dict[str, Any], _fields: Fields) -> Matcher:
    _allow("ids", clause, {"values"})
    wanted = _id_values(clause)
    return lambda document: document.id in wanted


def _id_values(clause: dict[str, Any]) -> frozenset[str]:
    given = clause.get("values")
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, list):
        raise parsing_error("[ids] requires [values] to be an array of ids")
    return frozenset(str(value) for value in given)


def _exists(clause: dict[str, Any], fields: Fields) -> Matcher:
    _allow("exists", clause, {"field"})
    name = clause.get("field")
    if not isinstance(name, str) or not name:
        raise parsing_error("[exists] must be provided with a [field]")
    field = fields.resolve(name)
    inside = name + "."
    if field.type is not None:
        return lambda document: bool(field.values(document))
    if any(known.startswith(inside) for known in fields.types):
        return lambda document: any(path.startswith(inside) for path, _ in flatten(document.source))
    return lambda _document: False


_SIMPLE: dict[str, Callable[[dict[str, Any], Fields], Matcher]] = {
    "match_all": _match_all,
    "match_none": _match_none,
    "ids": _ids_query,
    "exists": _exists,
}


def _ids(body: Any) -> frozenset[str] | None:
    name, clause = next(iter(body.items()))
    if name == "ids":
        return _id_values(clause)
    if name == "constant_score":
        return _ids(clause["filter"])
    if name in ("term", "terms") and "_id" in clause:
        value = clause["_id"]
        if isinstance(value, dict):
            if value.get("case_insensitive"):
                return None
            value = value["value"]
        return frozenset(str(item) for item in (value if isinstance(value, list) else [value]))
    return _bool_ids(clause) if name == "bool" else None


def _bool_ids(clause: dict[str, Any]) -> frozenset[str] | None:
    found: frozenset[str] | None = None
    for part in _parts(clause, "must") + _parts(clause, "filter"):
        ids = _ids(part)
        if ids is not None:
            found = ids if found is None else found & ids
    return found


def _score(body: dict[str, Any]) -> float:
    clause = body.get("bool")
    return 0.0 if clause and not clause.get("must") and not clause.get("should") else 1.0
