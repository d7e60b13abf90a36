"""One file as a multipart form that is read in pieces (RFC 7578); no whole file is ever in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

PIECE: Final = 65_536
"""How many bytes are read or written at once."""

NAME_LIMIT: Final = 255

_ESCAPE = re.compile("%(22|0a|0d)", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}", re.ASCII)


def unfit(name: str) -> str | None:
    """Tell why Jira could not keep a file's name as it is; None if it can.

    Quotes and backslashes have no spelling in a form that every server reads alike, and what browsers send for
    them is decoded by some; slashes are cut off as folders.
    """
    if not name or name != name.strip() or name in (".", ".."):
        return "the name is empty, or has blanks around it"
    if any(char in name for char in '"\\/') or not name.isprintable() or _ESCAPE.search(name):
        return "the name has quotes, slashes, %22, %0A, %0D or characters that do not print"
    if len(name.encode("utf-8", "surrogatepass")) > NAME_LIMIT:
        return f"the name is longer than {NAME_LIMIT} bytes"
    return None


class Form:
    """The body of a request that carries one file in the field ``file``.

    ``content`` stands at its beginning and holds ``size`` bytes; reading raises ``ValueError`` if it has fewer.
    ``name`` must be fit (see ``unfit``), ``boundary`` not occur in the content.
    """

    def __init__(self, name: str, size: int, media_type: str, content: BinaryIO, *, boundary: str) -> None:
        kind = media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            f"Content-Type: {kind}\r\n\r\n"
        )
        self._head = head.encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._size = size
        self._content = content
        self._pieces = self._all()
        self._left = b""
        self.media_type = f"multipart/form-data; boundary={boundary}"
        """The value of the header Content-Type."""

    def __len__(self) -> int:
        return len(self._head) + self._size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def read(self, size: int = -1) -> bytes:
        """Give the next bytes, at most ``size``; all of them if that is negative."""
        while size < 0 or len(self._left) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._left += piece
        given, self._left = (self._left, b"") if size < 0 else (self._left[:size], self._left[size:])
        return given

    def _all(self) -> Iterator[bytes]:
        yield self._head
        left = self._size
        while left:
            piece = self._content.read(min(PIECE, left))
            if not piece:
                raise ValueError("the content is shorter than it should be")
            left -= len(piece)
            yield piece
        yield self._tail
