"""Mutual TLS: the certificate of the client says who it is."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from kibcase_connectors.errors import Denied, Unavailable
from kibcase_connectors.servicenow import ServiceNowConfig, ServiceNowConnector
from tests.connectors.servicenow.conftest import PASSWORD
from tests.connectors.servicenow.test_servicenow_check import found

if TYPE_CHECKING:
    from tests.connectors.servicenow.conftest import Bench, MakeBench


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a certificate and its key."""
    made = (folder / f"{name}.pem", folder / f"{name}.key")
    command = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
        "-addext", "subjectAltName=IP:127.0.0.1", "-out", str(made[0]), "-keyout", str(made[1]),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("tls")
    for name in ("server", "kibcase", "stranger"):
        certificate(where, name)
    return where


@pytest.fixture
def bench(make: MakeBench) -> Bench:
    return make()


@pytest.fixture
def gate(bench: Bench, folder: Path) -> Iterator[str]:
    """What stands before an instance that maps certificates to users: TLS, and the user of the certificate."""
    behind = bench.servicenow.url

    class Gate(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            peer: Any = self.connection
            name = dict(pair[0] for pair in peer.getpeercert()["subject"])["commonName"]
            headers = {"Accept": "application/json"}
            answer = requests.get(behind + self.path, headers=headers, auth=(name, PASSWORD), timeout=10)
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("X-Total-Count", answer.headers.get("X-Total-Count", "0"))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_verify_locations(folder / "kibcase.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gate)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def connect(bench: Bench, url: str, folder: Path, name: str | None, **settings: Any) -> ServiceNowConnector:
    given = {"client_cert": folder / f"{name}.pem", "client_key": folder / f"{name}.key"} if name else {}
    usual = {"account": "kibcase", "verify": folder / "server.pem", "close_code": "Solution provided"}
    made = ServiceNowConnector("snow", ServiceNowConfig(url=url, **{**usual, **given, **settings}))
    bench.ends.callback(made.close)
    return made


def test_the_certificate_logs_in(bench: Bench, gate: str, folder: Path) -> None:
    key = bench.person_makes()
    connector = connect(bench, gate, folder, "kibcase")
    assert connector.read(key).label == "INC0010001"
    assert found(connector, "ok")["account"] == "Kibcase Sync (kibcase)"


def test_a_certificate_and_its_key_in_one_file(bench: Bench, gate: str, folder: Path) -> None:
    both = folder / "both.pem"
    both.write_text((folder / "kibcase.pem").read_text() + (folder / "kibcase.key").read_text())
    connector = connect(bench, gate, folder, None, client_cert=both)
    assert connector.changes(None).items == ()


@pytest.mark.parametrize("name", ["stranger", None])
def test_another_certificate_or_none_does_not(bench: Bench, gate: str, folder: Path, name: str | None) -> None:
    settings = {} if name else {"token": "x"}
    with pytest.raises((Unavailable, Denied)):
        connect(bench, gate, folder, name, **settings).changes(None)


def test_a_missing_file_is_told_at_once(bench: Bench, folder: Path) -> None:
    there, gone = folder / "kibcase.pem", folder / "none.pem"
    for settings in ({"client_cert": gone}, {"client_cert": there, "client_key": gone}):
        with pytest.raises(FileNotFoundError, match="client certificate"):
            connect(bench, "https://127.0.0.1:9", folder, None, **settings)
