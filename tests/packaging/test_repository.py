"""The checkout: its folders, and that it speaks of no machine but the reader's."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = (
    "kibcase", "connectors/kibcase_connectors", "daemon/kibcase_daemon", "tests", "benchmarks", "examples", "docs",
)
FILES = (
    "config.example.yaml", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", ".ci/run", "Makefile",
    "docs/architecture.md",
)
LARGEST = 1_000_000
# Folders of people and machines, and hosts that packages come from; where they stand alone in a text.
STRANGE = re.compile(
    rb"(?<![\w.])/(?:work|home|Users|root|opt|mnt|srv|var|private|tmp|usr/local)/[\w.-]"
    rb"|pypi\.org|pythonhosted\.org|npmjs\.(?:com|org)|artifactory|proxy\.golang\.org|--index-url|--find-links"
    rb"|shared/reference|shared/design"
)


def listed() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout: what belongs to the repository is not known")
    done = subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, timeout=60, check=True,
    )
    return [ROOT / name for name in done.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("name", FOLDERS)
def test_folders(name: str) -> None:
    assert (ROOT / name).is_dir()
    assert any((ROOT / name).iterdir())


@pytest.mark.parametrize("name", FILES)
def test_files(name: str) -> None:
    assert (ROOT / name).is_file()
    assert (ROOT / name).stat().st_size > 0


def test_the_script_of_the_checks_can_be_run() -> None:
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


@pytest.mark.parametrize("name", ["connectors", "daemon", "tests", "benchmarks", "examples", "docs"])
def test_folders_that_are_no_packages(name: str) -> None:
    # With a file there, `import daemon` in the checkout would find the folder in place of another's package.
    assert not (ROOT / name / "__init__.py").exists()


def test_only_the_packages_lie_in_the_folders_that_lead_to_them() -> None:
    for folder, package in (("connectors", "kibcase_connectors"), ("daemon", "kibcase_daemon")):
        assert {path.name for path in (ROOT / folder).iterdir()} - {"__pycache__"} == {package}


def test_no_path_of_a_machine_and_no_registry_is_named() -> None:
    own = Path(__file__)
    strange = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]!r}"
        for path in listed() if path != own
        for number, line in enumerate(path.read_bytes().splitlines(), 1) if STRANGE.search(line)
    ]
    assert strange == []


def test_nothing_large_and_nothing_secret_is_kept() -> None:
    for path in listed():
        assert path.stat().st_size < LARGEST, path
        assert path.name not in (".env", "id_rsa", "credentials"), path
        assert path.suffix not in (".db", ".pyc", ".pem", ".key", ".whl"), path
