"""Files of a case, up and down (Kibana Cases API, POST /api/cases/{id}/files; Kibana Files API)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from secrets import token_hex
from tempfile import mkstemp
from typing import BinaryIO

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.client.answers import decode
from kibcase.client.attachments import AttachmentsApi
from kibcase.client.attachments_calls import AttachmentCalls, case_id_of
from kibcase.client.batches import BatchReport, by_count, carry_out
from kibcase.client.files_names import UploadName, check_size, local_name, upload_name
from kibcase.client.limits import DELETE_FILES, FILE_BYTES
from kibcase.client.status import StatusApi
from kibcase.errors import InvalidAnswer, InvalidValue
from kibcase.models.case import Case
from kibcase.models.file import CaseFile, FileAnswer, FileInfo
from kibcase.streaming import Framed, Progress, Target
from kibcase.transport import Request, Transport

Source = str | os.PathLike[str] | bytes | BinaryIO
_CASE = TypeAdapter(Case)
_INFO = TypeAdapter(FileAnswer)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """Where a download went (None: into a file object) and how many bytes it has."""

    path: Path | None
    size: int


class FilesApi(AttachmentCalls):
    """``kibana.files``. Every method can raise the errors of ``Transport.send``."""

    def __init__(self, transport: Transport, status: StatusApi, attachments: AttachmentsApi) -> None:
        super().__init__(transport, status)
        self._attachments = attachments

    def upload(
        self, case: Case | str, source: Source, *, name: str | None = None, mime_type: str | None = None,
        max_bytes: int | None = None, progress: Progress | None = None,
    ) -> CaseFile:
        """Attach a file and return it (POST /api/cases/{id}/files). Never repeated by itself.

        ``source`` is a path, bytes, or a binary file object that is read from where it stands. It is
        streamed, never held in memory. ``name`` is the file's name with its ending, by which alone Kibana
        tells the type (pictures, text, CSV, JSON, PDF, archives); it is needed unless the source has
        one. ``mime_type`` makes it another type: see ``upload_name``. ``max_bytes`` instead of Kibana's
        defaults of 100 MiB, and 10 MiB for images. ``progress`` is called with the bytes sent so far and
        their number, None for a stream of unknown length; what it raises ends the upload.

        Kibana takes 100 files for a case. Raises ``LimitError``, ``ValueError`` for a name without ending,
        ``OSError`` of the source, ``BadRequestError`` for a type that Kibana does not take,
        ``PayloadTooLarge``, ``NotFoundError``.
        """
        announced = upload_name(name or _own_name(source), mime_type)
        with _opened(source) as content:
            size = _remaining(content)
            check_size(size or 0, announced.mime_type, max_bytes)
            body, kind = multipart(announced, content, size=size, progress=progress)
            path = f"/api/cases/{segment(case_id_of(case))}/files"
            answer = self._send(Request(method="POST", path=path, body=body, content_type=kind))
        return newest_file(decode(answer, _CASE), announced.stem)

    def list(self, case: Case | str) -> list[CaseFile]:
        """Return the files of a case in the order of their upload, found among its attachments."""
        found = (CaseFile.of(each) for each in self._attachments.all(case))
        return [each for each in found if each is not None]

    def info(self, file: CaseFile | str, owner: str | None = None) -> FileInfo:
        """Return size, hashes and the like (GET /api/files/files/{kind}/{id}); raises ``NotFoundError``.

        ``owner`` is that of the case, needed with a file id alone.
        """
        request = Request(method="GET", path=_path(file, owner), internal=True)
        return decode(self._send(request), _INFO).file

    def download(
        self, file: CaseFile | str, target: str | os.PathLike[str] | BinaryIO, *, owner: str | None = None,
        max_bytes: int | None = FILE_BYTES, overwrite: bool = False, progress: Progress | None = None,
    ) -> Downloaded:
        """Fetch a file's content (GET /api/files/files/{kind}/{id}/blob) and say where it is.

        ``target`` is a path, a folder (the file's own name is used, made safe), or a binary file object. A path
        is written whole or not at all, by way of a temporary file beside it, for the owner's eyes only.
        ``max_bytes`` bounds it (default 100 MiB, None: no bound). ``progress`` gets the bytes so far and
        their number if it is known. It is repeated when the connection breaks, as far as the target can go back.

        Raises ``FileExistsError`` unless ``overwrite``, ``LimitError``, ``NotFoundError``, ``OSError`` of the
        target.
        """
        request = Request(method="GET", path=f"{_path(file, owner)}/blob")
        if not isinstance(target, str | os.PathLike):
            sink = Target(target, maximum=max_bytes, progress=progress)
            self._transport.receive(request, sink)
            return Downloaded(path=None, size=sink.written)
        path = _destination(Path(target), file)
        if not overwrite and path.exists():
            raise FileExistsError(f"{path} is there already")
        return self._write(request, path, max_bytes, progress)

    def read(self, file: CaseFile | str, *, owner: str | None = None, max_bytes: int | None = FILE_BYTES) -> bytes:
        """Return a file's content; raises what ``download`` raises."""
        content = BytesIO()
        self.download(file, content, owner=owner, max_bytes=max_bytes)
        return content.getvalue()

    def delete(self, case: Case | str, file: CaseFile | str) -> None:
        """Delete one file of a case with its attachment; one that is gone already does not matter.

        Raises ``BadRequestError`` for a file of another case, ``NotFoundError`` for a missing case.
        """
        self._delete(case, [_id(file)])

    def delete_many(self, case: Case | str, files: Sequence[CaseFile | str]) -> BatchReport[CaseFile | str]:
        """Delete files with their attachments, 10 in a request (POST .../attachments/files/_bulk_delete).

        Files that are gone already do not matter; one of another case makes Kibana refuse all of its request. What
        is refused is in the report; what would stop every request is raised if it happens before anything was
        deleted.
        """
        return carry_out(
            list(files), by_count(len(files), DELETE_FILES),
            lambda run: self._delete(case, [_id(each) for each in files[run.start : run.stop]]),
        )

    def _delete(self, case: Case | str, ids: Sequence[str]) -> None:
        path = f"/internal/cases/{segment(case_id_of(case))}/attachments/files/_bulk_delete"
        self._send(Request(method="POST", path=path, json={"ids": ids}, internal=True))

    def _write(self, request: Request, path: Path, maximum: int | None, progress: Progress | None) -> Downloaded:
        number, name = mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
        part = Path(name)
        try:
            with os.fdopen(number, "wb") as stream:
                sink = Target(stream, maximum=maximum, progress=progress)
                self._transport.receive(request, sink)
                stream.truncate()
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(path)
        except BaseException:
            part.unlink()
            raise
        return Downloaded(path=path, size=sink.written)


def multipart(
    announced: UploadName, content: BinaryIO, *, size: int | None, progress: Progress | None = None
) -> tuple[Framed, str]:
    """Return the body of an upload and its content type (RFC 7578).

    The stem goes into a field of its own, where any character is safe; the header of the file's part holds
    nothing that others chose but a plain ending.
    """
    boundary = token_hex(16)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="filename"\r\n\r\n{announced.stem}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file.{announced.ending}"\r\n'
        f"Content-Type: {announced.mime_type}\r\n\r\n"
    )
    tail = f"\r\n--{boundary}--\r\n"
    framed = Framed(head.encode(), content, tail.encode(), size=size, progress=progress)
    return framed, f"multipart/form-data; boundary={boundary}"


