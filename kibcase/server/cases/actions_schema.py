"""Checking settings and parameters of connectors, with the texts of Kibana's config-schema; pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from kibcase.server.codec import UNDEFINED

Schema = Callable[[Any, tuple[str, ...]], Any]
_NAMES: dict[type, str] = {
    type(None): "null", bool: "boolean", int: "number", float: "number", str: "string", list: "Array", dict: "Object",
}


class SchemaError(ValueError):
    """A value breaks a schema; ``text`` names the path and what is wrong."""

    def __init__(self, path: tuple[str, ...], message: str) -> None:
        super().__init__(f"[{'.'.join(path)}]: {message}" if path else message)
        self.path = path
        self.message = message


def kind_of(value: Any) -> str:
    """Name the type of a JSON value as config-schema does."""
    return _NAMES.get(type(value), "undefined")


def text(value: Any, path: tuple[str, ...]) -> Any:
    """Accept a string."""
    if not isinstance(value, str):
        raise SchemaError(path, f"expected value of type [string] but got [{kind_of(value)}]")
    return value


def flag(value: Any, path: tuple[str, ...]) -> Any:
    """Accept a boolean."""
    if not isinstance(value, bool):
        raise SchemaError(path, f"expected value of type [boolean] but got [{kind_of(value)}]")
    return value


def number(value: Any, path: tuple[str, ...]) -> Any:
    """Accept a number, or a string that holds one."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise SchemaError(path, "expected value of type [number] but got [string]") from None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SchemaError(path, f"expected value of type [number] but got [{kind_of(value)}]")
    return value


def literal(expected: Any) -> Schema:
    """Accept one value."""

    def check(value: Any, path: tuple[str, ...]) -> Any:
        if value is UNDEFINED or type(value) is not type(expected) or value != expected:
            shown = "null" if expected is None else expected
            raise SchemaError(path, f"expected value to equal [{shown}]")
        return value

    return check


def one_of(*schemas: Schema, default: Any = UNDEFINED) -> Schema:
    """Accept what the first fitting schema accepts; ``default`` stands for a value that is not given."""

    def check(value: Any, path: tuple[str, ...]) -> Any:
        if value is UNDEFINED and default is not UNDEFINED:
            return default
        lines = []
        for place, schema in enumerate(schemas):
            try:
                return schema(value, (*path, str(place)))
            except SchemaError as error:
                lines.append(f"- [{'.'.join(error.path)}]: {error.message}")
        raise SchemaError(path, "\n".join(["types that failed validation:", *lines]))

    return check


def nullable(schema: Schema) -> Schema:
    """Accept null (also for a value that is not given) or what ``schema`` accepts."""
    return one_of(schema, literal(None), default=None)


def defaulted(schema: Schema, default: Any) -> Schema:
    """Accept what ``schema`` accepts; ``default`` stands for a value that is not given."""
    return lambda value, path: default if value is UNDEFINED else schema(value, path)


def list_of(schema: Schema) -> Schema:
    """Accept a list."""

    def check(value: Any, path: tuple[str, ...]) -> Any:
        if not isinstance(value, list):
            raise SchemaError(path, f"expected value of type [array] but got [{kind_of(value)}]")
        return [schema(item, (*path, str(place))) for place, item in enumerate(value)]

    return check


def record(*, name: str = "", most: int | None = None, refused: frozenset[str] = frozenset()) -> Schema:
    """Accept an object of any values, or a string that is JSON of one; at most ``most`` keys, none ``refused``."""

    def check(value: Any, path: tuple[str, ...]) -> Any:
        value = _parsed(value, path)
        if not isinstance(value, dict):
            raise SchemaError(path, f"expected value of type [object] but got [{kind_of(value)}]")
        for key in value:
            if key in refused:
                raise SchemaError(
                    (*path, f'key("{key}")'), f"The following properties cannot be defined inside {name}: {key}."
                )
        if most is not None and len(value) > most:
            raise SchemaError(path, f"A maximum of {most} fields in {name} can be defined at a time.")
        return value

    return check


def obj(fields: Mapping[str, Schema]) -> Schema:
    """Accept an object of these fields and no others, or a string that is JSON of one."""

    def check(value: Any, path: tuple[str, ...]) -> Any:
        value = _parsed(value, path)
        if not isinstance(value, dict):
            raise SchemaError(path, f"expected a plain object value, but found [{kind_of(value)}] instead.")
        result = {name: schema(value.get(name, UNDEFINED), (*path, name)) for name, schema in fields.items()}
        for name in value:
            if name not in fields:
                raise SchemaError((*path, name), "definition for this key is missing")
        return result

    return check


def _parsed(value: Any, path: tuple[str, ...]) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise SchemaError(path, "could not parse object value from json input") from None
