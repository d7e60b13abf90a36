"""One custom field of one case (``PUT /internal/cases/{id}/custom_fields/{key}``)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kibcase.server import limits
from kibcase.server.cases import activity
from kibcase.server.cases.authorization import authorize
from kibcase.server.cases.bodies import common_fields
from kibcase.server.cases.cases import custom_fields_of, remember
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.patching import check_activity
from kibcase.server.cases.patching_fields import FieldChanges
from kibcase.server.cases.templates_library import Library
from kibcase.server.codec import boolean, decode, limited, null, safe_integer, strict, string, union
from kibcase.server.errors import BadRequest, Conflict

_VALUE = union(boolean, null, limited("value", 1, limits.CUSTOM_FIELD_TEXT), safe_integer("value"))
_REQUEST = strict({"value": _VALUE, "caseVersion": string})


@dataclass(frozen=True, slots=True)
class CustomFieldValues:
    """Replaces the value of one custom field without a word about the others.

    Where the stack has templates, the extended field that the custom field is linked to follows.
    """

    context: Context
    library: Library

    def replace(self, caller: Caller, case_id: str, key: str, body: Any) -> Json:
        """Set a value and give the field ``{key, type, value}``.

        Raises ``NotFound``, ``Conflict`` for a stale ``caseVersion``, ``BadRequest`` for a field that is not
        configured, a value of another type or null for a required field.
        """
        context = self.context
        request = decode(_REQUEST, body)
        with context.store.transaction():
            record = context.case(caller, case_id)
            if record.version != request["caseVersion"]:
                raise Conflict(
                    f"This case {record.id} has been updated. Please refresh before saving additional updates."
                )
            authorize(caller, "updateCase", [record.doc["owner"]])
            configured = custom_fields_of(context, caller.space).get(record.doc["owner"], [])
            field = _checked(configured, key, request["value"])
            others = [each for each in record.doc["customFields"] if each["key"] != key]
            fields = decode(common_fields(context.stack)["customFields"], [field, *others])
            check_activity(context, record, 1)
            changes: Json = {"customFields": fields}
            linked = FieldChanges(self.library, caller.space, record, {"customFields": [field]})
            mirrored = linked.settle(changes, configured if context.stack.has_templates else ())
            moved = {"updated_at": context.now(), "updated_by": caller.user}
            context.store.put_case(record.number, record.doc | changes | moved, reserved=record.reserved)
            remember(context, caller, record, activity.changed(record.doc, changes, {}, mirrored=mirrored))
        return field


def _checked(configured: Iterable[Json], key: str, value: Any) -> Json:
    found = next((each for each in configured if each["key"] == key), None)
    if found is None:
        raise BadRequest("cannot find custom field")
    if value is None and found["required"]:
        raise BadRequest("Custom field value cannot be null or undefined.")
    return {"key": key, "type": found["type"], "value": value}
