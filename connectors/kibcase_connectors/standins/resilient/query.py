"""Paged queries: filters of conditions, sorts, pages. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kibcase_connectors.standins.resilient import richtext, values
from kibcase_connectors.standins.resilient.catalog import Catalog, Field
from kibcase_connectors.standins.resilient.problem import ResilientProblem
from kibcase_connectors.standins.resilient.records import Incident

PAGE_LIMIT = 1000
_UNARY = ("has_a_value", "does_not_have_a_value")
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": lambda held, given: held > given, "gte": lambda held, given: held >= given,
    "lt": lambda held, given: held < given, "lte": lambda held, given: held <= given,
}
_ORDERED = frozenset({"number", "datepicker", "datetimepicker"})
Test = Callable[[Incident], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A read query: incidents that pass any of ``filters`` (none: all), in the order of ``sorts``.

    ``sorts`` are pairs of a field and whether it descends. ``length`` None means a page of full size.
    """

    filters: tuple[Test, ...] = ()
    sorts: tuple[tuple[Field, bool], ...] = ()
    start: int = 0
    length: int | None = None


def parse(body: Mapping[str, Any], catalog: Catalog) -> Query:
    """Read the body of query_paged; raises ``ResilientProblem`` (400) for what it does not understand."""
    length = body.get("length")
    return Query(
        filters=tuple(_filter(each, catalog) for each in _list(body, "filters")),
        sorts=tuple(_sort(each, catalog) for each in _list(body, "sorts")),
        start=_whole(body.get("start", 0)), length=None if length is None else _whole(length),
    )


def _list(body: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = body.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise ResilientProblem(400)
    return found


def _whole(raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or raw < 0:
        raise ResilientProblem(400)
    return raw


def _field(raw: object, catalog: Catalog) -> Field:
    # Custom fields go by `properties.x` here; their bare names are unknown.
    field = catalog.by_path.get(raw) if isinstance(raw, str) else None
    if field is None:
        raise ResilientProblem(400, f"Unknown field: {str(raw)[:100]}.")
    return field


def _sort(raw: Mapping[str, Any], catalog: Catalog) -> tuple[Field, bool]:
    direction = raw.get("type", "asc")
    if direction not in ("asc", "desc"):
        raise ResilientProblem(400)
    return _field(raw.get("field_name"), catalog), direction == "desc"


def _filter(raw: Mapping[str, Any], catalog: Catalog) -> Test:
    tests = [_condition(each, catalog) for each in _list(raw, "conditions")]
    logic = raw.get("logic_type") or "all"
    if logic not in ("all", "any"):
        raise ResilientProblem(400)
    combine = all if logic == "all" else any
    return lambda incident: combine(test(incident) for test in tests)


def _condition(raw: Mapping[str, Any], catalog: Catalog) -> Test:
    field, method = _field(raw.get("field_name"), catalog), raw.get("method")
    if method in _UNARY:
        wanted = method == "has_a_value"
        return lambda incident: (incident.value(field.path) not in (None, ())) is wanted
    test = _against(field, str(method), raw.get("value"), catalog)
    return lambda incident: test(incident.value(field.path))


def _against(field: Field, method: str, given: Any, catalog: Catalog) -> Callable[[Any], bool]:
    if method in _ORDER and field.input_type in _ORDERED:
        bound, compare = values.read(field, given, catalog), _ORDER[method]
        if bound is None:
            raise ResilientProblem(400)
        return lambda held: held is not None and compare(held, bound)
    if method == "contains" and field.input_type in ("text", "textarea") and isinstance(given, str):
        part = given.casefold()
        return lambda held: part in _readable(field, held).casefold()
    if method in ("equals", "not_equals"):
        (one,) = _each(field, [given], catalog)
        return lambda held: _holds(field, held, {one}) is (method == "equals")
    if method in ("in", "not_in") or (method == "contains" and field.many):
        several = set(_each(field, given if isinstance(given, list) else [given], catalog))
        return lambda held: _holds(field, held, several) is (method != "not_in")
    raise ResilientProblem(400)


def _each(field: Field, given: Sequence[Any], catalog: Catalog) -> list[Any]:
    if field.rich_text:
        return [str(each) for each in given]
    if field.many:
        return [one for each in given for one in values.read(field, [each], catalog)]
    return [values.read(field, each, catalog) for each in given]


def _holds(field: Field, held: Any, wanted: set[Any]) -> bool:
    if field.many:
        return not wanted.isdisjoint(held or ())
    return (_readable(field, held) if field.rich_text else held) in wanted


def _readable(field: Field, held: str | None) -> str:
    if held is None:
        return ""
    return richtext.to_text(held) if field.rich_text else held


def select(query: Query, incidents: Sequence[Incident], catalog: Catalog) -> list[Incident]:
    """Give the incidents that a query selects, in its order; ids break ties."""
    chosen = [each for each in incidents if not query.filters or any(test(each) for test in query.filters)]
    chosen.sort(key=lambda each: each.id)
    for field, descending in reversed(query.sorts):
        chosen.sort(key=lambda each, by=field: _rank(by, each.value(by.path), catalog), reverse=descending)  # type: ignore[misc]
    return chosen


def _rank(field: Field, held: Any, catalog: Catalog) -> tuple[bool, Any]:
    if held in (None, ()):
        return False, 0
    if field.many or field.input_type in ("select", "select_owner"):
        known = values.options(field, catalog)
        return True, str([known.get(each, "") for each in (held if field.many else [held])])
    return True, held
