"""The benchmarks run, small, and print what docs/benchmarks.md shows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

Read = Callable[[str], "Document"]
SMALL = {
    "parse.py": ["--cases", "120", "--rounds", "1"], "server.py": ["--cases", "10", "--rounds", "1"],
    "cycle.py": ["--links", "1", "3", "--rounds", "1"],
}


class Document(Protocol):
    text: str

    def blocks(self, language: str) -> list[str]: ...


def run(root: Path, name: str) -> list[list[str]]:
    done = subprocess.run(
        [sys.executable, str(root / "benchmarks" / name), *SMALL[name]], capture_output=True, text=True, timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split() for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", ["parse.py", "server.py"])
def test_ratios_are_positive(name: str, root: Path) -> None:
    *_, last = run(root, name)
    assert all(float(value) > 0 for value in last[-2:])


def test_idle_requests_do_not_depend_on_the_links(root: Path) -> None:
    _, one, three = run(root, "cycle.py")
    assert (one[0], three[0]) == ("1", "3")
    assert one[1] == three[1]


def test_all_are_told(document: Read, root: Path) -> None:
    told = document("docs/benchmarks.md")
    assert {path.name for path in (root / "benchmarks").glob("*.py")} == set(SMALL)
    for name in SMALL:
        assert f"## {name}: " in told.text
        assert f"$ python benchmarks/{name}" in told.text
    assert len(told.blocks("")) == len(SMALL)
