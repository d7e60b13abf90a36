"""The files of cases: listed, fetched, attached (Kibana Cases API and Kibana's Files API)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import BinaryIO, Final

from pydantic import TypeAdapter, ValidationError

from kibcase import CaseFile, Request
from kibcase.errors import LimitError
from kibcase.models.base import ApiModel
from kibcase.models.file import FileInfo, file_kind
from kibcase_connectors.actions import AddFile
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import Refused, Unavailable
from kibcase_connectors.kibana.access import Access
from kibcase_connectors.kibana.filenames import UnkeepableError, shown_as, size_limit, stored_as
from kibcase_connectors.model import File, Receipt
from kibcase_connectors.people import People

log = logging.getLogger(__name__)

PAGE: Final = 100
"""Files in one answer, as many as a case can have (``MAX_FILES_PER_CASE``)."""

UNKNOWN_TYPE: Final = "application/octet-stream"

RIGHTS: Final = "Give the account the right to read and attach files (Cases: All of the owner), or leave files out."


class _Listed(ApiModel):
    files: list[FileInfo]
    total: int = 0


_LISTED = TypeAdapter(_Listed)


class CaseFiles:
    """The files of the cases of one owner; Kibana keeps them under a kind per owner."""

    def __init__(self, access: Access, people: People) -> None:
        self._access = access
        self._people = people
        self._kind = file_kind(access.config.owner)

    def of_case(self, key: str) -> tuple[File, ...]:
        """List the files of a case with their sizes, oldest first (``POST /api/files/files/{kind}/list``).

        One request for a hundred. Those whose content is missing or was deleted are left out.
        """
        found = [self._file(info) for info in self._listed(key) if info.size is not None]
        return tuple(sorted(found, key=lambda file: (file.created is None, file.created, file.key)))

    def look(self) -> None:
        """See whether files may be read; raises what the library raises."""
        self._page({"meta": {"caseIds": ["none"]}}, 1)

    def fetch(self, key: str, file: File, into: BinaryIO) -> None:
        """Write a file's content to ``into``; see ``Connector.fetch``."""
        what = f"fetch the file {file.name} of case {key}"
        files, owner = self._access.kibana.files, self._access.config.owner
        with self._access.translated(what):
            if file.size == 0:
                # An empty body is answered without any content at all.
                files.info(file.key, owner)
                return
            try:
                done = files.download(file.key, into, owner=owner, max_bytes=file.size)
            except LimitError as error:
                raise Unavailable(self._access.name, what, said="there is more of it than was listed") from error
        if done.size != file.size:
            said = f"{done.size} bytes came, {file.size} were listed"
            raise Unavailable(self._access.name, what, said=said)

    def add(self, action: AddFile, announce: Announce) -> Receipt:
        """Attach a file (``POST /api/cases/{id}/files``), streamed; see ``Connector.apply``."""
        what = f"attach {action.name} to case {action.key}"
        config, system = self._access.config, self._access.name
        try:
            stored = stored_as(action.name, any_type=config.any_file)
        except UnkeepableError as error:
            raise Refused(system, what, said=str(error)) from error
        most = size_limit(stored.media_type, config.max_file_size)
        if action.size > most:
            raise Refused(system, what, said=f"Kibana takes {most} bytes of such a file, this has {action.size}")
        if action.content is None:
            raise ValueError("a file is attached with its content")
        announce({})
        with self._access.translated(what, writes=True):
            made = self._access.kibana.files.upload(
                action.key, action.content, name=f"{stored.stem}.{stored.ending}", mime_type=stored.media_type,
                max_bytes=most,
            )
        return Receipt(key=action.key, file=self._made(made, action))

    def _made(self, made: CaseFile, action: AddFile) -> File:
        name = shown_as(made.name, made.extension)
        if name != action.name:
            log.warning("%s: %r was kept by Kibana as %r", self._access.name, action.name, name)
        author = made.created_by
        shown = "" if author is None else author.full_name or author.username or ""
        return File(
            key=made.id, name=name, size=action.size, media_type=made.mime_type or UNKNOWN_TYPE, author=shown,
            created=made.created_at,
        )

    def _listed(self, key: str) -> Iterator[FileInfo]:
        page, total = 1, 1
        while (page - 1) * PAGE < total:
            found = self._page({"status": "READY", "meta": {"caseIds": [key]}}, page)
            yield from found.files
            page, total = page + 1, found.total

    def _page(self, wanted: dict[str, object], page: int) -> _Listed:
        request = Request(
            method="POST", path=f"/api/files/files/{self._kind}/list", json=wanted, internal=True, idempotent=True,
            query=[("page", str(page)), ("perPage", str(PAGE))],
        )
        response = self._access.transport.send(request)
        try:
            return _LISTED.validate_json(response.content)
        except ValidationError as error:
            raise response.invalid("not a list of files") from error

    def _file(self, info: FileInfo) -> File:
        user = (info.model_extra or {}).get("user")
        login, uid = _texts(user, "name"), _texts(user, "id")
        author = self._people.name_of(self._access.name, [*login, *uid], next(iter(login), ""))
        return File(
            key=info.id, name=shown_as(info.name, info.extension or ""), size=info.size or 0,
            media_type=info.mime_type or UNKNOWN_TYPE, author=author, created=info.created,
        )


def _texts(user: object, name: str) -> list[str]:
    value = user.get(name) if isinstance(user, dict) else None
    return [value] if isinstance(value, str) and value else []

