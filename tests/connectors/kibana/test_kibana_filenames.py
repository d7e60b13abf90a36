"""A file's name comes back from Kibana as it was given, or the file is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.cases.files_media import extension_of, media_of
from kibcase_connectors.kibana.filenames import KNOWN, NAME_LIMIT, OTHERS, UnkeepableError, shown_as, stored_as

NAMES = st.lists(st.sampled_from(["a", "B", "log", "txt", "pcap", "jpg", "jpeg", "PDF", " ", ".", "é", "7z", "weird"]))


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("report 2.txt", "report 2+txt"), ("archive.tar.gz", "archive.tar+gz"), ("a.pdf.pdf", "a.pdf+pdf"),
        ("photo.jpg", "photo.jpg+jpeg"), ("REPORT.PDF", "REPORT.PDF+pdf"), ("app.log", "app.log+txt"),
        ("photo.jpg.jpeg", "photo.jpg.jpeg+jpeg"), ("mail.eml", "mail.eml+txt"), ("x.EXE", "x.EXE+txt"),
        ("notes.md.txt", "notes.md.txt+txt"), ("v1.2.txt", "v1.2+txt"), ("Prüfung 日本.txt", "Prüfung 日本+txt"),
    ],
)
def test_how_names_are_kept(name: str, kept: str) -> None:
    stored = stored_as(name)
    assert f"{stored.stem}+{stored.ending}" == kept
    assert shown_as(stored.stem, stored.ending) == name


@pytest.mark.parametrize(
    "name",
    ["README", ".hidden", "a/b.txt", "back\\slash.txt", "trailing.txt ", " first.txt", "x.weird", "line\nbreak.txt",
     "notes.md.txt.txt", "half\ud800.txt", ".", ""],
)
def test_names_that_cannot_be_kept(name: str) -> None:
    with pytest.raises(UnkeepableError):
        stored_as(name)


def test_long_names_are_refused_and_not_cut() -> None:
    assert stored_as("x" * NAME_LIMIT + ".txt").stem == "x" * NAME_LIMIT
    with pytest.raises(UnkeepableError, match="160 characters"):
        stored_as("x" * (NAME_LIMIT + 1) + ".txt")
    with pytest.raises(UnkeepableError, match="160 characters"):
        stored_as("\U0001f512" * 81 + ".txt")


def test_only_what_kibana_takes_if_the_configuration_says_so() -> None:
    assert stored_as("a.jpg", any_type=False).media_type == "image/jpeg"
    with pytest.raises(UnkeepableError, match="takes only"):
        stored_as("mail.eml", any_type=False)


def test_no_ending_is_of_both_kinds() -> None:
    assert not OTHERS & set(KNOWN)


@given(NAMES, st.sampled_from([*KNOWN, *sorted(OTHERS)[:20], "TXT", "JPG", ""]))
def test_what_is_kept_comes_back_through_kibanas_own_table(words: list[str], ending: str) -> None:
    name = "".join(words) + (f".{ending}" if ending else "")
    try:
        stored = stored_as(name)
    except UnkeepableError:
        return
    media = media_of(stored.ending)
    assert media == stored.media_type
    assert shown_as(stored.stem, extension_of(media) or "") == name
