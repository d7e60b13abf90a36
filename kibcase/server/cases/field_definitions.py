"""The field library: definitions of fields that templates refer to and that global fields of all cases come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kibcase.server import limits
from kibcase.server.cases.authorization import authorize
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.customfields import configured_fields
from kibcase.server.cases.field_definitions_links import link_of
from kibcase.server.cases.field_definitions_schema import (
    FIELD_WRITE,
    check_names,
    is_reference,
    normal_name,
    parse_field,
)
from kibcase.server.cases.templates_definition import parse_definition
from kibcase.server.cases.templates_issues import Issue, issues_text
from kibcase.server.cases.templates_library import Library
from kibcase.server.cases.templates_query import (
    choice,
    flag,
    identifier_of,
    number_of,
    order,
    paged,
    read_query,
    text,
    texts,
)
from kibcase.server.cases.templates_yaml import load
from kibcase.server.codec import UNDEFINED
from kibcase.server.errors import BadRequest, Conflict, Forbidden, NotFound, saved_object_missing

_LIST = {
    "owner": texts(50, 10, needed=True), "isGlobal": flag(None), "page": number_of(1, 1),
    "perPage": number_of(20, 1, 100), "sortField": choice(None, "name", "owner", "isGlobal", "displayOrder"),
    "sortOrder": choice(None, "asc", "desc"), "search": text(1000),
}
_WRITE = {"dry_run": flag(default=False)}
_PUBLIC = ("fieldDefinitionId", "name", "definition", "owner", "description", "isGlobal", "displayOrder")


@dataclass(frozen=True, slots=True)
class FieldDefinitions:
    """The field definitions of every space (``/api/cases/field_definitions``, 9.5).

    Every method raises ``KibanaError`` with the status and text of Kibana Cases API.
    """

    context: Context
    library: Library

    def find(self, caller: Caller, query: Mapping[str, Any]) -> Json:
        """Read a page of the definitions of some owners."""
        asked = read_query(_LIST, query)
        if not asked["owner"]:
            raise BadRequest("owner is required")
        authorize(caller, "getFieldDefinitions", asked["owner"])
        needle = (asked["search"] or "").lower()
        found = [
            _shown(entry)
            for entry in self.library.store.fields(caller.space, asked["owner"])
            if (asked["isGlobal"] is not True or entry.get("isGlobal"))
            and (needle in entry["name"].lower() or needle in entry.get("description", "").lower())
        ]
        # Kibana sorts downwards unless it is told "asc".
        ordered = order(found, asked["sortField"], asked["sortOrder"] or "desc", "name")
        return {
            "fieldDefinitions": paged(ordered, asked["page"], asked["perPage"]),
            "page": asked["page"], "perPage": asked["perPage"], "total": len(found),
        }

    def get(self, caller: Caller, identifier: str) -> Json:
        """Read one definition; takes the right to manage templates."""
        entry = self._existing(caller, identifier)
        self._authorize(caller, entry)
        return _shown(entry)

    def create(self, caller: Caller, query: Mapping[str, Any], body: Any) -> Json:
        """Save a new definition; with ``dry_run`` only check it."""
        dry = read_query(_WRITE, query)["dry_run"]
        request, field = _decoded(body)
        store, space = self.library.store, caller.space
        authorize(caller, "manageTemplate", [request["owner"]])
        with self.context.store.transaction():
            library = store.fields(space, [request["owner"]])
            if len(library) >= limits.FIELD_DEFINITIONS_PER_OWNER:
                raise BadRequest(
                    f"Cannot create more than {limits.FIELD_DEFINITIONS_PER_OWNER} field definitions per owner."
                )
            for entry in library:
                if entry["name"].lower() == request["name"].lower():
                    raise Conflict(f'A field definition with name "{entry["name"]}" already exists for this owner.')
            _check_named_alike(request, field)
            check_names([field])
            if dry:
                return {"valid": True}
            entry = request | {"fieldDefinitionId": self.context.new_id()}
            store.put_field(space, entry)
        return _shown(entry)

    def update(self, caller: Caller, identifier: str, query: Mapping[str, Any], body: Any) -> Json:
        """Change a definition; its owner, name and type stay as they are. With ``dry_run`` only check it."""
        dry = read_query(_WRITE, query)["dry_run"]
        identifier_of("field_definition_id", identifier)
        request, field = _decoded(body)
        with self.context.store.transaction():
            entry = self._existing(caller, identifier)
            self._authorize(caller, entry)
            if request["owner"] != entry["owner"]:
                raise BadRequest(
                    f"Cannot change the owner of a field definition. Current owner: {entry['owner']}"
                )
            _check_named_alike(request, field)
            _check_identity(entry, field)
            if entry.get("isGlobal") and request.get("isGlobal") is False and self._is_linked(caller, entry):
                raise Conflict(
                    f'Cannot remove the global flag from field definition "{entry["name"]}": it is linked to an '
                    "active custom field in the Cases settings. Remove the custom field from the configuration first."
                )
            if dry:
                return {"valid": True}
            changed = entry | request
            self.library.store.put_field(caller.space, changed)
        return _shown(changed)

    def delete(self, caller: Caller, identifier: str) -> None:
        """Delete a definition that no template and no custom field needs."""
        identifier_of("field_definition_id", identifier)
        with self.context.store.transaction():
            entry = self._existing(caller, identifier)
            self._authorize(caller, entry)
            users = self._users(caller, entry)
            if users:
                names = ", ".join(f'"{name}"' for name in users)
                raise Conflict(
                    f'Cannot delete field definition "{entry["name"]}": it is referenced by {len(users)} '
                    f"active template(s): {names}"
                )
            if self._is_linked(caller, entry):
                raise Conflict(
                    f'Cannot delete field definition "{entry["name"]}": it is linked to an active custom field '
                    "in the Cases settings. Remove the custom field from the configuration first."
                )
            self.library.store.delete_field(caller.space, identifier)

    def _existing(self, caller: Caller, identifier: str) -> Json:
        entry = self.library.store.field(caller.space, identifier_of("field_definition_id", identifier))
        if entry is None:
            raise saved_object_missing("cases-field-definition", identifier)
        return entry

    def _authorize(self, caller: Caller, entry: Json) -> None:
        # Who may not even read the library is not told that the definition exists.
        try:
            authorize(caller, "manageTemplate", [entry["owner"]])
        except Forbidden:
            try:
                authorize(caller, "getFieldDefinitions", [entry["owner"]])
            except Forbidden as error:
                raise NotFound(f"Field definition with id {entry['fieldDefinitionId']} not found") from error
            raise

    def _users(self, caller: Caller, entry: Json) -> list[str]:
        name = normal_name(entry["name"])
        return [
            template["name"]
            for template in self.library.store.latest(caller.space, [entry["owner"]])
            if any(
                is_reference(field) and normal_name(field["$ref"]) == name
                for field in parse_definition(template["definition"])["fields"]
            )
        ]

    def _is_linked(self, caller: Caller, entry: Json) -> bool:
        configured = configured_fields(self.context.store.configurations(caller.space)).get(entry["owner"], [])
        library = self.library.store.fields(caller.space, [entry["owner"]])
        found = (link_of(custom, library)[0] for custom in configured)
        return any(
            linked is not None and linked["fieldDefinitionId"] == entry["fieldDefinitionId"] for linked in found
        )


def _decoded(body: Any) -> tuple[Json, Json]:
    issues: list[Issue] = []
    request: Json = FIELD_WRITE(UNDEFINED if body is None else body, (), issues)
    if issues:
        raise BadRequest(f"Invalid request body: {issues_text(issues)}")
    load(request["definition"])
    field = parse_field(request["definition"])
    if field is None:
        raise BadRequest(
            'Invalid field definition: the YAML must contain a valid field schema with at least a "name" and "type".'
        )
    name: str = ({"name": field["name"]} | request)["name"]
    if len(name) > limits.FIELD_NAME:
        raise BadRequest(f"Field name must not exceed {limits.FIELD_NAME} characters")
    return request | {"name": name}, field


def _check_named_alike(request: Json, field: Json) -> None:
    if request["name"] != field["name"]:
        raise BadRequest(
            f'The name attribute ("{request["name"]}") must match the name in the YAML definition '
            f'("{field["name"]}").'
        )


def _check_identity(entry: Json, field: Json) -> None:
    before = parse_field(entry["definition"])
    changed = ["name"] if field["name"] != entry["name"] else []
    if before is not None and before["type"] != field["type"]:
        changed.append("type")
    if changed:
        raise Conflict(
            f'Cannot change the {" or ".join(changed)} of field definition "{entry["name"]}". A field\'s name and '
            "type determine how its values are stored in case data and Cases analytics, so they cannot be changed "
            "after creation.",
            attributes={"code": "field_identity_immutable", "changed": changed},
        )


def _shown(entry: Json) -> Json:
    return {name: entry[name] for name in _PUBLIC if name in entry}
