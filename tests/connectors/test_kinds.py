"""Kinds of systems: the shipped ones, those of other packages, and what is said of a broken one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kibcase_connectors.kinds import BUILT_IN, GROUP, BadKindError, ConnectorKind, kinds

MODULE = """
from pydantic import BaseModel
from kibcase_connectors.kinds import ConnectorKind

class Settings(BaseModel):
    type: str = "acme"

class Filter(BaseModel):
    pass

def connect(name, settings, wanted, context):
    raise OSError("not today")

acme = ConnectorKind(settings=Settings, filter=Filter, connect=connect)

def made():
    return acme

def failing():
    raise ZeroDivisionError("acme is broken")

def leaving():
    raise SystemExit(3)

no_model = ConnectorKind(settings=dict, filter=Filter, connect=connect)
no_filter = ConnectorKind(settings=Settings, filter=None, connect=connect)
no_connect = ConnectorKind(settings=Settings, filter=Filter, connect=None)
no_type = ConnectorKind(settings=Filter, filter=Filter, connect=connect)
number = 7
def wrong():
    return "no kind"
"""


@pytest.fixture
def register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Make a package importable that registers entry points, as one that was installed."""
    (tmp_path / "acme_tickets.py").write_text(MODULE, encoding="utf-8")

    def add(**points: str) -> None:
        info = tmp_path / "acme_tickets-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-tickets\nVersion: 1.0\n", encoding="utf-8")
        lines = [f"{name} = acme_tickets:{target}" for name, target in points.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines]), encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))

    yield add
    sys.modules.pop("acme_tickets", None)


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_what_ships_can_be_loaded_and_says_its_own_name(name: str) -> None:
    kind = kinds()[name]()
    assert kind.settings.model_fields["type"].default == name
    assert "type" not in kind.filter.model_fields


@pytest.mark.parametrize("target", ["acme", "made"])
def test_a_package_registers_a_kind_or_what_makes_one(register: Callable[..., None], target: str) -> None:
    register(acme=target)
    kind = kinds()["acme"]()
    assert isinstance(kind, ConnectorKind)
    assert kind.settings.__name__ == "Settings"


def test_nobody_takes_the_place_of_what_ships(register: Callable[..., None]) -> None:
    register(jira="acme")
    assert kinds()["jira"] is BUILT_IN["jira"]


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("failing", "ZeroDivisionError: acme is broken"), ("missing", "AttributeError"), ("number", "TypeError"),
        ("wrong", "it gives a str, not a ConnectorKind"), ("leaving", "SystemExit: 3"),
        ("no_model", "its settings are no pydantic model"), ("no_filter", "its filter is no pydantic model"),
        ("no_connect", "its connect cannot be called"), ("no_type", "its settings have no field 'type'"),
    ],
)
def test_a_broken_package_is_named(register: Callable[..., None], target: str, why: str) -> None:
    register(acme=target)
    load = kinds()["acme"]
    with pytest.raises(BadKindError, match="acme-tickets") as caught:
        load()
    assert why in str(caught.value)
    assert "'acme'" in str(caught.value)


def test_a_broken_package_harms_nobody_else(register: Callable[..., None]) -> None:
    register(acme="missing")
    assert set(kinds()) == {*BUILT_IN, "acme"}
    assert kinds()["kibana"]().settings.__name__ == "KibanaConfig"


def test_two_packages_with_one_name_are_both_named(
    register: Callable[..., None], tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(acme="acme")
    site = tmp_path_factory.mktemp("other")
    info = site / "rival-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rival\nVersion: 2.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nacme = acme_tickets:made\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(site))
    with pytest.raises(BadKindError, match=r"acme.*acme-tickets.*rival"):
        kinds()["acme"]()
    assert kinds()["jira"]().settings.__name__ == "JiraConfig"


def test_asking_for_the_names_loads_nothing() -> None:
    told = (
        "import sys; from kibcase_connectors.kinds import kinds; kinds(); "
        "print([name for name in sys.modules if name.startswith('kibcase_connectors.') and 'kinds' not in name])"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, timeout=60, check=True)
    for package in ("kibana", "jira", "servicenow", "resilient"):
        assert f"kibcase_connectors.{package}" not in done.stdout
