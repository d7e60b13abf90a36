"""The configuration of cases, one per owner and space."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from kibcase.server import limits
from kibcase.server.cases.authorization import authorize, readable
from kibcase.server.cases.bodies import common_fields
from kibcase.server.cases.connectors import mappings_of
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.customfields import check_keys, check_repeated, check_types
from kibcase.server.cases.find import many
from kibcase.server.cases.observable_values import built_in_types
from kibcase.server.cases.store import DocRecord
from kibcase.server.cases.templates_library import Library
from kibcase.server.codec import (
    Codec,
    array,
    as_list,
    boolean,
    decode,
    limited,
    matching,
    nullable,
    one_of,
    safe_integer,
    strict,
    string,
    tagged,
)
from kibcase.server.errors import BadRequest, Conflict, Forbidden, saved_object_missing
from kibcase.server.stack import Stack

_OWNER_QUERY = strict({}, {"owner": many(string, "owner", high=None)})
_DEFAULTS: dict[str, Codec] = {
    "text": limited("defaultValue", 1, limits.CUSTOM_FIELD_TEXT),
    "toggle": boolean,
    "number": safe_integer("defaultValue"),
}


def _key(most: int) -> Codec:
    return matching(
        limited("key", 1, most), "[a-z0-9_-]+", "Key must be lower case, a-z, 0-9, '_', and '-' are allowed"
    )


_CUSTOM_FIELD = tagged(
    "type",
    {
        kind: strict(
            {
                "key": _key(limits.CUSTOM_FIELD_KEY),
                "label": limited("label", 1, limits.CUSTOM_FIELD_LABEL),
                "required": boolean,
                "type": one_of(kind),
            },
            {"defaultValue": nullable(default)},
        )
        for kind, default in _DEFAULTS.items()
    },
)
_OBSERVABLE_TYPE = strict(
    {"key": _key(limits.OBSERVABLE_TYPE_KEY), "label": limited("label", 1, limits.OBSERVABLE_TYPE_LABEL)}
)


@cache
def _fields(stack: Stack) -> dict[str, Codec]:
    case_fields = common_fields(stack)
    template = strict(
        {
            "key": _key(limits.TEMPLATE_KEY),
            "name": limited("name", 1, limits.TEMPLATE_NAME),
            "caseFields": nullable(strict({}, case_fields)),
        },
        {
            "description": limited("description", 0, limits.TEMPLATE_DESCRIPTION),
            "tags": array(
                limited("template's tag", 1, limits.TEMPLATE_TAG), "template's tags", 0, limits.TEMPLATE_TAGS
            ),
        },
    )
    fields = {
        "connector": case_fields["connector"],
        "closure_type": one_of("close-by-user", "close-by-pushing"),
        "customFields": array(_CUSTOM_FIELD, "customFields", 0, limits.CUSTOM_FIELDS),
        "templates": array(template, "templates", 0, limits.TEMPLATES),
    }
    if stack.has_observables:
        fields["observableTypes"] = array(_OBSERVABLE_TYPE, "observableTypes", 0, limits.OBSERVABLE_TYPES)
    if stack.has_templates:
        fields |= {"analytics_enabled": boolean, "extractObservables": boolean}
    return fields


@dataclass(frozen=True, slots=True)
class Configurations:
    """The configurations of every space; raises ``KibanaError`` as Kibana's configure endpoints answer."""

    context: Context
    library: Library

    def get(self, caller: Caller, query: Mapping[str, Any]) -> list[Json]:
        """List the saved configurations (``GET /api/cases/configure``)."""
        owners = as_list(decode(_OWNER_QUERY, dict(query)).get("owner"))
        allowed = readable(caller, "findConfigurations")
        records = self.context.store.configurations(caller.space)
        wanted = allowed & set(owners) if owners else allowed
        return [_shown(record) for record in records if record.doc["owner"] in wanted]

    def create(self, caller: Caller, body: Any) -> Json:
        """Save the configuration of an owner, in the place of a former one (``POST``)."""
        context = self.context
        fields = _fields(context.stack)
        required = {name: fields[name] for name in ("connector", "closure_type")} | {"owner": string}
        optional = {name: codec for name, codec in fields.items() if name not in required}
        request = decode(strict(required, optional), body)
        custom = request.get("customFields")
        check_repeated(custom or (), "customFields")
        self._check_templates(request.get("templates", []), custom)
        _check_types_of_observables(request.get("observableTypes", []), context.stack)
        readable(caller, "createConfiguration")
        authorize(caller, "createConfiguration", [request["owner"]])
        lists: Json = {"customFields": [], "templates": []}
        if context.stack.has_observables:
            lists["observableTypes"] = []
        meta = {"created_at": context.now(), "created_by": caller.user, "updated_at": None, "updated_by": None}
        with context.store.transaction():
            if context.stack.has_templates:
                self.library.ensure_linked(caller.space, request["owner"], custom or ())
            return _shown(context.store.add_configuration(caller.space, context.new_id(), lists | request | meta))

    def update(self, caller: Caller, identifier: str, body: Any) -> Json:
        """Change a configuration by id and version (``PATCH``); left-out templates are removed."""
        context = self.context
        request = decode(strict({"version": string}, _fields(context.stack)), body)
        version = request.pop("version")
        check_repeated(request.get("customFields", []), "customFields")
        _check_types_of_observables(request.get("observableTypes", []), context.stack)
        with context.store.transaction():
            record = self._existing(caller, identifier)
            _check_kept_types(request.get("customFields", []), record.doc["customFields"])
            custom = request.get("customFields", [])
            templates = [_fitted(template, custom) for template in request.get("templates", [])]
            self._check_templates(templates, custom)
            authorize(caller, "updateConfiguration", [record.doc["owner"]])
            if record.version != version:
                raise Conflict(
                    "This configuration has been updated. Please refresh before saving additional updates."
                )
            if context.stack.has_templates and "customFields" in request:
                self.library.ensure_linked(caller.space, record.doc["owner"], custom)
            moved = {"templates": templates, "updated_at": context.now(), "updated_by": caller.user}
            return _shown(context.store.put_configuration(record, record.doc | request | moved))

    def _existing(self, caller: Caller, identifier: str) -> DocRecord:
        for record in self.context.store.configurations(caller.space):
            if record.id == identifier:
                return record
        raise saved_object_missing("cases-configure", identifier)

    def _check_templates(self, templates: Sequence[Json], custom: Sequence[Json] | None) -> None:
        check_repeated(templates, "templates")
        fields = [template["caseFields"] or {} for template in templates]
        if any(field.get("assignees") for field in fields) and not self.context.stack.is_platinum:
            raise Forbidden(
                "In order to assign users to cases, you must be subscribed to an Elastic Platinum license"
            )
        for number, field in enumerate(fields):
            _check_template_fields(number, field.get("customFields", []), custom)


