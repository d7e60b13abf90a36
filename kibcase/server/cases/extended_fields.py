"""Values of extended fields against the definitions of their fields (Kibana's ``validate_extended_fields``); pure.

``values`` is a map from storage key (``<name>_as_<type>``) to string, ``fields`` are resolved inline fields.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kibcase.server import limits
from kibcase.server.cases.field_definitions_schema import is_display_only, key_of, label_of
from kibcase.server.errors import BadRequest
from kibcase.server.jstext import length, trim

Json = dict[str, Any]
Values = Mapping[str, str]
_ARRAYS: Final = ("CHECKBOX_GROUP", "USER_PICKER")
_CHOICES: Final = ("SELECT_BASIC", "RADIO_GROUP")


@dataclass(frozen=True, slots=True)
class _Form:
    """The fields that hold values, by name, and their values."""

    fields: Mapping[str, Json]
    values: Mapping[str, str | None]

    @classmethod
    def of(cls, fields: Sequence[Json], values: Values) -> _Form:
        return cls(
            {field["name"]: field for field in fields},
            {field["name"]: values.get(key_of(field)) for field in fields},
        )

    def holds(self, condition: Json | None) -> bool:
        """Tell whether a condition is met; one about an unknown field always is."""
        if condition is None:
            return True
        if "rules" in condition:
            met = [self._rule(rule) for rule in condition["rules"]]
            return any(met) if condition["combine"] == "any" else all(met)
        return self._rule(condition)

    def _rule(self, rule: Json) -> bool:
        field = self.fields.get(rule["field"])
        if field is None:
            return True
        value, operand = self.values[rule["field"]] or "", as_text(rule.get("value"))
        if field["control"] in _ARRAYS and rule["operator"] in ("contains", "empty", "not_empty"):
            return _array_rule(_parsed_list(value), rule["operator"], operand)
        return {
            "eq": value == operand,
            "neq": value != operand,
            "contains": operand in value if self.values[rule["field"]] is not None else False,
            "empty": value == "",
            "not_empty": value != "",
        }[rule["operator"]]

    def shows(self, field: Json) -> bool:
        """Tell whether a field is on the form."""
        return self.holds(field.get("display", {}).get("show_when"))

    def requires(self, field: Json) -> bool:
        """Tell whether a field must have a value now."""
        rules = field.get("validation", {})
        return bool(rules.get("required")) or ("required_when" in rules and self.holds(rules["required_when"]))

    def lacks(self, field: Json) -> bool:
        """Tell whether a field has no value."""
        value = self.values[field["name"]]
        return value in (None, "") or (field["control"] in _ARRAYS and value == "[]")


def _array_rule(items: list[Any], operator: str, operand: str) -> bool:
    if operator == "contains":
        return any((item.get("uid") if isinstance(item, dict) else item) == operand for item in items)
    return bool(items) == (operator == "not_empty")


def _parsed_list(value: str) -> list[Any]:
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return []
    return parsed if isinstance(parsed, list) else []


def as_text(value: Any) -> str:
    """Give a default or operand as the string that is stored: lists as JSON, null as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False) if isinstance(value, list) else str(value)


def defaults_of(fields: Sequence[Json]) -> dict[str, str]:
    """Give the default of every field that holds a value; the empty string for those without one."""
    return {
        key_of(field): as_text(field.get("metadata", {}).get("default"))
        for field in fields
        if not is_display_only(field)
    }


def without_shadowed(template: Sequence[Json], global_fields: Sequence[Json]) -> list[Json]:
    """Leave out the template's fields whose storage key belongs to a global field: the global one decides."""
    taken = {key_of(field) for field in global_fields}
    return [field for field in template if key_of(field) not in taken]


def check_values(
    values: Values, template: Sequence[Json] | None, global_fields: Sequence[Json], *, partial: bool
) -> None:
    """Raise ``BadRequest`` unless values fit the template's fields and the global ones.

    ``template`` None means no template; ``partial`` that fields may be left out, as in a PATCH.
    """
    shared = {key_of(field) for field in global_fields}
    if template is not None:
        own = {key: value for key, value in values.items() if key not in shared}
        _refuse(errors_in(own, without_shadowed(template, global_fields), partial=partial))
        values = {key: value for key, value in values.items() if key in shared}
    _refuse(errors_in(values, global_fields, partial=partial))


def check_required(values: Values, fields: Sequence[Json]) -> None:
    """Raise ``BadRequest`` if a field that is required lacks a value; values themselves are not looked at."""
    form = _Form.of([field for field in fields if not is_display_only(field)], values)
    _refuse([_required(field) for field in form.fields.values() if _is_missing(form, field)])


