"""The queries on one field: term, terms, range, prefix, wildcard, match and match_phrase."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from kibcase.server.elasticsearch import glob
from kibcase.server.elasticsearch.dates import boundary_millis, date_millis, time_zone
from kibcase.server.elasticsearch.errors import ElasticsearchError, illegal_argument, parsing_error
from kibcase.server.elasticsearch.fields import values
from kibcase.server.elasticsearch.mapping import NUMBERS, TEXTS, words

MAX_TERMS = 65_536
_META = {"_id": "_id", "_index": "_index"}
_DATE_FORMATS = frozenset({"strict_date_optional_time", "date_optional_time", "epoch_millis", "strict_date_time"})


class Candidate(Protocol):
    """What a predicate looks at."""

    @property
    def index(self) -> str:
        """Name of the concrete index."""

    @property
    def id(self) -> str:
        """The ``_id``."""

    @property
    def source(self) -> dict[str, Any]:
        """The ``_source``."""


Matcher = Callable[[Candidate], bool]
Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Field:
    """A field as a query names it: where its values are, and their type (None: no document has it)."""

    path: str
    type: str | None

    @property
    def is_date(self) -> bool:
        """Whether values compare as moments."""
        return self.type in ("date", "date_nanos")

    def values(self, document: Candidate) -> list[Any]:
        """List the document's values of the field."""
        if self.path == "_id":
            return [document.id]
        if self.path == "_index":
            return [document.index]
        return values(document.source, self.path)

    def terms(self, document: Candidate) -> list[str]:
        """List the indexed terms: words of text, whole values of anything else."""
        found = [as_text(value) for value in self.values(document)]
        return [word for text in found for word in words(text)] if self.type in TEXTS else found


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of the searched indices, and the time that ``now`` means."""

    types: dict[str, str]
    now: Callable[[], datetime]

    def resolve(self, name: str) -> Field:
        """Find a field or a multi-field (``x.keyword`` of text, ``x.text`` of a keyword)."""
        if name in _META:
            return Field(name, "keyword")
        base, _, part = name.rpartition(".")
        if name not in self.types and base in self.types and part in ("keyword", "text"):
            return Field(base, part)
        return Field(name, self.types.get(name))


def as_text(value: Any) -> str:
    """Write a scalar as a keyword holds it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _options(name: str, given: Any, main: str, allowed: frozenset[str]) -> dict[str, Any]:
    if not isinstance(given, dict):
        return {main: given}
    for key in given:
        if key != main and key not in allowed and key not in ("boost", "_name"):
            raise parsing_error(f"[{name}] query does not support [{key[:64]}]")
    if main not in given:
        raise illegal_argument(f"[{name}] requires [{main}]")
    return given


def _scalar(name: str, value: Any) -> Any:
    if value is None:
        raise illegal_argument("value cannot be null")
    if isinstance(value, dict | list):
        raise parsing_error(f"[{name}] query does not support arrays or objects as value")
    return value


def _term(name: str, given: Any, fields: Fields) -> Matcher:
    options = _options("term", given, "value", frozenset({"case_insensitive"}))
    field = fields.resolve(name)
    value = _scalar("term", options["value"])
    if options.get("case_insensitive"):
        folded = as_text(value).lower()
        return lambda document: any(term.lower() == folded for term in field.terms(document))
    return _equal(field, value, fields)


def _equal(field: Field, value: Any, fields: Fields) -> Matcher:
    if field.type is None:
        return lambda _document: False
    if field.is_date:
        return _date_range(field, {"gte": value, "lte": value}, fields)
    if field.type in NUMBERS:
        number = _number(value)
        return lambda document: any(_as_number(found) == number for found in field.values(document))
    text = as_text(value)
    if field.type in TEXTS:
        return lambda document: text in field.terms(document)
    return lambda document: any(as_text(found) == text for found in field.values(document))


def _terms(name: str, given: Any, fields: Fields) -> Matcher:
    if not isinstance(given, list):
        raise parsing_error("[terms] query does not support anything but an array of values")
    if len(given) > MAX_TERMS:
        raise illegal_argument(
            f"The number of terms [{len(given)}] used in the Terms Query request has exceeded the allowed maximum "
            f"of [{MAX_TERMS}]. This maximum can be set by changing the [index.max_terms_count] index level setting."
        )
    field = fields.resolve(name)
    wanted = [_scalar("terms", value) for value in given]
    if field.is_date or field.type in NUMBERS:
        tests = [_equal(field, value, fields) for value in wanted]
        return lambda document: any(test(document) for test in tests)
    texts = frozenset(as_text(value) for value in wanted)
    return lambda document: field.type is not None and not texts.isdisjoint(field.terms(document))


