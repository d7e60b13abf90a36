"""``{env: NAME}`` and ``{file: path}``: texts that are kept outside the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from kibcase_daemon.config.problem import Path, Problem

_FILE_LIMIT = 64 * 1024


class References:
    """Replaces references by what they stand for.

    ``env`` is the environment; files are sought from ``folder`` on. ``problems`` names the place and the
    variable or file of every reference that leads nowhere, never a value.
    """

    def __init__(self, *, env: Mapping[str, str], folder: FilePath) -> None:
        self._env = env
        self._folder = folder
        self.problems: list[Problem] = []

    def resolve(self, value: Any, path: Path = ()) -> Any:
        """Give a copy of a tree of plain values in which every reference is replaced by its text."""
        if isinstance(value, list):
            return [self.resolve(item, (*path, number)) for number, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (kind, name), = value.items()
            if kind in ("env", "file") and isinstance(name, str):
                return self._variable(name, path) if kind == "env" else self._file(name, path)
        return {key: self.resolve(item, (*path, key)) for key, item in value.items()}

    def _variable(self, name: str, path: Path) -> str:
        value = self._env.get(name, "")
        if not value:
            state = "is empty" if name in self._env else "is not set"
            self.problems.append(Problem(path=path, text=f"the environment variable {name} {state}"))
        return value

    def _file(self, name: str, path: Path) -> str:
        try:
            with (self._folder / name).open("rb") as file:
                content = file.read(_FILE_LIMIT + 1)
            text = content.decode("utf-8").rstrip("\r\n")
        except OSError as error:
            self.problems.append(Problem(path=path, text=f"cannot read the file {name}: {error.strerror}"))
            return ""
        except UnicodeDecodeError:
            self.problems.append(Problem(path=path, text=f"the file {name} is no UTF-8 text"))
            return ""
        if not text or len(content) > _FILE_LIMIT:
            size = f"is longer than {_FILE_LIMIT} bytes" if text else "is empty"
            self.problems.append(Problem(path=path, text=f"the file {name} {size}"))
        return text
