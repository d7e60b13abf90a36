"""Sorting: the ``sort`` of a search, sort values as Elasticsearch shows them, and ``search_after``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from kibcase.server.elasticsearch.dates import boundary_millis, date_millis
from kibcase.server.elasticsearch.errors import ElasticsearchError, illegal_argument
from kibcase.server.elasticsearch.fields import values
from kibcase.server.elasticsearch.leaf import Candidate, as_text
from kibcase.server.elasticsearch.mapping import NUMBERS, TEXTS

LONG_MAX = 2**63 - 1
LONG_MIN = -(2**63)
SHARD_DOC = "_shard_doc"
_POSITIONS = frozenset({"_doc", SHARD_DOC})
_FLOATS = frozenset({"double", "float", "half_float", "scaled_float"})
_WHOLE = NUMBERS - _FLOATS | {"date", "date_nanos"}


class _Descending:
    """Turns the order of a text around."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __lt__(self, other: _Descending) -> bool:
        return other.text < self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class SortField:
    """One criterion; ``missing`` is ``_last``, ``_first`` or a value to use instead."""

    name: str
    type: str
    descending: bool = False
    missing: Any = "_last"
    mode: str | None = None

    def value(self, document: Candidate, position: int, score: float) -> Any:
        """Give the sort value as it is shown in the hit."""
        if self.name in _POSITIONS:
            return position
        if self.name == "_score":
            return score
        found = [value for value in map(self._read, _stored(document, self.name)) if value is not None]
        if not found:
            return self._missing()
        return (max if (self.mode or ("max" if self.descending else "min")) == "max" else min)(found)

    def key(self, value: Any) -> Any:
        """Give the comparable for a sort value."""
        if self.type == "keyword":
            if value is None:
                return (0 if self.missing == "_first" else 2,)
            return (1, _Descending(value) if self.descending else value)
        return -_finite(value) if self.descending else _finite(value)

    def after(self, given: Any) -> Any:
        """Read one value of ``search_after``; raises ``ElasticsearchError`` if it cannot be one."""
        if self.type == "keyword":
            return None if given is None else as_text(given)
        if given is None:
            return self._missing()
        try:
            if self.type in ("date", "date_nanos") and isinstance(given, str):
                return boundary_millis(given, _no_now, round_up=False)
            return _finite(given)
        except (TypeError, ValueError) as error:
            raise illegal_argument(f"Failed to parse search_after value for field [{self.name}].") from error

    def _read(self, value: Any) -> Any:
        if self.type in ("date", "date_nanos"):
            return date_millis(value)
        if self.type in NUMBERS:
            return value if isinstance(value, int | float) and not isinstance(value, bool) else None
        return int(value) if self.type == "boolean" else as_text(value)

    def _missing(self) -> Any:
        if self.missing not in ("_last", "_first"):
            return self.after(self.missing)
        if self.type == "keyword":
            return None
        high = (self.missing == "_last") != self.descending
        if self.type in _FLOATS:
            return "Infinity" if high else "-Infinity"
        return LONG_MAX if high else LONG_MIN


def parse_sort(given: Any, types: dict[str, str]) -> list[SortField]:
    """Read the ``sort`` of a search body: a name, an object, or a list of them.

    Raises ``ElasticsearchError`` for a field that no searched index has (unless ``unmapped_type`` is given), for
    text, and for options that are not known.
    """
    if given is None:
        return []
    return [_field(item, types) for item in (given if isinstance(given, list) else [given])]


def parse_sort_parameter(text: str) -> list[Any]:
    """Read the ``sort`` of a query string (``a:desc,b``) as the body's form."""
    pairs = [part.partition(":") for part in text.split(",") if part]
    return [{name: {"order": order or "asc"}} for name, _, order in pairs]


def _field(item: Any, types: dict[str, str]) -> SortField:
    if isinstance(item, str):
        item = {item: {}}
    if not isinstance(item, dict) or len(item) != 1:
        raise illegal_argument("malformed sort format, either start with array, object, or an actual string")
    name, options = next(iter(item.items()))
    if isinstance(options, str):
        options = {"order": options}
    if not isinstance(options, dict):
        raise illegal_argument(f"malformed sort of [{name[:64]}]")
    unknown = options.keys() - {"order", "missing", "unmapped_type", "mode", "format", "numeric_type"}
    if unknown:
        raise illegal_argument(f"[field_sort] unknown field [{min(unknown)[:64]}]")
    order = options.get("order", "desc" if name == "_score" else "asc")
    if order not in ("asc", "desc"):
        raise illegal_argument(f"Unknown SortOrder [{str(order)[:64]}]")
    return SortField(
        name=name, type=_type(name, options, types), descending=order == "desc",
        missing=_scalar(options.get("missing", "_last")), mode=_scalar(options.get("mode")),
    )


def _scalar(option: Any) -> Any:
    if isinstance(option, dict | list):
        raise illegal_argument("malformed sort format, an option of a sort is a single value")
    return option


def _type(name: str, options: dict[str, Any], types: dict[str, str]) -> str:
    if name in _POSITIONS:
        return "long"
    if name == "_score":
        return "double"
    base, _, part = name.rpartition(".")
    found = types.get(name) or ("keyword" if part == "keyword" and base in types else options.get("unmapped_type"))
    if not isinstance(found, str):
        reason = f"No mapping found for [{name[:128]}] in order to sort on"
        raise ElasticsearchError(400, "query_shard_exception", reason)
    if found in TEXTS:
        raise illegal_argument(
            f"Fielddata is disabled on [{name}]. Text fields are not optimised for operations that require "
            "per-document field data like aggregations and sorting, so these operations are disabled by default. "
            "Please use a keyword field instead."
        )
    return found if found in _WHOLE or found in _FLOATS or found == "boolean" else "keyword"


def _stored(document: Candidate, name: str) -> list[Any]:
    if name == "_id":
        return [document.id]
    if name == "_index":
        return [document.index]
    found = values(document.source, name)
    return found or values(document.source, name.removesuffix(".keyword"))


def _finite(value: Any) -> float | int:
    if isinstance(value, str):
        number = float(value)
        if math.isnan(number):
            raise ValueError(value)
        return int(value) if value.lstrip("-").isdigit() else number
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(value)
    return value


def _no_now() -> Any:
    raise ValueError("date math has no place in search_after")
