"""Routes of searches, counts and points in time."""

from __future__ import annotations

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kibcase.server.elasticsearch.errors import ElasticsearchError, illegal_argument, parsing_error
from kibcase.server.elasticsearch.http import answer, body_object, flag, parameters
from kibcase.server.elasticsearch.indices import Expansion
from kibcase.server.elasticsearch.request import parse_search, parse_time
from kibcase.server.elasticsearch.sort import parse_sort_parameter
from kibcase.server.elasticsearch.state import AlertState

EXPANSION = ("ignore_unavailable", "allow_no_indices", "expand_wildcards")
_NUMBERS = ("size", "from")
_FLAGS = ("seq_no_primary_term", "version")


def search_routes(state: AlertState) -> list[Route]:
    """Give the routes of ``_search``, ``_count`` and ``_pit``."""
    views = _Searches(state)
    return [
        Route("/_search", views.search, methods=["GET", "POST"]),
        Route("/_count", views.count, methods=["GET", "POST"]),
        Route("/_pit", views.close, methods=["DELETE"]),
        Route("/{index}/_search", views.search, methods=["GET", "POST"]),
        Route("/{index}/_count", views.count, methods=["GET", "POST"]),
        Route("/{index}/_pit", views.open, methods=["POST"]),
    ]


def expansion(given: dict[str, str]) -> Expansion:
    """Read how index names are to be resolved."""
    states = set(given.get("expand_wildcards", "open").split(","))
    if states - {"open", "closed", "hidden", "all"}:
        raise illegal_argument(f"No valid expand wildcard value [{given['expand_wildcards'][:64]}]")
    return Expansion(
        ignore_unavailable=flag(given, "ignore_unavailable", default=False),
        allow_no_indices=flag(given, "allow_no_indices", default=True),
        hidden=bool(states & {"hidden", "all"}),
    )


class _Searches:
    def __init__(self, state: AlertState) -> None:
        self._searches = state.searches

    async def search(self, request: Request) -> Response:
        given = parameters(
            request, *EXPANSION, *_NUMBERS, *_FLAGS, "sort", "track_total_hits", "_source", "_source_includes",
            "_source_excludes", "timeout", "preference", "typed_keys",
        )
        wanted = parse_search({**await body_object(request), **_from_query(given)})
        index = request.path_params.get("index", "")
        if wanted.pit is not None and index:
            raise ElasticsearchError(
                400, "action_request_validation_exception",
                "Validation Failed: 1: [indices] cannot be used with point in time. Do not specify any index with "
                "point in time.;",
            )
        started = time.perf_counter()
        found = self._searches.search(index, wanted, expansion(given))
        took = int((time.perf_counter() - started) * 1000)
        pit = {"pit_id": found.pop("pit_id")} if "pit_id" in found else {}
        return answer(request, {**pit, "took": took, **found})

    async def count(self, request: Request) -> Response:
        given = parameters(request, *EXPANSION, "preference")
        body = await body_object(request)
        unknown = body.keys() - {"query"}
        if unknown:
            raise parsing_error(f"request does not support [{min(unknown)[:64]}]")
        count, shards = self._searches.count(request.path_params.get("index", ""), body.get("query"), expansion(given))
        return answer(request, {"count": count, "_shards": _shards(shards)})

    async def open(self, request: Request) -> Response:
        given = parameters(request, *EXPANSION, "keep_alive", "preference", "allow_partial_search_results")
        unknown = await body_object(request)
        if unknown:
            raise parsing_error(f"[open_point_in_time] unknown field [{min(unknown)[:64]}]")
        if "keep_alive" not in given:
            raise ElasticsearchError(
                400, "action_request_validation_exception", "Validation Failed: 1: [keep_alive] is not specified;"
            )
        keep_alive = parse_time(given["keep_alive"])
        identifier, shards = self._searches.open_point(request.path_params["index"], keep_alive, expansion(given))
        return answer(request, {"id": identifier, "_shards": _shards(shards)})

    async def close(self, request: Request) -> Response:
        parameters(request)
        body = await body_object(request, required=True)
        identifier = body.get("id")
        if not isinstance(identifier, str):
            raise parsing_error("[close_point_in_time] [id] is required")
        closed = self._searches.close_point(identifier)
        return answer(request, {"succeeded": True, "num_freed": int(closed)}, 200 if closed else 404)


def _from_query(given: dict[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {name: flag(given, name, default=False) for name in _FLAGS if name in given}
    for name in _NUMBERS:
        if name in given:
            body[name] = _number(name, given[name])
    if "sort" in given:
        body["sort"] = parse_sort_parameter(given["sort"])
    if "track_total_hits" in given:
        text = given["track_total_hits"]
        body["track_total_hits"] = int(text) if text.isdecimal() else flag(given, "track_total_hits", default=True)
    return body | _source(given)


def _source(given: dict[str, str]) -> dict[str, Any]:
    plain = given.get("_source")
    if plain in ("true", "false"):
        return {"_source": plain == "true"}
    includes = _names(given.get("_source_includes") or plain)
    excludes = _names(given.get("_source_excludes"))
    return {"_source": {"includes": includes, "excludes": excludes}} if includes or excludes else {}


def _names(text: str | None) -> list[str]:
    return [part for part in (text or "").split(",") if part]


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise illegal_argument(f"Failed to parse int parameter [{name}] with value [{text[:64]}]") from error


def _shards(count: int) -> dict[str, int]:
    return {"total": count, "successful": count, "skipped": 0, "failed": 0}
