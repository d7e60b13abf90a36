"""What streams do on a real socket: broken halves, limits, wrong content."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase import (
    ConnectionFailed,
    InvalidAnswer,
    LimitError,
    PayloadTooLarge,
    Policy,
    Request,
    Transport,
)
from kibcase.client.files_names import check_size, guess_type, local_name, upload_name
from kibcase.streaming import Framed, Target

GET = Request(method="GET", path="/blob")
HEAD = "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n"


def answer(body: bytes, *, status: str = "200 OK", kind: str = "application/zip", length: int | None = None) -> bytes:
    return HEAD.format(status, kind, len(body) if length is None else length).encode() + body


@contextmanager
def saying(*answers: bytes, read_body: bool = True) -> Iterator[tuple[Transport, list[bytes]]]:
    """A server that says one answer after the other, and keeps what it was told."""
    waiting, heard = list(answers), list[bytes]()

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += self.rfile.readline()
            length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0)
            heard.append(head + (self.rfile.read(length) if read_body else b""))
            self.wfile.write(waiting.pop(0))

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        try:
            url = f"http://127.0.0.1:{listener.server_address[1]}"
            yield Transport(url, auth=None, proxies={}, retry=Policy(base=0.0), timeout=(2.0, 5.0)), heard
        finally:
            listener.shutdown()
            thread.join(5)


def test_a_download_that_breaks_is_begun_again_where_the_target_can_go_back() -> None:
    stream = io.BytesIO(b"before")
    stream.seek(0, os.SEEK_END)
    whole = bytes(200_000)
    with saying(answer(whole[:100_000], length=200_000), answer(whole)) as (transport, heard):
        sink = Target(stream, maximum=None)
        response = transport.receive(GET, sink)
    assert len(heard) == 2
    assert (stream.getvalue(), sink.written) == (b"before" + whole, 200_000)
    assert (response.status, response.content) == (200, b"")
    assert b"Accept-Encoding: identity" in heard[0]


def test_a_download_into_a_pipe_cannot_be_begun_again() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    broken = answer(bytes(100_000), length=200_000)
    with saying(broken) as (transport, heard):
        sink = Target(Pipe(), maximum=None)
        with pytest.raises(ConnectionFailed):
            transport.receive(GET, sink)
    assert len(heard) == 1
    assert not sink.ready
    assert 0 < sink.written < 200_000


def test_what_is_open_for_appending_cannot_go_back(tmp_path: Path) -> None:
    with (tmp_path / "log").open("ab") as stream:
        sink = Target(stream, maximum=None)
        assert sink.ready
        sink.write(b"x")
        assert not sink.ready


def test_an_error_is_an_error_and_not_a_file() -> None:
    refused = answer(b'{"message": "File not found"}', status="404 Not Found", kind="application/json")
    sink = Target(io.BytesIO(), maximum=None)
    with saying(refused) as (transport, _), pytest.raises(Exception, match="File not found"):
        transport.receive(GET, sink)
    assert sink.written == 0


def test_a_login_page_is_not_a_file_but_an_html_file_is() -> None:
    page = answer(b"<html>", kind="text/html; charset=utf-8")
    stream = io.BytesIO()
    with saying(page) as (transport, _), pytest.raises(InvalidAnswer, match="text/html"):
        transport.receive(GET, Target(stream, maximum=None))
    declared = page.replace(b"Connection", b"Content-Disposition: attachment; filename=a.html\r\nConnection")
    with saying(declared) as (transport, _):
        transport.receive(GET, Target(stream, maximum=None))
    assert stream.getvalue() == b"<html>"


def test_a_limit_holds_for_bodies_that_do_not_tell_their_size() -> None:
    body = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n"
    told: list[tuple[int, int | None]] = []
    with saying(body, body) as (transport, _):
        transport.receive(GET, Target(io.BytesIO(), maximum=5, progress=lambda *now: told.append(now)))
        with pytest.raises(LimitError, match="at most 4, given 5"):
            transport.receive(GET, Target(io.BytesIO(), maximum=4))
    assert told == [(5, None)]


def test_a_target_that_fails_says_so_itself() -> None:
    class Full(io.BytesIO):
        def write(self, _: object, /) -> int:
            raise OSError(28, "No space left on device")

    with saying(answer(b"x")) as (transport, heard), pytest.raises(OSError, match="No space left") as caught:
        transport.receive(GET, Target(Full(), maximum=None))
    assert len(heard) == 1
    assert not isinstance(caught.value, ConnectionFailed)


def test_an_upload_names_its_length_and_is_sent_as_it_is() -> None:
    told: list[tuple[int, int | None]] = []
    body = Framed(b"<", io.BytesIO(b"content"), b">", size=7, progress=lambda *now: told.append(now))
    with saying(answer(b"{}", kind="application/json")) as (transport, heard):
        transport.send(Request(method="POST", path="/x", body=body, content_type="text/x"))
    head, _, sent = heard[0].partition(b"\r\n\r\n")
    assert sent == b"<content>"
    assert b"Content-Length: 9" in head
    assert b"Content-Type: text/x" in head
    assert b"Transfer-Encoding" not in head
    assert told == [(7, 7)]


def test_a_refusal_in_the_middle_of_an_upload_is_heard() -> None:
    refused = answer(b'{"message": "too large"}', status="413 Payload Too Large", kind="application/json")
    body = Framed(b"", io.BytesIO(bytes(2_000_000)), b"", size=2_000_000)
    with saying(refused, read_body=True) as (transport, _), pytest.raises(PayloadTooLarge, match="too large"):
        transport.send(Request(method="POST", path="/x", body=body))


def test_a_framed_body_can_be_made_again_if_its_content_can() -> None:
    content = io.BytesIO(b"skipped, kept")
    content.seek(9)
    body = Framed(b"<", content, b">", size=4)
    assert [b"".join(body.chunks()) for _ in range(2)] == [b"<kept>"] * 2
    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        once = Framed(b"", pipe, b"", size=None)
        assert (once.size, b"".join(once.chunks())) == (None, b"")
        with pytest.raises(OSError, match="read already"):
            list(once.chunks())


def read_in_bits(data: bytes) -> BinaryIO:
    class Bits(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(3, size if size is not None and size >= 0 else 3))

    return Bits(data)


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=40), st.booleans())
def test_a_framed_body_is_head_content_tail(
    head: bytes, content: bytes, tail: bytes, known: bool
) -> None:
    body = Framed(head, read_in_bits(content), tail, size=len(content) if known else None)
    assert b"".join(body.chunks()) == head + content + tail
    assert body.size == (len(head + content + tail) if known else None)


@pytest.mark.parametrize(("name", "mime_type", "expected"), [
    ("a.TXT", None, ("a", "txt", "text/plain")),
    ("a.tar.gz", None, ("a.tar", "gz", "application/gzip")),
    ("C:\\x\\a.csv", None, ("a", "csv", "text/csv")),
    ("a.json", "application/json", ("a", "json", "application/json")),
    ("dump.pcap", "text/plain", ("dump.pcap", "txt", "text/plain")),
    ("README", "text/plain", ("README", "txt", "text/plain")),
    ("a.weird", None, ("a", "weird", "application/octet-stream")),
])
def test_how_a_file_is_announced(name: str, mime_type: str | None, expected: tuple[str, str, str]) -> None:
    announced = upload_name(name, mime_type)
    assert (announced.stem, announced.ending, announced.mime_type) == expected


def test_what_cannot_be_announced() -> None:
    for name in ("README", ".bashrc", "a.", "a.\u00e4", 'a."b'):
        with pytest.raises(ValueError, match="give a mime_type"):
            upload_name(name)
    with pytest.raises(ValueError, match="no file ending is known"):
        upload_name("a", "application/x-surely-unknown")


def test_sizes() -> None:
    check_size(10 * 1024 * 1024, "image/png", None)
    check_size(100 * 1024 * 1024, "application/zip", None)
    check_size(200 * 1024 * 1024, "image/png", 200 * 1024 * 1024)
    with pytest.raises(LimitError, match="bytes of a file is at most 104857600"):
        check_size(100 * 1024 * 1024 + 1, "text/plain", None)
    assert guess_type("jpg") == "image/jpeg"


@pytest.mark.parametrize(("name", "expected"), [
    ("report.pdf", "report.pdf"), ("../../etc/passwd", "passwd"), ("C:\\a\\b.txt", "b.txt"), ("..", "file"),
    ("", "file"), ("nul.txt", "file_nul.txt"), ("a\x00b\n.txt", "a_b_.txt"), (".hidden", "hidden"),
    ("\u202egpj.exe", "_gpj.exe"),
])
def test_names_that_others_chose_are_made_safe(name: str, expected: str) -> None:
    assert local_name(name, "file") == expected


@given(st.text())
def test_a_safe_name_is_a_name_and_nothing_else(name: str) -> None:
    safe = local_name(name, "file")
    assert safe not in {"", ".", ".."}
    assert not set(safe) & set('/\\\0\n<>:"|?*')
    assert len(safe.encode("utf-8", "surrogatepass")) <= 255


def test_a_long_name_keeps_its_ending() -> None:
    safe = local_name("\u00e4" * 300 + ".txt", "file")
    assert safe.endswith("\u00e4.txt")
    assert len(safe.encode()) <= 240


