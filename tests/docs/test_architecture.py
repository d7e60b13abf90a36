"""docs/architecture.md is true to the code."""

from __future__ import annotations

import importlib.util
import pkgutil
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import grimp
import pytest

import kibcase
import kibcase_connectors
import kibcase_daemon

Read = Callable[[str], "Document"]
ROOTS = (kibcase, kibcase_connectors, kibcase_daemon)


class Document(Protocol):
    text: str

    def blocks(self, language: str) -> list[str]: ...

    def section(self, heading: str) -> str: ...


@pytest.fixture
def architecture(document: Read) -> Document:
    return document("docs/architecture.md")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*(package.__name__ for package in ROOTS), include_external_packages=True, cache_dir=None)


def top_level() -> Iterator[str]:
    for package in ROOTS:
        yield package.__name__
        for found in pkgutil.iter_modules(package.__path__):
            yield f"{package.__name__}.{found.name}"


def contracts(root: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]["contracts"]
    return found


def test_what_is_named_exists(architecture: Document) -> None:
    named = set(re.findall(r"`(kibcase(?:_\w+)?(?:\.\w+)*)`", architecture.text))
    assert [name for name in sorted(named) if importlib.util.find_spec(name) is None] == []


def test_every_top_level_module_is_in_the_table(architecture: Document) -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| .+ \|$", architecture.section("The packages"), re.MULTILINE)
    assert sorted(rows) == sorted(top_level())


def test_the_picture_shows_every_part(architecture: Document) -> None:
    (picture,) = architecture.blocks("")
    words = set(re.findall(r"\w+", picture))
    assert {package.__name__ for package in ROOTS} <= words
    parts = {name.partition(".")[2] for name in top_level() if "." in name}
    small = {"address", "extras", "schedule", "logs", "notebook", "render"}
    assert parts - words <= small
    assert max(map(len, picture.splitlines())) <= 80


def test_contracts_are_told(architecture: Document, root: Path) -> None:
    told = architecture.section("What may import what")
    for contract in contracts(root):
        assert f"*{contract['name']}*" in told
        if contract["type"] == "layers":
            assert f"`{' > '.join(contract['layers'])}`" in told
    forbidden = next(each for each in contracts(root) if each.get("source_modules") == ["kibcase.server"])
    paragraph = told[told.index(forbidden["name"]) :].partition("\n- *")[0]
    assert all(f"`{name}`" in paragraph for name in forbidden["forbidden_modules"])


def test_what_is_called_pure_is_pure(architecture: Document, graph: grimp.ImportGraph) -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| .*Pure[.:].* \|$", architecture.section("The packages"), re.MULTILINE)
    assert len(rows) >= 5
    impure = {"requests", "sqlite3", "socket", "time", "random", "os", "threading", "subprocess", "jira"}
    for name in rows:
        modules = {name, *graph.find_descendants(name)}
        used = {target for module in modules for target in graph.find_modules_directly_imported_by(module)}
        assert used & impure == set(), name
