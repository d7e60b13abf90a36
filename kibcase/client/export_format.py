"""kibcase's own file of exported cases: NDJSON, one record per line, of a numbered format. Pure.

::

    {"kind": "kibcase-cases", "format": 1, "stack": "9.2.0", "space": "default", "exported_at": "..."}
    {"kind": "case", "case": {...}}                    as Kibana answers GET /api/cases/{id}
    {"kind": "attachment", "attachment": {...}}        of the case before, oldest first
    {"kind": "file", "id": "...", "name": "dump.bin", "mime": "application/octet-stream", "size": 3}
                                                       size -1: without content, "why" if it could not be read
    {"kind": "chunk", "data": "AAEC"}                  base64, of the file before; none if files were left out
    {"kind": "end", "cases": 1}

Unknown keys of a record are kept by nobody and disturb nobody; unknown kinds and newer formats are refused.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from pydantic import TypeAdapter, ValidationError

from kibcase.client.export_text import counted
from kibcase.errors import KibcaseError
from kibcase.models.attachment import Attachment
from kibcase.models.case import Case

FORMAT: Final = 1
"""The format that is written, and the newest that is read."""
CHUNK_BYTES: Final = 384 * 1024
LINE_LIMIT: Final = 16 * 1024 * 1024
"""The longest line that is read, in bytes."""

_MARK = "kibcase-cases"
_ATTACHMENT: TypeAdapter[Attachment] = TypeAdapter(Attachment)
Json = dict[str, Any]


class UnreadableExport(KibcaseError, ValueError):
    """A file of exported cases cannot be read: ``line`` (from 1) and why.

    ``made`` is how many of its cases were made before that, the last of them perhaps not whole; None if none
    were to be made.
    """

    def __init__(self, reason: str, line: int, *, made: int | None = None) -> None:
        self.reason = reason
        self.line = line
        self.made = made
        told = "" if made is None else f"; made before that: {counted(made, 'case')}" if made else "; no case was made"
        super().__init__(f"the export cannot be read: line {line}: {reason}{told}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Where and when the cases were exported; ``stack`` is "" if Kibana did not tell its version."""

    format: int = FORMAT
    stack: str = ""
    space: str = "default"
    exported_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """A file that is attached to the case before. ``size`` is in bytes, -1 if its content was left out.

    ``mime`` is "" if Kibana does not tell it. The content follows in chunks. ``why`` is why it could not be
    read, "" if nobody tried.
    """

    id: str
    name: str
    mime: str = ""
    size: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A part of the content of the file before."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The last record: how many cases there were."""

    cases: int


Record = Header | Case | Attachment | FileRecord | Chunk | End


def line_of(record: Record) -> bytes:
    """Write one record as a line."""
    return json.dumps(_plain(record), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _plain(record: Record) -> Json:
    match record:
        case Header():
            about = {"stack": record.stack, "space": record.space, "exported_at": record.exported_at}
            return {"kind": _MARK, "format": record.format, **about}
        case Case():
            fields = record.to_api()
            fields.pop("comments", None)
            return {"kind": "case", "case": fields}
        case FileRecord():
            why = {"why": record.why} if record.why else {}
            return {
                "kind": "file", "id": record.id, "name": record.name, "mime": record.mime, "size": record.size, **why,
            }
        case Chunk():
            return {"kind": "chunk", "data": b64encode(record.data).decode("ascii")}
        case End():
            return {"kind": "end", "cases": record.cases}
        case _:
            return {"kind": "attachment", "attachment": record.to_api()}


def records(lines: Iterable[bytes]) -> Iterator[Record]:
    """Read the records of a file, in order, each as it is needed.

    Raises ``UnreadableExport`` for a file of another kind or a newer format, for a broken line, for records out
    of order, and at the end if the file was cut off.
    """
    seen: list[str] = []
    cases = 0
    number = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        kind, value = _decoded(line, number)
        _check_order(kind, seen, number)
        record = _record(kind, value, number)
        cases += kind == "case"
        if isinstance(record, End) and record.cases != cases:
            raise UnreadableExport(f"it says {record.cases} cases, but there are {cases}", number)
        seen[:] = [kind]
        yield record
    if seen != ["end"]:
        raise UnreadableExport("the file is cut off: its last record is missing", number + 1)


_AFTER: Final = {
    "case": {_MARK, "case", "attachment", "file", "chunk"}, "attachment": {"case", "attachment", "file", "chunk"},
    "file": {"case", "attachment", "file", "chunk"}, "chunk": {"file", "chunk"},
    "end": {_MARK, "case", "attachment", "file", "chunk"},
}


def _check_order(kind: str, seen: list[str], number: int) -> None:
    if not seen:
        if kind != _MARK:
            raise UnreadableExport("the file is no export of kibcase: it does not begin with its header", number)
    elif kind not in _AFTER:
        raise UnreadableExport(f"unknown record {kind[:40]!r}", number)
    elif seen[0] not in _AFTER[kind]:
        raise UnreadableExport(f"a record {kind!r} cannot follow {seen[0]!r}", number)


def _decoded(line: bytes, number: int) -> tuple[str, Json]:
    if len(line) > LINE_LIMIT:
        raise UnreadableExport(f"the line is longer than {LINE_LIMIT} bytes", number)
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnreadableExport("it is not JSON", number) from error
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        raise UnreadableExport("it is no record: a JSON object with a kind", number)
    return value["kind"], value


def _record(kind: str, value: Json, number: int) -> Record:
    try:
        match kind:
            case "case":
                return Case.model_validate(value["case"])
            case "attachment":
                return _ATTACHMENT.validate_python(value["attachment"])
            case "file":
                return FileRecord(
                    id=str(value["id"]), name=str(value["name"]), mime=str(value["mime"]), size=int(value["size"]),
                    why=str(value.get("why", "")),
                )
            case "chunk":
                return Chunk(data=b64decode(value["data"], validate=True))
            case "end":
                return End(cases=int(value["cases"]))
            case _:
                return _header(value, number)
    except UnreadableExport:
        raise
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise UnreadableExport(f"the record {kind!r} is malformed ({type(error).__name__})", number) from error


def _header(value: Json, number: int) -> Header:
    written = value["format"]
    if not isinstance(written, int) or isinstance(written, bool) or written < 1:
        raise UnreadableExport("the format is not a number", number)
    if written > FORMAT:
        newer = f"it was written by a newer kibcase (format {written}, this one reads up to {FORMAT})"
        raise UnreadableExport(f"{newer}; upgrade kibcase", number)
    return Header(
        format=written, stack=str(value.get("stack", "")), space=str(value.get("space", "default")),
        exported_at=str(value.get("exported_at", "")),
    )


def bounded_lines(source: BinaryIO) -> Iterator[bytes]:
    """Give the lines of a binary file; a line beyond the limit comes cut, so that ``records`` refuses it."""
    while line := source.readline(LINE_LIMIT + 1):
        yield line