def newest_file(case: Case, stem: str) -> CaseFile:
    """Find the file that was just attached in the answer: the newest of this name by the last updater.

    Raises ``InvalidAnswer`` if there is none.
    """
    files = [found for each in case.comments or () if (found := CaseFile.of(each, case.owner)) is not None]
    named = [each for each in files if each.name.strip() == stem.strip() and _by_updater(case, each)]
    if not named:
        path = f"/api/cases/{segment(case.id)}/files"
        raise InvalidAnswer("the answer does not hold the file", method="POST", path=path, status=200)
    return max(reversed(named), key=lambda each: each.created_at or _LONG_AGO)


def _by_updater(case: Case, file: CaseFile) -> bool:
    updater, creator = case.updated_by, file.created_by
    return updater is None or creator is None or updater.username == creator.username


def _own_name(source: Source) -> str:
    name = source if isinstance(source, str | os.PathLike) else getattr(source, "name", None)
    if not isinstance(name, str | os.PathLike) or not str(name):
        raise InvalidValue("what is uploaded has no name of its own: give name=...")
    return Path(name).name


def _opened(source: Source) -> AbstractContextManager[BinaryIO]:
    if isinstance(source, bytes):
        return BytesIO(source)
    if isinstance(source, str | os.PathLike):
        return Path(source).open("rb")
    return nullcontext(source)


def _remaining(content: BinaryIO) -> int | None:
    if not content.seekable():
        return None
    here = content.tell()
    size = content.seek(0, os.SEEK_END) - here
    content.seek(here)
    return max(size, 0)


def _destination(target: Path, file: CaseFile | str) -> Path:
    if not target.is_dir():
        return target
    return target / local_name("" if isinstance(file, str) else file.file_name, fallback=local_name(_id(file), "file"))


def _id(file: CaseFile | str) -> str:
    return file if isinstance(file, str) else file.id


def _path(file: CaseFile | str, owner: str | None) -> str:
    if isinstance(file, CaseFile):
        return f"/api/files/files/{segment(file.kind)}/{segment(file.id)}"
    if owner is None:
        raise InvalidValue("name the owner of the case, or give the CaseFile itself")
    return f"/api/files/files/{segment(f'{owner}FilesCases')}/{segment(file)}"
