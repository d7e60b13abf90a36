"""Files that are attached to cases."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from kibcase.models.attachment import ExternalReference
from kibcase.models.attachment_request import FILE_TYPE
from kibcase.models.base import ApiModel
from kibcase.models.unified import UnifiedAttachment
from kibcase.models.user import User


class CaseFile(ApiModel):
    """A file of a case. ``id`` is the file's, ``attachment_id`` that of the attachment which names it.

    ``name`` is without ``extension``, and both are what the uploader chose: not safe as a path as they are.
    """

    id: str
    attachment_id: str
    owner: str
    name: str
    extension: str = ""
    mime_type: Annotated[str | None, Field(alias="mimeType")] = None
    created_at: datetime | None = None
    created_by: User | None = None

    @property
    def file_name(self) -> str:
        """The name with its extension."""
        return f"{self.name}.{self.extension}" if self.extension else self.name

    @property
    def kind(self) -> str:
        """The file kind that Kibana keeps it under."""
        return file_kind(self.owner)

    @classmethod
    def of(cls, attachment: object, owner: str | None = None) -> Self | None:
        """Return the file that an attachment is about; None for any other attachment.

        ``owner`` is that of the case, for attachments that do not tell it.
        """
        if isinstance(attachment, ExternalReference) and attachment.reference_type_id == FILE_TYPE:
            file_id, metadata = attachment.reference_id, attachment.metadata
        elif isinstance(attachment, UnifiedAttachment) and attachment.type == "file" and attachment.attachment_ids:
            file_id, metadata = attachment.attachment_ids[0], attachment.metadata
        else:
            return None
        told = _described(metadata or {})
        return cls.model_validate({
            **told, "id": file_id, "attachment_id": attachment.id, "owner": attachment.owner or owner or "",
            "name": str(told.get("name") or file_id), "extension": str(told.get("extension") or ""),
            "mimeType": _text(told.get("mimeType")), "created_at": attachment.created_at,
            "created_by": attachment.created_by,
        })


class FileInfo(ApiModel):
    """What Kibana's file storage knows of a file (GET /api/files/files/{kind}/{id}); ``size`` in bytes.

    ``hash`` holds "md5", "sha1" and "sha256" in hexadecimal where the stack computes them.
    """

    id: str
    name: str
    extension: str | None = None
    mime_type: Annotated[str | None, Field(alias="mimeType")] = None
    size: int | None = None
    status: str | None = None
    created: datetime | None = None
    updated: datetime | None = None
    file_kind: Annotated[str | None, Field(alias="fileKind")] = None
    hash: dict[str, str] | None = None
    meta: dict[str, Any] | None = None


class FileAnswer(ApiModel):
    """The envelope of ``FileInfo``."""

    file: FileInfo


def file_kind(owner: str) -> str:
    """Return the kind of the files of an owner's cases: "securitySolutionFilesCases" and the like."""
    return f"{owner}FilesCases"


def _described(metadata: Mapping[str, Any]) -> dict[str, Any]:
    files = metadata.get("files")
    first = files[0] if isinstance(files, list) and files else {}
    return dict(first) if isinstance(first, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
