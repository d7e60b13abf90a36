"""The distribution, built once, and environments that hold it with chosen extras; nothing is downloaded."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SECONDS = 120
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a release consists of."""

    wheel: Path
    sdist: Path

    @property
    def distribution(self) -> Distribution:
        with zipfile.ZipFile(self.wheel) as wheel:
            info = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")).rpartition("/")[0]
        return PathDistribution(zipfile.Path(self.wheel, f"{info}/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An environment of its own, away from the checkout."""

    folder: Path

    def python(self, code: str, *arguments: str) -> Done:
        return self._run("python", "-c", code, *arguments)

    def kibcase(self, *arguments: str) -> Done:
        return self._run("kibcase", *arguments)

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder,
            env=clean_environment(),
        )

    def _run(self, *arguments: str) -> Done:
        return subprocess.run(
            self._command(*arguments), capture_output=True, text=True, timeout=SECONDS, check=False,
            stdin=subprocess.DEVNULL, cwd=self.folder, env=clean_environment(),
        )

    def _command(self, name: str, *arguments: str) -> list[str]:
        return [str(self.folder / "bin" / name), *arguments]


def clean_environment() -> dict[str, str]:
    """The environment of the process without what would lead Python or kibcase elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "KIBCASE", "COV"))}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Wheel and sdist, built from the checkout by the build backend that a release uses."""
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False,
    )
    assert done.returncode == 0, f"hatchling, a dependency of the extra 'dev', cannot build: {done.stderr}"
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel=wheel, sdist=sdist)


@pytest.fixture(scope="session")
def install(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Environment]:
    """Give the environment that ``pip install 'kibcase[extra]'`` makes; an empty name means no extra."""
    made: dict[str, Environment] = {}

    def give(extra: str) -> Environment:
        if extra not in made:
            made[extra] = environment(tmp_path_factory.mktemp(extra or "light"), built, extra)
        return made[extra]

    return give


def environment(folder: Path, built: Built, extra: str) -> Environment:
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for needed in needed_by(built.distribution, extra):
        link(needed, site)
    done = subprocess.run(
        [
            sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "--disable-pip-version-check",
            "install", "--quiet", "--no-deps", "--no-index", str(built.wheel),
        ],
        capture_output=True, text=True, timeout=SECONDS, check=False, env=clean_environment(),
    )
    assert done.returncode == 0, done.stderr
    return Environment(folder=folder)


def needed_by(ours: Distribution, extra: str) -> Iterator[Distribution]:
    """Everything that the metadata of the wheel asks for with an extra, and what that asks for in turn."""
    seen: set[tuple[str, str]] = set()
    given: set[str] = set()
    todo = [(canonicalize_name("kibcase"), wanted) for wanted in {"", extra}]
    while todo:
        name, wanted = todo.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        found = ours if name == "kibcase" else distribution(name)
        if found is not ours and name not in given:
            given.add(name)
            yield found
        for requirement in map(Requirement, found.requires or []):
            if requirement.marker is None or requirement.marker.evaluate({"extra": wanted}):
                todo += [(canonicalize_name(requirement.name), each) for each in ("", *requirement.extras)]


def link(found: Distribution, site: Path) -> None:
    """Put an installed distribution into another environment without copying it."""
    names = {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}
    for name in names:
        (site / name).symlink_to(str(found.locate_file(name)))
