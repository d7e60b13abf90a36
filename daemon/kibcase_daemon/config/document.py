"""YAML text as plain values, with the line of everything in it; pure."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import yaml

from kibcase_daemon.config.problem import Path, Problem

_NODES = 20_000
_DEPTH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a YAML text says: plain values, the line (from 1) of every key and list element, the mistakes."""

    value: Any
    lines: dict[Path, int]
    problems: tuple[Problem, ...]


def parse(text: str) -> Document:
    """Read one YAML document with the safe types only; raises nothing.

    Keys given twice, merge keys (``<<``) and documents that aliases blow up are mistakes. Keys are taken as
    they are written, so that ``on`` and ``no`` stay texts.
    """
    try:
        with closing(_Builder(text)) as builder:
            value = builder.document()
            return Document(value=value, lines=builder.lines, problems=tuple(builder.problems))
    except yaml.YAMLError as error:
        return Document(value=None, lines=_error_lines(error), problems=(Problem(path=(), text=_reason(error)),))
    except (RecursionError, _TooMuch):
        problem = Problem(path=(), text="too many values, or nested too deeply")
        return Document(value=None, lines={}, problems=(problem,))


class _TooMuch(Exception):
    pass


class _Builder:
    def __init__(self, text: str) -> None:
        self._loader = yaml.SafeLoader(text)
        self._left = _NODES
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []

    def document(self) -> Any:
        node = self._loader.get_single_node()
        return None if node is None else self.build(node, ())

    def close(self) -> None:
        self._loader.dispose()

    def build(self, node: yaml.Node, path: Path) -> Any:
        self._left -= 1
        if self._left < 0 or len(path) > _DEPTH:
            raise _TooMuch
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, number)) for number, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                self.problems.append(Problem(path=path, text="keys must be plain texts; merge keys (<<) are not read"))
                continue
            here = (*path, key.value)
            self.lines[here] = key.start_mark.line + 1
            if key.value in built:
                self.problems.append(Problem(path=here, text="this key is there twice"))
                continue
            built[key.value] = self.build(value, here)
        return built

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        try:
            return self._loader.construct_object(node)
        except yaml.constructor.ConstructorError:
            text = "a value that begins with ! must be in quotes"
        except (ValueError, OverflowError):
            text = "looks like a date or number and is none; if it is a text, put it in quotes"
        self.problems.append(Problem(path=path, text=text))
        return None


def _error_lines(error: yaml.YAMLError) -> dict[Path, int]:
    mark = getattr(error, "problem_mark", None)
    return {} if mark is None else {(): mark.line + 1}


def _reason(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.composer.ComposerError):
        if "single document" in str(error.context):
            return "there is more than one YAML document in the file"
        return "not readable as YAML: a value that begins with & or * must be in quotes"
    if isinstance(error, yaml.reader.ReaderError):
        return "not readable as YAML: it holds a control character"
    said = getattr(error, "problem", None) or "it is malformed"
    # What the parser quotes may be the beginning of a secret; single characters and its own tokens tell nothing.
    return "not readable as YAML: " + re.sub(r"'([^']*)'", _quoted, said)


def _quoted(match: re.Match[str]) -> str:
    return match[0] if re.fullmatch(r"\\?.|<[a-z ]+>", match[1]) else "a value"
