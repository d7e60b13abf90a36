"""Attachments to and from Jira."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.faults import Fault
from kibcase_connectors.actions import AddFile
from kibcase_connectors.errors import Denied, NotFound, OutcomeUnknown, Refused, Unavailable
from kibcase_connectors.jira.form import Form, unfit
from kibcase_connectors.model import File

if TYPE_CHECKING:
    from tests.connectors.jira.conftest import Bench


def attach(bench: Bench, key: str, name: str, content: bytes, media_type: str = "text/plain") -> File:
    action = AddFile(key=key, name=name, size=len(content), media_type=media_type, content=io.BytesIO(content))
    found = bench.connector.apply(action, bench.announced).file
    assert found is not None
    return found


def fetched(bench: Bench, key: str, file: File) -> bytes:
    into = io.BytesIO()
    bench.connector.fetch(key, file, into)
    return into.getvalue()


@pytest.mark.parametrize("name", ["log.txt", "Übersicht 日本 😀.csv", "a;b=c'd%20&$#?*<>.txt", "n" * 250 + ".txt"])
@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 1024])
def test_a_file_goes_there_and_back(bench: Bench, name: str, content: bytes) -> None:
    key = bench.create().key
    file = attach(bench, key, name, content)
    (seen,) = bench.connector.read(key).files
    assert (seen.name, seen.size, seen.media_type, seen.author) == (name, len(content), "text/plain", "Kibcase Sync")
    assert seen == file
    assert fetched(bench, key, seen) == content


def test_an_empty_file_is_attached_once(bench: Bench) -> None:
    key = bench.create().key
    bench.jira.faults.forget()
    attach(bench, key, "empty", b"")
    assert len(bench.jira.faults.writes) == 1


def test_a_media_type_from_elsewhere_cannot_break_the_form(bench: Bench) -> None:
    key = bench.create().key
    assert attach(bench, key, "a", b"x", "text/plain\r\nX-Evil: 1").media_type == "application/octet-stream"


def test_credentials_stay_with_jira(cloud: Bench) -> None:
    key = cloud.create().key
    file = attach(cloud, key, "a", b"secret")
    assert fetched(cloud, key, file) == b"secret"
    assert [seen.authorized for seen in cloud.jira.media.requests] == [False]


def test_a_file_by_a_person_makes_another_version(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.maria.attach(ticket.key, "theirs.bin", b"abc")
    after = bench.connector.read(ticket.key)
    assert bench.connector.changes(None).items[0].version == after.version != ticket.version
    assert fetched(bench, ticket.key, after.files[0]) == b"abc"


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a/b", "a\nb", "a%22b", " a", "", "..", "é" * 128])
def test_names_that_jira_would_alter_are_refused(bench: Bench, name: str) -> None:
    key = bench.create().key
    bench.announced.values.clear()
    with pytest.raises(Refused, match="name"):
        attach(bench, key, name, b"x")
    assert unfit(name)
    assert bench.announced.values == []
    assert bench.connector.read(key).files == ()


def test_a_file_that_is_too_large_is_refused_with_the_limit(bench: Bench) -> None:
    key = bench.create().key
    bench.jira.limit_uploads(10)
    with pytest.raises(Refused, match="no more than 10"):
        attach(bench, key, "a", b"x" * 11)
    assert attach(bench, key, "a", b"x" * 10).size == 10


def test_attachments_that_are_off(bench: Bench) -> None:
    key = bench.create().key
    bench.jira.limit_uploads(None)
    with pytest.raises(Refused, match="switched off"):
        attach(bench, key, "a", b"x")
    assert any((one.level, one.subject) == ("problem", "attachments") for one in bench.connector.check())


def test_a_file_that_jira_stored_otherwise_is_taken_back(bench: Bench) -> None:
    key = bench.create().key
    number = bench.maria.attach(key, "altered", b"xy")
    row = {"id": number, "filename": "altered", "size": 2, "created": "2026-01-01T00:00:00.000+0000"}
    bench.maria.issue(key)
    bench.jira.state.grant("kibcase", "DELETE_ALL_ATTACHMENTS")
    bench.jira.faults.arm(Fault(method="POST", path=".*/attachments", status=200, body=json.dumps([row]).encode()))
    with pytest.raises(Refused, match="deleted again"):
        attach(bench, key, "a", b"xy")
    assert bench.connector.read(key).files == ()


def test_a_lost_answer_is_not_repeated(bench: Bench) -> None:
    key = bench.create().key
    bench.jira.faults.arm(Fault(method="POST", path=".*/attachments", when="after", drop=True))
    with pytest.raises(OutcomeUnknown):
        attach(bench, key, "a", b"x")
    assert [file.name for file in bench.connector.read(key).files] == ["a"]


def test_a_content_that_is_too_short_is_never_a_whole_file(bench: Bench) -> None:
    key = bench.create().key
    action = AddFile(key=key, name="a", size=9, media_type="", content=io.BytesIO(b"short"))
    with pytest.raises(OutcomeUnknown):
        bench.connector.apply(action, bench.announced)
    assert bench.connector.read(key).files == ()


def test_a_file_that_is_gone(bench: Bench) -> None:
    key = bench.create().key
    file = attach(bench, key, "a", b"x")
    bench.maria.delete_attachment(file.key)
    with pytest.raises(NotFound):
        fetched(bench, key, file)
    bench.maria.delete(key)
    with pytest.raises(NotFound):
        fetched(bench, key, file)
    with pytest.raises(NotFound):
        attach(bench, key, "b", b"x")


@pytest.mark.parametrize("body", [b"", b"sho", b"much too long"])
def test_another_number_of_bytes_is_an_error(datacenter: Bench, body: bytes) -> None:
    key = datacenter.create().key
    file = attach(datacenter, key, "a", b"12345")
    datacenter.jira.faults.arm(Fault(method="GET", path=".*/secure/attachment/.*", status=200, body=body))
    with pytest.raises(Unavailable, match="expected"):
        fetched(datacenter, key, file)


def test_a_log_in_page_is_no_file(datacenter: Bench) -> None:
    key = datacenter.create().key
    file = attach(datacenter, key, "a", b"12345")
    headers = (("Location", "https://login.example.com/"),)
    datacenter.jira.faults.arm(Fault(method="GET", path=".*/secure/.*", status=302, headers=headers))
    with pytest.raises(Unavailable, match="log-in page"):
        fetched(datacenter, key, file)
    headers = (("X-Seraph-LoginReason", "AUTHENTICATED_FAILED"),)
    datacenter.jira.faults.arm(Fault(method="GET", path=".*/secure/.*", status=200, body=b"12345", headers=headers))
    with pytest.raises(Denied):
        fetched(datacenter, key, file)


def test_files_that_are_not_wanted_are_not_asked_for(bench: Bench) -> None:
    key = bench.create().key
    bench.maria.attach(key, "a", b"x")
    narrow = bench.connect(parts=frozenset({"title", "comments"}))
    assert not narrow.capabilities.files
    assert narrow.read(key).files == ()


@given(content=st.binary(max_size=300), sizes=st.lists(st.integers(min_value=1, max_value=90), min_size=1))
def test_a_form_reads_the_same_in_pieces_of_any_size(content: bytes, sizes: list[int]) -> None:
    def form() -> Form:
        return Form("a b.txt", len(content), "text/plain", io.BytesIO(content), boundary="sep")

    pieces: list[bytes] = []
    whole, cut = form().read(), form()
    while piece := cut.read(sizes[len(pieces) % len(sizes)]):
        pieces.append(piece)
    assert b"".join(pieces) == b"".join(form()) == whole
    assert len(whole) == len(form())
    assert content in whole


def test_every_request_is_counted(bench: Bench) -> None:
    key = bench.create().key
    bench.maria.attach(key, "log", b"abc")
    connector = bench.connect()
    assert connector.requests_sent == 0
    bench.jira.faults.forget()
    before = len(bench.jira.media.requests)
    connector.changes(None)
    ticket = connector.read(key)
    connector.fetch(key, ticket.files[0], io.BytesIO())
    action = AddFile(key=key, name="b", size=1, media_type="text/plain", content=io.BytesIO(b"b"))
    connector.apply(action, bench.announced)
    with pytest.raises(NotFound):
        connector.read("99999")
    connector.close()
    connector.changes(None)
    elsewhere = len(bench.jira.media.requests) - before
    assert connector.requests_sent == len(bench.jira.faults.requests) + elsewhere > 10
    assert elsewhere == (bench.deployment == "cloud")
    bench.jira.stop()
    sent = connector.requests_sent
    with pytest.raises(Unavailable):
        connector.changes(None)
    assert connector.requests_sent == sent + 1
