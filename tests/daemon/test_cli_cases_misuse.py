"""``kibcase cases`` as people misuse it: nothing in a pipe, wrong names, streams that are closed or full."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kibcase import Case, Kibana
from kibcase.server.app import CasesServer

OWNER = "securitySolution"
Done = subprocess.CompletedProcess[str]


class Shell:
    """Runs ``kibcase cases``; a line for ``bash`` with ``KC`` in the place of the command."""

    def __init__(self, server: CasesServer) -> None:
        taken = ("KIBCASE_", "COLUMNS", "LINES", "PYTHON")
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(taken)}
        self.env |= {"KIBCASE_URL": server.kibana_url, "KIBCASE_USER": "elastic", "KIBCASE_PASSWORD": "changeme"}

    def run(self, *arguments: str | bytes | Path, stdin: str = "", **env: str) -> Done:
        command = [sys.executable, "-m", "kibcase_daemon.cli", "cases", *arguments]
        return self._done(command, stdin, env)

    def line(self, text: str, stdin: str = "") -> Done:
        command = text.replace("KC", f"{sys.executable} -m kibcase_daemon.cli cases")
        return self._done(["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"], stdin, {})

    def _done(self, command: list[str | bytes | Path], stdin: str, env: dict[str, str]) -> Done:
        done = subprocess.run(
            command, env=self.env | env, input=stdin, capture_output=True, text=True, timeout=60, check=False
        )
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture
def server() -> Iterator[CasesServer]:
    with CasesServer(incremental_ids=False, stack_version="9.5.0") as running:
        yield running


@pytest.fixture
def shell(server: CasesServer) -> Shell:
    return Shell(server)


@pytest.fixture
def kibana(server: CasesServer) -> Iterator[Kibana]:
    with Kibana(server.kibana_url, username="elastic", password="changeme") as client:
        yield client


@pytest.fixture
def case(kibana: Kibana) -> Case:
    return kibana.cases.create(title="Café", description="d", owner=OWNER, tags=["x"])


def test_no_id_in_a_pipe_exports_nothing(shell: Shell, case: Case) -> None:
    done = shell.run("export", "-", stdin="\n")
    assert [json.loads(line)["kind"] for line in done.stdout.splitlines()] == ["kibcase-cases", "end"]
    assert "0 cases exported" in done.stderr
    assert shell.run("export", "-", "--saved-objects").returncode == 1


@pytest.mark.parametrize(("arguments", "words"), [
    (["export", "{id}", "--status", "open"], "not both"),
    (["export", "--saved-objects", "--files"], "leave out --files"),
    (["import", "-", "--saved-objects", "--owner", "cases"], "leave out --owner"),
    (["import", "-", "--saved-objects", "--alerts"], "leave out --owner and --alerts"),
])
def test_options_that_would_be_ignored_are_refused(
    shell: Shell, case: Case, arguments: list[str], words: str
) -> None:
    done = shell.run(*(each.format(id=case.id) for each in arguments))
    assert (done.returncode, words in done.stderr) == (2, True)


@pytest.mark.parametrize(("arguments", "words"), [
    (["show", ".."], "not an id"), (["update", "", "--title", "x"], "not an id"),
    (["create", "--title", " ", "--description", "d"], "the title cannot be empty"),
    (["create", "--title", "t", "--description", "-"], "the description cannot be empty"),
    (["create", "--title", "t", "--description", "d", "--tag", ""], "the tag cannot be empty"),
    (["comment", "{id}", ""], "the comment cannot be empty"),
    (["close", "{id}", "--comment", " "], "the comment cannot be empty"),
    (["attach", "{id}", "--alert", "", "--index", "i"], "blank id or index"),
    (["attach", "{id}", "{readme}"], "by its ending"),
])
def test_what_cannot_be_sent_is_told_in_a_line(
    shell: Shell, case: Case, tmp_path: Path, arguments: list[str], words: str
) -> None:
    readme = tmp_path / "README"
    readme.write_text("x")
    done = shell.run(*(each.format(id=case.id, readme=readme) for each in arguments))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("kibcase: ")
    assert words in done.stderr


def test_a_case_that_may_not_be_closed_gets_no_comment(shell: Shell, kibana: Kibana, case: Case) -> None:
    done = shell.run("close", case.id, "--reason", "not one", "--comment", "Known scanner.")
    assert done.returncode == 1
    assert kibana.cases.get(case.id).status == "open"
    assert list(kibana.comments.iter(case.id)) == []
    assert shell.run("close", case.id, "--reason", "other", "--comment", "Known scanner.").returncode == 0
    assert kibana.cases.get(case.id).total_comments == 1


def test_tags_with_spaces_are_the_same_tags(shell: Shell, kibana: Kibana, case: Case) -> None:
    assert shell.run("update", case.id, "--add-tag", " x ", "--add-tag", "y ").returncode == 0
    assert kibana.cases.get(case.id).tags == ["x", "y"]
    assert shell.run("update", case.id, "--remove-tag", " x").returncode == 0
    assert kibana.cases.get(case.id).tags == ["y"]


@pytest.mark.skipif(sys.platform != "linux", reason="names of files that are not UTF-8")
def test_a_file_whose_name_is_not_utf_8(shell: Shell, kibana: Kibana, case: Case, tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/b\xff.txt"
    Path(os.fsdecode(odd)).write_text("x")
    assert shell.run("attach", case.id, odd).returncode == 0
    assert [each.file_name for each in kibana.files.list(case)] == ["b\ufffd.txt"]


@pytest.mark.parametrize("line", ["KC list --json >&-", "KC close - <&-", "KC list >&- 2>&-"])
def test_streams_that_are_closed(shell: Shell, case: Case, line: str) -> None:
    assert shell.line(line).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
@pytest.mark.parametrize("command", ["list", "export"])
def test_a_disk_that_is_full(shell: Shell, case: Case, command: str) -> None:
    done = shell.line(f"KC {command} >/dev/full")
    assert (done.returncode != 0, "No space left" in done.stderr) == (True, True)


@pytest.mark.parametrize("command", ["list --json", "export"])
def test_who_reads_no_further_gets_no_traceback(shell: Shell, kibana: Kibana, command: str) -> None:
    for _ in range(8):
        kibana.cases.create(title="long", description="x" * 30_000, owner=OWNER)
    assert len(shell.line(f"KC {command} | head -c 5").stdout) == 5


def test_a_terminal_that_does_not_know_a_character(shell: Shell, case: Case) -> None:
    done = shell.run("show", case.id, PYTHONIOENCODING="ascii")
    assert (done.returncode, "Caf\\xe9" in done.stdout) == (0, True)
