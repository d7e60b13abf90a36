"""Attachments as files: what is known of them, which names are kept, and the form that uploads one."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, BinaryIO, Final

from kibcase_connectors.model import File
from kibcase_connectors.resilient.wire import moment, principal_id

NAME_LIMIT: Final = 255
"""The most characters of a name; the platform's own limit is not documented."""

CHUNK: Final = 64 * 1024
"""In pieces of how many bytes files are read and sent."""

# Browsers write a quote and ends of lines so in forms, and servers turn them back.
_ESCAPED = re.compile(r"%(22|0D|0A)", re.IGNORECASE)
_PLAIN_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One file of an incident; ``creator`` is the id of a principal, ``created`` epoch milliseconds."""

    id: int
    name: str
    size: int
    media_type: str
    creator: str
    created: int | None


def attachment(raw: Mapping[str, Any]) -> Attachment:
    """Read what is known of a file (``incidents/{id}/attachments``)."""
    created = raw.get("created")
    return Attachment(
        id=int(raw["id"]), name=str(raw["name"]), size=int(raw["size"]),
        media_type=str(raw.get("content_type") or "") or _PLAIN_TYPE,
        creator=principal_id(None, raw.get("creator_id")), created=None if created is None else int(created),
    )


def oldest_first(raw: Iterable[Mapping[str, Any]]) -> tuple[Attachment, ...]:
    """Read a list of files."""
    return tuple(sorted(map(attachment, raw), key=lambda one: (one.created or 0, one.id)))


def file_of(held: Attachment, author: str, offset: timedelta) -> File:
    """Give a file in the common form, its time on the daemon's clock, ``offset`` ahead of the platform's."""
    return File(
        key=str(held.id), name=held.name, size=held.size, media_type=held.media_type, author=author,
        created=None if held.created is None else moment(held.created) + offset,
    )


def name_problem(name: str) -> str | None:
    """Say why a name would not be kept as it is, None if it would.

    In the header of a form quotes and backslashes are written in two ways, and a path is cut to its last part.
    """
    if not name or name != name.strip() or name in (".", ".."):
        return "its name is empty, or begins or ends with white space"
    if len(name) > NAME_LIMIT:
        return f"its name is longer than {NAME_LIMIT} characters"
    if _ESCAPED.search(name):
        return "its name holds an escape such as %22, which is taken for what it stands for"
    odd = next((c for c in name if c in '"\\/' or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")), None)
    return None if odd is None else f"its name holds {odd!a}, which is not kept in the name of a file"


class Form:
    """A multipart form with one file in the part ``file``, read from ``content`` as it is sent.

    Its length is known beforehand, so that nothing is sent in chunks. It may be sent again from the beginning.
    Raises ``ValueError`` if ``content`` does not hold ``size`` bytes.
    """

    def __init__(self, name: str, size: int, media_type: str, content: BinaryIO) -> None:
        boundary = uuid.uuid4().hex
        kind = media_type if _is_plain(media_type) else _PLAIN_TYPE
        self.content_type: Final = f"multipart/form-data; boundary={boundary}"
        self._head: Final = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            f"Content-Type: {kind}\r\n\r\n"
        ).encode()
        self._tail: Final = f"\r\n--{boundary}--\r\n".encode()
        self._size: Final = size
        self._content: Final = content
        held = content.seek(0, 2)
        content.seek(0)
        if held != size:
            raise ValueError(f"the content has {held} bytes, not {size}")

    def __len__(self) -> int:
        return len(self._head) + self._size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        self._content.seek(0)
        yield self._head
        while piece := self._content.read(CHUNK):
            yield piece
        yield self._tail


def _is_plain(media_type: str) -> bool:
    return media_type.isascii() and media_type.isprintable() and "/" in media_type and len(media_type) <= 200
