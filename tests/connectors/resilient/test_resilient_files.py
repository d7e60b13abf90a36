"""Attachments: listed, fetched whole or not at all, attached once under their own name."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.faults import Fault
from kibcase_connectors.actions import AddFile
from kibcase_connectors.errors import ConnectorError, NotFound, OutcomeUnknown, Refused, Unavailable
from kibcase_connectors.model import File, Receipt
from kibcase_connectors.resilient import ResilientConfig
from kibcase_connectors.resilient.files import NAME_LIMIT, Form, name_problem
from kibcase_connectors.resilient.rest import ResilientRest
from kibcase_connectors.standins import multipart

if TYPE_CHECKING:
    from tests.connectors.resilient.conftest import Bench, MakeBench

URL = "https://soar.example.com"
CONTENTS = r".*/attachments/\d+/contents"


def attach(bench: Bench, key: str, name: str, content: bytes, media_type: str = "text/plain") -> Receipt:
    action = AddFile(key=key, name=name, size=len(content), media_type=media_type, content=io.BytesIO(content))
    return bench.connector.apply(action, bench.announced)


def fetched(bench: Bench, key: str, file: File) -> bytes:
    into = io.BytesIO()
    bench.connector.fetch(key, file, into)
    return into.getvalue()


def test_files_are_listed_oldest_first_with_their_authors(bench: Bench) -> None:
    number = bench.maria.create("x")
    bench.maria.attach(number, "b.txt", b"two", "text/plain")
    bench.clock.forward(seconds=1)
    bench.soar.as_person("tomasz.nowak@example.com").attach(number, "a.bin", b"")
    files = bench.connector.read(str(number)).files
    assert [(one.name, one.size, one.media_type, one.author) for one in files] == [
        ("b.txt", 3, "text/plain", "Maria Lindqvist"), ("a.bin", 0, "application/octet-stream", "Tomasz Nowak"),
    ]
    assert files[1].created == bench.clock.now
    assert [fetched(bench, str(number), one) for one in files] == [b"two", b""]


def test_a_new_file_makes_another_version_and_is_noticed(bench: Bench) -> None:
    number = bench.maria.create("x")
    cursor = bench.connector.changes(None).cursor
    bench.clock.forward(hours=1)
    before = bench.connector.read(str(number))
    bench.maria.attach(number, "a.txt", b"x")
    after = bench.connector.read(str(number))
    assert before.version != after.version
    assert after.version in {item.version for item in bench.connector.changes(cursor).items}


@pytest.mark.parametrize("name", [
    "report.pdf", "Übersicht, 日本語 🐟.txt", "semi;colon='x'.txt", "a%20b.txt", "x" * 255,
])
@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 1024, b"\r\n--boundary--\r\n"])
def test_a_file_is_attached_as_it_is(bench: Bench, name: str, content: bytes) -> None:
    ticket = bench.ticket()
    receipt = attach(bench, ticket.key, name, content)
    assert bench.changing == [("POST", f"incidents/{ticket.key}/attachments")]
    assert bench.announced.values == [{}]
    (file,) = bench.connector.read(ticket.key).files
    assert receipt.file == file
    assert (file.name, file.size, file.media_type) == (name, len(content), "text/plain")
    assert fetched(bench, ticket.key, file) == content


@pytest.mark.parametrize("name", [
    "", " a", "a\n", 'say "a".txt', "a\\b.txt", "../a.txt", "a/b", "\x00", "x" * 256, "\ud800", "..", "a\u2028b",
    "a%22b",
])
def test_names_that_would_be_altered_are_refused_before_anything_is_sent(bench: Bench, name: str) -> None:
    ticket = bench.ticket()
    with pytest.raises(Refused) as refused:
        attach(bench, ticket.key, name, b"x")
    assert refused.value.field == "files"
    str(refused.value).encode()
    assert bench.changing == []


def test_a_name_that_the_platform_has_altered_all_the_same_is_told(bench: Bench) -> None:
    ticket = bench.ticket()
    body = b'{"id": 7, "name": "a_b.txt", "size": 1, "created": 5, "creator_id": 5}'
    bench.soar.faults.arm(Fault(method="POST", path=".*/attachments", status=200, body=body))
    with pytest.raises(Refused, match=r"'a_b\.txt'"):
        attach(bench, ticket.key, "a b.txt", b"x")


def test_a_file_that_is_too_large_is_refused_with_the_limit(make: MakeBench) -> None:
    bench = make(attachment_mb=0.001)
    ticket = bench.ticket()
    with pytest.raises(Refused, match="takes 1048"):
        attach(bench, ticket.key, "a.txt", b"x" * 1049)
    assert bench.changing == []
    attach(bench, ticket.key, "a.txt", b"x" * 1048)


def test_where_the_limit_is_not_told_the_platforms_word_counts(make: MakeBench) -> None:
    bench = make(attachment_mb=0.001)
    ticket = bench.ticket()
    const = b'{"server_version": {"version": "51"}}'
    bench.soar.faults.arm(Fault(method="GET", path="/rest/const", status=200, body=const))
    with pytest.raises(Refused, match="Send less"):
        attach(bench, ticket.key, "a.txt", b"x" * 1049)


def test_where_files_may_not_be_attached_it_says_what_to_do(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.soar.state.deny(5, "attach_file")
    with pytest.raises(Refused, match="Give the account the permission"):
        attach(bench, ticket.key, "a.txt", b"x")


def test_a_file_that_is_not_there_or_shorter_than_told(bench: Bench) -> None:
    ticket = bench.ticket()
    for content in (None, io.BytesIO(b"ab")):
        with pytest.raises(Refused):
            bench.connector.apply(
                AddFile(key=ticket.key, name="a", size=3, media_type="text/plain", content=content), bench.announced
            )
    assert bench.changing == []


def test_a_lost_answer_is_unknown_and_the_file_is_there_once(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.soar.faults.arm(Fault(method="POST", path=".*/attachments", when="after", drop=True))
    with pytest.raises(OutcomeUnknown):
        attach(bench, ticket.key, "a.txt", b"x")
    assert len(bench.changing) == 1
    assert [file.name for file in bench.connector.read(ticket.key).files] == ["a.txt"]


def test_an_incident_that_is_gone(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.maria.attach(int(ticket.key), "a.txt", b"x")
    (file,) = bench.connector.read(ticket.key).files
    bench.maria.delete(int(ticket.key))
    with pytest.raises(NotFound):
        attach(bench, ticket.key, "a.txt", b"x")
    with pytest.raises(NotFound):
        fetched(bench, ticket.key, file)


@pytest.mark.parametrize("media_type", ["text/plain", "text/html"])
def test_a_page_about_a_failed_download_is_no_file(bench: Bench, media_type: str) -> None:
    number = bench.maria.create("x")
    bench.maria.attach(number, "a.html", b"<p>mine</p>", media_type)
    (file,) = bench.connector.read(str(number)).files
    bench.soar.break_downloads()
    with pytest.raises(Unavailable):
        fetched(bench, str(number), file)
    bench.soar.break_downloads(broken=False)
    assert fetched(bench, str(number), file) == b"<p>mine</p>"


def test_a_page_of_just_the_files_length_is_no_file_either(bench: Bench) -> None:
    number = bench.maria.create("x")
    page = b"<html><head><title>Download error</title></head></html>"
    bench.maria.attach(number, "a.bin", b"x" * len(page))
    (file,) = bench.connector.read(str(number)).files
    fault = Fault(path=CONTENTS, status=200, body=page, headers=(("content-type", "text/html"),))
    bench.soar.faults.arm(fault)
    with pytest.raises(Unavailable, match="a page came"):
        fetched(bench, str(number), file)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("body", [b"", b"ab", b"abcd", b"abc"])
def test_another_number_of_bytes_is_no_file(body: bytes, told: bool) -> None:
    config = ResilientConfig(url=URL, org=201, api_key_id="id", api_key_secret="secret")
    rest = ResilientRest("soar", config, lambda: datetime.now(UTC))
    into = io.BytesIO()
    with responses.RequestsMock() as mock:
        mock.get(f"{URL}/rest/session", json={"orgs": [{"id": 201, "name": "Org"}], "api_key_handle": 5})
        mock.get(
            f"{URL}/rest/orgs/201/incidents/7/attachments/9/contents", body=body, auto_calculate_content_length=told,
            content_type="application/octet-stream",
        )
        if body == b"abc":
            rest.download("7", "9", 3, into, page=False)
            assert into.getvalue() == b"abc"
            return
        with pytest.raises(Unavailable, match="where the file has 3"):
            rest.download("7", "9", 3, into, page=False)


def test_credentials_go_nowhere_else(bench: Bench) -> None:
    number = bench.maria.create("x")
    bench.maria.attach(number, "a.bin", b"abc")
    (file,) = bench.connector.read(str(number)).files
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_passthru(bench.soar.url)
        mock.get("https://files.example.com/a", body=b"abc")
        bench.soar.faults.arm(Fault(path=CONTENTS, status=302, headers=(("location", "https://files.example.com/a"),)))
        with pytest.raises(Unavailable):
            fetched(bench, str(number), file)
        assert len(mock.calls) == 0


@pytest.mark.parametrize("fault", [
    {"status": 500}, {"status": 503}, {"drop": True}, {"status": 403},
    {"status": 429, "headers": (("retry-after", "7"),)},
])
def test_a_download_that_fails_raises_a_connectors_error(bench: Bench, fault: dict[str, Any]) -> None:
    number = bench.maria.create("x")
    bench.maria.attach(number, "a.bin", b"abc")
    (file,) = bench.connector.read(str(number)).files
    bench.soar.faults.arm(Fault(path=CONTENTS, **fault))
    with pytest.raises(ConnectorError):
        fetched(bench, str(number), file)


def test_without_a_rule_that_carries_files_none_are_listed(bench: Bench) -> None:
    number = bench.maria.create("x")
    bench.maria.attach(number, "a.bin", b"abc")
    alone = bench.connect(parts=("title",))
    assert not alone.capabilities.files
    assert alone.read(str(number)).files == ()


@given(st.text(max_size=300), st.binary(max_size=300), st.text(max_size=30))
def test_a_form_holds_what_was_put_in(name: str, content: bytes, media_type: str) -> None:
    if name_problem(name) is not None:
        return
    assert len(name) <= NAME_LIMIT
    form = Form(name, len(content), media_type, io.BytesIO(content))
    for _ in range(2):
        body = b"".join(form)
        assert len(body) == len(form)
        (part,) = multipart.parse(form.content_type, body)
        assert (part.name, part.content) == ("file", content)
        assert part.filename == name
