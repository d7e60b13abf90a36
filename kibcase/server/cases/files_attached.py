"""Files of cases: attach one with its content, remove files with their attachments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kibcase.server import limits
from kibcase.server.cases.attaching import Attachments, drop
from kibcase.server.cases.attachments import decode_attachment
from kibcase.server.cases.authorization import authorize
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.files import OWNERS, Files, prepared
from kibcase.server.cases.files_media import ALLOWED_TYPES, media_of, split_name
from kibcase.server.cases.files_store import FileRecord, FileStore
from kibcase.server.cases.patching import check_activity
from kibcase.server.cases.store import CaseRecord
from kibcase.server.cases.unified_store import UnifiedStore
from kibcase.server.codec import Path, Report, array, decode, limited, strict, string
from kibcase.server.errors import BadRequest
from kibcase.server.jstext import trim

_KINDS: Final = {owner: kind for kind, owner in OWNERS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file as a form sends it: its own ``name``, the ``filename`` field of the form, its content."""

    name: str | None
    filename: str | None
    content: bytes


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """The files of every case. Every method raises ``KibanaError`` with the status and text of Kibana Cases API."""

    context: Context
    attachments: Attachments
    files: Files

    def attach(self, caller: Caller, case_id: str, upload: Upload) -> Json:
        """Store a file and attach it (``POST /api/cases/{id}/files``); gives the case with all comments.

        The media type goes by the extension of the file's own name. Nothing stays of a file that cannot be attached.
        """
        fields = decode(_METADATA, _described(upload))
        self._case(caller, case_id)
        # Hashing takes its time: it is done before the database is held.
        filled = prepared({"mimeType": fields["mimeType"]}, upload.content, self.context.now())
        with self.context.store.transaction():
            record = self._case(caller, case_id)
            check_activity(self.context, record, 1)
            authorize(caller, "createComment", [record.doc["owner"]])
            self._store(caller, record, fields, filled, upload.content)
        return self.attachments.whole(caller, case_id)

    def _case(self, caller: Caller, case_id: str) -> CaseRecord:
        record = self.context.case(caller, case_id)
        authorize(caller, "getCase", [record.doc["owner"]])
        return record

    def _store(self, caller: Caller, record: CaseRecord, fields: Json, filled: Json, content: bytes) -> None:
        owner = record.doc["owner"]
        created = self.files.add(
            caller,
            _KINDS[owner],
            {
                "name": fields["filename"],
                "mimeType": fields["mimeType"],
                "meta": {"caseIds": [record.id], "owner": [owner]},
            },
        )
        doc = created.doc | filled
        FileStore(self.context.store).fill(created, doc, content)
        self.attachments.add(caller, record.id, [decode_attachment(_attachment(owner, doc), self.context.stack)])

    def remove(self, caller: Caller, case_id: str, body: Any) -> None:
        """Delete 1 to 10 files with their attachments (``attachments/files/_bulk_delete``).

        Files that are gone already do not matter; one that belongs to another case, or to more cases, refuses all.
        Kibana leaves the case itself untouched: its version and ``updated_at`` stay.
        """
        identifiers = list(dict.fromkeys(decode(_delete_codec, body)["ids"]))
        with self.context.store.transaction():
            record = self._case(caller, case_id)
            files = self._own_files(caller, case_id, identifiers)
            names = UnifiedStore(self.context.store).files(record.number, identifiers)
            found = [
                attachment
                for name in names
                if (attachment := self.context.store.attachment(caller.space, name)) is not None
            ]
            owners = [attachment.doc["owner"] for attachment in found] + [OWNERS[file.kind] for file in files]
            authorize(caller, "deleteComment", owners)
            FileStore(self.context.store).delete(files)
            drop(self.context, caller, record, found)

    def _own_files(self, caller: Caller, case_id: str, identifiers: Sequence[str]) -> list[FileRecord]:
        stored = FileStore(self.context.store)
        found = [file for name in identifiers if (file := stored.get(caller.space, name)) is not None]
        invalid = [file.id for file in found if file.case_ids != [case_id]]
        if invalid:
            # The wording, "filed" included, is Kibana's.
            raise BadRequest(f"Failed to delete files because filed ids were invalid: {','.join(invalid)}")
        return found


def _described(upload: Upload) -> Json:
    stem, extension = split_name(upload.name or "")
    media = media_of(extension) if upload.name is not None else None
    filename = stem if upload.filename is None else upload.filename
    return {"filename": filename} | ({} if media is None else {"mimeType": media})


def _attachment(owner: str, doc: Mapping[str, Any]) -> Json:
    described = {
        "name": doc["name"],
        "extension": doc.get("extension", ""),
        "mimeType": doc["mimeType"],
        "created": doc["created"],
    }
    return {
        "type": "externalReference",
        "owner": owner,
        "externalReferenceId": doc["id"],
        "externalReferenceStorage": {"type": "savedObject", "soType": "file"},
        "externalReferenceAttachmentTypeId": ".files",
        "externalReferenceMetadata": {"files": [described]},
    }


def _allowed_type(value: Any, path: Path, report: Report) -> Any:
    string(value, path, report)
    if isinstance(value, str) and value not in ALLOWED_TYPES:
        report.errors.append(f"The mime type field value {value} is not allowed.")
    return value


def _delete_codec(value: Any, path: Path, report: Report) -> Any:
    result = _DELETE(value, path, report)
    if not report.errors and any(not trim(item) for item in result["ids"]):
        report.errors.append("string must have length >= 1")
    return result


_METADATA: Final = strict({"mimeType": _allowed_type, "filename": limited("filename", 1, limits.FILENAME)})
_DELETE: Final = strict({"ids": array(string, "ids", 1, limits.FILES_PER_BULK_DELETE)})
