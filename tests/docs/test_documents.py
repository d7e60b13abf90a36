"""What README and docs say exists, and their snippets work."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from kibcase.server.app import CasesServer
from kibcase_daemon.config import parse_config

Read = Callable[[str], "Document"]
ENV = {
    "KIBANA_API_KEY": "a2V5OmtleQ==", "KIBANA_PASSWORD": "secret", "JIRA_TOKEN": "token", "KIBCASE_STATE": "kibcase.db"
}


class Document(Protocol):
    name: str
    text: str

    def blocks(self, language: str) -> list[str]: ...


def test_linked_files_exist(any_document: Document, root: Path) -> None:
    here = (root / any_document.name).parent
    links = re.findall(r"\]\(([^)#]+)\)", any_document.text)
    missing = [link for link in links if "://" not in link and not (here / link).exists()]
    assert missing == []


def test_named_files_exist(any_document: Document, root: Path) -> None:
    named = re.findall(r"(?<![\w/])(?:benchmarks|daemon|docs|examples|tests)/[\w./-]+\.\w+", any_document.text)
    assert [name for name in named if not (root / name).exists()] == []


def test_python_snippets_compile(any_document: Document) -> None:
    for number, snippet in enumerate(any_document.blocks("python")):
        compile(snippet, f"{any_document.name}[{number}]", "exec")


@pytest.mark.parametrize("name", ["README.md", "docs/configuration.md"])
def test_configurations_are_valid(name: str, document: Read, tmp_path: Path) -> None:
    snippets = document(name).blocks("yaml")
    assert snippets
    for number, snippet in enumerate(snippets):
        config = parse_config(snippet, folder=tmp_path, source=f"{name}[{number}]", env=ENV)
        assert {system.kind for system in config.systems.values()} == {"kibana", "jira"}


def test_the_library_snippet_of_the_readme_runs(document: Read) -> None:
    (snippet,) = document("README.md").blocks("python")
    assert "http://127.0.0.1:5601" in snippet
    with CasesServer() as server:
        code = snippet.replace("http://127.0.0.1:5601", server.kibana_url)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    kinds = [line.split()[-2:] for line in done.stdout.splitlines()]
    assert kinds == [["create", "create_case"], ["create", "comment"], ["update", "severity"]]


def test_the_fixtures_for_scripts_pass(document: Read, tmp_path: Path) -> None:
    snippets = document("docs/testing-your-scripts.md").blocks("python")
    for number, snippet in enumerate(snippets):
        (tmp_path / f"test_snippet_{number}.py").write_text(snippet, encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(tmp_path)], env=env,
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^6 passed", done.stdout, re.MULTILINE)


def test_make_targets_exist(any_document: Document, root: Path) -> None:
    known = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^\$ )make ([a-z]+)", any_document.text, re.MULTILINE))
    assert named <= known


def test_the_readme_names_the_two_commands(document: Read) -> None:
    text = document("README.md").text
    assert "$ make demo" in text
    assert "$ make test" in text


def test_extras_are_told(document: Read, root: Path) -> None:
    project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = document("README.md").text
    told = set(re.findall(r"^\| `kibcase\[(\w+)\]`", text, re.MULTILINE))
    assert told == set(project["optional-dependencies"]) - {"dev"}
    assert {extra for extras in re.findall(r"kibcase\[([\w,]+)\]", text) for extra in extras.split(",")} <= told


def test_exit_codes_agree(document: Read) -> None:
    from kibcase_daemon.cli import entry

    tables = [
        re.findall(r"^\| (\d+) \|", document(name).text, re.MULTILINE) for name in ("README.md", "docs/commands.md")
    ]
    codes = [0, entry.EXIT_TROUBLE, entry.EXIT_CONFIG, entry.EXIT_INTERRUPTED]
    assert tables == [list(map(str, codes))] * 2


def test_numbers_of_sync_are_those_of_the_code(document: Read) -> None:
    from kibcase_connectors.jira import dialect as jira_text
    from kibcase_connectors.jira import mapping as jira
    from kibcase_connectors.kibana import text as kibana
    from kibcase_daemon.schedule import ATTEMPTS_BEFORE_PARKING, PARKED_PAUSES

    told = document("docs/sync.md").text
    assert f"fails {ATTEMPTS_BEFORE_PARKING} times in a row" in told
    assert "after an hour, then four hours, then once a day" in told
    assert [pause / 3600 for pause in PARKED_PAUSES] == [1, 4, 24]
    assert f"title, {kibana.TITLE_LIMIT} characters" in told
    assert f"Markdown, {kibana.TEXT_LIMIT:,}" in told
    assert f"summary, {jira.SUMMARY_LIMIT} characters" in told
    assert f"wiki markup, {jira_text.TEXT_LIMIT:,}" in told


def test_link_states_and_synced_fields_are_told(document: Read) -> None:
    from kibcase_connectors.model import FIELDS
    from kibcase_daemon.store.api import LinkState

    first_cells = set(re.findall(r"^\| ([\w -]+?) \|", document("docs/sync.md").text, re.MULTILINE))
    assert {state.value for state in LinkState} <= first_cells
    assert {*FIELDS, "comments"} <= first_cells
