"""Files, up and down, against the embedded server."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kibcase import (
    BadRequestError,
    Case,
    CaseFile,
    ConnectionFailed,
    ExternalReference,
    InvalidAnswer,
    Kibana,
    LimitError,
    NotFoundError,
    Policy,
    UnifiedAttachment,
)
from kibcase.client.files import multipart, newest_file
from kibcase.client.files_names import upload_name
from kibcase.server.app import CasesServer
from kibcase.server.faults import Fault

BIG = os.urandom(300_000)


@pytest.fixture(scope="module")
def server() -> Iterator[CasesServer]:
    with CasesServer(stack_version="9.2.0") as running:
        yield running


@pytest.fixture
def kibana(server: CasesServer) -> Iterator[Kibana]:
    server.kibana.disarm()
    with Kibana(
        server.kibana_url, username="elastic", password="changeme", retry=Policy(base=0.0), proxies={},
        timeout=(5.0, 10.0),
    ) as client:
        yield client


@pytest.fixture
def case(kibana: Kibana) -> Case:
    return kibana.cases.create(title="Odd logon", description="At night", owner="securitySolution")


def test_a_file_goes_up_and_comes_down_again(kibana: Kibana, case: Case, tmp_path: Path) -> None:
    source = tmp_path / "memory dump.zip"
    source.write_bytes(BIG)
    file = kibana.files.upload(case, source)
    assert (file.name, file.extension, file.mime_type) == ("memory dump", "zip", "application/zip")
    assert (file.file_name, file.owner) == ("memory dump.zip", "securitySolution")
    assert file.kind == "securitySolutionFilesCases"
    assert file.created_by is not None
    assert file.created_by.username == "elastic"
    assert kibana.files.list(case) == [file]
    attachment = kibana.comments.get(case, file.attachment_id)
    assert isinstance(attachment, ExternalReference)
    assert attachment.reference_id == file.id

    down = kibana.files.download(file, tmp_path / "back.zip")
    assert (down.path, down.size) == (tmp_path / "back.zip", len(BIG))
    assert (tmp_path / "back.zip").read_bytes() == BIG
    assert kibana.files.read(file) == BIG
    info = kibana.files.info(file)
    assert info.size == len(BIG)
    assert (info.hash or {})["sha256"] == hashlib.sha256(BIG).hexdigest()


def test_what_can_be_uploaded(kibana: Kibana, case: Case, tmp_path: Path) -> None:
    stream = io.BytesIO(b"skip me; keep me")
    stream.seek(9)
    named = tmp_path / "open.csv"
    named.write_text("a,b\n")
    with named.open("rb") as opened:
        files = [
            kibana.files.upload(case, b"bytes", name="bytes.txt"),
            kibana.files.upload(case.id, stream, name="stream.json"),
            kibana.files.upload(case, opened),
            kibana.files.upload(case, str(named), name='Befund: \u201eodd\u201c \U0001f600 "q"\r\n.txt'),
            kibana.files.upload(case, b"\x00", name="dump.pcap", mime_type="text/plain"),
            kibana.files.upload(case, b"", name="empty.log"),
        ]
    assert [kibana.files.read(file) for file in files] == [b"bytes", b"keep me", b"a,b\n", b"a,b\n", b"\x00", b""]
    assert files[3].name.split() == ["Befund:", "\u201eodd\u201c", "\U0001f600", '"q"']
    assert files[4].file_name == "dump.pcap.txt"
    assert [each.id for each in kibana.files.list(case)] == [each.id for each in files]


def test_a_stream_of_unknown_length_is_sent_in_chunks(kibana: Kibana, case: Case) -> None:
    reading, writing = os.pipe()
    told: list[tuple[int, int | None]] = []
    with os.fdopen(reading, "rb") as pipe:
        with os.fdopen(writing, "wb") as feed:
            feed.write(b"from a pipe")
        file = kibana.files.upload(case, pipe, name="pipe.txt", progress=lambda done, all_: told.append((done, all_)))
    assert kibana.files.read(file) == b"from a pipe"
    assert told == [(11, None)]


def test_progress_is_told_and_can_end_it(kibana: Kibana, case: Case) -> None:
    told: list[tuple[int, int | None]] = []
    file = kibana.files.upload(case, BIG, name="big.zip", progress=lambda done, all_: told.append((done, all_)))
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (len(BIG), len(BIG))
    assert len(told) > 3
    told.clear()
    kibana.files.download(file, io.BytesIO(), progress=lambda done, all_: told.append((done, all_)))
    assert told[-1] == (len(BIG), len(BIG))

    def enough(_done: int, _all: int | None) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        kibana.files.upload(case, BIG, name="big.zip", progress=enough)
    with pytest.raises(RuntimeError, match="enough"):
        kibana.files.download(file, io.BytesIO(), progress=enough)
    assert [each.id for each in kibana.files.list(case)] == [file.id]


def test_what_is_refused_before_anything_is_sent(
    server: CasesServer, kibana: Kibana, case: Case, tmp_path: Path
) -> None:
    server.kibana.forget()
    picture = tmp_path / "large.png"
    with picture.open("wb") as sparse:
        sparse.truncate(10 * 1024 * 1024 + 1)
    with pytest.raises(LimitError, match="bytes of an image is at most 10485760, given 10485761") as caught:
        kibana.files.upload(case, picture)
    assert "max_bytes" in str(caught.value)
    with pytest.raises(LimitError, match="bytes of a file is at most 3, given 4"):
        kibana.files.upload(case, b"1234", name="x.txt", max_bytes=3)
    with pytest.raises(LimitError, match="file name is at most 160"):
        kibana.files.upload(case, b"", name="x" * 161 + ".txt")
    with pytest.raises(ValueError, match="has none"):
        kibana.files.upload(case, b"", name="README")
    with pytest.raises(ValueError, match="give name="):
        kibana.files.upload(case, b"")
    with pytest.raises(ValueError, match="cannot be empty"):
        kibana.files.upload(case, b"", name=" .txt")
    with pytest.raises(FileNotFoundError):
        kibana.files.upload(case, tmp_path / "missing.txt")
    with pytest.raises(ValueError, match="owner"):
        kibana.files.read("some-id")
    assert server.kibana.requests == []


def test_what_kibana_refuses(kibana: Kibana, case: Case) -> None:
    with pytest.raises(BadRequestError, match="mime type"):
        kibana.files.upload(case, b"MZ", name="evil.exe")
    with pytest.raises(NotFoundError):
        kibana.files.upload("no-such-case", b"", name="x.txt")
    with pytest.raises(NotFoundError):
        kibana.files.read("no-such-file", owner="securitySolution")


def test_a_source_that_fails_says_so_itself(kibana: Kibana, case: Case) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        kibana.files.upload(case, Broken(b"12345"), name="x.txt")

    class Shrinking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(2) if self.tell() == 0 else b""

    with pytest.raises(ValueError, match="ended after 2 of 5 bytes"):
        kibana.files.upload(case, Shrinking(b"12345"), name="x.txt")
    assert kibana.files.list(case) == []


def test_an_upload_is_not_repeated_when_its_outcome_is_unknown(
    server: CasesServer, kibana: Kibana, case: Case
) -> None:
    server.kibana.arm(Fault(method="POST", path=".*/files", when="after", drop=True))
    with pytest.raises(ConnectionFailed) as caught:
        kibana.files.upload(case, b"once", name="once.txt")
    assert caught.value.sent is True
    assert [each.name for each in kibana.files.list(case)] == ["once"]


def test_a_download_is_repeated(server: CasesServer, kibana: Kibana, case: Case, tmp_path: Path) -> None:
    file = kibana.files.upload(case, BIG, name="big.zip")
    server.kibana.arm(Fault(method="GET", path=".*/blob", drop=True, times=2))
    server.kibana.arm(Fault(method="GET", path=".*/blob", status=503))
    kibana.files.download(file, tmp_path / "big.zip")
    assert (tmp_path / "big.zip").read_bytes() == BIG


def test_a_download_leaves_nothing_half_done(
    server: CasesServer, kibana: Kibana, case: Case, tmp_path: Path
) -> None:
    file = kibana.files.upload(case, BIG, name="big.zip")
    target = tmp_path / "big.zip"
    target.write_bytes(b"older")
    with pytest.raises(FileExistsError):
        kibana.files.download(file, target)
    with pytest.raises(LimitError, match=r"max_bytes.* at most 1000, given 300000"):
        kibana.files.download(file, target, max_bytes=1000, overwrite=True)
    with pytest.raises(NotFoundError):
        kibana.files.download("no-such-file", target, owner="securitySolution", overwrite=True)
    assert target.read_bytes() == b"older"
    assert [each.name for each in tmp_path.iterdir()] == ["big.zip"]
    kibana.files.download(file, target, overwrite=True, max_bytes=None)
    assert target.read_bytes() == BIG


def test_a_folder_takes_the_files_own_name_made_safe(kibana: Kibana, case: Case, tmp_path: Path) -> None:
    file = kibana.files.upload(case, b"x", name="plain.txt")
    assert kibana.files.download(file, tmp_path).path == tmp_path / "plain.txt"
    tricky = file.model_copy(update={"name": "../../etc/pass\nwd"})
    assert kibana.files.download(tricky, tmp_path).path == tmp_path / "pass_wd.txt"
    assert kibana.files.download(file.id, tmp_path, owner=file.owner).path == tmp_path / file.id


def test_files_are_deleted_with_their_attachments(kibana: Kibana, case: Case) -> None:
    files = [kibana.files.upload(case, b"x", name=f"{number}.txt") for number in range(12)]
    other = kibana.cases.create(title="Another", description="x", owner="securitySolution")
    foreign = kibana.files.upload(other, b"x", name="theirs.txt")
    report = kibana.files.delete_many(case, [*files[:11], foreign, "gone-already"])
    assert report.done == files[:10]
    assert [(each.item, str(each.fate)) for each in report.failed] == [
        (files[10], "refused"), (foreign, "refused"), ("gone-already", "refused"),
    ]
    with pytest.raises(BadRequestError):
        report.raise_for_failures()
    assert kibana.files.list(case) == files[10:]
    kibana.files.delete(case, files[10])
    assert kibana.files.delete_many(case, [files[11].id]).ok
    assert kibana.comments.find(case).total == 0


def test_another_space_has_its_own_files(server: CasesServer, kibana: Kibana, case: Case) -> None:
    server.cases.spaces.create({"id": "soc", "name": "SOC"})
    file = kibana.files.upload(case, b"x", name="x.txt")
    with pytest.raises(NotFoundError):
        kibana.space("soc").files.read(file)


def test_files_are_found_in_both_shapes() -> None:
    metadata = {"files": [{"name": "a", "extension": "txt", "mimeType": "text/plain", "created": "never"}]}
    legacy: dict[str, Any] = {
        "id": "m1", "type": "externalReference", "owner": "cases", "externalReferenceId": "f1",
        "externalReferenceAttachmentTypeId": ".files", "externalReferenceMetadata": metadata,
    }
    unified = {"id": "m1", "type": "file", "owner": "cases", "attachmentId": "f1", "metadata": metadata}
    first = CaseFile.of(ExternalReference.model_validate(legacy))
    assert first is not None
    assert (first.id, first.attachment_id, first.file_name, first.mime_type) == ("f1", "m1", "a.txt", "text/plain")
    assert CaseFile.of(UnifiedAttachment.model_validate(unified)) == first
    nothing = {**legacy, "owner": None, "externalReferenceMetadata": None}
    bare = CaseFile.of(ExternalReference.model_validate(nothing), "x")
    assert bare is not None
    assert (bare.file_name, bare.owner) == ("f1", "x")
    other = {**legacy, "externalReferenceAttachmentTypeId": "osquery"}
    assert CaseFile.of(ExternalReference.model_validate(other)) is None
    assert CaseFile.of(UnifiedAttachment.model_validate({**unified, "type": "lens"})) is None


def test_the_answer_must_hold_the_file(case: Case) -> None:
    with pytest.raises(InvalidAnswer, match="does not hold the file"):
        newest_file(case, "x")


def test_the_form_holds_nothing_that_others_chose_in_its_headers() -> None:
    body, kind = multipart(upload_name('a"; x="\r\n.txt'), io.BytesIO(b"content"), size=7)
    whole = b"".join(body.chunks())
    boundary = kind.removeprefix("multipart/form-data; boundary=").encode()
    assert len(whole) == body.size
    assert re.findall(rb'filename="([^"]*)"', whole) == [b"file.txt"]
    assert whole.count(b"--" + boundary) == 3
    assert b"\r\n\r\ncontent\r\n--" in whole
