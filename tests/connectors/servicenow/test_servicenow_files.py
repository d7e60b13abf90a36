"""Attachments both ways: listed, noticed, fetched, added; and what is refused."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from kibcase.server.faults import Fault, Seen
from kibcase_connectors.actions import AddFile
from kibcase_connectors.errors import Denied, NotFound, OutcomeUnknown, Refused, Throttled, Unavailable
from kibcase_connectors.model import File, Receipt
from kibcase_connectors.servicenow.client import Exactly
from kibcase_connectors.standins.servicenow import RateRule, Restriction, ServiceNowStandin
from tests.connectors.servicenow.conftest import Clock
from tests.connectors.servicenow.test_servicenow_check import found

if TYPE_CHECKING:
    from tests.connectors.servicenow.conftest import Bench, MakeBench

MEGABYTE = 1024 * 1024
LARGE = bytes(range(256)) * 12_000
NAMES = [
    "mail.eml", "no ending", "Bericht für Zoë \N{EN DASH} 第7号 🦊.pdf", 'a "quoted" & 50% #1 + b=c;d?.txt', "ü" * 100,
    "x" * 96 + ".log",
]


def add(
    bench: Bench, key: str, name: str = "mail.eml", content: bytes = b"From: x", kind: str = "message/rfc822"
) -> Receipt:
    action = AddFile(key=key, name=name, size=len(content), media_type=kind, content=io.BytesIO(content))
    return bench.connector.apply(action, bench.announced)


def fetched(bench: Bench, key: str, file: File) -> bytes:
    into = io.BytesIO()
    bench.connector.fetch(key, file, into)
    return into.getvalue()


def uploads(bench: Bench) -> list[Seen]:
    return [seen for seen in bench.servicenow.faults.writes if seen.path.startswith("/api/now/attachment")]


def test_files_are_listed_oldest_first(make: MakeBench) -> None:
    clock = Clock()
    bench = make(clock=clock)
    key = bench.person_makes()
    bench.tomasz.attach(key, "b.txt", b"12", "text/plain")
    clock.forward(seconds=1)
    bench.maria.attach(key, "a.bin", b"")
    first, second = bench.connector.read(key).files
    assert (first.name, first.size, first.media_type, first.author) == ("b.txt", 2, "text/plain", "Tomasz Nowak")
    assert (second.name, second.size, second.media_type) == ("a.bin", 0, "application/octet-stream")
    assert first.created is not None
    assert second.created is not None
    assert first.created < second.created


def test_what_is_not_wanted_is_not_asked_for(bench: Bench) -> None:
    key = bench.person_makes()
    bench.tomasz.attach(key, "b.txt", b"12")
    bench.connector = bench.connect(parts={"title", "comments"})
    assert not bench.connector.capabilities.files
    bench.connector.changes(bench.connector.changes(None).cursor)
    assert bench.connector.read(key).files == ()
    assert not [path for _, path in bench.requests if "attachment" in path]


@pytest.mark.parametrize("touches", [True, False])
def test_a_file_is_noticed_whether_it_touches_its_record_or_not(make: MakeBench, touches: bool) -> None:
    clock = Clock()
    bench = make(clock=clock, attachments_touch_record=touches)
    bench.connector = bench.connect(clock=clock)
    key, _other = bench.person_makes(), bench.person_makes("other")
    before, cursor = bench.connector.read(key).version, bench.connector.changes(None).cursor
    for _ in range(3):
        clock.forward(minutes=2)
        cursor = bench.connector.changes(cursor).cursor
    bench.tomasz.attach(key, "b.txt", b"12")
    found = {item.key: item.version for item in bench.connector.changes(cursor).items}
    after = bench.connector.read(key)
    assert found[key] == after.version != before
    assert [file.name for file in after.files] == ["b.txt"]


def test_files_of_other_tables_and_records_are_left_out(bench: Bench) -> None:
    key, other = bench.person_makes(), bench.person_makes("other")
    bench.tomasz.attach(other, "theirs.txt", b"1")
    assert bench.connector.read(key).files == ()


def test_a_list_that_takes_no_notice_of_the_record_is_not_believed(bench: Bench) -> None:
    key, other = bench.person_makes(), bench.person_makes("other")
    bench.tomasz.attach(other, "theirs.txt", b"1")
    bench.connector.changes(None)
    row = {
        "sys_id": "1", "table_sys_id": other, "file_name": "x", "size_bytes": "1",
        "sys_created_on": "2026-01-01 00:00:00",
    }
    body, total = json.dumps({"result": [row]}).encode(), (("x-total-count", "1"),)
    bench.servicenow.faults.arm(Fault(path="/api/now/attachment", status=200, body=body, headers=total))
    with pytest.raises(Denied, match="takes no notice"):
        bench.connector.read(key)


@pytest.mark.parametrize("content", [b"", b"x", LARGE], ids=["empty", "small", "large"])
def test_content_comes_as_it_is(bench: Bench, content: bytes) -> None:
    key = bench.person_makes()
    bench.tomasz.attach(key, "a.bin", content)
    (file,) = bench.connector.read(key).files
    assert fetched(bench, key, file) == content


def test_a_file_that_is_gone(bench: Bench) -> None:
    key = bench.person_makes()
    bench.tomasz.detach(bench.tomasz.attach(key, "a.bin", b"1"))
    bench.tomasz.attach(key, "b.bin", b"1")
    (file,) = bench.connector.read(key).files
    bench.tomasz.detach(file.key)
    with pytest.raises(NotFound):
        fetched(bench, key, file)


def test_a_file_is_not_gone_because_roles_are_lost(bench: Bench) -> None:
    key = bench.person_makes()
    bench.tomasz.attach(key, "a.bin", b"1")
    (file,) = bench.connector.read(key).files
    bench.servicenow.state.take_roles("kibcase", "itil", "sn_si.analyst")
    with pytest.raises(Denied, match="sees none"):
        fetched(bench, key, file)


def test_hidden_attachments_are_no_missing_ones(bench: Bench) -> None:
    key = bench.person_makes()
    bench.tomasz.attach(key, "a.bin", b"1")
    bench.connector.changes(None)
    bench.servicenow.state.restrict(Restriction(table="sys_attachment", operations=frozenset({"read"})))
    with pytest.raises(Denied, match="1 of them are hidden"):
        bench.connector.read(key)


@pytest.mark.parametrize("fault", [
    Fault(drop=True), Fault(status=200, body=b"abc"), Fault(status=200, body=b"x" * 100_000), Fault(status=500),
    Fault(status=200, body=b"<html>Instance Hibernating page</html>"), Fault(status=429, body=b"{}"),
])
def test_anything_but_the_exact_content_is_an_error(bench: Bench, fault: Fault) -> None:
    key = bench.person_makes()
    bench.tomasz.attach(key, "a.bin", b"12345678")
    (file,) = bench.connector.read(key).files
    bench.servicenow.faults.arm(fault)
    with pytest.raises(Unavailable):
        fetched(bench, key, file)


def test_a_session_lost_before_a_download_is_no_lost_right(bench: Bench) -> None:
    key = bench.person_makes()
    bench.tomasz.attach(key, "a.bin", b"12")
    (file,) = bench.connector.read(key).files
    bench.servicenow.faults.arm(Fault(path=".*/file", status=401, body=b"{}"))
    assert fetched(bench, key, file) == b"12"
    bench.servicenow.lose_sessions()
    with pytest.raises(Denied):
        fetched(bench, key, file)


def test_what_a_check_says_of_attachments(make: MakeBench) -> None:
    bench = make(attachment_limit=2 * MEGABYTE, attachment_extensions=["txt", "eml"])
    assert "refusals tell" in found(bench.connector, "note")["attachments"]
    bench.servicenow.state.give_roles("kibcase", "admin")
    assert found(bench.connect(), "ok")["attachments"] == "up to 2,097,152 bytes, eml, txt"
    assert "attachments" not in found(bench.connect(parts={"title"}), "ok")
    bench.servicenow.faults.arm(Fault(path="/api/now/attachment", status=403, body=b'{"error": {"message": "ACL"}}'))
    assert "ACL" in found(bench.connect(), "problem")["attachments"]


def test_credentials_do_not_follow_a_redirection(bench: Bench) -> None:
    key = bench.person_makes()
    bench.tomasz.attach(key, "a.bin", b"1")
    (file,) = bench.connector.read(key).files
    with ServiceNowStandin() as elsewhere:
        to = (("location", f"{elsewhere.url}/api/now/attachment/{file.key}/file"),)
        bench.servicenow.faults.arm(Fault(path=".*/file", status=302, headers=to))
        with pytest.raises(Unavailable):
            fetched(bench, key, file)
        assert elsewhere.faults.requests == []


@pytest.mark.parametrize("name", NAMES)
def test_a_file_keeps_its_name_and_content(bench: Bench, name: str) -> None:
    key = bench.person_makes()
    receipt = add(bench, key, name, b"\x00\xff mail")
    (file,) = bench.connector.read(key).files
    assert receipt.file == file
    assert (file.name, file.size, file.media_type, file.author) == (name, 7, "message/rfc822", "Kibcase Sync")
    assert fetched(bench, key, file) == b"\x00\xff mail"
    assert bench.announced.values == [{}]


@pytest.mark.parametrize("content", [b"", LARGE], ids=["empty", "large"])
def test_files_of_any_size(bench: Bench, content: bytes) -> None:
    key = bench.person_makes()
    receipt = add(bench, key, "a.bin", content)
    assert receipt.file is not None
    assert receipt.file.size == len(content)
    assert fetched(bench, key, receipt.file) == content


@pytest.mark.parametrize("kind", [
    "nonsense", "text/plain\r\nX-Evil: 1", "multipart/form-data; boundary=x", "multipart/mixed",
])
def test_media_types_that_cannot_stand_in_a_header_are_replaced(bench: Bench, kind: str) -> None:
    receipt = add(bench, bench.person_makes(), kind=kind)
    assert receipt.file is not None
    assert receipt.file.media_type == "application/octet-stream"


@pytest.mark.parametrize(("name", "why"), [
    ("x" * 101, "101 characters and ServiceNow keeps 100"), ("a\nb", "control characters"), (" a", "blanks"),
    ("", "blanks"),
])
def test_names_that_would_not_be_kept_are_refused(bench: Bench, name: str, why: str) -> None:
    key = bench.person_makes()
    with pytest.raises(Refused, match=why) as caught:
        add(bench, key, name)
    assert caught.value.field == "files"
    assert (uploads(bench), bench.announced.values) == ([], [])


def test_what_is_too_large_is_refused_with_the_limit(make: MakeBench) -> None:
    bench = make(attachment_limit=2 * MEGABYTE)
    key = bench.person_makes()
    with pytest.raises(Refused, match="2097152 bytes"):
        add(bench, key, content=b"x" * (2 * MEGABYTE + 1))
    bench.servicenow.state.give_roles("kibcase", "admin")
    bench.connector = bench.connect()
    sent = len(uploads(bench))
    with pytest.raises(Refused, match=r"takes 2,097,152 \(com.glide.attachment.max_size\)"):
        add(bench, key, content=b"x" * (2 * MEGABYTE + 1))
    assert len(uploads(bench)) == sent
    assert bench.connector.read(key).files == ()


def test_a_proxy_that_takes_nothing_so_large(bench: Bench) -> None:
    key = bench.person_makes()
    bench.servicenow.faults.arm(Fault(method="POST", status=413, body=b"<html>"))
    with pytest.raises(Refused, match="raise the limit"):
        add(bench, key)


def test_extensions_that_the_instance_does_not_take(make: MakeBench) -> None:
    bench = make(attachment_extensions=["txt"])
    key = bench.person_makes()
    with pytest.raises(Refused, match="eml is not allowed"):
        add(bench, key)
    bench.servicenow.state.give_roles("kibcase", "admin")
    bench.connector = bench.connect()
    with pytest.raises(Refused, match="takes only txt"):
        add(bench, key)
    assert add(bench, key, "a.TXT").file is not None


def test_a_record_that_may_not_be_changed(bench: Bench) -> None:
    key = bench.person_makes()
    bench.connector.changes(None)
    bench.servicenow.state.restrict(Restriction(table=bench.table, operations=frozenset({"write"})))
    with pytest.raises(Refused):
        add(bench, key)
    with pytest.raises(NotFound):
        add(bench, "0" * 32)


def test_a_copy_under_another_name_is_taken_away_again(bench: Bench) -> None:
    key = bench.person_makes()

    def altered(seen: Seen, body: bytes) -> bytes:
        stored = bench.servicenow.state.rows("sys_attachment")[-1]
        return json.dumps({"result": {**stored.values, "file_name": "mail_eml"}}).encode()

    renamed = Fault(method="POST", path=".*/attachment/file", when="after", status=201, text=altered)
    bench.servicenow.faults.arm(renamed)
    with pytest.raises(Refused, match="taken away again"):
        add(bench, key)
    assert bench.connector.read(key).files == ()
    bench.servicenow.faults.arm(renamed)
    bench.servicenow.faults.arm(Fault(method="DELETE", status=403, body=b'{"error": {"message": "no"}}'))
    with pytest.raises(Refused, match="please delete it"):
        add(bench, key)


@pytest.mark.parametrize(("when", "there"), [("before", 0), ("after", 1)])
def test_a_lost_answer_is_an_unknown_outcome_and_nothing_is_sent_again(bench: Bench, when: str, there: int) -> None:
    key = bench.person_makes()
    bench.servicenow.faults.arm(Fault(method="POST", when=when, drop=True))  # type: ignore[arg-type]
    with pytest.raises(OutcomeUnknown):
        add(bench, key)
    assert len(uploads(bench)) == 1
    assert len(bench.connector.read(key).files) == there


def test_a_spent_budget_holds_for_attachments_too(bench: Bench) -> None:
    key = bench.person_makes()
    bench.connector.read(key)
    bench.servicenow.limit_requests(RateRule(limit=0, api="Attachment API"))
    with pytest.raises(Throttled, match="rule "):
        add(bench, key)


def test_content_that_ends_early_is_not_stored(bench: Bench) -> None:
    key = bench.person_makes()
    action = AddFile(key=key, name="a.bin", size=100, media_type="text/plain", content=io.BytesIO(b"short"))
    with pytest.raises(OutcomeUnknown):
        bench.connector.apply(action, bench.announced)
    assert bench.connector.read(key).files == ()


def test_a_body_is_exactly_as_long_as_it_says() -> None:
    body = Exactly(io.BytesIO(b"123456789"), 4)
    assert (len(body), body.read(3), body.read(3), body.read(3)) == (4, b"123", b"4", b"")
    short = Exactly(io.BytesIO(b"12"), 3)
    assert short.read() == b"12"
    with pytest.raises(OSError, match="1 bytes before"):
        short.read()
