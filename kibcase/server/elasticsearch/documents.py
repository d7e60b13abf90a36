"""Single documents: read, index, update, delete, with optimistic concurrency."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kibcase.server.database import Database
from kibcase.server.elasticsearch.errors import ElasticsearchError, conflict, illegal_argument, index_not_found
from kibcase.server.elasticsearch.indices import Indices
from kibcase.server.elasticsearch.mapping import is_alert_index, new_types
from kibcase.server.elasticsearch.tables import Document, Index, encode, storable

PRIMARY_TERM = 1
MAX_ID_BYTES = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The version a write asks for (``if_seq_no``, ``if_primary_term``)."""

    seq_no: int
    primary_term: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """The body of a partial update: ``doc`` is merged, object by object, into the stored document."""

    doc: dict[str, Any]
    upsert: dict[str, Any] | None = None
    doc_as_upsert: bool = False
    detect_noop: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The outcome of a write: ``result`` is created, updated, deleted, noop or not_found."""

    index: str
    id: str
    version: int
    seq_no: int
    result: str

    @property
    def status(self) -> int:
        """The HTTP status of this outcome."""
        return {"created": 201, "not_found": 404}.get(self.result, 200)

    def body(self) -> dict[str, Any]:
        """Give the outcome as Elasticsearch answers it."""
        done = 0 if self.result == "noop" else 1
        return {
            "_index": self.index, "_id": self.id, "_version": self.version, "result": self.result,
            "_shards": {"total": done, "successful": done, "failed": 0},
            "_seq_no": self.seq_no, "_primary_term": PRIMARY_TERM,
        }


class Documents:
    """The documents of one state, one transaction per call. Raises ``ElasticsearchError``."""

    def __init__(self, database: Database, indices: Indices, new_id: Callable[[], str]) -> None:
        self._database = database
        self._indices = indices
        self._new_id = new_id

    def get(self, name: str, identifier: str) -> Document | None:
        """Read one document through an index or an alias of one index; None if it is not there."""
        with self._database.transaction() as db:
            return read(db, self._indices.single(name).name, identifier)

    def many(self, wanted: Iterable[tuple[str, str]]) -> list[Document | ElasticsearchError | None]:
        """Read documents by (index or alias, id); an index that cannot be read gives the error in its place."""
        with self._database.transaction() as db:
            indices: dict[str, str | ElasticsearchError] = {}
            return [self._one(db, indices, name, identifier) for name, identifier in wanted]

    def _one(
        self, db: sqlite3.Connection, indices: dict[str, str | ElasticsearchError], name: str, identifier: str
    ) -> Document | ElasticsearchError | None:
        if name not in indices:
            try:
                indices[name] = self._indices.single(name).name
            except ElasticsearchError as error:
                indices[name] = error
        index = indices[name]
        try:
            return index if isinstance(index, ElasticsearchError) else read(db, index, identifier)
        except ElasticsearchError as error:
            return error

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Give a writer for any number of writes, all in one transaction."""
        with self._database.transaction() as db:
            writer = Writer(db, self._indices, self._new_id)
            yield writer
            writer.flush()

    def put(self, name: str, identifier: str | None, source: Any, **how: Any) -> Written:
        """Index one document; see ``Writer.put``."""
        with self.writing() as writer:
            return writer.put(name, identifier, source, **how)

    def update(self, name: str, identifier: str, change: Update, **how: Any) -> Written:
        """Update one document partially; see ``Writer.update``."""
        with self.writing() as writer:
            return writer.update(name, identifier, change, **how)

    def delete(self, name: str, identifier: str, **how: Any) -> Written:
        """Delete one document; see ``Writer.delete``."""
        with self.writing() as writer:
            return writer.delete(name, identifier, **how)


