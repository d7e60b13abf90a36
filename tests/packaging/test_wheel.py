"""What a release holds."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.packaging.conftest import Built

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "kibcase": ROOT / "kibcase",
    "kibcase_connectors": ROOT / "connectors" / "kibcase_connectors",
    "kibcase_daemon": ROOT / "daemon" / "kibcase_daemon",
}


@pytest.fixture
def files(built: Built) -> list[PurePosixPath]:
    with zipfile.ZipFile(built.wheel) as wheel:
        return [PurePosixPath(name) for name in wheel.namelist() if not name.endswith("/")]


def test_exactly_three_import_packages(files: list[PurePosixPath]) -> None:
    top = {file.parts[0] for file in files}
    assert {name for name in top if not name.endswith(".dist-info")} == set(PACKAGES)
    assert len(top) == len(PACKAGES) + 1


def test_every_module_is_in_and_nothing_else(files: list[PurePosixPath]) -> None:
    expected = {
        f"{name}/{path.relative_to(folder).as_posix()}" for name, folder in PACKAGES.items()
        for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert {str(file) for file in files if not file.parts[0].endswith(".dist-info")} == expected


def test_typed_in_all_three(files: list[PurePosixPath]) -> None:
    assert {str(file) for file in files if file.name == "py.typed"} == {f"{name}/py.typed" for name in PACKAGES}


def test_no_tests_and_no_rubbish(files: list[PurePosixPath]) -> None:
    assert not [file for file in files if {"tests", "__pycache__", "conftest.py"} & set(file.parts)]
    assert {file.suffix for file in files if file.parts[0] in PACKAGES} <= {".py", ".typed"}


def test_licence_is_in_and_named(built: Built, files: list[PurePosixPath]) -> None:
    assert [file for file in files if file.name == "LICENSE" and ".dist-info" in file.parts[0]]
    metadata = built.distribution.metadata
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"


def test_metadata(built: Built) -> None:
    metadata = built.distribution.metadata
    assert metadata["Name"] == "kibcase"
    assert metadata["Requires-Python"] == ">=3.11"
    assert {"alerts", "connectors", "server", "daemon", "all"} <= set(metadata.get_all("Provides-Extra") or ())
    plain = [name for name in built.distribution.requires or () if "extra ==" not in name]
    assert sorted(name.partition("<")[0].partition(">")[0] for name in plain) == ["pydantic", "requests"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert len(metadata.json["description"]) > 500


def test_the_sdist_keeps_house_to_itself(built: Built) -> None:
    with tarfile.open(built.sdist) as sdist:
        names = {str(PurePosixPath(*PurePosixPath(name).parts[1:])) for name in sdist.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml", "kibcase/py.typed", "tests/packaging/test_wheel.py"} <= names
    assert not [
        name for name in names
        if name.startswith((".ci", ".git/", ".venv")) or "__pycache__" in name or name.endswith((".db", ".pyc"))
    ]


def test_the_sdist_builds_the_same_wheel(built: Built, files: list[PurePosixPath], tmp_path: Path) -> None:
    with tarfile.open(built.sdist) as sdist:
        sdist.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")],
        cwd=source, capture_output=True, text=True, timeout=120, check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as again:
        assert sorted(again.namelist()) == sorted(str(file) for file in files)
