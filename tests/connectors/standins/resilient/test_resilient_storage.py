"""The incidents of the stand-in outlive it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kibcase_connectors.standins.resilient import Person, ResilientProblem, ResilientStandin

MARIA = "maria.lindqvist@example.com"


def fill(maria: Person) -> int:
    number = maria.create("Beacon", severity_code="High", incident_type_ids=[])
    maria.edit(number, name="Beacon on WKS-7", description="<b>Seen</b>")
    note = maria.comment(number, "<p>first</p>")
    maria.edit_comment(number, maria.comment(number, "answer", reply_to=note), "better answer")
    maria.add_artifact(number, "IP Address", "192.0.2.7", "the source")
    maria.attach(number, "a.bin", b"\x00\xff" * 10, "application/octet-stream")
    maria.delete_attachment(number, maria.attach(number, "b.txt", b"gone", "text/plain"))
    maria.close(number)
    return number


def test_everything_is_there_again(tmp_path: Path) -> None:
    data = tmp_path / "resilient.db"
    with ResilientStandin(data=data) as soar:
        number = fill(soar.as_person(MARIA))
        gone = soar.as_person(MARIA).create("Gone")
        soar.as_person(MARIA).delete(gone)
        before = soar.state.incidents()
        assert [each.name for each in before[0].attachments] == ["a.bin"]
    with ResilientStandin(data=data) as soar:
        maria = soar.as_person(MARIA)
        assert soar.state.incidents() == before
        assert maria.incident(number).attachments[0].content == b"\x00\xff" * 10
        with pytest.raises(ResilientProblem):
            maria.incident(gone)
        # Ids are never used again.
        assert maria.create("Next") > gone
        maria.reopen(number)
        assert maria.comment(number, "again") > max(each.id for each in before[0].comments)


def test_without_a_file_nothing_is_kept() -> None:
    for _ in range(2):
        with ResilientStandin() as soar:
            assert soar.state.incidents() == []
            fill(soar.as_person(MARIA))
