"""Rules of custom fields against an owner's configuration; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kibcase.server.cases.store import DocRecord
from kibcase.server.errors import BadRequest

Fields = Sequence[dict[str, Any]]


def configured_fields(configurations: Iterable[DocRecord]) -> dict[str, list[dict[str, Any]]]:
    """Give the configured custom fields by owner."""
    return {record.doc["owner"]: record.doc["customFields"] for record in configurations}


def check_fields(given: Fields, configured: Fields | None) -> None:
    """Raise ``BadRequest`` unless the custom fields of a request fit the configuration.

    ``configured`` is None if the owner has no configuration at all. The order of the checks is Kibana's:
    repeated keys, unknown keys, required fields, types.
    """
    if _are_configurable(given, configured):
        check_keys(given, configured or ())
        check_required(given, configured or ())
        check_types(given, configured or ())


def check_structure(given: Fields, configured: Fields | None) -> None:
    """Raise ``BadRequest`` like ``check_fields``, but do not ask whether required fields are there."""
    if _are_configurable(given, configured):
        check_keys(given, configured or ())
        check_types(given, configured or ())


def _are_configurable(given: Fields, configured: Fields | None) -> bool:
    check_repeated(given, "customFields")
    if configured is None and given:
        raise BadRequest("No custom fields configured.")
    return configured is not None


def check_repeated(items: Fields, name: str) -> None:
    """Raise ``BadRequest`` if a key occurs twice."""
    keys = [item["key"] for item in items]
    repeated = list(dict.fromkeys(key for key in keys if keys.count(key) > 1))
    if repeated:
        raise BadRequest(f"Invalid duplicated {name} keys in request: {','.join(repeated)}")


def check_keys(given: Fields, configured: Fields) -> None:
    """Raise ``BadRequest`` if a key is not configured."""
    known = {field["key"] for field in configured}
    unknown = [field["key"] for field in given if field["key"] not in known]
    if unknown:
        raise BadRequest(f"Invalid custom field keys: {','.join(unknown)}")


def check_types(given: Fields, configured: Fields) -> None:
    """Raise ``BadRequest`` if a field has another type than configured."""
    types = {field["key"]: field["type"] for field in given}
    wrong = [f'"{field["label"]}"' for field in configured if types.get(field["key"], field["type"]) != field["type"]]
    if wrong:
        raise BadRequest(f"The following custom fields have the wrong type in the request: {', '.join(wrong)}")


def check_required(given: Fields, configured: Fields) -> None:
    """Raise ``BadRequest`` if a required field is null, or missing without a default."""
    values = {field["key"]: field["value"] for field in given}
    required = [field for field in configured if field["required"]]
    missing = [
        f'"{field["label"]}"'
        for field in required
        if field["key"] not in values and field.get("defaultValue") is None
    ]
    if missing:
        raise BadRequest(f"Missing required custom fields without default value configured: {', '.join(missing)}")
    empty = [f'"{field["label"]}"' for field in required if values.get(field["key"], field) is None]
    if empty:
        raise BadRequest(
            f'Invalid value "null" supplied for the following required custom fields: {", ".join(empty)}'
        )


def fill_missing(given: Fields, configured: Fields | None) -> list[dict[str, Any]]:
    """Add the configured fields that a request leaves out, with their default or null.

    A required field without a default stays missing: there is no value for it.
    """
    present = {field["key"] for field in given}
    added = [
        {"key": field["key"], "type": field["type"], "value": field.get("defaultValue")}
        for field in configured or ()
        if field["key"] not in present and not (field["required"] and field.get("defaultValue") is None)
    ]
    return [*given, *added]
