"""Bodies that are too large for memory: where an upload comes from, where a download goes. No HTTP in here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from kibcase.errors import InvalidValue, LimitError

CHUNK = 64 * 1024
Progress = Callable[[int, int | None], None]
"""Called with the bytes moved so far and, where it is known, with how many there are."""


class StreamedBody(Protocol):
    """A request's body that is made while it is sent. ``size`` is in bytes, None if it is not known before."""

    @property
    def size(self) -> int | None:
        """How many bytes ``chunks`` yields, if known."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the body from its beginning; called once for each attempt to send it."""


class Sink(Protocol):
    """Where the body of an answer goes. What ``begin`` and ``write`` raise reaches the caller as it is."""

    @property
    def ready(self) -> bool:
        """Whether a body may begin: nothing was written yet, or what was written can be written again."""

    def begin(self, size: int | None) -> None:
        """Announce a body, of ``size`` bytes if known; what came before it counts no more."""

    def write(self, chunk: bytes) -> None:
        """Take the next part of the body."""


@dataclass(slots=True)
class LocalFailure(Exception):
    """Carries what failed on this side while a body was made, past code that would take it for the network."""

    error: Exception


def guarded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks; whatever making them raises is raised inside a ``LocalFailure``."""
    try:
        yield from chunks
    except Exception as error:
        raise LocalFailure(error) from error


def pour(chunks: Iterable[bytes], sink: Sink, size: int | None) -> str | None:
    """Move the body of an answer into the sink; return what is wrong if it was not of ``size`` bytes."""
    sink.begin(size)
    moved = 0
    for chunk in chunks:
        sink.write(chunk)
        moved += len(chunk)
    return None if size is None or moved == size else f"the body ended after {moved} of {size} bytes"


def read_all(chunks: Iterable[bytes], limit: int) -> bytes | None:
    """Return the whole of a body, None if it has more than ``limit`` bytes."""
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            return None
        parts.append(chunk)
    return b"".join(parts)


class Framed:
    """A file-like object between fixed bytes, as a part of a multipart body is.

    ``size`` counts the bytes of ``content`` from where it stands, None if unknown. With a known size exactly
    that many are read, and ``ValueError`` says so if there are fewer. ``progress`` counts ``content`` alone.
    """

    def __init__(
        self, head: bytes, content: BinaryIO, tail: bytes, *, size: int | None, progress: Progress | None = None
    ) -> None:
        self._head, self._content, self._tail = head, content, tail
        self._inner = size
        self._progress = progress
        self._start = _position(content)
        self._begun = False

    @property
    def size(self) -> int | None:
        """The bytes of the whole, None if those of the content are not known."""
        return None if self._inner is None else len(self._head) + self._inner + len(self._tail)

    def chunks(self) -> Iterator[bytes]:
        """Yield the whole; a second time only if the content can be read again, else raises ``OSError``."""
        if self._begun:
            if self._start is None:
                raise OSError("the stream to upload was read already and cannot be read again")
            self._content.seek(self._start)
        self._begun = True
        yield self._head
        yield from self._content_chunks()
        yield self._tail

    def _content_chunks(self) -> Iterator[bytes]:
        done = 0
        while self._inner is None or done < self._inner:
            wanted = CHUNK if self._inner is None else min(CHUNK, self._inner - done)
            chunk = self._content.read(wanted)
            if not chunk:
                break
            yield chunk
            done += len(chunk)
            if self._progress is not None:
                self._progress(done, self._inner)
        if self._inner is not None and done < self._inner:
            raise InvalidValue(f"the content ended after {done} of {self._inner} bytes: it changed meanwhile")


class Target:
    """A file-like object as the sink of a download of at most ``maximum`` bytes (None: any number).

    Raises ``LimitError`` when the body is larger, before its first byte if the server tells the size.
    """

    def __init__(self, stream: BinaryIO, *, maximum: int | None, progress: Progress | None = None) -> None:
        self._stream = stream
        self._maximum = maximum
        self._progress = progress
        self._start = _position(stream)
        self._size: int | None = None
        self.written = 0

    @property
    def ready(self) -> bool:
        """Whether nothing was written yet, or the stream can go back."""
        return not self.written or self._start is not None

    def begin(self, size: int | None) -> None:
        """Go back to where the stream stood at first, and check ``size`` against the maximum."""
        self._size = size
        self._check(size or 0)
        if self.written and self._start is not None:
            self._stream.seek(self._start)
        self.written = 0

    def write(self, chunk: bytes) -> None:
        """Write on, and tell the progress."""
        self._check(self.written + len(chunk))
        self._stream.write(chunk)
        self.written += len(chunk)
        if self._progress is not None:
            self._progress(self.written, self._size)

    def _check(self, size: int) -> None:
        if self._maximum is not None and size > self._maximum:
            advice = "Allow more with max_bytes."
            raise LimitError("bytes of the download (max_bytes)", self._maximum, size, advice=advice)


def _position(stream: BinaryIO) -> int | None:
    # What is open for appending says that it can go back, but writes at its end all the same.
    if "a" in str(getattr(stream, "mode", "")) or not stream.seekable():
        return None
    return stream.tell()
