"""The public doors: every package that has an ``__all__`` shows exactly that, in order."""

from __future__ import annotations

import importlib
import pkgutil
import types
from collections.abc import Iterator

import pytest

import kibcase
import kibcase_connectors
import kibcase_daemon

ROOTS = (kibcase, kibcase_connectors, kibcase_daemon)
KNOWN = {
    "kibcase", "kibcase.alerts", "kibcase_connectors.jira", "kibcase_connectors.kibana", "kibcase_connectors.markup",
    "kibcase_connectors.standins.jira", "kibcase_daemon.cli", "kibcase_daemon.config",
}


def doors() -> Iterator[str]:
    for root in ROOTS:
        yield root.__name__
        for found in pkgutil.walk_packages(root.__path__, f"{root.__name__}."):
            if found.ispkg:
                yield found.name


def visible(module: types.ModuleType) -> set[str]:
    return {
        name for name in dir(module)
        if not name.startswith("_") and name != "annotations"
        and not isinstance(getattr(module, name), types.ModuleType)
    }


def rank(name: str) -> tuple[bool, bool, str]:
    """Constants, then classes, then functions, as ruff sorts (RUF022)."""
    return not name.isupper(), not name[0].isupper(), name


def test_the_doors_that_people_use_are_known() -> None:
    assert {name for name in doors() if hasattr(importlib.import_module(name), "__all__")} >= KNOWN


@pytest.mark.parametrize("name", list(doors()))
def test_a_door_shows_what_it_says(name: str) -> None:
    module = importlib.import_module(name)
    said: list[str] = getattr(module, "__all__", [])
    assert visible(module) == {each for each in said if not each.startswith("__")}
    assert all(hasattr(module, each) for each in said)
    assert said == sorted(said, key=rank)


@pytest.mark.parametrize("name", list(doors()))
def test_a_door_says_what_is_behind_it(name: str) -> None:
    said = importlib.import_module(name).__doc__ or ""
    assert len(said.strip()) > 10, f"the docstring of {name} is {said!r}"
