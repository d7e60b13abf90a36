"""Files of cases: listed with one request, fetched, attached, over real HTTP."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.actions import AddFile
from kibcase_connectors.errors import ConnectorError, NotFound, OutcomeUnknown, Refused, Unavailable
from kibcase_connectors.kibana import KibanaConnector
from kibcase_connectors.model import FILES, File
from kibcase_connectors.people import People, Person

if TYPE_CHECKING:
    from tests.connectors.kibana.conftest import Bench

LIST = "/api/files/files/securitySolutionFilesCases/list"


def attach(bench: Bench, connector: KibanaConnector, key: str, name: str, content: bytes = b"x") -> File:
    action = AddFile(key=key, name=name, size=len(content), media_type="", content=io.BytesIO(content))
    file = connector.apply(action, bench.announced).file
    assert file is not None
    return file


def fetched(connector: KibanaConnector, key: str, file: File) -> bytes:
    into = io.BytesIO()
    connector.fetch(key, file, into)
    return into.getvalue()


def test_files_of_people_are_listed_oldest_first_with_one_request(bench: Bench) -> None:
    key, other = bench.case(), bench.case("Other")
    for name, content in (("a.txt", b"first"), ("b.png", b"\x89PNG"), ("app.log", b"three")):
        bench.analyst.files.upload(key, content, name=name)
    bench.analyst.files.upload(other, b"no", name="other.txt")
    people = People([Person(name="Mara L.", accounts={"soc": "mara"})])
    connector = bench.whole(people)
    connector.read(other)
    before = bench.mark
    seen = connector.read(key)
    assert [(file.name, file.size, file.media_type) for file in seen.files] == [
        ("a.txt", 5, "text/plain"), ("b.png", 4, "image/png"), ("app.txt", 5, "text/plain"),
    ]
    assert {file.author for file in seen.files} == {"Mara L."}
    assert [one.path for one in bench.requests(before)].count(LIST) == 1
    assert fetched(connector, key, seen.files[1]) == b"\x89PNG"


def test_files_that_are_not_wanted_are_not_asked_for(bench: Bench) -> None:
    key = bench.case()
    bench.analyst.files.upload(key, b"x", name="a.txt")
    assert bench.connector.read(key).files == ()
    assert not bench.connector.capabilities.files
    assert not [seen for seen in bench.server.kibana.requests if seen.path == LIST]


def test_a_deleted_file_is_not_listed(bench: Bench) -> None:
    key, connector = bench.case(), bench.whole()
    keep, gone = attach(bench, connector, key, "keep.txt"), attach(bench, connector, key, "gone.txt")
    bench.analyst.files.delete(key, gone.key)
    assert [file.key for file in connector.read(key).files] == [keep.key]
    with pytest.raises(NotFound):
        fetched(connector, key, gone)


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 300_000])
def test_content_goes_and_comes_back_whole(bench: Bench, size: int) -> None:
    key, connector = bench.case(), bench.whole()
    content = bytes(index % 251 for index in range(size))
    written = attach(bench, connector, key, "beacon.pcap", content)
    assert bench.announced.values == [{}]
    [read] = connector.read(key).files
    assert (read.key, read.name, read.size) == (written.key, "beacon.pcap", size)
    assert fetched(connector, key, read) == content


@pytest.mark.parametrize(
    ("name", "size", "why"),
    [
        ("README", 1, "takes only"), ("a" * 161 + ".txt", 1, "160 characters"),
        ("big.txt", 100 * 1024 * 1024 + 1, "104857600 bytes"), ("big.png", 10 * 1024 * 1024 + 1, "10485760 bytes"),
    ],
)
def test_what_kibana_would_not_take_is_refused_before_it_is_sent(
    bench: Bench, name: str, size: int, why: str
) -> None:
    key, connector = bench.case(), bench.whole()
    before = bench.mark
    action = AddFile(key=key, name=name, size=size, media_type="text/plain", content=io.BytesIO())
    with pytest.raises(Refused, match=why):
        connector.apply(action, bench.announced)
    assert bench.announced.values == []
    assert bench.requests(before) == []


def test_limits_of_the_configuration(bench: Bench) -> None:
    key, connector = bench.case(), bench.whole(max_file_size=4, any_file=False)
    attach(bench, connector, key, "a.txt", b"four")
    with pytest.raises(Refused, match="4 bytes"):
        attach(bench, connector, key, "b.txt", b"five!")
    with pytest.raises(Refused, match="takes only"):
        attach(bench, connector, key, "mail.eml", b"x")


def test_a_full_case_takes_no_more_files(bench: Bench) -> None:
    key, connector = bench.case(), bench.whole()
    # The file that is being uploaded is counted twice, so that the hundredth is one too many.
    for number in range(99):
        bench.analyst.files.upload(key, b"x", name=f"{number}.txt")
    with pytest.raises(Refused, match="maximum allowed number"):
        attach(bench, connector, key, "one-more.txt")
    assert len(connector.read(key).files) == 99


def test_a_case_that_is_gone(bench: Bench) -> None:
    key, connector = bench.case(), bench.whole()
    file = attach(bench, connector, key, "a.txt")
    bench.analyst.cases.delete(key)
    with pytest.raises(NotFound):
        attach(bench, connector, key, "b.txt")
    with pytest.raises(NotFound):
        fetched(connector, key, file)


@pytest.mark.parametrize("size", [3, 5])
def test_another_size_than_listed_is_an_error(bench: Bench, size: int) -> None:
    key, connector = bench.case(), bench.whole()
    file = attach(bench, connector, key, "a.txt", b"four")
    with pytest.raises(Unavailable):
        fetched(connector, key, File(key=file.key, name=file.name, size=size))


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"drop": True, "when": "after"}, OutcomeUnknown), ({"status": 500}, OutcomeUnknown),
        ({"status": 413, "body": b'{"statusCode":413,"error":"x","message":"Maximum of 9 bytes"}'}, Refused),
        ({"status": 403, "body": b'{"statusCode":403,"error":"x","message":"Unauthorized"}'}, Refused),
    ],
)
def test_what_is_known_after_a_failed_upload(
    bench: Bench, fault: dict[str, Any], expected: type[ConnectorError]
) -> None:
    key, connector = bench.case(), bench.whole()
    bench.server.kibana.arm(Fault(method="POST", path=f"/api/cases/{key}/files", **fault))
    with pytest.raises(ConnectorError) as caught:
        attach(bench, connector, key, "a.txt")
    assert type(caught.value) is expected
    assert len(connector.read(key).files) == (fault.get("when") == "after")


def test_a_new_file_moves_the_version_and_is_listed(bench: Bench) -> None:
    key, connector = bench.case(), bench.whole()
    cursor, version = connector.changes(None).cursor, connector.read(key).version
    bench.analyst.files.upload(key, b"x", name="a.txt")
    [changed] = connector.changes(cursor).items
    assert changed.version not in {version, ""}
    assert changed.version == connector.read(key).version


def test_credentials_do_not_follow_a_redirect(bench: Bench, serve: Callable[..., Bench]) -> None:
    elsewhere, key, connector = serve(), bench.case(), bench.whole()
    file = attach(bench, connector, key, "a.txt", b"four")
    away = (("Location", f"{elsewhere.server.kibana_url}/api/status"),)
    bench.server.kibana.arm(Fault(path=".*/blob", status=302, headers=away))
    into, before = io.BytesIO(), elsewhere.mark
    with pytest.raises(ConnectorError):
        connector.fetch(key, file, into)
    assert into.getvalue() == b""
    assert elsewhere.requests(before) == []


def test_an_account_without_the_right_to_files_is_told(bench: Bench) -> None:
    refusal = b'{"statusCode":403,"error":"Forbidden","message":"API is unauthorized"}'
    bench.server.kibana.arm(Fault(path=LIST, status=403, body=refusal, times=None))
    key, connector = bench.case(), bench.whole()
    with pytest.raises(Refused, match="privilege"):
        connector.read(key)
    found = {finding.subject: finding for finding in connector.check()}
    assert found[FILES].level == "problem"
    assert "leave files out" in found[FILES].text


def test_every_request_is_counted(bench: Bench) -> None:
    key = bench.case()
    bench.analyst.files.upload(key, b"x", name="a.txt")
    connector = bench.whole(People([]))
    assert connector.requests_sent == 0
    before = bench.mark
    connector.check()
    connector.changes(None)
    fetched(connector, key, connector.read(key).files[0])
    attach(bench, connector, key, "b.txt")
    with pytest.raises(NotFound):
        connector.read("gone")
    assert connector.requests_sent == len(bench.requests(before)) > 10
