"""Take cases elsewhere: to another space, solution or cluster, or through a file.

What Kibana's API cannot set does not come along silently: every copy tells what was left out and why.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from kibcase.client.export_format import (
    CHUNK_BYTES,
    Chunk,
    End,
    FileRecord,
    Header,
    Record,
    UnreadableExport,
    bounded_lines,
    line_of,
    records,
)
from kibcase.client.export_restore import Left, Options, Restored
from kibcase.client.export_run import restore
from kibcase.client.filters import moment
from kibcase.errors import ApiError, AuthenticationError, LimitError, TooManyRequests
from kibcase.models.attachment import Attachment
from kibcase.models.case import Case
from kibcase.models.file import CaseFile

if TYPE_CHECKING:
    from kibcase.client.kibana import Kibana

_IN_MEMORY: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What an export holds: how many cases. ``left``: which files are without content against the wish, and why."""

    cases: int
    left: tuple[Left, ...] = ()


def _utc_now() -> datetime:
    return datetime.now(UTC)


class TransferApi:
    """``kibana.transfer``: copy, export and import cases. Every method can raise the errors of ``Transport.send``.

    ``clock`` gives the present moment with a time zone, for the header of an export.
    """

    def __init__(self, kibana: Kibana, clock: Callable[[], datetime] = _utc_now) -> None:
        self._kibana = kibana
        self._clock = clock

    def copy(
        self, case: Case | str, to: Kibana, *, owner: str | None = None, files: bool = True,
        alerts: bool | None = None, note: bool = True,
    ) -> Restored:
        """Copy a case to another space, solution or cluster and tell what could not come along.

        Title, description, tags, severity, category, settings, custom fields that are configured there, comments
        (each with a line that says who wrote it when), visualisations, observables, files and the status come
        along; assignees within the same Kibana. ``alerts``: attach the alerts as well; by default within the
        same Kibana. ``note``: begin with a comment that says where the case comes from.

        A file whose content Kibana does not give is left out and told. A refusal to create the copy is in the
        answer: its ``case`` is None then.

        Raises ``NotFoundError`` for an unknown case; ``BrokenOff``, which names the case that was begun there, when
        something fails half-way (connection, credentials, reading the original).
        """
        near = to.url == self._kibana.url
        options = Options(owner=owner, alerts=near if alerts is None else alerts, assignees=near, note=note)
        original = self._kibana.cases.get(case if isinstance(case, str) else case.id)
        (restored,) = restore(to, self._records([original], files=files), options)
        return restored

    def export(self, cases: Iterable[Case | str], into: BinaryIO, *, files: bool = False) -> Exported:
        """Write cases with all attachments to a binary file as NDJSON and tell how many, and what is not in it.

        The format (``kibcase.client.export_format``) is kibcase's own, is numbered, and works on every stack.
        ``files``: with the content of attached files, in pieces, never whole in memory. A file whose content Kibana
        does not give is in the export without it, with the reason, which the import tells too.
        """
        read = (self._kibana.cases.get(each if isinstance(each, str) else each.id) for each in cases)
        count, place, left = 0, "", list[Left]()
        for record in self._records(read, files=files):
            into.write(line_of(record))
            if isinstance(record, Case):
                count, place = count + 1, record.id
            elif isinstance(record, FileRecord) and record.why:
                left.append(Left(what=f"the file {record.name} of the case {place}", why=record.why))
        return Exported(cases=count, left=tuple(left))

    def import_(
        self, source: BinaryIO, *, owner: str | None = None, alerts: bool = False, note: bool = True
    ) -> Iterator[Restored]:
        """Make the cases of an export anew, each as it is read, and tell what became of each.

        Nothing is overwritten: importing twice makes every case twice. A case that Kibana refuses has
        ``case`` None, and the others go on.

        A source that can go back is read twice: the whole of it is checked before the first case is made. Of one
        that cannot (a pipe), the cases before a broken line are made and told.

        Raises ``UnreadableExport`` for a broken file or a newer format; ``BrokenOff``, which tells how many cases were
        made and names the one that was begun, when something else fails on the way.
        """
        options = Options(owner=owner, alerts=alerts, note=note)
        if source.seekable():
            _check(source)
        return restore(self._kibana, records(bounded_lines(source)), options)

    def _records(self, cases: Iterable[Case], *, files: bool) -> Iterator[Record]:
        version = self._kibana.status.comparable_version()
        stack = "" if version is None else str(version)
        yield Header(stack=stack, space=self._kibana.space_id, exported_at=moment(self._clock()))
        count = 0
        for case in cases:
            count += 1
            yield case
            for attachment in self._kibana.attachments.all(case.id):
                yield attachment
                yield from self._file(case, attachment, content=files)
        yield End(cases=count)

    def _file(self, case: Case, attachment: Attachment, *, content: bool) -> Iterator[Record]:
        told = CaseFile.of(attachment, case.owner)
        if told is None:
            return
        mime = told.mime_type or ""
        if not content:
            yield FileRecord(id=told.id, name=told.file_name, mime=mime, size=-1)
            return
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
            # A spooled file is a binary file in all but its declared type.
            file = cast("BinaryIO", spool)
            try:
                size = self._kibana.files.download(told, file).size
            except (AuthenticationError, TooManyRequests):
                raise
            except (ApiError, LimitError) as error:
                yield FileRecord(id=told.id, name=told.file_name, mime=mime, size=-1, why=str(error))
                return
            yield FileRecord(id=told.id, name=told.file_name, mime=mime, size=size)
            file.seek(0)
            while data := file.read(CHUNK_BYTES):
                yield Chunk(data=data)


def _check(source: BinaryIO) -> None:
    start = source.tell()
    try:
        for _ in records(bounded_lines(source)):
            pass
    except UnreadableExport as error:
        raise UnreadableExport(error.reason, error.line, made=0) from error
    source.seek(start)
