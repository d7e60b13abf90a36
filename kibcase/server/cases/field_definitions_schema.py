"""What one field of a template or of the field library looks like (Kibana's ``domain/template/fields``); pure.

An inline field is ``{name, type, control, label?, display?, validation?, metadata?}``; a reference is
``{$ref, name?, metadata?, display?, validation?}`` and stands for a field of the owner's library. The value of a
field is kept on a case under its storage key, ``<name>_as_<type>``, always as a string.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from kibcase.server import limits
from kibcase.server.cases import templates_yaml
from kibcase.server.cases.templates_issues import (
    Issue,
    Shape,
    amount,
    defaulted,
    either,
    flag,
    listing,
    literal,
    null,
    option,
    record,
    refined,
    text,
)
from kibcase.server.errors import BadRequest

Json = dict[str, Any]
NUMBER_TYPES: Final = (
    "long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float", "unsigned_long",
)
_LONGEST_TYPE: Final = "unsigned_long"

_RULE = record(
    {"field": text(), "operator": option("eq", "neq", "contains", "empty", "not_empty")},
    {"value": either(text(), amount, flag)},
)
_CONDITION = either(_RULE, record({"combine": defaulted(option("all", "any"), "all"), "rules": listing(_RULE, 1)}))
_DISPLAY = record({}, {"show_when": _CONDITION})
_VALIDATION = record(
    {},
    {
        "required": flag,
        "required_when": _CONDITION,
        "required_on_close": flag,
        "pattern": record({"regex": text()}, {"message": text()}),
        "min": amount,
        "max": amount,
        "min_length": amount,
        "max_length": amount,
    },
)
_PEOPLE = listing(record({"uid": text(), "name": text()}))
_OPTIONS = {"options": listing(text())}


def _field(control: str, kinds: Shape, metadata: Shape, *, described: bool = False) -> Shape:
    required: dict[str, Shape] = {"name": text(), "type": kinds, "control": literal(control)}
    optional: dict[str, Shape] = {"label": text(), "display": _DISPLAY, "validation": _VALIDATION}
    if described:
        required["metadata"] = metadata
    else:
        optional["metadata"] = metadata
    return record(required, optional)


def _metadata(default: Shape, **more: Shape) -> Shape:
    return record({}, {"default": default, **more}, loose=True)


def _unique(name: str, message: str) -> Any:
    def rule(metadata: Json) -> str | None:
        values = metadata.get(name) or []
        return message if isinstance(values, list) and len(set(values)) != len(values) else None

    return rule


def _known_defaults(metadata: Json) -> str | None:
    known = {"", *metadata["options"]}
    unknown = [value for value in metadata.get("default", ()) if value not in known]
    return f"Default values must be among the options: {', '.join(unknown)}." if unknown else None


def _known_default(metadata: Json) -> str | None:
    default = metadata.get("default", "")
    return None if default in ("", *metadata["options"]) else "Default must be one of the options."


_KEYWORD = literal("keyword")
_INLINE: Final[tuple[Shape, ...]] = (
    _field("INPUT_TEXT", _KEYWORD, _metadata(either(text(), amount, listing(text())))),
    _field("INPUT_NUMBER", option(*NUMBER_TYPES), _metadata(amount)),
    _field("SELECT_BASIC", _KEYWORD, record(_OPTIONS, {"default": text()}, loose=True), described=True),
    _field("TEXTAREA", _KEYWORD, _metadata(text(), markdown=flag)),
    _field("DATE_PICKER", literal("date"), _metadata(text(), show_time=flag, timezone=option("utc", "local"))),
    _field("TOGGLE", literal("boolean"), _metadata(flag)),
    _field("USER_PICKER", _KEYWORD, _metadata(_PEOPLE, multiple=flag)),
    _field(
        "CHECKBOX_GROUP",
        _KEYWORD,
        refined(
            record({"options": listing(text(), 0, 30)}, {"default": listing(text())}, loose=True),
            _unique("options", "Options must be unique."),
            _unique("default", "Default values must be unique."),
            _known_defaults,
        ),
        described=True,
    ),
    _field(
        "RADIO_GROUP",
        _KEYWORD,
        refined(
            record({"options": listing(text(), 2, 20)}, {"default": text()}, loose=True),
            _unique("options", "Options must be unique."),
            _known_default,
        ),
        described=True,
    ),
    _field("MARKDOWN", defaulted(_KEYWORD, "keyword"), record({"content": text()}, {}, loose=True), described=True),
)
_REFERENCE = record(
    {"$ref": text(1)},
    {
        "name": text(),
        "metadata": record({}, {"default": either(text(), amount, flag, listing(text()), _PEOPLE, null)}),
        "display": _DISPLAY,
        "validation": _VALIDATION,
    },
)
inline_shape: Final = either(*_INLINE)
field_shape: Final = either(*_INLINE, _REFERENCE)
FIELD_WRITE: Final = record(
    {"owner": text(1, limits.OWNER), "definition": text(0, limits.DEFINITION)},
    {
        "name": text(1, limits.FIELD_NAME),
        "description": text(0, limits.TEMPLATE_DESCRIPTION),
        "isGlobal": flag,
    },
    strict=True,
)


def is_reference(field: Json) -> bool:
    """Tell a reference into the field library from an inline field."""
    return "$ref" in field and "control" not in field


def is_display_only(field: Json) -> bool:
    """Tell the fields that hold no value (``MARKDOWN``)."""
    return bool(field.get("control") == "MARKDOWN")


def storage_key(name: str, kind: str) -> str:
    """Give the key under which a case keeps the value of a field."""
    return f"{name}_as_{kind}"


def key_of(field: Json) -> str:
    """Give the storage key of an inline field."""
    return storage_key(field["name"], field["type"])


def label_of(field: Json) -> str:
    """Give the label of an inline field; its name if it has none."""
    return str(field.get("label", field["name"]))


def parse_field(definition: str) -> Json | None:
    """Give the inline field that a YAML text defines, None if it defines none."""
    try:
        value = templates_yaml.load(definition)
    except BadRequest:
        return None
    issues: list[Issue] = []
    field = inline_shape(value, (), issues)
    return None if issues else field


def parse_fields(definitions: Iterable[Json]) -> list[Json]:
    """Give the inline fields of definitions of the library; those that cannot be read are left out."""
    parsed = (parse_field(definition["definition"]) for definition in definitions)
    return [field for field in parsed if field is not None]


def normal_name(name: str) -> str:
    """Give the form of a field's name in which names are compared."""
    return name.strip().lower()


