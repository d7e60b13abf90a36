"""What is wrong with a configuration, where, and what was probably meant."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Path: TypeAlias = tuple[str | int, ...]
"""Where in the file: keys and list positions from the top."""

_KEY = "[key]"
_SHAPES = {
    "string_type": "must be a text; if it is one, put it in quotes",
    "mapping_type": "must hold keys and values", "dict_type": "must hold keys and values",
    "model_type": "must hold keys and values", "model_attributes_type": "must hold keys and values",
    "too_short": "must hold at least one entry",
    "tuple_type": "must be a list", "list_type": "must be a list",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake; ``text`` never holds a value from the file, since any of them may be a secret."""

    path: Path
    text: str


def described(problem: Problem, lines: Mapping[Path, int]) -> str:
    """Give the line that people read: the place, the line of the file (if known) and the mistake."""
    line, where = line_of(problem.path, lines), place(problem.path)
    return f"{where} (line {line}): {problem.text}" if line else f"{where}: {problem.text}"


def line_of(path: Path, lines: Mapping[Path, int]) -> int:
    """Give the line of a place, or of what it is missing from; 0 if no line is known."""
    return next((lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in lines), 0)


def place(path: Path) -> str:
    """Give a path as people write it: ``links[0].fields.severity``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "the file"


def problems_of(error: ValidationError, model: type[BaseModel], prefix: Path, known: Iterable[Path]) -> list[Problem]:
    """Turn what pydantic found in one part of the file into problems, one per place.

    ``prefix`` is where the part stands in the file, ``known`` every path that the file has.
    """
    there = set(known)
    found: dict[Path, list[str]] = {}
    details = error.errors(include_url=False, include_context=True)
    for detail in details:
        if detail["type"] == "too_short" and any(_inside(other["loc"], detail["loc"]) for other in details):
            # Elements that are wrong are not counted: only they are the mistake.
            continue
        path, text = _one(detail, model, prefix, there)
        texts = found.setdefault(path, [])
        if text not in texts:
            texts.append(text)
    # Several at one place are the branches of a union: any of them would do.
    return [Problem(path=path, text=", or ".join(texts)) for path, texts in found.items()]


def _inside(loc: Path, outer: Path) -> bool:
    return len(loc) > len(outer) and loc[: len(outer)] == outer


def _one(detail: ErrorDetails, model: type[BaseModel], prefix: Path, there: set[Path]) -> tuple[Path, str]:
    loc = detail["loc"]
    if detail["type"] == "missing":
        return (*prefix, *loc), "is missing"
    if detail["type"] == "extra_forbidden":
        return (*prefix, *loc), unknown(str(loc[-1]), _keys_at(model, loc[:-1]), "key")
    if loc and loc[-1] == _KEY:
        options = _options(detail)
        text = unknown(str(loc[-2]), options, "key") if options else f"as a name it {_text(detail)}"
        return (*prefix, *loc[:-1]), text
    path = (*prefix, *loc)
    while len(path) > len(prefix) and path not in there:
        path = path[:-1]
    return path, _text(detail)


def _text(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in ("literal_error", "enum"):
        given = detail["input"]
        meant = _hint(given, _options(detail)) if isinstance(given, str) else ""
        return f"must be {context.get('expected', 'one of the known values')}{meant}"
    if kind in _SHAPES:
        return _SHAPES[kind]
    if kind in ("value_error", "assertion_error"):
        return str(context["error"])
    message = detail["msg"]
    return message.replace("Input should be", "must be").replace("String should", "must")


def _options(detail: ErrorDetails) -> list[str]:
    return re.findall(r"'([^']*)'", str(detail.get("ctx", {}).get("expected", "")))


def unknown(name: str, known: Iterable[str], noun: str) -> str:
    """Say that a name is not known, and which one was probably meant."""
    options = sorted(known)
    return f"unknown {noun}{_hint(name, options) or '; known: ' + ', '.join(options)}"


def _hint(given: str, options: Iterable[str]) -> str:
    near = difflib.get_close_matches(given.casefold(), list(options), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _keys_at(model: type[BaseModel], loc: Iterable[str | int]) -> list[str]:
    for part in loc:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        inner = _model_in(field.annotation) if field is not None else None
        model = inner or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)
