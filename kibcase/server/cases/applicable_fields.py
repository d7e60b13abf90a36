"""Which extended fields a case may have: the owner's global fields and those of its template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kibcase.server import limits
from kibcase.server.cases.authorization import authorize
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.extended_fields import as_text, without_shadowed
from kibcase.server.cases.field_definitions_schema import is_display_only, key_of, label_of
from kibcase.server.cases.templates_library import Library
from kibcase.server.cases.templates_query import identifier_of, read_query, text
from kibcase.server.errors import BadRequest

_QUERY = {"owner": text(limits.OWNER, needed=True), "templateId": text(limits.DEFINITION_ID)}
_LONGEST_CASE_ID = 512


@dataclass(frozen=True, slots=True)
class ApplicableFields:
    """Answers ``GET /api/cases/fields`` and ``GET /api/cases/{id}/fields`` (9.5)."""

    context: Context
    library: Library

    def of_owner(self, caller: Caller, query: Mapping[str, Any]) -> Json:
        """Give the fields of a case to come, ``{"fields": [...]}``; raises ``BadRequest`` or ``Forbidden``."""
        asked = read_query(_QUERY, query)
        authorize(caller, "getFieldDefinitions", [asked["owner"]])
        return self._fields(caller, asked["owner"], asked["templateId"])

    def of_case(self, caller: Caller, case_id: str) -> Json:
        """Give the fields of a case; raises ``NotFound`` or ``Forbidden``."""
        record = self.context.case(caller, identifier_of("case_id", case_id, _LONGEST_CASE_ID))
        authorize(caller, "getCase", [record.doc["owner"]])
        return self._fields(caller, record.doc["owner"], (record.doc.get("template") or {}).get("id"))

    def _fields(self, caller: Caller, owner: str, identifier: str | None) -> Json:
        shared = self.library.global_fields(caller.space, owner)
        own: list[Json] = []
        if identifier:
            template = self.library.template(caller.space, identifier)
            if template is None or template["owner"] != owner:
                raise BadRequest(f"Template {identifier} not found")
            own = without_shadowed(self.library.resolved(caller.space, template), shared)
        found = [_described(field, "global") for field in shared] + [_described(field, "template") for field in own]
        return {"fields": list({field["key"]: field for field in reversed(found)}.values())[::-1]}


def _described(field: Json, source: str) -> Json:
    rules, metadata = field.get("validation", {}), field.get("metadata", {})
    described = {
        "key": key_of(field), "name": field["name"], "label": label_of(field), "type": field["type"],
        "control": field["control"], "required": rules.get("required") is True,
        "requiredOnClose": rules.get("required_on_close") is True, "displayOnly": is_display_only(field),
    }
    if "options" in metadata:
        described["options"] = metadata["options"]
    if "default" in metadata:
        described["defaultValue"] = as_text(metadata["default"])
    return described | {"source": source, "isGlobal": source == "global"}