def _check_template_fields(number: int, given: Sequence[Json], custom: Sequence[Json] | None) -> None:
    if custom is None and given:
        raise BadRequest("No custom fields configured.")
    if custom and not given:
        raise BadRequest("No custom fields added to template.")
    check_repeated(given, f"templates[{number}]'s customFields")
    check_keys(given, custom or ())
    check_types(given, custom or ())


def _check_kept_types(given: Sequence[Json], stored: Sequence[Json]) -> None:
    types = {field["key"]: field["type"] for field in stored}
    changed = [f'"{field["label"]}"' for field in given if types.get(field["key"], field["type"]) != field["type"]]
    if changed:
        raise BadRequest(f"Invalid custom field types in request for the following labels: {', '.join(changed)}")


def _check_types_of_observables(given: Sequence[Json], stack: Stack) -> None:
    built_in = built_in_types(stack)
    keys = Counter(key.lower() for key in [*built_in, *(item["key"] for item in given)])
    labels = Counter(label.lower() for label in [*built_in.values(), *(item["label"] for item in given)])
    twice = [item["label"] for item in given if keys[item["key"].lower()] > 1 or labels[item["label"].lower()] > 1]
    if twice:
        names = ",".join(dict.fromkeys(label.lower() for label in twice))
        raise BadRequest(f"Invalid duplicated observable types in request: {names}")


def _fitted(template: Json, custom: Sequence[Json]) -> Json:
    fields = template["caseFields"] or {}
    configured = {field["key"] for field in custom}
    kept = [field for field in fields.get("customFields", []) if field["key"] in configured]
    present = {field["key"] for field in kept}
    added = [
        {"key": field["key"], "type": field["type"], "value": field.get("defaultValue", _blank(field["type"]))}
        for field in custom
        if field["key"] not in present
    ]
    return template | {"caseFields": fields | {"customFields": [*kept, *added]}}


def _blank(kind: str) -> bool | None:
    return False if kind == "toggle" else None


def _shown(record: DocRecord) -> Json:
    connector = record.doc["connector"]
    return {"id": record.id, "version": record.version, "error": None} | record.doc | {
        "mappings": mappings_of(connector["type"])
    }
