"""Templates: what new cases start from, kept in versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kibcase.server import limits
from kibcase.server.cases.authorization import authorize, readable
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.field_definitions_schema import check_names
from kibcase.server.cases.patching import Patching
from kibcase.server.cases.templates_definition import (
    TEMPLATE_WRITE,
    names_in,
    parse_definition,
    resolve_fields,
    summaries,
)
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
    texts,
)
from kibcase.server.codec import UNDEFINED
from kibcase.server.errors import BadRequest, Conflict, NotFound

_SORTS = (
    "templateId", "name", "templateVersion", "owner", "deletedAt", "author", "usageCount", "fieldCount", "lastUsedAt",
    "isDefault", "isLatest",
)
_LIST = {
    "page": number_of(1, 1, limits.DOCUMENTS), "perPage": number_of(20, 1, limits.DOCUMENTS),
    "sortField": choice("name", *_SORTS), "sortOrder": choice("asc", "asc", "desc"), "search": texts(1000),
    "tags": texts(), "author": texts(), "owner": texts(), "isEnabled": flag(None),
}
_WRITE = {"dry_run": flag(default=False)}
_READ = {"version": number_of(None)}


@dataclass(frozen=True, slots=True)
class Templates:
    """The templates of every space (``/api/cases/templates``, 9.5).

    Every method raises ``KibanaError`` with the status and text of Kibana Cases API.
    """

    context: Context
    library: Library
    patching: Patching

    def find(self, caller: Caller, query: Mapping[str, Any]) -> Json:
        """Read a page of the latest versions; deleted templates are not among them."""
        asked = read_query(_LIST, query)
        owners = readable(caller, "getTemplates")
        wanted = [owner for owner in asked["owner"] or sorted(owners) if owner in owners]
        needle = "".join(asked["search"]).lower()
        found = [
            self._parsed(caller, template) | {"fieldSearchMatches": _in_fields(template, needle)}
            for template in self.library.store.latest(caller.space, wanted)
            if _fits(template, asked, needle)
        ]
        ordered = order(found, asked["sortField"], asked["sortOrder"], "templateId")
        page = paged(ordered, asked["page"], asked["perPage"])
        return {"page": asked["page"], "perPage": asked["perPage"], "total": len(found), "templates": page}

    def get(self, caller: Caller, identifier: str, query: Mapping[str, Any]) -> Json:
        """Read one version of a template, the latest unless told otherwise."""
        version = read_query(_READ, query)["version"]
        template = self._existing(caller, identifier_of("template_id", identifier), version)
        authorize(caller, "getTemplates", [template["owner"]])
        return self._parsed(caller, template)

    def create(self, caller: Caller, query: Mapping[str, Any], body: Any) -> Json:
        """Save a new template; with ``dry_run`` only check it."""
        dry = read_query(_WRITE, query)["dry_run"]
        request = _decoded(body)
        definition = parse_definition(request["definition"])
        check_names(definition["fields"])
        authorize(caller, "manageTemplate", [request["owner"]])
        store, space = self.library.store, caller.space
        with self.context.store.transaction():
            if len(store.latest(space, [request["owner"]])) >= limits.TEMPLATES_PER_OWNER:
                raise BadRequest(f"Cannot create more than {limits.TEMPLATES_PER_OWNER} templates per owner.")
            doc = self._doc(caller, request, definition, None)
            if dry:
                return {"valid": True}
            store.add_template(space, doc)
        return self._parsed(caller, doc)

    def update(self, caller: Caller, identifier: str, query: Mapping[str, Any], body: Any) -> Json:
        """Save a new version of a template in full; with ``dry_run`` only check it."""
        identifier_of("template_id", identifier)
        dry = read_query(_WRITE, query)["dry_run"]
        request = _decoded(body)
        definition = parse_definition(request["definition"])
        with self.context.store.transaction():
            before = self._existing(caller, identifier)
            authorize(caller, "manageTemplate", [before["owner"], request["owner"]])
            check_names(definition["fields"], names_in(parse_definition(before["definition"])["fields"]))
            doc = self._doc(caller, request, definition, before)
            if dry:
                return {"valid": True}
            self.library.store.add_template(caller.space, doc)
        return self._parsed(caller, doc)

    def delete(self, caller: Caller, identifier: str) -> None:
        """Delete a template in all versions; its cases keep their values and lose the reference."""
        identifier_of("template_id", identifier)
        store = self.context.store
        with store.transaction():
            template = self._existing(caller, identifier)
            authorize(caller, "manageTemplate", [template["owner"]])
            rows = store.select(
                "id", "space = ? AND json_extract(doc, '$.template.id') = ?", (caller.space, identifier)
            )
            names = [row["id"] for row in rows]
            for start in range(0, len(names), limits.CASES_PER_PATCH):
                found = store.cases(caller.space, names[start : start + limits.CASES_PER_PATCH])
                entries = [{"id": case.id, "version": case.version, "template": None} for case in found.values()]
                self.patching.patch(caller, {"cases": entries})
            self.library.store.mark_deleted(caller.space, identifier, self.context.now())

    def _existing(self, caller: Caller, identifier: str, version: int | None = None) -> Json:
        template = self.library.template(caller.space, identifier, version)
        if template is None or template["deletedAt"] is not None:
            raise NotFound(f"Template with id {identifier} not found")
        return template

    def _doc(self, caller: Caller, request: Json, definition: Json, before: Json | None) -> Json:
        if len(definition["fields"]) > limits.FIELDS_PER_TEMPLATE:
            raise BadRequest(f"A template cannot have more than {limits.FIELDS_PER_TEMPLATE} fields.")
        name = request.get("name") or definition.get("name")
        if not name:
            raise BadRequest("Template name is required.")
        if len(name) > limits.TEMPLATE_NAME:
            raise BadRequest(f"Template name must not exceed {limits.TEMPLATE_NAME} characters")
        identifier = self.context.new_id() if before is None else before["templateId"]
        self._check_name(caller, request["owner"], name, identifier)
        fields = resolve_fields(definition["fields"], self.library.store.fields(caller.space, [request["owner"]]))
        former = before or {"author": caller.user["username"], "templateVersion": 0}
        kept = {key: former[key] for key in ("author", "usageCount", "lastUsedAt") if key in former}
        given = {key: request[key] for key in ("description", "tags") if key in request}
        return given | kept | {
            "templateId": identifier, "name": name, "owner": request["owner"], "definition": request["definition"],
            "templateVersion": former["templateVersion"] + 1, "deletedAt": None, "isLatest": True,
            "isEnabled": request.get("isEnabled", former.get("isEnabled", True)),
            "fieldCount": len(definition["fields"]), "fieldDefinitions": summaries(fields),
        }

    def _check_name(self, caller: Caller, owner: str, name: str, identifier: str) -> None:
        for other in self.library.store.latest(caller.space, [owner]):
            if other["templateId"] != identifier and other["name"].lower() == name.lower():
                raise Conflict(f'A template with name "{other["name"]}" already exists for this owner.')

    def _parsed(self, caller: Caller, template: Json) -> Json:
        latest = template if template["isLatest"] else self.library.template(caller.space, template["templateId"])
        return template | {
            "definition": parse_definition(template["definition"]),
            "definitionString": template["definition"],
            "latestVersion": (latest or template)["templateVersion"],
        }


def _decoded(body: Any) -> Json:
    issues: list[Issue] = []
    request: Json = TEMPLATE_WRITE(UNDEFINED if body is None else body, (), issues)
    if issues:
        raise BadRequest(f"Invalid request body: {issues_text(issues)}")
    return request


def _in_fields(template: Json, needle: str) -> bool:
    fields = template["fieldDefinitions"]
    return bool(needle) and any(needle in field[key].lower() for field in fields for key in ("label", "name"))


def _fits(template: Json, asked: Mapping[str, Any], needle: str) -> bool:
    if asked["isEnabled"] is not None and template["isEnabled"] is not asked["isEnabled"]:
        return False
    if asked["tags"] and not set(asked["tags"]) & set(template.get("tags", ())):
        return False
    if asked["author"] and template.get("author") not in asked["author"]:
        return False
    texts_ = (template["name"], template.get("description", ""))
    return not needle or any(needle in text.lower() for text in texts_) or _in_fields(template, needle)
