"""Which definition of the field library a configured custom field is linked to, and new ones to link; pure."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Final

from kibcase.server import limits
from kibcase.server.cases import templates_yaml
from kibcase.server.cases.extended_fields_pairing import Link, Links
from kibcase.server.cases.field_definitions_schema import normal_name, parse_field, storage_key

Json = dict[str, Any]
_TYPES: Final = {"number": "integer", "toggle": "boolean", "text": "keyword"}
_CONTROLS: Final = {"number": "INPUT_NUMBER", "toggle": "TOGGLE", "text": "INPUT_TEXT"}
_NAMESPACE: Final = uuid.UUID("2f2b0631-8e28-4f0d-a8ab-f94d4c04a4b6")
_REASONS: Final = {
    "duplicate_legacy_key": "multiple field definitions claim this custom field key",
    "type_mismatch": "the linked field definition has an incompatible type",
    "unparseable_definition": "the linked field definition YAML cannot be parsed",
    "ambiguous_name_match": "multiple field definitions ambiguously match this custom field key",
    "capacity": f"the maximum of {limits.FIELD_DEFINITIONS_PER_OWNER} field definitions per owner is reached",
}


def link_of(custom: Json, library: Sequence[Json]) -> tuple[Json | None, str | None]:
    """Give the definition a custom field (``key``, ``type``) is linked to, or the reason why none is.

    The definition that was made for the key comes first; then a global one of the same type whose name is the key.
    ``no_match`` is the reason if there is just none; every other reason means a broken link.
    """
    claimed = [entry for entry in library if entry.get("legacyKey") == custom["key"]]
    if len(claimed) > 1:
        return None, "duplicate_legacy_key"
    if claimed:
        field = parse_field(claimed[0]["definition"])
        if field is None:
            return None, "unparseable_definition"
        return (claimed[0], None) if field["type"] == _TYPES[custom["type"]] else (None, "type_mismatch")
    free = [entry for entry in library if _is_candidate(entry, custom)]
    exact = [entry for entry in free if entry["name"] == custom["key"]]
    near = exact or [entry for entry in free if normal_name(entry["name"]) == normal_name(custom["key"])]
    if len(near) > 1:
        return None, "ambiguous_name_match"
    return (near[0], None) if near else (None, "no_match")


def _is_candidate(entry: Json, custom: Json) -> bool:
    if "legacyKey" in entry or not entry.get("isGlobal"):
        return False
    field = parse_field(entry["definition"])
    return field is not None and field["type"] == _TYPES[custom["type"]]


def links_of(configured: Iterable[Json], library: Sequence[Json]) -> Links:
    """Give the links of an owner's configured custom fields."""
    links, broken = {}, {}
    for custom in configured:
        entry, reason = link_of(custom, library)
        if entry is not None:
            key = storage_key(entry["name"], _TYPES[custom["type"]])
            links[custom["key"]] = Link(key=custom["key"], type=custom["type"], name=entry["name"], storage=key)
        elif reason not in (None, "no_match", "ambiguous_name_match"):
            broken[custom["key"]] = reason
    return Links(by_key=links, broken=broken)


def blocked_text(blocked: Sequence[tuple[str, str]]) -> str:
    """Write the refusal of a configuration whose custom fields cannot be linked: (key, reason) each."""
    details = "; ".join(f'"{key}" ({_REASONS[reason]})' for key, reason in blocked)
    return (
        "Cannot save the Cases configuration: the following custom fields could not be linked "
        f"to a field definition: {details}. Resolve the field library state and retry."
    )


def new_definition(custom: Json, space: str, owner: str, library: Sequence[Json]) -> Json:
    """Give the definition to make for a custom field, with a name after its label that nobody has."""
    taken = {normal_name(entry["name"]) for entry in library}
    name = _name(custom, taken)
    identifier = str(uuid.uuid5(_NAMESPACE, "\0".join((space, owner, name))))
    return {
        "fieldDefinitionId": identifier, "name": name, "owner": owner, "definition": _definition(custom, name),
        "description": custom["label"], "isGlobal": True, "legacyKey": custom["key"],
    }


def _name(custom: Json, taken: set[str]) -> str:
    digest = hashlib.sha256(custom["key"].encode()).hexdigest()[:8]
    base = re.sub(r"_{2,}", "_", re.sub(r"[^a-z0-9_]+", "_", custom["label"].strip().lower())).strip("_")
    name = base or f"custom_field_{digest}"
    return name if name not in taken else f"{name}_{digest}"


def _definition(custom: Json, name: str) -> str:
    field: Json = {"name": name, "label": custom["label"]}
    if custom["required"]:
        field["validation"] = {"required": True}
    field |= {"type": _TYPES[custom["type"]], "control": _CONTROLS[custom["type"]]}
    if custom.get("defaultValue") is not None:
        field["metadata"] = {"default": custom["defaultValue"]}
    return templates_yaml.dump(field)