def check_on_close(case_id: str, values: Values, template: Sequence[Json], global_fields: Sequence[Json]) -> None:
    """Raise ``BadRequest`` if a field lacks a value that the case must have to be closed."""
    fields = [*global_fields, *without_shadowed(template, global_fields)]
    form = _Form.of(fields, values)
    errors = [
        _required(field)
        for field in fields
        if not is_display_only(field)
        and field.get("validation", {}).get("required_on_close")
        and form.shows(field)
        and form.lacks(field)
    ]
    if errors:
        raise BadRequest(f"Cannot close case {case_id}, required fields must be filled: {'; '.join(errors)}")


def errors_in(values: Values, fields: Sequence[Json], *, partial: bool) -> list[str]:
    """Give what is wrong with values: unknown keys, then sizes, then field by field."""
    writable = [field for field in fields if not is_display_only(field)]
    form = _Form.of(writable, values)
    known = {key_of(field) for field in writable}
    errors = [_unknown(key, fields) for key in values if key not in known]
    errors += [
        f'Extended field "{key}" exceeds the maximum size of {limits.EXTENDED_FIELD_BYTES} bytes'
        for key, value in values.items()
        if len(value.encode()) > limits.EXTENDED_FIELD_BYTES
    ]
    for field in writable:
        value = form.values[field["name"]]
        if (partial and value is None) or not form.shows(field):
            continue
        if not form.lacks(field):
            errors += _field_errors(field, value or "")
        elif form.requires(field):
            errors.append(_required(field))
    return errors


def _is_missing(form: _Form, field: Json) -> bool:
    return form.shows(field) and form.requires(field) and form.lacks(field)


def _required(field: Json) -> str:
    return f'Field "{label_of(field)}" is required'


def _refuse(errors: Sequence[str]) -> None:
    if errors:
        raise BadRequest(f"Invalid extended_fields: {'; '.join(errors)}")


def _unknown(key: str, fields: Sequence[Json]) -> str:
    problem = f'Unknown extended field key: "{key}"'
    base = re.sub(r"_as_[a-z0-9]+$", "", _folded(key))
    matches = [field for field in fields if base in (_folded(field["name"]), _folded(label_of(field)))]
    for field in sorted(matches, key=is_display_only):
        if is_display_only(field):
            return f'{problem}. The "{label_of(field)}" field is display-only and cannot hold a value'
        return f'{problem}. To set the "{label_of(field)}" field, use its key "{key_of(field)}"'
    writable = [field for field in fields if not is_display_only(field)]
    if not writable:
        return f"{problem}. No fields are available for this case"
    return f"{problem}. Available keys: " + ", ".join(f'"{key_of(field)}" ({label_of(field)})' for field in writable)


def _folded(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.lower())


def _field_errors(field: Json, value: str) -> list[str]:
    rules, label, control = field.get("validation", {}), label_of(field), field["control"]
    errors = _pattern_errors(label, value, rules.get("pattern"))
    if control in ("INPUT_TEXT", "TEXTAREA"):
        errors += _length_errors(label, value, rules)
    elif control == "INPUT_NUMBER":
        errors += _number_errors(label, value, rules)
    elif control in _CHOICES:
        options = field["metadata"]["options"]
        errors += [] if value in options else [f'Field "{label}" must be one of: {", ".join(options)}']
    elif control == "CHECKBOX_GROUP":
        options = field["metadata"]["options"]
        invalid = [as_text(item) for item in _parsed_list(value) if as_text(item) not in options]
        errors += [f'Field "{label}" contains invalid options: {", ".join(invalid)}'] if invalid else []
    elif control == "TOGGLE" and value not in ("true", "false"):
        errors.append(f'Field "{label}" must be either true or false')
    return errors


def _pattern_errors(label: str, value: str, pattern: Json | None) -> list[str]:
    if pattern is None:
        return []
    try:
        found = re.search(pattern["regex"], value)
    except (re.error, RecursionError, OverflowError):
        # A pattern that is none holds nobody up; Kibana skips it, too.
        return []
    return [] if found else [pattern.get("message", f'Field "{label}" does not match pattern {pattern["regex"]}')]


def _length_errors(label: str, value: str, rules: Json) -> list[str]:
    errors = []
    if "min_length" in rules and length(value) < rules["min_length"]:
        errors.append(f'Field "{label}" must be at least {rules["min_length"]} characters')
    if "max_length" in rules and length(value) > rules["max_length"]:
        errors.append(f'Field "{label}" must be at most {rules["max_length"]} characters')
    return errors


def _number_errors(label: str, value: str, rules: Json) -> list[str]:
    number = _js_number(value)
    if not math.isfinite(number):
        return [f'Field "{label}" must be a number']
    errors = []
    if "min" in rules and number < rules["min"]:
        errors.append(f'Field "{label}" must be >= {rules["min"]}')
    if "max" in rules and number > rules["max"]:
        errors.append(f'Field "{label}" must be <= {rules["max"]}')
    return errors


def _js_number(text: str) -> float:
    word = trim(text)
    if word == "":
        return 0.0
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,255}|0[oO][0-7]{1,255}|0[bB][01]{1,255}", word):
        return float(int(word, 0))
    return float(word) if re.fullmatch(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", word) else math.nan
