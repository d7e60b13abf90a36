"""Kibana's own export and import of saved objects (Saved Objects API, /api/saved_objects)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Final

from pydantic import Field, TypeAdapter

from kibcase.client.answers import decode
from kibcase.client.limits import check_ids
from kibcase.errors import InvalidValue, LimitError
from kibcase.models.base import ApiModel
from kibcase.transport import Request, Transport

EXPORT_LIMIT: Final = 10_000
"""The most objects that Kibana exports at once (``savedObjects.maxImportExportSize``)."""
IMPORT_BYTES: Final = 26_214_400
"""The largest file that Kibana imports (``savedObjects.maxImportPayloadBytes``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedObjects:
    """What an export holds: how many cases, and how many objects in all with comments and activity."""

    cases: int
    objects: int


class ImportFailure(ApiModel):
    """Why one object was not imported; ``reason`` is Kibana's type of error ("conflict", "unknown", ...)."""

    id: str
    type: str
    title: str | None = None
    error: dict[str, Any] = Field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Kibana's type of error, with its message if it has one."""
        kind, message = str(self.error.get("type", "unknown")), self.error.get("message")
        return f"{kind}: {message}" if message else kind


class ImportedObject(ApiModel):
    """An object that was imported; ``destination_id`` is its new id if it got one."""

    id: str
    type: str
    destination_id: Annotated[str | None, Field(alias="destinationId")] = None


class ImportResult(ApiModel):
    """What an import did (POST /api/saved_objects/_import)."""

    success: bool
    success_count: Annotated[int, Field(alias="successCount")] = 0
    errors: list[ImportFailure] = Field(default_factory=list)
    success_results: Annotated[list[ImportedObject], Field(alias="successResults")] = Field(default_factory=list)

    @property
    def case_ids(self) -> list[str]:
        """The ids that the imported cases have now."""
        return [each.destination_id or each.id for each in self.success_results if each.type == "cases"]


_RESULT = TypeAdapter(ImportResult)


class SavedObjectsApi:
    """``kibana.saved_objects``. Needs Kibana's privilege for saved objects; serverless may not offer it.

    Every method can raise the errors of ``Transport.send``.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def export_cases(self, case_ids: Sequence[str], into: BinaryIO) -> ExportedObjects:
        """Write 1 to 10,000 cases with comments and activity as NDJSON (POST /api/saved_objects/_export).

        Kibana leaves out the content of files and the numbers of cases. Raises ``BadRequestError`` if a case
        is missing.
        """
        check_ids("cases in one export", case_ids, EXPORT_LIMIT)
        body = {
            "objects": [{"type": "cases", "id": each} for each in case_ids],
            "includeReferencesDeep": True, "excludeExportDetails": True,
        }
        request = Request(method="POST", path="/api/saved_objects/_export", json=body, idempotent=True)
        response = self._transport.send(request)
        types = [kind for line in response.content.splitlines() if line.strip() for kind in _type_of(line)]
        into.write(response.content if response.content.endswith(b"\n") else response.content + b"\n")
        return ExportedObjects(cases=types.count("cases"), objects=len(types))

    def import_(self, content: bytes, *, create_new_copies: bool = True, overwrite: bool = False) -> ImportResult:
        """Import a file of saved objects (POST /api/saved_objects/_import). Never repeated by itself.

        ``create_new_copies`` gives every object a new id; without it the ids stay, and what is there already
        is a conflict unless ``overwrite`` replaces it. A result without ``success`` tells why in ``errors``.

        Raises ``LimitError`` beyond 25 MiB, ``ValueError`` for both options at once.
        """
        if create_new_copies and overwrite:
            raise InvalidValue("new copies overwrite nothing: choose one of both")
        if len(content) > IMPORT_BYTES:
            raise LimitError("bytes in one import", IMPORT_BYTES, len(content))
        body, content_type = _form(content)
        name = "createNewCopies" if create_new_copies else "overwrite"
        query = [(name, "true")] if create_new_copies or overwrite else []
        request = Request(
            method="POST", path="/api/saved_objects/_import", query=query, body=body, content_type=content_type
        )
        return decode(self._transport.send(request), _RESULT)


def _type_of(line: bytes) -> Iterator[str]:
    value = json.loads(line)
    if isinstance(value, dict) and isinstance(value.get("type"), str):
        yield value["type"]


def _form(content: bytes) -> tuple[bytes, str]:
    # Kibana takes the file by the ending of its name.
    boundary = f"kibcase-{uuid.uuid4().hex}"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="cases.ndjson"\r\n'
        "Content-Type: application/ndjson\r\n\r\n"
    )
    body = b"".join([head.encode(), content, f"\r\n--{boundary}--\r\n".encode()])
    return body, f"multipart/form-data; boundary={boundary}"
