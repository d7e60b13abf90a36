"""What the contract says of files."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Final

from kibcase_connectors.errors import ConnectorError, NotFound, Refused
from kibcase_connectors.model import File
from kibcase_connectors.testing_hooks import CONTENT, ContractHooks
from kibcase_connectors.testing_tools import expect, only, raises, unless

_BIG: Final = bytes(range(256)) * 1024
_NAMES: Final = (
    "report 2.txt", "archive.tar.gz", "no-extension", ".hidden", "a.b.c.log",
    "Pr\u00fcfbericht \u2013 \u65e5\u672c.txt",
    "e\u0301.txt", "\U0001f512.txt", 'quoted "x".txt', "it's.txt", "semi;colon=1.txt", "per%20cent.txt",
    "a+b&c.txt", "back\\slash.txt", "trailing.txt ", "two  blanks.txt", "x" * 200 + ".txt", "x" * 400 + ".txt",
    "\u00fc" * 120 + ".txt", "line\nbreak.txt", "<b>.txt",
)


class FilesContract(ContractHooks):
    """The obligations of ``AddFile`` and ``fetch``, for connectors with ``Capabilities.files``."""

    def test_a_file_is_attached_once(self) -> None:
        """The receipt says what is read; the content comes out as it went in."""
        unless(self.connector.capabilities.files, "no files")
        ticket = self.copy()
        written = self.apply(self.file(ticket.key)).file
        after = self.stays(ticket.key)
        read = only(after.files)
        expect(written is not None, "the receipt has no file")
        same = written is not None and (written.key, written.name, written.size) == (read.key, read.name, read.size)
        expect(same, f"read {read}, reported {written}")
        expect(after.version != ticket.version, "a file is there and the version stayed")
        self._holds(ticket.key, read, "beacon.txt", CONTENT)

    def test_files_of_all_sizes_keep_their_bytes(self) -> None:
        """An empty one and one of many pieces too, or they are refused and not there."""
        unless(self.connector.capabilities.files, "no files")
        ticket, stored = self.copy(), list[tuple[str, bytes]]()
        for number, content in enumerate((b"", b"\r\n\n", _BIG, _BIG[:65_536], _BIG[:65_537])):
            name = f"part-{number}.txt"
            try:
                self.apply(self.file(ticket.key, name, content))
            except Refused:
                expect(not content, f"{name} of {len(content)} bytes is refused")
                continue
            stored.append((name, content))
        self._are_there(ticket.key, stored, ordered=False)

    def test_file_names_are_kept_or_refused(self) -> None:
        """A name comes back as it was given, to the last character; one that would not is not stored at all."""
        unless(self.connector.capabilities.files, "no files")
        ticket, stored, refused = self.copy(), list[tuple[str, bytes]](), set[str]()
        for number, name in enumerate(_NAMES):
            content = f"file {number}".encode()
            try:
                self.apply(self.file(ticket.key, name, content))
            except Refused:
                refused.add(name)
                continue
            stored.append((name, content))
        expect(not refused.intersection(_NAMES[:1]), f"{_NAMES[0]!r} is refused")
        self._are_there(ticket.key, stored, ordered=False)

    def test_two_files_may_have_one_name(self) -> None:
        """Each keeps its own content, and the older comes first."""
        unless(self.connector.capabilities.files, "no files")
        ticket = self.copy()
        for content in (b"first", b"second one"):
            self.apply(self.file(ticket.key, "log.txt", content))
            self.pause(1.0)
        self._are_there(ticket.key, [("log.txt", b"first"), ("log.txt", b"second one")])

    def test_files_of_a_person_are_listed_and_read(self) -> None:
        """Oldest first, each after the cursor before it, with a new version."""
        unless(self.connector.capabilities.files, "no files")
        key, cursor = self.person_creates("Phishing mail"), self.connector.changes(None).cursor
        given, versions = [(f"mail-{number}.txt", f"mail {number}".encode()) for number in range(3)], set[str]()
        for name, content in given:
            self.person_attaches(key, name, content)
            self.settle()
            changes = self.connector.changes(cursor)
            listed = {item.key: item.version for item in changes.items}
            expect(key in listed, f"{name} was attached and the thing is not listed")
            cursor = changes.cursor
            versions.add(self.stays(key).version)
            self.pause(1.0)
        expect(len(versions) == len(given), "a file was attached and the version stayed")
        self._are_there(key, given)
        expect(all(each.author for each in self.stays(key).files), "a file has no author")

    def test_what_is_gone_has_no_files(self) -> None:
        """Fetching from it and attaching to it say so, and give no bytes."""
        unless(self.connector.capabilities.files, "no files")
        ticket = self.copy()
        self.apply(self.file(ticket.key))
        file = only(self.stays(ticket.key).files)
        self.person_deletes(ticket.key)
        self.settle()
        into = io.BytesIO()
        with raises(NotFound):
            self.connector.fetch(ticket.key, file, into)
        expect(into.getvalue() == b"", "bytes of a file came though it is gone")
        with raises(NotFound):
            self.apply(self.file(ticket.key))

    def test_a_file_of_another_size_is_an_error(self) -> None:
        """What was announced to be longer or shorter than it is does not pass for whole."""
        unless(self.connector.capabilities.files, "no files")
        ticket = self.copy()
        self.apply(self.file(ticket.key))
        file = only(self.stays(ticket.key).files)
        for size in (file.size - 1, file.size + 1):
            with raises(ConnectorError):
                self.connector.fetch(ticket.key, replace(file, size=size), io.BytesIO())

    def _are_there(self, key: str, wanted: list[tuple[str, bytes]], *, ordered: bool = True) -> None:
        files = self.stays(key).files
        if not ordered:
            # What was attached in one second of the system's clock has no order.
            files, wanted = tuple(sorted(files, key=lambda each: each.name)), sorted(wanted)
        names = [each.name for each in files]
        expect(names == [name for name, _ in wanted], f"the files are {names}, not {[name for name, _ in wanted]}")
        for file, (name, content) in zip(files, wanted, strict=True):
            self._holds(key, file, name, content)

    def _holds(self, key: str, file: File, name: str, content: bytes) -> None:
        into = io.BytesIO()
        self.connector.fetch(key, file, into)
        expect(file.name == name, f"{name!r} is called {file.name!r}")
        expect(file.size == len(content), f"{name!r} has {len(content)} bytes and is listed with {file.size}")
        expect(into.getvalue() == content, f"{name!r}: {len(content)} bytes went in, {len(into.getvalue())} came out")
