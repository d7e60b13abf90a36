"""Routes of single documents, of many documents by id, and of bulk writes."""

from __future__ import annotations

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kibcase.server.elasticsearch.bulk import expected, parse_bulk, parse_update, run_bulk
from kibcase.server.elasticsearch.documents import PRIMARY_TERM, Written
from kibcase.server.elasticsearch.errors import ElasticsearchError, illegal_argument
from kibcase.server.elasticsearch.http import answer, body_bytes, body_object, flag, parameters
from kibcase.server.elasticsearch.source_filter import SourceFilter, parse_filter
from kibcase.server.elasticsearch.state import AlertState
from kibcase.server.elasticsearch.tables import Document

_WRITE = ("refresh", "timeout", "if_seq_no", "if_primary_term")
_SOURCE = ("_source", "_source_includes", "_source_excludes")
_READ = ("realtime", "refresh", "preference", *_SOURCE)


def document_routes(state: AlertState) -> list[Route]:
    """Give the routes of ``_doc``, ``_create``, ``_update``, ``_source``, ``_mget`` and ``_bulk``."""
    views = _Documents(state)
    return [
        Route("/_bulk", views.bulk, methods=["POST", "PUT"]),
        Route("/_mget", views.mget, methods=["GET", "POST"]),
        Route("/{index}/_bulk", views.bulk, methods=["POST", "PUT"]),
        Route("/{index}/_mget", views.mget, methods=["GET", "POST"]),
        Route("/{index}/_doc", views.put, methods=["POST"]),
        Route("/{index}/_doc/{id:path}", views.get, methods=["GET"]),
        Route("/{index}/_doc/{id:path}", views.put, methods=["PUT", "POST"]),
        Route("/{index}/_doc/{id:path}", views.delete, methods=["DELETE"]),
        Route("/{index}/_create/{id:path}", views.create, methods=["PUT", "POST"]),
        Route("/{index}/_source/{id:path}", views.source, methods=["GET"]),
        Route("/{index}/_update/{id:path}", views.update, methods=["POST"]),
    ]


class _Documents:
    def __init__(self, state: AlertState) -> None:
        self._documents = state.documents

    async def get(self, request: Request) -> Response:
        shown = source_parameters(parameters(request, *_READ))
        index, identifier = _target(request)
        found = self._documents.get(index, identifier)
        if found is None:
            return answer(request, {"_index": index, "_id": identifier, "found": False}, 404)
        return answer(request, _found(found, shown))

    async def source(self, request: Request) -> Response:
        shown = source_parameters(parameters(request, *_READ))
        index, identifier = _target(request)
        found = self._documents.get(index, identifier)
        if found is None:
            raise ElasticsearchError(
                404, "resource_not_found_exception", f"Document not found [{index}]/[{identifier}]"
            )
        return answer(request, shown.apply(found.source))

    async def put(self, request: Request) -> Response:
        given = parameters(request, *_WRITE, "op_type")
        operation = given.get("op_type", "index")
        if operation not in ("index", "create"):
            raise illegal_argument(f"opType must be 'create' or 'index', found: [{operation[:64]}]")
        return await self._put(request, given, create=operation == "create")

    async def create(self, request: Request) -> Response:
        return await self._put(request, parameters(request, "refresh", "timeout"), create=True)

    async def update(self, request: Request) -> Response:
        given = parameters(request, *_WRITE, "retry_on_conflict")
        change = parse_update(await body_object(request, required=True))
        index, identifier = _target(request)
        return _wrote(request, given, self._documents.update(index, identifier, change, expected=_expected(given)))

    async def delete(self, request: Request) -> Response:
        given = parameters(request, *_WRITE)
        index, identifier = _target(request)
        return _wrote(request, given, self._documents.delete(index, identifier, expected=_expected(given)))

    async def mget(self, request: Request) -> Response:
        shown = source_parameters(parameters(request, *_READ))
        body = await body_object(request, required=True)
        wanted = _wanted(body, request.path_params.get("index"))
        found = self._documents.many((each["_index"], each["_id"]) for each in wanted)
        return answer(request, {"docs": [_one(*pair, shown) for pair in zip(wanted, found, strict=True)]})

    async def bulk(self, request: Request) -> Response:
        parameters(request, "refresh", "timeout")
        started = time.perf_counter()
        actions = parse_bulk(await body_bytes(request), request.path_params.get("index"))
        items = run_bulk(self._documents, actions)
        errors = any("error" in outcome for item in items for outcome in item.values())
        took = int((time.perf_counter() - started) * 1000)
        return answer(request, {"took": took, "errors": errors, "items": items})

    async def _put(self, request: Request, given: dict[str, str], *, create: bool) -> Response:
        source = await body_object(request, required=True)
        index, identifier = request.path_params["index"], request.path_params.get("id")
        written = self._documents.put(index, identifier, source, create=create, expected=_expected(given))
        return _wrote(request, given, written)

