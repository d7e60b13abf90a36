"""The bulk request: lines of JSON in, one outcome per action out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kibcase.server.elasticsearch.documents import Documents, Expected, Update, Writer, Written
from kibcase.server.elasticsearch.errors import ElasticsearchError, illegal_argument
from kibcase.server.elasticsearch.jsontext import decode

_ACTIONS = ("index", "create", "update", "delete")
_META = frozenset({"_index", "_id", "if_seq_no", "if_primary_term", "retry_on_conflict"})
_UPDATE = frozenset({"doc", "upsert", "doc_as_upsert", "detect_noop"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action of a bulk request; ``line`` is the document or the update, None for a delete."""

    name: str
    index: str
    id: str | None
    expected: Expected | None
    line: Any


def parse_bulk(text: bytes, default_index: str | None) -> list[Action]:
    """Read the actions; raises ``ElasticsearchError`` if the request as a whole is malformed."""
    if not text.strip():
        raise ElasticsearchError(400, "parse_exception", "request body is required")
    if not text.endswith(b"\n"):
        raise illegal_argument("The bulk request must be terminated by a newline [\\n]")
    return list(_actions(text.split(b"\n")[:-1], default_index))


def run_bulk(documents: Documents, actions: list[Action]) -> list[dict[str, Any]]:
    """Carry out the actions in order, in one transaction; an action that fails does not stop the others."""
    with documents.writing() as writer:
        return [_item(writer, action) for action in actions]


def parse_update(body: Any) -> Update:
    """Read the body of an update; scripts are refused with Elasticsearch's words for a node without painless."""
    if not isinstance(body, dict):
        raise ElasticsearchError(400, "parse_exception", "request body is required")
    if "script" in body:
        raise illegal_argument("script_lang not supported [painless]")
    unknown = body.keys() - _UPDATE
    if unknown:
        raise ElasticsearchError(
            400, "x_content_parse_exception", f"[1:1] [UpdateRequest] unknown field [{min(unknown)[:64]}]"
        )
    doc, upsert = body.get("doc"), body.get("upsert")
    if not isinstance(doc, dict) or not isinstance(upsert, dict | None):
        raise ElasticsearchError(
            400, "action_request_validation_exception", "Validation Failed: 1: script or doc is missing;"
        )
    return Update(
        doc=doc, upsert=upsert, doc_as_upsert=body.get("doc_as_upsert") is True,
        detect_noop=body.get("detect_noop") is not False,
    )


def expected(seq_no: Any, primary_term: Any) -> Expected | None:
    """Pair ``if_seq_no`` with ``if_primary_term``; one without the other is refused."""
    if seq_no is None and primary_term is None:
        return None
    try:
        return Expected(seq_no=int(seq_no), primary_term=int(primary_term))
    except (TypeError, ValueError, OverflowError) as error:
        raise ElasticsearchError(
            400, "action_request_validation_exception",
            "Validation Failed: 1: if_seq_no and if_primary_term must both be given, as numbers;",
        ) from error


def _actions(lines: list[bytes], default_index: str | None) -> Iterator[Action]:
    number = 0
    while number < len(lines):
        if not lines[number].strip():
            number += 1
            continue
        name, meta = _head(lines[number], number + 1)
        number += 1
        line = None
        if name != "delete":
            if number >= len(lines):
                raise illegal_argument(f"Malformed action/metadata line [{number}], the next line is missing")
            line = decode(lines[number])
            number += 1
        index = meta.get("_index", default_index)
        if not isinstance(index, str) or not index:
            raise ElasticsearchError(
                400, "action_request_validation_exception", "Validation Failed: 1: index is missing;"
            )
        identifier = meta.get("_id")
        yield Action(
            name=name, index=index, id=None if identifier is None else str(identifier), line=line,
            expected=expected(meta.get("if_seq_no"), meta.get("if_primary_term")),
        )


def _head(line: bytes, number: int) -> tuple[str, dict[str, Any]]:
    head = decode(line)
    if not isinstance(head, dict) or len(head) != 1:
        raise illegal_argument(
            f"Malformed action/metadata line [{number}], expected START_OBJECT with one action {list(_ACTIONS)}"
        )
    name, meta = next(iter(head.items()))
    if name not in _ACTIONS or not isinstance(meta, dict):
        raise illegal_argument(
            f"Malformed action/metadata line [{number}], expected field [create], [delete], [index] or [update] but "
            f"found [{name[:64]}]"
        )
    unknown = meta.keys() - _META
    if unknown:
        raise illegal_argument(f"Action/metadata line [{number}] contains an unknown parameter [{min(unknown)[:64]}]")
    return name, meta


def _item(writer: Writer, action: Action) -> dict[str, Any]:
    try:
        written = _run(writer, action)
    except ElasticsearchError as error:
        return {action.name: {"_index": action.index, "_id": action.id, "status": error.status, "error": error.cause()}}
    return {action.name: {**written.body(), "status": written.status}}


def _run(writer: Writer, action: Action) -> Written:
    if action.name in ("index", "create"):
        create = action.name == "create"
        return writer.put(action.index, action.id, action.line, create=create, expected=action.expected)
    if action.id is None:
        raise ElasticsearchError(400, "action_request_validation_exception", "Validation Failed: 1: id is missing;")
    if action.name == "delete":
        return writer.delete(action.index, action.id, expected=action.expected)
    return writer.update(action.index, action.id, parse_update(action.line), expected=action.expected)
