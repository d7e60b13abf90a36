"""What is for tests is loaded by tests alone, and each connector is held to the contract on both kinds of days."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from kibcase_connectors.testing import ConnectorContract, StormContract

ROOT = Path(__file__).parents[2]
PACKAGES = (ROOT / "kibcase", ROOT / "connectors" / "kibcase_connectors", ROOT / "daemon" / "kibcase_daemon")
PLUGIN = ROOT / "kibcase" / "pytest_plugin.py"
CONTRACTS = ("memory", "kibana", "jira", "servicenow", "resilient")


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def for_tests(name: str) -> bool:
    return name.split(".")[0] == "pytest" or name.startswith("kibcase_connectors.testing")


def test_no_module_imports_what_is_for_tests() -> None:
    paths = [path for package in PACKAGES for path in package.rglob("*.py")]
    allowed = {path for path in paths if path.stem.split("_")[0] == "testing" or path == PLUGIN}
    assert allowed, "the modules for tests are not where they were"
    guilty = {str(path.relative_to(ROOT)): sorted(filter(for_tests, imported(path))) for path in {*paths} - allowed}
    assert {path: names for path, names in guilty.items() if names} == {}


def test_what_is_for_tests_needs_pytest_only_to_skip() -> None:
    for path in (ROOT / "connectors" / "kibcase_connectors").glob("testing*.py"):
        at_the_top = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if "pytest" in ast.dump(node)
                      and isinstance(node, ast.Import | ast.ImportFrom)]
        assert at_the_top == [], f"{path.name} cannot be loaded without pytest"


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_connector_keeps_the_contract_in_a_storm_too(name: str) -> None:
    module = import_module(f"tests.connectors.test_contract_{name}")
    held = {each for each in vars(module).values() if inspect.isclass(each) and issubclass(each, ConnectorContract)
            and each.__module__ == module.__name__}
    calm = {each for each in held if not issubclass(each, StormContract)}
    stormy = {base for each in held - calm for base in each.__bases__}
    assert calm
    assert calm <= stormy, f"no storm for {sorted(each.__name__ for each in calm - stormy)}"


def test_nothing_of_it_is_loaded_by_the_command() -> None:
    told = "import sys, kibcase_daemon.cli, kibcase_connectors.kinds; print([n for n in sys.modules if 'testing' in n])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, timeout=60, check=True)
    assert "kibcase_connectors" not in done.stdout
