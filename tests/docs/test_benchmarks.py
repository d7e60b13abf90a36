"""The benchmarks run, small, and print what docs/benchmarks.md shows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from benchmarks.support import Figure

Read = Callable[[str], "Document"]
SMALL = {
    "parse": ["--cases", "120", "--rounds", "1"], "server": ["--cases", "10", "--rounds", "1"],
    "cycle": ["--links", "1", "3", "--rounds", "1"], "startup": ["--rounds", "1"],
    "find_scale": ["--cases", "50", "300", "--attachments", "2", "--rounds", "1"],
}
HELPERS = {"__main__", "support", "kibana_py_find"}


class Document(Protocol):
    text: str

    def blocks(self, language: str) -> list[str]: ...


def run(root: Path, name: str) -> list[list[str]]:
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *SMALL[name]], capture_output=True, text=True, timeout=120,
        check=False, cwd=root,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split() for line in done.stdout.splitlines()]


def test_rates_of_the_server(root: Path) -> None:
    _, *rates, memory, file = run(root, "server")
    assert [row[0] for row in rates] == ["echo", "memory", "file"]
    assert all(float(value.removesuffix("/s")) > 0 for row in rates for value in row[1:])
    assert memory[-4:-1] == file[-4:-1] == ["at", "least", "300"]


def test_parsing_is_compared(root: Path) -> None:
    lines = run(root, "parse")
    ratios = [float(line[line.index("x") - 1]) for line in lines if "x" in line]
    assert len(ratios) in (2, 4)
    assert all(ratio > 0 for ratio in ratios)


def test_pages_are_measured_for_each_size(root: Path) -> None:
    lines = run(root, "find_scale")
    assert [line[0] for line in lines if "filled" in line] == ["50", "300"]
    assert sum(line[0] == "createdAt" for line in lines) == 2
    assert sum(line[:1] == ["memory"] for line in lines) == 2


def test_startup_is_compared_with_an_interpreter(root: Path) -> None:
    bare, ours = run(root, "startup")
    assert float(bare[-2]) > 0
    assert "kibcase --help" in " ".join(ours)


def test_idle_requests_do_not_depend_on_the_links(root: Path) -> None:
    _, one, three = run(root, "cycle")
    assert (one[0], three[0]) == ("1", "3")
    assert one[1] == three[1]


@pytest.mark.parametrize(
    ("value", "goal", "most", "met"),
    [(299, 300, False, False), (300, 300, False, True), (1.31, 1.3, True, False), (1.3, 1.3, True, True)],
)
def test_a_figure_says_whether_its_goal_is_met(value: float, goal: float, *, most: bool, met: bool) -> None:
    figure = Figure(name="f", value=value, unit="x", goal=goal, most=most)
    assert figure.met is met
    assert str(figure).endswith("ok" if met else "MISSED")


def test_all_are_told(document: Read, root: Path) -> None:
    told = document("docs/benchmarks.md")
    assert {path.stem for path in (root / "benchmarks").glob("*.py")} == SMALL.keys() | HELPERS
    for name in SMALL:
        assert f"## {name}.py: " in told.text
        assert f"$ python -m benchmarks.{name}\n" in told.text
    assert "$ python -m benchmarks\n" in told.text
    assert len(told.blocks("")) == len(SMALL)
