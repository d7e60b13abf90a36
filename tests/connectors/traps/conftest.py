"""What the three tables of traps have in common."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[3]


def functions(path: Path) -> set[str]:
    """Give the names of the functions of a test file."""
    return {node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)}


def lost(covered: Mapping[str, str], root: Path = ROOT) -> list[str]:
    """List the places of a table (``path::test``) where there is no such test."""
    known = {path: functions(root / path) for path in {place.partition("::")[0] for place in covered.values()}}
    return [place for place in covered.values() if place.partition("::")[2] not in known[place.partition("::")[0]]]


def idle(covered: Mapping[str, str], here: str, file: Path) -> set[str]:
    """Give the tests of a file that stand in no row of its table; ``here`` is how the table names the file."""
    covering = {place.partition("::")[2] for place in covered.values() if place.startswith(here)}
    tables = {"test_every_trap_has_its_test", "test_every_test_here_covers_a_trap"}
    return {name for name in functions(file) if name.startswith("test_")} - covering - tables