def folded_name(name: str) -> str:
    """Give the camel-case form in which Kibana's pages read a name: two names with one form are twins."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)
    return "".join(word.capitalize() for word in words)


def check_names(fields: Iterable[Json], stored: Iterable[str] = ()) -> None:
    """Raise ``BadRequest`` if a field has a name that no new field may have.

    Names among ``stored``, those the template had before, stay allowed as they are, but a new name may not be
    the twin of one of them.
    """
    kept = set(stored)
    folded = {folded_name(name): name for name in kept}
    for field in fields:
        name = field.get("name")
        if name is None or name in kept or is_display_only(field):
            continue
        _check_name(name, field.get("type", _LONGEST_TYPE), folded.get(folded_name(name)))


def _check_name(name: str, kind: str, twin: str | None) -> None:
    key = storage_key(name, kind)
    if not re.fullmatch(r"[A-Za-z0-9_]+", key):
        raise BadRequest(
            f'Field name "{name}" must contain only letters (A-Z, a-z), digits, and underscores. '
            "Renaming a field doesn't move values already stored under the old name."
        )
    if len(key) > limits.EXTENDED_FIELD_KEY:
        raise BadRequest(
            f'Field name "{name}" is too long. The storage key built from the name and field type '
            f"can't exceed {limits.EXTENDED_FIELD_KEY} characters. Use a shorter name."
        )
    if twin is not None:
        raise BadRequest(
            f'Field name "{name}" conflicts with the existing field "{twin}". '
            "Kibana reads both names as the same key, so the two fields would show each other's values. "
            "Use a name that differs by more than hyphens, underscores, or capitalization."
        )
