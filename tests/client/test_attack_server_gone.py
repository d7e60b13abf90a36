"""A server that goes away while something is under way."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kibcase import ConnectionFailed, Kibana, Observable, Policy
from kibcase.server.app import CasesServer
from kibcase.server.faults import Fault

OWNER = "securitySolution"


@contextmanager
def hanging_up(after: int) -> Iterator[str]:
    """A server that takes some bytes and closes the connection hard."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        peer, _ = listening.accept()
        with peer:
            taken = 0
            while taken < after and (chunk := peer.recv(65536)):
                taken += len(chunk)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.close()
        thread.join(10)


@pytest.mark.parametrize("seekable", [True, False])
def test_a_server_that_dies_in_the_middle_of_an_upload(seekable: bool) -> None:
    class Stream(io.BytesIO):
        def seekable(self) -> bool:
            return seekable

    told: list[int] = []
    content = Stream(b"x" * 50_000_000)
    with (
        hanging_up(300_000) as url, Kibana(url, username="u", password="p", proxies={}) as kibana,
        pytest.raises(ConnectionFailed) as caught,
    ):
        kibana.files.upload("c1", content, name="a.txt", progress=lambda done, _: told.append(done))
    assert caught.value.sent
    assert "may have reached the server" in str(caught.value)
    assert 0 < max(told) < 50_000_000


@pytest.mark.parametrize("version", ["8.19.0", "9.2.0"])
def test_observables_that_were_added_before_the_line_broke_are_told(version: str) -> None:
    with (
        CasesServer(stack_version=version) as server,
        Kibana(server.kibana_url, username="elastic", password="changeme", retry=Policy(attempts=1)) as kibana,
    ):
        case = kibana.cases.create(title="t", description="d", owner=OWNER)
        wanted = [Observable(type_key="observable-type-ipv4", value=f"10.0.0.{number}") for number in range(4)]
        kibana.observables.add_many(case, wanted[:1])
        seen = 0

        def third(_: object) -> None:
            nonlocal seen
            seen += 1
            if seen == 2:
                server.kibana.arm(Fault(method="POST", path=".*/observables.*", when="after", drop=True))

        server.kibana.arm(Fault(method="POST", path=".*/observables", call=third, times=2))
        if version == "9.2.0":
            assert [each.outcome for each in kibana.observables.add_many(case, wanted).results] == [
                "duplicate", "added", "added", "added",
            ]
            return
        report = kibana.observables.add_many(case, wanted)
        assert [each.outcome for each in report.results] == ["duplicate", "added", "added", "unknown"]
        assert isinstance(report.results[-1].error, ConnectionFailed)
        assert not report.complete
