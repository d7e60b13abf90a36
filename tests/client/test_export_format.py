"""kibcase's own export: every record round-trips, and nothing broken is taken for whole."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase import Case
from kibcase.client.export_format import (
    FORMAT,
    LINE_LIMIT,
    Chunk,
    End,
    FileRecord,
    Header,
    Record,
    UnreadableExport,
    bounded_lines,
    line_of,
    records,
)
from kibcase.client.export_text import escaped, parts_of, signed
from kibcase.models.attachment import UserComment

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
CASES = st.builds(
    lambda title, description, tags, novel: Case.model_validate({
        "id": "c1", "version": "v", "title": title, "description": description, "status": "open", "owner": "cases",
        "created_at": "2024-05-01T10:00:00.000Z", "tags": tags, "somethingNew": novel,
    }),
    TEXTS, TEXTS, st.lists(TEXTS, max_size=3), st.dictionaries(TEXTS, TEXTS, max_size=2),
)
COMMENTS = st.builds(lambda text: UserComment(id="a1", type="user", comment=text, owner="cases"), TEXTS)
FILES = st.builds(
    lambda name, data: [FileRecord(id="f", name=name, size=len(data)), Chunk(data=data)], TEXTS, st.binary()
)
BODIES = st.lists(st.tuples(CASES, st.lists(COMMENTS, max_size=3), st.lists(FILES, max_size=2)), max_size=3)
HEADER = Header(stack="9.2.0", space="soc", exported_at="2024-05-01T10:00:00.000Z")


def whole(body: list[Any]) -> list[Record]:
    flat: list[Record] = [HEADER]
    for case, comments, files in body:
        flat += [case, *comments, *(record for file in files for record in file)]
    return [*flat, End(cases=len(body))]


def text_of(sequence: list[Record]) -> bytes:
    return b"".join(map(line_of, sequence))


@given(BODIES)
def test_round_trip(body: list[Any]) -> None:
    written = whole(body)
    assert list(records(bounded_lines(io.BytesIO(text_of(written))))) == written


@given(BODIES, st.data())
def test_a_file_that_is_cut_off_is_never_whole(body: list[Any], data: st.DataObject) -> None:
    content = text_of(whole(body))
    cut = content[: data.draw(st.integers(0, len(content) - 2))]
    with pytest.raises(UnreadableExport):
        list(records(bounded_lines(io.BytesIO(cut))))


@given(st.binary(max_size=200))
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableExport):
        list(records(bounded_lines(io.BytesIO(content))))


def lines(*values: Any) -> list[bytes]:
    return [json.dumps(value).encode() for value in values]


HEAD = {"kind": "kibcase-cases", "format": FORMAT}
CASE = {"kind": "case", "case": {
    "id": "c1", "version": "v", "title": "t", "status": "open", "owner": "cases", "created_at": "2024-05-01T10:00:00Z",
}}
FILE = {"kind": "file", "id": "f", "name": "n", "mime": "", "size": 1}
END = {"kind": "end", "cases": 1}


@pytest.mark.parametrize(("values", "line", "said"), [
    ([{**HEAD, "format": FORMAT + 1}, CASE, END], 1, "newer kibcase .*upgrade"),
    ([{**HEAD, "format": True}, END], 1, "not a number"),
    ([{**HEAD, "format": 0}, END], 1, "not a number"),
    ([CASE, END], 1, "does not begin with its header"),
    ([HEAD, HEAD], 2, "unknown record"),
    ([HEAD, {"kind": "poem"}], 2, "unknown record 'poem'"),
    ([HEAD, {"kind": "attachment", "attachment": {}}], 2, "cannot follow"),
    ([HEAD, CASE, {"kind": "chunk", "data": ""}], 3, "cannot follow 'case'"),
    ([HEAD, CASE, {"kind": "end", "cases": 2}], 3, "says 2 cases, but there are 1"),
    ([HEAD, {"kind": "case", "case": {"id": 1}}], 2, "malformed"),
    ([HEAD, CASE, {"kind": "file", "id": "f"}], 3, "malformed"),
    ([HEAD, CASE, FILE, {"kind": "chunk", "data": "%"}], 4, "malformed"),
    ([HEAD, CASE, END, CASE], 4, "cannot follow 'end'"),
    ([HEAD, CASE], 3, "cut off"),
    ([HEAD, []], 2, "no record"),
    ([], 1, "cut off"),
])
def test_what_is_wrong_is_told_with_its_line(values: list[Any], line: int, said: str) -> None:
    with pytest.raises(UnreadableExport, match=said) as caught:
        list(records(lines(*values)))
    assert caught.value.line == line


def test_empty_lines_do_not_matter() -> None:
    assert len(list(records([*lines(HEAD), b"\n", *lines(CASE, END), b"  \n"]))) == 3


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    class Endless(io.RawIOBase):
        read_bytes = 0

        def readline(self, size: int | None = -1) -> bytes:
            assert size is not None
            self.read_bytes += size
            return b"x" * size

    source = Endless()
    with pytest.raises(UnreadableExport, match="longer than"):
        list(records(bounded_lines(source)))  # type: ignore[arg-type]
    assert source.read_bytes == LINE_LIMIT + 1


@given(st.text(max_size=60), st.integers(2, 12))
def test_parts_fit_and_lose_nothing_but_white_space(text: str, limit: int) -> None:
    parts = parts_of(text, limit)
    assert all(len(part.encode("utf-16-le", "surrogatepass")) // 2 <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_who_wrote_it_cannot_be_markup() -> None:
    comment = UserComment.model_validate({
        "id": "a", "comment": "Hi.", "created_at": datetime(2024, 5, 1, 10, tzinfo=UTC),
        "created_by": {"username": "x](http://evil)*\n# Title"},
    })
    assert signed(comment) == (
        "*x\\]\\(http://evil\\)\\* \\# Title wrote on 2024-05-01 10:00 UTC:*\n\nHi."
    )
    assert escaped("plain name") == "plain name"
