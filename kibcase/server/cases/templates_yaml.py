"""Reading and writing the YAML of definitions: YAML 1.2 values, nothing executable, bounded; pure."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from typing import Any, ClassVar, Final

import yaml

from kibcase.server.errors import BadRequest

_NODES: Final = 20_000
_SAFE_DIGITS: Final = 15


class _Loader(yaml.SafeLoader):
    """The safe loader with the plain values of YAML 1.2's core schema: ``yes`` and ``2024-01-01`` are strings."""

    yaml_implicit_resolvers: Any = {}  # noqa: RUF012
    yaml_constructors: ClassVar[Any] = {
        tag: build
        for tag, build in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.rpartition(":")[2] in ("null", "str", "seq", "map")
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        """Build an object with string keys; raises ``yaml.YAMLError`` if a key is repeated."""
        result: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key = _key(self.construct_object(key_node, deep=True))
            if key in result:
                raise yaml.MarkedYAMLError(problem="Map keys must be unique", problem_mark=key_node.start_mark)
            result[key] = self.construct_object(value_node, deep=deep)
        return result


def _key(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    digits = loader.construct_scalar(node)
    if digits.startswith(("0o", "0x")):
        return _finite(float(int(digits[2:1000], 8 if digits[1] == "o" else 16)))
    return int(digits) if len(digits) <= _SAFE_DIGITS else _finite(float(digits))


def _float(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    word = loader.construct_scalar(node).lower().replace(".inf", "inf").replace(".nan", "nan")
    return _finite(float(word))


def _finite(value: float) -> int | float | None:
    # Numbers are doubles here; what no JSON can hold becomes null, as JSON.stringify has it.
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _boolean(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> bool:
    return bool(loader.construct_scalar(node).lower() == "true")


_RESOLVERS = (
    ("null", r"^(?:~|null|Null|NULL|)$", ("~", "n", "N", "")),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", tuple("tTfF")),
    ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", tuple("-+0123456789")),
    (
        "float",
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        tuple("-+0123456789."),
    ),
)


def _prepare() -> None:
    for name, pattern, first in _RESOLVERS:
        _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(pattern), list(first))
    _Loader.add_constructor("tag:yaml.org,2002:int", _integer)
    _Loader.add_constructor("tag:yaml.org,2002:float", _float)
    _Loader.add_constructor("tag:yaml.org,2002:bool", _boolean)


_prepare()


def load(definition: str) -> Any:
    """Give the value that a YAML text describes; its size is for the caller to bound.

    Raises ``BadRequest`` with ``Invalid YAML definition: ...`` for what is no YAML, for tags that would build
    objects and for aliases that would unfold into more than 20,000 values.
    """
    try:
        loader = _Loader(definition)
        node = loader.get_single_node()
        if node is None:
            return None
        _check_size(node, {}, set())
        return loader.construct_document(node)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadRequest(f"Invalid YAML definition: YAMLParseError: {_shown(error)}") from error


def dump(value: Any) -> str:
    """Write a value as YAML, keys in their order."""
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=math.inf))


def _check_size(node: yaml.Node, sizes: dict[int, int], inside: set[int]) -> int:
    if id(node) in sizes:
        return sizes[id(node)]
    if id(node) in inside:
        raise yaml.YAMLError("an alias refers to what it is part of")
    inside.add(id(node))
    children: list[yaml.Node] = []
    if isinstance(node, yaml.SequenceNode):
        children = node.value
    elif isinstance(node, yaml.MappingNode):
        children = [part for pair in node.value for part in pair]
    size = 1
    for child in children:
        size += _check_size(child, sizes, inside)
        if size > _NODES:
            raise yaml.YAMLError("Excessive alias count indicates a resource exhaustion attack")
    inside.discard(id(node))
    sizes[id(node)] = size
    return size


def _shown(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"{error.problem} at line {mark.line + 1}, column {mark.column + 1}"
    return "the nesting is too deep" if isinstance(error, RecursionError) else " ".join(str(error).split())
