"""Which part of ``_source`` an answer shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kibcase.server.elasticsearch import glob
from kibcase.server.elasticsearch.errors import parsing_error


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFilter:
    """Paths to show and to hide, with ``*``; a path covers everything below it, dotted or nested alike."""

    show: bool = True
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    def apply(self, source: dict[str, Any]) -> dict[str, Any]:
        """Give the part that remains; objects left empty go too."""
        if not self.includes and not self.excludes:
            return source
        return _Sieve(_Paths(self.includes), _Paths(self.excludes)).object(source, "")


class _Paths:
    """A set of paths; most are plain names, for which a look into a set is all it takes."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self._plain = frozenset(path for path in paths if not glob.is_pattern(path))
        self._patterns = [path for path in paths if glob.is_pattern(path)]
        self.empty = not paths

    def cover(self, path: str) -> bool:
        """Tell whether the path, or an object it lies in, is named."""
        return not self.empty and any(self._names(part) for part in _prefixes(path))

    def _names(self, path: str) -> bool:
        return path in self._plain or any(glob.matches(pattern, path) for pattern in self._patterns)


@dataclass(frozen=True, slots=True)
class _Sieve:
    includes: _Paths
    excludes: _Paths

    def object(self, source: dict[str, Any], prefix: str) -> dict[str, Any]:
        kept = ((key, self._value(value, prefix + key)) for key, value in source.items())
        return {key: value for key, value in kept if value is not _GONE}

    def _value(self, value: Any, path: str) -> Any:
        if self.excludes.cover(path):
            return _GONE
        inside = self.includes.cover(path)
        if inside and self.excludes.empty:
            return value
        if isinstance(value, dict):
            return self.object(value, path + ".") or (value if inside and not value else _GONE)
        if isinstance(value, list) and any(isinstance(item, dict) for item in value):
            kept = [self._value(item, path) for item in value]
            return [item for item in kept if item is not _GONE] or _GONE
        return value if inside or self.includes.empty else _GONE


_GONE: Any = object()
EVERYTHING = SourceFilter()


def parse_filter(given: Any) -> SourceFilter:
    """Read the ``_source`` of a body: true, false, a path, a list, or ``{includes, excludes}``."""
    if given is None or isinstance(given, bool):
        return SourceFilter(show=given is not False)
    if isinstance(given, str | list):
        return SourceFilter(includes=_paths(given))
    if not isinstance(given, dict) or given.keys() - {"includes", "include", "excludes", "exclude"}:
        raise parsing_error("Unknown key for a START_OBJECT in [_source].")
    return SourceFilter(
        includes=_paths(given.get("includes", given.get("include", []))),
        excludes=_paths(given.get("excludes", given.get("exclude", []))),
    )


def _paths(given: Any) -> tuple[str, ...]:
    paths = [given] if isinstance(given, str) else given
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise parsing_error("Expected [_source] to be made of strings.")
    return tuple(paths)


def _prefixes(path: str) -> Iterator[str]:
    at = path.find(".")
    while at >= 0:
        yield path[:at]
        at = path.find(".", at + 1)
    yield path
