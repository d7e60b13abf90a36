"""Searching, counting, and points in time."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from kibcase.server.database import Database
from kibcase.server.elasticsearch.documents import PRIMARY_TERM, document
from kibcase.server.elasticsearch.errors import ElasticsearchError, SearchContextMissing, illegal_argument
from kibcase.server.elasticsearch.indices import Expansion, Indices
from kibcase.server.elasticsearch.query import Query, compile_query
from kibcase.server.elasticsearch.request import SearchRequest
from kibcase.server.elasticsearch.sort import SHARD_DOC, SortField, parse_sort
from kibcase.server.elasticsearch.tables import Document, Index, storable

MAX_OPEN_POINTS = 500
_CHUNK = 500


@dataclass(slots=True)
class _Scanned:
    """A document under test; its text is decoded once, and only if the query or the sort reads it."""

    document: Document
    _source: dict[str, Any] | None = None

    @property
    def index(self) -> str:
        return self.document.index

    @property
    def id(self) -> str:
        return self.document.id

    @property
    def source(self) -> dict[str, Any]:
        if self._source is None:
            self._source = self.document.source
        return self._source


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ranking:
    """Every match in order: comparable keys, shown sort values and documents, side by side."""

    keys: list[tuple[Any, ...]]
    values: list[list[Any]]
    documents: list[Document]


@dataclass(slots=True, kw_only=True)
class _Point:
    """A frozen view; the last ranking is kept, so that paging through it ranks once."""

    documents: list[Document]
    types: dict[str, str]
    shards: int
    expires: datetime
    last: tuple[str, _Ranking] | None = field(default=None)


class Searches:
    """Searches over one state. Points in time live in memory, as they do in a node. Raises ``ElasticsearchError``."""

    def __init__(
        self, database: Database, indices: Indices, clock: Callable[[], datetime], new_id: Callable[[], str]
    ) -> None:
        self._database = database
        self._indices = indices
        self._clock = clock
        self._new_id = new_id
        self._points: dict[str, _Point] = {}

    def search(self, expression: str, request: SearchRequest, how: Expansion) -> dict[str, Any]:
        """Answer a search, all but ``took``; the order without ``sort`` is index, then time of creation."""
        with self._database.transaction():
            if request.pit is not None:
                return self._search_point(request)
            indices = self._indices.resolve(expression, how)
            types = _types(indices)
            query = compile_query(request.query, types, self._clock)
            sort = parse_sort(request.sort, types) if indices else []
            if any(each.name == SHARD_DOC for each in sort):
                raise illegal_argument("[_shard_doc] sort field cannot be used without [point in time]")
            ranking = _rank(self._documents(indices, query.ids), query, sort)
        return _answer(request, ranking, sort, query.score, len(indices))

    def count(self, expression: str, query_body: Any, how: Expansion) -> tuple[int, int]:
        """Count the matches; gives (count, number of shards)."""
        with self._database.transaction():
            indices = self._indices.resolve(expression, how)
            query = compile_query(query_body, _types(indices), self._clock)
            found = self._documents(indices, query.ids)
            return sum(1 for each in found if query.matches(_Scanned(each))), len(indices)

    def find(self, indices: Iterable[Index], ids: frozenset[str] | None) -> list[Document]:
        """Read the documents with these ids in concrete indices, None for all."""
        with self._database.transaction():
            return self._documents(indices, ids)

    def open_point(self, expression: str, keep_alive: timedelta, how: Expansion) -> tuple[str, int]:
        """Freeze a view of the indices; gives (its id, number of shards)."""
        with self._database.transaction():
            self._drop_expired()
            if len(self._points) >= MAX_OPEN_POINTS:
                raise ElasticsearchError(
                    429, "es_rejected_execution_exception",
                    f"Trying to create too many search contexts. Must be less than or equal to: [{MAX_OPEN_POINTS}].",
                )
            indices = self._indices.resolve(expression, how)
            identifier = self._new_id() + self._new_id()
            self._points[identifier] = _Point(
                documents=self._documents(indices, None), types=_types(indices), shards=len(indices),
                expires=self._clock() + keep_alive,
            )
        return identifier, len(indices)

    def close_point(self, identifier: str) -> bool:
        """Forget a view; False if there was none."""
        with self._database.transaction():
            self._drop_expired()
            return self._points.pop(identifier, None) is not None

    def _search_point(self, request: SearchRequest) -> dict[str, Any]:
        identifier, keep_alive = request.pit or ("", None)
        self._drop_expired()
        point = self._points.get(identifier)
        if point is None:
            raise SearchContextMissing(identifier)
        if keep_alive is not None:
            point.expires = max(point.expires, self._clock() + keep_alive)
        query = compile_query(request.query, point.types, self._clock)
        sort = _with_tiebreak(parse_sort(request.sort, point.types), request)
        answer = _answer(request, _ranking_of(point, query, sort, request), sort, query.score, point.shards)
        return {"pit_id": identifier, **answer}

    def _drop_expired(self) -> None:
        now = self._clock()
        for identifier in [name for name, point in self._points.items() if point.expires <= now]:
            del self._points[identifier]

    def _documents(self, indices: Iterable[Index], ids: frozenset[str] | None) -> list[Document]:
        found: list[Document] = []
        every = "SELECT * FROM alerts_documents WHERE index_name = ? ORDER BY number"
        with self._database.transaction() as db:
            for index in indices:
                if ids is None:
                    found += map(document, db.execute(every, (index.name,)))
                else:
                    found += sorted(_by_ids(db, index.name, sorted(ids)), key=lambda each: each.number)
        return found


def _by_ids(db: Any, index: str, ids: list[str]) -> list[Document]:
    found: list[Document] = []
    usable = [each for each in ids if storable(each)]
    for start in range(0, len(usable), _CHUNK):
        chunk = usable[start : start + _CHUNK]
        marks = ",".join("?" * len(chunk))
        sql = f"SELECT * FROM alerts_documents WHERE index_name = ? AND id IN ({marks})"  # noqa: S608
        found += map(document, db.execute(sql, (index, *chunk)))
    return found


def _types(indices: Iterable[Index]) -> dict[str, str]:
    types: dict[str, str] = {}
    for index in indices:
        types = {**index.types, **types}
    return types


def _with_tiebreak(sort: list[SortField], request: SearchRequest) -> list[SortField]:
    after = request.search_after
    if not sort or sort[-1].name == SHARD_DOC or (after is not None and len(after) != len(sort) + 1):
        return sort
    return [*sort, SortField(name=SHARD_DOC, type="long")]


def _ranking_of(point: _Point, query: Query, sort: list[SortField], request: SearchRequest) -> _Ranking:
    wanted = json.dumps([request.query, [(each.name, each.descending, str(each.missing), each.mode) for each in sort]])
    if point.last is None or point.last[0] != wanted:
        documents = point.documents
        if query.ids is not None:
            documents = [each for each in documents if each.id in query.ids]
        point.last = (wanted, _rank(documents, query, sort))
    return point.last[1]


def _rank(documents: list[Document], query: Query, sort: list[SortField]) -> _Ranking:
    rows: list[tuple[tuple[Any, ...], list[Any], Document]] = []
    for position, each in enumerate(documents):
        scanned = _Scanned(each)
        if query.matches(scanned):
            shown = [criterion.value(scanned, position, query.score) for criterion in sort]
            rows.append((_keys(sort, shown), shown, each))
    if sort:
        rows.sort(key=itemgetter(0))
    return _Ranking(
        keys=[row[0] for row in rows], values=[row[1] for row in rows], documents=[row[2] for row in rows]
    )


def _keys(sort: list[SortField], shown: list[Any]) -> tuple[Any, ...]:
    return tuple(criterion.key(value) for criterion, value in zip(sort, shown, strict=True))


def _start(request: SearchRequest, ranking: _Ranking, sort: list[SortField]) -> int:
    if request.search_after is None:
        return request.start
    if not sort:
        raise illegal_argument("Sort must contain at least one field.")
    if len(request.search_after) != len(sort):
        raise illegal_argument(f"search_after has {len(request.search_after)} value(s) but sort has {len(sort)}.")
    after = [criterion.after(value) for criterion, value in zip(sort, request.search_after, strict=True)]
    return bisect_right(ranking.keys, _keys(sort, after))


def _answer(
    request: SearchRequest, ranking: _Ranking, sort: list[SortField], score: float, shards: int
) -> dict[str, Any]:
    start = _start(request, ranking, sort) if shards else 0
    page = slice(start, start + request.size)
    scored = not sort or any(each.name == "_score" for each in sort)
    request = replace(request, scored=scored)
    hits = [
        _hit(request, each, shown if sort else None, score)
        for each, shown in zip(ranking.documents[page], ranking.values[page], strict=True)
    ]
    total = _total(len(ranking.documents), request.track_total_hits)
    return {
        "timed_out": False,
        "_shards": {"total": shards, "successful": shards, "skipped": 0, "failed": 0},
        "hits": {**total, "max_score": score if scored and hits else None, "hits": hits},
    }


def _total(count: int, track: int) -> dict[str, Any]:
    if track is False:
        return {}
    if track is True or count <= track:
        return {"total": {"value": count, "relation": "eq"}}
    return {"total": {"value": int(track), "relation": "gte"}}


def _hit(request: SearchRequest, found: Document, shown: list[Any] | None, score: float) -> dict[str, Any]:
    hit: dict[str, Any] = {"_index": found.index, "_id": found.id}
    if request.version:
        hit["_version"] = found.version
    if request.seq_no_primary_term:
        hit |= {"_seq_no": found.seq_no, "_primary_term": PRIMARY_TERM}
    hit["_score"] = score if request.scored else None
    if request.source.show:
        hit["_source"] = request.source.apply(found.source)
    if shown is not None:
        hit["sort"] = shown
    return hit
