"""The definition of a template: case defaults and fields, written as YAML; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from kibcase.server import limits
from kibcase.server.cases import templates_yaml
from kibcase.server.cases.bodies import SEVERITIES
from kibcase.server.cases.field_definitions_schema import (
    field_shape,
    is_display_only,
    is_reference,
    key_of,
    label_of,
    normal_name,
    parse_field,
)
from kibcase.server.cases.templates_issues import (
    Issue,
    anything,
    flag,
    issues_text,
    listing,
    nullable,
    option,
    record,
    refined,
    text,
)
from kibcase.server.errors import BadRequest

Json = dict[str, Any]
_REQUIREMENTS: Final = ("required", "required_when", "required_on_close")
CONNECTOR_TYPES: Final = (
    ".cases-webhook", ".jira", ".none", ".resilient", ".servicenow", ".servicenow-sir", ".swimlane", ".thehive",
)


def _unique_names(fields: Sequence[Json]) -> str | None:
    names = [field.get("name", field.get("$ref")) for field in fields]
    return None if len(set(names)) == len(names) else "Field names must be unique."


_DEFINITION: Final = record(
    {"fields": refined(listing(field_shape), _unique_names)},
    {
        "name": nullable(text(1, limits.TITLE)),
        "description": nullable(text()),
        "tags": listing(text()),
        "severity": nullable(option(*SEVERITIES)),
        "category": nullable(text()),
        "assignees": listing(record({"uid": text()})),
        "connector": record({"id": text(), "type": option(*CONNECTOR_TYPES), "fields": nullable(anything)}),
        "settings": record({}, {"syncAlerts": flag, "extractObservables": flag}),
    },
)
TEMPLATE_WRITE: Final = record(
    {"owner": text(0, limits.OWNER), "definition": text(0, limits.DEFINITION)},
    {
        "name": text(1, limits.TEMPLATE_NAME),
        "description": text(0, limits.TEMPLATE_DESCRIPTION),
        "tags": listing(text(1, limits.TEMPLATE_TAG), 0, limits.TEMPLATE_TAGS),
        "isEnabled": flag,
    },
    strict=True,
)


def parse_definition(definition: str) -> Json:
    """Give the parsed definition; raises ``BadRequest`` if it is no YAML or breaks the schema."""
    value = templates_yaml.load(definition)
    issues: list[Issue] = []
    parsed: Json = _DEFINITION(value, (), issues)
    if issues:
        raise BadRequest(f"Invalid template definition: {issues_text(issues)}")
    return parsed


def names_in(fields: Iterable[Json]) -> list[str]:
    """Give the names and aliases of fields that hold values."""
    return [field["name"] for field in fields if "name" in field and not is_display_only(field)]


def resolve_fields(fields: Iterable[Json], library: Sequence[Json]) -> list[Json]:
    """Give the inline fields of a template: references are looked up in ``library`` and their overrides applied.

    ``library`` are the owner's field definitions; references into nothing are left out.
    """
    known = {normal_name(entry["name"]): entry for entry in reversed(library)}
    resolved = []
    for field in fields:
        found = _referred(field, known) if is_reference(field) else field
        if found is not None:
            resolved.append(found)
    return resolved


def _referred(reference: Json, known: Mapping[str, Json]) -> Json | None:
    entry = known.get(normal_name(reference["$ref"]))
    field = None if entry is None else parse_field(entry["definition"])
    return None if field is None else _overridden(field, reference)


def _overridden(field: Json, reference: Json) -> Json:
    result = dict(field)
    if reference.get("name"):
        result["name"] = reference["name"]
    if "default" in reference.get("metadata", {}):
        default = reference["metadata"]["default"]
        kept = {name: value for name, value in field.get("metadata", {}).items() if name != "default"}
        result["metadata"] = kept if default is None else kept | {"default": default}
    if "display" in reference:
        result["display"] = reference["display"]
    if "validation" in reference:
        result["validation"] = _merged(field.get("validation", {}), reference["validation"])
    return result


def _merged(library: Json, override: Json) -> Json:
    # Whichever side says when a field is required says all of it.
    if any(name in override for name in _REQUIREMENTS):
        library = {name: value for name, value in library.items() if name not in _REQUIREMENTS}
    return library | override


def summaries(fields: Iterable[Json]) -> list[Json]:
    """Give ``{name, label, type, control}`` of inline fields, as templates are stored with."""
    return [
        {"name": field["name"], "label": label_of(field), "type": field["type"], "control": field["control"]}
        for field in fields
    ]


def labels(fields: Iterable[Json]) -> dict[str, str]:
    """Give the label of each storage key."""
    return {key_of(field): label_of(field) for field in fields}