class Writer:
    """Writes inside one transaction; remembers the indices it met, so that many writes cost little."""

    def __init__(self, db: sqlite3.Connection, indices: Indices, new_id: Callable[[], str]) -> None:
        self._db = db
        self._indices = indices
        self._new_id = new_id
        self._met: dict[str, Index] = {}

    def put(
        self, name: str, identifier: str | None, source: Any, *, create: bool = False, expected: Expected | None = None
    ) -> Written:
        """Index a document, replacing it if it exists and ``create`` is not set; None means an automatic id."""
        identifier = self._new_id() if identifier is None else _checked(identifier)
        if not isinstance(source, dict):
            raise ElasticsearchError(400, "document_parsing_exception", "[1:1] failed to parse: not a JSON object")
        index = self._target(name)
        stored = read(self._db, index.name, identifier)
        if create and stored is not None:
            raise conflict(
                index.name, index.uuid,
                f"[{identifier}]: version conflict, document already exists (current version [{stored.version}])",
            )
        _check(index, identifier, stored, expected)
        return self._store(index, identifier, source, stored)

    def update(self, name: str, identifier: str, change: Update, *, expected: Expected | None = None) -> Written:
        """Merge ``change`` into a document; 404 if there is none and nothing to insert instead."""
        upsert = change.doc if change.doc_as_upsert else change.upsert
        index = self._existing(name) if upsert is None else self._target(name)
        stored = read(self._db, index.name, _checked(identifier))
        if stored is None and upsert is not None and expected is None:
            return self._store(index, identifier, upsert, None)
        if stored is None:
            raise ElasticsearchError(
                404, "document_missing_exception", f"[{identifier}]: document missing",
                index_uuid=index.uuid, shard="0", index=index.name,
            )
        _check(index, identifier, stored, expected)
        before = stored.source
        after = merged(before, change.doc)
        if change.detect_noop and after == before and encode(after) == encode(before):
            return _written(stored, "noop")
        return self._store(index, identifier, after, stored, news=change.doc)

    def replace(self, stored: Document, source: dict[str, Any]) -> Written:
        """Store a new version of a document that was read in this transaction."""
        return self._store(self._existing(stored.index), stored.id, source, stored)

    def delete(self, name: str, identifier: str, *, expected: Expected | None = None) -> Written:
        """Delete a document; the outcome is ``not_found`` if there is none."""
        index = self._existing(name)
        stored = read(self._db, index.name, _checked(identifier))
        _check(index, identifier, stored, expected)
        self._db.execute("DELETE FROM alerts_documents WHERE index_name = ? AND id = ?", (index.name, identifier))
        return Written(
            index=index.name, id=identifier, version=stored.version + 1 if stored else 1, seq_no=_next(index),
            result="deleted" if stored else "not_found",
        )

    def flush(self) -> None:
        """Store the counters of the indices that were written to."""
        for index in {index.name: index for index in self._met.values()}.values():
            self._indices.save(index)

    def _target(self, name: str) -> Index:
        return self._met.get(name) or self._remember(name, self._indices.for_writing(name))

    def _existing(self, name: str) -> Index:
        if name in self._met:
            return self._met[name]
        if not any(alias.name == name for alias in self._indices.aliases()) and self._indices.find(name) is None:
            raise index_not_found(name)
        return self._remember(name, self._indices.for_writing(name))

    # Two names may mean one index; both must count on the same sequence number.
    def _remember(self, name: str, index: Index) -> Index:
        index = self._met.setdefault(index.name, index)
        self._met[name] = index
        return index

    # ``news`` is the part of the document that may hold fields the index has not met.
    def _store(
        self, index: Index, identifier: str, source: dict[str, Any], stored: Document | None, *,
        news: dict[str, Any] | None = None,
    ) -> Written:
        try:
            raw = encode(source)
        except ValueError as error:
            raise ElasticsearchError(400, "document_parsing_exception", f"[1:1] failed to parse: {error}") from error
        index.types |= new_types(index.types, source if news is None else news, alerts=is_alert_index(index.name))
        seq_no = _next(index)
        if stored is None:
            self._db.execute(
                "INSERT INTO alerts_documents (index_name, id, seq_no, version, source) VALUES (?, ?, ?, 1, ?)",
                (index.name, identifier, seq_no, raw),
            )
            return Written(index=index.name, id=identifier, version=1, seq_no=seq_no, result="created")
        self._db.execute(
            "UPDATE alerts_documents SET seq_no = ?, version = version + 1, source = ? WHERE number = ?",
            (seq_no, raw, stored.number),
        )
        return Written(
            index=index.name, id=identifier, version=stored.version + 1, seq_no=seq_no, result="updated"
        )


def read(db: sqlite3.Connection, index: str, identifier: str) -> Document | None:
    """Read one document of a concrete index."""
    row = db.execute(
        "SELECT * FROM alerts_documents WHERE index_name = ? AND id = ?", (index, _checked(identifier))
    ).fetchone()
    return None if row is None else document(row)


def document(row: sqlite3.Row) -> Document:
    """Make a document of its row."""
    number, index, identifier, seq_no, version, raw = row
    return Document(index=index, id=identifier, number=number, seq_no=seq_no, version=version, raw=raw)


def merged(stored: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Merge objects key by key; anything that is not an object on both sides is replaced."""
    result = dict(stored)
    for key, value in change.items():
        before = result.get(key)
        result[key] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return result


def _written(stored: Document, result: str) -> Written:
    return Written(index=stored.index, id=stored.id, version=stored.version, seq_no=stored.seq_no, result=result)


def _next(index: Index) -> int:
    index.next_seq_no += 1
    return index.next_seq_no - 1


def _checked(identifier: str) -> str:
    if not storable(identifier):
        raise illegal_argument("a document id must be valid UTF-8")
    if not identifier:
        raise illegal_argument("if _id is specified it must not be empty")
    length = len(identifier.encode())
    if length > MAX_ID_BYTES:
        raise illegal_argument(
            f"id [{identifier[:64]}...] is too long, must be no longer than {MAX_ID_BYTES} bytes but was: {length}"
        )
    return identifier


def _check(index: Index, identifier: str, stored: Document | None, expected: Expected | None) -> None:
    if expected is None:
        return
    wanted = f"required seqNo [{expected.seq_no}], primary term [{expected.primary_term}]"
    asked = f"[{identifier}]: version conflict, {wanted}"
    if stored is None:
        raise conflict(index.name, index.uuid, f"{asked}. but no document was found")
    if (stored.seq_no, PRIMARY_TERM) != (expected.seq_no, expected.primary_term):
        raise conflict(
            index.name, index.uuid,
            f"{asked}. current document has seqNo [{stored.seq_no}] and primary term [{PRIMARY_TERM}]",
        )
