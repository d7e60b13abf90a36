"""A user's session in the place of an API key, and client certificates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.errors import Denied, Throttled, Unavailable
from kibcase_connectors.resilient import ResilientConnector
from kibcase_connectors.standins.resilient import DEFAULT_USERS

if TYPE_CHECKING:
    from tests.connectors.resilient.conftest import Bench

MARIA = DEFAULT_USERS[0]
SIGN_IN = ("POST", "/rest/session")


def as_user(bench: Bench, password: str = MARIA.secret, **more: Any) -> ResilientConnector:
    return bench.connect(api_key_id=None, api_key_secret=None, email=MARIA.login, password=password, **more)


def signed_in(bench: Bench) -> int:
    return [(seen.method, seen.path) for seen in bench.soar.faults.requests].count(SIGN_IN)


def test_the_password_is_sent_once(bench: Bench) -> None:
    number = bench.maria.create("x")
    user = as_user(bench)
    for _ in range(3):
        assert user.read(str(number)).key == str(number)
    user.changes(None)
    assert signed_in(bench) == 1
    account = user.check()[0]
    assert account.text == f"user {MARIA.login} with principal 3, organisation Northwind SOC (201)"


def test_every_request_is_counted(bench: Bench) -> None:
    number = bench.maria.create("x")
    for connector in (bench.connect(), as_user(bench)):
        before = len(bench.soar.faults.requests)
        connector.changes(None)
        connector.read(str(number))
        assert connector.requests_sent == len(bench.soar.faults.requests) - before > 2


def test_it_writes(bench: Bench) -> None:
    bench.connector = as_user(bench)
    ticket = bench.ticket()
    assert bench.set(ticket, title="New").stored == {"title": "New"}
    assert bench.maria.incident(int(ticket.key)).creator == MARIA.id


def test_a_session_that_has_run_out_is_opened_anew_and_nothing_is_lost(bench: Bench) -> None:
    bench.connector = as_user(bench)
    ticket = bench.ticket()
    bench.soar.end_sessions()
    assert bench.set(ticket, title="New").stored == {"title": "New"}
    assert signed_in(bench) == 1
    assert bench.maria.incident(int(ticket.key)).vers == 2


def test_a_file_is_sent_from_its_beginning_in_the_new_session(bench: Bench) -> None:
    from tests.connectors.resilient.test_resilient_files import attach

    bench.connector = as_user(bench)
    ticket = bench.ticket()
    attach(bench, ticket.key, "warm.txt", b"up")
    bench.announced.then = bench.soar.end_sessions
    assert attach(bench, ticket.key, "a.txt", b"0123456789").file is not None
    assert bench.maria.incident(int(ticket.key)).attachments[1].content == b"0123456789"


def test_a_wrong_password_is_sent_once_and_never_again(bench: Bench) -> None:
    user = as_user(bench, password="wrong")
    for _ in range(10):
        with pytest.raises(Denied, match="nothing more is sent"):
            user.changes(None)
    user.close()
    with pytest.raises(Denied):
        user.find("kibcase-x")
    assert len(bench.soar.faults.requests) == 1


def test_a_session_that_is_refused_at_once_ends_it(bench: Bench) -> None:
    bench.soar.faults.arm(Fault(method="GET", status=401, times=None))
    user = as_user(bench)
    for _ in range(5):
        with pytest.raises(Denied):
            user.changes(None)
    assert len(bench.soar.faults.requests) == 2


def test_a_platform_that_is_busy_or_odd_is_asked_again_later(bench: Bench) -> None:
    user = as_user(bench)
    bench.soar.faults.arm(Fault(path="/rest/session", status=503, headers=(("retry-after", "7"),)))
    with pytest.raises(Throttled):
        user.changes(None)
    for body in (b"{}", b"[]", b'{"csrf_token": 1}', b"<html>"):
        bench.soar.faults.arm(Fault(path="/rest/session", status=200, body=body))
        with pytest.raises(Unavailable):
            user.changes(None)
    bench.soar.faults.arm(Fault(path="/rest/session", drop=True))
    with pytest.raises(Unavailable):
        user.changes(None)
    user.changes(None)


def test_neither_password_nor_session_gets_out(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    user = as_user(bench)
    user.changes(None)
    client = user._site.client
    cookie = client._login._headers["Cookie"].partition("=")[2]
    token = client._login._headers["X-sess-id"]
    bench.soar.faults.arm(Fault(path=".*query_paged", drop=True))
    with pytest.raises(Unavailable) as caught:
        user.changes(None)
    told = repr(caught.value) + repr(vars(client)) + caplog.text + repr(caught.value.__context__)
    for secret in (MARIA.secret, cookie, token):
        assert secret not in told


def test_a_client_certificate_is_shown_to_the_platform(bench: Bench, tmp_path: Path) -> None:
    certificate, key = tmp_path / "client.pem", tmp_path / "client.key"
    for file in (certificate, key):
        file.write_text("-", encoding="ascii")
    alone = bench.connect(client_certificate=certificate)
    both = bench.connect(client_certificate=certificate, client_key=key)
    assert alone._site.client._connected().cert == str(certificate)
    assert both._site.client._connected().cert == (str(certificate), str(key))
    assert bench.connector._site.client._connected().cert is None


def test_a_certificate_that_vanishes_is_an_error_of_connectors(bench: Bench, tmp_path: Path) -> None:
    certificate = tmp_path / "client.pem"
    certificate.write_text("-", encoding="ascii")
    lost = bench.connect(url="https://127.0.0.1:9", client_certificate=certificate)
    certificate.unlink()
    with pytest.raises(Unavailable):
        lost.changes(None)