def source_parameters(given: dict[str, str]) -> SourceFilter:
    """Read the source filter of a query string."""
    plain = given.get("_source")
    if plain in ("true", "false"):
        return SourceFilter(show=plain == "true")
    includes = given.get("_source_includes") or plain or ""
    excludes = given.get("_source_excludes", "")
    return SourceFilter(includes=_list(includes), excludes=_list(excludes))


def _list(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


def _target(request: Request) -> tuple[str, str]:
    return request.path_params["index"], request.path_params["id"]


def _expected(given: dict[str, str]) -> Any:
    return expected(given.get("if_seq_no"), given.get("if_primary_term"))


def _one(
    wanted: dict[str, Any], found: Document | ElasticsearchError | None, shown: SourceFilter
) -> dict[str, Any]:
    key = {"_index": wanted["_index"], "_id": wanted["_id"]}
    if isinstance(found, ElasticsearchError):
        return {**key, "error": found.error()}
    if found is None:
        return {**key, "found": False}
    return _found(found, parse_filter(wanted["_source"]) if "_source" in wanted else shown)


def _found(found: Document, shown: SourceFilter) -> dict[str, Any]:
    body = {
        "_index": found.index, "_id": found.id, "_version": found.version, "_seq_no": found.seq_no,
        "_primary_term": PRIMARY_TERM, "found": True,
    }
    return {**body, "_source": shown.apply(found.source)} if shown.show else body


def _wrote(request: Request, given: dict[str, str], written: Written) -> Response:
    body = written.body()
    if given.get("refresh") != "wait_for" and flag(given, "refresh", default=False):
        body["forced_refresh"] = True
    return answer(request, body, written.status)


def _wanted(body: dict[str, Any], index: str | None) -> list[dict[str, Any]]:
    unknown = body.keys() - {"docs", "ids"}
    if unknown:
        raise ElasticsearchError(400, "parsing_exception", f"unknown key [{min(unknown)[:64]}] for a START_ARRAY")
    listed = body.get("docs", [{"_id": each} for each in body.get("ids") or []])
    if not isinstance(listed, list) or not listed:
        raise ElasticsearchError(
            400, "action_request_validation_exception", "Validation Failed: 1: no documents to get;"
        )
    return [_wanted_one(each, index) for each in listed]


def _wanted_one(given: Any, index: str | None) -> dict[str, Any]:
    if not isinstance(given, dict) or given.keys() - {"_index", "_id", "_source"}:
        raise illegal_argument("docs array element must have [_index], [_id] and [_source] only")
    wanted = {"_index": index, **given}
    for key in ("_index", "_id"):
        if not isinstance(wanted.get(key), str) or not wanted[key]:
            raise ElasticsearchError(
                400, "action_request_validation_exception", f"Validation Failed: 1: {key[1:]} is missing for doc 0;"
            )
    return wanted
