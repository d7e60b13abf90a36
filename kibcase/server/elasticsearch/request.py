"""The body of a search, read and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kibcase.server.elasticsearch.errors import ElasticsearchError, illegal_argument, parsing_error
from kibcase.server.elasticsearch.source_filter import EVERYTHING, SourceFilter, parse_filter

RESULT_WINDOW = 10_000
DEFAULT_SIZE = 10
_KNOWN = frozenset({
    "query", "size", "from", "sort", "_source", "search_after", "pit", "track_total_hits", "seq_no_primary_term",
    "version", "timeout", "track_scores",
})  # fmt: skip
_TIME = re.compile(r"(\d{1,9})(ms|s|m|h|d)")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """One search. ``pit`` is (id, keep-alive or None); ``track_total_hits`` true, false or a ceiling."""

    query: Any = None
    sort: Any = None
    start: int = 0
    size: int = DEFAULT_SIZE
    search_after: list[Any] | None = None
    pit: tuple[str, timedelta | None] | None = None
    source: SourceFilter = EVERYTHING
    track_total_hits: bool | int = RESULT_WINDOW
    seq_no_primary_term: bool = False
    version: bool = False
    scored: bool = True


def parse_search(body: dict[str, Any]) -> SearchRequest:
    """Read a search body; raises ``ElasticsearchError`` for anything unknown, malformed or beyond the window."""
    for key in body:
        if key not in _KNOWN:
            raise parsing_error(f"Unknown key for a START_OBJECT in [{key[:64]}].")
    start, size = _whole(body, "from", 0), _whole(body, "size", DEFAULT_SIZE)
    after = body.get("search_after")
    if after is not None and (not isinstance(after, list) or not after):
        raise illegal_argument("Values must contains at least one value.")
    if after is not None and start:
        raise _invalid("`from` parameter must be set to 0 when `search_after` is used.")
    _check_window(start + size)
    return SearchRequest(
        query=body.get("query"), sort=body.get("sort"), start=start, size=size, search_after=after,
        pit=_pit(body.get("pit")), source=parse_filter(body.get("_source")),
        track_total_hits=_ceiling(body.get("track_total_hits", RESULT_WINDOW)),
        seq_no_primary_term=_flag(body, "seq_no_primary_term"), version=_flag(body, "version"),
    )


def parse_time(text: Any) -> timedelta:
    """Read a time unit such as ``30s`` or ``1m``."""
    found = _TIME.fullmatch(str(text))
    if found is None:
        raise illegal_argument(
            f"failed to parse setting [keep_alive] with value [{str(text)[:64]}] as a time value: unit is missing or "
            "unrecognized"
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _pit(given: Any) -> tuple[str, timedelta | None] | None:
    if given is None:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("id"), str) or given.keys() - {"id", "keep_alive"}:
        raise parsing_error("[pit] needs an [id] and may have a [keep_alive]")
    keep_alive = given.get("keep_alive")
    return given["id"], None if keep_alive is None else parse_time(keep_alive)


def _whole(body: dict[str, Any], key: str, default: int) -> int:
    value = body.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise parsing_error(f"Failed to parse int parameter [{key}] with value [{str(value)[:64]}]")
    if value < 0:
        raise illegal_argument(f"[{key}] parameter cannot be negative, found [{value}]")
    return value


def _ceiling(value: Any) -> bool | int:
    if not isinstance(value, bool | int):
        raise parsing_error(f"[track_total_hits] must be a boolean or a number, was [{str(value)[:64]}]")
    return value


def _flag(body: dict[str, Any], key: str) -> bool:
    value = body.get(key, False)
    if not isinstance(value, bool):
        raise parsing_error(f"Failed to parse value [{str(value)[:64]}] as only [true] or [false] are allowed.")
    return value


def _check_window(last: int) -> None:
    if last > RESULT_WINDOW:
        raise illegal_argument(
            f"Result window is too large, from + size must be less than or equal to: [{RESULT_WINDOW}] but was "
            f"[{last}]. See the scroll api for a more efficient way to request large data sets. This limit can be "
            "set by changing the [index.max_result_window] index level setting."
        )


def _invalid(reason: str) -> ElasticsearchError:
    return ElasticsearchError(400, "action_request_validation_exception", f"Validation Failed: 1: {reason};")
