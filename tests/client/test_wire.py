"""What only a real socket shows: refused, slow, cut and lost connections; threads; TLS."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kibcase import (
    NEVER,
    CertificateRefused,
    ConnectionFailed,
    InvalidAnswer,
    Policy,
    Request,
    RequestTimeout,
    Transport,
)
from kibcase.server.faults import Fault, Faults, Seen
from kibcase.server.threaded import ServerThread

GET = Request(method="GET", path="/api/x")
POST = Request(method="POST", path="/api/x", json={})


async def echo(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"application/json"), (b"set-cookie", b"sid=1; Path=/")]
    cookies = [value.decode() for name, value in scope["headers"] if name == b"cookie"]
    while (await receive()).get("more_body"):
        pass
    body = json.dumps({"path": scope["raw_path"].decode(), "cookies": cookies}).encode()
    if scope["path"] == "/gzip":
        headers.append((b"content-encoding", b"gzip"))
        body = gzip.compress(b"[" + b" " * 1_000_000 + b"]")
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def faults() -> Faults:
    return Faults(echo)


@pytest.fixture
def url(faults: Faults) -> Iterator[str]:
    with ServerThread(faults) as server:
        yield server.url


def way(url: str, **settings: Any) -> Transport:
    return Transport(url, auth=None, proxies={}, **{"retry": NEVER, "timeout": (2.0, 5.0), **settings})


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def saying(answer: bytes, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that says the same bytes to everyone and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            try:
                with peer if context is None else context.wrap_socket(peer, server_side=True) as stream:
                    stream.recv(65536)
                    stream.sendall(answer)
            except OSError:
                continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def test_refused_means_not_sent_and_even_a_write_is_repeated() -> None:
    slept: list[float] = []
    transport = way(
        f"http://127.0.0.1:{unused_port()}", retry=Policy(attempts=3, jitter=0), sleep=slept.append
    )
    with pytest.raises(ConnectionFailed, match=r"127\.0\.0\.1:\d+: Connection refused") as caught:
        transport.send(POST)
    assert caught.value.sent is False
    assert slept == [0.5, 1.0]
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_an_unknown_host_means_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)  # asking a real resolver would leave this machine
    with pytest.raises(ConnectionFailed, match="Name or service not known") as caught:
        way("http://no-such-host.invalid").send(POST)
    assert caught.value.sent is False


def test_a_write_whose_connection_breaks_is_in_doubt_and_not_repeated(url: str, faults: Faults) -> None:
    faults.arm(Fault(method="POST", when="after", drop=True))
    with pytest.raises(ConnectionFailed) as caught:
        way(url, retry=Policy(base=0)).send(POST)
    assert caught.value.sent is True
    assert len(faults.requests) == 1


def test_a_read_whose_connection_breaks_is_repeated(url: str, faults: Faults) -> None:
    faults.arm(Fault(method="GET", drop=True, times=2))
    assert way(url, retry=Policy(base=0)).send(GET).status == 200
    assert len(faults.requests) == 3


def test_no_answer_in_time_is_in_doubt(url: str, faults: Faults) -> None:
    over = threading.Event()

    def hang(_: Seen) -> None:
        over.wait(10)

    faults.arm(Fault(method="POST", call=hang))
    with pytest.raises(RequestTimeout, match="no answer in time") as caught:
        way(url, timeout=(2.0, 0.2)).send(POST)
    over.set()
    assert caught.value.sent is True


def test_no_connection_in_time_means_not_sent() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = []
        for _ in range(4):  # more than the backlog holds, so that the next connection is not answered
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(address)
            fillers.append(filler)
        with pytest.raises(RequestTimeout, match="no connection in time") as caught:
            way(f"http://127.0.0.1:{address[1]}", timeout=(0.2, 5.0)).send(POST)
        for filler in fillers:
            filler.close()
    assert caught.value.sent is False


def test_an_answer_that_is_cut_short_is_no_answer() -> None:
    answer = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a": 1'
    with saying(answer) as url, pytest.raises(ConnectionFailed) as caught:
        way(url).send(POST)
    assert caught.value.sent is True


def test_something_that_is_not_http_is_no_answer() -> None:
    with saying(b"220 smtp.test ESMTP\r\n") as url, pytest.raises(ConnectionFailed) as caught:
        way(url).send(GET)
    assert caught.value.sent is True


def test_a_body_that_does_not_unpack_is_no_answer() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"
    with saying(answer) as url, pytest.raises(InvalidAnswer, match="cannot be decompressed"):
        way(url).send(GET)


def test_the_bound_counts_unpacked_bytes(url: str) -> None:
    request = Request(method="GET", path="/gzip")
    assert way(url).send(request).json() == []
    with pytest.raises(InvalidAnswer, match="exceeds 1000 bytes"):
        way(url, max_answer_bytes=1000).send(request)


def test_cookies_are_not_kept(url: str) -> None:
    transport = way(url)
    transport.send(GET)
    assert transport.send(GET).json()["cookies"] == []


def test_escaped_segments_arrive_escaped(url: str) -> None:
    path = "/api/cases/a%2F..%2Fb"
    assert way(url).send(Request(method="GET", path=path)).json()["path"] == path


def test_many_threads_share_a_transport_and_closing_does_no_harm(url: str) -> None:
    transport = way(url)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: transport.send(GET).status, range(80)))
    transport.close()
    assert statuses == [200] * 80
    assert transport.send(GET).status == 200
    transport.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    pem = folder / "both.pem"
    command = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    pem.write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
    return pem


@pytest.fixture
def secure(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    with saying(answer, context) as url:
        yield url


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(
    secure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    slept: list[float] = []
    with pytest.raises(CertificateRefused, match="verify=PATH") as caught:
        way(secure, retry=Policy(), sleep=slept.append).send(POST)
    assert caught.value.sent is False
    assert slept == []


def test_a_certificate_that_is_vouched_for_is_accepted(secure: str, certificate: Path) -> None:
    assert way(secure, verify=certificate).send(GET).json() == {}


def test_unverified_tls_works_without_a_warning_for_every_request(secure: str) -> None:
    transport = way(secure, verify=False)
    assert [transport.send(GET).status for _ in range(3)] == [200, 200, 200]