def _range(name: str, given: Any, fields: Fields) -> Matcher:
    if not isinstance(given, dict):
        raise parsing_error("[range] query malformed, no start_object after field name")
    for key in given:
        if key not in {"gt", "gte", "lt", "lte", "format", "time_zone", "boost", "_name", "relation"}:
            raise parsing_error(f"[range] query does not support [{key[:64]}]")
    field = fields.resolve(name)
    bounds = {key: _scalar("range", given[key]) for key in ("gt", "gte", "lt", "lte") if given.get(key) is not None}
    if field.type is None:
        return lambda _document: False
    if field.is_date:
        return _date_range(field, {**given, **bounds}, fields)
    if field.type in NUMBERS:
        return _between(field, {key: _number(value) for key, value in bounds.items()}, _as_number)
    return _between(field, {key: as_text(value) for key, value in bounds.items()}, as_text)


def _date_range(field: Field, given: dict[str, Any], fields: Fields) -> Matcher:
    formats = str(given.get("format", "strict_date_optional_time")).split("||")
    if not _DATE_FORMATS.issuperset(formats):
        raise illegal_argument(f"Invalid format: [{given['format']}]: this server reads {sorted(_DATE_FORMATS)}")
    try:
        zone = time_zone(str(given["time_zone"])) if "time_zone" in given else UTC
        bounds = {
            key: boundary_millis(given[key], fields.now, round_up=key in ("gt", "lte"), zone=zone)
            for key in ("gt", "gte", "lt", "lte") if given.get(key) is not None
        }
    except ValueError as error:
        raise ElasticsearchError(400, "parse_exception", str(error)) from error
    return _between(field, bounds, date_millis)


def _between(field: Field, bounds: dict[str, Any], read: Callable[[Any], Any]) -> Matcher:
    tests = [_BOUNDS[key](limit) for key, limit in bounds.items()]

    def matches(document: Candidate) -> bool:
        found = (read(value) for value in field.values(document))
        return any(value is not None and all(test(value) for test in tests) for value in found)

    return matches


_BOUNDS: dict[str, Callable[[Any], Test]] = {
    "gt": lambda limit: lambda value: bool(value > limit),
    "gte": lambda limit: lambda value: bool(value >= limit),
    "lt": lambda limit: lambda value: bool(value < limit),
    "lte": lambda limit: lambda value: bool(value <= limit),
}


def _number(value: Any) -> float:
    number = _as_number(value)
    if number is None:
        raise ElasticsearchError(
            400, "query_shard_exception", f'failed to create query: For input string: "{str(value)[:64]}"'
        )
    return number


def _as_number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _prefix(name: str, given: Any, fields: Fields) -> Matcher:
    options = _options("prefix", given, "value", frozenset({"case_insensitive", "rewrite"}))
    text = as_text(_scalar("prefix", options["value"]))
    return _pattern(fields.resolve(name), text, options, lambda pattern, term: term.startswith(pattern))


def _wildcard(name: str, given: Any, fields: Fields) -> Matcher:
    options = _options("wildcard", given, "value", frozenset({"case_insensitive", "rewrite"}))
    return _pattern(fields.resolve(name), as_text(_scalar("wildcard", options["value"])), options, glob.wildcard)


def _pattern(field: Field, text: str, options: dict[str, Any], test: Callable[[str, str], bool]) -> Matcher:
    if options.get("case_insensitive"):
        folded = text.lower()
        return lambda document: any(test(folded, term.lower()) for term in field.terms(document))
    return lambda document: any(test(text, term) for term in field.terms(document))


def _match(name: str, given: Any, fields: Fields) -> Matcher:
    options = _options("match", given, "query", frozenset({"operator"}))
    field = fields.resolve(name)
    value = _scalar("match", options["query"])
    if field.type not in TEXTS:
        return _equal(field, value, fields)
    wanted = frozenset(words(as_text(value)))
    if str(options.get("operator", "or")).lower() == "and":
        return lambda document: bool(wanted) and wanted.issubset(field.terms(document))
    return lambda document: not wanted.isdisjoint(field.terms(document))


def _match_phrase(name: str, given: Any, fields: Fields) -> Matcher:
    options = _options("match_phrase", given, "query", frozenset())
    field = fields.resolve(name)
    value = _scalar("match_phrase", options["query"])
    if field.type not in TEXTS:
        return _equal(field, value, fields)
    phrase = words(as_text(value))

    def matches(document: Candidate) -> bool:
        return any(_contains(words(as_text(text)), phrase) for text in field.values(document))

    return matches


def _contains(found: list[str], phrase: list[str]) -> bool:
    last = len(found) - len(phrase)
    return bool(phrase) and any(found[at : at + len(phrase)] == phrase for at in range(last + 1))


QUERIES: dict[str, Callable[[str, Any, Fields], Matcher]] = {
    "term": _term,
    "terms": _terms,
    "range": _range,
    "prefix": _prefix,
    "wildcard": _wildcard,
    "match": _match,
    "match_phrase": _match_phrase,
}
